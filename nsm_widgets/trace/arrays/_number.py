"""Numbers of places: a cropped axis keeps those that its places had.

They are a coordinate of an array, ``slot_number`` and the like, beside the labels of the axis. Where there is
none, the places are numbered from 0. Indices (``isel``, a ``Selection``) count from 0 always.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import LabelError
from nsm_widgets.trace.arrays._coord import Coord, make_coord

_OF_AXIS: Final = "_number"


def number_name(dim: str) -> str:
    """The name of the coordinate that holds the numbers of an axis.

    >>> number_name("slot")
    'slot_number'
    """
    return dim + _OF_AXIS


def number_axis(name: str, sizes: Mapping[str, int]) -> str | None:
    """The axis whose numbers a coordinate of this name holds; ``None`` where it holds something else.

    >>> number_axis("slot_number", {"slot": 2}), number_axis("slot", {"slot": 2})
    ('slot', None)
    """
    axis = name.removesuffix(_OF_AXIS)
    return axis if axis != name and axis in sizes and name not in sizes else None


def numbers_of(coords: Mapping[str, Coord], dim: str) -> NDArray[np.int64] | None:
    """The numbers of the places along an axis; ``None`` where they are counted from 0."""
    coord = coords.get(number_name(dim))
    return coord.values if coord is not None and coord.dims == (dim,) else None


def make_numbers(name: str, given: Any, sizes: Mapping[str, int], array: str) -> Coord:
    """Check numbers against the axis that they are of; see ``make_coord``.

    Raises:
        LabelError: If they are not one integer for each place.
    """
    axis = name.removesuffix(_OF_AXIS)
    if isinstance(given, Coord) and _fits(given, axis, sizes[axis]):
        return Coord((axis,), _shared(given.values))
    coord = make_coord(axis, given, sizes, array)
    if coord.dims != (axis,) or coord.values.dtype != np.int64:
        raise LabelError(f"{array}: {name} must hold one integer for each place on {axis!r}.")
    return Coord((axis,), _shared(coord.values))


def cropped_numbers(
    coords: Mapping[str, Coord],
    sizes: Mapping[str, int],
    indexers: Mapping[str, int | slice | list[int]],
) -> dict[str, Coord]:
    """The numbers of what is chosen along named axes; an int drops its axis, counting from 0 needs none."""
    found = {}
    for dim, size in sizes.items():
        numbers, indexer, name = numbers_of(coords, dim), indexers.get(dim, slice(None)), number_name(dim)
        if isinstance(indexer, int) or name in sizes or (numbers is None and dim not in indexers):
            continue
        chosen = (np.arange(size) if numbers is None else numbers)[indexer]
        if not np.array_equal(chosen, np.arange(len(chosen))):
            found[name] = Coord((dim,), _shared(chosen))
    return found


def evenly(numbers: NDArray[np.int64]) -> tuple[int, int] | None:
    """The first number and the step, where all are as far apart; ``None`` elsewhere.

    >>> evenly(np.array([20, 21, 22])), evenly(np.array([3, 1, 7]))
    ((20, 1), None)
    """
    first = int(numbers[0])
    step = int(numbers[1]) - first if len(numbers) > 1 else 1
    return (first, step) if step and (np.diff(numbers) == step).all() else None


def steps_before(numbers: NDArray[np.int64] | None) -> int:
    """How many places, as far apart as these, lie between 0 and the first.

    >>> steps_before(np.array([20, 21, 22])), steps_before(np.array([3, 1, 7])), steps_before(None)
    (20, 0, 0)
    """
    even = None if numbers is None else evenly(numbers)
    return 0 if even is None else even[0] // even[1]


def packed(numbers: NDArray[np.int64]) -> list[Any]:
    """The numbers for a file: ``["20:1"]``, the first and the step, where all are as far apart."""
    even = evenly(numbers)
    return numbers.tolist() if even is None else [f"{even[0]}:{even[1]}"]


def unpacked(rows: list[Any], count: int, what: str) -> list[Any]:
    """What :func:`packed` wrote.

    Raises:
        LabelError: If it is something else.
    """
    if len(rows) != 1 or not isinstance(rows[0], str):
        return rows
    try:
        first, step = map(int, rows[0].split(":"))
        return list(range(first, first + step * count, step))
    except ValueError as error:
        raise LabelError(f"{what} must be integers, or a text 'first:step', got {rows[0]!r}.") from error


def _fits(coord: Coord, axis: str, size: int) -> bool:
    dims, values = coord
    made = isinstance(values, np.ndarray) and values.dtype == np.int64 and values.shape == (size,)
    return made and dims == (axis,)


def _shared(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers, read-only; one copy of those that the arrays of a long trace have in common."""
    even = evenly(numbers)
    return _counted(*even, len(numbers)) if even is not None else _frozen(np.array(numbers, np.int64))


@lru_cache(maxsize=4)
def _counted(first: int, step: int, count: int) -> NDArray[np.int64]:
    return _frozen(first + step * np.arange(count, dtype=np.int64))


def _frozen(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    numbers.flags.writeable = False
    return numbers
