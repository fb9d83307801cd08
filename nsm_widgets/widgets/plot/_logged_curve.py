"""The bqplot figures in which a view draws what was logged in training."""

from __future__ import annotations

import bqplot
import ipywidgets
import numpy as np

from nsm_widgets.trace import Trace
from nsm_widgets.view import line_colors
from nsm_widgets.view.panels import ScalarsPanel
from nsm_widgets.widgets.plot._figure import (
    CURSOR_COLOR,
    TailedLines,
    figure_of,
    parts_of,
    write_y_axis,
    y_axis,
)

GAP_COLOR = "#cc3399"
"""Of the marks at values that are NaN or infinite, as such cells are marked in heatmaps."""


def scalar_figure(trace: Trace, panel: ScalarsPanel) -> tuple[bqplot.Figure, list[ipywidgets.Widget]]:
    """One curve, its marks in the order cursor, line, marks at gaps; the page feeds them.

    Returns:
        The figure, and it with all that was made for it.
    """
    array = trace[panel.array]
    numbers = (
        np.array([float(label) for label in array.labels("logged")]) if "logged" in array.coords else None
    )
    across = bqplot.LinearScale(allow_padding=False)
    up = bqplot.LinearScale(min=panel.domain.low, max=panel.domain.high)
    whole = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
    cursor = bqplot.Lines(
        x=np.array([0.0, 0.0]),
        y=np.array([0.0, 1.0]),
        scales={"x": across, "y": whole},
        colors=[CURSOR_COLOR],
        stroke_width=1.5,
        line_style="dashed",
    )
    values = np.asarray(array.values, dtype=np.float64)
    line = TailedLines(
        x=numbers if numbers is not None else np.arange(len(values), dtype=np.float64),
        y=values,
        scales={"x": across, "y": up},
        colors=line_colors(1),
        stroke_width=1.5,
        labels=[panel.title],
    )
    gaps = bqplot.Scatter(
        x=np.array([]),
        y=np.array([]),
        scales={"x": across, "y": whole},
        colors=[GAP_COLOR],
        marker="cross",
        default_size=24,
    )
    axis = bqplot.Axis(
        scale=across, label="iteration", label_offset="32px", num_ticks=5, tick_format="d", grid_lines="none"
    )
    values_axis = y_axis(up)
    write_y_axis(values_axis, panel)
    figure = figure_of([cursor, line, gaps], [axis, values_axis], panel.height_px + 50)
    return figure, parts_of(figure)
