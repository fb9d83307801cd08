"""Charts and groups of a recorder that runs: what stands before, while and after its block."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from nsm_widgets import TraceRecorder
from nsm_widgets._errors import ShapeError, UnknownOptionError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import BAR_COLORS, ColorDomain, memory_change
from nsm_widgets.view.panels import BarsOf, BarsPanel, HeatmapPanel, LinesPanel, PanelBase
from nsm_widgets.widgets import (
    ImportanceView,
    LineChart,
    MemoryView,
    PageArrays,
    ReadWriteView,
    ViewGroup,
)
from nsm_widgets.widgets.live._live import merged_layout
from tests.panels import of_kind
from tests.widgets.charts.test_widgets_charts import layouts, open_widgets
from tests.widgets.live.test_widgets_live import SLOTS, STEPS, Page, always_due, model, run

__all__ = ["always_due"]


def line_chart(given: Any, **options: Any) -> LineChart:
    return LineChart(given, "write_gate", **options)


def along_iterations(given: Any, **options: Any) -> LineChart:
    return LineChart(given, statistic="entropy", x="iteration", **options)


KINDS = [
    line_chart,
    along_iterations,
    partial(LineChart, statistic="memory_std"),
    ImportanceView,
    partial(ImportanceView, sort="score"),
    partial(MemoryView, lines=True),
    partial(MemoryView, slots=[5, 2]),
]
IDS = ["lines", "statistic", "over time", "bars", "sorted", "evolution", "chosen slots"]


def charts_of(view: Any) -> list[Any]:
    return list(view.charts.values()) if hasattr(view, "charts") else [view]


def marks_of(view: Any) -> list[dict[str, Any]]:
    """What bqplot's marks, scales and axes of every figure hold."""
    names = ("x", "y", "colors", "opacities", "stroke_width", "labels", "rotation")
    found = []
    for chart in charts_of(view):
        for mark in chart.figure.marks:
            ends = {dim: (scale.min, scale.max) for dim, scale in mark.scales.items()}
            found.append({**{name: getattr(mark, name, None) for name in names}, "ends": ends})
        along = ("label", "tick_values", "tick_labels")
        found += [{name: getattr(axis, name) for name in along} for axis in chart.figure.axes]
    return found


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_at_the_end_it_is_the_chart_of_the_trace_side_by_side(kind: Any, tmp_path: Path) -> None:
    """Store, layout, sizes and marks are those of a chart made afterwards; its objects stay."""
    rec = TraceRecorder(model()).every(2)
    view = kind(rec)
    figures = [(chart.figure, *chart.figure.marks) for chart in charts_of(view)]
    run(rec, 9)
    other = kind(rec.trace.by_iteration(), selection=view.selection)
    assert view.page_arrays._meta == other.page_arrays._meta
    assert view.page_arrays.saved == other.page_arrays.saved
    assert view._shown == other._shown
    parts = getattr(view, "parts", (view,))
    others = getattr(other, "parts", (other,))
    for mine, theirs in zip(parts, others, strict=True):
        for trait in ("_layout", "_sizes", "_together", "_toolbar"):
            assert getattr(mine._lead, trait) == getattr(theirs._lead, trait), trait
    np.testing.assert_equal(marks_of(view), marks_of(other))
    assert [(chart.figure, *chart.figure.marks) for chart in charts_of(view)] == figures
    assert getattr(view, "slots", ()) == getattr(other, "slots", ())
    assert view.selection.iteration == 4
    assert [panel.id for panel in view._shown[0]] == ["scalar.loss"]
    view.savefig(tmp_path / "end.svg")
    assert "iteration 8 = " in (tmp_path / "end.svg").read_text(encoding="utf8")
    assert "scalar.loss" in view._fallbacks("it")["text/plain"]


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_before_the_first_iteration_there_are_empty_figures(kind: Any) -> None:
    """With axes and without values; what a reader without widgets sees says so."""
    view = kind(TraceRecorder(model()))
    assert view.page_arrays._live["state"] == "waiting"
    assert view._fallbacks("It") == {"text/plain": "It: waiting for the first iteration"}
    for chart in charts_of(view):
        assert len(chart.figure.axes) == 2
        assert all(len(mark.y) in (0, 2, 4) for mark in chart.figure.marks)
        assert len((chart.bars if hasattr(chart, "bars") else chart.lines).y) == 0


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_each_iteration_crosses_once_and_nothing_else(kind: Any, page: Callable[[Any], Any]) -> None:
    """After the first iteration the page is sent blocks, and the models of the figure nothing."""
    rec = TraceRecorder(model())
    view = kind(rec)
    sent: list[int] = []

    def count() -> int:
        marks = [
            widget
            for chart in charts_of(view)
            for widget in (*chart.figure.marks, *chart.figure.axes, chart.figure, chart.controls)
        ]
        return sum(len(page(widget).sent) for widget in marks)

    with rec, torch.no_grad():
        for number in range(6):
            rec.model(torch.full((STEPS, 1, 3), float(number)))
            rec.log(loss=1.0)
            sent.append(count())
    assert sent[0] < sent[2] == sent[5], "the first iteration is told of when the second begins"
    assert list(Page(view, page(view.page_arrays)).blocks) == [0, 1, 2, 3, 4]


def test_values_on_the_page_are_those_of_each_iteration(page: Callable[[Any], Any]) -> None:
    """The entropy of the write weights of every iteration, by a slow loop."""
    rec = TraceRecorder(model())
    chart = along_iterations(rec)
    run(rec, 5)
    blocks = Page(chart, page(chart.page_arrays)).blocks
    name = next(name for name in chart.page_arrays.arrays if name != "scalar.loss")
    for number, block in blocks.items():
        weights = rec.iteration(number)["write_weights"].values  # (time, batch, head, slot)
        for step in range(STEPS):
            slow = -sum(float(w) * np.log(float(w)) for w in weights[step, 0, 0] if w > 0)
            assert block[name][step, 0, 0] == pytest.approx(slow, abs=1e-6)
    np.testing.assert_allclose(chart.lines.y, [chart.trace[name].values[i, 0, 0, 0] for i in range(5)])
    assert chart.lines.x.tolist() == [0, 1, 2, 3, 4]


def test_importance_shows_the_iteration_that_is_selected() -> None:
    """Bars by hand: the sums of the last iteration's weights at the first step, over the largest."""
    rec = TraceRecorder(model())
    view = ImportanceView(rec)
    run(rec, 3)
    weights = rec.iteration(2)
    sums = [
        sum(float(weights[name].values[0, 0, 0, slot]) for name in ("read_weights", "write_weights"))
        for slot in range(SLOTS)
    ]
    np.testing.assert_allclose(view.bars.y, np.array(sums) / max(sums), rtol=1e-5)
    assert set(view.bars.colors) <= set(BAR_COLORS)


def test_domains_of_lines_widen_also_below_zero(page: Callable[[Any], Any]) -> None:
    """Where values become negative a chart's domain is centred on zero, and what the page has stays."""
    rec = TraceRecorder(model())
    chart = LineChart(rec, "input", x="iteration", lines="channel")
    with rec, torch.no_grad():
        for value in (1.0, 2.0, -5.0, 3.0):
            rec.model(torch.full((STEPS, 1, 3), value))
    heads = [content for content, _ in page(chart.page_arrays).custom() if content.get("part") == 0]
    assert [head["domains"].get("input") for head in heads] == [
        None,
        [0.0, 2.0, 0, 0],
        [-5.0, 5.0, 0, 0],
    ]
    assert list(Page(chart, page(chart.page_arrays)).blocks) == [0, 1, 2]


def test_a_panel_of_colours_that_turns_negative_is_another_panel() -> None:
    """A heatmap needs another colour map; a chart does not."""

    def layout(kind: type[PanelBase], domain: ColorDomain) -> Any:
        options: Any = {"bars": BarsOf()} if kind is BarsPanel else {}
        return ((kind("a", "a", "slot", "time", "a", domain, "ink", **options),),)

    for kind in (HeatmapPanel, LinesPanel, BarsPanel):
        both = merged_layout(
            layout(kind, ColorDomain(0, 1)), layout(kind, ColorDomain(-3, 3, diverging=True))
        )
        assert (both is None) is (kind is HeatmapPanel)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (partial(line_chart, height_px=20), ValueError, "height_px must be an integer of at least 120"),
        (partial(line_chart, vmin=2, vmax=1), ValueError, "vmin must be less than vmax"),
        (partial(line_chart, line="head"), UnknownOptionError, "has no option 'line'"),
        (partial(line_chart, selection=3), TypeError, "selection must be a Selection"),
        (partial(line_chart, page_arrays=3), TypeError, "has page arrays of its own"),
        (partial(LineChart, statistic="entropi"), UnknownOptionError, "Did you mean"),
        (
            lambda rec: LineChart(rec, statistic=cast("str", 3)),
            TypeError,
            "must be a name or a function, got int",
        ),
        (partial(ImportanceView, sort="size"), ValueError, "sort must be one of slot, score, first write"),
        (partial(MemoryView, slots=[]), ValueError, "slots must name at least one"),
        (partial(MemoryView, lines=True, lines_px=3), ValueError, "height_px must be an integer"),
        (
            lambda rec: MemoryView(rec, page_arrays=PageArrays(Trace()), lines=True),
            TypeError,
            "has page arrays of its own",
        ),
    ],
    ids=lambda value: "" if callable(value) else str(value)[:24],
)
def test_what_can_be_known_before_is_refused_at_once(make: Any, error: type[Exception], text: str) -> None:
    """And leaves nothing open, and nobody watching."""
    rec = TraceRecorder(model())
    before = open_widgets()
    with pytest.raises(error, match=re.escape(text)):
        make(rec)
    left = open_widgets() - before
    assert {key for key in left if key not in layouts()} == set() or "page arrays" in text
    assert not rec.watch


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (partial(LineChart, array="gate"), "ShapeError: array must be one of the trace"),
        (partial(line_chart, vmin=7), "OptionError: vmin must be less than vmax"),
        (partial(MemoryView, slots=[99]), "OptionError: each slot must be an integer in [0, 7]"),
    ],
    ids=["no such array", "no such range", "no such slot"],
)
def test_what_turns_out_wrong_is_warned_of_once_and_said_on_the_page(make: Any, text: str) -> None:
    """The training goes on; the line above the figure names the error, and counts."""
    rec = TraceRecorder(model())
    view = make(rec)
    with pytest.warns(RuntimeWarning, match=re.escape(text)) as warned:
        run(rec, 4)
    assert len(warned) == 1
    assert len(rec.trace.by_iteration()["memory"].values) == 4
    status = view.page_arrays._live
    assert status["state"] == "ended"
    assert text in status["note"]
    assert status["failures"] == 4


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
@pytest.mark.parametrize("when", ["before", "while", "after"])
def test_a_closed_chart_leaves_nothing_open_and_watches_no_more(kind: Any, when: str) -> None:
    """Whenever it is closed."""
    rec = TraceRecorder(model())
    before = open_widgets()
    view = kind(rec)
    if when == "before":
        view.close()
    with rec, torch.no_grad():
        for number in range(4):
            rec.model(torch.zeros(STEPS, 1, 3))
            rec.log(loss=1.0)
            if when == "while" and number == 2:
                view.close()
    view.close()
    view.close()
    assert not rec.watch
    assert open_widgets() - before <= layouts()


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_a_second_block_fills_it_anew(kind: Any) -> None:
    """As a chart of the second run's trace."""
    rec = TraceRecorder(model())
    view = kind(rec)
    run(rec, 6)
    run(rec, 3)
    other = kind(rec.trace.by_iteration(), selection=view.selection)
    np.testing.assert_equal(marks_of(view), marks_of(other))
    assert view.page_arrays._meta == other.page_arrays._meta


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
@pytest.mark.parametrize("stored", [False, True], ids=["last", "store"])
def test_what_was_kept_is_there_after_an_error(kind: Any, stored: bool, tmp_path: Path) -> None:
    """As in other views: of the newest three, or of all in a store."""
    rec = TraceRecorder(model(), store=tmp_path / "run.zarr" if stored else None)
    rec = rec if stored else rec.last(3)
    view = kind(rec)
    with pytest.raises(ValueError, match="diverged"), rec, torch.no_grad():
        for number in range(8):
            if number == 7:
                raise ValueError("diverged")
            rec.model(torch.full((STEPS, 1, 3), float(number)))
    assert view.page_arrays._live["state"] == "failed"
    assert view.page_arrays._live["why"] == "ValueError: diverged"
    assert view.page_arrays._live["failures"] == 0
    name = next(iter(view.page_arrays.arrays))
    assert view.trace[name].labels("iteration") == tuple("0123456" if stored else "456")
    other = kind(rec.trace.by_iteration(), selection=view.selection)
    np.testing.assert_equal(marks_of(view), marks_of(other))


@pytest.mark.parametrize("kind", [line_chart, ImportanceView, partial(MemoryView, lines=True)])
def test_lengths_that_differ_follow_each_other_at_the_end(kind: Any) -> None:
    """Shown alone meanwhile; then along time."""
    rec = TraceRecorder(model())
    view = kind(rec)
    run(rec, 4, lambda number: 5 + number % 2)
    assert view.page_arrays._live["failures"] == 0
    assert "along time" in view.page_arrays._live["note"]
    other = kind(rec.trace, selection=view.selection)
    np.testing.assert_equal(marks_of(view), marks_of(other))


def test_a_chart_along_iterations_of_other_lengths_says_what_is_wrong() -> None:
    """Along time there is no axis of iterations; what was shown last stays."""
    rec = TraceRecorder(model())
    chart = along_iterations(rec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        run(rec, 4, lambda number: 5 + number % 2)
    assert chart.page_arrays._live["state"] == "ended"
    assert "AxisError: x must be an axis of" in chart.page_arrays._live["note"]


def test_slots_that_changed_most_are_kept_while_it_runs() -> None:
    """Six of the first iteration; at the end, those of all."""
    rec = TraceRecorder(model())
    view = MemoryView(rec, lines=True)
    assert view.slots == ()
    seen = []
    with rec, torch.no_grad():
        for number in range(6):
            rec.model(torch.randn(STEPS, 1, 3) * (1 + number))
            seen.append(view.slots)
    assert len(seen[2]) == 6
    assert seen[2] == seen[5]
    assert view.slots == MemoryView(rec.trace.by_iteration(), lines=True).slots
    assert MemoryView(TraceRecorder(model()), slots=[3, 1]).slots == (3, 1)


def test_the_parts_of_a_group_fill_from_one_store(page: Callable[[Any], Any]) -> None:
    """One feed, one selection, one toolbar, logged numbers once; sizes are of all parts."""
    rec = TraceRecorder(model())
    rows: list[list[Callable[..., Any]]] = [
        [partial(ReadWriteView, rec)],
        [partial(MemoryView, rec), partial(line_chart, rec)],
    ]
    group = ViewGroup(rec, rows, title="all")
    assert len(rec.watch._watchers) == 1
    with rec, torch.no_grad():
        for _ in range(4):
            rec.model(torch.zeros(STEPS, 1, 3))
            rec.log(loss=1.0)
    views = [part._lead for part in group.parts]
    assert {id(view.page_arrays) for view in views} == {id(group.page_arrays)}
    assert set(Page(group, page(group.page_arrays)).blocks[0]) == {
        *("read_weights", "write_weights", "memory", "memory_change", "write_gate")
    }
    assert [view._toolbar for view in views] == ["full", "none", "none"]
    assert all(view._sizes == views[0]._sizes for view in views)
    assert views[0]._sizes["word"] == 4, "of another part"
    assert [[panel.id for panel in row] for row in views[0]._together] == [
        ["memory", "memory_change"],
        ["write_gate"],
    ]
    kinds = [[panel.kind for row in view._layout for panel in row] for view in views]
    assert kinds == [["scalars", "heatmap", "heatmap"], ["heatmap", "heatmap"], ["lines"]]
    assert [panel.id for panel in group._shown[0]] == ["scalar.loss"]
    group.close()
    assert not rec.watch


def test_a_part_of_something_else_is_refused() -> None:
    """Every part of such a group must be made of the recorder; and nothing stays open."""
    rec, other = TraceRecorder(model()), TraceRecorder(model())
    run(other, 2)
    before = open_widgets()
    with pytest.raises(TypeError, match="must be made of the recorder"):
        ViewGroup(rec, [[partial(MemoryView, rec)], [partial(MemoryView, other.trace)]])
    assert open_widgets() - before <= layouts()
    assert not rec.watch


def test_numbers_that_were_logged_stand_above_once() -> None:
    """Of a finished trace, too: in a chart, in the first part of a group; not where a store lacks them."""
    rec = TraceRecorder(model())
    run(rec, 3)
    trace = rec.trace.by_iteration()
    trace = trace.assign(memory_change(trace))
    chart = line_chart(trace)
    assert [panel.kind for row in chart._shown for panel in row] == ["scalars", "lines"]
    bars = ImportanceView(trace, sort="score")
    assert of_kind(BarsPanel, bars._shown[1][0]).bars.sort == "score"
    rows = [[partial(MemoryView, trace)], [partial(line_chart, trace), partial(ImportanceView, trace)]]
    group = ViewGroup(trace, [*rows[:1], rows[1][:1]], arrays=("memory", "memory_change", "write_gate"))
    shown = [panel.id for row in group._shown for panel in row]
    assert shown == ["scalar.loss", "memory", "memory_change", "write_gate"]
    store = PageArrays(trace, only=["write_gate"])
    assert [panel.kind for row in line_chart(trace, page_arrays=store)._shown for panel in row] == ["lines"]


def test_a_finished_recorder_is_its_trace() -> None:
    """As for other views: the iterations follow each other along time."""
    rec = TraceRecorder(model())
    run(rec, 2)
    for kind in (line_chart, ImportanceView, partial(MemoryView, lines=True)):
        view = kind(rec)
        assert view.page_arrays._live == {}
        assert view.trace["memory"].sizes["time"] == 2 * STEPS


def test_one_iteration_along_iterations_is_no_chart_at_the_end() -> None:
    """A single value: said, as LineChart of such a trace says it."""
    rec = TraceRecorder(model())
    chart = along_iterations(rec)
    with pytest.warns(RuntimeWarning, match="must have at least two points"):
        run(rec, 1)
    assert "must have at least two points" in chart.page_arrays._live["note"]
    with pytest.raises(ShapeError, match="at least two points"):
        along_iterations(rec.trace.by_iteration())


def test_a_statistic_is_drawn_along_iterations_where_there_is_no_time() -> None:
    """Of attention, which has none: from the first iteration on."""
    rec = TraceRecorder(torch.nn.MultiheadAttention(4, 2, batch_first=True))
    chart = LineChart(rec, statistic="entropy")
    seen = []
    with rec, torch.no_grad():
        for _ in range(4):
            rec.model(*[torch.rand(1, 6, 4)] * 3)
            seen.append([panel.x for row in chart._shown for panel in row])
    assert seen == [[], ["iteration"], ["iteration"], ["iteration"]]
    assert chart.lines.y.shape == (2, 4)


def test_a_function_as_statistic_is_watched_too() -> None:
    """It is given the array of one iteration, with its axis."""
    rec = TraceRecorder(model())

    def largest(array: NamedArray) -> NamedArray:
        return NamedArray("largest", array.values.max(axis=(1, 4, 3)), ("iteration", "batch"))

    chart = LineChart(rec, "memory", statistic=largest, x="iteration")
    run(rec, 3)
    memory = rec.trace.by_iteration()["memory"].values
    assert chart.lines.y.tolist() == [memory[i, :, 0].max() for i in range(3)]
