"""An array of two traces: what each is called in a view of both, how it is labelled, and the difference."""

from __future__ import annotations

from typing import Any

import numpy as np

from nsm_widgets.stats import PLACE_AXES, Matching, head_group, place_group
from nsm_widgets.trace import Labels, NamedArray, Trace, number_name, numbers_of, same_coord

_LONGEST_NAME = 100
_IS = "is "


def array_difference(one: NamedArray, other: NamedArray, name: str) -> NamedArray:
    """``other - one``, cell by cell, in float64, with the labels of both."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinity minus infinity is NaN, and drawn so
        values = np.asarray(other.values).astype(np.float64) - np.asarray(one.values).astype(np.float64)
    coords: dict[str, Any] = {}
    for dim in one.dims:
        numbers = numbers_of(one.coords, dim), numbers_of(other.coords, dim)
        agree = np.array_equal(one.numbers(dim), other.numbers(dim))
        if dim in one.coords or dim in other.coords or not agree:
            coords[dim] = _joined(one, other, dim)
        if agree and numbers[0] is not None:
            coords[number_name(dim)] = numbers[0]
    description = (
        "what the second trace has more than the first, cell by cell"
        if values.any()
        else "equal in both traces"
    )
    attrs = {"kind": "content", "description": description}
    return NamedArray(name, values, one.dims, coords, attrs)


def key_of(name: str, number: int) -> str:
    """What arrays of the view are called by: a name that leaves room for what goes before it."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}~{number}"


def labelled(array: NamedArray, like: NamedArray, matching: Matching) -> NamedArray:
    """Slots and states that were moved say which ones they are in their own trace: ``is 117``.

    What was matched is numbered as in the first trace, so that one place has one number.
    """
    coords: dict[str, Any] = dict(array.coords)
    matched = {dim for dim in PLACE_AXES if place_group(array.name, dim) in matching.slots}
    for dim in {*matched, *(["head"] if matching.heads else [])} & set(array.dims):
        coords.pop(number_name(dim), None)
        if numbers_of(like.coords, dim) is not None:
            coords[number_name(dim)] = like.coords[number_name(dim)]
    for dim in PLACE_AXES.keys() & set(array.dims):
        numbers = array.numbers(dim)
        moved = numbers != like.numbers(dim)
        if dim not in matched or not moved.any():
            continue
        own = coords[dim].values if dim in coords else numbers
        moved = np.broadcast_to(moved, np.shape(own))
        told = [f"{_IS}{x}" if moves else str(x) for x, moves in zip(own.flat, moved.flat, strict=True)]
        coords[dim] = np.array(told, dtype=object).reshape(np.shape(own)).tolist()
    return NamedArray(array.name, array.values, array.dims, coords, array.attrs)


def _joined(one: NamedArray, other: NamedArray, dim: str) -> Labels:
    """The labels of an axis, of both where they differ."""
    found = one.coords.get(dim), other.coords.get(dim)
    if found[0] is not None and same_coord(*found):
        return found[0]
    per_item = any(coord and len(coord.dims) == 2 for coord in found)
    items = one.sizes["batch"] if per_item else 1

    def label(x: str, y: str) -> str:
        return x if x == y else f"{x} {y}" if dim in PLACE_AXES and y.startswith(_IS) else f"{x} | {y}"

    rows = [list(map(label, one.labels(dim, item), other.labels(dim, item))) for item in range(items)]
    return rows if per_item else rows[0]


def order_array(array: NamedArray, trace: Trace, matching: Matching) -> NamedArray | None:
    """Which head of the second trace stands at each head, where any was moved."""
    group = head_group(array.name, trace)
    order = matching.heads.get(group) if "head" in array.dims else None
    if order is None or (order == np.arange(order.shape[-1])).all():
        return None
    dims = ("layer", "head") if order.ndim > 1 else ("head",)
    return NamedArray(f"order.{group}", order, dims, None, {"kind": "scalar"})
