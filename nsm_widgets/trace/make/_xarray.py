"""A trace as an :class:`xarray.DataTree`, the way out to everything else, and back.

Always a tree, because one dataset cannot hold four read heads and one write head on the same axis ``head``.
Each node is a dataset whose arrays agree on sizes and labels:

- ``/read`` and ``/write``: the arrays named ``read_...`` and ``write_...``,
- ``/model``: all others, except
- ``/input``, ``/output``: every array of kind ``signal``, and every one that disagrees with its node on an
  axis, has a node of its own name (with ``_`` after it where that is taken).

Arrays keep names, axes, values, types and attrs; the trace's attrs are the root's. Labels become the
coordinate of their axis; labels that differ per batch item become a coordinate ``<axis>_labels`` with axes
(batch, axis), because xarray keeps the axis' own name for flat ones. Masks and numbers of places
(``slot_number``) are coordinates of their names.

The way back takes each variable of each node, in the tree's order, whatever the nodes are called. Coordinates
that are no labels of one of its axes (a scalar left by ``isel``, for one) stay behind, as do the attrs of
nodes below the root.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from nsm_widgets._errors import DtypeError, MissingDependencyError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._coord import Coord, same_coord
from nsm_widgets.trace.arrays._mask import is_mask
from nsm_widgets.trace.arrays._number import number_name


def trace_to_xarray(trace: TraceBase) -> Any:
    """See :meth:`Trace.to_xarray`."""
    xr = _need_xarray("Trace.to_xarray")
    nodes = {node: _dataset(xr, arrays) for node, arrays in _group(trace).items()}
    nodes["/"] = xr.Dataset(attrs=dict(trace.attrs))
    return xr.DataTree.from_dict(nodes)


def trace_from_xarray(data: object) -> TraceBase:
    """See :meth:`Trace.from_xarray`."""
    xr = _need_xarray("Trace.from_xarray")
    if isinstance(data, xr.DataTree):
        found = [node.dataset[name] for node in data.subtree for name in node.dataset.data_vars]
        return TraceBase(*map(_from_variable, found), attrs=dict(data.attrs))
    if isinstance(data, xr.Dataset):
        return TraceBase(*(_from_variable(data[name]) for name in data.data_vars), attrs=dict(data.attrs))
    if isinstance(data, xr.DataArray):
        return TraceBase(_from_variable(data))
    raise DtypeError(
        f"Trace.from_xarray takes a DataTree, a Dataset or a DataArray, got {type(data).__name__}. "
        "Trace.from_arrays takes tensors and arrays."
    )


def _from_variable(variable: Any) -> NamedArray:  # a DataArray, whose names need not be text to xarray
    """One variable with the coordinates that are labels of its axes."""
    coords = {}
    for dim in variable.dims:
        for name in (dim, f"{dim}_labels"):
            if name in variable.coords and variable.coords[name].dims in ((dim,), ("batch", dim)):
                labels = variable.coords[name]
                coords[dim] = Coord(tuple(labels.dims), labels.values)
    for name, mask in variable.coords.items():
        if is_mask(name) and mask.dtype == bool and mask.dims:
            order = tuple(dim for dim in variable.dims if dim in mask.dims)
            coords[name] = Coord(order, mask.transpose(*order).values)
    for dim in variable.dims:
        numbers = variable.coords.get(number_name(dim))
        if numbers is not None and numbers.dims == (dim,) and numbers.dtype == np.int64:
            coords[number_name(dim)] = Coord((dim,), numbers.values)
    return NamedArray(variable.name, variable.values, variable.dims, coords, dict(variable.attrs))


def _need_xarray(what: str) -> Any:
    try:
        import xarray as xr
    except ImportError as error:
        raise MissingDependencyError(
            f"{what} needs xarray with DataTree (2024.10 or newer). pip install xarray"
        ) from error
    if not hasattr(xr, "DataTree"):
        raise MissingDependencyError(
            f"{what} needs xarray 2024.10 or newer for DataTree, got {xr.__version__}. pip install -U xarray"
        )
    return xr


def _group(trace: TraceBase) -> dict[str, list[NamedArray]]:
    """Which array goes to which node."""
    nodes: dict[str, list[NamedArray]] = {}
    for name, array in trace.items():
        side = name.split("_")[0]
        node = side if side in ("read", "write") and name != side else "model"
        if array.attrs.get("kind") == "signal" or not all(
            _fits(array, member) for member in nodes.get(node, [])
        ):
            node = name
            while node in nodes or node in ("read", "write", "model"):
                node += "_"
        nodes.setdefault(node, []).append(array)
    return nodes


def _fits(one: NamedArray, other: NamedArray) -> bool:
    """Whether two arrays agree on size and labels of every axis they share, and neither is called as one."""
    if one.name in other.dims or other.name in one.dims:
        return False
    return all(
        one.sizes[dim] == other.sizes[dim]
        and same_coord(one.coords.get(dim), other.coords.get(dim))
        and np.array_equal(one.numbers(dim), other.numbers(dim))
        for dim in one.dims
        if dim in other.dims
    ) and all(_has_mask(name, one, other) and _has_mask(name, other, one) for name in _masks(one, other))


def _masks(one: NamedArray, other: NamedArray) -> set[str]:
    return {name for array in (one, other) for name in array.coords if is_mask(name)}


def _has_mask(name: str, one: NamedArray, other: NamedArray) -> bool:
    """Whether the other array has the same mask, or not all axes of it, so that a dataset gives it none."""
    mask = one.coords.get(name)
    if mask is None:
        return True
    return same_coord(mask, other.coords.get(name)) or (
        name not in other.coords and not set(mask.dims) <= set(other.dims)
    )


def _dataset(xr: ModuleType, arrays: list[NamedArray]) -> Any:
    coords = {
        (dim if is_mask(dim) or len(coord.dims) == 1 else f"{dim}_labels"): (coord.dims, coord.values)
        for array in arrays
        for dim, coord in array.coords.items()
    }
    return xr.Dataset(
        {array.name: (array.dims, np.asarray(array.values), dict(array.attrs)) for array in arrays},
        coords=coords,
    )
