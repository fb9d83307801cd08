"""Arrays in compressed chunks, one for each picture that can be shown, opened by the page when it is.

An array is cut along the axes that no panel draws (time, head, ...). A chunk holds what is left, C-contiguous
and little-endian, its bytes sorted by significance (all first bytes, then all second ones, ...: alike bytes
compress well), as a zlib stream in base64. ``js/src/chunks.ts`` reads it.
"""

from __future__ import annotations

import math
import sys
import zlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.export._raster import rasterize
from nsm_widgets.view import ColorDomain, ColorScale
from nsm_widgets.view._color import LOG_FLOOR

Precision = Literal["exact", "float16", "display"]
"""How values are kept in an exported page:

``exact``: as they are. ``float16``: rounded to 11 significant bits. ``display``: as their colours, 256 steps
on the scale that is chosen, at most :data:`MOST_TEXELS` a side, each the strongest of the cells it stands
for.
"""
PRECISIONS: tuple[str, ...] = get_args(Precision)

MOST_TEXELS = 512
"""Texels down and across of a picture that is kept as colours."""

WHOLE_BYTES = 1 << 18
"""An array up to this size is one chunk."""

_LEVEL = 6
_FAST_LEVEL = 1
_FAST_ABOVE = 1 << 22
"""Bytes of an array above which compression is quick instead of thorough."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How views draw one array: what ``display`` precision has to reproduce."""

    axes: frozenset[str]
    """Every axis that some panel draws."""
    domain: ColorDomain | None = None
    scale: ColorScale = "linear"
    thresholds: Sequence[float] = ()
    as_picture: bool = False
    """Whether all panels draw the same two axes as a heatmap on the same colour domain and scale."""


@dataclass(frozen=True, slots=True)
class ChunkedArray:
    """One array as it stands in a page."""

    name: str
    precision: Precision
    """What was kept: exact where the precision asked for loses nothing, or cannot hold the values."""
    header: dict[str, object] = field(repr=False)
    """What the page must know to read :attr:`text`."""
    text: str = field(repr=False)
    """All chunks, one after the other, in base64."""


def chunk_array(
    name: str,
    values: Shaped[np.ndarray, "..."],
    dims: Sequence[str],
    drawing: Drawing,
    precision: Precision,
) -> ChunkedArray:
    """Cut an array into chunks and compress them.

    ``float16`` is refused by values beyond 65,504, ``display`` by arrays that are not drawn as pictures on
    one colour domain and one scale (of linear, log and rank): the next better precision is taken instead, and
    named.

    Args:
        name: Of the array.
        values: Of a type that JavaScript has.
        dims: Names of the axes.
        drawing: How views draw it.
        precision: What is asked for.
    """
    kept, rounded = _possible(values, drawing, precision)
    outer = (
        [dim for dim in dims if dim not in drawing.axes]
        if values.nbytes > WHOLE_BYTES or kept == "display"
        else []
    )
    inner = [dim for dim in dims if dim not in outer]
    planes = (values if rounded is None else rounded).transpose([dims.index(dim) for dim in (*outer, *inner)])
    lengths = [values.shape[dims.index(dim)] for dim in outer]
    planes = planes.reshape(math.prod(lengths), *planes.shape[len(outer) :])
    shape = planes.shape[1:]
    header: dict[str, object] = {"outer": outer, "dims": inner, "shape": list(shape), "precision": kept}
    if kept == "display":
        parts: Iterator[Shaped[np.ndarray, "..."]] = (_codes(plane, drawing) for plane in planes)
        texels = [min(length, MOST_TEXELS) for length in shape]
        header |= {"texels": texels, "table": _representatives(drawing), "type": "uint16"}
    else:
        parts = (_little_endian(plane) for plane in planes)
        header["type"] = planes.dtype.name
    level = _FAST_LEVEL if values.nbytes > _FAST_ABOVE else _LEVEL
    ends, texts = [], []
    end = 0
    for part in parts:
        text = b64encode(zlib.compress(_by_significance(part), level)).decode("ascii")
        end += len(text)
        ends.append(end)
        texts.append(text)
    header["ends"] = ends
    return ChunkedArray(name, kept, header, "".join(texts))


def _possible(
    values: Shaped[np.ndarray, "..."], drawing: Drawing, precision: Precision
) -> tuple[Precision, Shaped[np.ndarray, "..."] | None]:
    """The precision that was asked for, or the next better one that holds the array; its rounded values."""
    if (
        precision == "display"
        and drawing.as_picture
        and drawing.scale != "row-max"
        and len(drawing.axes) == 2
    ):
        return "display", None
    if precision == "exact" or values.dtype.kind != "f":
        return "exact", None
    with np.errstate(over="ignore", under="ignore"):
        rounded = values.astype(np.float16)
    if np.array_equal(rounded, values, equal_nan=True):
        return "exact", rounded
    if np.array_equal(np.isfinite(rounded), np.isfinite(values)):
        return "float16", rounded
    return "exact", None


def _codes(plane: Shaped[np.ndarray, "row column"], drawing: Drawing) -> Shaped[np.ndarray, "row column"]:
    assert drawing.domain is not None
    raster = rasterize(
        plane,
        drawing.domain,
        drawing.scale,
        thresholds=drawing.thresholds,
        max_rows=MOST_TEXELS,
        max_columns=MOST_TEXELS,
    )
    return raster.codes.astype("<u2")


def _representatives(drawing: Drawing) -> list[float]:
    """A value for each of the 256 colours, which gets that colour again; then one above and one below."""
    assert drawing.domain is not None
    domain = drawing.domain
    position = np.arange(256) / 255
    if drawing.scale == "rank":
        ranked = [_of_rank(drawing.thresholds, code, diverging=domain.diverging) for code in range(256)]
        return [*ranked, domain.high, domain.low]  # ranks clip nothing
    if drawing.scale == "linear":
        table = (1 - position) * domain.low + position * domain.high
    elif domain.diverging:
        floor = LOG_FLOOR * domain.high or 1.0
        full = np.log1p(domain.high / floor or 1.0)
        table = np.sign(position - 0.5) * floor * np.expm1(np.abs(2 * position - 1) * full)
    else:
        floor = LOG_FLOOR * domain.width or 1.0
        table = domain.low + floor * np.expm1(position * np.log1p(domain.width / floor)) / domain.unit
    inside = np.clip(table, domain.low, domain.high)
    return [*map(float, inside), domain.high + 2 * domain.slack, domain.low - 2 * domain.slack]


def _of_rank(thresholds: Sequence[float], code: int, *, diverging: bool) -> float:
    """A value of the rank that this colour stands for: that has so many thresholds below it."""
    ends = [-math.inf, *thresholds, float(np.nextafter(thresholds[-1], np.inf))]
    if not diverging:
        return ends[code + 1]
    ranks = (
        (2 * (code - 128), 2 * (code - 128) + 1) if code >= 128 else (2 * (128 - code) - 1, 2 * (128 - code))
    )
    taken = next((r for r in ranks if r < 256 and ends[r] < ends[r + 1]), min(*ranks, 255))
    return math.copysign(ends[taken + 1], code - 127.5)


def _little_endian(values: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    return values if sys.byteorder == "little" else values.astype(values.dtype.newbyteorder("<"))


def _by_significance(values: Shaped[np.ndarray, "..."]) -> bytes:
    """The bytes of all values, sorted by their place within a value."""
    flat = np.ascontiguousarray(values).reshape(-1)
    return flat.view(np.uint8).reshape(len(flat), flat.itemsize).T.tobytes()
