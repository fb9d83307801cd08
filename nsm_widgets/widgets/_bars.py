"""Bars by bqplot, fed on the page from the same store and selection as the heatmaps."""

from __future__ import annotations

from typing import Any

import anywidget
import bqplot
import numpy as np
import traitlets
from jaxtyping import Float64, Int

from nsm_widgets.trace import Trace
from nsm_widgets.view import (
    BAR_COLORS,
    Layout,
    Panel,
    bar_codes,
    bar_domain,
    bar_order,
    bar_values,
    clamp,
    order_text,
    sort_names,
)
from nsm_widgets.widgets._figure import CURSOR_COLOR, figure_of, x_axis, y_axis
from nsm_widgets.widgets._selection import SELECTABLE, Selection
from nsm_widgets.widgets._view import View

OUT_OF_SIGHT = -9.0


class BarControls(View):
    """Sliders, caption, legend and order above a figure of bars; on the page, what feeds its marks."""

    _kind = traitlets.Unicode("bars").tag(sync=True)
    _figure = anywidget.WidgetTrait().tag(sync=True)

    sort = traitlets.Unicode("slot").tag(sync=True)
    """What the bars are sorted by. Two-way."""

    _page_writable = View._page_writable | {"sort"}

    def __init__(self, trace: Trace, layout: Layout, figure: bqplot.Figure, /, **options: Any) -> None:
        panel = layout[0][0]
        self._orders = sort_names(panel)
        sort = panel.bars.sort if panel.bars is not None else panel.x
        super().__init__(trace, layout, **{"sort": sort, **options})
        self._figure = figure

    @traitlets.validate("sort")
    def _validate_sort(self, proposal: dict[str, Any]) -> str:
        sort = str(proposal["value"])
        if sort not in self._orders:
            raise traitlets.TraitError(f"sort must be one of {', '.join(self._orders)}, got {sort!r}.")
        return sort


def bars_figure(trace: Trace, panel: Panel, selection: Selection | None) -> bqplot.Figure:
    """The bars as they are at the selection; marks in the order hover, cursor, bars, dead, saturated."""
    array = trace[panel.array]
    at = clamp({dim: getattr(selection, dim, 0) for dim in SELECTABLE}, array.sizes)
    order = bar_order(trace, panel, at)
    count = len(order)
    domain = bar_domain(panel.domain)
    across = bqplot.LinearScale(min=-0.5, max=count - 0.5, allow_padding=False)
    up = bqplot.LinearScale(min=domain.low, max=domain.high)
    whole = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
    codes = bar_codes(trace, panel, at)[order]
    bands = {"x": across, "y": whole}
    marks = [
        _band(OUT_OF_SIGHT, bands, 0.12, line=0.0),
        _band(float(np.flatnonzero(order == at[panel.x])[0]), bands, 0.22, line=1.0),
        _bars(bar_values(array, panel, at)[order], codes, {"x": across, "y": up}),
        _symbols(codes, 1, 0.035, "cross", bands, turned=45.0),
        _symbols(codes, 2, 0.965, "triangle-up", bands, turned=0.0),
    ]
    names = array.labels(panel.x, batch=at.get("batch", 0))
    labels = [names[i] for i in order]
    axes = [x_axis(across, order_text(panel, at), count, labels), y_axis(up, panel)]
    return figure_of(marks, axes, panel.height_px)


def _band(place: float, scales: dict[str, bqplot.Scale], opacity: float, *, line: float) -> bqplot.Lines:
    """A bar's whole column, behind the bars."""
    return bqplot.Lines(
        x=place + np.array([-0.5, 0.5, 0.5, -0.5]),
        y=np.array([0.0, 0.0, 1.0, 1.0]),
        scales=scales,
        colors=[CURSOR_COLOR],
        stroke_width=line,
        close_path=True,
        fill="inside",
        fill_colors=[CURSOR_COLOR],
        fill_opacities=[opacity],
    )


def _bars(
    values: Float64[np.ndarray, " bar"], codes: Int[np.ndarray, " bar"], scales: dict[str, bqplot.Scale]
) -> bqplot.Bars:
    colors = [BAR_COLORS[code] for code in codes]
    places = np.arange(len(values), dtype=np.float64)
    heights = np.where(np.isfinite(values), values, np.nan)
    if len(values) == 1:  # the width of bars is taken from their distance: two that are none keep it
        places, heights, colors = np.array([-0.5, 0.0, 0.5]), np.array([np.nan, *heights, np.nan]), colors * 3
    return bqplot.Bars(
        x=places, y=heights, scales=scales, colors=colors, padding=0.2, stroke_width=0.0, fill=True
    )


def _symbols(
    codes: Int[np.ndarray, " bar"],
    code: int,
    height: float,
    marker: str,
    scales: dict[str, bqplot.Scale],
    *,
    turned: float,
) -> bqplot.Scatter:
    """What tells the bars of one kind apart without their colour."""
    places = np.flatnonzero(codes == code)
    return bqplot.Scatter(
        x=places.astype(np.float64),
        y=np.full(len(places), height),
        rotation=np.full(len(codes), turned),  # for as many as the page may ever draw
        scales={**scales, "rotation": bqplot.LinearScale(min=0.0, max=180.0)},
        marker=marker,
        colors=[BAR_COLORS[code]],
        default_size=28,
    )
