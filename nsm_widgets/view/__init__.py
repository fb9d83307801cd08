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
from nsm_widgets.view._comparison import comparison_layout, pattern_difference, row_divergence
from nsm_widgets.view._derived import addressing_stages, memory_change, with_derived
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
from nsm_widgets.view._notes import note_lines
from nsm_widgets.view._operations import operations_layout
from nsm_widgets.view._own_range import DOMAIN_CHOICES, DomainChoice, own_domain, own_thresholds
from nsm_widgets.view._panel import Coloring, Layout, Note, Panel, ScalarReadout, default_coloring
from nsm_widgets.view._routing import NOWHERE, routing_layout, routing_statistics
from nsm_widgets.view._summary import ArraySummary, count_clipped, rank_thresholds, summarize

__all__ = [
    "COLOR_SCALES",
    "DOMAIN_CHOICES",
    "MOST_NAMED_LINES",
    "NOWHERE",
    "PALETTE",
    "ArraySummary",
    "ColorDomain",
    "ColorScale",
    "Coloring",
    "DomainChoice",
    "Layout",
    "Note",
    "Panel",
    "ScalarReadout",
    "Theme",
    "addressing_stages",
    "arrays_of",
    "attention_layout",
    "clamp",
    "color_codes",
    "color_table",
    "colormap_kind",
    "colormap_names",
    "comparison_layout",
    "count_clipped",
    "count_lines",
    "default_coloring",
    "explorer_layout",
    "heatmap_layout",
    "line_colors",
    "line_values",
    "lines_layout",
    "memory_change",
    "memory_layout",
    "note_lines",
    "operations_layout",
    "own_domain",
    "own_thresholds",
    "paint",
    "pattern_difference",
    "rank_thresholds",
    "read_write_layout",
    "routing_layout",
    "routing_statistics",
    "row_divergence",
    "summarize",
    "tick_steps",
    "tick_values",
    "with_derived",
]
