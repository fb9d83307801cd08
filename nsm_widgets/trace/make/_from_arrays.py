"""``Trace.from_arrays``: names decide axes and kinds, and what is called weights is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nsm_widgets._axes import check_dims, did_you_mean, format_dims
from nsm_widgets._errors import (
    AxisError,
    DtypeError,
    LabelError,
    NsmWidgetsError,
    ShapeError,
    UnknownOptionError,
)
from nsm_widgets._options import check_flag, is_one_of
from nsm_widgets.trace.arrays._array import NamedArray, check_name
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._convert import ArrayLike, to_readonly
from nsm_widgets.trace.arrays._known import KINDS, KNOWN, default_kind, known_array
from nsm_widgets.trace.arrays._mask import is_mask, mask_axis
from nsm_widgets.trace.arrays._weights import check_shares, check_weightings


def trace_from_arrays(
    arrays: object, dims: object, coords: object, attrs: object, kinds: object, check_weights: bool
) -> TraceBase:
    """See :meth:`Trace.from_arrays`."""
    if not isinstance(arrays, Mapping) or not arrays:
        raise DtypeError(
            f"arrays must map names to arrays, got {type(arrays).__name__}"
            f"{' without any' if isinstance(arrays, Mapping) else ''}. Pass {{'memory': memory}}."
        )
    check_flag(check_weights, "check_weights")
    dims = _by_array(dims, arrays, "dims", AxisError)
    kinds = _by_array(kinds, arrays, "kinds", UnknownOptionError)
    named = [_named_array(name, value, dims.get(name), kinds.get(name)) for name, value in arrays.items()]
    named = _with_coords(named, coords)
    if check_weights:
        for array in named:
            check = _CHECKS.get(str(array.attrs.get("kind")))
            if check is not None and array.dims:
                remedy = (
                    "Normalise them, or, if they are raw scores, say so with "
                    f"kinds={{{array.name!r}: 'content'}}; check_weights=False takes them as they are."
                )
                check(array.values, array.name, array.dims[-1], remedy, array.attrs.get("source_dtype"))
    return TraceBase(*named, attrs=attrs)


_CHECKS = {"weights": check_weightings, "attention": check_weightings, "shares": check_shares}


def _by_array(
    options: object, arrays: Mapping[str, ArrayLike], keyword: str, error: type[NsmWidgetsError]
) -> Mapping[str, Any]:
    """The option's values by array name, once each names an array."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise error(
            f"{keyword} must map array names to values, got {type(options).__name__}. Pass {{'memory': ...}}."
        )
    for name in options:
        if name not in arrays:
            raise error(
                f"{keyword} names {name!r}, which is not among the arrays ({', '.join(map(str, arrays))})."
                f"{did_you_mean(name, [str(name) for name in arrays])}"
            )
    return options


def _named_array(name: object, value: ArrayLike, dims: object, kind: object) -> NamedArray:
    name = check_name(name)
    attrs: dict[str, Any] = {}
    coords: Mapping[str, Any] = {}
    if isinstance(value, NamedArray):
        attrs, coords, dims = dict(value.attrs), value.coords, value.dims if dims is None else dims
        value = value.values
    values, source_dtype = to_readonly(value, name)
    if source_dtype is not None:
        attrs["source_dtype"] = source_dtype
    entry = known_array(name)
    if dims is None:
        dims = _default_dims(name, values.shape)
    elif entry is not None and _but_batch(check_dims(dims, values.ndim, name)) != _but_batch(entry.dims):
        entry = None  # the reader means something of their own by that name: do not describe it for them
    if kind is None:
        kind = attrs.get("kind", default_kind(name))
    if kind is not None:
        if not is_one_of(kind, KINDS):
            raise UnknownOptionError(
                f"{name}: {kind!r} is no kind.{did_you_mean(kind, KINDS)} Known: {', '.join(KINDS)}."
            )
        attrs["kind"] = kind
    if entry is not None:
        attrs.setdefault("description", entry.description)
    return NamedArray(name, values, dims, coords, attrs)


def _but_batch(dims: tuple[str, ...]) -> tuple[str, ...]:
    """The axes that make an array what its name says: several items of it, or one alone, are the same."""
    return tuple(dim for dim in dims if dim != "batch")


def _default_dims(name: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    entry = known_array(name)
    if entry is None:
        raise AxisError(
            f"{name} is no well-known name, so its {len(shape)} axes must be named: "
            f"dims={{{name!r}: (...)}}.{did_you_mean(name, KNOWN)}"
        )
    if len(entry.dims) != len(shape):
        raise ShapeError(
            f"{name} must have axes {format_dims(entry.dims)}, got shape {shape}. "
            f"{_missing_axis(name, entry.dims, len(shape))}name its axes: dims={{{name!r}: (...)}}."
        )
    return entry.dims


def _missing_axis(name: str, dims: tuple[str, ...], ndim: int) -> str:
    """How to add the one axis that is missing, if it is one."""
    if ndim != len(dims) - 1:
        return "Or "
    axis = "head" if "head" in dims and "query" not in dims else "batch" if "layer" not in dims else "layer"
    if axis not in dims:
        return "Or "
    index = "[" + ", ".join([":"] * dims.index(axis) + ["None"]) + "]"
    what = {"head": "A single head", "batch": "No batch", "layer": "A single layer"}[axis]
    return f"{what}? Add its axis: {name}{index}. Or "


def _with_coords(arrays: list[NamedArray], coords: object) -> list[NamedArray]:
    """Hang each axis' labels on every array that has the axis; labels by array name on that array alone."""
    if coords is None:
        return arrays
    if not isinstance(coords, Mapping):
        raise LabelError(
            f"coords must map axis names to labels, got {type(coords).__name__}. Pass {{'slot': [...]}}."
        )
    own = {array.name: dict(array.coords) for array in arrays}
    for dim, labels in coords.items():
        if isinstance(labels, Mapping):
            continue
        axis = mask_axis(dim) if is_mask(dim) else dim
        having = [array for array in arrays if axis in array.dims] if axis is not None else arrays
        if not having:
            dims = dict.fromkeys(dim for array in arrays for dim in array.dims)
            raise LabelError(
                f"coords labels the axis {dim!r}, which no array has; there are {format_dims(dims)}."
                f"{did_you_mean(dim, dims)}"
            )
        for array in having:
            own[array.name][dim] = labels
    for name, labels in coords.items():
        if isinstance(labels, Mapping):
            if name not in own:
                raise LabelError(
                    f"coords names {name!r}, which is not among the arrays.{did_you_mean(name, own)}"
                )
            own[name].update(labels)
    return [
        NamedArray(array.name, array.values, array.dims, own[array.name], array.attrs) for array in arrays
    ]
