"""Masks and labels as arrays of a store: a column beside the array that they are of.

A mask is an array of booleans. Labels of a recorder's iterations are an array of integers: numbers as they
are, texts as places in the store's ``vocabulary``. Where the array grows, a column grows with it, and says
for each step what holds there; what never changes, it packs to nothing. One that is added later has not been
written for the steps before: there stands what means that there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import LabelError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._mask import is_mask
from nsm_widgets.trace.store._vocabulary import Vocabulary

State = Mapping[tuple[str, str], Coord]
"""Masks and labels of an iteration, by array and coordinate."""

KINDS = MASK, TEXT, NUMBER = "mask", "text", "number"
_DTYPES = {MASK: np.dtype(np.bool_), TEXT: np.dtype(np.int32), NUMBER: np.dtype(np.int64)}
_ABSENT = {MASK: 1, TEXT: -1, NUMBER: -(2**63)}


@dataclass(frozen=True, slots=True)
class Column:
    """What an array of masks or labels is of."""

    array: str
    coord: str
    dims: tuple[str, ...]
    """Its axes beside the one that grows."""
    kind: str
    """``mask``, ``text`` or ``number``."""

    @property
    def name(self) -> str:
        """Tells it from all other columns, and from arrays, whose names have no NUL."""
        return "\0".join((self.array, self.coord, self.kind, *self.dims))

    @property
    def folder(self) -> str:
        """What its folder is called where that can be."""
        return f"{self.array}.{self.coord}"

    @property
    def absent(self) -> int:
        """What stands where there is no mask, and no label."""
        return _ABSENT[self.kind]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its values."""
        return _DTYPES[self.kind]

    def empty(self, like: NDArray[Any]) -> NDArray[Any]:
        """The same steps without a mask or labels."""
        return np.broadcast_to(np.array(self.absent, self.dtype), like.shape)

    def told(self, values: NDArray[Any]) -> bool:
        """Whether there is a mask, or are labels.

        Raises:
            LabelError: If there are some labels and others are missing.
        """
        missing = values == self.absent
        if self.kind != MASK and missing.any() and not missing.all():
            raise LabelError(f"{self.array}: some labels of {self.coord!r} are missing")
        return not missing.all()


@dataclass(frozen=True, slots=True)
class ColumnArray:
    """A column with values, from which its layout is made."""

    column: Column
    values: NDArray[Any]
    dims: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of each axis."""
        return self.values.shape

    @property
    def attrs(self) -> dict[str, Any]:
        """What it says to readers of other programs."""
        column = self.column
        of = f"{column.coord} of {column.array}"
        if column.kind == MASK:
            return {"description": f"{of}: true where a value counts"}
        text = "where they lie in vocabulary, -1 for none" if column.kind == TEXT else "numbers"
        return {"description": f"labels of {of}: {text}"}


def mask_columns(array: NamedArray, axis: str | None) -> list[ColumnArray]:
    """The masks of an array as columns."""
    found = []
    for name, coord in array.coords.items():
        if is_mask(name):
            dims = tuple(dim for dim in coord.dims if dim != axis or array.dims[0] != axis)
            found.append(ColumnArray(Column(array.name, name, dims, MASK), coord.values, coord.dims))
    return found


def state_columns(state: State, axis: str, rows: int, words: Vocabulary) -> dict[Column, NDArray[Any]]:
    """The masks and labels of one iteration as columns of so many steps.

    Raises:
        LabelError: If a label is the number that stands for none.
    """
    found: dict[Column, NDArray[Any]] = {}
    for (array, name), (dims, values) in state.items():
        kind = MASK if is_mask(name) else NUMBER if values.dtype.kind == "i" else TEXT
        column = Column(array, name, tuple(dim for dim in dims if dim != axis), kind)
        if kind == TEXT:
            values = words.places(values)
        elif kind == NUMBER and (values == column.absent).any():
            raise LabelError(f"{array}: labels of {name!r} in a store must be above {column.absent}.")
        found[column] = values if axis in dims else np.broadcast_to(values, (rows, *values.shape))
    return found
