"""The masks and labels of a recorder's store, read: what held at each iteration, and what at all of them.

``_coord_log`` has the form of the messages, ``record/_coord_log_writer`` how the log lies in the store.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import NsmWidgetsError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._json import dump_json
from nsm_widgets.trace.arrays._mask import is_mask, joined_masks
from nsm_widgets.trace.arrays._origin import OwnLabels
from nsm_widgets.trace.store._coord_log import (
    MOST_JOINED,
    MOST_MESSAGE,
    PAGES,
    coord_of,
    each_array,
    read_changes,
)
from nsm_widgets.trace.store._files import refuse

_READ_BYTES = 2**22


class CoordLog:
    """The pages of a log that are committed.

    Args:
        trace: The log; ``None`` where there is none yet.
        root: The store's folder, for errors.
    """

    def __init__(self, trace: TraceBase | None, root: Path) -> None:
        self._root, self._block, self._begin = root, np.empty((0, 0), np.uint8), 0
        array = None if trace is None else trace.get(PAGES)
        if trace is not None and (array is None or array.ndim != 2 or array.dtype != np.uint8):
            raise refuse(root, "what asides says of masks and labels is not what a recorder writes")
        self._values = None if array is None else array.values
        self._count = 0 if array is None else array.shape[0]
        numbers = None if array is None else array.coords.get(array.dims[0])
        self._numbers = None if numbers is None else np.asarray(numbers.values, np.int64)
        """Of each page, where some could not be written."""

    def has(self, first: int, count: int) -> bool:
        """Whether these pages, by their numbers in the run, are all there."""
        last = self._place(first) + count - 1
        return last < self._count and self._place(first + count - 1) == last

    def _place(self, page: int) -> int:
        """Where a page lies, or would."""
        return page if self._numbers is None else int(np.searchsorted(self._numbers, page))

    def read(self, first: int, count: int) -> list[dict[str, Any]]:
        """The entries of the message in these pages.

        Raises:
            TraceFileError: If it is too long, or none.
        """
        assert self._values is not None
        page_bytes = self._values.shape[1]
        if count * page_bytes > 2 * MOST_MESSAGE:
            raise refuse(self._root, f"a message of asides has {count * page_bytes} bytes")
        at = self._place(first) - self._begin
        if at < 0 or at + count > len(self._block):  # many messages lie in one chunk
            self._begin += at
            several = max(count, _READ_BYTES // page_bytes)
            self._block, at = np.asarray(self._values[self._begin : self._begin + several]), 0
        try:
            return read_changes(self._block[at : at + count].tobytes())
        except NsmWidgetsError as error:
            raise refuse(self._root, f"a message of asides is damaged: {error}") from error


class Message(NamedTuple):
    """Where the message of an iteration lies, and how long the iteration is."""

    first: int
    pages: int
    """0 for none."""
    steps: int


class _Told(NamedTuple):
    """What a coordinate of an array is from an iteration on."""

    row: int
    coord: Coord | None
    """A mask; ``None`` where there is none, and of labels, which may be many."""
    digest: bytes = b""
    """What tells labels from others; empty where there are none."""
    at: tuple[int, int, int] | None = None
    """Where those labels lie: the pages of the message, and the entry in it."""


class LoggedCoords:
    """What held at each iteration of a store.

    Args:
        log: The messages.
        messages: Of all iterations, in order.
        arrays: The store's growing arrays, with what they say of themselves.
        root: The store's folder, for errors.

    Raises:
        TraceFileError: If a message contradicts the arrays.
    """

    def __init__(
        self, log: CoordLog, messages: Sequence[Message], arrays: Sequence[NamedArray], root: Path
    ) -> None:
        self._log, self._root = log, root
        self._arrays = {array.name: array for array in arrays}
        self._told: dict[str, dict[str, list[_Told]]] = {}
        self._bytes = 0
        for row, message in enumerate(messages):
            if message.pages:
                self._replay(row, message)

    def _replay(self, row: int, message: Message) -> None:
        for place, array, entry in each_array(self._log.read(message.first, message.pages)):
            name = entry["coord"]
            coord = self._coord(array, entry, message.steps)
            changes = self._told.setdefault(array, {}).setdefault(name, [self._at_first(array, name)])
            if changes[-1].row == row:
                raise refuse(self._root, f"a message of asides tells {name} of {array} twice")
            if is_mask(name):
                changes.append(_Told(row, coord))
            else:
                changes.append(_Told(row, None, _digest(coord), (message.first, message.pages, place)))

    def _at_first(self, array: str, name: str) -> _Told:
        """What the array says of itself."""
        coord = self._arrays[array].coords.get(name)
        return _Told(-1, coord) if is_mask(name) else _Told(-1, None, _digest(coord))

    def _coord(self, array: str, entry: Mapping[str, Any], steps: int) -> Coord | None:
        if array not in self._arrays:
            raise refuse(self._root, f"asides tells of an array {array[:60]!r}, which does not grow")
        try:
            return coord_of(entry, array, self._sizes(array, steps))
        except NsmWidgetsError as error:
            raise refuse(self._root, f"what asides says of {array} does not fit: {error}") from error

    def _sizes(self, array: str, steps: int) -> dict[str, int]:
        """The axes of one iteration's array."""
        sizes = self._arrays[array].sizes
        return {dim: steps if dim == "time" else size for dim, size in sizes.items() if dim != "iteration"}

    def of_all(self, array: NamedArray, kept: Sequence[int], cuts: Sequence[NDArray[np.int64]]) -> NamedArray:
        """The array with the masks and labels of some iterations, as one coordinate for all of them each.

        Args:
            array: The steps of these iterations.
            kept: Which ones.
            cuts: Which of its steps each one has left.

        Raises:
            TraceFileError: If the masks take too much memory.
        """
        coords: dict[str, Coord | None] = dict(array.coords)
        for name, changes in self._told.get(array.name, {}).items():
            held = _held(changes, kept)
            if is_mask(name):
                coords[name] = self._joined(array, name, held, cuts)
            elif len({told.digest for told in held}) > 1:
                coords[name] = None
            else:
                coords[name] = self._labels(array.name, name, held[0])
        given = {name: coord for name, coord in coords.items() if coord is not None}
        return NamedArray(array.name, array.values, array.dims, given, array.attrs)

    def of_one(self, row: int, kept: Sequence[int]) -> dict[str, dict[str, Coord]]:
        """The labels that one iteration has and others of these have not, by array and axis."""
        found: dict[str, dict[str, Coord]] = {}
        for array, by_name in self._told.items():
            for name, changes in by_name.items():
                [told] = _held(changes, [row])
                if told.digest and len({other.digest for other in _held(changes, kept)}) > 1:
                    labels = self._labels(array, name, told)
                    if labels is not None:
                        found.setdefault(array, {})[name] = labels
        return found

    @property
    def is_empty(self) -> bool:
        """Whether nothing is told."""
        return not self._told

    def _labels(self, array: str, name: str, told: _Told) -> Coord | None:
        if told.at is None:
            return self._arrays[array].coords.get(name)
        first, count, place = told.at
        return self._coord(array, self._log.read(first, count)[place], 0)

    def _joined(
        self, array: NamedArray, name: str, held: Sequence[_Told], cuts: Sequence[NDArray[np.int64]]
    ) -> Coord | None:
        coords = [told.coord for told in held]
        axes = {dim for coord in coords if coord is not None for dim in coord.dims}
        is_one = all(told is held[0] for told in held)
        if not axes or (is_one and "time" not in axes):
            return coords[0]
        sizes = self._sizes(array.name, 0)
        self._bytes += array.shape[0] * math.prod(n for dim, n in sizes.items() if dim in axes - {"time"})
        if self._bytes > MOST_JOINED:
            raise refuse(self._root, f"its masks would take more than {MOST_JOINED} bytes")
        found = [
            ({} if coord is None else {name: _cut(coord, cut)}, self._sizes(array.name, len(cut)))
            for coord, cut in zip(coords, cuts, strict=True)
        ]
        axis = array.dims[0]
        return joined_masks(found, axis, new=axis == "iteration")[name]


class LoggedLabels(Mapping[int, OwnLabels]):
    """Labels of single iterations by their numbers, read as they are asked for.

    Args:
        coords: What held at each iteration.
        rows: Where each of the iterations lies that were kept, by number.
    """

    def __init__(self, coords: LoggedCoords, rows: Mapping[int, int]) -> None:
        self._coords, self._rows = coords, rows

    def __getitem__(self, number: int) -> OwnLabels:
        return self._coords.of_one(self._rows[number], list(self._rows.values()))

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # a copy may be where the store is not


def _held(changes: Sequence[_Told], rows: Sequence[int]) -> list[_Told]:
    """What holds at each of some iterations."""
    places = np.searchsorted([told.row for told in changes], rows, side="right") - 1
    return [changes[place] for place in places]


def _digest(coord: Coord | None) -> bytes:
    if coord is None:
        return b""
    return hashlib.blake2b(dump_json([coord.dims, coord.values.tolist()]).encode()).digest()


def _cut(coord: Coord, steps: NDArray[np.int64]) -> Coord:
    """A mask of only these steps of its iteration."""
    if "time" not in coord.dims or len(steps) == coord.values.shape[coord.dims.index("time")]:
        return coord
    return Coord(coord.dims, coord.values.take(steps, coord.dims.index("time")))
