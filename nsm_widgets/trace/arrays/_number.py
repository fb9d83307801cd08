"""Numbers of places: a cropped axis keeps those that its places had.

They are a coordinate of an array, ``slot_number`` and the like, beside the labels of the axis. Where there is
none, the places are numbered from 0. Indices (``isel``, a ``Selection``) count from 0 always.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nsm_widgets._errors import LabelError
from nsm_widgets.trace.arrays._coord import Coord, make_coord

_OF_AXIS: Final = "_number"


class Counted:
    """An array of integers that lie as far apart as one another; it takes no memory, however many they are.

    >>> Counted(range(20, 23))[[0, 2]].tolist(), np.asarray(Counted(range(20, 23))).tolist()
    ([20, 22], [20, 21, 22])
    """

    dtype: Final = np.dtype(np.int64)
    ndim: Final = 1

    def __init__(self, numbers: range) -> None:
        self.range = numbers

    @property
    def shape(self) -> tuple[int]:
        return (len(self.range),)

    def __len__(self) -> int:
        return len(self.range)

    def __getitem__(self, index: object) -> Any:
        if isinstance(index, slice):
            return Counted(self.range[index])
        places = np.asarray(index)
        return self.range.start + self.range.step * np.where(places < 0, places + len(self), places)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.arange(self.range.start, self.range.stop, self.range.step, dtype=dtype or self.dtype)

    def tolist(self) -> list[int]:
        return list(self.range)


Numbers: TypeAlias = Counted | NDArray[np.int64]


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


def numbers_of(coords: Mapping[str, Coord], dim: str) -> Numbers | None:
    """The numbers of the places along an axis; ``None`` where they are counted from 0."""
    coord = coords.get(number_name(dim))
    return coord.values if coord is not None and coord.dims == (dim,) else None


def make_numbers(name: str, given: object, sizes: Mapping[str, int], array: str) -> Coord:
    """Check numbers against the axis that they are of; see ``make_coord``.

    Raises:
        LabelError: If they are not one integer for each place.
    """
    axis = name.removesuffix(_OF_AXIS)
    if isinstance(given, Coord) and _fits(given, axis, sizes[axis]):
        return _coord(axis, given.values)
    coord = make_coord(axis, given, sizes, array)
    if coord.dims != (axis,) or coord.values.dtype != np.int64:
        raise LabelError(f"{array}: {name} must hold one integer for each place on {axis!r}.")
    return _coord(axis, coord.values)


def cropped_numbers(
    coords: Mapping[str, Coord], sizes: Mapping[str, int], indexers: Mapping[str, int | slice | list[int]]
) -> dict[str, Coord]:
    """The numbers of what is chosen along named axes; an int drops its axis, counting from 0 needs none."""
    found = {}
    for dim, size in sizes.items():
        numbers, indexer, name = numbers_of(coords, dim), indexers.get(dim, slice(None)), number_name(dim)
        if isinstance(indexer, int) or name in sizes or (numbers is None and dim not in indexers):
            continue
        chosen = (Counted(range(size)) if numbers is None else numbers)[indexer]
        if evenly(chosen) != (0, 1):
            found[name] = _coord(dim, chosen)
    return found


def evenly(numbers: Numbers) -> tuple[int, int] | None:
    """The first number and the step, where all are as far apart; ``None`` elsewhere.

    >>> evenly(np.array([20, 21, 22])), evenly(np.array([3, 1, 7]))
    ((20, 1), None)
    """
    first = int(numbers[0])
    step = int(numbers[1]) - first if len(numbers) > 1 else 1
    even = isinstance(numbers, Counted) or (step and (np.diff(numbers) == step).all())
    return (first, step) if even else None


def steps_before(numbers: Numbers | None) -> int:
    """How many places, as far apart as these, lie between 0 and the first.

    >>> steps_before(np.array([20, 21, 22])), steps_before(np.array([3, 1, 7])), steps_before(None)
    (20, 0, 0)
    """
    even = None if numbers is None else evenly(numbers)
    return 0 if even is None else even[0] // even[1]


def packed(numbers: Numbers) -> list[Any]:
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
    made = isinstance(values, (Counted, np.ndarray)) and values.dtype == np.int64 and values.shape == (size,)
    return made and dims == (axis,)


def _coord(dim: str, numbers: Numbers) -> Coord:
    """The numbers of an axis, read-only; without an array of them where they lie as far apart."""
    even, kept = evenly(numbers), numbers
    if even is None:
        kept = np.array(numbers, np.int64)
        kept.flags.writeable = False
    else:
        first, step = even
        kept = Counted(range(first, first + step * len(numbers), step))
    return Coord((dim,), cast("NDArray[Any]", kept))  # what coordinates are asked, either answers
