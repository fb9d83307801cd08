"""Where a view opens: where something happens, in place of the first step, which is often empty."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from jaxtyping import Float

from nsm_widgets.trace import NamedArray, Trace

MOST_VALUES = 1 << 22
"""A larger array is not looked through: opening costs no more than a picture."""
WRITTEN = 0.5
"""A slot counts as written where it moves by this share of the largest move, or more."""


def opening(trace: Trace, drawn: Collection[str] = ()) -> dict[str, int]:
    """The last write: its step and slot, and the head whose weights moved most; of a batch's first item.

    Of what grows from step to step, as the importance of slots does, the last step. Only arrays that are in
    memory are looked at, and only where they are small enough. Where nothing is known of a write, nothing is
    said, and a view opens at the first step.

    Args:
        trace: With what its view computes of it.
        drawn: Names of the arrays that are drawn.

    Example:
        >>> memory = np.zeros((5, 1, 3, 2))
        >>> memory[2:, 0, 1] = 1.0
        >>> from nsm_widgets.view import memory_layout
        >>> _, trace = memory_layout(Trace.from_arrays({"memory": memory}))
        >>> opening(trace)
        {'time': 2, 'slot': 1}
    """
    change = trace.get("memory_change")
    if "importance" in drawn:
        return {"time": trace["importance"].sizes.get("time", 1) - 1}
    if change is None or not _is_at_hand(change):
        return {}
    moved = _first_item(change, ("time", "slot"))
    largest = moved.max(initial=0.0)
    if largest <= 0:
        return {}
    time = int(np.flatnonzero(moved.max(axis=1) >= WRITTEN * largest)[-1])
    found = {"time": time, "slot": int(moved[time].argmax())}
    for name in ("write_weights", "read_weights"):
        weights = trace.get(name)
        if weights is not None and weights.sizes.get("head", 1) > 1 and _is_at_hand(weights):
            steps = np.abs(np.diff(_first_item(weights, ("time", "head", "slot")), axis=0))
            return {**found, "head": int(steps.sum(axis=(0, 2)).argmax())}
    return found


def _is_at_hand(array: NamedArray) -> bool:
    in_memory = type(array.values) is np.ndarray
    return in_memory and {"time", "slot"} <= set(array.dims) and array.values.size <= MOST_VALUES


def _first_item(array: NamedArray, dims: tuple[str, ...]) -> Float[np.ndarray, "..."]:
    """The values along these axes, at the first place of all others; 0 for what is not finite."""
    first = array.values[tuple(slice(None) if dim in dims else 0 for dim in array.dims)]
    kept = [dim for dim in array.dims if dim in dims]
    values = np.transpose(first, [kept.index(dim) for dim in dims]).astype(np.float64)
    return np.where(np.isfinite(values), values, 0.0)
