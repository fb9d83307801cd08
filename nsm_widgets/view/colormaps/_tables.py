"""The colours of every map: ours, matplotlib's, lists of colours; mirrored by ``js/src/color/tables.ts``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Literal, cast

import numpy as np
from jaxtyping import Float, UInt8

from nsm_widgets._axes import did_you_mean
from nsm_widgets._errors import OptionError, UnknownOptionError
from nsm_widgets.view.colormaps._own import colors_in, is_list, list_as_text, matplotlib_table, rgb_of

Theme = Literal["light", "dark"]
MapKind = Literal["sequential", "diverging"]
Rgb = tuple[int, int, int]

MARKS: tuple[Rgb, Rgb, Rgb] = ((204, 51, 153), (230, 0, 38), (0, 70, 200))
"""Ground colours of cells that are NaN, infinite, and infinite below zero."""

OTHER_MARKS: tuple[Rgb, ...] = ((0, 120, 60), (120, 70, 10), (110, 60, 190), (90, 90, 90), (20, 20, 20))
"""Those that stand in where a map of the reader's own comes near one of these; white is read on each."""

NEAR_MARK, NEUTRAL, LIGHTER = 0.08, 0.1, 0.1
"""In OKLab: how near a mark no colour of a map may come; how little hue the middle of a diverging map has,
and by how much it is lighter or darker than both ends."""


def colormap_names(kind: MapKind | None = None) -> tuple[str, ...]:
    """Names of our colour maps, all or those of one kind."""
    return tuple(name for name, entry in _maps().items() if kind is None or entry["kind"] == kind)


def as_colormap(cmap: object) -> str:
    """The text that stands for a colour map: its name, or its colours as ``"#ffffff,#dc143c"``.

    Args:
        cmap: A name of ours or of matplotlib's; or a list of 2 to 256 colours, which stand at even steps
            from the low end to the high one, mixed in sRGB between them; or what this function or
            :func:`colormap_for_page` gives.

    Raises:
        UnknownOptionError: If there is no map of that name.
        OptionError: If it is neither a name nor a list of colours.
        MissingDependencyError: If it may be one of matplotlib's, which is not installed.

    Example:
        >>> as_colormap(["white", (1.0, 0.0, 0.0)])
        '#ffffff,#ff0000'
    """
    if isinstance(cmap, str):
        name = cmap.split(" ")[0]
        if is_list(name):
            return list_as_text(colors_in(name))
        colormap_kind(name)
        return name
    if not isinstance(cmap, (Sequence, np.ndarray)):
        raise OptionError(
            f"cmap must be the name of a colour map or a list of colours, got {type(cmap).__name__}. "
            "Of matplotlib's maps, give the name: cmap='plasma'."
        )
    return list_as_text(cmap)


@cache
def colormap_kind(name: str) -> MapKind:
    """Whether a map runs from nothing to much, or to both sides of zero.

    One that is not ours runs to both sides where its middle has little hue and is lighter, or darker, than
    both of its ends.

    Raises:
        UnknownOptionError: If there is no map of that name.
        MissingDependencyError: If it may be one of matplotlib's, which is not installed.
    """
    if name in _maps():
        return cast(MapKind, _maps()[name]["kind"])
    low, middle, high = _oklab(color_table(name)[[0, 127, 255]])
    ends = sorted((low[0], high[0]))
    stands_out = middle[0] > ends[1] + LIGHTER or middle[0] < ends[0] - LIGHTER
    return "diverging" if stands_out and np.hypot(*middle[1:]) < NEUTRAL else "sequential"


@cache
def color_table(name: str, theme: Theme = "light") -> UInt8[np.ndarray, "256 3"]:
    """The 256 colours of a map, as sRGB bytes.

    Args:
        name: What :func:`as_colormap` gives.
        theme: Maps that start at the page's background have a variant for dark pages; the others ignore it.

    Raises:
        UnknownOptionError: If there is no map of that name.
        MissingDependencyError: If it may be one of matplotlib's, which is not installed.

    Example:
        >>> color_table("ink")[0].tolist()
        [250, 250, 250]
    """
    if name in _maps():
        entry = _maps()[name]
        table = _between([rgb_of(color) for color in entry.get(theme, entry["light"])])
    elif is_list(name):
        table = _between([rgb_of(color) for color in colors_in(name)])
    else:
        foreign = matplotlib_table(name, _maps())
        if foreign is None:
            raise UnknownOptionError(
                f"cmap must be one of {', '.join(_maps())}, a name of matplotlib's, or a list of colours, "
                f"got {name[:60]!r}.{did_you_mean(name, _names())}"
            )
        table = foreign
    table.setflags(write=False)
    return table


@cache
def mark_colors(name: str) -> tuple[Rgb, Rgb, Rgb]:
    """Ground colours of NaN and both infinities, unlike every colour of the map, and unlike each other."""
    if name in _maps():
        return MARKS
    taken = _oklab(color_table(name))
    found: list[Rgb] = []
    for mark in MARKS:
        free = [color for color in (mark, *OTHER_MARKS) if color not in found]
        away = [np.linalg.norm(taken - _oklab(np.array(color)), axis=-1).min() for color in free]
        found.append(free[0] if away[0] >= NEAR_MARK else free[int(np.argmax(away))])
    nan, above, below = found
    return nan, above, below


def colormap_for_page(name: str) -> str:
    """The name of a map of ours; of any other also its kind, the colours of its marks, and its own."""
    if name == "auto" or name in _maps():
        return name
    colors = colors_in(name) if is_list(name) else [_hex(color) for color in color_table(name)]
    return " ".join([name, colormap_kind(name), *map(_hex, mark_colors(name)), *colors])


def _hex(color: object) -> str:
    return "#" + bytes(np.asarray(color, dtype=np.uint8)).hex()


def _between(anchors: list[Rgb]) -> UInt8[np.ndarray, "256 3"]:
    """256 colours at even steps from the first anchor to the last, each channel on a line between two."""
    nodes = np.asarray(anchors, dtype=np.float64)
    position = np.arange(256) * (len(nodes) - 1) / 255
    left = np.minimum(np.floor(position).astype(int), len(nodes) - 2)
    mixed = nodes[left] + (nodes[left + 1] - nodes[left]) * (position - left)[:, None]
    table: UInt8[np.ndarray, "256 3"] = np.floor(mixed + 0.5).astype(np.uint8)
    return table


def _oklab(colors: UInt8[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape 3"]:
    """Lightness and the two axes of hue (Björn Ottosson, 2020) of sRGB bytes."""
    share = np.asarray(colors) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ np.transpose(_TO_CONES))
    lab: Float[np.ndarray, "*shape 3"] = cones @ np.transpose(_TO_LAB)
    return lab


_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def _names() -> list[str]:
    from matplotlib import colormaps

    return [*_maps(), *colormaps]


@cache
def _maps() -> dict[str, dict[str, str | list[str]]]:
    text = files("nsm_widgets.view").joinpath("colormaps.json").read_text(encoding="utf-8")
    return cast("dict[str, dict[str, str | list[str]]]", json.loads(text))
