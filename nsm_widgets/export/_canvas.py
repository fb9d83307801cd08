"""A sheet to draw on: rectangles, cells, and text in the colours of a theme."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from nsm_widgets.export._geometry import Box
from nsm_widgets.export._glyphs import TEXT_PX, font
from nsm_widgets.export._png import png
from nsm_widgets.view import Theme

Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours of everything that is no cell; those of ``js/src/style.css``."""

    background: Color
    text: Color
    faint: Color
    line: Color
    accent: Color


INKS: dict[Theme, Ink] = {
    "light": Ink((255, 255, 255), (28, 28, 30), (95, 99, 104), (200, 204, 208), (26, 115, 199)),
    "dark": Ink((23, 24, 26), (232, 232, 234), (165, 168, 173), (74, 77, 82), (90, 164, 236)),
}

CURSOR_IN: Color = (255, 255, 255)
CURSOR_OUT: Color = (17, 17, 17)


TEXT_LEVELS = 4
"""Steps between paper and ink at the edges of letters. Few: most of a picture's bytes would be in them."""


class Canvas:
    """An RGB picture in the making.

    An anchor says where in the text its point lies: across ``l``, ``m`` or ``r``, and down ``s`` for the
    baseline or ``m`` for the middle of a digit.
    """

    def __init__(self, width: int, height: int, theme: Theme) -> None:
        self.ink = INKS[theme]
        self.theme = theme
        self.image = Image.new("RGB", (width, height), self.ink.background)
        self.draw = ImageDraw.Draw(self.image)

    def text(
        self, at: tuple[float, float], text: str, anchor: str, color: Color, size_px: int = TEXT_PX
    ) -> None:
        """Write from left to right."""
        stencil, up = _stencil(text, size_px)
        left = at[0] - stencil.width * _SHARES[anchor[0]]
        baseline = at[1] + (0.36 * size_px if anchor[1] == "m" else 0)
        self.image.paste(color, (round(left), round(baseline) - up), stencil)

    def turned_text(self, at: tuple[float, float], text: str, anchor: str, color: Color) -> None:
        """Write from bottom to top, the point in the middle of the line."""
        stencil, up = _stencil(text, TEXT_PX)
        turned = stencil.transpose(Image.Transpose.ROTATE_90)
        top = at[1] - stencil.width * (1 - _SHARES[anchor[0]])
        self.image.paste(color, (round(at[0] + 0.36 * TEXT_PX) - up, round(top)), turned)

    def cells(self, colors: UInt8[np.ndarray, "row column 3"], left: int, top: int) -> None:
        """Put pixels down as they are."""
        self.image.paste(Image.fromarray(colors), (left, top))

    def frame(self, box: Box, color: Color) -> None:
        """A line one pixel wide, just outside the box."""
        corners = (box.left - 1, box.top - 1, box.right, box.bottom)
        self.draw.rectangle(corners, outline=color)

    def png(self) -> bytes:
        """The picture as a file."""
        return png(np.asarray(self.image))


_SHARES = {"l": 0.0, "m": 0.5, "r": 1.0}


@lru_cache(maxsize=1024)
def _stencil(text: str, size_px: int) -> tuple[Image.Image, int]:
    """How much ink each pixel of a line takes, and how many of its rows lie above the baseline."""
    _, top, right, bottom = font(size_px).getbbox(text, anchor="ls")
    up = max(1, ceil(-top))
    stencil = Image.new("L", (max(1, ceil(right)), up + max(0, ceil(bottom))))
    ImageDraw.Draw(stencil).text((0, up), text, fill=255, font=font(size_px), anchor="ls")
    step = 255 / TEXT_LEVELS
    return stencil.point([round(round(v / step) * step) for v in range(256)]), up
