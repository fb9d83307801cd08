"""What is said of a whole array: range, marks, quantiles. From the original values, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.view._color import ColorDomain

_QUANTILE_SAMPLE = 1_000_000


@dataclass(frozen=True, slots=True)
class ArraySummary:
    """Counts and range of an array. ``low`` and ``high`` are of the finite values, 0 when there is none."""

    size: int
    low: float
    high: float
    nan: int
    positive_infinity: int
    negative_infinity: int

    @property
    def finite(self) -> int:
        """How many values are neither NaN nor infinite."""
        return self.size - self.nan - self.positive_infinity - self.negative_infinity

    def to_json(self) -> dict[str, float | int]:
        """The same, for the wire."""
        return {
            "size": self.size,
            "low": self.low,
            "high": self.high,
            "nan": self.nan,
            "positive_infinity": self.positive_infinity,
            "negative_infinity": self.negative_infinity,
        }


def summarize(values: Shaped[np.ndarray, "..."]) -> ArraySummary:
    """Count and bound the values of an array.

    Example:
        >>> summarize(np.array([1.0, np.nan, -2.0])).low
        -2.0
    """
    if values.dtype.kind in "biu":
        return ArraySummary(values.size, float(values.min()), float(values.max()), 0, 0, 0)
    finite = np.isfinite(values)
    some = bool(finite.any())
    all_finite = bool(finite.all())
    kept = values if all_finite else values[finite]
    return ArraySummary(
        size=values.size,
        low=float(kept.min()) if some else 0.0,
        high=float(kept.max()) if some else 0.0,
        nan=0 if all_finite else int(np.isnan(values).sum()),
        positive_infinity=0 if all_finite else int(np.isposinf(values).sum()),
        negative_infinity=0 if all_finite else int(np.isneginf(values).sum()),
    )


def rank_thresholds(values: Shaped[np.ndarray, "..."], *, magnitudes: bool) -> tuple[float, ...]:
    """The 255 values that cut an array into 256 equally filled parts, ascending, for the ``rank`` scale.

    Above a million values they come from a seeded sample of a million: each threshold is then within about
    0.2 % of its rank, less than one of the 256 colours.

    Args:
        values: Any real array; values that are not finite are left out.
        magnitudes: Rank ``|v|`` instead of ``v`` (for diverging domains).
    """
    flat = values.reshape(-1)
    if flat.size > _QUANTILE_SAMPLE:
        flat = flat[np.random.default_rng(0).integers(0, flat.size, _QUANTILE_SAMPLE)]
    return thresholds_of_values(flat, magnitudes=magnitudes)


def thresholds_of_values(flat: Shaped[np.ndarray, " value"], *, magnitudes: bool) -> tuple[float, ...]:
    """The same of all these values, however many."""
    flat = flat[np.isfinite(flat)].astype(np.float64)
    if flat.size == 0:
        return (0.0,) * 255
    flat = np.sort((np.abs(flat) if magnitudes else flat) + 0.0)  # -0.0 and 0.0 sort in no certain order
    at = (np.arange(1, 256) * flat.size) // 256
    return tuple(float(v) for v in flat[at])


def count_clipped(values: Shaped[np.ndarray, "..."], domain: ColorDomain) -> tuple[int, int]:
    """How many finite values lie below and above a colour domain."""
    finite = np.isfinite(values)
    # bounds of type float64: a plain float would be rounded to the values' own type, float16 for one
    below = int((finite & (values < np.float64(domain.low - domain.slack))).sum())
    above = int((finite & (values > np.float64(domain.high + domain.slack))).sum())
    return below, above
