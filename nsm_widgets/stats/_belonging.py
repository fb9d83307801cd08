"""Which arrays of a trace belong to the same heads, and to the same slots or states."""

from __future__ import annotations

from collections.abc import Iterable

from nsm_widgets._errors import AxisError, DtypeError, ShapeError
from nsm_widgets._options import is_one_of
from nsm_widgets.trace import NamedArray, Trace, array_kind, split_name

WEIGHTINGS = ("weights", "shares", "attention")
"""Kinds whose rows along the last axis share out a whole."""

PLACE_AXES = {"slot": "slot", "predecessor": "slot", "state": "state", "sender": "state"}
"""Axes of what can be matched as slots, and what each counts."""

STAGES = ("content_weights", "gated_weights", "shifted_weights")
"""Weightings on the way to a head's own."""

_OF_READ = ("free_gate", "backward_weights", "forward_weights")
_OF_WRITE = ("allocation_gate", "writing_gate")


def is_stage(name: str) -> bool:
    """Whether it is a weighting on the way to another, or from before the first step."""
    base = split_name(name)[1]
    return base.startswith("initial_") or base.endswith(STAGES) or base in _OF_READ


def tells(array: NamedArray) -> bool:
    """Whether an array is a weighting that says what a head does in the end."""
    return array_kind(array) in WEIGHTINGS and not is_stage(array.name)


def head_group(name: str, trace: Trace) -> str:
    """The heads that an array with an axis ``head`` is about: ``read``, ``encoder.write``, ``attention``.

    What is computed from attention, as ``attention_entropy``, goes with it.

    >>> trace = Trace.from_arrays({"read_weights": [[[[1.0, 0.0]]]]})
    >>> head_group("read_gate", trace), head_group("free_gate", trace), head_group("attention", trace)
    ('read', 'read', 'attention')
    """
    prefix, base = split_name(name)
    if not isinstance(trace, Trace):
        raise DtypeError(f"trace must be a Trace, got {type(trace).__name__}.")
    base = base.removeprefix("initial_")
    for side, others in (("read", _OF_READ), ("write", _OF_WRITE)):
        if base.startswith((f"{side}_", *others)):
            return prefix + side
    of = [
        other
        for other, array in trace.items()
        if "head" in array.dims and tells(array) and f"{prefix}{base}".startswith(f"{other}_")
    ]
    return max(of, key=len, default=prefix + base)


def place_group(name: str, dim: str) -> str:
    """The places that an axis of an array counts: ``slot``, ``encoder.slot``, ``state``."""
    if not is_one_of(dim, PLACE_AXES):
        raise AxisError(f"places are those of {', '.join(PLACE_AXES)}, got {dim!r}.")
    return split_name(name)[0] + PLACE_AXES[dim]


def head_groups(trace: Trace) -> dict[str, list[NamedArray]]:
    """The arrays of each group of heads.

    Raises:
        ShapeError: If arrays of one group count different heads.
    """
    groups: dict[str, list[NamedArray]] = {}
    for name, array in trace.items():
        if "head" in array.dims:
            groups.setdefault(head_group(name, trace), []).append(array)
    for group, arrays in groups.items():
        _check_one_size(f"{group} heads", ((array, array.sizes["head"]) for array in arrays))
        layered = [(array, array.sizes["layer"]) for array in arrays if "layer" in array.dims]
        _check_one_size(f"layers of {group} heads", layered)
    return groups


def place_groups(trace: Trace) -> dict[str, list[NamedArray]]:
    """The arrays of each group of slots or states.

    Raises:
        ShapeError: If arrays of one group count different places.
    """
    groups: dict[str, list[NamedArray]] = {}
    sizes: dict[str, list[tuple[NamedArray, int]]] = {}
    for name, array in trace.items():
        for dim in PLACE_AXES.keys() & array.sizes.keys():
            group = place_group(name, dim)
            sizes.setdefault(group, []).append((array, array.sizes[dim]))
            if array not in groups.setdefault(group, []):
                groups[group].append(array)
    for group, counted in sizes.items():
        _check_one_size(f"{group}s", counted)
    return dict(sorted(groups.items()))


def _check_one_size(what: str, counted: Iterable[tuple[NamedArray, int]]) -> None:
    found = {size: array.name for array, size in reversed(list(counted))}
    if len(found) > 1:
        told = ", ".join(f"{name} has {size}" for size, name in reversed(found.items()))
        raise ShapeError(
            f"arrays of the same {what} must count as many to be matched, but {told}. "
            "Leave one out (trace.drop), or name what belongs together with a prefix: 'encoder.memory'."
        )
