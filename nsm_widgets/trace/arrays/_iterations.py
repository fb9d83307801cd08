"""One iteration of a recorded trace, all of them side by side, and a line on which were kept.

A trace of several iterations has them one after the other along ``time``, each with the length it had.
``attrs["iterations"]`` says what they are::

    {"numbers": [0, 10, 20], "steps": [41, 41, 37], "seen": 25, "left_out": {"not chosen by every(10)": 22}}

``steps`` is missing where the arrays have an axis ``iteration``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nsm_widgets._errors import RecordingError, SelectionError, ShapeError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import Made, TraceBase
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._known import split_name
from nsm_widgets.trace.arrays._mask import is_mask
from nsm_widgets.trace.arrays._number import number_name

INITIAL, INITIALS = "initial_memory", "initial_memories"
_MOST_NUMBERS = 6
_ASKED = ("not chosen by ", "older than last(", "took no step")
"""How reasons begin why iterations are left out that nobody misses."""


def iteration_numbers(trace: TraceBase) -> tuple[int, ...]:
    """See :attr:`Trace.iterations`."""
    told = _told(trace)
    return () if told is None else tuple(told["numbers"])


def one_iteration(trace: Made, number: object) -> Made:
    """See :meth:`Trace.iteration`."""
    told, numbers = _require(trace), iteration_numbers(trace)
    if isinstance(number, bool) or number not in numbers:
        raise SelectionError(
            f"iteration must be one that was kept, got {number!r}. "
            f"The trace holds {len(numbers)}: {_listed(numbers)}."
        )
    place = numbers.index(number)
    attrs = {**trace.attrs, "iterations": {**told, "numbers": [number]}}
    starts = _starts(trace)
    if "steps" in told:
        steps = told["steps"][place]
        attrs["iterations"]["steps"] = [steps]
        begin = sum(told["steps"][:place])
        attrs["sequence_starts"] = [start - begin for start in starts if begin <= start < begin + steps]
    else:
        begin, steps = 0, 0
    if not attrs.get("sequence_starts"):
        attrs.pop("sequence_starts", None)
    arrays = []
    for name, array, last, initials in _with_initials(trace):
        if last == INITIAL and initials in trace:
            array = _renamed(trace[initials].isel(iteration=place), name, array)
        elif "iteration" in array.dims:
            array = array.isel(iteration=place)
        elif "time" in array.dims and steps:
            array = _counted_anew(array.isel(time=slice(begin, begin + steps)))
        arrays.append(array)
    origin = trace.origin
    own = {} if origin is None else origin.labels(number)
    labelled = [_labelled(array, own.get(array.name)) for array in arrays]
    return type(trace)(*labelled, attrs=attrs, origin=origin and origin.after_iteration(number))


def _with_initials(trace: TraceBase) -> Iterator[tuple[str, NamedArray, str, str]]:
    """Each array with its name, that without a prefix, and that of the memories at its iterations' starts."""
    for name, array in trace.items():
        prefix, last = split_name(name)
        if last != INITIALS:
            yield name, array, last, prefix + INITIALS


def _labelled(array: NamedArray, labels: Mapping[str, Any] | None) -> NamedArray:
    if not labels:
        return array
    return NamedArray(array.name, array.values, array.dims, {**array.coords, **labels}, array.attrs)


def side_by_side(trace: Made) -> Made:
    """See :meth:`Trace.by_iteration`."""
    told = _require(trace)
    if "steps" not in told:
        return trace
    steps = told["steps"]
    if len(set(steps)) > 1:
        raise ShapeError(
            f"iterations must have one length to lie side by side, got {_listed(steps)} steps. "
            "Nothing is padded: take them one by one with trace.iteration(number), "
            f"number in trace.iterations, or those of one length with when(...)."
        )
    numbers, length = told["numbers"], steps[0]
    relative = {tuple(s - k * length for s in _starts(trace) if s // length == k) for k in range(len(steps))}
    attrs = {**trace.attrs, "iterations": {key: told[key] for key in ("numbers", "seen", "left_out")}}
    attrs.pop("sequence_starts", None)
    if len(relative) == 1 and (starts := relative.pop()):
        attrs["sequence_starts"] = list(starts)
    arrays = []
    for name, array, last, initials in _with_initials(trace):
        coords: dict[str, Any] = {**_cut(array.coords, len(steps), length), "iteration": numbers}
        if last == INITIAL and (initials in trace or len(steps) == 1):
            values = trace[initials].values if initials in trace else array.values[None]
            array = NamedArray(name, values, ("iteration", *array.dims), coords, array.attrs)
        elif array.dims[:1] == ("time",):
            values = array.values.reshape(len(steps), length, *array.shape[1:])
            array = NamedArray(name, values, ("iteration", *array.dims), coords, array.attrs)
        arrays.append(array)
    return type(trace)(*arrays, attrs=attrs, origin=trace.origin and trace.origin.after("by_iteration"))


def _cut(coords: Mapping[str, Coord], count: int, length: int) -> dict[str, Coord]:
    """Masks along time, cut into as many iterations as time is."""
    return {
        name: Coord(("iteration", *coord.dims), coord.values.reshape(count, length, *coord.values.shape[1:]))
        if is_mask(name) and coord.dims[:1] == ("time",)
        else coord
        for name, coord in coords.items()
    }


def iterations_text(trace: TraceBase) -> str:
    """Which iterations a trace holds and what became of the others; nothing where there was just one.

    >>> from nsm_widgets.trace import Trace
    >>> told = {"numbers": [0, 10], "steps": [1, 1], "seen": 12, "left_out": {"not chosen by every(10)": 10}}
    >>> trace = Trace.from_arrays({"memory": [[[[0.5]]], [[[1.0]]]]}, attrs={"iterations": told})
    >>> iterations_text(trace)
    '2 of 12 iterations: 0, 10 · 10 not chosen by every(10)'
    """
    told = _told(trace)
    if told is None or (told["seen"] == 1 and not told["left_out"]):
        return ""
    numbers = told["numbers"]
    kept = f"{len(numbers)} of {told['seen']} iterations: {_listed(numbers)}"
    return " · ".join([kept, *(f"{count} {reason}" for reason, count in told["left_out"].items())])


def missing_text(trace: TraceBase) -> str:
    """The same, where iterations are missing that were asked for: as of another batch, or over a budget.

    >>> from nsm_widgets.trace import Trace
    >>> told = {"numbers": [0, 1], "steps": [1, 1], "seen": 3, "left_out": {"of another shape": 1}}
    >>> trace = Trace.from_arrays({"memory": [[[[0.5]]], [[[1.0]]]]}, attrs={"iterations": told})
    >>> missing_text(trace)
    '2 of 3 iterations: 0, 1 · 1 of another shape'
    """
    left_out = (_told(trace) or {}).get("left_out", {})
    missing = any(count and not str(reason).startswith(_ASKED) for reason, count in left_out.items())
    return iterations_text(trace) if missing else ""


def _require(trace: TraceBase) -> dict[str, Any]:
    told = _told(trace)
    if told is None:
        raise RecordingError(
            "the trace says nothing of iterations in attrs['iterations'], or its time axis was cut since. "
            "A TraceRecorder's trace does: take iterations from it before trace.isel(time=...), or before "
            "trace.isel(iteration=...) where they lie one after another along time."
        )
    return told


def _told(trace: TraceBase) -> dict[str, Any] | None:
    """``attrs["iterations"]``, if it is of the right form and fits the arrays; a file may hold anything."""
    told = trace.attrs.get("iterations")
    if not isinstance(told, dict) or not _are_counts(told.get("numbers")) or not told["numbers"]:
        return None
    left_out = told.get("left_out")
    if not _are_counts([told.get("seen")]) or not isinstance(left_out, dict):
        return None
    if not _are_counts(list(left_out.values())):
        return None
    length = len(told["numbers"])
    if "steps" in told:
        steps = told["steps"]
        times = {array.sizes["time"] for array in trace.values() if "time" in array.dims}
        if not _are_counts(steps) or len(steps) != length or (times and times != {sum(steps)}):
            return None
    elif length > 1 and _axis(trace) != {length}:
        return None
    return dict(told)


def _axis(trace: TraceBase) -> set[int]:
    return {array.sizes["iteration"] for array in trace.values() if "iteration" in array.dims}


def _are_counts(values: object) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values
    )


def _starts(trace: TraceBase) -> list[int]:
    starts = trace.attrs.get("sequence_starts", [])
    return list(starts) if _are_counts(starts) else []


def _renamed(values: NamedArray, name: str, like: NamedArray) -> NamedArray:
    return NamedArray(name, values.values, like.dims, like.coords, like.attrs)


def _counted_anew(array: NamedArray) -> NamedArray:
    """Steps of an iteration are counted from its own first one."""
    coords = {name: coord for name, coord in array.coords.items() if name != number_name("time")}
    return NamedArray(array.name, array.values, array.dims, coords, array.attrs)


def _listed(numbers: Sequence[int]) -> str:
    if len(numbers) <= _MOST_NUMBERS:
        return ", ".join(map(str, numbers))
    return f"{', '.join(map(str, numbers[: _MOST_NUMBERS - 1]))}, … {numbers[-1]}"
