"""The tools that are measured, ours first. A new one is one file with a ``TOOL``, and its name here."""

from __future__ import annotations

from benchmarks.tools import (
    bokeh_customjs,
    bqplot_heatmap,
    ipympl_set_data,
    matplotlib_interact,
    nsm_heatmap,
    plotly_figure_widget,
    treescope_slider,
)
from benchmarks.tools.tool import Tool

TOOLS: dict[str, Tool] = {
    module.TOOL.key: module.TOOL
    for module in (
        nsm_heatmap,
        matplotlib_interact,
        ipympl_set_data,
        bqplot_heatmap,
        plotly_figure_widget,
        bokeh_customjs,
        treescope_slider,
    )
}

__all__ = ["TOOLS", "Tool"]
