"""Colour maps of the reader's own: lists of colours, and those that matplotlib has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import UInt8

from nsm_widgets._errors import MissingDependencyError, OptionError
from nsm_widgets._options import is_number

ColorOfMap: TypeAlias = str | Sequence[float]
"""``"#1a9850"``, a name of CSS as ``"crimson"``, or red, green and blue from 0 to 1."""

ColorMap: TypeAlias = str | Sequence[ColorOfMap]
"""A name of ours or of matplotlib's, or a list of colours, which stand at even steps from low to high."""

FEWEST_COLORS, MOST_COLORS = 2, 256


def is_list(name: str) -> bool:
    """Whether a map is a list of colours, as text: ``"#ffffff,#dc143c"``."""
    return name.startswith("#")


def colors_in(name: str) -> list[str]:
    """The colours of such a list."""
    return name.split(",")


def list_as_text(colors: Iterable[object]) -> str:
    """A list of colours as text.

    Raises:
        OptionError: If one is no colour, or there are too few or too many.
    """
    found = [_hex_of(color) for color in colors]
    if not FEWEST_COLORS <= len(found) <= MOST_COLORS:
        raise OptionError(f"a cmap of colours must have {FEWEST_COLORS} to {MOST_COLORS}, got {len(found)}.")
    return ",".join(found)


def rgb_of(color: str) -> tuple[int, int, int]:
    """Red, green and blue of six digits, from 0 to 255."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def matplotlib_table(name: str, ours: Iterable[str]) -> UInt8[np.ndarray, "256 3"] | None:
    """The 256 colours of a map of matplotlib's; none where it has no such map.

    Raises:
        MissingDependencyError: If matplotlib is not installed.
    """
    try:
        from matplotlib import colormaps
    except ImportError as error:
        raise MissingDependencyError(
            f"cmap {name!r} is none of {', '.join(ours)}, and matplotlib, which may have it, "
            "is not installed. "
            'Install it with: pip install "nsm_widgets[plot]"'
        ) from error
    if name not in colormaps:
        return None
    shares = colormaps[name](np.linspace(0, 1, 256))[:, :3]
    table: UInt8[np.ndarray, "256 3"] = (shares * 255).round().astype(np.uint8)
    return table


def _hex_of(color: object) -> str:
    from PIL import ImageColor

    try:
        if isinstance(color, str):
            red, green, blue, *opacity = ImageColor.getrgb(color.strip())
            if opacity in ([], [255]):
                return f"#{red:02x}{green:02x}{blue:02x}"
        elif isinstance(color, (Sequence, np.ndarray)):
            shares = list(color)
            if len(shares) == 3 and all(is_number(share) and 0 <= share <= 1 for share in shares):
                return "#" + bytes(int(share * 255 + 0.5) for share in shares).hex()
    except ValueError:
        pass
    raise OptionError(
        "a colour of a cmap must be '#rrggbb', a name of CSS, or red, green and blue from 0 to 1, "
        f"got {str(color)[:40]!r}."
    )
