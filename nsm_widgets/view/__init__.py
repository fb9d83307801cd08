"""The view-model: what is on screen, as frozen data and pure functions. No torch, no traitlets."""

from __future__ import annotations

from nsm_widgets.view._bars import (
    BAR_COLORS,
    BY_VALUE,
    HEADROOM,
    bar_codes,
    bar_domain,
    bar_order,
    bar_values,
    order_text,
    sort_names,
)
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
from nsm_widgets.view._comparison import comparison_layout, pattern_difference, row_divergence
from nsm_widgets.view._derived import addressing_stages, memory_change, with_derived
from nsm_widgets.view._evolution import evolution_layouts, memory_difference, most_changed, slot_statistics
from nsm_widgets.view._graph import MOST_EDGES, MOST_NODES, EdgeChoice, choose_edges, column_sums, largest_sum
from nsm_widgets.view._importance import first_write, importance_layout, slot_importance, slot_use
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
    line_indices,
    line_names,
    line_values,
    tick_steps,
    tick_values,
)
from nsm_widgets.view._notes import note_lines
from nsm_widgets.view._operations import operations_layout
from nsm_widgets.view._own_range import DOMAIN_CHOICES, DomainChoice, own_domain, own_thresholds
from nsm_widgets.view._panel import BarsOf, Coloring, Layout, Note, Panel, ScalarReadout, default_coloring
from nsm_widgets.view._routing import NOWHERE, routing_layout, routing_statistics
from nsm_widgets.view._scalars import scalars_row
from nsm_widgets.view._summary import (
    ArraySummary,
    count_clipped,
    rank_thresholds,
    ranks_of,
    summarize,
    summary_of,
)

__all__ = [
    "BAR_COLORS",
    "BY_VALUE",
    "COLOR_SCALES",
    "DOMAIN_CHOICES",
    "HEADROOM",
    "MOST_EDGES",
    "MOST_NAMED_LINES",
    "MOST_NODES",
    "NOWHERE",
    "PALETTE",
    "ArraySummary",
    "BarsOf",
    "ColorDomain",
    "ColorScale",
    "Coloring",
    "DomainChoice",
    "EdgeChoice",
    "Layout",
    "Note",
    "Panel",
    "ScalarReadout",
    "Theme",
    "addressing_stages",
    "arrays_of",
    "attention_layout",
    "bar_codes",
    "bar_domain",
    "bar_order",
    "bar_values",
    "choose_edges",
    "clamp",
    "color_codes",
    "color_table",
    "colormap_kind",
    "colormap_names",
    "column_sums",
    "communication_layout",
    "comparison_layout",
    "count_clipped",
    "count_lines",
    "default_coloring",
    "evolution_layouts",
    "explorer_layout",
    "first_write",
    "heatmap_layout",
    "importance_layout",
    "largest_sum",
    "line_colors",
    "line_indices",
    "line_names",
    "line_values",
    "lines_layout",
    "memory_change",
    "memory_difference",
    "memory_layout",
    "most_changed",
    "note_lines",
    "operations_layout",
    "order_text",
    "own_domain",
    "own_thresholds",
    "paint",
    "pattern_difference",
    "rank_thresholds",
    "ranks_of",
    "read_write_layout",
    "routing_layout",
    "routing_statistics",
    "row_divergence",
    "scalars_row",
    "slot_importance",
    "slot_statistics",
    "slot_use",
    "sort_names",
    "summarize",
    "summary_of",
    "tick_steps",
    "tick_values",
    "with_derived",
]
