"""Heads of a group that transformers lays along the query axis, where it asks for a single query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def _groups_of(module: object) -> int:
    groups = getattr(module, "num_key_value_groups", 1)
    return groups if isinstance(groups, int) else 1


def _is_packed(module: object, query: Tensor, key: Tensor) -> bool:
    """Whether the heads of a group lie along the query axis, as transformers packs a single query."""
    groups = _groups_of(module)
    heads = getattr(getattr(module, "config", None), "num_attention_heads", None)
    return groups > 1 and heads == groups * key.shape[1] and query.shape[1] == key.shape[1]


def unpacked(module: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call of the kernel; of a packed one as of one that is not."""
    call = dict(arguments)
    query, key = call["query"], call["key"]
    if not _is_packed(module, query, key):
        return call
    groups = _groups_of(module)
    call["query"] = query.reshape(query.shape[0], query.shape[1] * groups, -1, query.shape[-1])
    call["key"] = key.repeat_interleave(groups, dim=1)
    mask = call.get("attn_mask")
    if mask is not None and mask.ndim == 4 and mask.shape[1] == key.shape[1] > 1:
        call["attn_mask"] = mask.reshape(mask.shape[0], mask.shape[1] * groups, -1, mask.shape[-1])
    return call
