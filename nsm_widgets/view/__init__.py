"""The view-model: what is on screen, as frozen data and pure functions. No torch, no traitlets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.view._bars import (
        BAR_COLORS as BAR_COLORS,
        BY_VALUE as BY_VALUE,
        HEADROOM as HEADROOM,
        bar_codes as bar_codes,
        bar_domain as bar_domain,
        bar_order as bar_order,
        bar_values as bar_values,
        order_text as order_text,
        sort_names as sort_names,
    )
    from nsm_widgets.view._color import (
        ABOVE as ABOVE,
        BELOW as BELOW,
        COLOR_SCALES as COLOR_SCALES,
        LOG_FLOOR as LOG_FLOOR,
        MARK_COLORS as MARK_COLORS,
        NAN as NAN,
        NEGATIVE_INFINITY as NEGATIVE_INFINITY,
        POSITIVE_INFINITY as POSITIVE_INFINITY,
        ColorDomain as ColorDomain,
        ColorScale as ColorScale,
        bar_positions as bar_positions,
        color_codes as color_codes,
        paint as paint,
    )
    from nsm_widgets.view._coloring import Coloring as Coloring, default_coloring as default_coloring
    from nsm_widgets.view._communication import communication_layout as communication_layout
    from nsm_widgets.view._comparison import (
        comparison_layout as comparison_layout,
        first_invalid_row as first_invalid_row,
        pattern_difference as pattern_difference,
        row_divergence as row_divergence,
    )
    from nsm_widgets.view._derived import (
        addressing_stages as addressing_stages,
        memory_change as memory_change,
        with_derived as with_derived,
    )
    from nsm_widgets.view._evolution import (
        NO_SLOTS as NO_SLOTS,
        evolution_layouts as evolution_layouts,
        memory_difference as memory_difference,
        most_changed as most_changed,
        slot_statistics as slot_statistics,
    )
    from nsm_widgets.view._graph import (
        MOST_EDGES as MOST_EDGES,
        MOST_NODES as MOST_NODES,
        EdgeChoice as EdgeChoice,
        choose_edges as choose_edges,
        column_sums as column_sums,
        largest_sum as largest_sum,
    )
    from nsm_widgets.view._layouts import (
        arrays_of as arrays_of,
        attention_layout as attention_layout,
        choices_of as choices_of,
        chosen_panels as chosen_panels,
        explorer_layout as explorer_layout,
        heatmap_layout as heatmap_layout,
        lines_layout as lines_layout,
        memory_layout as memory_layout,
        read_write_layout as read_write_layout,
    )
    from nsm_widgets.view._lines import (
        MOST_NAMED_LINES as MOST_NAMED_LINES,
        PALETTE as PALETTE,
        count_lines as count_lines,
        line_colors as line_colors,
        line_indices as line_indices,
        line_names as line_names,
        line_values as line_values,
        tick_steps as tick_steps,
        tick_values as tick_values,
    )
    from nsm_widgets.view._masked import (
        LEFT_OUT as LEFT_OUT,
        NO_STEP_BEFORE as NO_STEP_BEFORE,
        WRONG as WRONG,
        left_out_codes as left_out_codes,
        num_stepless as num_stepless,
        stepless_along as stepless_along,
    )
    from nsm_widgets.view._notes import note_lines as note_lines
    from nsm_widgets.view._opening import opening as opening
    from nsm_widgets.view._operations import operations_layout as operations_layout
    from nsm_widgets.view._own_range import (
        DOMAIN_CHOICES as DOMAIN_CHOICES,
        DomainChoice as DomainChoice,
        own_domain as own_domain,
        own_thresholds as own_thresholds,
    )
    from nsm_widgets.view._routing import (
        NOWHERE as NOWHERE,
        routing_layout as routing_layout,
        routing_statistics as routing_statistics,
    )
    from nsm_widgets.view._scalars import curves_apart as curves_apart, scalars_row as scalars_row
    from nsm_widgets.view._summary import (
        ArraySummary as ArraySummary,
        count_clipped as count_clipped,
        rank_thresholds as rank_thresholds,
        ranks_of as ranks_of,
        summarize as summarize,
        summary_of as summary_of,
    )
    from nsm_widgets.view._two_arrays import array_difference as array_difference
    from nsm_widgets.view._two_traces import (
        SHOW_CHOICES as SHOW_CHOICES,
        ShowChoice as ShowChoice,
        default_arrays as default_arrays,
        matching_notes as matching_notes,
        picture_axes as picture_axes,
        two_traces_layout as two_traces_layout,
    )
    from nsm_widgets.view.colormaps._own import ColorMap as ColorMap
    from nsm_widgets.view.colormaps._tables import (
        Theme as Theme,
        as_colormap as as_colormap,
        color_table as color_table,
        colormap_for_page as colormap_for_page,
        colormap_kind as colormap_kind,
        colormap_names as colormap_names,
        mark_colors as mark_colors,
    )
    from nsm_widgets.view.panels import Layout as Layout, Panel as Panel
    from nsm_widgets.view.slots._fold import (
        FoldChoice as FoldChoice,
        shown_indices as shown_indices,
        with_unused as with_unused,
    )
    from nsm_widgets.view.slots._importance import (
        BAR_ORDERS as BAR_ORDERS,
        first_write as first_write,
        importance_layout as importance_layout,
        slot_importance as slot_importance,
        slot_use as slot_use,
    )
    from nsm_widgets.view.tokens._image import image_panel as image_panel
    from nsm_widgets.view.tokens._layout import (
        is_text as is_text,
        token_axis as token_axis,
        tokens_layout as tokens_layout,
    )
    from nsm_widgets.view.tokens._links import (
        DIRECTIONS as DIRECTIONS,
        StrongLink as StrongLink,
        strongest_links as strongest_links,
    )
    from nsm_widgets.view.tokens._names import without_common_prefix as without_common_prefix
    from nsm_widgets.view.tokens._texts import token_texts as token_texts
else:
    __getattr__, __dir__ = lazy_face(__name__)
