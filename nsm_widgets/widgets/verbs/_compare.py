"""Two or more of a kind beside each other, with their differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack, overload

from nsm_widgets._errors import LabelError, OptionError, UnknownOptionError
from nsm_widgets.trace import Trace, TraceRecorder, given_trace, to_readonly
from nsm_widgets.widgets._options import AxisLabels, ViewOptions
from nsm_widgets.widgets.verbs._taken import taken_as_trace
from nsm_widgets.widgets.views._comparison import ComparisonView
from nsm_widgets.widgets.views._two_traces import TraceComparison

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@overload
def compare(
    a: Trace | TraceRecorder,
    b: Trace | TraceRecorder,
    /,
    *,
    names: Sequence[str] | None = ...,
    match: object = ...,
    labels: AxisLabels | None = ...,
    **options: Unpack[ViewOptions],
) -> TraceComparison: ...
@overload
def compare(
    a: Mapping[str, Any], /, *, labels: AxisLabels | None = ..., **options: Unpack[ViewOptions]
) -> ComparisonView: ...
@overload
def compare(
    *data: object,
    names: Sequence[str] | None = ...,
    match: object = ...,
    labels: AxisLabels | None = ...,
    **options: Unpack[ViewOptions],
) -> ComparisonView | TraceComparison: ...
def compare(
    *data: object,
    names: Sequence[str] | None = None,
    match: object = None,
    labels: AxisLabels | None = None,
    **options: Unpack[ViewOptions],
) -> ComparisonView | TraceComparison:
    """Compare traces, or matrices: side by side, and as differences.

    Two traces, or two arrays that name their axes or have other than two, give a :class:`TraceComparison`:
    each array of both beside the other, or the second less the first, heads and slots paired where ``match``
    asks for it. Two matrices or more, or a dict of them, give a :class:`ComparisonView`: all of them, their
    differences to one that is chosen live, and how far each row is from its own.

    Args:
        *data: Two traces, recorders, or paths of trace files or stores; two tensors, arrays, ``NamedArray``
            or ``DataArray``; several matrices; or one dict of matrices by name.
        names: What each is called; ``"A"``, ``"B"``, … when not given. A dict has names already.
        match: Of traces alone: ``"heads"``, ``"slots"`` or both; see :class:`TraceComparison`.
        labels: Labels by axis, as ``labels={"query": tokens, "key": tokens}``: strings, numbers or dates.
        **options: See :class:`View`.

    Example:
        >>> view = compare([[1.0, 0.0]], [[0.5, 0.5]], names=["sharp", "even"])
        >>> type(view).__name__, view.trace["patterns"].labels("pattern")
        ('ComparisonView', ('sharp', 'even'))
        >>> weights = [[[[0.75, 0.25]]], [[[0.5, 0.5]]]]  # (time, batch, head, slot)
        >>> first, second = (Trace.from_arrays({"read_weights": weights}) for _ in range(2))
        >>> type(compare(first, second, match="slots")).__name__
        'TraceComparison'

    Raises:
        ValueError: If there is one alone, more than two traces, or names are not as many.
        TypeError: If ``match`` is given for matrices, or something cannot be compared.
        ShapeError: If what is compared differs in shape.
    """
    if len(data) == 1 and isinstance(data[0], Mapping) and not isinstance(data[0], Trace):
        (named,) = data
        if names is not None:
            raise LabelError("names come with a dict's keys; leave names=... out.")
        return ComparisonView(_unmatched(named, match), labels=labels, **options)
    if len(data) < 2:
        raise OptionError(
            f"compare takes two traces or arrays, or more matrices, got {len(data)}. show(data) shows one."
        )
    called = _checked_names(names, len(data))
    if all(_is_matrix(each) for each in data):
        return ComparisonView(
            _unmatched(dict(zip(called, data, strict=True)), match), labels=labels, **options
        )
    if len(data) > 2:
        raise OptionError(
            f"compare takes two traces, or several matrices, got {len(data)}. Compare the rest pair by pair."
        )
    first, second = (taken_as_trace(each, "compare")[0] for each in data)
    return TraceComparison(first, second, names=called, match=match, labels=labels, **options)


def _is_matrix(data: object) -> bool:
    """Whether it is a matrix whose axes have no names."""
    is_array = isinstance(data, (list, tuple)) or hasattr(data, "__array__")
    if not is_array or hasattr(data, "dims") or given_trace(data) is not None:
        return False
    values, _ = to_readonly(data, "matrix")
    return len(values.shape) == 2


def _unmatched(matrices: object, match: object) -> Any:
    if match is not None:
        raise UnknownOptionError(f"match pairs heads and slots of two traces, got {match!r} for matrices.")
    return matrices


def _checked_names(names: object, count: int) -> list[str]:
    if names is None:
        return [LETTERS[i] if i < len(LETTERS) else str(i) for i in range(count)]
    told = [name for name in names if isinstance(name, str)] if isinstance(names, (list, tuple)) else []
    if not isinstance(names, (list, tuple)) or len(names) != count or len(set(told)) != count:
        raise LabelError(f"names must be {count} different strings, one for each, got {names!r}.")
    return told
