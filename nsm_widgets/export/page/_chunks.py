"""Arrays in compressed chunks, one for each picture that can be shown, opened by the page when it is.

An array is cut along the axes that no panel draws (time, head, ...). A chunk holds what is left, C-contiguous
and little-endian, its bytes sorted by significance (all first bytes, then all second ones, ...: alike bytes
compress well), as a zlib stream in base64, whose CRC-32 stands in the header.
``js/src/arrays/packed-array.ts`` reads it.
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

from nsm_widgets._float16 import to_float16
from nsm_widgets.raster import rasterize
from nsm_widgets.view import LOG_FLOOR, ColorDomain, ColorScale, color_codes

Precision = Literal["exact", "float16", "display"]
"""How values are kept in an exported page:

``exact``: as they are. ``float16``: rounded to 11 significant bits, or to a billionth of the largest.
``display``: as their colours, 256 steps on the scale that is chosen, at most :data:`MOST_TEXELS` a side,
each the strongest of the cells it stands for.
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


class TooLargeError(Exception):
    """The chunks of an array take more than there is room for."""


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
    own_ranges: bool = False
    """Whether each picture has a colour domain of its own, which no one table of colours can hold."""


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
    *,
    most: float = math.inf,
) -> ChunkedArray:
    """Cut an array into chunks and compress them.

    ``display`` cannot hold arrays that are not drawn as pictures on one colour domain, shared by all, and one
    scale (of linear, log and rank): they are kept as ``float16``. Integers are always exact.

    Args:
        name: Of the array.
        values: Of a type that JavaScript has.
        dims: Names of the axes.
        drawing: How views draw it.
        precision: What is asked for.
        most: Characters that the chunks may take.

    Raises:
        TooLargeError: If they take more; the rest is then not compressed.
    """
    header: dict[str, object] = {}
    kept = precision
    if kept == "display" and not _is_picture(drawing):
        kept = "float16"
    if kept == "float16" and values.dtype.kind != "f":
        kept = "exact"
    wire = values
    if kept == "float16":
        wire, exponent, lossless = to_float16(values, drawing.domain)
        header |= {"exponent": exponent, "wide": values.dtype.itemsize > 4}
        kept = "exact" if lossless else kept
    whole = values.nbytes <= WHOLE_BYTES and kept != "display"
    outer = [] if whole else [dim for dim in dims if dim not in drawing.axes]
    inner = [dim for dim in dims if dim not in outer]
    planes = wire.transpose([dims.index(dim) for dim in (*outer, *inner)])
    shape = planes.shape[len(outer) :]
    planes = planes.reshape(-1, *shape)
    header |= {
        "outer": outer,
        "dims": inner,
        "shape": list(shape),
        "precision": kept,
        "type": wire.dtype.name,
    }
    parts: Iterator[Shaped[np.ndarray, "..."]] = iter(planes)
    if kept == "display":
        parts = (_codes(plane, drawing) for plane in planes)
        texels = [min(length, MOST_TEXELS) for length in shape]
        header |= {"texels": texels, "table": _representatives(drawing), "type": "uint16"}
    level = _FAST_LEVEL if values.nbytes > _FAST_ABOVE else _LEVEL
    ends: list[int] = []
    sums: list[int] = []
    texts: list[str] = []
    for part in parts:
        packed = zlib.compress(_by_significance(part), level)
        sums.append(zlib.crc32(packed))
        texts.append(b64encode(packed).decode("ascii"))
        ends.append((ends[-1] if ends else 0) + len(texts[-1]))
        if ends[-1] > most:
            raise TooLargeError
    return ChunkedArray(name, kept, {**header, "ends": ends, "sums": sums}, "".join(texts))


def _is_picture(drawing: Drawing) -> bool:
    return (
        drawing.as_picture
        and drawing.scale != "row-max"
        and not drawing.own_ranges
        and len(drawing.axes) == 2
    )


def _codes(plane: Shaped[np.ndarray, "row column"], drawing: Drawing) -> Shaped[np.ndarray, "row column"]:
    assert drawing.domain is not None
    raster = rasterize(
        plane,
        drawing.domain,
        drawing.scale,
        thresholds=drawing.thresholds,
        max_rows=MOST_TEXELS,
        max_columns=MOST_TEXELS,
        may_clip=False,  # only counted; clipped codes are given all the same
    )
    return raster.codes


def _representatives(drawing: Drawing) -> list[float]:
    """A value for each of the 256 colours, which gets that colour again; then one above and one below."""
    assert drawing.domain is not None
    domain = drawing.domain
    position = np.arange(256) / 255
    if drawing.scale == "rank":
        return [*_of_each_rank(domain, drawing.thresholds), domain.high, domain.low]  # ranks clip nothing
    if drawing.scale == "linear":
        table = (1 - position) * domain.low + position * domain.high
    elif domain.diverging:
        floor = LOG_FLOOR * domain.high or 1.0
        full = np.log1p(domain.high / floor or 1.0)
        table = np.sign(position - 0.5) * floor * np.expm1(np.abs(2 * position - 1) * full)
    else:
        floor = LOG_FLOOR * domain.width or 1.0
        above_low = floor * np.expm1(position * np.log1p(domain.width / floor))
        table = (domain.low * domain.unit + above_low) / domain.unit
    inside = np.clip(table, domain.low, domain.high)
    return [*map(float, inside), domain.high + 2 * domain.slack, domain.low - 2 * domain.slack]


def _of_each_rank(domain: ColorDomain, thresholds: Sequence[float]) -> list[float]:
    """A value of each colour's rank. Those of one rank lie between two thresholds, the upper included."""
    magnitudes = np.array([0.0, *thresholds, np.nextafter(thresholds[-1], np.inf)])
    candidates = np.concatenate([-magnitudes, magnitudes]) if domain.diverging else magnitudes[1:]
    table = np.zeros(256)
    table[color_codes(candidates, domain, "rank", quantiles=thresholds)] = candidates
    return [float(value) for value in table]


def _by_significance(values: Shaped[np.ndarray, "..."]) -> bytes:
    """The bytes of all values, sorted by their place within a value."""
    flat = np.ascontiguousarray(values).reshape(-1)
    if sys.byteorder == "big":
        flat = flat.byteswap()
    return flat.view(np.uint8).reshape(len(flat), flat.itemsize).T.tobytes()
