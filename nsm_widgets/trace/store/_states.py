"""What held at each iteration of a recorder's store: its masks and labels, and what all of them have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import NsmWidgetsError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._coord import Coord, same_coord
from nsm_widgets.trace.arrays._lazy import HeldValues
from nsm_widgets.trace.arrays._mask import is_mask, joined_masks
from nsm_widgets.trace.arrays._origin import OwnLabels
from nsm_widgets.trace.store._columns import MASK, TEXT, Column
from nsm_widgets.trace.store._files import refuse
from nsm_widgets.trace.store._vocabulary import Vocabulary

MOST_JOINED = 2**30
"""Bytes of the masks of all iterations, a byte for each cell, as a trace has them."""
_READ_CELLS = 2**22


class Cells(NamedTuple):
    """Labels as they lie in a store; texts are made of them where they are looked at."""

    dims: tuple[str, ...]
    values: NDArray[Any]
    words: Vocabulary | None
    """``None`` for numbers, which are themselves."""

    def coord(self) -> Coord:
        """The labels."""
        return Coord(self.dims, self.values if self.words is None else self.words.texts(self.values))


Held = Mapping[tuple[str, str], Coord | Cells | None]
"""By array and coordinate; ``None`` for one that the array has of itself, and not here."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where an iteration lies among the committed steps."""

    begin: int
    end: int
    group: int
    """The same for iterations one after the other that have the same masks and labels."""
    varies: bool
    """Whether masks change from step to step."""


def column_states(
    columns: Mapping[Column, Any], parts: Sequence[Stretch], words: Vocabulary, root: Path
) -> list[Held]:
    """What each iteration has in the columns of its arrays.

    Args:
        columns: Their values, in the store.
        parts: The iterations.
        words: The texts of labels.
        root: The store's folder, for errors.

    Raises:
        TraceFileError: If there are two masks, or labels, of one name, half ones, or too many.
    """
    anew = [at for at, part in enumerate(parts) if not at or part.varies or part.group != parts[at - 1].group]
    rows = sum(parts[at].end - parts[at].begin if parts[at].varies else 1 for at in anew)
    if rows * sum(math.prod(values.shape[1:]) for values in columns.values()) > MOST_JOINED:
        raise refuse(root, f"its masks and labels would take more than {MOST_JOINED} bytes")
    found: dict[int, dict[tuple[str, str], Coord | Cells | None]] = {at: {} for at in anew}
    for column, values in columns.items():
        for at, cells in _cells(column, values, [parts[at] for at in anew], anew):
            key = column.array, column.coord
            dims = ("time", *column.dims) if cells.ndim > len(column.dims) else column.dims
            try:
                if not column.told(cells):
                    continue
                if column.kind == TEXT:
                    words.check(cells)
            except NsmWidgetsError as error:
                raise refuse(root, str(error)) from error
            if key in found[at]:
                raise refuse(root, f"it has two {column.coord} of {column.array} at once")
            told = words if column.kind == TEXT else None
            found[at][key] = Coord(dims, cells) if column.kind == MASK else Cells(dims, cells, told)
    states: list[Held] = []
    for at in range(len(parts)):
        states.append(found.get(at, states[-1] if states else {}))
    return states


def _cells(
    column: Column, values: HeldValues, parts: Sequence[Stretch], places: Sequence[int]
) -> Iterator[tuple[int, NDArray[Any]]]:
    """What a column has for each iteration: its first step, or all steps of masks that change with them."""
    several = max(1, _READ_CELLS // max(1, math.prod(values.shape[1:])))
    block: NDArray[Any] = np.empty(0)
    for index, (part, place) in enumerate(zip(parts, places, strict=True)):
        if index % several == 0:
            block = np.asarray(values[[other.begin for other in parts[index : index + several]]])
        is_whole = part.varies and column.kind == MASK
        yield place, np.asarray(values[part.begin : part.end]) if is_whole else block[index % several]


def with_states(array: NamedArray, states: Sequence[Held], steps: Sequence[int], root: Path) -> NamedArray:
    """An array with the masks and labels of some iterations, as one coordinate for all of them each.

    Args:
        array: The steps of these iterations.
        states: What each of them has.
        steps: How many steps each of them has.
        root: The store's folder, for errors.

    Raises:
        TraceFileError: If the masks take too much memory.
    """
    coords: dict[str, Coord | None] = dict(array.coords)
    for name in dict.fromkeys(name for state in _each(states) for of, name in state if of == array.name):
        held = [state.get((array.name, name), array.coords.get(name)) for state in states]
        if is_mask(name):
            coords[name] = _joined(array, name, held, steps, root)
        else:
            same = all(_is_same(held[0], other) for other in _each(held[1:]))
            coords[name] = _coord(held[0]) if same and held[0] is not None else None
    given = {name: coord for name, coord in coords.items() if coord is not None}
    return NamedArray(array.name, array.values, array.dims, given, array.attrs)


def _joined(
    array: NamedArray, name: str, held: Sequence[Any], steps: Sequence[int], root: Path
) -> Coord | None:
    axes = {dim for coord in _each(held) if coord is not None for dim in coord.dims}
    if not axes or ("time" not in axes and all(coord is held[0] for coord in held)):
        return held[0]  # type: ignore[no-any-return]
    sizes = [
        {dim: count if dim == "time" else size for dim, size in array.sizes.items() if dim != "iteration"}
        for count in steps
    ]
    cells = array.shape[0] * math.prod(n for dim, n in sizes[0].items() if dim in axes - {"time"})
    if cells > MOST_JOINED:
        raise refuse(root, f"its masks would take more than {MOST_JOINED} bytes")
    found = [({} if coord is None else {name: coord}, own) for coord, own in zip(held, sizes, strict=True)]
    axis = array.dims[0]
    return joined_masks(found, axis, new=axis == "iteration").get(name)


class OwnLabelsInStore(Mapping[int, OwnLabels]):
    """The labels that one iteration has and others have not, by its number; made as they are asked for.

    Args:
        before: The arrays as they are described, with labels that no iteration has to tell.
        arrays: The arrays, with what all of them have.
        states: What each iteration has, by number.
    """

    def __init__(
        self, before: Sequence[NamedArray], arrays: Sequence[NamedArray], states: Mapping[int, Held]
    ) -> None:
        self._common = {(array.name, name) for array in arrays for name in array.coords}
        self._untold = {(array.name, name): coord for array in before for name, coord in array.coords.items()}
        self._states = states

    def __getitem__(self, number: int) -> OwnLabels:
        found: dict[str, dict[str, Coord]] = {}
        for (array, name), told in {**self._untold, **self._states[number]}.items():
            if told is not None and not is_mask(name) and (array, name) not in self._common:
                found.setdefault(array, {})[name] = _coord(told)
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # a copy may be where the store is not


def _coord(told: Coord | Cells) -> Coord:
    return told.coord() if isinstance(told, Cells) else told


def _is_same(one: Coord | Cells | None, other: Coord | Cells | None) -> bool:
    if one is None or other is None or isinstance(one, Coord) != isinstance(other, Coord):
        return one is other
    if isinstance(one, Cells) and isinstance(other, Cells):
        same_kind = one.dims == other.dims and one.words is other.words
        return one is other or (same_kind and np.array_equal(one.values, other.values))
    return same_coord(one, other)  # type: ignore[arg-type]


def _each(found: Sequence[Any]) -> Iterator[Any]:
    """Without those that are the one before once more."""
    return (each for at, each in enumerate(found) if not at or each is not found[at - 1])
