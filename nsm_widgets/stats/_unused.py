"""Which slots of a memory nobody uses: the one rule of views, charts, findings and reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Bool, Float64

from nsm_widgets.stats._input import Mask, counted, take
from nsm_widgets.trace import NamedArray

UNUSED = 0.01
"""A slot is unused where no weight on it is above this, at any step, in any sample, of any head."""

UNUSED_RULE = f"no read or write weight above {100 * UNUSED:g} % in any step, sample or head"
"""The rule in words."""

_STEPS = 256
"""Read at a time: weights may be larger than memory."""

_LARGEST: WeakKeyDictionary[NamedArray, Float64[np.ndarray, " slot"]] = WeakKeyDictionary()


def unused_slots(
    arrays: Mapping[str, Any], *, mask: Mapping[str, Mask] | None = None
) -> Bool[np.ndarray, " slot"] | None:
    """Slots on which no read or write weight is above 1 %, at any step, in any sample, of any head.

    What is not known is used: a slot whose weights hold a NaN, or whose memory holds a value that is not
    finite. What a mask leaves out, such as padding, does not count.

    Args:
        arrays: A ``Trace``, or arrays by name, with ``read_weights``, ``write_weights`` or both, the slots
            along the axis ``slot``, or the last one where axes have no names; and perhaps ``memory``.
        mask: By the name of an array, true where a weight counts.

    Returns:
        True where a slot is unused; ``None`` where there are no weights over slots, or they differ in slots.

    >>> unused_slots({"write_weights": [[1.0, 0.0, 0.0]], "read_weights": [[0.99, 0.01, 0.0]]}).tolist()
    [False, True, True]
    """
    masks = mask or {}
    weights = {name: arrays[name] for name in ("read_weights", "write_weights") if name in arrays}
    found = [_largest(each, masks.get(name)) for name, each in weights.items()]
    largest = [each for each in found if each is not None]
    if not largest or len({len(each) for each in largest}) > 1:
        return None
    unused = np.logical_and.reduce([each <= UNUSED for each in largest])  # a NaN is no such thing
    memory = arrays.get("memory")
    if isinstance(memory, NamedArray) and memory.sizes.get("slot") == len(unused) and unused.any():
        unused &= _finite(memory)
    return np.asarray(unused)


def _largest(weights: object, mask: Mask) -> Float64[np.ndarray, " slot"] | None:
    """The largest weight on each slot, NaN where one is; worked out once for each named array."""
    if not isinstance(weights, NamedArray):
        given = take(weights, "weights", ("slot",))
        return (
            _along(given.values, given.values.ndim - 1, counted(mask, given)) if given.values.size else None
        )
    if "slot" not in weights.dims or 0 in weights.shape:
        return None
    axis = weights.dims.index("slot")
    if mask is not None:
        return _along(weights.values, axis, counted(mask, take(weights, weights.name, ())))
    if weights not in _LARGEST:
        _LARGEST[weights] = _along(weights.values, axis, weights.mask)
    return _LARGEST[weights]


def _along(values: Any, axis: int, counts: Bool[np.ndarray, "..."] | None) -> Float64[np.ndarray, " slot"]:
    """The largest value at each place of an axis, of those that count."""
    parts = []
    for here in _blocks(values, axis):
        block = np.asarray(values[here])
        block = block if counts is None else np.where(counts[here], block, 0)
        parts.append(block.max(axis=_but(axis, block.ndim)))
    return np.asarray(np.max(parts, axis=0), np.float64)


def _finite(memory: NamedArray) -> Bool[np.ndarray, " slot"]:
    """Slots all of whose values are finite."""
    axis = memory.dims.index("slot")
    blocks = (np.asarray(memory.values[here]) for here in _blocks(memory.values, axis))
    finite = [np.isfinite(block).all(axis=_but(axis, block.ndim)) for block in blocks]
    return np.asarray(np.logical_and.reduce(finite))


def _blocks(values: Any, axis: int) -> list[slice]:
    """So many steps at a time, where these are not what is asked of."""
    return (
        [slice(start, start + _STEPS) for start in range(0, len(values), _STEPS)] if axis else [slice(None)]
    )


def _but(axis: int, ndim: int) -> tuple[int, ...]:
    return tuple(place for place in range(ndim) if place != axis)
