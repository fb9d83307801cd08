"""The check that weights are weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import WeightsError

_LOWEST = -1e-6  # a circular convolution by FFT leaves such crumbs; a softmax never does


def check_weightings(
    values: NDArray[Any], name: str, axis: str, remedy: str, source_dtype: str | None = None
) -> None:
    """Refuse values that are no weightings along the last axis.

    A weighting lies in [0, 1] and sums to 1. One that is zero everywhere counts as not used, one with a NaN
    as not known; both pass. The tolerance is 1e-3, and 1e-2 where the values were made in float16 or
    bfloat16, whose rounding alone moves a sum of many small weights that far.

    Args:
        values: Any shape, the last axis is the one that sums to 1.
        name: The array's name, for the error.
        axis: The last axis' name, for the error.
        remedy: What to do if the check fails, for the error.
        source_dtype: What the values were widened from.

    Raises:
        WeightsError: With the first offender: its index, its value or its sum.
    """
    tolerance = _tolerance(values, source_dtype)
    _check_unit(values, name, "weights", tolerance, remedy)
    sums = np.asarray(values.sum(axis=-1, dtype=np.float64))
    wrong = np.asarray((np.abs(sums - 1) > tolerance) & (sums != 0))  # NaN is never greater
    if wrong.any():
        index = _first(wrong)
        raise WeightsError(
            f"{name} must sum to 1 along {axis!r}, its last axis (within {tolerance:g}), "
            f"got {sums[index]:.6g} at {_at(name, index)}. {remedy}"
        )


def check_shares(
    values: NDArray[Any], name: str, axis: str, remedy: str, source_dtype: str | None = None
) -> None:
    """Refuse values that are no shares along the last axis: in [0, 1], summing to 1 at most.

    Args, tolerance and what is raised: see :func:`check_weightings`.
    """
    tolerance = _tolerance(values, source_dtype)
    _check_unit(values, name, "shares", tolerance, remedy)
    sums = np.asarray(values.sum(axis=-1, dtype=np.float64))
    above = np.asarray(sums > 1 + tolerance)  # NaN is never greater
    if above.any():
        index = _first(above)
        raise WeightsError(
            f"{name} must sum to 1 at most along {axis!r}, its last axis (within {tolerance:g}), "
            f"got {sums[index]:.6g} at {_at(name, index)}. {remedy}"
        )


def _tolerance(values: NDArray[Any], source_dtype: str | None) -> float:
    return 1e-2 if values.dtype == np.float16 or source_dtype is not None else 1e-3


def _check_unit(values: NDArray[Any], name: str, what: str, tolerance: float, remedy: str) -> None:
    with np.errstate(invalid="ignore"):
        outside = (values < _LOWEST) | (values > 1 + tolerance)
    if outside.any():
        index = _first(outside)
        raise WeightsError(
            f"{name} must lie in [0, 1], as {what} do, got {values[index]:.6g} at {_at(name, index)}. "
            f"{remedy}"
        )


def _first(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(place) for place in np.unravel_index(int(mask.argmax()), mask.shape))


def _at(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name
