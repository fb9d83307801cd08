"""Tidy tables: one row for each array, layer and head, with the seed notebook's column names.

Means are over the rows that are weightings; how many were left out, and why, stands beside them
(``masked_rows``, ``zero_rows``, ``nan_rows``). Where the seed computed something else under a name, the text
of :func:`analyze` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nsm_widgets._axes import AXES, did_you_mean
from nsm_widgets._errors import AxisError, DtypeError, ShapeError
from nsm_widgets.stats._entries import Entry, make_entries, make_entry, masks_of
from nsm_widgets.stats._input import Mask, counted, take
from nsm_widgets.stats._memory import NEAR_ZERO
from nsm_widgets.stats._records import COLUMNS, basic_statistics, records_of
from nsm_widgets.stats._rows import mean_where
from nsm_widgets.stats._table import TableLike, as_table
from nsm_widgets.trace import ArrayLike

_TAKEN = ("name", "kind", *COLUMNS)


def analyze(data: object, *, by: Sequence[str] = ("layer", "head"), mask: object = None) -> TableLike:
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
        AxisError: If no array has an axis in ``by``, or a mask has an axis that its array has not.
        ShapeError, DtypeError: If data or mask do not fit.

    >>> table = analyze({"self_attention": [[1.0, 0.0], [0.5, 0.5]]})
    >>> [round(float(table[name][0]), 6) for name in ("entropy", "focus_score", "max_attention")]
    [0.346574, 0.5, 1.0]
    """
    entries = make_entries(data)
    axes = _check_by(by, entries)
    masks = masks_of(mask, entries)
    records = [
        record
        for entry, each in zip(entries, masks, strict=True)
        for record in records_of(entry, axes, each, name=entry.given.name, kind=entry.kind)
    ]
    return as_table(records, ("name", "kind", *axes, *COLUMNS))


def analyze_attention(
    attention: ArrayLike, name: str = "attention", *, by: Sequence[str] = ("layer", "head"), mask: Mask = None
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
    entry = make_entry(attention, "attention", "attention")
    axes = _check_by(by, [entry])
    records = list(records_of(entry, axes, mask, name=name))
    return as_table(records, ("name", *axes, *COLUMNS))


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
    entry = make_entry(memory, "memory", "content")
    axes = _check_by(by, [entry])
    if not entry.is_memory:
        raise ShapeError(
            f"memory must have axes (slot, word), (time, slot, word) or (time, batch, slot, word), got "
            f"{entry.given.describe()}. Name others: NamedArray('memory', values, dims)."
        )
    records = list(records_of(entry, axes, mask, name=name))
    return as_table(records, ("name", *axes, *COLUMNS))


def summary_statistics(arrays: object) -> TableLike:
    """Shape and range of any arrays, whatever they mean: one row each.

    Args:
        arrays: Arrays or tensors by name, or a ``Trace``.

    Returns:
        A ``DataFrame`` or :class:`Table`: ``name, shape, total_elements, mean, std, min, max`` of the finite
        values that count, ``nan``, ``infinite`` and ``masked`` (how many there are), and ``sparsity``, the
        fraction of finite magnitudes below 0.01.

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
        places = counted(None, given)
        kept = np.ones(given.values.shape, bool) if places is None else places
        finite = np.isfinite(given.values) & kept
        nan = int((np.isnan(given.values) & kept).sum())
        basic = basic_statistics(given.values, kept)
        basic.pop("non_finite")
        near_zero = np.asarray(np.abs(given.values) < NEAR_ZERO, dtype=np.float64)
        records.append(
            {
                "name": str(name),
                "shape": given.values.shape,
                **basic,
                "nan": nan,
                "infinite": int(kept.sum() - finite.sum()) - nan,
                "masked": int(kept.size - kept.sum()),
                "sparsity": float(mean_where(near_zero.reshape(-1), finite.reshape(-1))),
            }
        )
    return as_table(records, list(records[0]))


def _check_by(by: object, entries: Sequence[Entry]) -> tuple[str, ...]:
    """The axes, each once: those of the arrays, or well-known ones that a table of other arrays has."""
    if isinstance(by, str) or not isinstance(by, Sequence):
        raise AxisError(f"by must be a sequence of axis names, got {by!r}. One axis? Write it as ({by!r},).")
    known = (*(dim for entry in entries for dim in entry.given.dims), *AXES)
    for dim in by:
        if dim not in known:
            raise AxisError(f"by names {dim!r}, which is no axis.{did_you_mean(dim, known)}")
        if dim in _TAKEN:
            raise AxisError(
                f"by names the axis {dim!r}, and {dim} is another column of the table. Give the axis another "
                "name: NamedArray(name, values, dims)."
            )
    return tuple(dict.fromkeys(by))
