"""Several named attention matrices beside each other, as a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from nsm_widgets._errors import LabelError, SelectionError, ShapeError
from nsm_widgets._text import replace_surrogates
from nsm_widgets.trace import NamedArray, Trace, given_trace, to_readonly
from nsm_widgets.view import comparison_layout, first_invalid_row
from nsm_widgets.widgets._given import labelled
from nsm_widgets.widgets._options import AxisLabels, ViewOptions
from nsm_widgets.widgets._view import View


class ComparisonView(View):
    """Named attention matrices side by side, the difference of each to a chosen one, and the divergence.

    The one to compare with is chosen live, by its name. Patterns have one colour domain, differences one that
    is centred on zero. Below them is the Jensen-Shannon divergence of each row to the reference's, in nats: 0
    where the rows are alike, log 2 = 0.693 where they share no key. It is left out, and that is said, where
    rows are no distributions.

    Args:
        data: Matrices by name, each ``[query, key]``; or one tensor ``[pattern, query, key]``; or a trace
            that holds ``patterns`` with these axes, or ``attention`` of one batch item, whose heads are then
            compared.
        names: One string for each pattern of a tensor.
        reference: Name or index of the pattern to compare with at first; the first one when not given.
            Needed where the differences of all to all would take more than 64 MB: they are then those to
            this pattern alone.
        labels: Labels by axis, as ``labels={"query": tokens, "key": tokens}``: strings, numbers or dates.
        **options: See :class:`View`.

    Example:
        >>> view = ComparisonView({"sharp": [[1.0, 0.0]], "even": [[0.5, 0.5]]}, reference="even")
        >>> view.trace["row_divergence"].values.round(3).tolist()
        [[[0.0], [0.216]], [[0.216], [0.0]]]

    Raises:
        ShapeError: If there are fewer than two patterns, or they are no matrices of one shape, or too many.
        LabelError: If names are not as many as patterns, or one is given twice.
        SelectionError: If no pattern is the reference.
    """

    def __init__(
        self,
        data: object,
        names: Sequence[str] | None = None,
        *,
        reference: str | int | None = None,
        labels: AxisLabels | None = None,
        **options: Unpack[ViewOptions],
    ) -> None:
        compared = _patterns(data, names, labels)
        chosen = None if reference is None else _index_of(reference, compared.labels("pattern"))
        layout, shown = comparison_layout(compared, chosen)
        super().__init__(shown, lambda _: (shown, layout), **options)
        if chosen is not None and shown["difference"].sizes["reference"] > 1:
            self.selection.reference = chosen


def _patterns(patterns: object, names: Sequence[str] | None, labels: AxisLabels | None) -> NamedArray:
    trace = given_trace(patterns, alone="patterns")
    if trace is not None:
        array = _of_trace(trace)
    elif isinstance(patterns, Mapping):
        array = _of_mapping(patterns)
        if names is not None:
            raise TypeError("names come with the patterns' keys; give them only with a tensor.")
    else:
        array = _of_tensor(patterns)
    array = labelled(Trace(array), labels)["patterns"]
    coords: dict[str, Any] = dict(array.coords)
    if names is not None:
        coords["pattern"] = names
    if array.sizes["pattern"] < 2:
        raise ShapeError(
            f"patterns must be at least 2 to be compared, got {array.sizes['pattern']}. "
            "AttentionView shows a single one."
        )
    named = NamedArray("patterns", array.values, array.dims, coords, dict(array.attrs))
    if "pattern" not in coords:
        numbers = [f"pattern {index}" for index in range(named.sizes["pattern"])]
        named = NamedArray("patterns", array.values, array.dims, {**coords, "pattern": numbers}, array.attrs)
    _check_names(named.labels("pattern"))
    kind = "attention" if first_invalid_row(named) is None else "content"
    return NamedArray("patterns", named.values, named.dims, named.coords, {**named.attrs, "kind": kind})


def _of_mapping(patterns: Mapping[Any, Any]) -> NamedArray:
    if not patterns:
        raise ShapeError("patterns must be at least 2 to be compared, got none.")
    for name in patterns:
        if not isinstance(name, str):
            raise LabelError(f"patterns must go by names, got {name!r} of type {type(name).__name__}.")
    converted = {name: to_readonly(matrix, f"patterns[{name!r}]") for name, matrix in patterns.items()}
    first_name, (first, _) = next(iter(converted.items()))
    for name, (matrix, _) in converted.items():
        if matrix.ndim != 2:
            raise ShapeError(
                f"patterns[{name!r}] must be a matrix (query, key), got shape {matrix.shape}. "
                "Pick one item and one head: weights[0, 0]."
            )
        if matrix.shape != first.shape:
            raise ShapeError(
                f"patterns must have one shape: {first_name!r} has {first.shape}, {name!r} has "
                f"{matrix.shape}. Compare those that agree."
            )
    return _of_tensor(list(patterns.values()), list(converted))


def _of_tensor(patterns: object, names: Sequence[str] | None = None) -> NamedArray:
    values, source_dtype = to_readonly(patterns, "patterns")
    if values.ndim != 3:
        raise ShapeError(
            f"patterns must have axes (pattern, query, key), got shape {values.shape}. "
            "A single item of a batch? Take it: weights[0]."
        )
    attrs = {} if source_dtype is None else {"source_dtype": source_dtype}
    coords = {} if names is None else {"pattern": names}
    return NamedArray("patterns", values, ("pattern", "query", "key"), coords, attrs)


def _of_trace(trace: Trace) -> NamedArray:
    if "patterns" in trace:
        array = trace["patterns"]
        if array.dims != ("pattern", "query", "key"):
            raise ShapeError(f"patterns must have axes (pattern, query, key), got ({', '.join(array.dims)}).")
        return array
    attention = trace.get("attention")
    if attention is None or not {"query", "key"} <= set(attention.dims):
        raise ShapeError(f"the trace must hold patterns or attention, got {', '.join(trace) or 'no arrays'}.")
    several = [
        d for d in attention.dims if d not in ("layer", "head", "query", "key") and attention.sizes[d] > 1
    ]
    if several:
        raise ShapeError(
            f"attention must be that of one item to compare its heads, got several along "
            f"{', '.join(several)}. Pick one: trace.isel({several[0]}=[0])."
        )
    outer = [dim for dim in ("layer", "head") if dim in attention.dims and attention.sizes[dim] > 1]
    kept = attention.isel(**{d: 0 for d in attention.dims if d not in (*outer, "query", "key")})
    order = (*outer, "query", "key")
    values = kept.values.transpose([kept.dims.index(dim) for dim in order])
    coords: dict[str, Any] = {k: c for k, c in kept.coords.items() if set(c.dims) <= {"query", "key"}}
    coords["pattern"] = _head_names(kept, outer)
    shape = (-1, *values.shape[-2:])
    return NamedArray("patterns", values.reshape(shape), ("pattern", "query", "key"), coords, kept.attrs)


def _head_names(attention: NamedArray, outer: Sequence[str]) -> list[str]:
    names = [""]
    for dim in outer:
        own = [x if dim in attention.coords else f"{dim} {x}" for x in attention.labels(dim)]
        names = [f"{name} {each}".strip() for name in names for each in own]
    return names if outer else ["attention"]


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise LabelError(f"patterns must have names of their own, got {name!r} twice.")


def _index_of(reference: str | int, names: Sequence[str]) -> int:
    if isinstance(reference, str):
        shown = replace_surrogates(reference)
        if shown in names:
            return list(names).index(shown)
    elif isinstance(reference, int) and not isinstance(reference, bool) and 0 <= reference < len(names):
        return reference
    raise SelectionError(
        f"reference must be one of {', '.join(map(repr, names[:12]))}, or its index, got {reference!r}."
    )
