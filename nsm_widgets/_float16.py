"""Values in half precision, scaled by a power of two so that it reaches as far as it can."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float16

from nsm_widgets.view import ColorDomain

MOST_EXPONENT = 1000
"""Beyond, the power of two itself would be none that a float64 holds."""


class Halved(NamedTuple):
    """An array in half precision: ``values * 2**-exponent`` is near the original."""

    values: Float16[np.ndarray, "..."]
    exponent: int
    exact: bool
    """Whether nothing was lost."""


def to_float16(values: Float[np.ndarray, "..."], domain: ColorDomain | None) -> Halved:
    """Round to 11 significant bits, or, of values below a billionth of the largest, to 2**-39 of it.

    NaN and infinities stay. No value crosses an end of the colour domain: what was clipped still is, and
    nothing else becomes so.

    Args:
        values: float32 or float64.
        domain: Of the panels that draw the array; None where there are several.

    Example:
        >>> half = to_float16(np.array([3e10, 3e5]), None)
        >>> np.ldexp(half.values.astype(np.float64), -half.exponent).tolist()
        [29997662208.0, 300032.0]
    """
    finite = np.isfinite(values)
    largest = float(np.abs(values).max(where=finite, initial=0.0))
    exponent = max(-MOST_EXPONENT, min(15 - int(np.frexp(largest)[1]), MOST_EXPONENT)) if largest else 0
    with np.errstate(under="ignore"):
        rounded = np.ldexp(values, exponent).astype(np.float16)
        back = np.ldexp(rounded.astype(values.dtype), -exponent)
    if np.array_equal(back, values, equal_nan=True):
        return Halved(rounded, exponent, exact=True)
    if domain is not None:
        high, low = np.float64(domain.high + domain.slack), np.float64(domain.low - domain.slack)
        _keep_side(rounded, finite, values > high, back > high, -np.inf)
        _keep_side(rounded, finite, values < low, back < low, np.inf)
    return Halved(rounded, exponent, exact=False)


def _keep_side(
    rounded: Float16[np.ndarray, "..."],
    finite: Bool[np.ndarray, "..."],
    before: Bool[np.ndarray, "..."],
    after: Bool[np.ndarray, "..."],
    inward: float,
) -> None:
    """Take what rounding carried over an end of the domain one step back."""
    for crossed, towards in ((after & ~before, inward), (before & ~after, -inward)):
        here = crossed & finite
        if here.any():
            rounded[here] = np.nextafter(rounded[here], np.float16(towards))
