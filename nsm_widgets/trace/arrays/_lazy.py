"""Values that stay where they are stored, and are read where they are looked at."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

AxisSelection: TypeAlias = int | range | list[int]
"""What is chosen along one axis of a source, all indices from 0 up: an int drops the axis."""


@runtime_checkable
class ArraySource(Protocol):
    """What values are read from."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, axes: tuple[AxisSelection, ...]) -> NDArray[Any]:
        """The chosen values as a new array; lists are taken one axis after the other."""


class LazyValues(NDArrayOperatorsMixin):
    """Looks like a NumPy array, and reads only what an index asks for.

    ``shape``, ``dtype``, ``ndim``, ``size`` and ``nbytes`` are known without reading, an index with ints,
    slices and one list reads what it chooses. Everything else (arithmetic, ``sum``, ``transpose``,
    ``np.asarray``) reads all of it first, as an array in memory would have it.

    Example:
        >>> class Squares:
        ...     shape, dtype = (1000,), np.dtype(np.int64)
        ...     def read(self, axes):
        ...         print("read", axes)
        ...         return np.asarray(np.square(np.arange(1000))[axes])
        >>> squares = LazyValues(Squares())
        >>> squares.nbytes, squares[3]
        read (3,)
        (8000, np.int64(9))

    Args:
        source: What to read from.
        axes: What of each axis of the source; all of it if None.
    """

    __slots__ = ("_axes", "_source", "dtype", "place", "shape")

    def __init__(self, source: ArraySource, axes: tuple[AxisSelection, ...] | None = None) -> None:
        self._source = source
        self.place = str(getattr(source, "place", "store"))
        self._axes = tuple(range(size) for size in source.shape) if axes is None else axes
        self.dtype = source.dtype
        self.shape: tuple[int, ...] = tuple(len(axis) for axis in self._axes if not isinstance(axis, int))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one value."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all values, once read."""
        return self.size * self.dtype.itemsize

    def select(self, indexers: Sequence[int | slice | list[int]]) -> LazyValues:
        """A part of it, still not read: one indexer per axis, in range, each list along its own axis."""
        given = iter(indexers)
        axes = tuple(axis if isinstance(axis, int) else _choose(axis, next(given)) for axis in self._axes)
        return LazyValues(self._source, axes)

    def read(self) -> NDArray[Any]:
        """All of it, as a new array."""
        return self._source.read(self._axes)

    def __getitem__(self, key: Any) -> Any:  # whatever picks from a NumPy array
        indexers = _plain(key, self.shape)
        values = np.asarray(self)[key] if indexers is None else self.select(indexers).read()
        return values[()] if np.ndim(values) == 0 else values

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError(
                f"values in a {self.place} cannot become an array without a copy: they are read."
            )
        return self.read().astype(self.dtype if dtype is None else dtype, copy=False)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> Any:
        read = [np.asarray(value) if isinstance(value, LazyValues) else value for value in inputs]
        return getattr(ufunc, method)(*read, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(np.asarray(self), name)

    def __reduce__(self) -> tuple[Any, ...]:
        return np.array, (self.read(),)

    def __repr__(self) -> str:
        return f"<values in a {self.place}, shape {self.shape}, {self.dtype}>"


HeldValues: TypeAlias = NDArray[Any] | LazyValues
"""Values in memory, in a file or in a store."""


def _choose(axis: range | list[int], indexer: int | slice | list[int]) -> AxisSelection:
    if isinstance(indexer, list):
        return [axis[index] for index in indexer]
    chosen: AxisSelection = axis[indexer]
    return chosen


def _plain(key: object, shape: tuple[int, ...]) -> list[int | slice | list[int]] | None:
    """One indexer per axis if that means the same as NumPy's rules do, else None.

    Raises:
        IndexError: If there are more indices than axes, or one lies outside its axis.
    """
    parts = list(key) if isinstance(key, tuple) else [key]
    if any(part is None for part in parts):
        return None
    places = [place for place, part in enumerate(parts) if part is Ellipsis]
    if len(places) > 1 or len(parts) - len(places) > len(shape):
        raise IndexError(f"too many indices: {len(parts) - len(places)} for {len(shape)} axes")
    missing = [slice(None)] * (len(shape) - len(parts) + len(places))
    place = places[0] if places else len(parts)
    parts[place : place + len(places)] = missing
    indexers = [
        _indexer(part, size, axis) for axis, (part, size) in enumerate(zip(parts, shape, strict=True))
    ]
    lists = sum(isinstance(indexer, list) for indexer in indexers)
    if None in indexers or lists > 1 or (lists and any(isinstance(indexer, int) for indexer in indexers)):
        return None
    return [indexer for indexer in indexers if indexer is not None]


def _indexer(part: Any, size: int, axis: int) -> int | slice | list[int] | None:  # likewise
    if isinstance(part, slice):
        return part
    if isinstance(part, (bool, np.bool_)):
        return None
    if isinstance(part, (list, tuple, range, np.ndarray)) and np.ndim(part) == 1:
        flat = np.asarray(part)
        if flat.dtype.kind not in "iu":
            return None
        return [_index(index, size, axis) for index in flat.tolist()]
    try:
        return _index(operator.index(part), size, axis)
    except TypeError:
        return None


def _index(index: int, size: int, axis: int) -> int:
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for axis {axis} with size {size}")
    return index % size
