"""What a page requests of an array that it does not hold, answered from the original values.

A request is ``{"key": ..., "kind": ..., "array": name, ...}``, its answer a header with the same key, and
bytes. By kind:

``picture``
    Colour codes of a plane, pooled to the texels that the page can show: ``y``, ``x``, ``at`` (an index for
    each other axis), ``window`` (first row, rows, first column, columns), ``domain`` (low, high, diverging),
    ``scale``, ``own`` (whether the plane has a domain of its own) and ``most`` (texels down and across).
    One byte a texel; two where a texel is NaN, infinite or clipped.
``range``
    The colour domain that a plane has by itself (low, high, whether it is diverging), and where ``ranked``
    the thresholds of its ranks: float64.
``values``
    The values of a plane, or of a ``window`` of it. Where ``y`` is ``x``, of one axis.
``part``
    A part of the whole array: ``start`` and ``stop`` of its values in C order.

A request that names nothing here, or has another kind, is not answered. One that cannot be met, because a
file is gone, is answered with ``refused``: why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.raster import rasterize
from nsm_widgets.view import COLOR_SCALES, ColorDomain, ColorScale, own_domain, own_thresholds
from nsm_widgets.widgets.page_arrays._pyramids import Pyramids
from nsm_widgets.widgets.page_arrays._wire import Sent

MOST_TEXELS = 8_192
"""Down and across, of one picture: more than a screen has."""


@dataclass(frozen=True, slots=True)
class Served:
    """An array, and what the page was told of it."""

    values: Any
    """A NumPy array, or values in a store, of which only what is requested is read."""
    sent: Sent
    dims: tuple[str, ...]
    summary: Mapping[str, float]
    thresholds: tuple[float, ...]
    magnitude_thresholds: tuple[float, ...]
    pyramids: Pyramids = field(default_factory=Pyramids)
    """Those of all arrays that are held together: they have one limit together."""

    def may_mark(self, domain: ColorDomain) -> bool:
        """Whether any value of the array is NaN, infinite, or past a domain."""
        s = self.summary
        marks = s["nan"] + s["positive_infinity"] + s["negative_infinity"]
        return marks > 0 or s["low"] < domain.low or s["high"] > domain.high


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request."""

    header: dict[str, Any]
    data: bytes | memoryview


class _MalformedError(Exception):
    """A request that no page of ours sends."""


def answer(arrays: Mapping[str, Served], request: object) -> Answer | None:
    """The answer to one request; None where it is none."""
    if not isinstance(request, Mapping) or not isinstance(request.get("key"), str):
        return None
    name, kind = request.get("array"), request.get("kind")
    if not (isinstance(name, str) and name in arrays and isinstance(kind, str) and kind in _KINDS):
        return None
    try:
        header, data = _KINDS[kind](arrays[name], request)
    except _MalformedError:
        return None
    except (OSError, MemoryError) as error:
        header, data = {"refused": f"{name} cannot be read: {error or type(error).__name__}"}, b""
    return Answer({"key": request["key"], **header}, data)


def _picture(array: Served, request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    y, x = _axes(array, request)
    if y == x:
        raise _MalformedError
    plane = _plane(array, request, y, x)
    domain, scale, (rows, columns) = _domain(request), _scale(request), _most(request)
    window = _window(request, plane.shape)
    thresholds = array.magnitude_thresholds if domain.diverging else array.thresholds
    if request.get("own") is True:
        shared, domain = domain, own_domain(plane, domain)
        thresholds = own_thresholds(plane, magnitudes=shared.diverging) if scale == "rank" else ()
    turned = array.dims[-1] == y  # rows divided by their largest run along the last axis
    if turned:
        plane, rows, columns = plane.T, columns, rows
        window = (*window[2:], *window[:2])
    place = tuple(request["at"].get(dim, 0) for dim in array.dims if dim not in (y, x))
    pyramid = array.pyramids.of((request["array"], y, x, place), plane)
    may_mark = array.may_mark(domain)
    raster = (
        rasterize(
            plane,
            domain,
            scale,
            thresholds=thresholds,
            may_clip=may_mark,
            window=window,
            max_rows=rows,
            max_columns=columns,
        )
        if pyramid is None
        else pyramid.rasterize(
            domain,
            scale,
            thresholds=thresholds,
            may_mark=may_mark,
            window=window,
            max_rows=rows,
            max_columns=columns,
        )
    )
    if turned:
        raster = raster.transposed()
    plain = not raster.codes.size or int(raster.codes.max()) < 256
    codes = np.ascontiguousarray(raster.codes, dtype="uint8" if plain else "<u2")
    header = {
        "codes": "uint8" if plain else "uint16",
        "rows": codes.shape[0],
        "columns": codes.shape[1],
        "marks": [raster.nan, raster.infinite, raster.clipped],
    }
    return header, codes.tobytes()


def _range(array: Served, request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    y, x = _axes(array, request)
    if y == x:
        raise _MalformedError
    shared = _domain(request)
    plane = _plane(array, request, y, x)
    own = own_domain(plane, shared)
    ranked = own_thresholds(plane, magnitudes=shared.diverging) if request.get("ranked") is True else ()
    return {}, np.array([own.low, own.high, own.diverging, *ranked], dtype="<f8").tobytes()


def _values(array: Served, request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    y, x = _axes(array, request)
    plane = _plane(array, request, y, x)
    if request.get("window") is not None and y != x:
        row, rows, column, columns = _window(request, plane.shape)
        plane = plane[row : row + rows, column : column + columns]
    return {}, array.sent.encode(plane)


def _part(array: Served, request: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    start, stop = request.get("start"), request.get("stop")
    if type(start) is not int or type(stop) is not int or not 0 <= start < stop <= array.values.size:
        raise _MalformedError
    return {}, array.sent.encode(np.asarray(array.values).reshape(-1)[start:stop])


_KINDS = {"picture": _picture, "range": _range, "values": _values, "part": _part}


def _axes(array: Served, request: Mapping[str, Any]) -> tuple[str, str]:
    y, x = request.get("y"), request.get("x")
    if not (isinstance(y, str) and isinstance(x, str) and {y, x} <= set(array.dims)):
        raise _MalformedError
    return y, x


def _plane(array: Served, request: Mapping[str, Any], y: str, x: str) -> Shaped[np.ndarray, "..."]:
    """Two axes at fixed indices of the others, ``y`` down; a view. Of one axis where ``y`` is ``x``."""
    at = request.get("at")
    if not isinstance(at, Mapping):
        raise _MalformedError
    place: list[int | slice] = []
    for dim, size in zip(array.dims, array.values.shape, strict=True):
        index = at.get(dim, 0)
        if dim in (y, x):
            place.append(slice(None))
        elif type(index) is int and 0 <= index < size:
            place.append(index)
        else:
            raise _MalformedError
    plane = np.asarray(array.values[tuple(place)])
    return plane if y == x or array.dims.index(y) < array.dims.index(x) else plane.T


def _window(request: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    window = request.get("window")
    if not isinstance(window, list) or len(window) != 4 or not all(type(n) is int for n in window):
        raise _MalformedError
    row, rows, column, columns = window
    for first, count, size in ((row, rows, shape[0]), (column, columns, shape[1])):
        if not (0 <= first and 1 <= count and first + count <= size):
            raise _MalformedError
    return row, rows, column, columns


def _domain(request: Mapping[str, Any]) -> ColorDomain:
    match request.get("domain"):
        case [int() | float() as low, int() | float() as high, bool() as diverging]:
            return ColorDomain(float(low), float(high), diverging)
    raise _MalformedError


def _scale(request: Mapping[str, Any]) -> ColorScale:
    scale = request.get("scale")
    if not isinstance(scale, str) or scale not in COLOR_SCALES:
        raise _MalformedError
    return cast(ColorScale, scale)


def _most(request: Mapping[str, Any]) -> tuple[int, int]:
    match request.get("most"):
        case [int() as rows, int() as columns] if rows > 0 and columns > 0:
            return min(rows, MOST_TEXELS), min(columns, MOST_TEXELS)
    raise _MalformedError
