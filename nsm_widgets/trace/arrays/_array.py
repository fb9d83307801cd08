"""An array that knows the names of its axes."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nsm_widgets._axes import check_dims, check_has_axis, format_sizes
from nsm_widgets._errors import AxisError, LabelError, SelectionError, ShapeError
from nsm_widgets._text import LONGEST, replace_surrogates
from nsm_widgets.trace.arrays._convert import ArrayLike, to_readonly
from nsm_widgets.trace.arrays._coord import Coord, cut_coord, make_coord, same_coord, take
from nsm_widgets.trace.arrays._json import FrozenDict, freeze_attrs
from nsm_widgets.trace.arrays._lazy import HeldValues, LazyValues
from nsm_widgets.trace.arrays._mask import is_mask, make_mask, mask_of
from nsm_widgets.trace.arrays._number import cropped_numbers, make_numbers, number_axis, numbers_of

Indexer: TypeAlias = Any
"""An int (drops the axis), a slice, or a list of ints (both keep it). Checked at run time."""

MOST_READ = 64_000_000
"""Bytes that a choice from an array in a store may have to be read at once."""

_MAX_NAME = 128
_COMPARED = 2**25


class NamedArray:
    """Values with named axes and labels, never changed once made.

    Values are copied in, unless nobody can write to them or they are an ``np.memmap``, which may be larger
    than memory: it is shown read-only, and follows what is written to its file.

    Example:
        >>> weights = NamedArray("read_weights", [[0.75, 0.25], [0.5, 0.5]], dims=("time", "slot"))
        >>> weights
        <NamedArray read_weights (time: 2, slot: 2) float64, 0.25 to 0.75>
        >>> weights.isel(time=1).values.tolist()
        [0.5, 0.5]

    Args:
        name: Its name in a trace: printable, no ``/``.
        values: Anything :func:`~nsm_widgets.trace.arrays._convert.to_numpy` takes.
        dims: One axis name per axis: ``"time"``, ``"slot"``, ... or any identifier of your own.
        coords: Labels by axis: a :class:`Coord`, a list of strings, numbers or dates, or one per batch
            item. And masks, True where a value counts: ``key_mask`` and the like of one axis, ``mask`` of
            single cells. And numbers, ``slot_number`` and the like, where places are not counted from 0.
        attrs: JSON values. In use: ``kind``, ``memory_seen``, ``source_dtype``, ``description``.

    Raises:
        DtypeError, ShapeError, AxisError, LabelError: If one of them does not fit.
    """

    __slots__ = ("__weakref__", "attrs", "coords", "dims", "name", "values")

    name: str
    values: NDArray[Any]
    """Read-only. In a store, ``LazyValues``, which read what is looked at."""
    dims: tuple[str, ...]
    coords: dict[str, Coord]
    """Labels by axis, and masks and numbers by their names; read-only."""
    attrs: dict[str, Any]
    """JSON values, read-only."""

    def __init__(
        self, name: object, values: ArrayLike, dims: object, coords: object = None, attrs: object = None
    ) -> None:
        name = check_name(name)
        array, source_dtype = to_readonly(values, name)
        dims = check_dims(dims, array.ndim, name)
        frozen_attrs = freeze_attrs(attrs, name)
        if source_dtype is not None:
            frozen_attrs = FrozenDict({"source_dtype": source_dtype, **frozen_attrs})
        set_field = object.__setattr__
        set_field(self, "name", name)
        set_field(self, "values", array)
        set_field(self, "dims", dims)
        set_field(self, "coords", make_coords(coords, dict(zip(dims, array.shape, strict=True)), name))
        set_field(self, "attrs", frozen_attrs)

    def __setattr__(self, field: str, value: object) -> NoReturn:
        raise FrozenInstanceError(
            f"cannot assign to {field!r}: a NamedArray is never changed. Make a new one."
        )

    def __delattr__(self, field: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete {field!r}: a NamedArray is never changed. Make a new one.")

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            hint = f" Its values have: array.values.{name}." if hasattr(np.ndarray, name) else ""
            raise AttributeError(f"'NamedArray' object has no attribute {name!r}.{hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        return NamedArray, (
            self.name,
            np.asarray(self.values),
            self.dims,
            dict(self.coords),
            dict(self.attrs),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of each axis."""
        return self.values.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.values.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values. What was widened on the way says so in ``attrs["source_dtype"]``."""
        return self.values.dtype

    @property
    def sizes(self) -> dict[str, int]:
        """Size by axis name, in the order of the axes."""
        return dict(zip(self.dims, self.values.shape, strict=True))

    def isel(self, /, **indexers: Indexer) -> NamedArray:
        """Select by index along named axes: an int drops the axis, a slice or a list of ints keeps it.

        Lists on several axes are taken one axis after the other, as xarray does. Of an array in a store, at
        most 64 MB are read at once, and a larger choice stays there.

        Places keep their numbers: of ``slot=slice(20, 40)`` views, pictures and tables say slot 20 to 39, and
        :meth:`numbers` tells them. Indices count from 0 in what was chosen, those of a ``Selection`` too.

        Raises:
            AxisError: If the array has no such axis.
            SelectionError: If an index lies outside the axis, or is no int, slice or list of ints.
            ShapeError: If a slice selects nothing.

        >>> memory = NamedArray("memory", np.arange(12).reshape(2, 3, 2), dims=("time", "slot", "word"))
        >>> memory.isel(time=-1, slot=[0, 2]).values.tolist()
        [[6, 7], [10, 11]]
        """
        sizes = self.sizes
        checked: dict[str, int | slice | list[int]] = {}
        for dim, indexer in indexers.items():
            check_has_axis(dim, sizes, self.name)
            checked[dim] = _check_indexer(indexer, dim, sizes[dim], self.name)
        values: Any = self.values
        if isinstance(values, LazyValues):
            values = values.select([checked.get(dim, slice(None)) for dim in self.dims])
            values = values.read() if values.nbytes <= MOST_READ else values
        else:
            values = take(values, self.dims, checked)
        if isinstance(values, np.ndarray):
            values.flags.writeable = False
        dims = tuple(dim for dim in self.dims if not isinstance(checked.get(dim), int))
        cut = {
            name: cut_coord(coord, checked)
            for name, coord in self.coords.items()
            if name in dims or is_mask(name)
        }
        coords = {name: coord for name, coord in cut.items() if coord.dims}
        numbers = cropped_numbers(self.coords, sizes, checked)
        return NamedArray(self.name, values, dims, {**coords, **numbers}, self.attrs)

    def renamed(self, name: object) -> NamedArray:
        """The same array under another name.

        Raises:
            AxisError: If it is no name.
        """
        return NamedArray(name, self.values, self.dims, self.coords, self.attrs)

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """Which values count, in the shape of the values (read-only); ``None`` where nothing is masked.

        >>> NamedArray("w", [[0.5, 0.5, 0]], ("query", "key"), {"key_mask": [1, 1, 0]}).mask.tolist()
        [[True, True, False]]
        """
        return mask_of(self.coords, self.sizes)

    def labels(self, dim: str, batch: int = 0) -> tuple[str, ...]:
        """The labels along one axis, as they may be shown; its :meth:`numbers` where it has none.

        Args:
            dim: The axis.
            batch: Which batch item, where labels differ between them.

        >>> NamedArray("usage", [0.1, 0.9], dims=("slot",), coords={"slot": ["cat", "dog"]}).labels("slot")
        ('cat', 'dog')
        """
        check_has_axis(dim, self.sizes, self.name)
        coord = self.coords.get(dim)
        if coord is None:
            return tuple(map(str, self.numbers(dim).tolist()))
        values = coord.values
        if len(coord.dims) == 2:
            values = values[_check_index(batch, "batch", len(values), self.name)]
        return tuple(replace_surrogates(label) for label in values.tolist())

    def numbers(self, dim: str) -> NDArray[np.int64]:
        """The number of each place along an axis: from 0, or that which it had before :meth:`isel`.

        >>> usage = NamedArray("usage", [0.1, 0.9, 0.5], dims=("slot",))
        >>> usage.isel(slot=slice(1, 3)).numbers("slot").tolist()
        [1, 2]
        """
        check_has_axis(dim, self.sizes, self.name)
        found = numbers_of(self.coords, dim)
        return np.arange(self.sizes[dim]) if found is None else np.asarray(found)

    def number(self, dim: str, index: int) -> int:
        """That of one place."""
        found = numbers_of(self.coords, dim)
        return index if found is None else int(found[index])

    def has_step_before(self) -> NDArray[np.bool_]:
        """Of each place along ``time``, whether the one before it is the step before it; True of step 0.

        Where time was cropped, the first place has none, nor has what follows a gap.

        >>> usage = NamedArray("usage", np.zeros(5), dims=("time",))
        >>> usage.isel(time=[0, 1, 4]).has_step_before().tolist()
        [True, True, False]
        """
        numbers = self.numbers("time")
        return np.asarray(np.diff(numbers, prepend=-1) == 1)

    def identical(self, other: NamedArray) -> bool:
        """Whether name, axes, labels, attrs, dtype and every bit of the values agree (NaN is NaN)."""
        return (
            isinstance(other, NamedArray)
            and (self.name, self.dims, self.shape, self.dtype)
            == (other.name, other.dims, other.shape, other.dtype)
            and _same_bytes(self.values, other.values)
            and self.attrs == other.attrs
            and self.coords.keys() == other.coords.keys()
            and all(same_coord(coord, other.coords[dim]) for dim, coord in self.coords.items())
        )

    def __repr__(self) -> str:
        sizes = format_sizes(self.dims, self.shape)
        about = f"in its {self.values.place}" if isinstance(self.values, LazyValues) else "in its file"
        if type(self.values) is np.ndarray:
            about = _describe(self.values)
        head = f"<NamedArray {self.name} {sizes} {self.dtype}, {about}>"
        lines = [
            f"  {name}: {_left_out(coord)}" if is_mask(name) else f"  {name}: {self._preview(name)}"
            for name, coord in self.coords.items()
        ]
        return "\n".join([head, *lines])

    def _preview(self, name: str) -> str:
        axis = number_axis(name, self.sizes)
        if axis is None:
            return _preview(self.labels(name))
        numbers = self.numbers(axis)
        return ", ".join(map(str, numbers[:6])) + (
            f", ... ({len(numbers)} numbers)" if len(numbers) > 6 else ""
        )

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False and dtype is not None and np.dtype(dtype) != self.dtype:
            raise ValueError(f"{self.name} is {self.dtype}: turning it into {np.dtype(dtype)} needs a copy.")
        if copy:
            return np.array(np.asarray(self.values), dtype=dtype)
        return np.asarray(self.values, dtype=dtype)


def check_name(name: object) -> str:
    """Refuse what cannot name an array in a file, a tree or on screen.

    Raises:
        AxisError: If the name is no printable ``str`` of 1 to 128 characters without ``/``.
    """
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= _MAX_NAME
        or not name.isprintable()
        or "/" in name
        or not name.strip(".")
    ):
        raise AxisError(
            f"an array's name must be a printable str of 1 to {_MAX_NAME} characters without '/', "
            f"got {replace_surrogates(repr(name))[:60]}. For example 'read_weights' or 'encoder.attention'."
        )
    return name


def make_coords(coords: object, sizes: Mapping[str, int], name: str) -> FrozenDict:
    """Check labels, masks and numbers of an array; see ``make_coord``, ``make_mask``, ``make_numbers``."""
    if coords is None:
        return FrozenDict()
    if not isinstance(coords, Mapping):
        raise LabelError(f"{name}: coords must map axis names to labels, got {type(coords).__name__}.")
    return FrozenDict(
        {
            key: (make_mask if is_mask(key) else make_numbers if number_axis(key, sizes) else make_coord)(
                key, given, sizes, name
            )
            for key, given in coords.items()
        }
    )


def _check_indexer(indexer: Indexer, dim: str, size: int, name: str) -> int | slice | list[int]:
    if isinstance(indexer, slice):
        try:
            count = len(range(*indexer.indices(size)))
        except (TypeError, ValueError) as error:
            raise SelectionError(f"{name}: {dim}={indexer} is no slice of integers: {error}.") from error
        if count == 0:
            raise ShapeError(
                f"{name}: {dim}={indexer} selects nothing of {size}. Every axis needs a size of 1 or more."
            )
        return indexer
    if getattr(indexer, "ndim", None) == 1 and hasattr(indexer, "tolist"):  # NumPy's, torch's
        indexer = indexer.tolist()
    if isinstance(indexer, (list, tuple, range)):
        if len(indexer) == 0:
            raise ShapeError(f"{name}: {dim}=[] selects nothing. Every axis needs a size of 1 or more.")
        return [_check_index(index, dim, size, name) for index in indexer]
    return _check_index(indexer, dim, size, name)


def _check_index(index: Any, dim: str, size: int, name: str) -> int:  # what is no index is refused
    if isinstance(index, (bool, np.bool_)):
        raise SelectionError(
            f"{name}: {dim} is selected by index, got {index}. A mask? Pass np.flatnonzero(mask)."
        )
    try:
        number = operator.index(index)
    except TypeError as error:
        raise SelectionError(
            f"{name}: {dim} must be an int, a slice or a list of ints, got {type(index).__name__}: {index!r}."
        ) from error
    if not -size <= number < size:
        raise SelectionError(
            f"{name}: {dim} must lie in [0, {size - 1}], got {number}. Negative counts from the end."
        )
    return number


def _same_bytes(one: HeldValues, other: HeldValues) -> bool:
    """Whether two arrays of one shape and type have the same bits, block by block: memory may be small."""
    rows = max(1, _COMPARED // max(1, one.nbytes // max(1, one.shape[0]))) if one.ndim else 1
    parts = [slice(start, start + rows) for start in range(0, one.shape[0], rows)] if one.ndim else [()]
    return all(np.asarray(one[part]).tobytes() == np.asarray(other[part]).tobytes() for part in parts)


def _describe(values: NDArray[Any]) -> str:
    """The range of the finite values, and how many are not."""
    if values.dtype.kind != "f":
        return f"{values.min()} to {values.max()}"
    finite = np.isfinite(values)
    num_nan, num_inf = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    text = "no finite value"
    if finite.any():
        low, high = values.min(where=finite, initial=np.inf), values.max(where=finite, initial=-np.inf)
        text = f"{low:.6g} to {high:.6g}"
    return text + (f", {num_nan} NaN" if num_nan else "") + (f", {num_inf} infinite" if num_inf else "")


def _left_out(mask: Coord) -> str:
    return f"{int((~mask.values).sum())} of {mask.values.size} do not count"


def _preview(labels: tuple[str, ...]) -> str:
    shown = [repr(label if len(label) <= LONGEST else label[: LONGEST - 1] + "…") for label in labels[:6]]
    return ", ".join(shown) + (f", ... ({len(labels)} labels)" if len(labels) > 6 else "")
