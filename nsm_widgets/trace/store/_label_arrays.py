"""Labels that never change, as arrays beside the others: Zarr tools see them, our reader takes the group's.

Where all arrays with an axis have the same labels, they are called as the axis is, and xarray makes them its
index; elsewhere ``memory.slot``. Those that differ by batch item are ``slot_labels``, as in ``to_xarray``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._coord import Coord, same_coord
from nsm_widgets.trace.arrays._mask import is_mask
from nsm_widgets.trace.store._codec import pack_bytes
from nsm_widgets.trace.store._layout import TEXTS, choose_key, plain_metadata
from nsm_widgets.trace.store._vocabulary import pack_texts


class LabelArray(NamedTuple):
    """One of them, in its one chunk."""

    metadata: dict[str, Any]
    chunk: str
    """The name of its file."""
    data: bytes


def label_arrays(arrays: Mapping[str, NamedArray], taken: Sequence[str]) -> dict[str, LabelArray]:
    """The labels of some arrays, by the names of their folders."""
    found: dict[str, Coord] = {}
    for array in arrays.values():
        for name, coord in array.coords.items():
            if is_mask(name):
                continue
            shown = name if len(coord.dims) == 1 else f"{name}_labels"
            axis = coord.dims[-1]
            beside = [other.coords.get(name) for other in arrays.values() if axis in other.dims]
            if not all(same_coord(coord, other) for other in beside):
                shown = f"{array.name}.{shown}"
            found[shown] = coord
    made: dict[str, LabelArray] = {}
    for shown, coord in found.items():
        key = choose_key(shown, [*taken, *made])
        made[key] = _label_array(coord)
    return made


def _label_array(coord: Coord) -> LabelArray:
    values = np.asarray(coord.values)
    if values.dtype.kind == "i":
        codec = {"name": "bytes", "configuration": {"endian": "little"}}
        metadata = plain_metadata(values.shape, values.shape, coord.dims, ("int64", 0, codec))
        data = values.astype("<i8").tobytes()
    else:
        metadata = plain_metadata(values.shape, values.shape, coord.dims, TEXTS)
        data = pack_texts(values.ravel().tolist(), values.size)
    return LabelArray(metadata, ".".join(["c", *["0"] * values.ndim]), pack_bytes(data))
