"""Masks: which places of an array count, along an axis or cell by cell.

They are coordinates of an array, beside its labels, and True where a value counts, as everywhere here:

- ``key_mask``, ``query_mask``, ``token_mask``, ...: of one axis, ``(batch, axis)`` or ``(axis,)``. What is
  False is padding: no token stood there.
- ``mask``: of single cells, such as ``(query, key)``. What is False was masked out.

Axes along which a mask is the same everywhere may be left out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from nsm_widgets._axes import check_has_axis, format_dims, format_sizes
from nsm_widgets._errors import LabelError
from nsm_widgets.trace.arrays._convert import is_tensor, to_numpy
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._number import number_axis, packed, unpacked

CELLS: Final = "mask"
"""The name of a mask of single cells."""
_OF_AXIS: Final = "_mask"


def is_mask(name: object) -> bool:
    """Whether a coordinate of this name is a mask.

    >>> is_mask("key_mask"), is_mask("mask"), is_mask("key")
    (True, True, False)
    """
    return isinstance(name, str) and (name == CELLS or name.endswith(_OF_AXIS))


def mask_axis(name: str) -> str | None:
    """The axis whose places a mask speaks of; ``None`` for one of cells.

    >>> mask_axis("key_mask")
    'key'
    """
    return None if name == CELLS else name.removesuffix(_OF_AXIS)


def make_mask(name: str, given: object, sizes: Mapping[str, int], array: str) -> Coord:
    """Check a mask against the array that it is of, and copy it.

    Args:
        name: ``mask``, or an axis and ``_mask``.
        given: A :class:`Coord`, whose axes are some of the array's, in their order. Or values alone: of an
            axis ``[axis]`` or ``[batch, axis]``, of cells the last two axes or all of them.
        sizes: The axes of the array, with sizes.
        array: The array's name, for the error.

    Raises:
        AxisError: If the array has no such axis.
        LabelError: If the values are no booleans (nor 0 and 1), or do not fit the axes.
    """
    axis = mask_axis(name)
    coord = given if isinstance(given, Coord) else None
    if axis is not None and coord is None:
        check_has_axis(axis, sizes, array)
    values = as_flags(coord.values if coord is not None else given, f"{array}: {name}")
    dims = mask_dims(name, values.shape, sizes, array, None if coord is None else coord.dims)
    values.flags.writeable = False
    return Coord(dims, values)


def mask_dims(
    name: str, shape: Sequence[int], sizes: Mapping[str, int], array: str, dims: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The axes of a mask of this shape, which may be told; see :func:`make_mask`.

    Raises:
        LabelError: If they are not some of the array's, in their order, or have other sizes there.
    """
    dims = _dims_of(mask_axis(name), len(shape), tuple(sizes)) if dims is None else tuple(dims)
    if dims != tuple(dim for dim in sizes if dim in dims) or len(dims) != len(shape) or not dims:
        raise LabelError(
            f"{array}: {name} must have some of the axes {format_dims(tuple(sizes))}, in that order, got "
            f"shape {tuple(shape)} and axes {format_dims(dims)}. Name them: Coord(('batch', 'key'), values)."
        )
    if tuple(shape) != tuple(sizes[dim] for dim in dims):
        raise LabelError(
            f"{array}: {name} must be {format_sizes(dims, [sizes[dim] for dim in dims])}, got shape "
            f"{tuple(shape)}. Give each place its True or False, padding included."
        )
    return dims


def mask_of(coords: Mapping[str, Coord], sizes: Mapping[str, int]) -> Bool[np.ndarray, "..."] | None:
    """All masks of an array as one, in the array's shape (read-only); ``None`` where there is none."""
    masks = [coord for name, coord in coords.items() if is_mask(name)]
    if not masks:
        return None
    counts = np.ones((1,) * len(sizes), bool)
    for dims, values in masks:
        counts = counts & values.reshape([sizes[dim] if dim in dims else 1 for dim in sizes])
    return np.broadcast_to(counts, tuple(sizes.values()))


def labels_along(coords: Mapping[str, Coord], dims: Iterable[str]) -> dict[str, Coord]:
    """The labels and numbers that these axes have, without masks.

    >>> from nsm_widgets.trace import NamedArray
    >>> array = NamedArray("usage", [[0.5, 0.5]], ("time", "slot"), {"slot": ["cat", "dog"]})
    >>> list(labels_along(array.coords, ["slot"])), list(labels_along(array.coords, ["time"]))
    (['slot'], [])
    """
    kept = set(dims)
    return {name: coord for name, coord in coords.items() if not is_mask(name) and set(coord.dims) <= kept}


def joined_masks(
    found: Sequence[tuple[Mapping[str, Coord], Mapping[str, int]]], axis: str, *, new: bool
) -> dict[str, Coord]:
    """Masks of arrays that are put one beside the other, or one after the other, along an axis.

    Args:
        found: The masks of each array, and its axes with their sizes.
        axis: Along which they are joined.
        new: Whether the arrays do not have it yet, and each becomes one index of it; it comes first.
    """
    joined = {}
    for name in dict.fromkeys(name for masks, _ in found for name in masks if is_mask(name)):
        some = {dim for masks, _ in found if name in masks for dim in masks[name].dims}
        some = some - {axis} if new else some | {axis}
        dims = tuple(dim for dim in found[0][1] if dim in some)
        parts = []
        for masks, sizes in found:
            shape = [sizes[dim] for dim in dims]
            coord = masks.get(name, Coord((), np.array(True)))
            lying = coord.values.reshape([sizes[dim] if dim in coord.dims else 1 for dim in dims])
            parts.append(np.broadcast_to(lying, shape))
        values = np.stack(parts) if new else np.concatenate(parts, axis=dims.index(axis))
        joined[name] = reduced(Coord((axis, *dims) if new else dims, values), (axis,))
    return joined


def reduced(coord: Coord, axes: Iterable[str]) -> Coord:
    """The mask without those of these axes along which it is the same everywhere."""
    dims, values = coord
    for axis in axes:
        place = dims.index(axis)
        first = values.take([0], axis=place)
        if (values == first).all():
            values = first.squeeze(place)
            dims = dims[:place] + dims[place + 1 :]
    return Coord(dims, values)


def telling(coords: Mapping[str, Coord]) -> dict[str, Coord]:
    """The masks of these that leave anything out."""
    return {name: coord for name, coord in coords.items() if is_mask(name) and not coord.values.all()}


def pack_mask(coord: Coord) -> list[str]:
    """The mask for a file: a text of 0 and 1 for each row along its last axis.

    >>> pack_mask(Coord(("batch", "key"), np.array([[True, True, False]])))
    ['110']
    """
    rows = coord.values.reshape(-1, coord.values.shape[-1]).astype(np.uint8) + ord("0")
    return [row.tobytes().decode("ascii") for row in rows]


def unpack_mask(dims: Sequence[str], rows: object, sizes: Mapping[str, int], what: str) -> Coord:
    """What :func:`pack_mask` wrote.

    Raises:
        LabelError: If it is something else.
    """
    shape = tuple(sizes.get(dim, 0) for dim in dims)
    last = shape[-1] if shape else 0
    num_rows = int(np.prod(shape[:-1], dtype=np.int64)) if last else -1
    if (
        not isinstance(rows, list)
        or len(rows) != num_rows
        or not all(isinstance(row, str) and len(row) == last and set(row) <= {"0", "1"} for row in rows)
    ):
        raise LabelError(
            f"{what} must be a text of {last} times 0 or 1 for each row of {format_dims(tuple(dims))}."
        )
    flags = np.frombuffer("".join(rows).encode("ascii"), np.uint8) == ord("1")
    return Coord(tuple(dims), flags.reshape(shape))


def coords_to_json(coords: Mapping[str, Coord], sizes: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Labels, masks and numbers of an array for a file or a store; :func:`coords_from_json` reads them."""

    def content(name: str, coord: Coord) -> Any:
        if is_mask(name):
            return pack_mask(coord)
        return packed(coord.values) if number_axis(name, sizes) else coord.values.tolist()

    return {
        name: {"dims": list(coord.dims), "labels": content(name, coord)} for name, coord in coords.items()
    }


def coords_from_json(
    described: Mapping[str, Mapping[str, Any]], dims: object, shape: Sequence[int]
) -> dict[str, Coord]:
    """Labels, masks and numbers of an array as a file or a store describes them.

    Each is ``{"dims": ..., "labels": ...}``.

    Raises:
        LabelError: If a mask is none.
    """
    sizes: dict[str, int] = {}
    if isinstance(dims, (list, tuple)) and all(isinstance(dim, str) for dim in dims):
        sizes = dict(zip(dims, shape, strict=False))  # what else it is, NamedArray refuses
    return {
        name: unpack_mask(coord["dims"], coord["labels"], sizes, name)
        if is_mask(name)
        else Coord(tuple(coord["dims"]), _from_json(name, coord["labels"], sizes))
        for name, coord in described.items()
    }


def _from_json(name: str, rows: list[Any], sizes: Mapping[str, int]) -> Any:
    axis = number_axis(name, sizes)
    return rows if axis is None else unpacked(rows, sizes[axis], name)


def _dims_of(axis: str | None, ndim: int, dims: tuple[str, ...]) -> tuple[str, ...]:
    """The axes that a mask without names is taken to have."""
    if axis is None:
        return dims[-2:] if ndim == 2 else dims if ndim == len(dims) else ()
    return (axis,) if ndim == 1 else ("batch", axis) if ndim == 2 else ()


def as_flags(values: object, what: str) -> NDArray[np.bool_]:
    """Values that are true or false, as a new array.

    Raises:
        LabelError: If they are something else.
    """
    try:
        array = to_numpy(values, what)[0] if is_tensor(values) else np.array(values)
    except ValueError as error:
        raise LabelError(f"{what} must be one array, with as many places in each row: {error}.") from error
    if array.dtype == np.bool_:
        return array.copy()
    if array.dtype.kind not in "iu" or not np.isin(array, (0, 1)).all():
        raise LabelError(
            f"{what} must be True (or 1) where a value counts and False (or 0) elsewhere, got {array.dtype}. "
            "PyTorch's key_padding_mask, True at padding? Pass ~mask. An additive mask? Pass mask == 0."
        )
    return array.astype(np.bool_)
