"""How far the heads of one trace differ from those of another: row by row, and as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from nsm_widgets._errors import DtypeError
from nsm_widgets.stats._belonging import WEIGHTINGS, head_group, tells
from nsm_widgets.stats._divergence import _js
from nsm_widgets.stats._matched import Matching
from nsm_widgets.stats._matching import check_match, match_traces
from nsm_widgets.stats._rows import Rows, mean_where, take_rows
from nsm_widgets.stats._same_layout import check_same_axes, common_arrays
from nsm_widgets.stats._table import TableLike, as_table
from nsm_widgets.stats._weightings import plain_entropy
from nsm_widgets.trace import NamedArray, Trace, array_kind, labels_along

COLUMNS = (
    "array",
    "layer",
    "head",
    "matched_head",
    "js_divergence",
    "total_variation",
    "entropy_change",
    "focus_change",
    "largest_js_divergence",
    "time",
    "rows",
    "masked_rows",
    "zero_rows",
    "nan_rows",
)
_BY = ("layer", "head")

BLOCK_VALUES = 1 << 22
"""Values that are compared at a time: in float64 a large attention would take several times its size."""


def changed_heads(
    a: Trace,
    b: Trace,
    *,
    match: object = None,
    arrays: Sequence[str] | None = None,
    names: tuple[str, str] = ("a", "b"),
) -> TableLike:
    """Which head changed most from ``a`` to ``b``: a row for each head of each weighting, most changed first.

    - ``js_divergence``: Jensen-Shannon divergence of the two weightings, the mean over time, batch and
      queries, in nats: 0 where the head did not change, ``log(2)`` = 0.693 where the two share no place.
    - ``total_variation``: half the sum of magnitudes of the difference, the same mean, in [0, 1]: the share
      of the weight that went elsewhere.
    - ``entropy_change``: mean entropy in ``b`` less that in ``a``, in nats; ``focus_change``: of the focus
      (1 less the entropy as a share of the largest), in [-1, 1].
    - ``time``: the step of the largest change, the first one of several; ``largest_js_divergence``: the mean
      divergence at that step. None where nothing changed.
    - ``rows``: how many weightings were compared. Left out, and counted for themselves, are those that in
      one of the two traces are masked, zero or NaN. Where none is left, numbers are NaN, and the row is last.

    Shares, as those of a DNC, may sum to less than 1: what is missing counts as one more place.

    Args:
        a: A trace.
        b: A trace of the same layout.
        match: ``"heads"``, ``"slots"`` or both: compared is what :func:`match_traces` matches. By itself
            each head is compared with that of the same index.
        arrays: Names of weightings; when not given, those that say what a head does in the end, not the
            stages of its addressing.
        names: What to call the two in errors.

    Returns:
        A ``DataFrame`` or :class:`Table` with the columns above, after ``array``, ``layer``, ``head``, and,
        where heads are matched, ``matched_head``, that of ``b``. No row where the traces share no weighting.

    Raises:
        ShapeError, AxisError: If the traces differ in layout.
        WeightsError: If what is called weights is none.
        UnknownOptionError: If ``match`` is something else.

    >>> a = Trace.from_arrays({"read_weights": [[[[1.0, 0.0], [0.5, 0.5]]]]})
    >>> b = Trace.from_arrays({"read_weights": [[[[0.5, 0.5], [0.5, 0.5]]]]})
    >>> table = changed_heads(a, b)
    >>> [int(head) for head in table["head"]], [round(float(js), 4) for js in table["js_divergence"]]
    ([0, 1], [0.2158, 0.0])
    """
    common = common_arrays(a, b, names)
    matching = match_traces(a, b, match) if check_match(match) else Matching()
    told = [name for name in common.both if tells(a[name])] if arrays is None else arrays
    return head_changes(a, matching.apply(b), told, matching).table()


@dataclass(frozen=True, slots=True)
class HeadChanges:
    """How far each head of one trace differs from that of another."""

    divergences: dict[str, NamedArray]
    """The mean divergence at each step, layer and head, in nats, by the name of the weighting."""
    records: list[dict[str, Any]]
    """One for each head, most changed first; those that are not known come last. Places are
    indices, and ``numbers`` says what they are called."""

    def table(self) -> TableLike:
        """The records as a table; columns that say nothing of any row are left out."""
        counts = [f"{why}_rows" for why in ("masked", "zero", "nan")]
        idle = {name for name in counts if not any(record[name] for record in self.records)}
        columns = [column for column in COLUMNS if column not in idle] if self.records else ["array"]
        return as_table([{**record, **record["numbers"]} for record in self.records], columns)


def head_changes(a: Trace, matched: Trace, arrays: Sequence[str], matching: Matching) -> HeadChanges:
    """The changes of those of these arrays that are weightings; see :func:`changed_heads`.

    Args:
        a: A trace.
        matched: Another one, its heads and slots in the order of ``a``.
        arrays: Names of arrays of both.
        matching: How it was brought into that order.

    Raises:
        ShapeError, AxisError: If an array differs in axes or sizes.
        WeightsError: If a row is no weighting.
    """
    for each in (a, matched):
        if not isinstance(each, Trace):
            raise DtypeError(f"two traces are compared, got {type(each).__name__}. Pass two of type Trace.")
    if not isinstance(matching, Matching):
        raise DtypeError(f"matching must be a Matching, got {type(matching).__name__}. match_traces has one.")
    changes = [weighting_change(a[name], matched[name]) for name in arrays if _is_weighting(a[name])]
    records = [record for change in changes for record in _records(change, matching, a)]
    records.sort(key=lambda each: -np.nan_to_num(each["js_divergence"], nan=-1.0))
    return HeadChanges(_mean_divergences(changes), records)


def _numbers(record: Mapping[str, Any], array: NamedArray) -> dict[str, int]:
    """What the places of a record are called."""
    dims = {"layer": "layer", "head": "head", "matched_head": "head", "time": "time"}
    return {
        name: array.number(dim, record[name])
        for name, dim in dims.items()
        if dim in array.dims and record.get(name) is not None
    }


@dataclass(frozen=True)
class WeightingChange:
    """How far the rows of one weighting differ between two traces. All of the rows' shape."""

    array: NamedArray
    dims: tuple[str, ...]
    divergence: Float64[np.ndarray, "*row"]
    variation: Float64[np.ndarray, "*row"]
    entropies: tuple[Float64[np.ndarray, "*row"], Float64[np.ndarray, "*row"]]
    most_entropy: Float64[np.ndarray, "*row"]
    """That of a uniform row."""
    left_out: dict[str, Bool[np.ndarray, "*row"]]
    """Rows that are none in one of the two, by why."""

    @property
    def valid(self) -> Bool[np.ndarray, "*row"]:
        """Rows that are weightings in both."""
        return np.asarray(~np.logical_or.reduce(list(self.left_out.values())))

    def mean_along(self, kept: Sequence[str]) -> tuple[Float64[np.ndarray, "..."], tuple[str, ...]]:
        """The mean divergence at each index of the axes kept, NaN where no row is valid; and these axes."""
        dims = tuple(dim for dim in self.dims if dim in kept)
        return _mean_along(self.divergence, self.valid, self.dims, dims), dims


def _is_weighting(array: NamedArray) -> bool:
    """Whether each row along the last axis shares out a whole, and there is something to share it among."""
    return array_kind(array) in WEIGHTINGS and array.dims[-1] not in ("time", "batch", "iteration", *_BY)


def weighting_change(one: NamedArray, other: NamedArray) -> WeightingChange:
    """How far each row of two arrays differs.

    Raises:
        ShapeError, AxisError: If they differ in axes or sizes.
        WeightsError: If a row is no weighting.
    """
    check_same_axes(one, other, ("a", "b"))
    length = max(1, BLOCK_VALUES * one.shape[0] // one.values.size) if one.ndim > 1 else one.shape[0]
    blocks = [slice(start, start + length) for start in range(0, one.shape[0], length)]
    if len(blocks) == 1:
        return _change(one, other)
    first = one.dims[0]
    parts = [_change(one.isel(**{first: block}), other.isel(**{first: block})) for block in blocks]

    def joined(of: Callable[[WeightingChange], Any]) -> Any:
        return np.concatenate([of(part) for part in parts])

    return WeightingChange(
        one,
        one.dims[:-1],
        joined(lambda part: part.divergence),
        joined(lambda part: part.variation),
        (joined(lambda part: part.entropies[0]), joined(lambda part: part.entropies[1])),
        joined(lambda part: part.most_entropy),
        {why: np.concatenate([part.left_out[why] for part in parts]) for why in parts[0].left_out},
    )


def _change(one: NamedArray, other: NamedArray) -> WeightingChange:
    """The same of what is read at once."""
    shares = array_kind(one) == "shares"
    rows = [take_rows(array, axes=one.dims[-1:], shares=shares) for array in (one, other)]
    p, q = (_whole(each) if shares else each.weights for each in rows)
    entropies = plain_entropy(p), plain_entropy(q)
    left_out = {
        "masked": np.asarray(rows[0].masked | rows[1].masked),
        "nan": np.asarray(rows[0].nan | rows[1].nan),
        # shares of nothing are a whole that goes nowhere
        "zero": np.asarray((rows[0].zero | rows[1].zero) & (not shares)),
    }
    places = np.minimum(rows[0].num_places, rows[1].num_places) + shares
    return WeightingChange(
        one,
        one.dims[:-1],
        _js(p, q, *entropies),
        np.asarray(np.abs(p - q).sum(axis=-1) / 2),
        entropies,
        np.log(np.maximum(places, 1).astype(np.float64)),
        left_out,
    )


def _mean_divergences(changes: Sequence[WeightingChange]) -> dict[str, NamedArray]:
    found = {}
    for change in changes:
        values, dims = change.mean_along(("iteration", "time", *_BY))
        if dims:
            own = labels_along(change.array.coords, dims)
            coords = {name: coord for name, coord in own.items() if len(coord.dims) == 1}
            attrs = {"kind": "scalar", "description": "mean Jensen-Shannon divergence of the two, in nats"}
            found[change.array.name] = NamedArray("change", values, dims, coords, attrs)
    return found


def _records(change: WeightingChange, matching: Matching, trace: Trace) -> Iterator[dict[str, Any]]:
    axes = [change.dims.index(dim) for dim in _BY if dim in change.dims]
    order = matching.heads.get(head_group(change.array.name, trace)) if "head" in change.dims else None
    for place in np.ndindex(*(change.divergence.shape[axis] for axis in axes)):
        index = dict(zip((change.dims[axis] for axis in axes), place, strict=True))
        at = tuple(index.get(dim, slice(None)) for dim in change.dims)
        record: dict[str, Any] = {"array": change.array.name, **index}
        if order is not None:
            where = (index["head"],) if order.ndim == 1 else (index["layer"], index["head"])
            record["matched_head"] = int(order[where])
        record |= _statistics(change, at)
        yield {**record, "numbers": _numbers(record, change.array)}


def _statistics(change: WeightingChange, at: tuple[Any, ...]) -> dict[str, Any]:
    """The numbers of one head."""
    valid = np.asarray(change.valid[at])

    def mean(values: Float64[np.ndarray, "..."]) -> float:
        return float(mean_where(np.ravel(values[at]), np.ravel(valid)))

    before, after = change.entropies
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = (after - before) / change.most_entropy
    record: dict[str, Any] = {
        "js_divergence": mean(change.divergence),
        "total_variation": mean(change.variation),
        "entropy_change": mean(after) - mean(before),
        "focus_change": -mean(shares) + 0.0,
        "rows": int(valid.sum()),
        **{f"{why}_rows": int(flags[at].sum()) for why, flags in change.left_out.items()},
    }
    left = tuple(dim for dim, index in zip(change.dims, at, strict=True) if isinstance(index, slice))
    if "time" in left:
        steps = _mean_along(np.asarray(change.divergence[at]), valid, left, ("time",))
        if not np.isnan(steps).all() and np.nanmax(steps) > 0:
            record["time"] = int(np.nanargmax(steps))
            record["largest_js_divergence"] = float(steps[record["time"]])
    return record


def _mean_along(
    values: Float64[np.ndarray, "..."],
    where: Bool[np.ndarray, "..."],
    dims: tuple[str, ...],
    kept: tuple[str, ...],
) -> Float64[np.ndarray, "..."]:
    """The mean of the values that count over all axes but those kept, which come in their order."""
    axes = [dims.index(dim) for dim in kept]
    others = [axis for axis in range(len(dims)) if axis not in axes]
    shape = [values.shape[axis] for axis in axes]
    flat = [each.transpose([*axes, *others]).reshape(*shape, -1) for each in (values, where)]
    return mean_where(flat[0], np.asarray(flat[1], bool))


def _whole(rows: Rows) -> Float64[np.ndarray, "*row n"]:
    """Shares, and what of the whole they leave."""
    rest = np.maximum(1 - rows.weights.sum(axis=-1, keepdims=True), 0.0)
    return np.concatenate([rows.weights, rest], axis=-1)
