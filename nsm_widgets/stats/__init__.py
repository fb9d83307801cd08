"""What the numbers of a memory and of attention say: plain functions on arrays, and tidy tables.

Every function takes a tensor, an array, nested lists or a ``NamedArray``, computes in float64 from the values
as they were given, and returns a ``NamedArray`` for a ``NamedArray``, else a NumPy array. Knows NumPy and
``trace``; pandas is loaded by the tables alone, where it is installed, and torch never.
"""

from __future__ import annotations

from nsm_widgets.stats._attention import (
    attention_distance,
    attention_rollout,
    causal_mask,
    first_token_share,
    next_token_share,
    padding_mask,
    previous_token_share,
    same_token_share,
)
from nsm_widgets.stats._belonging import PLACE_AXES, head_group, place_group
from nsm_widgets.stats._changes import HeadChanges, changed_heads, head_changes
from nsm_widgets.stats._divergence import head_agreement, head_divergence, js_divergence, kl_divergence
from nsm_widgets.stats._findings import Finding, findings
from nsm_widgets.stats._heads import HEAD_CLASSES, HeadClasses, HeadClassesByArray, classify_heads
from nsm_widgets.stats._matched import Matching
from nsm_widgets.stats._matching import check_match, match_traces
from nsm_widgets.stats._memory import (
    active_slots,
    memory_mean,
    memory_range,
    memory_sparsity,
    memory_std,
    slot_similarity,
)
from nsm_widgets.stats._routing import state_share, unrouted_tokens
from nsm_widgets.stats._same_layout import CommonArrays, common_arrays
from nsm_widgets.stats._slot_table import analyze_slots
from nsm_widgets.stats._slots import (
    dead_slots,
    first_write,
    importance,
    never_read,
    overwritten_before_read,
    usage,
)
from nsm_widgets.stats._table import Table, TableLike
from nsm_widgets.stats._tables import analyze, analyze_attention, analyze_memory, summary_statistics
from nsm_widgets.stats._weightings import (
    effective_slots,
    entropy,
    focus,
    hoyer_sparsity,
    max_weight,
    normalised_entropy,
    sparsity,
)

__all__ = [
    "HEAD_CLASSES",
    "PLACE_AXES",
    "CommonArrays",
    "Finding",
    "HeadChanges",
    "HeadClasses",
    "HeadClassesByArray",
    "Matching",
    "Table",
    "TableLike",
    "active_slots",
    "analyze",
    "analyze_attention",
    "analyze_memory",
    "analyze_slots",
    "attention_distance",
    "attention_rollout",
    "causal_mask",
    "changed_heads",
    "check_match",
    "classify_heads",
    "common_arrays",
    "dead_slots",
    "effective_slots",
    "entropy",
    "findings",
    "first_token_share",
    "first_write",
    "focus",
    "head_agreement",
    "head_changes",
    "head_divergence",
    "head_group",
    "hoyer_sparsity",
    "importance",
    "js_divergence",
    "kl_divergence",
    "match_traces",
    "max_weight",
    "memory_mean",
    "memory_range",
    "memory_sparsity",
    "memory_std",
    "never_read",
    "next_token_share",
    "normalised_entropy",
    "overwritten_before_read",
    "padding_mask",
    "place_group",
    "previous_token_share",
    "same_token_share",
    "slot_similarity",
    "sparsity",
    "state_share",
    "summary_statistics",
    "unrouted_tokens",
    "usage",
]
