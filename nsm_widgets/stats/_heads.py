"""What an attention head does, by name, with a score for each name.

A score is the share of the head's attention that the pattern explains beyond chance. With e the weight that a
uniform row would give to the pattern's keys, among those that the row may see, and w the weight that it
gives, a row scores ``(w - e) / (1 - e)``, and the head the mean of its rows, not less than 0. A head that
mixes a share a of one pattern with 1 - a of uniform attention scores a for the pattern, and 1 - a for
``uniform``.

The patterns, for query i of n tokens:

- ``previous``: key i - 1,
- ``next``: key i + 1,
- ``diagonal``: key i,
- ``first``: the first key that counts, a sink; from the rows for which it is neither i nor i - 1,
- ``column``: one other key, the same for most queries, such as a separator or a full stop; from the rows that
  are not next to it, and which may see it, of which there must be half of all,
- ``local``: all keys within a window, 2 tokens to each side when not given,
- ``uniform``: one less the distance from a uniform row over the keys that may be seen, as a share of the
  largest possible (total variation, ``sum |a - u| / 2``),
- ``other``: one less the best score of the rest.

The name is that of the best pattern, if it reaches the threshold (0.4 when not given). A head is ``local``
only where no one key (previous, next, diagonal) holds two thirds of what makes it local, for these are local,
too. Where no pattern reaches it, the head is ``uniform`` if what is not uniform in it stays below the
threshold (a score of 0.6 or more), else ``other``.

The idea of telling heads by such patterns is from Clark et al. 2019 (section 3) and Voita et al. 2019
(section 5); the scores are our own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy.typing import NDArray

from nsm_widgets._axes import did_you_mean, format_sizes
from nsm_widgets._errors import AxisError, ShapeError, UnknownOptionError
from nsm_widgets._options import check_flag
from nsm_widgets.stats._attention import at_step
from nsm_widgets.stats._input import Mask, check_threshold, divide_where
from nsm_widgets.stats._rows import Rows, mean_where, take_rows
from nsm_widgets.stats._table import TableLike, as_table
from nsm_widgets.trace import ArrayLike, NamedArray, Trace, attention_names, numbers_of

HEAD_CLASSES = ("previous", "next", "first", "diagonal", "local", "uniform", "column", "other")
"""The names, in the order of ``HeadClasses.class_scores``."""

FEWEST_TOKENS = 4
"""With fewer tokens that count, the patterns fall together, and every head is ``other``."""

_NEIGHBOURS = ("previous", "next", "diagonal")
_HOLDS_MOST = 2 / 3
_AXES = ("layer", "batch", "head", "query", "key")


@dataclass(frozen=True, slots=True, eq=False)
class HeadClasses:
    """What each head of each layer does.

    Example:
        >>> heads = classify_heads(np.eye(6, k=-1)[None] + np.eye(6)[0] * np.eye(6)[:, :1])
        >>> heads
        <HeadClasses of 1 layer and 1 head: 1 previous>
        >>> heads.label(layer=0, head=0), round(heads.score(layer=0, head=0), 6)
        ('previous', 1.0)
    """

    labels: NDArray[Any]
    """``(layer, head)`` of ``str``."""
    scores: Float64[np.ndarray, "layer head"]
    """Score of the label, in [0, 1]. NaN where no row could be judged."""
    class_scores: Float64[np.ndarray, "layer head name"]
    """Score of every name, in the order of ``classes``."""
    column_key: Int64[np.ndarray, "layer head"]
    """The key that most queries of a head share, in the batch item where it is strongest; -1 if there is
    none that can be told."""
    rows: Int64[np.ndarray, "layer head"]
    """Rows (queries of all batch items) that were judged."""
    left_out: Int64[np.ndarray, "layer head"]
    """Rows that were not: masked, zero, or NaN."""
    causal: bool
    """Whether queries could see only themselves and what came before."""
    classes: tuple[str, ...] = HEAD_CLASSES
    numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of ``layer``, ``head`` and ``key``, where the attention was cropped: the table says them."""

    def label(self, *, layer: int = 0, head: int = 0) -> str:
        """The name of one head."""
        return str(self.labels[layer, head])

    def score(self, *, layer: int = 0, head: int = 0) -> float:
        """The score of one head's name."""
        return float(self.scores[layer, head])

    def named(self, name: str) -> list[tuple[int, int]]:
        """The heads with a name, as ``(layer, head)``, the one with the highest score first.

        >>> classify_heads(np.eye(6, k=-1)[None] + np.eye(6)[0] * np.eye(6)[:, :1]).named("previous")
        [(0, 0)]

        Raises:
            UnknownOptionError: If heads have no such names.
        """
        if name not in self.classes:
            raise UnknownOptionError(
                f"heads are named {', '.join(self.classes)}, got {name!r}.{did_you_mean(name, self.classes)}"
            )
        found = [(layer, head) for layer, head in np.argwhere(self.labels == name).tolist()]
        return sorted(found, key=lambda at: -self.scores[at])

    def counts(self) -> dict[str, int]:
        """How many heads have each name, those without any left out."""
        found = {name: int((self.labels == name).sum()) for name in self.classes}
        return {name: count for name, count in found.items() if count}

    def table(self) -> TableLike:
        """One row for each head: ``layer, head, label, score``, every name's score, ``rows, left_out``.

        A pandas ``DataFrame`` where pandas is installed, else a :class:`nsm_widgets.stats.Table`.
        """
        records = self.records()
        return as_table(records, list(records[0]))

    def records(self) -> list[dict[str, Any]]:
        """The rows of the table."""

        def number(dim: str, place: int) -> int:
            return place if dim not in self.numbers or place < 0 else self.numbers[dim][place]

        return [
            {
                "layer": number("layer", layer),
                "head": number("head", head),
                "label": str(self.labels[layer, head]),
                "score": float(self.scores[layer, head]),
                **dict(zip(self.classes, map(float, self.class_scores[layer, head]), strict=True)),
                "column_key": number("key", int(self.column_key[layer, head])),
                "rows": int(self.rows[layer, head]),
                "left_out": int(self.left_out[layer, head]),
            }
            for layer, head in np.ndindex(*self.labels.shape)
        ]

    def __repr__(self) -> str:
        layers, heads = self.labels.shape
        sizes = f"{layers} layer{'s' * (layers != 1)} and {heads} head{'s' * (heads != 1)}"
        return f"<HeadClasses of {sizes}: {', '.join(f'{n} {name}' for name, n in self.counts().items())}>"


@dataclass(frozen=True, slots=True, eq=False)
class HeadClassesByArray(Mapping[str, HeadClasses]):
    """What each head does in each of several arrays, such as ``encoder.attention``, by the array's name.

    Example:
        >>> values = {"encoder.attention": np.eye(6)[None], "cross.attention": np.full((1, 2, 6), 1 / 6)}
        >>> dims = dict.fromkeys(values, ("head", "query", "key"))
        >>> heads = classify_heads(Trace.from_arrays(values, dims=dims))
        >>> heads["encoder.attention"].label(), list(heads.left_out)
        ('diagonal', ['cross.attention'])
    """

    classes: dict[str, HeadClasses]
    left_out: dict[str, str]
    """Arrays that have no such patterns, and why: of queries and keys that are not the same tokens."""

    def table(self) -> TableLike:
        """The rows of every array's table, behind a column ``array``; see :meth:`HeadClasses.table`."""
        records = [
            {"array": name, **record} for name, heads in self.classes.items() for record in heads.records()
        ]
        return as_table(records, list(records[0]))

    def __getitem__(self, name: str) -> HeadClasses:
        return self.classes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def __repr__(self) -> str:
        told = [f"{name}: {heads!r}" for name, heads in self.classes.items()]
        return "\n".join([*told, *(f"{name}: left out, {why}" for name, why in self.left_out.items())])


@overload
def classify_heads(
    attention: Trace,
    *,
    mask: Mask = None,
    causal: bool | None = None,
    threshold: float = 0.4,
    window: int = 2,
) -> HeadClasses | HeadClassesByArray: ...
@overload
def classify_heads(
    attention: ArrayLike,
    *,
    mask: Mask = None,
    causal: bool | None = None,
    threshold: float = 0.4,
    window: int = 2,
) -> HeadClasses: ...
def classify_heads(
    attention: ArrayLike,
    *,
    mask: Mask = None,
    causal: bool | None = None,
    threshold: float = 0.4,
    window: int = 2,
) -> HeadClasses | HeadClassesByArray:
    """Name what each head does; the module's text says how.

    Args:
        attention: ``(layer, batch, head, query, key)`` or the last 2, 3 or 4 of these axes; a tuple of
            layers; a ``NamedArray`` that ends in two axes of one size (``query, key`` or ``state, sender``),
            whose other axes but layer and head count as batch; or a ``Trace`` with ``attention``, or with
            several arrays of weights of queries and keys, each of which is taken by itself.
        mask: True where a key counts; broadcasts to the attention. Padding of a batch, ``(batch, key)``, is
            ``mask[:, None, None, :]``; ``padding_mask(mask)`` leaves out the queries of padded places, too.
        causal: Whether a query sees only itself and what came before. When not given: whether everything
            above the diagonal of all heads is zero.
        threshold: Score from which a pattern names a head, in (0, 1]. Default 0.4.
        window: Tokens to each side that are local, at least 1. Default 2.

    Returns:
        The names; of a trace with several arrays, those of each by its name. Arrays with other queries than
        keys have no such patterns: they are left out there, and that is said.

    Raises:
        ShapeError: If there are not as many queries as keys, or one mask is given for several arrays.
        WeightsError, DtypeError, AxisError: If attention or mask do not fit.
        UnknownOptionError: If threshold or window are out of range.

    >>> uniform = np.full((1, 2, 8, 8), 1 / 8)
    >>> classify_heads(uniform).labels.tolist()
    [['uniform', 'uniform']]
    """
    least = check_threshold(threshold, "threshold", 0.0, 1.0, above=True)
    reach = int(min(check_threshold(window, "window", 1.0), sys.maxsize))
    if isinstance(attention, (list, tuple)) and not len(attention):
        raise ShapeError(
            "attention is empty: the model returned none. Load it with attn_implementation='eager', or "
            "record it: TraceRecorder(model, recompute=True)."
        )
    names = attention_names(attention) if isinstance(attention, Trace) else ()
    if len(names) < 2:
        taken = attention[(*names, "attention")[0]] if isinstance(attention, Trace) else attention
        return _classify(_take(taken, mask), causal, least, reach)
    if mask is not None:
        raise ShapeError(
            f"mask must be that of one array, and the trace has {', '.join(names)}. Take one: "
            f"classify_heads(trace[{names[0]!r}], mask=...). Masks of a trace are taken by themselves."
        )
    classes: dict[str, HeadClasses] = {}
    left_out: dict[str, str] = {}
    for name in names:
        try:
            classes[name] = _classify(_take(attention[name], None), causal, least, reach)
        except ShapeError as error:
            left_out[name] = str(error)
    if not classes:
        raise ShapeError(next(iter(left_out.values())))
    return HeadClassesByArray(classes, left_out)


def _classify(rows: Rows, causal: bool | None, least: float, reach: int) -> HeadClasses:
    num_tokens = rows.weights.shape[-1]
    if causal is not None:
        check_flag(causal, "causal")
    else:
        causal = bool((np.triu(np.nan_to_num(rows.weights), 1) == 0).all()) and num_tokens > 1
    allowed = np.tri(num_tokens, dtype=bool) if causal else np.ones((num_tokens, num_tokens), bool)
    seen = np.broadcast_to(allowed if rows.places is None else rows.places & allowed, rows.weights.shape)
    judged = rows.valid & (seen.sum(axis=-1) > 1)
    by_name, column_key = _scores(rows, seen, judged, reach)
    scores = np.stack([by_name[name] for name in HEAD_CLASSES[:-1]], axis=-1)
    enough = (seen & rows.valid[..., None]).any(axis=-2).sum(axis=-1).max(axis=1) >= FEWEST_TOKENS
    # what no row could do (looking ahead, where that is not allowed) scores 0
    scores = np.where(enough[..., None], np.nan_to_num(scores, nan=0.0), np.nan)
    best = np.nan_to_num(scores, nan=-1.0).max(axis=-1)
    other = np.where(best < 0, np.nan, 1 - best)
    scores = np.concatenate([scores, other[..., None]], axis=-1)
    chosen = _choose(scores, least)
    return HeadClasses(
        labels=np.array(HEAD_CLASSES)[chosen],
        scores=np.take_along_axis(scores, chosen[..., None], axis=-1)[..., 0],
        class_scores=scores,
        column_key=column_key,
        rows=np.asarray(rows.valid.sum(axis=(1, 3), dtype=np.int64)),
        left_out=np.asarray((~rows.valid).sum(axis=(1, 3), dtype=np.int64)),
        causal=causal,
        numbers=_numbers(rows.given.source),
    )


def _numbers(attention: NamedArray | None) -> dict[str, tuple[int, ...]]:
    if attention is None:
        return {}
    named = {"layer": "layer", "head": "head", "key": attention.dims[-1]}
    found = {name: numbers_of(attention.coords, dim) for name, dim in named.items()}
    return {name: tuple(numbers.tolist()) for name, numbers in found.items() if numbers is not None}


def _choose(scores: Float64[np.ndarray, "layer head name"], least: float) -> Int64[np.ndarray, "layer head"]:
    """The index of each head's name."""
    known = np.nan_to_num(scores, nan=-1.0)
    at = {name: index for index, name in enumerate(HEAD_CLASSES)}
    neighbour = known[..., [at[name] for name in _NEIGHBOURS]].max(axis=-1)
    local, uniform = known[..., at["local"]], known[..., at["uniform"]]
    patterns = known[..., :-1].copy()
    patterns[..., at["uniform"]] = -1.0
    patterns[..., at["local"]] = np.where(neighbour >= _HOLDS_MOST * local, -1.0, local)
    rest = np.where(uniform >= max(least, 1 - least), at["uniform"], at["other"])
    return np.where(patterns.max(axis=-1) >= least, patterns.argmax(axis=-1), rest).astype(np.int64)


class _Pattern(NamedTuple):
    weight: Float64[np.ndarray, "layer batch head query"]
    by_chance: Float64[np.ndarray, "layer batch head query"]
    where: Bool[np.ndarray, "layer batch head query"]


def _scores(
    rows: Rows,
    seen: Bool[np.ndarray, "layer batch head query key"],
    judged: Bool[np.ndarray, "layer batch head query"],
    reach: int,
) -> tuple[dict[str, Float64[np.ndarray, "layer head"]], Int64[np.ndarray, "layer head"]]:
    weights = np.where(judged[..., None], rows.weights, 0.0)
    num_tokens = weights.shape[-1]
    query, key = np.arange(num_tokens)[:, None], np.arange(num_tokens)
    share = 1 / np.maximum(seen.sum(axis=-1), 1)  # of one key in a uniform row
    first = seen.argmax(axis=-1)
    # next to the first key, the first is also the previous key or the query itself
    apart = np.arange(num_tokens) - first >= 2
    scores = {}
    for name, step in (("previous", -1), ("next", 1), ("diagonal", 0)):
        there = judged & ~np.isnan(at_step(rows, step)) & _sees(seen, step)
        if name != "next":
            there &= apart | (step == 0)
        scores[name] = _mean_score(_Pattern(np.nan_to_num(at_step(rows, step)), share, there))
    at_first = np.take_along_axis(weights, first[..., None], axis=-1)[..., 0]
    scores["first"] = _mean_score(_Pattern(at_first, share, judged & apart))
    near = np.abs(query - key) <= reach
    by_chance = (seen & near).sum(axis=-1) * share
    scores["local"] = _mean_score(_Pattern((weights * near).sum(axis=-1), by_chance, judged))
    # a uniform row's furthest is all weight on one key: 1 - 1 / n
    off = np.abs(weights - np.where(seen, share[..., None], 0.0)).sum(axis=-1) / 2
    distance = divide_where(off, 1 - share, share < 1, 0.0)
    scores["uniform"] = _head_mean(1 - distance, judged)
    scores["column"], column_key = _column(weights, seen, judged, share, first)
    return scores, column_key


def _sees(seen: Bool[np.ndarray, "*head query key"], step: int) -> Bool[np.ndarray, "*head query"]:
    """Whether each query may see the key so many places further."""
    size = seen.shape[-1]
    at = np.arange(size) + step
    inside = (at >= 0) & (at < size)
    return np.asarray(seen[..., np.arange(size), np.where(inside, at, 0)] & inside)


def _mean_score(pattern: _Pattern) -> Float64[np.ndarray, "layer head"]:
    """The mean over rows of the weight beyond chance, at least 0; NaN where no row can tell."""
    where = pattern.where & (pattern.by_chance < 1 - 1e-9)
    room = np.where(where, 1 - pattern.by_chance, 1.0)
    return _head_mean((pattern.weight - pattern.by_chance) / room, where)


def _head_mean(
    values: Float64[np.ndarray, "layer batch head query"], where: Bool[np.ndarray, "layer batch head query"]
) -> Float64[np.ndarray, "layer head"]:
    def by_head(array: NDArray[Any]) -> NDArray[Any]:
        layer, batch, head, query = array.shape
        return array.transpose(0, 2, 1, 3).reshape(layer, head, batch * query)

    return np.asarray(np.clip(mean_where(by_head(values), by_head(where)), 0.0, 1.0))


def _column(
    weights: Float64[np.ndarray, "layer batch head query key"],
    seen: Bool[np.ndarray, "layer batch head query key"],
    judged: Bool[np.ndarray, "layer batch head query"],
    share: Float64[np.ndarray, "layer batch head query"],
    first: Int64[np.ndarray, "layer batch head query"],
) -> tuple[Float64[np.ndarray, "layer head"], Int64[np.ndarray, "layer head"]]:
    """The score of the best key but the first, and which it is; the mean over batch items that have one."""
    num_tokens = weights.shape[-1]
    query, key = np.arange(num_tokens)[:, None], np.arange(num_tokens)
    far = np.abs(query - key) >= 2
    where = seen & judged[..., None] & far & (key != first[..., None])
    beyond = np.where(where, (weights - share[..., None]) / np.maximum(1 - share[..., None], 1e-9), 0.0)
    counts = where.sum(axis=-2)
    # the last keys of causal attention are seen by one query or two, which says nothing of a column
    enough = (counts > 0) & (2 * counts >= judged.sum(axis=-1)[..., None] - 3)
    means = np.where(enough, beyond.sum(axis=-2) / np.maximum(counts, 1), -np.inf)
    best = means.max(axis=-1)  # (layer, batch, head)
    some = np.isfinite(best)
    scores = mean_where(np.swapaxes(best, 1, 2), np.swapaxes(some, 1, 2))
    strongest = best.argmax(axis=1)  # (layer, head)
    keys = np.take_along_axis(means.argmax(axis=-1), strongest[:, None], axis=1)[:, 0]
    return np.clip(scores, 0.0, 1.0), np.where(some.any(axis=1), keys, -1).astype(np.int64)


def _take(attention: object, mask: Mask) -> Rows:
    """The attention as (layer, batch, head, query, key)."""
    if isinstance(attention, NamedArray):
        return _five_axes_by_name(attention, mask)
    rows = take_rows(_stacked(attention), mask, name="attention", axes=("query", "key"))
    if rows.weights.ndim > len(_AXES):
        raise ShapeError(
            "attention must have axes (layer, batch, head, query, key) or the last 2, 3 or 4 of them, got "
            f"shape {rows.weights.shape}. Take the part that is meant."
        )
    _check_square(rows)
    return _reshaped(rows, tuple(range(rows.weights.ndim)), (1,) * (5 - rows.weights.ndim))


def _stacked(attention: ArrayLike) -> ArrayLike:
    """A batch's tensors, one for each layer, are stacked; a single array is what it is."""
    return list(attention) if isinstance(attention, tuple) else attention


def _five_axes_by_name(attention: NamedArray, mask: Mask) -> Rows:
    dims = attention.dims
    rows = take_rows(attention, mask, name="attention", axes=("query", "key"))
    if {"layer", "head"} & set(dims[-2:]):
        raise AxisError(
            f"{attention.name} must end in what attends and what is attended to, such as (query, key), got "
            f"{format_sizes(dims, attention.shape)}."
        )
    _check_square(rows)
    layer = [dims.index("layer")] if "layer" in dims else []
    head = [dims.index("head")] if "head" in dims else []
    batch = [i for i, dim in enumerate(dims[:-2]) if dim not in ("layer", "head")]
    order = (*layer, *batch, *head, len(dims) - 2, len(dims) - 1)
    sizes = [attention.shape[i] for i in batch]
    lead = (
        attention.sizes.get("layer", 1),
        int(np.prod(sizes, dtype=np.int64)),
        attention.sizes.get("head", 1),
    )
    return _reshaped(rows, order, None, lead)


def _reshaped(
    rows: Rows, order: tuple[int, ...], front: tuple[int, ...] | None, lead: tuple[int, ...] | None = None
) -> Rows:
    def move(array: NDArray[Any], row_axes: int) -> Any:
        taken = order if array.ndim == len(order) else order[:-1]
        moved = array.transpose(taken)
        tail = moved.shape[len(moved.shape) - row_axes :]
        shape = (*front, *moved.shape) if front is not None else (*(lead or ()), *tail)
        return moved.reshape(shape)

    return Rows(
        rows.given,
        move(rows.weights, 2),
        None if rows.places is None else move(rows.places, 2),
        move(rows.num_places, 1),
        move(rows.masked, 1),
        move(rows.nan, 1),
        move(rows.zero, 1),
    )


def _check_square(rows: Rows) -> None:
    queries, keys = rows.weights.shape[-2:]
    if queries != keys:
        raise ShapeError(
            f"{rows.given.name} must have as many queries as keys, got {queries} and {keys}: "
            "heads are named by where they look from where they stand. Take the keys of the queries."
        )
    if rows.given.source is not None and not rows.given.are_neighbours(*rows.given.source.dims[-2:]):
        raise ShapeError(
            f"{rows.given.name} must have the same queries and keys, one next to the other, got others: "
            "heads are named by where they look from where they stand. Cut both to one range: "
            "isel(query=slice(20, 40), key=slice(20, 40))."
        )
