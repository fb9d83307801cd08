"""Where tokens go among the states of a neural state machine."""

from __future__ import annotations

import numpy as np

from nsm_widgets._errors import WeightsError
from nsm_widgets.stats._input import Mask, Statistic, check_threshold, divide_where
from nsm_widgets.stats._rows import take_rows
from nsm_widgets.stats._weightings import row_normalised_entropy
from nsm_widgets.trace import ArrayLike

NOWHERE = 0.9
"""Normalised entropy from which a token goes nowhere in particular."""


def state_share(routing: ArrayLike, *, mask: Mask = None) -> Statistic:
    """The share of each state in where all tokens go: the mean over tokens.

    Args:
        routing: ``(..., token, state)``, each row a weighting.
        mask: True where a token (and state) counts; padding of a batch, ``(batch, token)``, is
            ``mask[..., None]``.

    Returns:
        ``(..., state)``, summing to 1. Tokens that are fully masked or zero are left out; NaN where none is
        left, and where a token that counts is NaN.

    Raises:
        WeightsError: If a row is negative, above one, or does not sum to one.
        ShapeError, DtypeError, AxisError: If routing or mask do not fit.

    >>> state_share([[1.0, 0.0], [0.5, 0.5]]).tolist()
    [0.75, 0.25]
    """
    rows = take_rows(routing, mask, name="routing", axes=("token", "state"))
    kept = rows.valid | rows.nan
    sums = np.asarray(np.where(kept[..., None], rows.weights, 0.0).sum(axis=-2))
    counts = np.asarray(kept.sum(axis=-1))[..., None]
    shares = divide_where(sums, counts, counts > 0)
    dims = rows.given.dims
    return rows.given.result(
        shares, "share", "share of each state, over all tokens", (*dims[:-2], *dims[-1:])
    )


def unrouted_tokens(routing: ArrayLike, *, threshold: float = NOWHERE, mask: Mask = None) -> Statistic:
    """Tokens that go nowhere in particular: their weighting is nearly uniform, or zero.

    Args:
        routing: ``(..., token, state)``, each row a weighting.
        threshold: Normalised entropy from which a token counts as unrouted, in [0, 1]. Default 0.9.
        mask: True where a token (and state) counts. Tokens that do not are False.

    Returns:
        ``(..., token)`` of bool. With one state nothing is unrouted but what is zero.

    Raises:
        WeightsError: If a token is NaN, for then it is not known; or as :func:`state_share`.
        ShapeError, DtypeError, AxisError: If routing or mask do not fit.
        UnknownOptionError: If the threshold is outside [0, 1].

    >>> unrouted_tokens([[1.0, 0.0], [0.5, 0.5]]).tolist()
    [False, True]
    """
    limit = check_threshold(threshold, "threshold", 0.0, 1.0)
    rows = take_rows(routing, mask, name="routing", axes=("token", "state"))
    if rows.nan.any():
        index = tuple(int(at) for at in np.argwhere(rows.nan)[0])
        raise WeightsError(
            f"{rows.given.name} must be known to tell what is unrouted, got NaN in "
            f"{int(rows.nan.sum())} rows, the first at {list(index)}. Mask them: mask=~np.isnan(routing)."
        )
    spread = row_normalised_entropy(rows)
    flags = rows.zero | (np.nan_to_num(spread, nan=-1.0) >= limit)
    return rows.given.result(
        flags, "unrouted", f"normalised entropy of at least {limit:g}", rows.given.dims[:-1]
    )
