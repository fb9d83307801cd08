"""What every bqplot chart of ours is made of: a figure with two axes, and the controls above it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import bqplot
import ipywidgets
import numpy as np

from nsm_widgets._text import one_line
from nsm_widgets.view import Panel, tick_steps, tick_values
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets._ways_out import WaysOut

CURSOR_COLOR = "#808080"
LEAST_HEIGHT_PX = 120


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


def x_axis(scale: bqplot.Scale, title: str, count: int, labels: Sequence[str] | None = None) -> bqplot.Axis:
    """An axis of ``count`` indices. The page knows its width, and chooses anew which labels fit."""
    steps = tick_steps(count)
    return bqplot.Axis(
        scale=scale,
        label=title,
        label_offset="32px",
        tick_values=np.array(steps, dtype=np.float64),
        tick_format="d",
        tick_labels=None if labels is None else {str(i): one_line(labels[i]) for i in steps},
        grid_lines="none",
    )


def y_axis(scale: bqplot.Scale, panel: Panel) -> bqplot.Axis:
    """An axis of values, at round numbers."""
    return bqplot.Axis(
        scale=scale,
        side="left",
        label=panel.title,
        label_offset="46px",
        tick_values=np.array(tick_values(panel.domain)),
        tick_format=".6~g",
        grid_lines="solid",
    )


def parts_of(figure: bqplot.Figure) -> list[ipywidgets.Widget]:
    """A figure and every widget that was made for it."""
    scales = [scale for mark in figure.marks for scale in mark.scales.values()]
    return [figure, figure.layout, figure.scale_x, figure.scale_y, *figure.marks, *figure.axes, *scales]


def close_all(widgets: Iterable[ipywidgets.Widget]) -> None:
    """Close each of them; one that is closed already stays so."""
    for widget in widgets:
        widget.close()
