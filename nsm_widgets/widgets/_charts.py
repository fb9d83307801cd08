"""Line charts by bqplot, fed on the page from the same store and selection as the heatmaps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from copy import copy
from pathlib import Path
from typing import Any

import anywidget
import bqplot
import ipywidgets
import numpy as np
import traitlets
from jaxtyping import Float64

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import (
    MOST_NAMED_LINES,
    Layout,
    Panel,
    clamp,
    count_lines,
    line_colors,
    line_values,
    lines_layout,
    tick_steps,
    tick_values,
)
from nsm_widgets.widgets._base import refuse_unknown
from nsm_widgets.widgets._selection import SELECTABLE, Selection
from nsm_widgets.widgets._store import TraceStore, require_trace
from nsm_widgets.widgets._view import View

CURSOR_COLOR = "#808080"
LEAST_HEIGHT_PX = 120
CHART_OPTIONS = (
    *("x", "lines", "vmin", "vmax", "selection", "title", "height_px"),
    *("store", "budget_mb"),
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


class LineChart(ipywidgets.VBox):  # type: ignore[misc]
    """Values over time as bqplot lines, with a cursor at the selected step.

    Lines and cursor follow the selection on the page, without a kernel; pressing or dragging in the chart
    selects a step, for all views of the same selection. Where values are NaN or infinite a line is broken;
    the caption counts them.

    Args:
        trace: Holds the array.
        array: Name of an array of the trace that has the axis ``x``.
        x: Axis across.
        lines: Axis with one line for each index; ``"head"``, else ``"slot"``, else the last other axis when
            not given.
        vmin: Value at the foot of the chart; when not given, the array's own range over all times and heads,
            from zero where nothing is negative, and [0, 1] for weights.
        vmax: Value at its top.
        selection: The cursor to follow; a new one when not given.
        title: Heading above the chart.
        height_px: Height of the figure, at least 120.
        **options: See :class:`View`: ``store``, ``budget_mb``.

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
        ValueError: If ``vmin``, ``vmax`` or ``height_px`` is out of range.
        UnknownOptionError: If a keyword is no option.
    """

    def __init__(
        self,
        trace: Trace,
        array: str,
        *,
        x: str = "time",
        lines: str | None = None,
        vmin: float | None = None,
        vmax: float | None = None,
        selection: Selection | None = None,
        title: str = "",
        height_px: int = 240,
        **options: Any,
    ) -> None:
        refuse_unknown("LineChart", options, CHART_OPTIONS)
        trace = require_trace(trace, "LineChart")
        if array not in trace:
            raise ShapeError(f"array must be one of the trace ({', '.join(trace)}), got {array!r}.")
        if not isinstance(height_px, int) or height_px < LEAST_HEIGHT_PX:
            raise ValueError(
                f"height_px must be an integer of at least {LEAST_HEIGHT_PX}, got {height_px!r}."
            )
        layout = lines_layout(trace[array], x=x, lines=lines, vmin=vmin, vmax=vmax, height_px=height_px)
        self.figure = _figure(trace[array], layout[0][0], selection)
        self.cursor, self.lines = self.figure.marks
        try:
            self.controls = ChartControls(
                trace, layout, self.figure, selection=selection, title=title, **options
            )
        except Exception:
            _close(_parts(self.figure))
            raise
        super().__init__([self.controls, self.figure])

    @property
    def selection(self) -> Selection:
        """The cursor this chart follows; ``chart.selection.time = 7`` moves every view that shares it."""
        return self.controls.selection

    @property
    def store(self) -> TraceStore:
        """The arrays on the page's side; pass it to another view to share them."""
        return self.controls.store

    @property
    def trace(self) -> Trace:
        """What is shown, as recorded."""
        return self.controls.trace

    def savefig(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Save a picture of the chart; see :meth:`View.savefig`."""
        return self.controls.savefig(path, **options)

    def to_csv(self, path: str | os.PathLike[str] | None = None, **options: Any) -> str | Path:
        """Write the lines as a table; see :meth:`View.to_csv`."""
        return self.controls.to_csv(path, **options)

    def to_html(self, path: str | os.PathLike[str] | None = None, **options: Any) -> str | Path:
        """Write the chart as a page that stays alive; see :meth:`View.to_html`."""
        from nsm_widgets.export import widgets_to_html

        return widgets_to_html(self, path, **options)

    def close(self) -> None:
        """Take the chart off every page, and all that it made for itself with it."""
        super().close()
        if hasattr(self, "controls"):
            self.controls.close()
            _close([*_parts(self.figure), self.controls.layout, self.layout])

    def __repr__(self) -> str:
        """What it draws and where it stands."""
        return repr(self.controls).replace("ChartControls", "LineChart", 1)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widget, and beside it a picture and a summary of its state now, for readers that run none."""
        bundle: dict[str, Any] = super()._repr_mimebundle_(**options)
        self.store.shown()
        return {**bundle, **self._fallbacks("LineChart")}

    def _fallbacks(self, name: str) -> dict[str, str]:
        """Text and picture of the present state, under this name."""
        return self.controls._fallbacks(name)


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
    figure = bqplot.Figure(
        marks=[cursor, _lines(array, panel, at, {"x": across, "y": up})],
        axes=_axes(array, panel, across, up),
        fig_margin={"top": 10, "bottom": 40, "left": 64, "right": 16},
        padding_y=0.0,
        animation_duration=0,
        layout={"width": "auto", "height": f"{panel.height_px}px", "min_width": "240px"},
    )
    figure.add_class("nsmw-figure")
    figure.add_class(f"nsmw-figure-{figure.model_id}")  # the page finds the figure's elements by it
    return figure


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
        labels=[f"{panel.y} {i}" for i in range(count)] if count > 1 else [panel.title],
    )


def _axes(
    array: NamedArray, panel: Panel, across: bqplot.LinearScale, up: bqplot.LinearScale
) -> list[bqplot.Axis]:
    x = bqplot.Axis(
        scale=across,
        label="time (step)" if panel.x == "time" else panel.x,
        label_offset="32px",
        tick_values=np.array(tick_steps(array.sizes[panel.x]), dtype=np.float64),
        tick_format="d",
        grid_lines="none",
    )
    y = bqplot.Axis(
        scale=up,
        side="left",
        label=panel.title,
        label_offset="46px",
        tick_values=np.array(tick_values(panel.domain)),
        tick_format=".6~g",
        grid_lines="solid",
    )
    return [x, y]


def _parts(figure: bqplot.Figure) -> list[ipywidgets.Widget]:
    """A figure and every widget that was made for it."""
    scales = [scale for mark in figure.marks for scale in mark.scales.values()]
    return [figure, figure.layout, figure.scale_x, figure.scale_y, *figure.marks, *figure.axes, *scales]


def _close(widgets: Iterable[ipywidgets.Widget]) -> None:
    for widget in widgets:
        widget.close()
