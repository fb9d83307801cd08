"""Tidy tables: one row for each array, layer and head, with the seed notebook's column names.

Means are over the rows that are weightings; how many were left out, and why, stands beside them
(``masked_rows``, ``zero_rows``, ``nan_rows``). Where the seed computed something else under a name, the text
of :func:`analyze` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from nsm_widgets._axes import AXES, did_you_mean
from nsm_widgets._errors import AxisError, DtypeError, ShapeError, WeightsError
from nsm_widgets.stats._attention import at_first, at_step, mean_distance
from nsm_widgets.stats._input import Given, Mask, counted, divide_where, take
from nsm_widgets.stats._memory import ACTIVE, NEAR_ZERO, mean_similarity
from nsm_widgets.stats._rows import Rows, mean_where, take_rows
from nsm_widgets.stats._table import TableLike, as_table
from nsm_widgets.stats._weightings import (
    SMALL,
    plain_entropy,
    row_entropy,
    row_hoyer,
    row_max,
    share_of_largest,
)
from nsm_widgets.trace import NamedArray
from nsm_widgets.trace._convert import ArrayLike
from nsm_widgets.trace._known import default_kind, known
from nsm_widgets.trace._weights import check_weightings

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
_PLACES = (
    "attention_distance",
    "previous_token",
    "next_token",
    "same_token",
    "first_token",
)
_COUNTS = ("rows", "masked_rows", "zero_rows", "nan_rows")
_MEMORY = ("range", "active_slots", "slot_similarity")
_COLUMNS = ("shape", *_BASIC, *_SPREAD, *_PLACES, *_MEMORY, *_COUNTS)

_ATTENTION_DIMS = ("layer", "batch", "head", "query", "key")
_MEMORY_DIMS = ("time", "batch", "slot", "word")
_ATTENDING = ("query", "state", "token")


def analyze(data: Any, *, by: Sequence[str] = ("layer", "head"), mask: Any = None) -> TableLike:
    """Statistics of every array: one row for each array and each index along the axes ``by``.

    Weights and attention get, along their last axis, ``entropy`` (nats), ``normalised_entropy``,
    ``focus_score``, ``effective_slots``, ``max_attention``, ``sparsity`` (fraction below 0.01) and
    ``hoyer_sparsity``; attention with as many queries as keys also ``attention_distance`` and its
    ``previous_token``, ``next_token``, ``same_token`` and ``first_token`` shares. Memories get ``range``,
    ``sparsity``, ``active_slots`` and ``slot_similarity`` (the mean cosine of two slots). All get ``mean``,
    ``std``, ``min``, ``max`` of the finite values, and ``non_finite``, the number of the others.

    Columns that the seed's notebook computes differently under the same name:

    - ``entropy``: the seed sums ``-p log(p + 1e-8)`` over a whole matrix, which grows with the number of
      rows. Here it is the mean over rows, as ``avg_row_entropy``.
    - ``avg_col_entropy``: the seed takes the entropy of columns that do not sum to one. Here each column is
      divided by its sum (from which queries a key gets its attention) and columns that get none are left out.
    - ``focus_score``: ``1 - normalised_entropy``, from the mean over rows, each by its own number of keys.
    - ``entropy`` and the like have no ``1e-8`` in them, and leave out rows that are no weightings.

    Args:
        data: A ``Trace``; arrays by name; a ``NamedArray``; or one array or tensor. Arrays without axis names
            are attention if their name says so or they are known by it, and weights if each of their rows
            along the last axis is a weighting.
        by: Axes whose every index has a row of its own; everything else (time, batch, queries) is averaged.
            An array that lacks one leaves the column empty.
        mask: True where a value counts: a ``NamedArray``, for all arrays that have its axes; or masks by
            array name; or, for one array, anything that broadcasts to it.

    Returns:
        A pandas ``DataFrame`` where pandas is installed, else a :class:`Table`.

    Raises:
        WeightsError: If what is called weights is none.
        AxisError: If an axis in ``by`` is unknown, or a mask has an axis that its array has not.
        ShapeError, DtypeError: If data or mask do not fit.

    >>> table = analyze({"self_attention": [[1.0, 0.0], [0.5, 0.5]]})
    >>> [round(float(table[name][0]), 6) for name in ("entropy", "focus_score", "max_attention")]
    [0.346574, 0.5, 1.0]
    """
    axes = _check_by(by)
    entries = _entries(data)
    masks = _masks(mask, entries)
    records = [
        record
        for entry, each in zip(entries, masks, strict=True)
        for record in entry.records(axes, each, kind_column=True)
    ]
    return as_table(records, ("name", "kind", *axes, *_COLUMNS))


def analyze_attention(
    attention: ArrayLike,
    name: str = "attention",
    *,
    by: Sequence[str] = ("layer", "head"),
    mask: Mask = None,
) -> TableLike:
    """Statistics of attention, or of any weighting: the columns of :func:`analyze`.

    Args:
        attention: ``(layer, batch, head, query, key)``, or the last 2, 3 or 4 of these axes, or a
            ``NamedArray``; each row a weighting.
        name: What the column ``name`` says.
        by: Axes whose every index has a row of its own.
        mask: True where a key counts; see :func:`padding_mask` and :func:`causal_mask`.

    Returns:
        A ``DataFrame`` or :class:`Table`.

    Raises:
        WeightsError, AxisError, ShapeError, DtypeError: As :func:`analyze`.

    >>> analyze_attention([[[1.0, 0.0], [1.0, 0.0]]], "first")["first_token"][0].item()
    1.0
    """
    axes = _check_by(by)
    entry = _entry(attention, "attention", "attention")
    records = [{**record, "name": name} for record in entry.records(axes, mask, kind_column=False)]
    return as_table(records, ("name", *axes, *_COLUMNS))


def analyze_memory(
    memory: ArrayLike, name: str = "memory", *, by: Sequence[str] = ("time",), mask: Mask = None
) -> TableLike:
    """Statistics of what a memory holds: mean, spread, sparsity, active slots, how alike its slots are.

    Args:
        memory: ``(slot, word)``, ``(time, slot, word)`` or ``(time, batch, slot, word)``; or a ``NamedArray``
            that ends in ``slot, word``.
        name: What the column ``name`` says.
        by: Axes whose every index has a row of its own.
        mask: True where a number counts; ``slot_similarity`` takes all slots.

    Returns:
        A ``DataFrame`` or :class:`Table`.

    Raises:
        AxisError, ShapeError, DtypeError: As :func:`analyze`.

    >>> analyze_memory([[0.0, 1.0], [0.5, 0.5]])["active_slots"][0].item()
    0.5
    """
    axes = _check_by(by)
    entry = _entry(memory, "memory", "content")
    if not entry.is_memory:
        raise ShapeError(
            f"memory must have axes (slot, word), (time, slot, word) or (time, batch, slot, word), got "
            f"{entry.given.describe()}. Name others: NamedArray('memory', values, dims)."
        )
    records = [{**record, "name": name} for record in entry.records(axes, mask, kind_column=False)]
    return as_table(records, ("name", *axes, *_COLUMNS))


def summary_statistics(arrays: Any) -> TableLike:
    """Shape and range of any arrays, whatever they mean: one row each.

    Args:
        arrays: Arrays or tensors by name, or a ``Trace``.

    Returns:
        A ``DataFrame`` or :class:`Table`: ``name, shape, total_elements, mean, std, min, max`` of the finite
        values, ``nan``, ``infinite`` (how many there are), and ``sparsity``, the fraction of finite
        magnitudes below 0.01.

    Raises:
        DtypeError, ShapeError: If an array holds no real numbers, or is empty.

    >>> summary_statistics({"memory": [[0.0, 2.0]]})["mean"][0].item()
    1.0
    """
    if not isinstance(arrays, Mapping) or not arrays:
        raise DtypeError(
            f"arrays must map names to arrays, got {type(arrays).__name__}"
            f"{' without any' if isinstance(arrays, Mapping) else ''}. Pass {{'memory': memory}}."
        )
    records = []
    for name, value in arrays.items():
        given = take(value, str(name), ())
        finite = np.isfinite(given.values)
        nan = int(np.isnan(given.values).sum())
        basic = _basic(given.values, np.ones_like(finite))
        basic.pop("non_finite")
        near_zero = np.asarray(np.abs(given.values) < NEAR_ZERO, dtype=np.float64)
        records.append(
            {
                "name": str(name),
                "shape": given.values.shape,
                **basic,
                "nan": nan,
                "infinite": int(finite.size - finite.sum()) - nan,
                "sparsity": float(mean_where(near_zero.reshape(-1), finite.reshape(-1))),
            }
        )
    return as_table(records, list(records[0]))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One array of a table."""

    value: Any
    given: Given
    kind: str
    dims: tuple[str, ...]
    """Axis names, guessed for a plain array; empty where they cannot be."""

    @property
    def is_memory(self) -> bool:
        return self.dims[-2:] == ("slot", "word")

    def records(self, by: Sequence[str], mask: Mask, *, kind_column: bool) -> Iterator[dict[str, Any]]:
        """One record for each index along the axes ``by``."""
        weighting = self.kind in ("weights", "attention")
        groups = self._weighting_groups(by, mask) if weighting else self._content_groups(by, mask)
        for index, statistics in groups:
            head: dict[str, Any] = {"name": self.given.name}
            if kind_column:
                head["kind"] = self.kind
            yield {**head, **index, "shape": self.given.values.shape, **statistics}

    def _weighting_groups(
        self, by: Sequence[str], mask: Mask
    ) -> Iterator[tuple[dict[str, int], dict[str, Any]]]:
        rows = take_rows(self.value, mask, name=self.given.name, axes=self.dims[-1:] or ("slot",))
        per_row = _row_statistics(rows, self._is_square())
        columns = _column_entropies(rows) if self._is_matrix(by) else None
        largest = row_max(rows)
        values, places = rows.given.values, rows.places
        for index, at in self._groups(by, 1):
            here = values[at]
            kept = np.ones(here.shape, bool) if places is None else places[at]
            one: dict[str, Any] = _basic(here, kept)
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
        self, by: Sequence[str], mask: Mask
    ) -> Iterator[tuple[dict[str, int], dict[str, Any]]]:
        places = counted(mask, self.given)
        values = self.given.values
        for index, at in self._groups(by, 2 if self.is_memory else 0):
            here = values[at]
            kept = np.ones(here.shape, bool) if places is None else np.asarray(places[at])
            one: dict[str, Any] = _basic(here, kept)
            finite = kept & np.isfinite(here)
            one["sparsity"] = _mean(np.asarray(np.abs(here) < NEAR_ZERO, dtype=np.float64), finite)
            if self.is_memory:
                one["range"] = one["max"] - one["min"]
                one["active_slots"] = _active(here, kept)
                alike = mean_similarity(here)
                one["slot_similarity"] = _mean(alike, ~np.isnan(alike))
            yield index, one

    def _groups(self, by: Sequence[str], inner: int) -> Iterator[tuple[dict[str, int], tuple[Any, ...]]]:
        """Each index along the axes ``by``, and where its part of an array is; ``inner`` axes stay whole."""
        shape = self.given.values.shape
        outer = len(shape) - inner
        axes = [i for i, dim in enumerate(self.dims[:outer]) if dim in by]
        for place in np.ndindex(*(shape[i] for i in axes)):
            at: list[Any] = [slice(None)] * outer
            for axis, i in zip(axes, place, strict=True):
                at[axis] = i
            yield {self.dims[axis]: i for axis, i in zip(axes, place, strict=True)}, tuple(at)

    def _is_matrix(self, by: Sequence[str]) -> bool:
        """Whether columns mean something: what several queries give one key."""
        if not self.dims:
            return self.given.values.ndim == 2
        return len(self.dims) >= 2 and self.dims[-2] in _ATTENDING and self.dims[-2] not in by

    def _is_square(self) -> bool:
        """Whether queries and keys are the same tokens, as far as can be told."""
        shape = self.given.values.shape
        return (
            self.kind == "attention"
            and self.dims[-2:] == ("query", "key")
            and len(shape) >= 2
            and shape[-1] == shape[-2]
        )


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


def _basic(values: Float64[np.ndarray, "..."], kept: Bool[np.ndarray, "..."]) -> dict[str, Any]:
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


def _mean(values: Any, where: Any) -> float:
    return float(mean_where(np.ravel(values), np.ravel(where)))


def _check_by(by: Any) -> tuple[str, ...]:
    if isinstance(by, str) or not isinstance(by, Sequence):
        raise AxisError(f"by must be a sequence of axis names, got {by!r}. One axis? Write it as ({by!r},).")
    for dim in by:
        if dim not in AXES:
            raise AxisError(f"by names {dim!r}, which is no axis.{did_you_mean(dim, AXES)}")
    return tuple(dict.fromkeys(by))


def _entries(data: Any) -> list[_Entry]:
    if isinstance(data, Mapping):
        if not data:
            raise DtypeError("data must hold at least one array, got none. Pass {'memory': memory}.")
        return [_entry(value, str(name)) for name, value in data.items()]
    if isinstance(data, NamedArray):
        return [_entry(data, data.name)]
    return [_entry(data, "array")]


def _entry(value: ArrayLike, name: str, kind: str | None = None) -> _Entry:
    given = take(value, name, ())
    given = Given(
        given.values, name if given.source is None else given.name, given.source, given.rounded_from
    )
    if given.source is not None:
        told = given.source.attrs.get("kind", default_kind(given.name))
        kind = kind or told or ("weights" if _are_weightings(given) else "content")
        return _Entry(value, given, kind, given.dims)
    dims = _guess_dims(name, given.values.ndim, kind)
    if kind is None:
        kind = default_kind(name)
    if kind is None and _are_weightings(given):
        kind = "attention" if dims == _ATTENTION_DIMS[-len(dims) :] and dims else "weights"
    return _Entry(value, given, kind or "content", dims)


def _guess_dims(name: str, ndim: int, kind: str | None) -> tuple[str, ...]:
    """The axes that go with a name; none where it says nothing."""
    entry = known(name)
    if entry is not None and len(entry.dims) == ndim:
        return entry.dims
    if (kind == "attention" or "attention" in name.lower()) and 2 <= ndim <= len(_ATTENTION_DIMS):
        return _ATTENTION_DIMS[-ndim:]
    if "memory" in name.lower() and 2 <= ndim <= len(_MEMORY_DIMS):
        return (*_MEMORY_DIMS[: ndim - 2], "slot", "word")
    return ()


def _are_weightings(given: Given) -> bool:
    """Whether each row along the last axis is a weighting, and not all are zero."""
    values = given.values
    if values.ndim == 0 or values.shape[-1] == 1 or not (values > 0).any():
        return False
    try:
        check_weightings(values, given.name, "last", "", given.rounded_from)
    except WeightsError:
        return False
    return True


def _masks(mask: Any, entries: Sequence[_Entry]) -> list[Mask]:
    """The mask of each array, or None."""
    if mask is None:
        return [None] * len(entries)
    if isinstance(mask, NamedArray):
        return [
            mask if set(mask.dims) <= set(entry.dims) and entry.given.source else None for entry in entries
        ]
    if isinstance(mask, Mapping):
        names = [entry.given.name for entry in entries]
        for name in mask:
            if name not in names:
                raise AxisError(f"mask names {name!r}, which is no array.{did_you_mean(name, names)}")
        return [mask.get(name) for name in names]
    if len(entries) > 1:
        raise AxisError(
            "mask must say of which array it is, got one for several. Pass {'attention': mask}, or a "
            "NamedArray whose axes tell."
        )
    return [mask]


def named_arrays(data: Any, mask: Any) -> list[tuple[NamedArray, Mask]]:
    """What :func:`analyze` makes of its input, each array with its mask, for those whose axes are known.

    Raises:
        ShapeError, DtypeError, AxisError: If an array or a mask cannot be read.
    """
    entries = _entries(data)
    found = []
    for entry, each in zip(entries, _masks(mask, entries), strict=True):
        array = entry.given.source
        if array is None:
            if len(entry.dims) != entry.given.values.ndim:
                continue
            array = NamedArray(entry.given.name, entry.value, entry.dims)
        if array.attrs.get("kind") != entry.kind:
            attrs = {**array.attrs, "kind": entry.kind}
            array = NamedArray(array.name, array.values, array.dims, array.coords, attrs)
        found.append((array, each))
    return found
