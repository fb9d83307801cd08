"""The cache that a model of transformers goes on from: which it is, and how many keys it holds."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from nsm_widgets.trace.record._listening import Around

CACHES = ("past_key_values", "cache")
"""What the argument and the output is called: the second one since transformers 5.24."""


def cache_in(given: Mapping[str, Any]) -> Any:
    """The cache among arguments or outputs; an output of today warns where it is asked for the old name."""
    return next((given[name] for name in given.keys() & set(CACHES) if given[name] is not None), None)


def cache_holder(cache: object) -> Any:
    """What is kept from call to call: the cache, or the first tensor of one that is a tuple."""
    while isinstance(cache, (tuple, list)) and cache:
        cache = cache[0]
    return cache


def cache_reference(cache: object) -> Any:
    """A weak reference to what is kept; ``None`` where there is none."""
    try:
        return None if cache is None else weakref.ref(cache_holder(cache))
    except TypeError:
        return None


def cache_length(cache: object) -> int:
    """How many keys a cache holds."""
    if cache is None:
        return 0
    keys = getattr(cache, "key_cache", None)
    if isinstance(keys, list) and not any(each.numel() for each in keys):
        return 0  # which some say is as long as the batch
    if hasattr(cache, "get_seq_length"):
        return int(cache.get_seq_length())
    holder = cache_holder(cache)
    return int(holder.shape[-2]) if getattr(holder, "ndim", 0) == 4 else 0


def after_call(told: Callable[[Any], None]) -> Any:
    """Let a function see a cache when a method of it has run."""

    def around(call: Around, cache: object, *args: object, **kwargs: object) -> Any:
        answer = call(cache, *args, **kwargs)
        told(cache)
        return answer

    return around
