"""One record of statistics for each index along chosen axes of an array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from nsm_widgets.stats._attention import at_first, at_step, mean_distance
from nsm_widgets.stats._entries import Entry
from nsm_widgets.stats._input import Mask, counted, divide_where
from nsm_widgets.stats._memory import ACTIVE, NEAR_ZERO, mean_similarity
from nsm_widgets.stats._rows import Rows, mean_where, take_rows
from nsm_widgets.stats._weightings import (
    SMALL,
    plain_entropy,
    row_entropy,
    row_hoyer,
    row_max,
    share_of_largest,
)

_BASIC = ("total_elements", "mean", "std", "min", "max", "non_finite")
_SPREAD = (
    "sparsity",
    "entropy",
    "avg_row_entropy",
    "avg_col_entropy",
    "normalised_entropy",
    "focus_score",
    "effective_slots",
    "max_attention",
    "hoyer_sparsity",
)
_PLACES = ("attention_distance", "previous_token", "next_token", "same_token", "first_token")
_COUNTS = ("rows", "masked_rows", "zero_rows", "nan_rows")
_MEMORY = ("range", "active_slots", "slot_similarity")
COLUMNS = ("shape", *_BASIC, *_SPREAD, *_PLACES, *_MEMORY, *_COUNTS)
"""The columns of a table, after those that say what a row is about."""


def records_of(entry: Entry, by: Sequence[str], mask: Mask, **columns: str) -> Iterator[dict[str, Any]]:
    """One record for each index along the axes ``by``.

    Args:
        entry: The array.
        by: Axes; those that the array lacks are passed over.
        mask: True where a value counts.
        columns: Columns that come first, in every record.
    """
    groups = _weighting_groups if entry.is_weighting else _content_groups
    for index, statistics in groups(entry, by, mask):
        yield {**columns, **index, "shape": entry.given.values.shape, **statistics}


def _weighting_groups(
    entry: Entry, by: Sequence[str], mask: Mask
) -> Iterator[tuple[dict[str, int], dict[str, Any]]]:
    rows = take_rows(entry.value, mask, name=entry.given.name, axes=entry.dims[-1:] or ("slot",))
    per_row = _row_statistics(rows, entry.is_square)
    columns = _column_entropies(rows) if entry.is_matrix(by) else None
    largest = row_max(rows)
    values, places = rows.given.values, rows.places
    for index, at in entry.groups(by, 1):
        here = values[at]
        kept = np.ones(here.shape, bool) if places is None else places[at]
        one: dict[str, Any] = basic_statistics(here, kept)
        valid = rows.valid[at]
        known_places = kept & valid[..., None]
        small = np.asarray(rows.weights[at] < SMALL, dtype=np.float64)
        one["sparsity"] = _mean(small, known_places)
        for name, (row_values, defined) in per_row.items():
            one[name] = _mean(row_values[at], defined[at])
        one["avg_row_entropy"] = one["entropy"]
        one["focus_score"] = 1 - one["normalised_entropy"]
        top = largest[at]
        one["max_attention"] = float(top[valid].max()) if valid.any() else np.nan
        if columns is not None:
            one["avg_col_entropy"] = _mean(columns[at], ~np.isnan(columns[at]))
        counts = {"masked": rows.masked, "zero": rows.zero, "nan": rows.nan}
        one |= {f"{name}_rows": int(flags[at].sum()) for name, flags in counts.items()}
        one["rows"] = int(valid.sum())
        yield index, one


def _content_groups(
    entry: Entry, by: Sequence[str], mask: Mask
) -> Iterator[tuple[dict[str, int], dict[str, Any]]]:
    places = counted(mask, entry.given)
    values = entry.given.values
    for index, at in entry.groups(by, 2 if entry.is_memory else 0):
        here = np.asarray(values[at])
        kept = np.ones(here.shape, bool) if places is None else np.asarray(places[at])
        one: dict[str, Any] = basic_statistics(here, kept)
        finite = kept & np.isfinite(here)
        one["sparsity"] = _mean(np.asarray(np.abs(here) < NEAR_ZERO, dtype=np.float64), finite)
        if entry.is_memory:
            one["range"] = one["max"] - one["min"]
            one["active_slots"] = _active(here, kept)
            alike = mean_similarity(here)
            one["slot_similarity"] = _mean(alike, ~np.isnan(alike))
        yield index, one


def _row_statistics(
    rows: Rows, square: bool
) -> dict[str, tuple[Float64[np.ndarray, "*row"], Bool[np.ndarray, "*row"]]]:
    """What each row has, and which rows count for its mean."""
    some = rows.choosing
    entropies = row_entropy(rows)
    found = {
        "entropy": (entropies, rows.valid),
        "normalised_entropy": (share_of_largest(rows, entropies), some),
        "effective_slots": (np.exp(entropies), rows.valid),
        "hoyer_sparsity": (row_hoyer(rows), some),
    }
    if square:
        found["attention_distance"] = (mean_distance(rows, 0), rows.valid)
        found["first_token"] = (at_first(rows), rows.valid)
        for name, step in (("previous_token", -1), ("next_token", 1), ("same_token", 0)):
            there = at_step(rows, step)
            found[name] = (there, rows.valid & ~np.isnan(there))
    return found


def _column_entropies(rows: Rows) -> Float64[np.ndarray, "*matrix key"]:
    """Entropy of each column divided by its sum, over the rows that are weightings; NaN where it is zero."""
    columns = np.swapaxes(np.where(rows.valid[..., None], rows.weights, 0.0), -1, -2)
    sums = columns.sum(axis=-1, keepdims=True)
    parts = divide_where(columns, sums, sums > 0, 0.0)
    return np.where(sums[..., 0] > 0, plain_entropy(parts), np.nan)


def _active(
    values: Float64[np.ndarray, "*step slot word"], kept: Bool[np.ndarray, "*step slot word"]
) -> float:
    """The fraction of slots that vary along their word, of those that are finite."""
    flat, where = values.reshape(-1, values.shape[-1]), kept.reshape(-1, values.shape[-1])
    some = where.any(axis=-1) & ~((~np.isfinite(flat)) & where).any(axis=-1)
    flat, where = flat[some], where[some]
    means = mean_where(flat, where)
    spread = np.sqrt(mean_where((flat - means[:, None]) ** 2, where))
    return float((spread > ACTIVE).mean()) if len(spread) else float("nan")


def basic_statistics(values: Float64[np.ndarray, "..."], kept: Bool[np.ndarray, "..."]) -> dict[str, Any]:
    """Size and range of the finite values that count."""
    finite = kept & np.isfinite(values)
    some = values[finite]
    none = float("nan")
    return {
        "total_elements": int(kept.sum()),
        "mean": float(some.mean()) if some.size else none,
        "std": float(some.std()) if some.size else none,
        "min": float(some.min()) if some.size else none,
        "max": float(some.max()) if some.size else none,
        "non_finite": int(kept.sum() - finite.sum()),
    }


def _mean(values: Float64[np.ndarray, "..."], where: Bool[np.ndarray, "..."] | np.bool_) -> float:
    return float(mean_where(np.ravel(values), np.ravel(where)))
