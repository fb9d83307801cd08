"""How unlike heads and slots of two traces are: what their best matching makes least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from nsm_widgets.trace import NamedArray

_BLOCK = 1 << 15
"""As many numbers at a time as a processor's cache holds."""


def _rows(array: NamedArray, last: Sequence[str]) -> Float64[np.ndarray, "..."]:
    """The values with some axes last, and all others as one before them."""
    outer = [dim for dim in array.dims if dim not in last]
    order = [array.dims.index(dim) for dim in (*outer, *last)]
    values = np.asarray(array.values).transpose(order).astype(np.float64)
    return values.reshape(-1, *(array.sizes[dim] for dim in last))


def head_costs(
    one: NamedArray, other: NamedArray, *, any_place: bool = False
) -> Float64[np.ndarray, "layer head head"]:
    """Total variation between each head of one and each of the other, the mean over rows; one layer at least.

    Args:
        one: Weightings ``(..., head, ..., n)``.
        other: Of the same axes and sizes.
        any_place: Whether weights are compared in order of size, not by place.
    """
    last = [*(["layer"] if "layer" in one.dims else []), "head", one.dims[-1]]
    p, q = _rows(one, last), _rows(other, last)
    if "layer" not in one.dims:
        p, q = p[:, None], q[:, None]
    if any_place:
        p, q = np.sort(p, axis=-1), np.sort(q, axis=-1)
    _, layers, heads, _ = p.shape
    costs = np.empty((layers, heads, heads))
    for at in np.ndindex(layers, heads, heads):
        layer, i, j = at
        apart = np.abs(p[:, layer, i] - q[:, layer, j]).sum(axis=-1) / 2
        known = ~np.isnan(apart)
        costs[at] = apart[known].mean() if known.any() else 1.0
    return costs


def slot_costs(
    one: NamedArray, other: NamedArray, dim: str, any_head: bool
) -> Float64[np.ndarray, "slot slot"]:
    """Half the distance of what each two slots get or hold, the mean over rows, summed over heads."""
    heads = one.sizes.get("head", 1)
    if any_head and "head" in one.dims:
        p, q = (
            np.sort(_rows(array, ("head", dim)), axis=1).reshape(-1, one.sizes[dim]) for array in (one, other)
        )
    else:
        p, q = _rows(one, (dim,)), _rows(other, (dim,))
    known = np.isfinite(p).all(axis=1) & np.isfinite(q).all(axis=1)
    p, q = np.ascontiguousarray(p[known].T), np.ascontiguousarray(q[known].T)
    scale = heads / (2 * max(1, int(known.sum())))
    costs = np.empty((len(p), len(q)))
    length = max(1, _BLOCK // max(1, q.shape[1]))
    apart = np.empty((min(length, len(q)), q.shape[1]))  # written again and again: a new one takes longer
    with np.errstate(over="ignore"):
        for start in range(0, len(q), length):
            block = q[start : start + length]
            here = apart[: len(block)]
            for i, each in enumerate(p):
                np.abs(np.subtract(block, each, out=here), out=here)
                costs[i, start : start + length] = here.sum(axis=1)
    costs *= scale
    return np.minimum(costs, np.finfo(np.float64).max / (4 * len(costs)))


def total_variation(one: NamedArray, other: NamedArray) -> float:
    """Between two arrays of weightings: the mean over rows, summed over heads."""
    apart = np.abs(_rows(one, one.dims[-1:]) - _rows(other, other.dims[-1:])).sum(axis=-1) / 2
    known = ~np.isnan(apart)
    return float(apart[known].mean() * one.sizes.get("head", 1)) if known.any() else 0.0
