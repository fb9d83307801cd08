"""What every bqplot chart of ours is made of: a figure with two axes, and the controls above it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import anywidget
import bqplot
import ipywidgets
import numpy as np

from nsm_widgets._text import one_line
from nsm_widgets.trace import Trace
from nsm_widgets.view import Layout, Panel, tick_steps, tick_values
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets._ways_out import WaysOut
from nsm_widgets.widgets.live._live import Build, Running

CURSOR_COLOR = "#808080"
LEAST_HEIGHT_PX = 120

OUT_OF_SIGHT = -9.0
"""Where a cursor stands that has no place yet: left of any plot."""


class FigureControls(View):
    """Sliders, caption and legend above a figure; on the page, what feeds the figure's marks."""

    _figure = anywidget.WidgetTrait().tag(sync=True)

    def __init__(
        self, given: Any, build: Build, running: Running | None, figure: bqplot.Figure, /, **options: Any
    ) -> None:
        self._open(given, build, options, running=running)
        self._figure = figure
        if self._given_layout:
            self._fill(self.trace, self._given_layout)

    def _show(self, trace: Trace, layout: Layout, *, above: Layout = ()) -> None:
        self._fill(trace, layout)
        super()._show(trace, layout, above=above)

    def _fill(self, trace: Trace, layout: Layout) -> None:
        """Give the marks what they show at the selection."""
        raise NotImplementedError


class Chart(WaysOut, ipywidgets.VBox):  # type: ignore[misc]
    """Controls above a figure, as one widget.

    Args:
        figure: The figure, closed where the controls cannot be made.
        make_controls: Makes the view that feeds the figure's marks on the page.

    Attributes:
        figure: The :class:`bqplot.Figure`.
        controls: Sliders, caption and legend above it.
    """

    def __init__(self, figure: bqplot.Figure, make_controls: Callable[[], View]) -> None:
        self.figure = figure
        try:
            self.controls = make_controls()
        except Exception:
            close_all(parts_of(figure))
            raise
        super().__init__([self.controls, figure])
        self.add_class("nsmw-chart-box")

    @property
    def _lead(self) -> View:
        return self.controls

    def close(self) -> None:
        """Take the chart off every page, and all that it made for itself with it."""
        super().close()
        if hasattr(self, "controls"):
            self.controls.close()
            close_all([*parts_of(self.figure), self.controls.layout, self.layout])


def check_height(height_px: object) -> None:
    """Refuse what is no height of a chart.

    Raises:
        ValueError: If it is no integer, or less than :data:`LEAST_HEIGHT_PX`.
    """
    if not isinstance(height_px, int) or height_px < LEAST_HEIGHT_PX:
        raise ValueError(f"height_px must be an integer of at least {LEAST_HEIGHT_PX}, got {height_px!r}.")


def figure_of(marks: Sequence[bqplot.Mark], axes: Sequence[bqplot.Axis], height_px: int) -> bqplot.Figure:
    """A figure without anything around it; the page makes room for long labels below."""
    figure = bqplot.Figure(
        marks=list(marks),
        axes=list(axes),
        fig_margin={"top": 10, "bottom": 40, "left": 64, "right": 16},
        padding_y=0.0,
        animation_duration=0,
        layout={"width": "auto", "height": f"{height_px}px", "min_width": "240px"},
    )
    figure.add_class("nsmw-figure")
    figure.add_class(f"nsmw-figure-{figure.model_id}")  # the page finds the figure's elements by it
    return figure


def x_axis(scale: bqplot.Scale) -> bqplot.Axis:
    """An axis of indices, with nothing along it yet."""
    return bqplot.Axis(scale=scale, label_offset="32px", tick_format="d", grid_lines="none", **_nothing())


def write_x_axis(axis: bqplot.Axis, title: str, count: int, labels: Sequence[str] | None = None) -> None:
    """Write ``count`` indices along it. The page knows its width, and chooses anew which labels fit."""
    steps = tick_steps(count)
    with axis.hold_sync():
        axis.label = title
        axis.tick_values = np.array(steps, dtype=np.float64)
        axis.tick_labels = None if labels is None else {str(i): one_line(labels[i]) for i in steps}


def y_axis(scale: bqplot.Scale) -> bqplot.Axis:
    """An axis of values, with nothing along it yet."""
    return bqplot.Axis(
        scale=scale,
        side="left",
        label_offset="46px",
        tick_format=".6~g",
        grid_lines="solid",
        **_nothing(),
    )


def write_y_axis(axis: bqplot.Axis, panel: Panel) -> None:
    """Write the values of a panel's domain along it, at round numbers."""
    with axis.hold_sync():
        axis.label = panel.title
        axis.tick_values = np.array(tick_values(panel.domain))
        axis.tick_labels = None


def _nothing() -> dict[str, Any]:
    """One tick without a text: where an axis has none, bqplot chooses its own."""
    return {"tick_values": np.array([0.0]), "tick_labels": {"0": ""}}


def set_ends(scale: bqplot.LinearScale, low: float, high: float) -> None:
    """What the two ends of a scale stand for, in one message."""
    with scale.hold_sync():
        scale.min, scale.max = low, high


def panel_of_kind(layout: Layout, kind: str) -> Panel:
    """The chart's own panel; curves of what was logged may stand above it."""
    return next(panel for row in layout for panel in row if panel.kind == kind)


def parts_of(figure: bqplot.Figure) -> list[ipywidgets.Widget]:
    """A figure and every widget that was made for it."""
    scales = [scale for mark in figure.marks for scale in mark.scales.values()]
    return [figure, figure.layout, figure.scale_x, figure.scale_y, *figure.marks, *figure.axes, *scales]


def close_all(widgets: Iterable[ipywidgets.Widget]) -> None:
    """Close each of them; one that is closed already stays so."""
    for widget in widgets:
        widget.close()
