"""Which cells of a plane do not count: padding, and what is masked. The rule of ``js/src/wire/masks.ts``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, UInt8

from nsm_widgets._axes import known_axis
from nsm_widgets.trace import NamedArray, is_mask, mask_axis

NO_STEP_BEFORE = "no step before"
NOT_ASKED, WRONG = "not asked", "wrong"
LEFT_OUT = ("padding", "inactive", "masked", NO_STEP_BEFORE, NOT_ASKED, WRONG)
"""Why a cell does not count: no token is there; a state takes no part; masked out, or not there yet; it would
be a difference to a step that was not recorded; no answer is asked for. Or it counts, and is an answer that
is not the target."""


def left_out_codes(
    array: NamedArray, y: str, x: str, at: Mapping[str, int]
) -> UInt8[np.ndarray, "row column"] | None:
    """Why each cell does not count: 0 where it does, else 1 and its place in :data:`LEFT_OUT`.

    Args:
        array: Whose plane it is.
        y: The axis that is drawn down.
        x: The axis that is drawn across.
        at: An index for every other axis.

    Returns:
        The codes, or ``None`` where every cell of the plane counts.

    Example:
        >>> array = NamedArray("w", [[0.5, 0.5, 0.0]], ("query", "key"), {"key_mask": [1, 1, 0]})
        >>> left_out_codes(array, "query", "key", {}).tolist()
        [[0, 0, 1]]
    """
    codes = np.zeros((array.sizes[y], array.sizes[x]), np.uint8)
    found = {name: coord for name, coord in array.coords.items() if is_mask(name)}
    for code in reversed(range(len(LEFT_OUT))):
        for name, (dims, values) in found.items():
            if LEFT_OUT[code] == _why(array, mask_axis(name)):
                plane = values[tuple(slice(None) if dim in (y, x) else at[dim] for dim in dims)]
                drawn = [dim for dim in dims if dim in (y, x)]
                codes[np.broadcast_to(~_laid(plane, drawn, y, x), codes.shape)] = code + 1
    return codes if codes.any() else None


def _laid(plane: Bool[np.ndarray, "..."], drawn: list[str], y: str, x: str) -> Bool[np.ndarray, "row column"]:
    """Values along the axes that are drawn, as rows and columns."""
    if drawn == [x, y]:
        return plane.T
    return plane.reshape([plane.shape[drawn.index(dim)] if dim in drawn else 1 for dim in (y, x)])


def stepless_along(array: NamedArray, dim: str, at: Mapping[str, int]) -> Bool[np.ndarray, " place"]:
    """Of each place along an axis, whether its value is NaN for want of a step before it."""
    mask = array.coords.get("mask")
    if mask is None or _why(array, None) != NO_STEP_BEFORE:
        return np.zeros(array.sizes[dim], bool)
    counts = mask.values if dim == "time" else mask.values[at["time"]]
    return ~np.broadcast_to(counts, array.sizes[dim])


def num_stepless(array: NamedArray) -> int:
    """How many values are NaN for want of a step before them."""
    mask = array.coords.get("mask")
    if mask is None or _why(array, None) != NO_STEP_BEFORE:
        return 0
    return int((~mask.values).sum()) * (array.values.size // mask.values.size)


def _why(array: NamedArray, axis: str | None) -> str:
    return str(array.attrs.get("mask_means", "masked")) if axis is None else known_axis(axis).left_out
