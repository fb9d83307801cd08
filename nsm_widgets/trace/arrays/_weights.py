"""The check that weights are weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import WeightsError
from nsm_widgets.trace.arrays._lazy import HeldValues

_BLOCK_BYTES = 2**25
_LOWEST = -1e-6  # a circular convolution by FFT leaves such crumbs; a softmax never does


def check_weightings(
    values: HeldValues, name: str, axis: str, remedy: str, source_dtype: str | None = None
) -> None:
    """Refuse values that are no weightings along the last axis.

    A weighting lies in [0, 1] and sums to 1. One that is zero everywhere counts as not used, one with a NaN
    as not known; both pass. The tolerance is 1e-3, and 1e-2 where the values were made in float16 or
    bfloat16, whose rounding alone moves a sum of many small weights that far.

    Args:
        values: An array of any shape, in memory, in a file or in a store; the last axis is the one that sums
            to 1.
        name: The array's name, for the error.
        axis: The last axis' name, for the error.
        remedy: What to do if the check fails, for the error.
        source_dtype: What the values were widened from.

    Raises:
        WeightsError: With the first offender: its index, its value or its sum.
    """
    _check(values, name, "weights", f"1 along {axis!r}", remedy, source_dtype)


def check_shares(
    values: HeldValues, name: str, axis: str, remedy: str, source_dtype: str | None = None
) -> None:
    """Refuse values that are no shares along the last axis: in [0, 1], summing to 1 at most.

    Args, tolerance and what is raised: see :func:`check_weightings`.
    """
    _check(values, name, "shares", f"1 at most along {axis!r}", remedy, source_dtype)


def _check(
    values: HeldValues, name: str, what: str, total: str, remedy: str, source_dtype: str | None
) -> None:
    """Each value first, in all blocks, then the sums."""
    tolerance = 1e-2 if values.dtype == np.float16 or source_dtype is not None else 1e-3
    wrong = ""
    for start, block in _blocks(values):
        _check_unit(block, start, name, what, tolerance, remedy)
        sums = np.asarray(block.sum(axis=-1, dtype=np.float64))
        over = sums - 1 if what == "shares" else np.where(sums != 0, np.abs(sums - 1), 0.0)
        far = np.asarray(over > tolerance)  # NaN is never greater
        if far.any() and not wrong:
            index = _first(far)
            wrong = f"got {sums[index]:.6g} at {_at(name, _moved(index, start))}"
    if wrong:
        raise WeightsError(
            f"{name} must sum to {total}, its last axis (within {tolerance:g}), {wrong}. {remedy}"
        )


def _check_unit(block: NDArray[Any], start: int, name: str, what: str, tolerance: float, remedy: str) -> None:
    with np.errstate(invalid="ignore"):
        outside = (block < _LOWEST) | (block > 1 + tolerance)
    if outside.any():
        index = _first(outside)
        raise WeightsError(
            f"{name} must lie in [0, 1], as {what} do, got {block[index]:.6g} at "
            f"{_at(name, _moved(index, start))}. {remedy}"
        )


def _blocks(values: HeldValues) -> Iterator[tuple[int, NDArray[Any]]]:
    """The values in blocks along their first axis, each with its start: values may be larger than memory."""
    if values.ndim < 2:
        yield 0, np.asarray(values)
        return
    rows = max(1, _BLOCK_BYTES // max(1, values.nbytes // len(values)))
    for start in range(0, len(values), rows):
        yield start, np.asarray(values[start : start + rows])


def _moved(index: tuple[int, ...], start: int) -> tuple[int, ...]:
    """The index in a block as an index in the whole."""
    return (index[0] + start, *index[1:]) if index else index


def _first(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(place) for place in np.unravel_index(int(mask.argmax()), mask.shape))


def _at(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name
