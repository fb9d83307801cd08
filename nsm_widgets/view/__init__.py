"""The view-model: what is on screen, as frozen data and pure functions. No torch, no traitlets."""

from __future__ import annotations

from nsm_widgets.view._clamp import clamp
from nsm_widgets.view._color import (
    COLOR_SCALES,
    ColorDomain,
    ColorScale,
    Theme,
    color_codes,
    color_table,
    colormap_kind,
    colormap_names,
    paint,
)
from nsm_widgets.view._communication import communication_layout
from nsm_widgets.view._derived import addressing_stages, memory_change, with_derived
from nsm_widgets.view._graph import MOST_EDGES, MOST_NODES, EdgeChoice, choose_edges, column_sums, largest_sum
from nsm_widgets.view._layouts import (
    arrays_of,
    attention_layout,
    explorer_layout,
    heatmap_layout,
    lines_layout,
    memory_layout,
    read_write_layout,
)
from nsm_widgets.view._lines import (
    MOST_NAMED_LINES,
    PALETTE,
    count_lines,
    line_colors,
    line_values,
    tick_steps,
    tick_values,
)
from nsm_widgets.view._panel import Coloring, Layout, Panel, ScalarReadout, default_coloring
from nsm_widgets.view._summary import ArraySummary, count_clipped, rank_thresholds, summarize

__all__ = [
    "COLOR_SCALES",
    "MOST_EDGES",
    "MOST_NAMED_LINES",
    "MOST_NODES",
    "PALETTE",
    "ArraySummary",
    "ColorDomain",
    "ColorScale",
    "Coloring",
    "EdgeChoice",
    "Layout",
    "Panel",
    "ScalarReadout",
    "Theme",
    "addressing_stages",
    "arrays_of",
    "attention_layout",
    "choose_edges",
    "clamp",
    "color_codes",
    "color_table",
    "colormap_kind",
    "colormap_names",
    "column_sums",
    "communication_layout",
    "count_clipped",
    "count_lines",
    "default_coloring",
    "explorer_layout",
    "heatmap_layout",
    "largest_sum",
    "line_colors",
    "line_values",
    "lines_layout",
    "memory_change",
    "memory_layout",
    "paint",
    "rank_thresholds",
    "read_write_layout",
    "summarize",
    "tick_steps",
    "tick_values",
    "with_derived",
]
