"""A canvas of pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from math import ceil

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from nsm_widgets._text import MINUS
from nsm_widgets.export.picture.canvas._canvas import MIDDLE, SHARES, Canvas, Color, Point
from nsm_widgets.export.picture.canvas._geometry import Box, texel_under
from nsm_widgets.export.picture.canvas._glyphs import TEXT_PX, font
from nsm_widgets.export.picture.canvas._png import png
from nsm_widgets.view import Theme

FEW_LEVELS, ALL_LEVELS = 4, 255
"""Steps between paper and ink at the edges of letters. Most of a small picture's bytes would be in them."""

FINER, FINEST = 4, 8
"""Where edges are soft, each pixel is the mean of so many squared; no more than so many to a CSS pixel."""


class PixelCanvas(Canvas):
    """An RGB picture.

    Args:
        width: In CSS pixels.
        height: In CSS pixels.
        theme: Whose colours to draw with.
        density: Pixels along the side of a CSS pixel.
        levels: See :data:`FEW_LEVELS`.
    """

    def __init__(
        self, width: int, height: int, theme: Theme, density: float = 1, levels: int = FEW_LEVELS
    ) -> None:
        super().__init__(width, height, theme)
        self.density, self.levels = density, levels
        size = max(1, round(width * density)), max(1, round(height * density))
        self.image = Image.new("RGB", size, self.ink.background)
        self._pen = ImageDraw.Draw(self.image)
        self._scale, self._origin = density, (0, 0)

    def text(self, at: Point, text: str, anchor: str, color: Color, size_px: int = TEXT_PX) -> None:
        """Write from left to right."""
        size = size_px * self.density
        stencil, up = _stencil(text, size, self.levels)
        left = at[0] * self.density - stencil.width * SHARES[anchor[0]]
        baseline = at[1] * self.density + (MIDDLE * size if anchor[1] == "m" else 0)
        self.image.paste(color, (round(left), round(baseline) - up), stencil)

    def turned_text(self, at: Point, text: str, anchor: str, color: Color) -> None:
        """Write from bottom to top, the point in the middle of the line."""
        size = TEXT_PX * self.density
        stencil, up = _stencil(text, size, self.levels)
        turned = stencil.transpose(Image.Transpose.ROTATE_90)
        left = round(at[0] * self.density + MIDDLE * size) - up
        top = at[1] * self.density - stencil.width * (1 - SHARES[anchor[0]])
        self.image.paste(color, (left, round(top)), turned)

    def slanted_text(self, at: Point, text: str, anchor: str, color: Color, degrees: float) -> None:
        """Write in a direction, clockwise from the right; the point is in the middle of the line."""
        size = TEXT_PX * self.density
        stencil, up = _stencil(text, size, self.levels)
        middle = stencil.width + stencil.height
        square = Image.new("L", (2 * middle, 2 * middle))
        square.paste(
            stencil, (round(middle - stencil.width * SHARES[anchor[0]]), round(middle - up + MIDDLE * size))
        )
        turned = square.rotate(-degrees, Image.Resampling.BICUBIC)
        left, top = round(at[0] * self.density) - middle, round(at[1] * self.density) - middle
        self.image.paste(color, (left, top), turned)

    def cells(self, texels: UInt8[np.ndarray, "row column 3"], box: Box) -> None:
        """Each pixel has the colour of the texel under its middle."""
        left, top, right, bottom = self._edges(box)
        rows = texel_under(bottom - top, texels.shape[0])
        columns = texel_under(right - left, texels.shape[1])
        self.image.paste(Image.fromarray(texels[:, columns][rows]), (left, top))

    def fill(self, box: Box, color: Color) -> None:
        """A rectangle in one colour."""
        left, top, right, bottom = self._edges(box)
        self._pen.rectangle((left, top, right - 1, bottom - 1), fill=color)

    def stroke(self, points: Sequence[Point], width: float, color: Color) -> None:
        """A line from point to point."""
        across = max(1, round(width * self._scale))
        self._pen.line(self._pixels(points), fill=color, width=across, joint="curve")

    def polygon(self, corners: Sequence[Point], color: Color) -> None:
        """An area in one colour."""
        self._pen.polygon(self._pixels(corners), fill=color)

    def disc(self, center: Point, radius: float, color: Color) -> None:
        """The area of a circle in one colour."""
        ((x, y),) = self._pixels([center])
        far = radius * self._scale
        self._pen.ellipse((x - far, y - far, x + far, y + far), fill=color)

    @contextmanager
    def smooth(self, box: Box) -> Iterator[None]:
        """Drawn larger, then made smaller."""
        edges = self._edges(box)
        finer = min(FINER, max(1, int(FINEST / self.density)))
        part = self.image.crop(edges)
        before = self._pen, self._scale, self._origin
        layer = part.resize((part.width * finer, part.height * finer), Image.Resampling.NEAREST)
        self._pen = ImageDraw.Draw(layer)
        self._scale, self._origin = self.density * finer, (edges[0] * finer, edges[1] * finer)
        try:
            yield
        finally:
            self._pen, self._scale, self._origin = before
        self.image.paste(layer.reduce(finer), edges[:2])

    def file(self) -> bytes:
        """A PNG file."""
        return png(np.asarray(self.image), dots_per_inch=96 * self.density)

    def _edges(self, box: Box) -> tuple[int, int, int, int]:
        """The box in pixels; one at least each way."""
        left, top = round(box.left * self.density), round(box.top * self.density)
        right, bottom = round(box.right * self.density), round(box.bottom * self.density)
        return left, top, max(right, left + 1), max(bottom, top + 1)

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        """Points as Pillow counts them: at the middle of a pixel, not at its corner."""
        left, top = self._origin
        return [(x * self._scale - left - 0.5, y * self._scale - top - 0.5) for x, y in points]


@lru_cache(maxsize=1024)
def _stencil(text: str, size: float, levels: int) -> tuple[Image.Image, int]:
    """How much ink each pixel of a line takes, and how many of its rows lie above the baseline."""
    letters = font(size)
    _, top, right, bottom = letters.getbbox(text.replace(MINUS, "+"), anchor="ls")
    up = max(1, ceil(-top))
    stencil = Image.new("L", (max(1, ceil(right)), up + max(0, ceil(bottom))))
    draw, x = ImageDraw.Draw(stencil), 0.0
    for part in re.split(f"({MINUS})", text):
        if part == MINUS:  # the font has none
            stroke, left, top = _minus(size)
            stencil.paste(stroke, (round(x) + left, up - ceil(2 * size) + top))
        else:
            draw.text((x, up), part, fill=255, font=letters, anchor="ls")
        x += letters.getlength(part.replace(MINUS, "+"))
    step = 255 / levels
    return stencil.point([round(round(v / step) * step) for v in range(256)]), up


@lru_cache(maxsize=16)
def _minus(size: float) -> tuple[Image.Image, int, int]:
    """A hyphen as wide as a plus and as high up; where it begins, and how far below the top."""
    plus, hyphen = (_drawn(sign, size) for sign in "+-")
    left, top, right, bottom = plus.getbbox() or (0, 0, 1, 1)
    stroke = hyphen.crop(hyphen.getbbox())
    return stroke.resize((right - left, stroke.height)), left, top + (bottom - top - stroke.height) // 2


def _drawn(sign: str, size: float) -> Image.Image:
    """On a baseline at twice the letters' size."""
    drawn = Image.new("L", (ceil(2 * size), ceil(3 * size)))
    ImageDraw.Draw(drawn).text((0, ceil(2 * size)), sign, fill=255, font=font(size), anchor="ls")
    return drawn
