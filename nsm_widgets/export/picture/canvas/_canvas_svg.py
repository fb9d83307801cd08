"""A canvas of vectors, as SVG: text stays text, which a reader can search and an editor can change."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from xml.sax.saxutils import escape

import numpy as np
from jaxtyping import UInt8

from nsm_widgets.export.picture.canvas._canvas import MIDDLE, SHARES, Canvas, Color, Point
from nsm_widgets.export.picture.canvas._geometry import Box
from nsm_widgets.export.picture.canvas._glyphs import TEXT_PX
from nsm_widgets.export.picture.canvas._magnify import magnified
from nsm_widgets.export.picture.canvas._png import png
from nsm_widgets.view import Theme

_FONTS = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_ANCHORS = {0.0: "start", 0.5: "middle", 1.0: "end"}


class SvgCanvas(Canvas):
    """An SVG file in the making.

    Args:
        width: In CSS pixels.
        height: In CSS pixels.
        theme: Whose colours to draw with.
        density: Pixels of cells along the side of a CSS pixel.
        name: What a screen reader says of the whole picture.
    """

    def __init__(self, width: int, height: int, theme: Theme, density: float = 1, name: str = "") -> None:
        super().__init__(width, height, theme)
        self.density, self.name = density, name
        self._parts: list[str] = []
        self.fill(Box(0, 0, width, height), self.ink.background)

    def text(self, at: Point, text: str, anchor: str, color: Color, size_px: int = TEXT_PX) -> None:
        """Write from left to right."""
        baseline = at[1] + (MIDDLE * size_px if anchor[1] == "m" else 0)
        self._text(f'x="{at[0]:.6g}" y="{baseline:.6g}"', text, anchor, color, size_px)

    def turned_text(self, at: Point, text: str, anchor: str, color: Color) -> None:
        """Write from bottom to top, the point in the middle of the line."""
        place = f"translate({at[0] + MIDDLE * TEXT_PX:.6g} {at[1]:.6g}) rotate(-90)"
        self._text(f'transform="{place}"', text, anchor, color, TEXT_PX)

    def slanted_text(self, at: Point, text: str, anchor: str, color: Color, degrees: float) -> None:
        """Write in a direction, clockwise from the right; the point is in the middle of the line."""
        place = f"translate({at[0]:.6g} {at[1]:.6g}) rotate({degrees:.6g})"
        self._text(f'transform="{place}" y="{MIDDLE * TEXT_PX:.6g}"', text, anchor, color, TEXT_PX)

    def cells(self, texels: UInt8[np.ndarray, "row column 3"], box: Box) -> None:
        """One image for each box."""
        content = b64encode(png(magnified(texels, box, self.density))).decode("ascii")
        self._parts.append(
            f'<image {_place(box)} preserveAspectRatio="none" style="image-rendering: pixelated" '
            f'href="data:image/png;base64,{content}"/>'
        )

    def fill(self, box: Box, color: Color) -> None:
        """A rectangle in one colour."""
        self._parts.append(f'<rect {_place(box)} fill="{_hex(color)}"/>')

    def stroke(self, points: Sequence[Point], width: float, color: Color) -> None:
        """A line from point to point."""
        self._parts.append(
            f'<polyline points="{_points(points)}" fill="none" stroke="{_hex(color)}" '
            f'stroke-width="{width:g}"/>'
        )

    def polygon(self, corners: Sequence[Point], color: Color) -> None:
        """An area in one colour."""
        self._parts.append(f'<polygon points="{_points(corners)}" fill="{_hex(color)}"/>')

    def disc(self, center: Point, radius: float, color: Color) -> None:
        """The area of a circle in one colour."""
        self._parts.append(
            f'<circle cx="{center[0]:.6g}" cy="{center[1]:.6g}" r="{radius:.6g}" fill="{_hex(color)}"/>'
        )

    def curve(self, shaft: Sequence[Point], width: float, color: Color) -> None:
        """A line along a Bézier curve."""
        bend = "Q" if len(shaft) == 3 else "C"
        self._parts.append(
            f'<path d="M{_points(shaft[:1])} {bend}{_points(shaft[1:])}" fill="none" '
            f'stroke="{_hex(color)}" stroke-width="{width:.6g}"/>'
        )

    def file(self) -> bytes:
        """An SVG file."""
        size = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{_FONTS}" role="img">'
        name = f"<title>{escape(self.name)}</title>"
        return "\n".join(
            ['<?xml version="1.0" encoding="UTF-8"?>', head, name, *self._parts, "</svg>", ""]
        ).encode()

    def _text(self, place: str, text: str, anchor: str, color: Color, size_px: int) -> None:
        side = _ANCHORS[SHARES[anchor[0]]]
        self._parts.append(
            f'<text {place} font-size="{size_px}" text-anchor="{side}" fill="{_hex(color)}" '
            f'xml:space="preserve">{escape(text)}</text>'
        )


def _place(box: Box) -> str:
    return f'x="{box.left}" y="{box.top}" width="{box.width}" height="{box.height}"'


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.6g},{y:.6g}" for x, y in points)


def _hex(color: Color) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
