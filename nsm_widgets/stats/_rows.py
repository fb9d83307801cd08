"""Weightings along the last axis: checked, masked, and each known to be one or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from nsm_widgets.stats._input import Given, Mask, counted, divide_where, take
from nsm_widgets.trace import ArrayLike, check_shares, check_weightings

_REMEDY = (
    "Take the weights after the softmax and without dropout, or divide each by its sum: "
    "w / w.sum(-1, keepdims=True)."
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Weightings in float64, one along the last axis of each row.

    Places that do not count hold zero. Where they held weight, what counts is divided by its own sum;
    elsewhere every weight is the one that was given.
    """

    given: Given
    weights: Float64[np.ndarray, "*row n"]
    places: Bool[np.ndarray, "*row n"] | None
    """Which places count; None when all do."""
    num_places: Int64[np.ndarray, "*row"]
    masked: Bool[np.ndarray, "*row"]
    """No place counts."""
    nan: Bool[np.ndarray, "*row"]
    """A place that counts is NaN."""
    zero: Bool[np.ndarray, "*row"]
    """All that counts is zero: a head that was not used."""

    @property
    def valid(self) -> Bool[np.ndarray, "*row"]:
        """Rows that are weightings."""
        return np.asarray(~(self.masked | self.nan | self.zero))

    @property
    def choosing(self) -> Bool[np.ndarray, "*row"]:
        """Rows that are weightings over more than one place."""
        return np.asarray(self.valid & (self.num_places > 1))

    def only_valid(self, values: Float64[np.ndarray, "*row"]) -> Float64[np.ndarray, "*row"]:
        """The values, NaN where there is no weighting."""
        return np.where(self.valid, values, np.nan)


def take_rows(
    value: ArrayLike,
    mask: Mask = None,
    *,
    name: str = "weights",
    axes: tuple[str, ...] = ("slot",),
    shares: bool = False,
) -> Rows:
    """Check that the rows along the last axis are weightings, and leave out what is masked.

    A row passes that lies in [0, 1] and sums to 1 (within 1e-3, or 1e-2 where the weights were made in
    float16 or bfloat16), or is zero everywhere, or holds a NaN. With ``shares`` it may sum to less.

    Raises:
        WeightsError: If a row is none of these.
        ShapeError, DtypeError, AxisError: If the values or the mask do not fit.
    """
    given = take(value, name, axes)
    places = counted(mask, given)
    weights, masked = given.values, np.zeros(given.values.shape[:-1], bool)
    num_places = np.full(masked.shape, weights.shape[-1], np.int64)
    if places is not None:
        weights = _kept(given.values, places)
        num_places = np.asarray(places.sum(axis=-1, dtype=np.int64))
        masked = np.asarray(num_places == 0)
    axis = given.dims[-1] if given.dims else axes[-1]
    check = check_shares if shares else check_weightings
    check(weights, given.name, axis, _REMEDY, given.rounded_from)
    sums = np.asarray(weights.sum(axis=-1))
    return Rows(
        given,
        weights,
        places,
        num_places,
        masked,
        np.asarray(np.isnan(sums)),
        np.asarray((sums == 0) & ~masked),
    )


def _kept(values: Float64[np.ndarray, "*row n"], places: Bool[np.ndarray, "*row n"]) -> np.ndarray:
    """What counts; divided by its sum in rows where something else held weight (or NaN)."""
    kept = np.where(places, values, 0.0)
    shared = ((values != 0) & ~places).any(axis=-1, keepdims=True)
    sums = kept.sum(axis=-1, keepdims=True)
    # a sum above one shows that these were no weights: left as it is, for the check to find
    divided = shared & (sums > 0) & (sums <= 1.01)
    np.divide(kept, sums, out=kept, where=np.broadcast_to(divided, kept.shape))
    return kept


def mean_where(
    values: Float64[np.ndarray, "*row n"], where: Bool[np.ndarray, "*row n"]
) -> Float64[np.ndarray, "*row"]:
    """The mean along the last axis of the values that count, NaN where none does."""
    sums = np.asarray(values.sum(axis=-1, where=where))
    counts = np.asarray(where.sum(axis=-1, dtype=np.int64))
    return divide_where(sums, counts, counts > 0)
