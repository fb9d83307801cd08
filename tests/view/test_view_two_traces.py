"""What a comparison of two traces shows: one colour domain for both, the difference, the table, the words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nsm_widgets._errors import ShapeError
from nsm_widgets.stats import Matching
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import (
    ColorDomain,
    Layout,
    Panel,
    array_difference,
    default_arrays,
    matching_notes,
    picture_axes,
    two_traces_layout,
)
from nsm_widgets.view._two_panels import MOST_TABLE_ROWS
from nsm_widgets.view.panels import HeatmapPanel, TablePanel
from tests.panels import of_kind

NAMES = ("early", "late")


def panels(layout: Layout) -> dict[str, Panel]:
    return {panel.id: panel for row in layout for panel in row}


def memories(low: float, high: float, *, scale: float = 2.0) -> tuple[Trace, Trace]:
    values = np.linspace(low, high, 24).reshape(2, 1, 4, 3)
    return Trace.from_arrays({"memory": values}), Trace.from_arrays({"memory": scale * values})


# --- which arrays, and how each is drawn ---


@pytest.mark.parametrize(
    ("dims", "axes"),
    [
        (("time", "batch", "slot", "word"), ("slot", "word")),
        (("time", "batch", "head", "slot"), ("slot", "time")),
        (("time", "batch", "head"), ("head", "time")),
        (("layer", "batch", "head", "query", "key"), ("query", "key")),
        (("time", "batch", "head", "state", "sender"), ("state", "sender")),
        (("time", "batch", "slot", "predecessor"), ("slot", "predecessor")),
        (("time", "token", "state"), ("token", "state")),
        (("time", "batch", "state", "channel"), ("state", "channel")),
        (("time", "batch"), None),
        (("row", "column"), ("row", "column")),
        (("slot",), None),
    ],
    ids=str,
)
def test_each_array_is_drawn_over_its_own_axes(dims: tuple[str, ...], axes: tuple[str, str] | None) -> None:
    """A picture of one step where two axes make one, else over time; nothing without a second axis."""
    assert picture_axes(NamedArray("x", np.zeros((2,) * len(dims)), dims)) == axes


def test_what_a_model_did_is_drawn_and_not_how_it_came_to_it() -> None:
    """Names of one's own are drawn too, signals come last; all of them where there is nothing else."""
    weights = np.full((2, 1, 1, 3), 1 / 3)
    trace = Trace.from_arrays(
        {
            "output": np.zeros((2, 1, 4)),
            "read_weights": weights,
            "read_content_weights": weights,
            "read_gate": np.zeros((2, 1, 1)),
            "encoder.memory": np.zeros((2, 1, 3, 2)),
            "mine": np.zeros((2, 5)),
            "loss": np.zeros(2),
        },
        dims={
            "mine": ("time", "channel"),
            "loss": ("time",),
            "encoder.memory": ("time", "batch", "slot", "word"),
        },
    )
    assert default_arrays(trace, tuple(trace)) == ("read_weights", "encoder.memory", "mine", "output")
    assert default_arrays(trace, ("read_gate",)) == ("read_gate",)


# --- colours ---


@pytest.mark.parametrize(
    ("low", "high", "domain"),
    [
        (-1.0, 3.0, ColorDomain(-6.0, 6.0, True)),
        (0.5, 3.0, ColorDomain(0.0, 6.0)),
        (0.0, 0.0, ColorDomain(0.0, 1.0)),
    ],
    ids=["both signs", "not negative", "zero"],
)
def test_both_traces_have_the_colours_of_either(low: float, high: float, domain: ColorDomain) -> None:
    """One domain over both, all times: nothing is clipped, and the same value has the same colour."""
    a, b = memories(low, high)
    layout, shown = two_traces_layout(a, b, ("memory",), names=NAMES, matching=Matching())
    one, other = (panels(layout)[f"{side}.memory"] for side in ("a", "b"))
    assert one.domain == other.domain == domain
    assert (one.cmap, one.below, one.above) == (other.cmap, other.below, other.above)
    assert (one.below, one.above) == (0, 0)
    assert shown["b.memory"].values.tolist() == b["memory"].values.tolist()


def test_an_empty_trace_does_not_stretch_the_colours() -> None:
    """Of zeros beside small values the domain is that of the values."""
    a, _ = memories(0.0, 0.01)
    zero = Trace.from_arrays({"memory": np.zeros((2, 1, 4, 3))})
    layout, _ = two_traces_layout(zero, a, ("memory",), names=NAMES, matching=Matching())
    assert panels(layout)["a.memory"].domain == ColorDomain(0.0, 0.01)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0], ids=["less", "same", "more"])
def test_the_difference_is_centred_on_zero(scale: float) -> None:
    """Also where it has one sign, or none; over all times."""
    a, b = memories(1.0, 3.0, scale=scale)
    layout, shown = two_traces_layout(a, b, ("memory",), names=NAMES, matching=Matching())
    panel = panels(layout)["difference.memory"]
    values = b["memory"].values - a["memory"].values
    largest = float(np.abs(values).max()) or 1.0
    assert panel.domain == ColorDomain(-largest, largest, diverging=True)
    assert (shown["difference.memory"].values == values).all()
    assert panel.title == "memory: late − early"


def test_each_panel_says_when_it_is_shown() -> None:
    """Both traces with one choice, the difference with the other, all else always."""
    a, b = memories(0.0, 1.0)
    layout, _ = two_traces_layout(
        a, b, ("memory",), names=NAMES, matching=Matching(), notes=["only in early: x"]
    )
    assert {name: panel.shown_in for name, panel in panels(layout).items()} == {
        "a.memory": "side by side",
        "b.memory": "side by side",
        "difference.memory": "difference",
        "compared": "",
    }


def test_differences_are_of_float64_and_carry_the_labels_of_both() -> None:
    """Infinity less infinity is not known; labels that differ are both told."""
    values = np.array([[1.0, np.inf]], np.float16)
    one = NamedArray("x", values, ("query", "key"), {"key": ["the", "cat"]})
    other = NamedArray("x", values + np.float16(1e-3), ("query", "key"), {"key": ["the", "dog"]})
    apart = array_difference(one, other, "apart")
    assert apart.values.dtype == np.float64 and math.isnan(apart.values[0, 1])
    assert apart.values[0, 0] == float(other.values[0, 0]) - 1.0
    assert apart.labels("key") == ("the", "cat | dog")


def test_a_difference_of_nothing_says_so() -> None:
    """What is equal in both would else be a blank picture, with colours of numbers that it does not hold."""
    one = NamedArray("x", np.eye(2), ("query", "key"))
    other = NamedArray("x", np.array([[1, 1e-9], [0, 1]]), ("query", "key"))
    assert array_difference(one, one, "apart").attrs["description"] == "equal in both traces"
    assert "more than the first" in array_difference(one, other, "apart").attrs["description"]


def test_labels_of_each_batch_item_are_told_both() -> None:
    """As in attention of two inputs."""
    one = NamedArray("x", np.zeros((2, 2)), ("batch", "key"), {"key": [["a", "b"], ["c", "d"]]})
    other = NamedArray("x", np.zeros((2, 2)), ("batch", "key"), {"key": ["a", "d"]})
    apart = array_difference(one, other, "apart")
    assert [apart.labels("key", item) for item in range(2)] == [("a", "b | d"), ("c | a", "d")]


# --- what was matched ---


def test_what_was_moved_is_said_in_words_and_on_the_axes() -> None:
    """Slots say which ones they are; where heads were moved, the number of the head follows the slider."""
    weights = np.eye(3)[[[0, 1], [2, 0]]][:, None]  # (time, batch, head, slot)
    trace = Trace.from_arrays({"read_weights": weights})
    matching = Matching({"read": np.array([1, 0])}, {"slot": np.array([0, 2, 1])}, ("write",))
    layout, shown = two_traces_layout(
        trace, matching.apply(trace), ("read_weights",), names=NAMES, matching=matching
    )
    assert shown["b.read_weights"].labels("slot") == ("0", "is 2", "is 1")
    assert shown["difference.read_weights"].labels("slot") == ("0", "1 is 2", "2 is 1")
    (scalar,) = of_kind(HeatmapPanel, panels(layout)["b.read_weights"]).scalars
    assert shown[scalar.array].values.tolist() == [1, 0]
    assert of_kind(HeatmapPanel, panels(layout)["a.read_weights"]).scalars == ()
    assert matching_notes(matching, NAMES) == [
        "read heads, matched, 2 of 2 moved (early is late): 0 is 1, 1 is 0",
        "slots, matched, 2 of 3 moved (early is late): 1 is 2, 2 is 1",
        "write heads are not matched: no weighting tells them apart",
    ]


def test_many_moves_are_counted() -> None:
    """Not listed to the last."""
    order = np.roll(np.arange(40), 1)
    (said,) = matching_notes(Matching(slots={"slot": order}), NAMES)
    assert said.endswith("11 is 10 and 28 more") and "40 of 40 moved" in said


# --- the table ---


def test_the_table_names_heads_and_where_they_go() -> None:
    """Texts as they are shown, and the indices of each row; of many heads, the first."""
    a, b = memories(0.0, 1.0)
    record = {
        "array": "read_weights",
        "head": 2,
        "matched_head": 3,
        "js_divergence": 0.25,
        "total_variation": math.nan,
        "entropy_change": -0.5,
        "focus_change": 0.125,
        "time": 1,
        "largest_js_divergence": 0.5,
        "masked_rows": 0,
        "zero_rows": 0,
        "nan_rows": 4,
    }
    options = {"names": NAMES, "matching": Matching()}
    layout, _ = two_traces_layout(a, b, ("memory",), records=[record] * 60, **options)  # type: ignore[arg-type]
    table = of_kind(TablePanel, panels(layout)["changed_heads"]).table
    told = dict(zip(table.columns, table.rows[0].cells, strict=True))
    assert told == {
        "array": "read weights",
        "head": "2 (3 in late)",
        "divergence (nats)": "0.250",
        "total variation": "NaN",
        "entropy change (nats)": "-0.500",
        "focus change": "+0.125",
        "largest (nats)": "0.500",
        "at time": "1",
        "NaN rows": "4",
    }
    assert table.rows[0].go == {"head": 2, "time": 1}
    assert (len(table.rows), table.note) == (MOST_TABLE_ROWS, "10 more heads changed less")


def test_an_array_without_two_axes_is_refused() -> None:
    """By name, with what takes it."""
    trace = Trace(NamedArray("loss", [1.0, 2.0], ("time",)))
    with pytest.raises(ShapeError, match="loss must have two axes.*got \\(time\\)"):
        two_traces_layout(trace, trace, ("loss",), names=NAMES, matching=Matching())
