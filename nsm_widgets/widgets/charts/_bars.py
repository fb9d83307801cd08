"""Bars by bqplot, fed on the page from the same arrays and selection as the heatmaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Unpack

import bqplot
import numpy as np
import traitlets
from jaxtyping import Float64, Int

from nsm_widgets._axes import clamp
from nsm_widgets.trace import Trace
from nsm_widgets.view import (
    BAR_COLORS,
    BAR_ORDERS,
    Layout,
    bar_codes,
    bar_domain,
    bar_order,
    bar_values,
    order_text,
    sort_names,
)
from nsm_widgets.view.panels import BarsPanel
from nsm_widgets.widgets._base import TraitOptionError
from nsm_widgets.widgets._options import BarOptions
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets.charts._figure import FigureControls, panel_of_kind
from nsm_widgets.widgets.live._live import Build
from nsm_widgets.widgets.plot._figure import (
    CURSOR_COLOR,
    OUT_OF_SIGHT,
    figure_of,
    set_ends,
    write_x_axis,
    write_y_axis,
    x_axis,
    y_axis,
)

BAND = np.array([-0.5, 0.5, 0.5, -0.5])
"""Corners of a bar's column, from its middle."""

SYMBOLS = ((1, 0.035, 45.0), (2, 0.965, 0.0))
"""By code: how high its symbol stands, as a share of the figure, and by how many degrees it is turned."""


class BarControls(FigureControls):
    """Those of bars, and the order these are in."""

    _kind = traitlets.Unicode("bars").tag(sync=True)

    sort = traitlets.Unicode("slot").tag(sync=True)
    """What the bars are sorted by. Two-way."""

    _page_writable = FigureControls._page_writable | {"sort"}

    def __init__(
        self, given: object, build: Build, figure: bqplot.Figure, /, **options: Unpack[BarOptions]
    ) -> None:
        self._orders: tuple[str, ...] = BAR_ORDERS
        super().__init__(given, build, None, figure, **options)  # type: ignore[misc]  # sort is a trait

    def _fill(self, trace: Trace, layout: Layout) -> None:
        panel = panel_of_kind(layout, BarsPanel)
        self._orders = sort_names(panel)
        fill_bars(self._figure, trace, sorted_by(panel, self.sort), self.selection)

    @traitlets.validate("sort")
    def _validate_sort(self, proposal: dict[str, Any]) -> str:
        sort = str(proposal["value"])
        if sort not in self._orders:
            raise TraitOptionError(f"sort must be one of {', '.join(self._orders)}, got {sort!r}.")
        return sort


def sorted_by(panel: BarsPanel, sort: str) -> BarsPanel:
    """The panel with its bars in another order."""
    return replace(panel, bars=replace(panel.bars, sort=sort))


def bars_figure(height_px: int) -> bqplot.Figure:
    """A chart without any bar yet; marks in the order hover, cursor, bars, dead, saturated."""
    across = bqplot.LinearScale(min=-0.5, max=0.5, allow_padding=False)
    up = bqplot.LinearScale(min=0.0, max=1.0)
    whole = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
    bands = {"x": across, "y": whole}
    bars = bqplot.Bars(
        x=np.array([]),
        y=np.array([]),
        scales={"x": across, "y": up},
        colors=[BAR_COLORS[0]],
        padding=0.2,
        stroke_width=0.0,
        fill=True,
    )
    marks = [
        _band(bands, 0.12, line=0.0),
        _band(bands, 0.22, line=1.0),
        bars,
        _symbols(1, "cross", bands),
        _symbols(2, "triangle-up", bands),
    ]
    return figure_of(marks, [x_axis(across), y_axis(up)], height_px)


def fill_bars(figure: bqplot.Figure, trace: Trace, panel: BarsPanel, selection: Selection) -> None:
    """Draw the bars as they are at the selection."""
    array = trace[panel.array]
    at = clamp(selection.indices, array.sizes)
    order = bar_order(trace, panel, at)
    codes = bar_codes(trace, panel, at)[order]
    _hover, cursor, bars, *symbols = figure.marks
    set_ends(bars.scales["x"], -0.5, len(order) - 0.5)
    domain = bar_domain(panel.domain)
    set_ends(bars.scales["y"], domain.low, domain.high)
    names = array.labels(panel.x, batch=at.get("batch", 0))
    across, up = figure.axes
    write_x_axis(across, order_text(panel, array, at), len(order), [names[i] for i in order])
    write_y_axis(up, panel)
    cursor.x = float(np.flatnonzero(order == at[panel.x])[0]) + BAND
    _fill_bars(bars, bar_values(array, panel, at)[order], codes)
    for mark, (code, height, turned) in zip(symbols, SYMBOLS, strict=True):
        places = np.flatnonzero(codes == code)
        with mark.hold_sync():
            mark.x, mark.y = places.astype(np.float64), np.full(len(places), height)
            mark.rotation = np.full(len(codes), turned)  # for as many as the page may ever draw


def _band(scales: dict[str, bqplot.Scale], opacity: float, *, line: float) -> bqplot.Lines:
    """A bar's whole column, behind the bars."""
    return bqplot.Lines(
        x=OUT_OF_SIGHT + BAND,
        y=np.array([0.0, 0.0, 1.0, 1.0]),
        scales=scales,
        colors=[CURSOR_COLOR],
        stroke_width=line,
        close_path=True,
        fill="inside",
        fill_colors=[CURSOR_COLOR],
        fill_opacities=[opacity],
    )


def _fill_bars(
    bars: bqplot.Bars, values: Float64[np.ndarray, " bar"], codes: Int[np.ndarray, " bar"]
) -> None:
    colors = [BAR_COLORS[code] for code in codes]
    places = np.arange(len(values), dtype=np.float64)
    heights = np.where(np.isfinite(values), values, np.nan)
    if len(values) == 1:  # the width of bars is taken from their distance: two that are none keep it
        places, heights, colors = np.array([-0.5, 0.0, 0.5]), np.array([np.nan, *heights, np.nan]), colors * 3
    with bars.hold_sync():
        bars.x, bars.y, bars.colors = places, heights, colors


def _symbols(code: int, marker: str, scales: dict[str, bqplot.Scale]) -> bqplot.Scatter:
    """What tells the bars of one kind apart without their colour."""
    return bqplot.Scatter(
        x=np.array([]),
        y=np.array([]),
        rotation=np.array([]),
        scales={**scales, "rotation": bqplot.LinearScale(min=0.0, max=180.0)},
        marker=marker,
        colors=[BAR_COLORS[code]],
        default_size=28,
    )
