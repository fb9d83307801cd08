"""How a weighting is spread over its places: entropy, focus, effective slots, maximum, sparsity.

All of these treat a row in the same way. It is a weighting over the places that count. Where masked places
held weight, the rest is divided by its sum. A row that is fully masked, or zero everywhere (a head that was
not used), or holds a NaN is no weighting: its statistic is NaN.

Per matrix (``per="matrix"``: the last two axes, such as query and key, or head and slot) fully masked and
zero rows are left out, and a NaN makes the matrix NaN. A table says beside its means how many rows it left
out: :func:`nsm_widgets.stats.analyze`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

from nsm_widgets.stats._input import Mask, Statistic, check_choice, check_threshold, divide_where
from nsm_widgets.stats._rows import Rows, mean_where, take_rows
from nsm_widgets.trace import ArrayLike

SMALL = 0.01
"""A weight below this counts as nothing, for sparsity."""

_PER = ("weighting", "matrix")


def entropy(weights: ArrayLike, *, mask: Mask = None, per: str = "weighting") -> Statistic:
    """Shannon entropy in nats: ``-sum(w * log(w))``, where ``0 * log(0)`` is 0. Shannon 1948, section 6.

    Args:
        weights: ``(..., n)``, each row a weighting: in [0, 1], summing to 1.
        mask: True where a place counts; broadcasts to the weights.
        per: ``"weighting"``, or ``"matrix"`` for the mean over the rows of each matrix.

    Returns:
        ``(...)``, or one axis less per matrix: 0 on one place, ``log(n)`` when uniform (up to the rounding of
        the weights). NaN where a row is no weighting.

    Raises:
        WeightsError: If a row is negative, above one, or does not sum to one.
        ShapeError, DtypeError, AxisError: If weights or mask do not fit.
        UnknownOptionError: If ``per`` is unknown.

    >>> entropy([[1.0, 0.0], [0.5, 0.5]]).round(6).tolist()
    [0.0, 0.693147]
    >>> entropy([[1.0, 0.0], [0.5, 0.5]], per="matrix").round(6).tolist()
    0.346574
    """
    rows = _take(weights, mask, per)
    return _result(rows, row_entropy(rows), per, "entropy", "entropy in nats", rows.valid)


def normalised_entropy(weights: ArrayLike, *, mask: Mask = None, per: str = "weighting") -> Statistic:
    """Entropy as a share of the largest possible: ``entropy / log(n)``, n the number of places that count.

    Also known as evenness. Pielou 1966, eq. 4.

    Args:
        weights: ``(..., n)``, each row a weighting.
        mask: True where a place counts. For causal attention pass ``np.tri(n, dtype=bool)``, so that each row
            is judged against the keys it may see.
        per: ``"weighting"``, or ``"matrix"`` for the mean over the rows of each matrix.

    Returns:
        ``(...)`` in [0, 1] up to the rounding of the weights: 0 on one place, 1 when uniform. NaN where a row
        is no weighting, and where one place alone counts: there is nothing to choose then.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError, UnknownOptionError: As :func:`entropy`.

    >>> normalised_entropy([[0.5, 0.5, 0.0, 0.0]]).tolist()
    [0.5]
    """
    rows = _take(weights, mask, per)
    return _result(
        rows,
        row_normalised_entropy(rows),
        per,
        "normalised_entropy",
        "entropy as a share of that of a uniform weighting, in [0, 1]",
        rows.choosing,
    )


def focus(weights: ArrayLike, *, mask: Mask = None, per: str = "weighting") -> Statistic:
    """``1 - normalised_entropy``: 1 on one place, 0 when uniform.

    Args:
        weights: ``(..., n)``, each row a weighting.
        mask: True where a place counts.
        per: ``"weighting"``, or ``"matrix"`` for the mean over the rows of each matrix.

    Returns:
        ``(...)`` in [0, 1], NaN as :func:`normalised_entropy`.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError, UnknownOptionError: As :func:`entropy`.

    >>> focus([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]).tolist()
    [0.5, 1.0]
    """
    rows = _take(weights, mask, per)
    return _result(
        rows,
        np.asarray(1 - row_normalised_entropy(rows)),
        per,
        "focus",
        "1 on one place, 0 when uniform",
        rows.choosing,
    )


def effective_slots(weights: ArrayLike, *, mask: Mask = None, per: str = "weighting") -> Statistic:
    """How many places a weighting is spread over: ``exp(entropy)``, the perplexity. Hill 1973, order 1.

    Args:
        weights: ``(..., n)``, each row a weighting.
        mask: True where a place counts.
        per: ``"weighting"``, or ``"matrix"`` for the mean over the rows of each matrix.

    Returns:
        ``(...)`` in [1, n], NaN where a row is no weighting.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError, UnknownOptionError: As :func:`entropy`.

    >>> effective_slots([[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.0, 0.0]]).round(9).tolist()
    [4.0, 2.0]
    """
    rows = _take(weights, mask, per)
    return _result(
        rows,
        np.asarray(np.exp(row_entropy(rows))),
        per,
        "effective_slots",
        "exp(entropy): places in use",
        rows.valid,
    )


def max_weight(weights: ArrayLike, *, mask: Mask = None, per: str = "weighting") -> Statistic:
    """The largest weight of each weighting, or of each matrix.

    Args:
        weights: ``(..., n)``, each row a weighting.
        mask: True where a place counts.
        per: ``"weighting"``, or ``"matrix"`` for the largest of the last two axes.

    Returns:
        ``(...)`` in [0, 1], NaN where a row is no weighting.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError, UnknownOptionError: As :func:`entropy`.

    >>> max_weight([[0.75, 0.25], [0.5, 0.5]]).tolist()
    [0.75, 0.5]
    """
    rows = _take(weights, mask, per)
    values = row_max(rows)
    if per == "matrix":
        kept = rows.valid | rows.nan
        top = np.max(values, axis=-1, where=kept, initial=-np.inf)  # a NaN stays
        values = np.where(kept.any(axis=-1), top, np.nan)
    return _named(rows, values, per, "max", "largest weight")


def sparsity(
    weights: ArrayLike, *, threshold: float = SMALL, mask: Mask = None, per: str = "weighting"
) -> Statistic:
    """The fraction of the places that count whose weight is below a threshold.

    Args:
        weights: ``(..., n)``, each row a weighting.
        threshold: Weights below it count as nothing. Default 0.01, as in the seed's tables. With more than
            100 places, a uniform weighting is all below it; :func:`hoyer_sparsity` knows no threshold.
        mask: True where a place counts.
        per: ``"weighting"``, or ``"matrix"`` for the fraction of all places of the last two axes.

    Returns:
        ``(...)`` in [0, 1], NaN where a row is no weighting.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError, UnknownOptionError: As :func:`entropy`.

    >>> sparsity([[0.991, 0.009, 0.0], [0.5, 0.25, 0.25]]).round(6).tolist()
    [0.666667, 0.0]
    """
    limit = check_threshold(threshold, "threshold")
    rows = _take(weights, mask, per)
    below, counts = row_num_below(rows, limit), rows.num_places.astype(np.float64)
    if per == "matrix":
        kept = rows.valid | rows.nan
        below = np.asarray(np.where(rows.nan, np.nan, below).sum(axis=-1, where=kept))
        counts = np.asarray(counts.sum(axis=-1, where=kept))
    fraction = divide_where(below, counts, counts > 0)
    values = fraction if per == "matrix" else rows.only_valid(fraction)
    return _named(rows, values, per, "sparsity", f"fraction of weights below {limit:g}")


def hoyer_sparsity(weights: ArrayLike, *, mask: Mask = None, per: str = "weighting") -> Statistic:
    """Sparsity without a threshold: ``(sqrt(n) - L1 / L2) / (sqrt(n) - 1)``. Hoyer 2004, section 3.1.

    Args:
        weights: ``(..., n)``, each row a weighting.
        mask: True where a place counts.
        per: ``"weighting"``, or ``"matrix"`` for the mean over the rows of each matrix.

    Returns:
        ``(...)`` in [0, 1]: 0 when uniform, 1 on one place. NaN where a row is no weighting, and where one
        place alone counts.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError, UnknownOptionError: As :func:`entropy`.

    >>> hoyer_sparsity([[0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 0.0, 0.0]]).tolist()
    [0.0, 1.0]
    """
    rows = _take(weights, mask, per)
    return _result(
        rows, row_hoyer(rows), per, "hoyer_sparsity", "0 when uniform, 1 on one place", rows.choosing
    )


def row_entropy(rows: Rows) -> Float64[np.ndarray, "*row"]:
    """Entropy of each row, NaN where it is no weighting."""
    return rows.only_valid(plain_entropy(rows.weights))


def plain_entropy(weights: Float64[np.ndarray, "*row n"]) -> Float64[np.ndarray, "*row"]:
    """``-sum(w * log(w))`` along the last axis, of anything not negative."""
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)  # 0 · log 0 counts as 0
    return np.asarray(-(weights * logs).sum(axis=-1) + 0.0)  # + 0.0 turns -0.0 into 0.0


def row_normalised_entropy(rows: Rows) -> Float64[np.ndarray, "*row"]:
    """Normalised entropy of each row, NaN where it is not defined."""
    return share_of_largest(rows, row_entropy(rows))


def share_of_largest(rows: Rows, entropies: Float64[np.ndarray, "*row"]) -> Float64[np.ndarray, "*row"]:
    """Entropies as a share of those of uniform rows."""
    return divide_where(entropies, np.log(np.maximum(rows.num_places, 1)), rows.num_places > 1)


def row_max(rows: Rows) -> Float64[np.ndarray, "*row"]:
    """Largest weight of each row, NaN where it is no weighting."""
    return rows.only_valid(np.asarray(rows.weights.max(axis=-1)))


def row_num_below(rows: Rows, limit: float) -> Float64[np.ndarray, "*row"]:
    """How many places that count hold less than the limit."""
    below = rows.weights < limit
    if rows.places is not None:
        below &= rows.places
    return np.asarray(below.sum(axis=-1, dtype=np.float64))


def row_hoyer(rows: Rows) -> Float64[np.ndarray, "*row"]:
    """Hoyer's sparsity of each row, NaN where it is not defined."""
    root = np.asarray(np.sqrt(rows.num_places.astype(np.float64)))
    length = np.sqrt((rows.weights**2).sum(axis=-1))
    ratio = divide_where(np.abs(rows.weights).sum(axis=-1), length, length > 0, 0.0)
    some = rows.num_places > 1
    return rows.only_valid(divide_where(root - ratio, root - 1, some))


def _take(weights: ArrayLike, mask: Mask, per: str) -> Rows:
    check_choice(per, "per", _PER)
    return take_rows(weights, mask, axes=("query", "key") if per == "matrix" else ("slot",))


def _result(
    rows: Rows,
    values: Float64[np.ndarray, "*row"],
    per: str,
    statistic: str,
    description: str,
    defined: Bool[np.ndarray, "*row"],
) -> Statistic:
    """The rows' values, or their mean over each matrix."""
    if per == "matrix":
        values = mean_where(values, np.asarray(defined | rows.nan))
        description = f"mean {description}"
    return _named(rows, values, per, statistic, description)


def _named(
    rows: Rows, values: Float64[np.ndarray, "..."], per: str, statistic: str, description: str
) -> Statistic:
    return rows.given.result(values, statistic, description, rows.given.dims[: -2 if per == "matrix" else -1])
