"""What was made of an opened trace, made again of what its store gives now."""

from __future__ import annotations

from collections.abc import Mapping

from nsm_widgets._errors import NsmWidgetsError, RecordingError, ShapeError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import Made
from nsm_widgets.trace.arrays._iterations import one_iteration, side_by_side
from nsm_widgets.trace.arrays._origin import Derivation, Origin


def make_again(origin: Origin, newest: Made) -> Made:
    """All derivations of an origin once more.

    Args:
        origin: That of the older trace.
        newest: What its store gives now.

    Raises:
        RecordingError: If one of them cannot be made.
    """
    grown = {name for name, array in newest.items() if array.shape != origin.shapes.get(name)}
    made = newest
    for each in origin.derivations:
        try:
            if each.method == "assign" and grown:
                _check_assigned(each.args[0], grown, {**newest.sizes, **made.sizes})
            made = _once_more(each, made)
            if each.method == "rename":
                grown = {each.args[0].get(name, name) for name in grown}
        except (NsmWidgetsError, KeyError) as error:
            raise RecordingError(
                f"{each.method}(...) must fit what lies in {origin.store} now, to be made again, but does "
                f"not: {error.args[0]} Refresh the trace that was opened, and make this one of it."
            ) from error
    return made


def _once_more(derivation: Derivation, trace: Made) -> Made:
    method, args, options = derivation
    if method == "iteration":
        return one_iteration(trace, *args)
    if method == "by_iteration":
        return side_by_side(trace)
    if method == "assign":
        return trace.assign(*args[0].values(), attrs=args[1])
    if method == "rename":
        return trace.rename(*args)
    return trace.drop(*args) if method == "drop" else trace.isel(**options)


def _check_assigned(arrays: Mapping[str, NamedArray], grown: set[str], sizes: Mapping[str, int]) -> None:
    """Refuse what was assigned when there were fewer steps, and would hide those that have come."""
    for name, array in arrays.items():
        if name in grown:
            raise ShapeError(f"{name} was assigned in place of an array that has other steps now.")
        for dim in ("iteration", "time", "logged"):
            if dim in array.dims and array.sizes[dim] != sizes.get(dim, array.sizes[dim]):
                raise ShapeError(
                    f"{name}, which was assigned, has a {dim!r} of {array.sizes[dim]}, and there are "
                    f"{sizes[dim]} now."
                )
