"""How much two weightings differ, and how much heads agree with each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
from jaxtyping import Float64

from nsm_widgets._axes import check_has_axis
from nsm_widgets._errors import ShapeError
from nsm_widgets.stats._input import Mask, Statistic, as_reference, divide_where
from nsm_widgets.stats._rows import Rows, take_rows
from nsm_widgets.stats._weightings import plain_entropy
from nsm_widgets.trace import ArrayLike, Coord, NamedArray


def kl_divergence(p: ArrayLike, q: ArrayLike, *, mask: Mask = None) -> Statistic:
    """Kullback-Leibler divergence in nats: ``sum(p * log(p / q))``. Kullback & Leibler 1951, eq. 2.4.

    Args:
        p: ``(..., n)``, each row a weighting.
        q: Of the same shape.
        mask: True where a place counts, in both.

    Returns:
        ``(...)``, 0 where rows agree, ``inf`` where p has weight and q has none. NaN where a row of p or q is
        no weighting.

    Raises:
        ShapeError: If p and q differ in shape.
        WeightsError, DtypeError, AxisError: If one of them or the mask does not fit.

    >>> kl_divergence([[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [1.0, 0.0]]).tolist()
    [0.0, inf]
    """
    one, other = _pair(p, q, mask)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        logs = np.log(one.weights) - np.log(other.weights)
        terms = np.where(one.weights == 0, 0.0, one.weights * logs)
    values = np.where(one.valid & other.valid, terms.sum(axis=-1), np.nan)
    return one.given.result(values, "kl_divergence", "divergence in nats", one.given.dims[:-1])


def js_divergence(p: ArrayLike, q: ArrayLike, *, mask: Mask = None) -> Statistic:
    """Jensen-Shannon divergence in nats: ``KL(p, m) / 2 + KL(q, m) / 2``, m their mean. Lin 1991, eq. 3.3.

    Args:
        p: ``(..., n)``, each row a weighting.
        q: Of the same shape.
        mask: True where a place counts, in both.

    Returns:
        ``(...)`` in [0, log 2]: 0 where rows agree, ``log(2)`` where they share no place. NaN where a row of
        p or q is no weighting.

    Raises:
        ShapeError: If p and q differ in shape.
        WeightsError, DtypeError, AxisError: If one of them or the mask does not fit.

    >>> js_divergence([[0.5, 0.5], [1.0, 0.0]], [[0.5, 0.5], [0.0, 1.0]]).round(6).tolist()
    [0.0, 0.693147]
    """
    one, other = _pair(p, q, mask)
    values = _js(one.weights, other.weights, plain_entropy(one.weights), plain_entropy(other.weights))
    values = np.where(one.valid & other.valid, values, np.nan)
    return one.given.result(values, "js_divergence", "divergence in nats", one.given.dims[:-1])


def head_divergence(weights: ArrayLike, *, mask: Mask = None) -> Statistic:
    """How much each head differs from each other: Jensen-Shannon divergence, the mean over queries, in nats.

    Args:
        weights: ``(..., head, query, key)``. A ``NamedArray`` needs an axis ``head``; the mean is over the
            axes between it and the last, so read and write weights ``(time, batch, head, slot)`` keep time
            and batch.
        mask: True where a place counts.

    Returns:
        ``(..., head, head)`` in [0, log 2]; a ``NamedArray`` calls the second axis ``reference``. Rows that
        are fully masked or zero in one of two heads are left out; NaN makes the pair NaN, and so does no row
        at all.

    Raises:
        ShapeError: If there are fewer than three axes.
        AxisError: If a ``NamedArray`` has no axis ``head``, or has it last.
        WeightsError, DtypeError: If weights or mask do not fit.

    >>> head_divergence([[[0.5, 0.5]], [[0.5, 0.5]], [[1.0, 0.0]]]).round(4).tolist()
    [[0.0, 0.0, 0.2158], [0.0, 0.0, 0.2158], [0.2158, 0.2158, 0.0]]
    """
    rows, values, dims, coords = _pairs(weights, mask)
    return rows.given.result(
        values, "head_divergence", "Jensen-Shannon divergence of two heads, in nats", dims, coords=coords
    )


def head_agreement(weights: ArrayLike, *, mask: Mask = None) -> Statistic:
    """How much each head agrees with each other: ``1 - head_divergence / log(2)``.

    Args:
        weights: As :func:`head_divergence`.
        mask: True where a place counts.

    Returns:
        ``(..., head, head)`` in [0, 1]: 1 where two heads are the same, 0 where they never share a key.

    Raises:
        ShapeError, AxisError, WeightsError, DtypeError: As :func:`head_divergence`.

    >>> head_agreement([[[1.0, 0.0]], [[0.0, 1.0]]]).round(9).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    rows, values, dims, coords = _pairs(weights, mask)
    return rows.given.result(
        1 - values / math.log(2), "head_agreement", "1 where two heads are the same", dims, coords=coords
    )


def _pair(p: ArrayLike, q: ArrayLike, mask: Mask) -> tuple[Rows, Rows]:
    one, other = take_rows(p, mask, name="p", axes=("slot",)), take_rows(q, mask, name="q", axes=("slot",))
    if one.weights.shape != other.weights.shape:
        raise ShapeError(
            f"p and q must have the same shape, got {one.weights.shape} and {other.weights.shape}. "
            "To compare all with one: np.broadcast_to(q, p.shape)."
        )
    return one, other


def _js(
    p: Float64[np.ndarray, "*row n"],
    q: Float64[np.ndarray, "*row n"],
    p_entropy: Float64[np.ndarray, "*row"],
    q_entropy: Float64[np.ndarray, "*row"],
) -> Float64[np.ndarray, "*row"]:
    """The entropy of the mean less the mean of the entropies; one logarithm for each place, not three."""
    values = plain_entropy((p + q) / 2) - (p_entropy + q_entropy) / 2
    return np.asarray(np.maximum(values, 0.0))  # NaN stays


def _pairs(
    weights: ArrayLike, mask: Mask
) -> tuple[Rows, Float64[np.ndarray, "..."], tuple[str, ...], dict[str, Coord]]:
    """Divergences of all pairs of heads, the result's axes and the labels of the second."""
    axes = ("slot",) if isinstance(weights, NamedArray) else ("head", "query", "key")
    rows = take_rows(weights, mask, axes=axes)
    coords: dict[str, Coord] = {}
    dims = rows.given.dims
    head = rows.weights.ndim - 3
    if dims:
        check_has_axis("head", dict.fromkeys(dims[:-1], 0), rows.given.name)
        head = dims.index("head")
        dims = (*dims[: head + 1], "reference")
        if rows.given.source is not None:
            coords = as_reference(rows.given.source.coords, "head")
    between = tuple(range(head, rows.weights.ndim - 2))  # after the heads are taken out
    parts = np.moveaxis(rows.weights, head, 0)
    entropies = np.moveaxis(plain_entropy(rows.weights), head, 0)
    left_out = np.moveaxis(rows.masked | rows.zero, head, 0)
    values = np.zeros((*parts.shape[1 : head + 1], len(parts), len(parts)))
    for i, j in itertools.combinations_with_replacement(range(len(parts)), 2):
        each = _js(parts[i], parts[j], entropies[i], entropies[j])
        kept = ~(left_out[i] | left_out[j])
        sums = np.asarray(each.sum(axis=between, where=kept))
        counts = np.asarray(kept.sum(axis=between))
        values[..., i, j] = values[..., j, i] = divide_where(sums, counts, counts > 0)
    return rows, values, dims, coords
