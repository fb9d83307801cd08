"""What is said of a whole array: range, marks, quantiles. From the original values, in float64.

An array is read a block at a time, so it may be larger than memory; and once, for each :class:`NamedArray`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.trace import LazyValues, NamedArray
from nsm_widgets.view._color import ColorDomain

_QUANTILE_SAMPLE = 1_000_000

_BLOCK_BYTES = 1 << 19
"""What is worked on at a time: it stays in a processor's cache."""

_LARGE_BYTES = 1 << 30

_STORED_BYTES = 1 << 24
_STORED_STEPS = 64
"""What is read from a store at a time, and the steps that one of its files holds."""

Values: TypeAlias = Any
"""A NumPy array, or values in a store."""

_SUMMARIES: WeakKeyDictionary[NamedArray, ArraySummary] = WeakKeyDictionary()
_RANKS: WeakKeyDictionary[NamedArray, dict[bool, tuple[float, ...]]] = WeakKeyDictionary()


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


def summary_of(array: NamedArray) -> ArraySummary:
    """As :func:`summarize`; worked out once for each array, whose values never change."""
    if array not in _SUMMARIES:
        _SUMMARIES[array] = summarize(array.values)
    return _SUMMARIES[array]


def ranks_of(array: NamedArray, *, magnitudes: bool) -> tuple[float, ...]:
    """As :func:`rank_thresholds`; worked out once for each array."""
    known = _RANKS.setdefault(array, {})
    if magnitudes not in known:
        known[magnitudes] = rank_thresholds(array.values, magnitudes=magnitudes)
    return known[magnitudes]


def summarize(values: Values) -> ArraySummary:
    """Count and bound the values of an array.

    Example:
        >>> summarize(np.array([1.0, np.nan, -2.0])).low
        -2.0
    """
    low, high = np.inf, -np.inf
    nan = positive_infinity = negative_infinity = 0
    for block in _blocks(values):
        with np.errstate(invalid="ignore"):
            least, most = float(block.min()), float(block.max())
        if not (np.isfinite(least) and np.isfinite(most)):
            nan += int(np.count_nonzero(np.isnan(block)))
            positive_infinity += int(np.count_nonzero(block == np.inf))
            negative_infinity += int(np.count_nonzero(block == -np.inf))
            kept = block[np.isfinite(block)]
            if kept.size == 0:
                continue
            least, most = float(kept.min()), float(kept.max())
        low, high = min(low, least), max(high, most)
    some = low <= high
    return ArraySummary(
        size=values.size,
        low=low if some else 0.0,
        high=high if some else 0.0,
        nan=nan,
        positive_infinity=positive_infinity,
        negative_infinity=negative_infinity,
    )


def _blocks(values: Values) -> Iterator[Shaped[np.ndarray, "..."]]:
    """All values, some at a time, as they lie in memory."""
    if values.dtype.kind == "f" and values.dtype.itemsize == 2:  # NumPy has no fast extremes of these
        for block in _pieces(values):
            yield block.astype(np.float32)
    else:
        yield from _pieces(values)


def _pieces(values: Values) -> Iterator[Shaped[np.ndarray, "..."]]:
    if isinstance(values, LazyValues):
        for stored in _stored(values):
            yield from _views(stored)
    else:
        yield from _views(values)


def _stored(values: LazyValues) -> Iterator[Shaped[np.ndarray, "..."]]:
    """Whole files of a store, one after the other."""
    steps = _STORED_BYTES * len(values) // max(1, values.nbytes) // _STORED_STEPS * _STORED_STEPS
    steps = max(_STORED_STEPS, steps)
    for start in range(0, len(values), steps):
        yield np.asarray(values[start : start + steps])


def _views(values: Shaped[np.ndarray, "..."]) -> Iterator[Shaped[np.ndarray, "..."]]:
    if values.size == 0:
        return
    axes = sorted(range(values.ndim), key=lambda axis: -abs(values.strides[axis]))
    values = values.transpose(axes)
    if values.flags.c_contiguous:
        values = values.reshape(-1)
    size = _BLOCK_BYTES // values.itemsize
    if values.size <= size:
        yield values
        return
    inner = values.size // len(values)
    step = max(1, size // inner)
    for start in range(0, len(values), step):
        block = values[start : start + step]
        if step == 1 and inner > size:
            yield from _views(block[0])
        else:
            yield block


def rank_thresholds(values: Values, *, magnitudes: bool) -> tuple[float, ...]:
    """The 255 values that cut an array into 256 equally filled parts, ascending, for the ``rank`` scale.

    Above a million values they come from a seeded sample of a million: each threshold is then within about
    0.2 % of its rank, less than one of the 256 colours.

    Args:
        values: Any real array; values that are not finite are left out.
        magnitudes: Rank ``|v|`` instead of ``v`` (for diverging domains).
    """
    return thresholds_of_values(_sample(values), magnitudes=magnitudes)


def _sample(values: Values) -> Shaped[np.ndarray, " value"]:
    """A million values, or all where there are no more."""
    if values.size <= _QUANTILE_SAMPLE:
        return np.asarray(values).reshape(-1)
    if isinstance(values, LazyValues):  # in the order of its files, from each its share
        random, share = np.random.default_rng(0), _QUANTILE_SAMPLE / values.size
        picked = [
            block.reshape(-1)[random.integers(0, block.size, max(1, round(share * block.size)))]
            for block in _stored(values)
        ]
        return np.concatenate(picked)
    at = np.random.default_rng(0).integers(0, values.size, _QUANTILE_SAMPLE)
    if values.nbytes > _LARGE_BYTES:  # may lie in a file, which is read faster from its begin to its end
        at.sort()
    if values.flags.c_contiguous:
        return np.asarray(values.reshape(-1)[at])
    return np.asarray(values[np.unravel_index(at, values.shape)])


def thresholds_of_values(flat: Shaped[np.ndarray, " value"], *, magnitudes: bool) -> tuple[float, ...]:
    """The same of all these values, however many."""
    flat = flat[np.isfinite(flat)]
    if flat.dtype != np.float32:  # which sorts faster, and in the same order
        flat = flat.astype(np.float64)
    if flat.size == 0:
        return (0.0,) * 255
    flat = np.sort((np.abs(flat) if magnitudes else flat) + 0.0)  # -0.0 and 0.0 sort in no certain order
    at = (np.arange(1, 256) * flat.size) // 256
    return tuple(float(v) for v in flat[at])


def count_clipped(values: Values, domain: ColorDomain) -> tuple[int, int]:
    """How many finite values lie below and above a colour domain."""
    bottom, top = domain.low - domain.slack, domain.high + domain.slack
    below = above = 0
    for block in _blocks(values):
        with np.errstate(invalid="ignore"):
            inside = bool(block.min() >= np.float64(bottom) and block.max() <= np.float64(top))
        if inside:  # no: a NaN is inside of nothing
            continue
        least, most = _limits(block.dtype, bottom, top)
        below += int(np.count_nonzero(block < least) - np.count_nonzero(block == -np.inf))
        above += int(np.count_nonzero(block > most) - np.count_nonzero(block == np.inf))
    return below, above


def _limits(dtype: np.dtype[Any], bottom: float, top: float) -> tuple[Any, Any]:
    """Limits in the values' own type that part them as these do, which they would do by way of float64."""
    if dtype != np.float32:
        return np.float64(bottom), np.float64(top)
    with np.errstate(over="ignore"):
        least, most = np.float32(bottom), np.float32(top)
    if float(least) < bottom:
        least = np.nextafter(least, np.float32(np.inf))
    if float(most) > top:
        most = np.nextafter(most, np.float32(-np.inf))
    return least, most
