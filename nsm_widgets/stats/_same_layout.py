"""Whether two traces can be compared: the same arrays, with the same axes, of the same sizes."""

from __future__ import annotations

from dataclasses import dataclass

from nsm_widgets._axes import format_dims
from nsm_widgets._errors import AxisError, DtypeError, LabelError, ShapeError
from nsm_widgets.trace import NamedArray, Trace

_BY_TRAINING = ("head", "slot", "word", "state", "layer", "mode", "offset")
"""Axes that a model has, not its input: to cut them is to compare parts of models."""


@dataclass(frozen=True, slots=True)
class CommonArrays:
    """The names of two traces' arrays; those of both have the same axes and sizes."""

    both: tuple[str, ...]
    """In the order of the first trace."""
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]


def common_arrays(a: Trace, b: Trace, names: tuple[str, str] = ("a", "b")) -> CommonArrays:
    """Which arrays two traces share, once each of those has the same axes and sizes in both.

    Args:
        a: One trace.
        b: The other.
        names: What to call them in errors.

    Raises:
        ShapeError: If they share no array, or one differs in size.
        AxisError: If one differs in its axes.

    >>> one = Trace.from_arrays({"read_weights": [[[[1.0, 0.0]]]]})
    >>> common_arrays(one, one.assign(NamedArray("usage", [0.5], ("time",)))).only_b
    ('usage',)
    """
    for each in (a, b):
        if not isinstance(each, Trace):
            raise DtypeError(
                f"two traces are compared, got {type(each).__name__}. Trace.from_arrays makes one."
            )
    if not isinstance(names, (tuple, list)) or len(names) != 2:
        raise LabelError(f"names must be what the two traces are called, got {names!r}. Pass ('a', 'b').")
    both = tuple(name for name in a if name in b)
    if not both:
        raise ShapeError(
            f"two traces that are compared must share an array, but {names[0]} has {', '.join(a) or 'none'} "
            f"and {names[1]} has {', '.join(b) or 'none'}. Give both the same names: Trace.from_arrays."
        )
    for name in both:
        check_same_axes(a[name], b[name], names)
    return CommonArrays(both, tuple(n for n in a if n not in b), tuple(n for n in b if n not in a))


def check_same_axes(one: NamedArray, other: NamedArray, names: tuple[str, str]) -> None:
    """Refuse two arrays of one name that differ in axes or sizes; see :func:`common_arrays`."""
    if one.dims != other.dims:
        raise AxisError(
            f"{one.name} must have the same axes in both traces, got {format_dims(one.dims)} in {names[0]} "
            f"and {format_dims(other.dims)} in {names[1]}. Bring both to one order with np.moveaxis, pick "
            "an index of an axis that one lacks (isel), or leave the array out: trace.drop("
            f"{one.name!r})."
        )
    for dim, size in one.sizes.items():
        least = min(size, other.sizes[dim])
        if size == other.sizes[dim]:
            continue
        longer = names[0] if size > least else names[1]
        what = "Compare models of one size, or a part" if dim in _BY_TRAINING else "Compare what both have"
        raise ShapeError(
            f"{one.name} must be as long in both traces, got {dim}: {size} in {names[0]} and {dim}: "
            f"{other.sizes[dim]} in {names[1]}. {what}: of {longer}, take "
            f"trace.isel({dim}=slice(0, {least})); or leave the array out: trace.drop({one.name!r})."
        )
