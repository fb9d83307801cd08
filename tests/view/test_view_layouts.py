"""Arrays computed for the views, and which panels each view shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets._errors import AxisError, ShapeError
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from nsm_widgets.view import (
    MOST_NAMED_LINES,
    PALETTE,
    ColorDomain,
    Panel,
    addressing_stages,
    arrays_of,
    attention_layout,
    explorer_layout,
    heatmap_layout,
    line_colors,
    line_values,
    lines_layout,
    memory_change,
    memory_layout,
    read_write_layout,
    tick_steps,
    tick_values,
    with_derived,
)
from nsm_widgets.view._layouts import MANY_HEADS
from nsm_widgets.view.panels import HeatmapPanel, LinesPanel, ThumbnailsPanel
from tests.panels import of_kind

RANDOM = np.random.default_rng(1)
TIME, BATCH, SLOT, WORD = 5, 2, 4, 3
STAGES = ("content_weights", "gated_weights", "shifted_weights", "weights")


def weights(*shape: int) -> np.ndarray:
    """Weightings that sum to 1 along the last axis."""
    raw = RANDOM.random(shape)
    normalised: np.ndarray = raw / raw.sum(axis=-1, keepdims=True)
    return normalised


def ntm_arrays(*, read_heads: int = 2, write_heads: int = 1) -> dict[str, np.ndarray]:
    """All that a recorder would find in an NTM."""
    arrays: dict[str, np.ndarray] = {
        "memory": RANDOM.normal(size=(TIME, BATCH, SLOT, WORD)),
        "initial_memory": RANDOM.normal(size=(BATCH, SLOT, WORD)),
        "input": RANDOM.random((TIME, BATCH, 6)),
        "output": RANDOM.random((TIME, BATCH, 5)),
    }
    for side, heads in (("read", read_heads), ("write", write_heads)):
        for stage in STAGES:
            arrays[f"{side}_{stage}"] = weights(TIME, BATCH, heads, SLOT)
        for scalar in ("strength", "gate", "sharpening"):
            arrays[f"{side}_{scalar}"] = RANDOM.random((TIME, BATCH, heads))
    return arrays


def ntm_trace(**heads: int) -> Trace:
    return Trace.from_arrays(ntm_arrays(**heads))


def only(*names: str) -> Trace:
    """A trace with some of the arrays of an NTM."""
    arrays = ntm_arrays()
    return Trace.from_arrays({name: arrays[name] for name in names})


def panels(layout: tuple[tuple[Panel, ...], ...]) -> list[list[str]]:
    """The layout as ids."""
    return [[panel.id for panel in row] for row in layout]


@pytest.mark.parametrize("with_initial", [True, False], ids=["with initial memory", "without"])
def test_memory_change_is_that_of_a_slow_loop(with_initial: bool) -> None:
    """The Euclidean norm of each slot's step; unknown (NaN) where the memory before it is."""
    trace = ntm_trace() if with_initial else only("memory")
    memory = trace["memory"].values
    expected = np.full((TIME, BATCH, SLOT), np.nan)
    for t in range(TIME):
        for b in range(BATCH):
            for s in range(SLOT):
                if t > 0:
                    before = memory[t - 1, b, s]
                elif with_initial:
                    before = trace["initial_memory"].values[b, s]
                else:
                    continue
                expected[t, b, s] = sum((memory[t, b, s, w] - before[w]) ** 2 for w in range(WORD)) ** 0.5
    change = memory_change(trace)
    np.testing.assert_allclose(change.values, expected, rtol=1e-6)
    assert change.dims == ("time", "batch", "slot")
    assert change.dtype == np.float32


def test_memory_change_over_training_iterations() -> None:
    """Iterations stay apart and lead, as in every trace."""
    values = RANDOM.normal(size=(2, TIME, SLOT, WORD))
    trace = Trace(NamedArray("memory", values, dims=("iteration", "time", "slot", "word")))
    change = memory_change(trace)
    assert change.dims == ("iteration", "time", "slot")
    expected = np.linalg.norm(values[:, 1:] - values[:, :-1], axis=-1)
    np.testing.assert_allclose(change.values[:, 1:], expected, rtol=1e-6)
    assert np.isnan(change.values[:, 0]).all()
    assert trace.assign(change)["memory_change"] is change


def test_memory_change_of_any_order_of_axes() -> None:
    """Word may come before slot; labels of the axes kept go along."""
    values = RANDOM.normal(size=(TIME, WORD, SLOT))
    array = NamedArray("memory", values, dims=("time", "word", "slot"), coords={"slot": list("abcd")})
    change = memory_change(Trace(array))
    np.testing.assert_allclose(change.values[1:], np.linalg.norm(np.diff(values, axis=0), axis=1), rtol=1e-6)
    assert change.labels("slot") == ("a", "b", "c", "d")


def test_memory_change_of_what_is_not_finite() -> None:
    """From infinity to infinity is not known; into infinity is infinite; no warning is raised."""
    values = np.array([1.0, np.inf, np.inf, np.nan]).reshape(4, 1, 1)
    change = memory_change(Trace(NamedArray("memory", values, dims=("time", "slot", "word"))))
    np.testing.assert_array_equal(change.values.reshape(-1), [np.nan, np.inf, np.nan, np.nan])


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({}, "memory must have axes (time, batch, slot, word), got none."),
        ({"memory": ("slot", "word")}, "memory must have axes (time, batch, slot, word), got (slot, word)."),
        (
            {"memory": ("time", "slot", "word"), "initial_memory": ("batch", "slot", "word")},
            "must be one step of memory, (slot: 2, word: 2), got (batch: 2, slot: 2, word: 2).",
        ),
    ],
    ids=["no memory", "no time", "initial memory of other axes"],
)
def test_memory_change_refuses(arrays: Mapping[str, tuple[str, ...]], text: str) -> None:
    """It needs a memory that changes with time, and an initial memory that is one step of it."""
    trace = Trace(*(NamedArray(name, np.ones((2,) * len(dims)), dims) for name, dims in arrays.items()))
    with pytest.raises(ShapeError) as error:
        memory_change(trace)
    assert text in str(error.value)


def test_an_initial_memory_of_another_size_is_not_broadcast() -> None:
    """One initial slot is not every slot's beginning."""
    trace = Trace(NamedArray("memory", np.ones((2, 3, 1)), ("time", "slot", "word")))
    initial = NamedArray("initial_memory", np.ones((1, 1)), ("slot", "word"))
    with pytest.raises(ShapeError, match=r"got \(slot: 1, word: 1\)"):
        memory_change(trace.assign(initial))


@pytest.mark.parametrize("side", ["read", "write"])
def test_addressing_stages_stack_what_was_recorded(side: str) -> None:
    """Every stage at its place, in the order of computation, value for value."""
    trace = ntm_trace()
    stages = addressing_stages(trace, side)
    assert stages is not None
    assert stages.dims == ("time", "batch", "head", "stage", "slot")
    assert stages.labels("stage") == ("content", "gated", "shifted", "final")
    for t in range(TIME):
        for i, stage in enumerate(STAGES):
            np.testing.assert_array_equal(stages.values[t, :, :, i], trace[f"{side}_{stage}"].values[t])


def test_addressing_stages_need_all_of_them() -> None:
    """Where a stage was not recorded there is nothing to compare."""
    assert addressing_stages(only("read_weights", "read_content_weights"), "read") is None


def test_addressing_stages_of_different_sizes_are_refused() -> None:
    """Stages of different heads do not stack."""
    arrays = ntm_arrays()
    arrays["read_gated_weights"] = arrays["read_gated_weights"][:, :, :1]
    with pytest.raises(ShapeError, match="read_gated_weights must have the axes and sizes of read_weights"):
        addressing_stages(Trace.from_arrays(arrays), "read")


def test_with_derived_adds_what_views_compute() -> None:
    """All derived arrays of a full trace; nothing where there is nothing to compute."""
    trace = ntm_trace()
    assert set(with_derived(trace)) - set(trace) == {"memory_change", "write_addressing", "read_addressing"}
    assert set(with_derived(only("read_weights"))) == {"read_weights"}
    still = Trace(NamedArray("memory", np.ones((SLOT, WORD)), ("slot", "word")))
    assert set(with_derived(still)) == {"memory"}


def named(*dims: str) -> NamedArray:
    """An array of ones with these axes, each of another size."""
    return NamedArray("x", np.ones(tuple(range(2, 2 + len(dims)))), dims)


@pytest.mark.parametrize(
    ("dims", "given_axes", "drawn"),
    [
        (("slot", "word"), {}, ("slot", "word")),
        (("time", "batch", "head", "slot", "word"), {}, ("slot", "word")),
        (("time", "slot", "word"), {"x": "time"}, ("word", "time")),
        (("time", "slot", "word"), {"y": "word"}, ("word", "slot")),
        (("time", "slot", "word"), {"y": "time"}, ("time", "word")),
        (("time", "slot", "word"), {"x": "time", "y": "slot"}, ("slot", "time")),
    ],
    ids=str,
)
def test_heatmap_draws_the_axes_asked_for(
    dims: tuple[str, ...], given_axes: dict[str, Any], drawn: tuple[str, str]
) -> None:
    """The last axis goes across and the last but one down, where nothing else is said."""
    ((panel,),) = heatmap_layout(named(*dims), **given_axes)
    assert (panel.y, panel.x) == drawn
    assert (panel.array, panel.kind) == ("x", "heatmap")


def test_heatmap_takes_its_options() -> None:
    """Title, aspect, height, bounds and map arrive in the panel and on the wire."""
    ((panel,),) = heatmap_layout(
        named("slot", "word"), vmin=2, vmax=3, cmap="magma", title="T", aspect="equal", height_px=99
    )
    sent = panel.to_json()
    assert sent["domain"] == [2.0, 3.0] and sent["cmap"] == "magma" and sent["title"] == "T"
    assert sent["aspect"] == "equal" and sent["height_px"] == 99 and sent["below"] == 6


@pytest.mark.parametrize(
    ("dims", "options", "error", "text"),
    [
        (("slot",), {}, ShapeError, "x must have 2 to 5 axes to be drawn as a heatmap, got 1: (slot)."),
        (("iteration", "time", "batch", "head", "slot", "word"), {}, ShapeError, "array.isel(iteration=0)"),
        (("slot", "word"), {"x": "time"}, AxisError, "x must be an axis of x (slot, word), got 'time'."),
        (("slot", "word"), {"y": "Slot"}, AxisError, "y must be an axis of x (slot, word), got 'Slot'."),
        (("slot", "word"), {"x": "slot", "y": "slot"}, AxisError, "two different axes of x, got 'slot'"),
        (("slot", "word"), {"vmin": 4}, ValueError, "vmin must be less than vmax"),
    ],
    ids=lambda value: str(value) if isinstance(value, (tuple, dict)) else "",
)
def test_heatmap_refuses(
    dims: tuple[str, ...], options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """A wrong rank, axis, map or bound is told with the rule and the value."""
    with pytest.raises(error) as info:
        heatmap_layout(named(*dims), **options)
    assert text in str(info.value)


def test_memory_view_shows_memory_and_its_changes() -> None:
    """Contents at the current step, and beside them the time x slot map of what changed."""
    layout, trace = memory_layout(ntm_trace())
    assert panels(layout) == [["memory", "memory_change"]]
    memory, change = layout[0]
    assert (memory.y, memory.x, memory.cmap, memory.domain.diverging) == ("slot", "word", "signed", True)
    assert (change.y, change.x, change.cmap) == ("slot", "time", "writes")
    assert "memory_change" in trace


def test_memory_without_time_is_one_panel() -> None:
    """A memory that does not change has no changes to show."""
    trace = Trace(NamedArray("memory", np.ones((SLOT, WORD)), ("slot", "word")))
    layout, shown = memory_layout(trace)
    assert panels(layout) == [["memory"]]
    assert shown is trace


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (("read_weights", "write_weights"), ["write_weights_0", "read_weights_0", "read_weights_1"]),
        (("read_weights",), ["read_weights_0", "read_weights_1"]),
        (("write_weights",), ["write_weights_0"]),
    ],
    ids=["both", "reads", "writes"],
)
def test_read_write_view_shows_a_map_for_every_head(names: tuple[str, ...], ids: list[str]) -> None:
    """Writes first, then reads, each head fixed in its panel, told apart by colour, all from 0 to 1."""
    layout = read_write_layout(only(*names))
    assert panels(layout) == [ids]
    for panel in layout[0]:
        assert panel.fixed == {"head": int(panel.id[-1])}
        assert (panel.y, panel.x) == ("slot", "time")
        assert panel.cmap == panel.array.removesuffix("_weights") + "s"
        assert panel.domain == ColorDomain(0.0, 1.0)


def test_many_heads_get_smaller_panels_and_their_labels() -> None:
    """Above four heads the maps are lower and narrower; labelled heads are called by their labels."""
    few = read_write_layout(ntm_trace(read_heads=4))[0][-1]
    many = read_write_layout(ntm_trace(read_heads=5))[0][-1]
    assert many.height_px < few.height_px and many.min_width_px < few.min_width_px
    trace = Trace.from_arrays({"read_weights": weights(2, 1, 2, 3)}, coords={"head": ["left", "right"]})
    assert [panel.title for panel in read_write_layout(trace)[0]] == ["read head left", "read head right"]


@pytest.mark.parametrize(
    ("shape", "several"),
    [((2, 1, 3, 4, 4), True), ((1, 1, 1, 4, 4), False), ((1, 1, 2, 4, 6), True)],
    ids=str,
)
def test_attention_view_shows_thumbnails_where_there_is_a_choice(
    shape: tuple[int, ...], several: bool
) -> None:
    """One head is drawn alone; of several, all as thumbnails beside the chosen one, and links beneath."""
    trace = Trace.from_attentions(weights(*shape))
    layout = attention_layout(trace)
    kinds = [panel.kind for panel in layout[0]]
    assert kinds == (["thumbnails", "links", "heatmap"] if several else ["heatmap", "links"])
    assert [panel.beneath for panel in layout[0]] == [False, several, False][: len(kinds)]
    large = of_kind(HeatmapPanel, layout[0][kinds.index("heatmap")])
    assert (large.y, large.x, large.aspect, large.domain) == ("query", "key", "equal", ColorDomain(0.0, 1.0))
    if several:
        thumbnails = of_kind(ThumbnailsPanel, layout[0][0])
        assert (thumbnails.rows, thumbnails.columns) == ("layer", "head")


def test_attention_without_layers_or_heads() -> None:
    """Axes that are not there are not asked for."""
    heads = Trace(NamedArray("attention", weights(3, 4, 4), ("head", "query", "key")))
    thumbnails = of_kind(ThumbnailsPanel, attention_layout(heads)[0][0])
    assert (thumbnails.rows, thumbnails.columns) == (None, "head")
    single = Trace(NamedArray("attention", weights(4, 4), ("query", "key")))
    assert panels(attention_layout(single)) == [["attention", "attention_links"]]


def test_explorer_shows_all_that_an_ntm_did() -> None:
    """Signals, weights, memory, addressing with its scalars; every array drawn is in the trace."""
    layout, trace = explorer_layout(ntm_trace())
    assert panels(layout) == [
        ["input", "output", "write_addressing"],
        ["write_weights_0", "read_weights_0", "read_weights_1"],
        ["memory", "read_addressing"],
    ]
    write, read = (of_kind(HeatmapPanel, row[-1]) for row in (layout[0], layout[2]))
    assert [scalar.array for scalar in write.scalars] == ["write_strength", "write_gate", "write_sharpening"]
    assert [scalar.symbol for scalar in read.scalars] == ["β", "g", "γ"]
    assert set(arrays_of(layout)) <= set(trace)
    assert len(set(arrays_of(layout))) == len(arrays_of(layout))
    ids = [panel.id for row in layout for panel in row]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("memory",), [["memory", "memory_change"]]),
        (("read_weights",), [["read_weights_0", "read_weights_1"]]),
        (("write_weights", "input"), [["input"], ["write_weights_0"]]),
        (("memory", "read_weights"), [["read_weights_0", "read_weights_1", "memory"], ["memory_change"]]),
        (("memory", "output"), [["output"], ["memory", "memory_change"]]),
    ],
    ids=["memory", "reads", "writes and input", "reads and memory", "memory and output"],
)
def test_explorer_leaves_out_what_was_not_recorded(names: tuple[str, ...], expected: list[list[str]]) -> None:
    """Any part of a recording can be explored."""
    assert panels(explorer_layout(only(*names))[0]) == expected


def test_explorer_shows_a_target_beside_the_output() -> None:
    """A target that the reader adds is a signal like the output, and stands beside it."""
    trace = only("memory", "output").assign(
        NamedArray("target", np.ones((TIME, BATCH, 5)), ("time", "batch", "channel"))
    )
    assert panels(explorer_layout(trace)[0])[0] == ["output_probability", "target"]
    other = trace.assign(NamedArray("target", np.full((TIME, BATCH, 5), 0.3), ("time", "batch", "channel")))
    assert panels(explorer_layout(other)[0])[0] == ["output", "target"], "no bits are asked for"


@pytest.mark.parametrize(("heads", "most"), [(1, 3), (2, 3), (5, 10)])
def test_explorer_follows_figure_six_of_graves_et_al(heads: int, most: int) -> None:
    """What is written at the left, what is read at the right, the memory beside them."""
    model = NTM(
        input_size=3, output_size=2, memory_size=6, word_size=4, num_read_heads=heads, num_write_heads=heads
    )
    with torch.no_grad(), TraceRecorder(model) as recorder:
        model(torch.rand(5, 1, 3))
    rows = panels(explorer_layout(recorder.trace)[0])
    assert rows[:2] == [
        ["input", "output", "write_addressing"],
        ["write_add", "read_vectors", "read_addressing"],
    ]
    pairs = [[f"write_weights_{head}", f"read_weights_{head}"] for head in range(heads)]
    if heads <= MANY_HEADS:
        assert rows[2:] == [[*pairs[0], "memory"], *pairs[1:]]
    else:
        assert [sorted(rows[2]), rows[3:]] == [sorted(chain(*pairs)), [["memory"]]]
    assert max(map(len, rows)) == most


FOUR = np.ones((2, 2, 2, 2)) / 2
REFUSED: dict[str, tuple[Callable[[Trace], object], Trace, str]] = {
    "memory: missing": (
        memory_layout,
        only("input"),
        "the trace must hold memory, got input.",
    ),
    "memory: axes": (
        memory_layout,
        Trace(NamedArray("memory", FOUR, ("time", "batch", "head", "slot"))),
        "memory must have axes (slot, word) to be shown as memory, got (time, batch, head, slot).",
    ),
    "weights: missing": (
        read_write_layout,
        only("memory"),
        "must hold read_weights or write_weights with axes (time, batch, head, slot), got memory.",
    ),
    "weights: no arrays": (read_write_layout, Trace(), "got no arrays."),
    "weights: no head": (
        read_write_layout,
        Trace(NamedArray("read_weights", FOUR[0], ("time", "batch", "slot"))),
        "Missing: head. A single head? Add its axis: weights[:, :, None].",
    ),
    "attention: missing": (attention_layout, only("memory"), "the trace must hold attention, got memory."),
    "attention: axes": (
        attention_layout,
        Trace(NamedArray("attention", FOUR, ("batch", "head", "token", "key"))),
        "attention must have axes (query, key)",
    ),
    "explorer: nothing": (
        explorer_layout,
        only("input"),
        "the trace must hold memory, read_weights or write_weights to be explored, got input.",
    ),
    "explorer: empty": (explorer_layout, Trace(), "got no arrays."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_layouts_refuse_what_they_cannot_show(case: str) -> None:
    """What is missing is named, with what there is, and what to do."""
    layout, trace, text = REFUSED[case]
    with pytest.raises(ShapeError) as error:
        layout(trace)
    assert text in str(error.value)


# --- lines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dims", "x", "given", "lines"),
    [
        (("time", "batch", "head"), "time", None, "head"),
        (("time", "batch", "slot"), "time", None, "slot"),
        (("time", "batch", "channel"), "time", None, "channel"),
        (("time", "batch", "head", "slot"), "time", "slot", "slot"),
        (("query", "key"), "key", None, "query"),
        (("time",), "time", None, "time"),
    ],
    ids=str,
)
def test_lines_have_an_axis_of_their_own(
    dims: tuple[str, ...], x: str, given: str | None, lines: str
) -> None:
    """The head, else the slot, else the last; the same as across only where there is no other."""
    array = NamedArray("x", np.zeros((2,) * len(dims)), dims=dims)
    ((panel,),) = lines_layout(array, x=x, lines=given)
    assert (panel.kind, panel.x, panel.y) == ("lines", x, lines)


@pytest.mark.parametrize(
    "dims", [("time", "batch", "head"), ("head", "batch", "time"), ("batch", "head", "time")]
)
def test_line_values_are_those_of_the_loop(dims: tuple[str, ...]) -> None:
    """Whatever the order of the axes."""
    sizes = {"time": 4, "batch": 2, "head": 3}
    array = NamedArray("x", RANDOM.random([sizes[dim] for dim in dims]), dims=dims)
    ((panel,),) = lines_layout(array)
    expected = [[array.isel(time=t, batch=1, head=h).values.item() for t in range(4)] for h in range(3)]
    assert line_values(array, of_kind(LinesPanel, panel), {"batch": 1}).tolist() == expected


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 41, 100, 101, 12_345, 10**7])
def test_steps_are_labelled_at_round_numbers(count: int) -> None:
    """From zero, evenly, at most nine."""
    steps = tick_steps(count)
    assert 1 <= len(steps) <= 9
    assert steps[0] == 0
    assert steps[-1] < count
    assert len(set(np.diff(steps))) <= 1


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.0, 1.0), (0.0, 0.97), (-7.3, 7.3), (1e-12, 3e-12), (-1e30, 1e30), (1000.0, 1001.0), (0.0, 5e-324)],
)
def test_values_are_labelled_within_their_domain(low: float, high: float) -> None:
    """Two to six, ascending; zero is exactly zero."""
    values = tick_values(ColorDomain(low, high))
    slack = 1e-6 * (high - low)
    assert 2 <= len(values) <= 6
    assert values == sorted(values)
    assert low - slack <= values[0] and values[-1] <= high + slack
    assert (0.0 in values) == (low <= 0.0 <= high)


def test_few_lines_have_a_colour_each_and_many_one() -> None:
    """There are six colours that all readers tell apart."""
    assert len(set(line_colors(MOST_NAMED_LINES))) == MOST_NAMED_LINES
    assert set(line_colors(MOST_NAMED_LINES + 1)) == {PALETTE[0]}
