"""Where attention goes: how far, to which neighbour, to the first token; and through all layers.

Rows are treated as in :mod:`nsm_widgets.stats._weightings`. Query ``i`` stands at the place of key ``i``;
with a cache of earlier keys it stands at key ``i + offset``.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from nsm_widgets._axes import check_has_axis
from nsm_widgets._errors import ShapeError
from nsm_widgets.stats._input import Mask, Statistic, as_flags, check_threshold, divide_where
from nsm_widgets.stats._rows import Rows, take_rows
from nsm_widgets.trace import ArrayLike, NamedArray, to_readonly

MOST_TOKENS = 2**16
"""A larger square of flags would fill the memory."""
FARTHEST = 2**53
"""So far may a query stand from key 0: distances are exact in float64."""


def attention_distance(attention: ArrayLike, *, mask: Mask = None, offset: int | None = None) -> Statistic:
    """Mean distance of what a query attends to, ``sum_j a_ij |i - j|`` tokens. Vig & Belinkov 2019, eq. 2.

    Args:
        attention: ``(..., query, key)``, each row a weighting.
        mask: True where a key counts; broadcasts to the attention. Padding of a batch, ``(batch, key)``, is
            ``mask[:, None, None, :]``.
        offset: Key at which query 0 stands. Default 0, if there are as many queries as keys.

    Returns:
        ``(..., query)`` in [0, key), NaN where a row is no weighting. Its mean over a head's queries, NaN
        left out, is the head's distance.

    Raises:
        WeightsError: If a row is negative, above one, or does not sum to one.
        ShapeError: If queries and keys differ in number and no offset says how they stand to each other.
        DtypeError, AxisError: If attention or mask do not fit.

    >>> attention_distance([[1.0, 0.0], [0.25, 0.75]]).tolist()
    [0.0, 0.25]
    """
    rows, first = _take(attention, mask, offset)
    return _per_query(rows, mean_distance(rows, first), "distance", "mean distance of the keys, in tokens")


def previous_token_share(attention: ArrayLike, *, mask: Mask = None, offset: int | None = None) -> Statistic:
    """Weight on the token before the query: ``a[i, i - 1]``.

    Args:
        attention: ``(..., query, key)``, each row a weighting.
        mask: True where a key counts.
        offset: Key at which query 0 stands. Default 0, if there are as many queries as keys.

    Returns:
        ``(..., query)`` in [0, 1]. NaN where there is no such key (the first query), where it does not count,
        and where a row is no weighting.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError: As :func:`attention_distance`.

    >>> previous_token_share([[1.0, 0.0], [0.25, 0.75]]).tolist()
    [nan, 0.25]
    """
    return _share(attention, mask, offset, -1, "previous_token_share", "weight on the token before")


def next_token_share(attention: ArrayLike, *, mask: Mask = None, offset: int | None = None) -> Statistic:
    """Weight on the token after the query: ``a[i, i + 1]``.

    Args:
        attention: ``(..., query, key)``, each row a weighting.
        mask: True where a key counts.
        offset: Key at which query 0 stands. Default 0, if there are as many queries as keys.

    Returns:
        ``(..., query)`` in [0, 1]. NaN where there is no such key (the last query), where it does not count,
        and where a row is no weighting.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError: As :func:`attention_distance`.

    >>> next_token_share([[0.5, 0.5], [0.25, 0.75]]).tolist()
    [0.5, nan]
    """
    return _share(attention, mask, offset, 1, "next_token_share", "weight on the token after")


def same_token_share(attention: ArrayLike, *, mask: Mask = None, offset: int | None = None) -> Statistic:
    """Weight on the query's own place, the diagonal: ``a[i, i]``.

    Args:
        attention: ``(..., query, key)``, each row a weighting.
        mask: True where a key counts.
        offset: Key at which query 0 stands. Default 0, if there are as many queries as keys.

    Returns:
        ``(..., query)`` in [0, 1], NaN as :func:`previous_token_share`.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError: As :func:`attention_distance`.

    >>> same_token_share([[1.0, 0.0], [0.25, 0.75]]).tolist()
    [1.0, 0.75]
    """
    return _share(attention, mask, offset, 0, "same_token_share", "weight on the token itself")


def first_token_share(attention: ArrayLike, *, mask: Mask = None) -> Statistic:
    """Weight on the first token that counts, where models often park what they do not need. Xiao et al. 2024.

    Args:
        attention: ``(..., query, key)``, each row a weighting.
        mask: True where a key counts. With padding on the left, the first token is the first that counts.

    Returns:
        ``(..., query)`` in [0, 1], NaN where a row is no weighting.

    Raises:
        WeightsError, ShapeError, DtypeError, AxisError: As :func:`attention_distance`.

    >>> first_token_share([[1.0, 0.0], [0.25, 0.75]]).tolist()
    [1.0, 0.25]
    """
    rows = take_rows(attention, mask, name="attention", axes=("query", "key"))
    shares = rows.only_valid(at_first(rows))
    return _per_query(rows, shares, "first_token_share", "weight on the first token")


def attention_rollout(attention: ArrayLike, *, residual: float = 0.5, mask: Mask = None) -> Statistic:
    """How much of each input token is in each position after each layer. Abnar & Zuidema 2020, eq. 1.

    With A the mean of a layer's heads, ``rollout[0] = A'`` and ``rollout[l] = A'[l] @ rollout[l - 1]``, where
    ``A' = residual * I + (1 - residual) * A``, its rows divided by their sum.

    Args:
        attention: ``(layer, ..., head, query, key)``; a ``NamedArray`` may lack ``head``, and have ``layer``
            anywhere. As many queries as keys.
        residual: Share of the residual connection, in [0, 1]. The paper has 0.5.
        mask: True where a key counts. Heads in which a row is fully masked or zero are left out of that row's
            mean; a row that no head has left is the token itself while the layers are joined, and NaN in
            the result where it was masked in all heads.

    Returns:
        ``(layer, ..., query, key)``, rows summing to 1; the last layer is the whole model. A NaN spreads to
        all that follows from it.

    Raises:
        AxisError: If a ``NamedArray`` has no ``layer``.
        ShapeError: If there are not as many queries as keys, or too few axes.
        UnknownOptionError: If ``residual`` is outside [0, 1].
        WeightsError, DtypeError: If attention or mask do not fit.

    >>> attention_rollout([[[[1.0, 0.0], [1.0, 0.0]]], [[[1.0, 0.0], [1.0, 0.0]]]])[-1].tolist()
    [[1.0, 0.0], [0.75, 0.25]]
    """
    kept = check_threshold(residual, "residual", 0.0, 1.0)
    axes = ("query", "key") if isinstance(attention, NamedArray) else ("layer", "head", "query", "key")
    rows = take_rows(attention, mask, name="attention", axes=axes)
    _first_key(rows, None)
    given, dims = rows.given, rows.given.dims
    layer, head = 0, rows.weights.ndim - 3
    if dims:
        check_has_axis("layer", dict.fromkeys(dims, 0), given.name)
        layer = dims.index("layer")
        head = dims.index("head") if "head" in dims else -1
    usable, masked = rows.valid | rows.nan, rows.masked
    weights = np.where(usable[..., None], rows.weights, 0.0)
    if head >= 0:
        # an axis of size 1 stays in its place until the layers are joined, so that no other moves
        weights = weights.sum(axis=head, keepdims=True)
        usable = np.asarray(usable.any(axis=head, keepdims=True))
        masked = np.asarray(masked.all(axis=head, keepdims=True))
    eye = np.eye(weights.shape[-1])
    mixed = np.where(usable[..., None], kept * eye + (1 - kept) * _divided(weights), eye)
    layers = np.moveaxis(_divided(mixed), layer, 0)
    joined = [layers[0]]
    for step in layers[1:]:
        joined.append(step @ joined[-1])
    values = np.where(masked[..., None], np.nan, np.moveaxis(np.stack(joined), 0, layer))
    if head >= 0:
        values = values.squeeze(axis=head)
    return given.result(
        values, "rollout", "share of each input token after each layer", [d for d in dims if d != "head"]
    )


def causal_mask(num_tokens: int) -> NDArray[np.bool_]:
    """The mask of causal attention, True where a query may look: at itself and before.

    Returns:
        ``(query, key)``, the lower triangle.

    Raises:
        ShapeError: If ``num_tokens`` is no integer of at least one.

    >>> causal_mask(2).tolist()
    [[True, False], [True, True]]
    """
    try:
        count = operator.index(num_tokens)
    except TypeError:
        count = 0
    if count > MOST_TOKENS:
        raise ShapeError(f"num_tokens must be at most {MOST_TOKENS}, got {count}.")
    if count < 1:
        raise ShapeError(f"num_tokens must be an integer of at least 1, got {num_tokens!r}.")
    return np.tri(count, dtype=np.bool_)


def padding_mask(tokens: ArrayLike) -> NDArray[np.bool_]:
    """The mask of a padded batch for its attention: padded keys do not count, and neither do padded queries.

    Args:
        tokens: ``(batch, token)``, True or 1 for a token, False or 0 for padding, as a tokenizer's
            ``attention_mask`` has it.

    Returns:
        ``(batch, 1, query, key)``, which broadcasts over layers and heads.

    Raises:
        ShapeError: If it has not two axes.
        DtypeError: If it is neither boolean nor all 0 and 1.

    >>> padding_mask([[1, 1, 0]])[0, 0].astype(int).tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    """
    flags: NDArray[np.bool_] = as_flags(to_readonly(tokens, "tokens")[0], "tokens")
    if flags.ndim != 2:
        raise ShapeError(f"tokens must have axes (batch, token), got shape {flags.shape}.")
    return np.asarray(flags[:, None, :, None] & flags[:, None, None, :])


def _divided(weights: Float64[np.ndarray, "*row key"]) -> Float64[np.ndarray, "*row key"]:
    sums = weights.sum(axis=-1, keepdims=True)
    return divide_where(weights, sums, sums != 0, 0.0)


def _take(attention: ArrayLike, mask: Mask, offset: int | None) -> tuple[Rows, int]:
    rows = take_rows(attention, mask, name="attention", axes=("query", "key"))
    return rows, _first_key(rows, offset)


def _first_key(rows: Rows, offset: int | None) -> int:
    """The key at which query 0 stands."""
    queries, keys = rows.weights.shape[-2:]
    if offset is None:
        if queries != keys:
            raise ShapeError(
                f"{rows.given.name} must have as many queries as keys, got {queries} and {keys}. "
                "Where queries stand among keys is asked here; say it where it can be said: "
                f"offset={keys - queries} if these are the last {queries} of {keys} tokens."
            )
        return 0
    try:
        first = operator.index(offset)
    except TypeError:
        first = FARTHEST + 1
    if not -FARTHEST <= first <= FARTHEST:
        raise ShapeError(f"offset must be an integer of at most {FARTHEST} either way, got {offset!r}.")
    return first


def _share(
    attention: ArrayLike, mask: Mask, offset: int | None, step: int, statistic: str, description: str
) -> Statistic:
    rows, first = _take(attention, mask, offset)
    return _per_query(rows, rows.only_valid(at_step(rows, first + step)), statistic, description)


def mean_distance(rows: Rows, first: int) -> Float64[np.ndarray, "*row"]:
    """Mean distance of what each query attends to, where query 0 stands at that key."""
    queries, keys = rows.weights.shape[-2:]
    distances = np.abs(np.arange(queries)[:, None] + first - np.arange(keys)).astype(np.float64)
    return rows.only_valid(np.einsum("...qk,qk->...q", rows.weights, distances))


def at_step(rows: Rows, step: int) -> Float64[np.ndarray, "*row"]:
    """Weight of each query on the key so many places further; NaN where there is none that counts."""
    queries, keys = rows.weights.shape[-2:]
    at = np.arange(queries) + step
    inside = (at >= 0) & (at < keys)
    at = np.where(inside, at, 0)
    shares = rows.weights[..., np.arange(queries), at]
    counts: Any = inside
    if rows.places is not None:
        counts = inside & rows.places[..., np.arange(queries), at]
    return np.where(counts, shares, np.nan)


def at_first(rows: Rows) -> Float64[np.ndarray, "*row"]:
    """Weight of each query on the first key that counts."""
    if rows.places is None:
        return np.array(rows.weights[..., 0])
    at = rows.places.argmax(axis=-1)
    return np.take_along_axis(rows.weights, at[..., None], axis=-1)[..., 0]


def _per_query(
    rows: Rows, values: Float64[np.ndarray, "*row"], statistic: str, description: str
) -> Statistic:
    return rows.given.result(values, statistic, description, rows.given.dims[:-1])
