"""The arrays of several iterations as arrays of one trace: along ``time``, or one beside the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._coord import Coord, make_coord, same_labels
from nsm_widgets.trace.arrays._iterations import INITIAL, INITIALS
from nsm_widgets.trace.arrays._known import KNOWN, split_name
from nsm_widgets.trace.arrays._mask import is_mask, joined_masks
from nsm_widgets.trace.record._hooks import Found
from nsm_widgets.trace.record.arrays._gather import Gathered

LabelsByIteration: TypeAlias = "dict[int, dict[str, dict[str, Coord]]]"
"""Labels by the number of an iteration, the name of an array and the axis."""


def laid_together(gathered: Sequence[Gathered]) -> tuple[list[NamedArray], LabelsByIteration]:
    """All arrays of some iterations, their values copied, and labels that one has and others have not.

    What has a ``time`` lies one iteration after the other along it. What has none gets an axis ``iteration``
    where there are several. Labels that differ between iterations are no labels of the whole.

    Raises:
        RecordingError: If they do not fit together.
    """
    arrays: list[NamedArray] = []
    labels: LabelsByIteration = {}
    unmatched = {name for one in gathered for name in one.unmatched}
    for name in dict.fromkeys(name for one in gathered for name in one.arrays if name not in unmatched):
        found = [(one, one.arrays[name]) for one in gathered if name in one.arrays]
        if split_name(name)[1] == INITIAL:
            arrays += _initials(name, [array for _, array in found], len(gathered))
        else:
            _check_alike(name, found, gathered)
            arrays.append(_laid(name, found, labels))
    return arrays, labels


def _initials(name: str, found: Sequence[Found], num_iterations: int) -> list[NamedArray]:
    """The memory before the first step, and that of each iteration where there are several."""
    first = found[0]
    made = [NamedArray(name, _own(first.values.copy()), first.dims, first.labels, first.attrs)]
    if 1 < len(found) == num_iterations:
        values = _own(np.stack([array.values for array in found]))
        attrs = {**first.attrs, "description": KNOWN[INITIALS].description}
        every = split_name(name)[0] + INITIALS
        made.append(NamedArray(every, values, ("iteration", *first.dims), first.labels, attrs))
    return made


def _laid(name: str, found: Sequence[tuple[Gathered, Found]], labels: LabelsByIteration) -> NamedArray:
    of_all = [array for _, array in found]
    first = of_all[0]
    dims = first.dims
    coords = {dim: given for dim, given in first.coords.items() if _is_same(dim, of_all)}
    for one, array in found:
        own = {
            dim: make_coord(dim, given, array.sizes, name)
            for dim, given in array.coords.items()
            if dim not in coords and not is_mask(dim)
        }
        if own:
            labels.setdefault(one.number, {})[name] = own
    told = any(array.coords for array in of_all)
    masks = [(_masks(array.coords), array.sizes) for array in of_all] if told else []
    if first.has_time:
        values = np.concatenate([piece for array in of_all for piece in array.pieces])
        coords |= joined_masks(masks, "time", new=False)
    elif len(found) > 1:
        values, dims = np.stack([array.values for array in of_all]), ("iteration", *dims)
        coords |= joined_masks(masks, "iteration", new=True)
        coords["iteration"] = [one.number for one, _ in found]
    else:
        values = first.values.copy()
        coords |= _masks(first.coords)
    return NamedArray(name, _own(values), dims, {**first.labels, **coords}, first.attrs)


def _masks(coords: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mask for name, mask in coords.items() if is_mask(name)}


def _is_same(dim: str, found: Sequence[Found]) -> bool:
    """Whether an axis has the same labels in all iterations; masks are joined."""
    return not is_mask(dim) and all(same_labels(found[0].coords[dim], each.coords.get(dim)) for each in found)


def _check_alike(name: str, found: Sequence[tuple[Gathered, Found]], gathered: Sequence[Gathered]) -> None:
    timed = found[0][1].has_time
    expected = sum(not timed or one.steps != 0 for one in gathered)
    if len(found) < expected:
        raise RecordingError(
            f"{name} was recorded in {len(found)} of {expected} iterations. Take them one by one, "
            "rec.iteration(number), or leave some out with when(...)."
        )
    kinds = dict.fromkeys(array.kind for _, array in found)
    if timed and len(kinds) > 1:
        raise RecordingError(
            f"{name} is of iterations of different shapes or types, no two of them alike, got "
            f"{', '.join(f'{shape} of {dtype}' for shape, dtype in kinds)} at each step (batch first). Take "
            "them one by one, rec.iteration(number), number in rec.iterations."
        )
    if len(shapes := dict.fromkeys(shape for shape, _ in kinds)) > 1:
        raise RecordingError(
            f"{name} has no time along which iterations of different shapes could follow each other, got "
            f"{', '.join(map(str, shapes))}. Nothing is padded: take them one by one, rec.iteration(number), "
            "number in rec.iterations."
        )


def _own(values: NDArray[Any]) -> NDArray[Any]:
    values.flags.writeable = False
    return values
