"""Line charts by bqplot, fed on the page from the same store and selection as the heatmaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import anywidget
import bqplot
import numpy as np
import traitlets
from jaxtyping import Float64

from nsm_widgets._errors import ShapeError
from nsm_widgets._text import one_line
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import (
    MOST_NAMED_LINES,
    Layout,
    Panel,
    clamp,
    count_lines,
    line_colors,
    line_names,
    line_values,
    lines_layout,
)
from nsm_widgets.widgets._base import refuse_unknown
from nsm_widgets.widgets._figure import CURSOR_COLOR, Chart, check_height, figure_of, x_axis, y_axis
from nsm_widgets.widgets._selection import SELECTABLE, Selection
from nsm_widgets.widgets._store import require_trace
from nsm_widgets.widgets._view import View

CHART_OPTIONS = (
    *("x", "lines", "picked", "vmin", "vmax", "name", "selection", "title", "height_px"),
    *("store", "budget_mb", "precision"),
)


def _with_tail(of_y: bool) -> Callable[[Any, bqplot.Lines], Any]:
    to_json = bqplot.Lines.y.metadata["to_json"]

    def serialize(values: Float64[np.ndarray, "*line step"], mark: bqplot.Lines) -> Any:
        steps = values.shape[-1]
        tail = (np.nan, 0.0) if of_y else (steps, 3 * steps)
        return to_json(
            np.concatenate([values, np.broadcast_to(tail, (*values.shape[:-1], 2))], axis=-1), mark
        )

    return serialize


class TailedLines(bqplot.Lines):  # type: ignore[misc]
    """Lines that on the page go on with a gap, and end in a point far out of sight.

    bqplot moves a label, even one not shown, to the last point of each line, and the browser's console
    complains where that is NaN, as after a run that diverged. ``js/src/chart/values.ts`` adds the same tail.
    """

    x = copy(bqplot.Lines.x).tag(to_json=_with_tail(of_y=False))
    y = copy(bqplot.Lines.y).tag(to_json=_with_tail(of_y=True))


class ChartControls(View):
    """Sliders, caption and legend above a chart's figure; on the page, what feeds the figure's marks."""

    _kind = traitlets.Unicode("chart").tag(sync=True)
    _figure = anywidget.WidgetTrait().tag(sync=True)
    _lines = anywidget.WidgetTrait().tag(sync=True)
    _cursor = anywidget.WidgetTrait().tag(sync=True)

    def __init__(self, trace: Trace, layout: Layout, figure: bqplot.Figure, /, **options: Any) -> None:
        super().__init__(trace, layout, **options)
        self._figure = figure
        self._cursor, self._lines = figure.marks


class LineChart(Chart):
    """Values over time as bqplot lines, with a cursor at the selected step.

    Lines and cursor follow the selection on the page, without a kernel; pressing or dragging in the chart
    selects a step, for all views of the same selection. Where values are NaN or infinite a line is broken;
    the caption counts them.

    Args:
        trace: Holds the array.
        array: Name of an array of the trace that has the axis ``x``.
        x: Axis across; its labels are written along it, where there are any, as many as there is room for.
        lines: Axis with one line for each index; ``"head"``, else ``"slot"``, else the last other axis when
            not given.
        picked: Indices of that axis that have a line, as ``[3, 17]``; all when none is named.
        vmin: Value at the foot of the chart; when not given, the array's own range over all times and heads,
            from zero where nothing is negative, and [0, 1] for weights.
        vmax: Value at its top.
        name: What the values are called on screen; the array's name when not given.
        selection: The cursor to follow; a new one when not given.
        title: Heading above the chart.
        height_px: Height of the figure, at least 120.
        **options: See :class:`View`: ``store``, ``budget_mb``, ``precision``.

    Attributes:
        figure: The :class:`bqplot.Figure`.
        lines: Its :class:`bqplot.Lines` with the values.
        cursor: Its :class:`bqplot.Lines` at the selected step.

    Example:
        >>> import numpy as np
        >>> gates = np.linspace(0, 1, 10).reshape(5, 1, 2)  # (time, batch, head)
        >>> trace = Trace.from_arrays({"write_gate": gates}, dims={"write_gate": ("time", "batch", "head")})
        >>> chart = LineChart(trace, "write_gate")
        >>> chart.lines.y.shape  # a line for each head, a value for each time step
        (2, 5)
        >>> chart.selection.time = 3

    Raises:
        TypeError: If ``trace`` is no trace, or ``selection`` no selection.
        ShapeError: If the trace holds no such array, or it has too many values for a chart.
        AxisError: If ``x`` or ``lines`` is no axis of it, or both are the same.
        ValueError: If ``vmin``, ``vmax``, ``height_px`` or one of ``picked`` is out of range.
        UnknownOptionError: If a keyword is no option.
    """

    def __init__(
        self,
        trace: Trace,
        array: str,
        *,
        x: str = "time",
        lines: str | None = None,
        picked: Sequence[int] = (),
        vmin: float | None = None,
        vmax: float | None = None,
        name: str | None = None,
        selection: Selection | None = None,
        title: str = "",
        height_px: int = 240,
        **options: Any,
    ) -> None:
        refuse_unknown("LineChart", options, CHART_OPTIONS)
        trace = require_trace(trace, "LineChart")
        if array not in trace:
            raise ShapeError(f"array must be one of the trace ({', '.join(trace)}), got {array!r}.")
        check_height(height_px)
        layout = lines_layout(
            trace[array],
            x=x,
            lines=lines,
            picked=picked,
            vmin=vmin,
            vmax=vmax,
            title=name,
            height_px=height_px,
        )
        figure = _figure(trace[array], layout[0][0], selection)
        self.cursor, self.lines = figure.marks
        super().__init__(
            figure,
            lambda: ChartControls(trace, layout, figure, selection=selection, title=title, **options),
        )


def _figure(array: NamedArray, panel: Panel, selection: Selection | None) -> bqplot.Figure:
    """The chart as it is at the selection, its marks in the order cursor, lines."""
    at = clamp({dim: getattr(selection, dim, 0) for dim in SELECTABLE}, array.sizes)
    steps = array.sizes[panel.x]
    across = bqplot.LinearScale(min=0.0, max=float(max(1, steps - 1)), allow_padding=False)
    up = bqplot.LinearScale(min=panel.domain.low, max=panel.domain.high)
    whole = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
    here = float(at[panel.x])
    cursor = bqplot.Lines(
        x=np.array([here, here]),
        y=np.array([0.0, 1.0]),
        scales={"x": across, "y": whole},
        colors=[CURSOR_COLOR],
        stroke_width=1.5,
        line_style="dashed",
    )
    marks = [cursor, _lines(array, panel, at, {"x": across, "y": up})]
    labels = array.labels(panel.x, batch=at.get("batch", 0)) if panel.x in array.coords else None
    title = "time (step)" if panel.x == "time" else panel.x
    axes = [x_axis(across, title, steps, labels), y_axis(up, panel)]
    return figure_of(marks, axes, panel.height_px)


def _lines(
    array: NamedArray, panel: Panel, at: dict[str, int], scales: dict[str, bqplot.Scale]
) -> bqplot.Lines:
    count = count_lines(array, panel)
    named = count <= MOST_NAMED_LINES
    return TailedLines(
        x=np.arange(array.sizes[panel.x], dtype=np.float64),
        y=line_values(array, panel, at),
        scales=scales,
        colors=line_colors(count),
        opacities=[1.0 if named else 0.45] * count,
        stroke_width=2.0 if named else 1.0,
        labels=[one_line(name) for name in line_names(array, panel, at.get("batch", 0))],
    )
