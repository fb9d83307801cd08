"""Line charts on Python's side: what is made, refused, and given back."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from ipywidgets.widgets import widget as ipywidgets_widget
from PIL import Image

from nsm_widgets import Trace
from nsm_widgets._errors import AxisError, ShapeError, UnknownOptionError
from nsm_widgets.view import PALETTE
from nsm_widgets.widgets import LineChart, MemoryView, PageArrays, Selection
from tests.widgets.conftest import RecordedComm

STEPS, BATCH, HEADS = 6, 2, 3
GATE = np.random.default_rng(5).random((STEPS, BATCH, HEADS))


def gates(values: np.ndarray = GATE) -> Trace:
    return Trace.from_arrays({"write_gate": values}, dims={"write_gate": ("time", "batch", "head")})


def open_widgets() -> set[str]:
    """Ids of all widgets that are open."""
    return {key for key, widget in ipywidgets_widget._instances.items() if widget.comm is not None}


def test_a_chart_has_a_line_for_each_head_and_the_cursor_at_the_selection() -> None:
    """Values, colours, names and scales are bqplot's own traits."""
    chart = LineChart(gates(), "write_gate", selection=Selection(time=4, batch=1), vmin=0, vmax=1)
    assert np.array_equal(chart.lines.y, [[GATE[t, 1, h] for t in range(STEPS)] for h in range(HEADS)])
    assert chart.lines.x.tolist() == list(range(STEPS))
    assert chart.lines.labels == ["head 0", "head 1", "head 2"]
    assert chart.lines.colors == list(PALETTE[:HEADS])
    assert chart.cursor.x.tolist() == [4, 4]
    y = chart.lines.scales["y"]
    assert (y.min, y.max) == (0, 1)
    across, up = chart.figure.axes
    assert (across.label, up.label) == ("time (step)", "write gate")


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (HEADS, STEPS)),
        ({"lines": "batch"}, (BATCH, STEPS)),
        ({"x": "head", "lines": "time"}, (STEPS, HEADS)),
        ({"x": "batch"}, (HEADS, BATCH)),
    ],
    ids=str,
)
def test_any_axis_runs_across_and_any_other_gives_the_lines(options: Any, shape: tuple[int, int]) -> None:
    """The rest stays at the selection."""
    assert LineChart(gates(), "write_gate", **options).lines.y.shape == shape


def test_an_array_of_one_axis_is_one_line() -> None:
    """As the loss over time."""
    loss = Trace.from_arrays({"loss": np.arange(4.0)}, dims={"loss": ("time",)})
    chart = LineChart(loss, "loss")
    assert chart.lines.y.tolist() == [0, 1, 2, 3]
    assert chart.lines.labels == ["loss"]


def test_many_lines_are_faint_and_of_one_colour() -> None:
    """Sixty colours tell nothing."""
    usage = Trace.from_arrays({"usage": np.ones((4, 1, 60))}, dims={"usage": ("time", "batch", "slot")})
    chart = LineChart(usage, "usage")
    assert set(chart.lines.colors) == {PALETTE[0]}
    assert set(chart.lines.opacities) == {0.45}


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"array": "gate"}, ShapeError, "array must be one of the trace (write_gate), got 'gate'."),
        ({"x": "slot"}, AxisError, "x must be an axis of write_gate (time, batch, head), got 'slot'."),
        (
            {"lines": "slot"},
            AxisError,
            "lines must be an axis of write_gate (time, batch, head), got 'slot'.",
        ),
        ({"lines": "time"}, AxisError, "x and lines must be two different axes of write_gate, got 'time'"),
        ({"vmin": 2, "vmax": 1}, ValueError, "vmin must be less than vmax, got vmin=2 and vmax=1"),
        ({"height_px": 20}, ValueError, "height_px must be an integer of at least 120, got 20."),
        ({"height_px": 240.5}, ValueError, "height_px must be an integer of at least 120, got 240.5."),
        ({"selection": 3}, TypeError, "selection must be a Selection, got int."),
        ({"line": "head"}, UnknownOptionError, "LineChart has no option 'line'. Did you mean lines?"),
        ({"cmap": "ink"}, UnknownOptionError, "LineChart has no option 'cmap'."),
        ({"budget_mb": -1}, ValueError, "budget_mb must be a number of at least 0, got -1."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused_and_leaves_nothing_open(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """One error, and no half-made figure behind it."""
    before = open_widgets()
    with pytest.raises(error, match=re.escape(text)):
        LineChart(gates(), **{"array": "write_gate", **options})
    assert open_widgets() - before <= layouts()


def layouts() -> set[str]:
    """Ids of open layouts: every widget of ipywidgets leaves its own behind."""
    return {key for key, w in ipywidgets_widget._instances.items() if type(w).__name__ == "Layout"}


def test_what_is_no_trace_is_refused() -> None:
    """With the way to make one."""
    with pytest.raises(TypeError, match="LineChart needs a Trace, got NoneType"):
        LineChart(None, "write_gate")
    with pytest.raises(ShapeError, match=r"values must have axes \(time\), got shape .* Name others: dims="):
        LineChart(GATE)


def test_more_values_than_a_page_can_draw_are_refused() -> None:
    """A chart is elements, a heatmap pixels."""
    usage = Trace.from_arrays({"usage": np.zeros((4, 1, 300))}, dims={"usage": ("time", "batch", "slot")})
    text = "usage must have at most 256 lines and 100,000 points, got 300 (slot) with 4 each (time)"
    with pytest.raises(ShapeError, match=re.escape(text)):
        LineChart(usage, "usage")


def test_a_closed_chart_closes_all_that_it_made() -> None:
    """Figure, marks, scales, axes, controls, store and selection; the second time there is nothing to do."""
    before = open_widgets()
    chart = LineChart(gates(), "write_gate")
    assert len(open_widgets() - before) > 10
    chart.close()
    chart.close()
    assert open_widgets() - before <= layouts()
    assert chart.selection.comm is None
    assert chart.page_arrays.comm is None


def test_a_closed_chart_leaves_open_what_it_was_given() -> None:
    """Selection and store belong to the caller and to the other views."""
    trace = Trace.from_arrays(
        {"write_gate": GATE, "memory": np.ones((STEPS, BATCH, 4, 2))},
        dims={"write_gate": ("time", "batch", "head")},
    )
    store, selection = PageArrays(trace), Selection()
    view = MemoryView(trace, selection=selection, page_arrays=store)
    chart = LineChart(trace, "write_gate", selection=selection, page_arrays=store)
    chart.selection.time = 3
    assert view.selection.time == 3
    assert chart.page_arrays is store
    chart.close()
    assert selection.comm is not None
    assert store.comm is not None
    assert view.comm is not None


def test_a_shown_chart_carries_a_picture_and_a_summary() -> None:
    """For readers that run no widget."""
    chart = LineChart(gates(), "write_gate", selection=Selection(time=2), title="gates")
    bundle = chart._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == chart.model_id
    assert bundle["text/plain"].startswith(
        "LineChart: gates\ntime 2 of 0-5 · batch 0 of 0-1\nwrite_gate (time: 6"
    )
    with Image.open(BytesIO(b64decode(bundle["image/png"]))) as image:
        colors = {color for _, color in image.getcolors(1 << 24) or []}
    assert {(0x2A, 0x7F, 0xC1), (0xD9, 0x82, 0x00), (0x00, 0x9E, 0x73)} <= colors


def test_the_page_gets_lines_that_end_in_a_number(page: Callable[[Any], RecordedComm]) -> None:
    """A gap and a point out of sight follow the values, also where these end in NaN; Python sees neither."""
    values = GATE.copy()
    values[-1] = np.nan
    chart = LineChart(gates(values), "write_gate", vmax=1)
    state = {name: message for name, message in chart.lines.get_state().items() if name in ("x", "y")}
    y = np.frombuffer(state["y"]["value"]).reshape(state["y"]["shape"])
    assert y.shape == (HEADS, STEPS + 2)
    assert np.array_equal(y[:, :STEPS], values[:, 0].T, equal_nan=True)
    assert np.isnan(y[:, -2]).all()
    assert np.isfinite(y[:, -1]).all()
    assert np.frombuffer(state["x"]["value"]).tolist()[-1] > 2 * STEPS
    assert chart.lines.y.shape == (HEADS, STEPS)
    assert page(chart.controls) is not None


def test_its_name_and_place_are_said() -> None:
    """As other views say theirs."""
    assert repr(LineChart(gates(), "write_gate", selection=Selection(time=1))) == (
        "LineChart(write_gate; Selection(time=1, batch=0, head=0))"
    )
