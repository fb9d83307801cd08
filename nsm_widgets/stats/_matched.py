"""Which heads and slots of one trace are those of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from nsm_widgets.stats._belonging import PLACE_AXES, head_group, place_group
from nsm_widgets.trace import Coord, NamedArray, Trace


@dataclass(frozen=True)
class Matching:
    """Which heads and slots of a trace ``b`` are those of a trace ``a``.

    An order gives, at each index of ``a``, the index of ``b`` that belongs to it.

    Attributes:
        heads: Orders by group of heads, as ``"read"``, ``"encoder.write"`` or ``"attention"``: ``(head)``, or
            ``(layer, head)`` where the weightings have layers.
        slots: Orders by group of slots, ``"slot"`` or ``"encoder.slot"``, and of states, ``"state"``.
        unmatched: Groups that stay as they are, for nothing tells them apart.
    """

    heads: Mapping[str, Int64[np.ndarray, "*layer head"]] = field(default_factory=dict)
    slots: Mapping[str, Int64[np.ndarray, " slot"]] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()

    def apply(self, b: Trace) -> Trace:
        """The trace ``b`` with its heads and slots in the order of ``a``; labels go with them."""
        return Trace().assign(*(self.apply_to(array, b) for array in b.values()), attrs=b.attrs)

    def apply_to(self, array: NamedArray, b: Trace) -> NamedArray:
        """One array of ``b`` in the order of ``a``."""
        for dim in array.dims:
            order = self.slots.get(place_group(array.name, dim)) if dim in PLACE_AXES else None
            if order is not None and _moves(order):
                array = array.isel(**{dim: order.tolist()})
        order = self.heads.get(head_group(array.name, b)) if "head" in array.dims else None
        if order is None or not _moves(order):
            return array
        if order.ndim == 1:
            return array.isel(head=order.tolist())
        return _by_layer(array, order)


def _moves(order: Int64[np.ndarray, "*layer n"]) -> bool:
    return bool((order != np.arange(order.shape[-1])).any())


def _by_layer(array: NamedArray, order: Int64[np.ndarray, "layer head"]) -> NamedArray:
    """Heads of each layer in an order of its own; labels of heads stay away, for layers would differ."""
    shape = [array.sizes[dim] if dim in ("layer", "head") else 1 for dim in array.dims]
    if "layer" not in array.dims:
        return array
    if array.dims.index("layer") > array.dims.index("head"):
        order = order.T
    values = np.take_along_axis(np.asarray(array.values), order.reshape(shape), array.dims.index("head"))
    coords: dict[str, Coord] = {dim: coord for dim, coord in array.coords.items() if dim != "head"}
    return NamedArray(array.name, values, array.dims, coords, array.attrs)
