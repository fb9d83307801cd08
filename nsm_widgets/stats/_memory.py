"""What a memory holds: mean, spread, emptiness, and how alike its slots are.

A memory is the last two axes, ``(slot, word)``; every other axis (time, batch) stays. A NaN or an infinity
makes
the statistic of its memory NaN or infinite: it is never left out in silence. Masked slots are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from nsm_widgets.stats._input import (
    Given,
    Mask,
    Statistic,
    as_reference,
    check_threshold,
    counted,
    divide_where,
    take,
)
from nsm_widgets.trace import ArrayLike, Coord

ACTIVE = 0.1
"""A slot whose standard deviation along its word is greater is active."""

NEAR_ZERO = 0.01
"""A number whose magnitude is smaller counts as zero, for sparsity."""


def memory_mean(memory: ArrayLike, *, mask: Mask = None) -> Statistic:
    """The mean of all numbers of a memory.

    Args:
        memory: ``(..., slot, word)``.
        mask: True where a number counts; for whole slots, ``(slot, 1)``.

    Returns:
        ``(...)``, NaN where nothing counts.

    Raises:
        ShapeError, DtypeError, AxisError: If memory or mask do not fit.

    >>> memory_mean([[1.0, 2.0], [3.0, 6.0]]).tolist()
    3.0
    """
    return _over_memory(memory, mask, _mean, "mean", "mean of the memory")


def memory_std(memory: ArrayLike, *, mask: Mask = None) -> Statistic:
    """The standard deviation of all numbers of a memory, of the population (divided by n, as ``np.std``).

    Args:
        memory: ``(..., slot, word)``.
        mask: True where a number counts.

    Returns:
        ``(...)``, at least 0.

    Raises:
        ShapeError, DtypeError, AxisError: If memory or mask do not fit.

    >>> memory_std([[1.0, 1.0], [3.0, 3.0]]).tolist()
    1.0
    """
    return _over_memory(memory, mask, _std, "std", "standard deviation of the memory")


def memory_range(memory: ArrayLike, *, mask: Mask = None) -> Statistic:
    """The largest number of a memory less the smallest.

    Args:
        memory: ``(..., slot, word)``.
        mask: True where a number counts.

    Returns:
        ``(...)``, at least 0.

    Raises:
        ShapeError, DtypeError, AxisError: If memory or mask do not fit.

    >>> memory_range([[1.0, -2.0], [3.0, 0.0]]).tolist()
    5.0
    """
    return _over_memory(memory, mask, _range, "range", "largest number less the smallest")


def memory_sparsity(memory: ArrayLike, *, threshold: float = NEAR_ZERO, mask: Mask = None) -> Statistic:
    """The fraction of a memory's numbers that are near zero: ``|m| < threshold``.

    Args:
        memory: ``(..., slot, word)``.
        threshold: Default 0.01, as in the seed's tables.
        mask: True where a number counts.

    Returns:
        ``(...)`` in [0, 1]; NaN where the memory holds a NaN.

    Raises:
        ShapeError, DtypeError, AxisError: If memory or mask do not fit.
        UnknownOptionError: If the threshold is negative or no number.

    >>> memory_sparsity([[0.0, 1.0], [-0.001, 0.5]]).tolist()
    0.5
    """
    limit = check_threshold(threshold, "threshold")

    def near_zero(values: Float64[np.ndarray, "..."], where: Bool[np.ndarray, "..."]) -> Any:
        return _mean(np.where(np.isnan(values), np.nan, np.abs(values) < limit), where)

    return _over_memory(memory, mask, near_zero, "sparsity", f"fraction of numbers below {limit:g}")


def active_slots(memory: ArrayLike, *, threshold: float = ACTIVE, mask: Mask = None) -> Statistic:
    """The fraction of slots whose standard deviation along the word is greater than a threshold.

    Args:
        memory: ``(..., slot, word)``.
        threshold: Default 0.1, as in the seed's tables.
        mask: True where a number counts. A slot of which nothing counts is left out.

    Returns:
        ``(...)`` in [0, 1]; NaN where the memory holds a NaN.

    Raises:
        ShapeError, DtypeError, AxisError: If memory or mask do not fit.
        UnknownOptionError: If the threshold is negative or no number.

    >>> active_slots([[0.0, 1.0], [0.5, 0.5]]).tolist()
    0.5
    """
    limit = check_threshold(threshold, "threshold")

    def share(values: Float64[np.ndarray, "..."], where: Bool[np.ndarray, "..."]) -> Any:
        spread = _std(values[..., None, :], where[..., None, :])
        some = np.asarray(where.any(axis=-1))
        flags = np.where(np.isnan(spread), np.nan, spread > limit)
        return _mean(flags[..., None], some[..., None])

    return _over_memory(memory, mask, share, "active_slots", f"fraction of slots with std above {limit:g}")


def slot_similarity(memory: ArrayLike) -> Statistic:
    """How alike each two slots are: the cosine of their words. It is what content addressing compares.

    Args:
        memory: ``(..., slot, word)``.

    Returns:
        ``(..., slot, slot)`` in [-1, 1]; a ``NamedArray`` calls the second axis ``reference``. NaN for a slot
        that is zero, which has no direction, or holds something that is not finite.

    Raises:
        ShapeError, DtypeError: If it is no memory.

    >>> slot_similarity([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]]).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    given = take(memory, "memory", ("slot", "word"))
    coords: dict[str, Coord] = {}
    dims = given.dims
    if given.source is not None:
        coords = as_reference(given.source.coords, dims[-2])
    return given.result(
        cosines(given.values),
        "slot_similarity",
        "cosine of two slots",
        (*dims[:-1], "reference"),
        coords=coords,
    )


def cosines(values: Float64[np.ndarray, "*step slot word"]) -> Float64[np.ndarray, "*step slot slot"]:
    """Cosine of each two slots."""
    units = _units(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.clip(units @ np.swapaxes(units, -1, -2), -1.0, 1.0))


def mean_similarity(values: Float64[np.ndarray, "*step slot word"]) -> Float64[np.ndarray, "*step"]:
    """The mean cosine of two different slots, those without a direction left out; NaN for fewer than two.

    The square of the sum of all directions holds every pair, so that no matrix of slots by slots is needed.
    """
    units = _units(values)
    known = ~np.isnan(units).any(axis=-1)
    count = np.asarray(known.sum(axis=-1), dtype=np.float64)
    total = np.where(known[..., None], units, 0.0).sum(axis=-2)
    pairs = (total**2).sum(axis=-1) - count
    return divide_where(pairs, count * (count - 1), count > 1)


def _units(values: Float64[np.ndarray, "*step slot word"]) -> Float64[np.ndarray, "*step slot word"]:
    """The direction of each slot, NaN where it has none."""
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 and inf / inf are NaN, as they should be
        scaled = values / np.abs(values).max(
            axis=-1, keepdims=True
        )  # the square of a huge number is infinite
        return np.asarray(scaled / np.sqrt((scaled**2).sum(axis=-1, keepdims=True)))


def _over_memory(
    memory: ArrayLike, mask: Mask, statistic: Callable[[Any, Any], Any], name: str, description: str
) -> Statistic:
    given = take(memory, "memory", ("slot", "word"))
    return given.result(statistic(given.values, _where(given, mask)), name, description, given.dims[:-2])


def _where(given: Given, mask: Mask) -> Bool[np.ndarray, "..."]:
    places = counted(mask, given)
    return np.broadcast_to(True, given.values.shape) if places is None else places


def _mean(values: Float64[np.ndarray, "..."], where: Bool[np.ndarray, "..."]) -> Any:
    counts = np.asarray(where.sum(axis=(-2, -1)))
    sums = np.asarray(values.sum(axis=(-2, -1), where=where))
    return divide_where(sums, counts, counts > 0)


def _std(values: Float64[np.ndarray, "..."], where: Bool[np.ndarray, "..."]) -> Any:
    with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN
        means = _mean(values, where)[..., None, None]
        return np.sqrt(_mean(np.where(where, values - means, 0.0) ** 2, where))


def _range(values: Float64[np.ndarray, "..."], where: Bool[np.ndarray, "..."]) -> Any:
    with np.errstate(invalid="ignore"):
        top = values.max(axis=(-2, -1), where=where, initial=-np.inf)
        spread = top - values.min(axis=(-2, -1), where=where, initial=np.inf)
    return np.where(where.any(axis=(-2, -1)), spread, np.nan)
