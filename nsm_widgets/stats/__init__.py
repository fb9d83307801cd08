"""What the numbers of a memory and of attention say: plain functions on arrays, and tidy tables.

Every function takes a tensor, an array, nested lists or a ``NamedArray``, computes in float64 from the values
as they were given, and returns a ``NamedArray`` for a ``NamedArray``, else a NumPy array. Knows NumPy and
``trace``; pandas is loaded by the tables alone, where it is installed, and torch never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.stats._attention import (
        attention_distance as attention_distance,
        attention_rollout as attention_rollout,
        causal_mask as causal_mask,
        first_token_share as first_token_share,
        next_token_share as next_token_share,
        padding_mask as padding_mask,
        previous_token_share as previous_token_share,
        same_token_share as same_token_share,
    )
    from nsm_widgets.stats._belonging import (
        PLACE_AXES as PLACE_AXES,
        head_group as head_group,
        place_group as place_group,
    )
    from nsm_widgets.stats._changes import (
        HeadChanges as HeadChanges,
        changed_heads as changed_heads,
        head_changes as head_changes,
    )
    from nsm_widgets.stats._divergence import (
        head_agreement as head_agreement,
        head_divergence as head_divergence,
        js_divergence as js_divergence,
        kl_divergence as kl_divergence,
    )
    from nsm_widgets.stats._findings import Finding as Finding, findings as findings
    from nsm_widgets.stats._heads import (
        HEAD_CLASSES as HEAD_CLASSES,
        HeadClasses as HeadClasses,
        HeadClassesByArray as HeadClassesByArray,
        classify_heads as classify_heads,
    )
    from nsm_widgets.stats._matched import Matching as Matching
    from nsm_widgets.stats._matching import check_match as check_match, match_traces as match_traces
    from nsm_widgets.stats._memory import (
        active_slots as active_slots,
        memory_mean as memory_mean,
        memory_range as memory_range,
        memory_sparsity as memory_sparsity,
        memory_std as memory_std,
        slot_similarity as slot_similarity,
    )
    from nsm_widgets.stats._routing import state_share as state_share, unrouted_tokens as unrouted_tokens
    from nsm_widgets.stats._same_layout import CommonArrays as CommonArrays, common_arrays as common_arrays
    from nsm_widgets.stats._slot_table import analyze_slots as analyze_slots
    from nsm_widgets.stats._slots import (
        dead_slots as dead_slots,
        first_write as first_write,
        importance as importance,
        never_read as never_read,
        overwritten_before_read as overwritten_before_read,
        usage as usage,
    )
    from nsm_widgets.stats._table import Table as Table, TableLike as TableLike
    from nsm_widgets.stats._tables import (
        analyze as analyze,
        analyze_attention as analyze_attention,
        analyze_memory as analyze_memory,
        summary_statistics as summary_statistics,
    )
    from nsm_widgets.stats._unused import (
        UNUSED as UNUSED,
        UNUSED_RULE as UNUSED_RULE,
        unused_slots as unused_slots,
    )
    from nsm_widgets.stats._weightings import (
        effective_slots as effective_slots,
        entropy as entropy,
        focus as focus,
        hoyer_sparsity as hoyer_sparsity,
        max_weight as max_weight,
        normalised_entropy as normalised_entropy,
        sparsity as sparsity,
    )
    from nsm_widgets.stats.provenance._lineage import lineage as lineage
else:
    __getattr__, __dir__ = lazy_face(__name__)
