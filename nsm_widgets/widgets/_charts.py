"""Line charts by bqplot, fed on the page from the same store and selection as the heatmaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
import bqplot
import ipywidgets
import numpy as np
from jaxtyping import Float64

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import Layout, Panel, clamp, lines_layout
from nsm_widgets.widgets._selection import SELECTABLE, Selection
from nsm_widgets.widgets._store import require_trace
from nsm_widgets.widgets._view import View

PALETTE = ("#2a7fc1", "#d98200", "#009e73", "#cc5f9e", "#56b4e9", "#d55e00")
"""After Okabe and Ito: told apart by colour-blind readers, legible on white and on black."""

CURSOR_COLOR = "#808080"
MOST_NAMED_LINES = 6
"""More lines than this are one colour, fainter, and have no legend."""


class ChartControls(View):
    """The caption and the sliders above a chart's figure; on the page, what feeds the figure's marks."""

    _lines = anywidget.WidgetTrait().tag(sync=True)
    _cursor = anywidget.WidgetTrait().tag(sync=True)

    def __init__(
        self, trace: Trace, layout: Layout, /, lines: bqplot.Lines, cursor: bqplot.Lines, **options: Any
    ) -> None:
        super().__init__(trace, layout, **options)
        self._lines, self._cursor = lines, cursor


class LineChart(ipywidgets.VBox):  # type: ignore[misc]
    """Values over time as bqplot lines, with a cursor at the selected step.

    The lines show the selected batch item, head, ... and follow the selection on the page, without a kernel.

    Args:
        trace: Holds the array.
        array: Name of an array of the trace that has the axis ``x``.
        x: Axis across.
        lines: Axis with one line for each index; ``"head"``, else ``"slot"``, else the last other axis when
            not given.
        vmin: Value at the foot of the chart; the array's own range, over all times and heads, when not given.
        vmax: Value at its top.
        selection: The cursor to follow; a new one when not given.
        title: Heading above the chart.
        height_px: Height of the figure, at least 120.
        **options: See :class:`View`: ``store``, ``budget_mb``.

    Example:
        >>> import numpy as np
        >>> trace = Trace.from_arrays({"write_gate": np.zeros((5, 1, 2))}, dims={"write_gate": ("time", "batch", "head")})
        >>> chart = LineChart(trace, "write_gate")
        >>> len(chart.lines.y)  # one for each head
        2

    Raises:
        ShapeError: If the trace holds no such array.
        AxisError: If ``x`` or ``lines`` is no axis of it.
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
        height_px: int = 260,
        **options: Any,
    ) -> None:
        trace = require_trace(trace, "LineChart")
        if array not in trace:
            raise ShapeError(f"array must be one of the trace ({', '.join(trace)}), got {array!r}.")
        if not isinstance(height_px, int) or height_px < 120:
            raise ValueError(f"height_px must be an integer of at least 120, got {height_px!r}.")
        layout = lines_layout(trace[array], x=x, lines=lines, vmin=vmin, vmax=vmax, height_px=height_px)
        ((panel,),) = layout
        selection = selection if selection is not None else Selection()
        self.lines, self.cursor, self.figure = _figure(trace[array], panel, selection)
        self.controls = ChartControls(
            trace, layout, self.lines, self.cursor, selection=selection, title=title, **options
        )
        super().__init__([self.controls, self.figure])

    @property
    def selection(self) -> Selection:
        """The cursor this chart follows."""
        return self.controls.selection

    @property
    def trace(self) -> Trace:
        """What is shown, as recorded."""
        return self.controls.trace

    def close(self) -> None:
        """Take the chart off every page, and what it made for itself with it."""
        if hasattr(self, "figure"):
            for widget in _owned(self.figure):
                widget.close()
            self.controls.close()
        super().close()

    def __repr__(self) -> str:
        """What it draws and where it stands."""
        return repr(self.controls).replace("ChartControls", "LineChart", 1)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widget, and beside it a picture and a summary of its state now, for readers that run none."""
        bundle: dict[str, Any] = super()._repr_mimebundle_(**options)
        return {**bundle, **self.controls._fallbacks("LineChart")}


def _figure(
    array: NamedArray, panel: Panel, selection: Selection
) -> tuple[bqplot.Lines, bqplot.Lines, bqplot.Figure]:
    at = clamp({d: getattr(selection, d, 0) for d in SELECTABLE}, array.sizes)
    count = array.sizes[panel.y] if panel.y != panel.x else 1
    steps = np.arange(array.sizes[panel.x], dtype=np.float64)
    across = bqplot.LinearScale(min=0.0, max=float(max(1, steps[-1])))
    up = bqplot.LinearScale(min=panel.domain.low, max=panel.domain.high)
    whole = bqplot.LinearScale(min=0.0, max=1.0)
    named = count <= MOST_NAMED_LINES
    lines = bqplot.Lines(
        x=steps,
        y=series(array, panel, at),
        scales={"x": across, "y": up},
        colors=[PALETTE[i % len(PALETTE) if named else 0] for i in range(count)],
        opacities=[1.0 if named else 0.45] * count,
        stroke_width=1.8 if named else 1.0,
        labels=_names(array, panel, count),
        display_legend=named and count > 1,
    )
    here = float(at.get(panel.x, 0))
    cursor = bqplot.Lines(
        x=np.array([here, here]),
        y=np.array([0.0, 1.0]),
        scales={"x": across, "y": whole},
        colors=[CURSOR_COLOR],
        stroke_width=1.5,
        line_style="dashed",
    )
    axes = [
        bqplot.Axis(scale=across, label="time (step)" if panel.x == "time" else panel.x, grid_lines="none"),
        bqplot.Axis(scale=up, orientation="vertical", label=array.name.replace("_", " "), num_ticks=5),
    ]
    figure = bqplot.Figure(
        marks=[cursor, lines],
        axes=axes,
        fig_margin={"top": 8, "bottom": 42, "left": 62, "right": 16},
        legend_location="top-right",
        animation_duration=0,
        layout={"width": "auto", "height": f"{panel.height_px}px", "min_width": "240px"},
    )
    return lines, cursor, figure


def series(array: NamedArray, panel: Panel, at: dict[str, int]) -> Float64[np.ndarray, "line step"]:
    """The values of each line of a panel, as doubles: what bqplot draws."""
    drawn = (panel.x, panel.y)
    values = array.values[tuple(slice(None) if d in drawn else at[d] for d in array.dims)]
    if values.ndim == 2 and array.dims.index(panel.x) < array.dims.index(panel.y):
        values = values.T
    return np.atleast_2d(values).astype(np.float64)


def _names(array: NamedArray, panel: Panel, count: int) -> Sequence[str]:
    if count == 1:
        return [array.name]
    return [f"{panel.y} {label}" for label in array.labels(panel.y)]


def _owned(figure: bqplot.Figure) -> list[Any]:
    """A figure and all that was made for it."""
    scales = {id(scale): scale for mark in figure.marks for scale in mark.scales.values()}
    return [figure, figure.scale_x, figure.scale_y, *figure.marks, *figure.axes, *scales.values()]
