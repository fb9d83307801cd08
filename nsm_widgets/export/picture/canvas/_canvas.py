"""A sheet to draw on, whatever it becomes: rectangles, lines, cells, and text in the colours of a theme."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from nsm_widgets.export.picture.canvas._curves import Point as Point, along
from nsm_widgets.export.picture.canvas._geometry import Box, middles
from nsm_widgets.export.picture.canvas._glyphs import TEXT_PX
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
CURSOR_MARK: Color = (0, 138, 128)

SHARES = {"l": 0.0, "m": 0.5, "r": 1.0}
"""How much of a text lies before its point, by the first letter of the anchor."""
MIDDLE = 0.36
"""How far the middle of a digit is above the baseline, as a share of the text's size."""


class Canvas(ABC):
    """A picture in the making, measured in CSS pixels from its left upper corner.

    An anchor says where in the text its point lies: across ``l``, ``m`` or ``r``, and down ``s`` for the
    baseline or ``m`` for the middle of a digit.
    """

    def __init__(self, width: int, height: int, theme: Theme) -> None:
        self.width, self.height = width, height
        self.theme = theme
        self.ink = INKS[theme]

    @abstractmethod
    def text(self, at: Point, text: str, anchor: str, color: Color, size_px: int = TEXT_PX) -> None:
        """Write from left to right."""

    @abstractmethod
    def turned_text(self, at: Point, text: str, anchor: str, color: Color) -> None:
        """Write from bottom to top, the point in the middle of the line."""

    @abstractmethod
    def slanted_text(self, at: Point, text: str, anchor: str, color: Color, degrees: float) -> None:
        """Write in a direction, clockwise from the right; the point is in the middle of the line."""

    @abstractmethod
    def cells(self, texels: UInt8[np.ndarray, "row column 3"], box: Box) -> None:
        """Fill a box with flat texels, each point the colour of the texel it lies in."""

    @abstractmethod
    def fill(self, box: Box, color: Color) -> None:
        """A rectangle in one colour."""

    @abstractmethod
    def stroke(self, points: Sequence[Point], width: float, color: Color) -> None:
        """A line from point to point."""

    @abstractmethod
    def polygon(self, corners: Sequence[Point], color: Color) -> None:
        """An area in one colour."""

    @abstractmethod
    def disc(self, center: Point, radius: float, color: Color) -> None:
        """The area of a circle in one colour."""

    def curve(self, shaft: Sequence[Point], width: float, color: Color) -> None:
        """A line along a Bézier curve: start, one or two control points, end."""
        self.stroke(along(shaft), width, color)

    @contextmanager
    def smooth(self, box: Box) -> Iterator[None]:
        """Within the block, lines and areas in this box, which hold no text, have soft edges."""
        yield

    @abstractmethod
    def file(self) -> bytes:
        """The finished picture as a file."""

    def line(self, start: Point, end: Point, color: Color, width: int = 1) -> None:
        """A straight line over the pixels from one to another, both among them."""
        (x, y), (to_x, to_y) = start, end
        if width == 1 and (x == to_x or y == to_y):
            left, top = round(min(x, to_x)), round(min(y, to_y))
            self.fill(Box(left, top, round(max(x, to_x)) - left + 1, round(max(y, to_y)) - top + 1), color)
        else:
            self.stroke(middles([start, end]), width, color)

    def frame(self, box: Box, color: Color) -> None:
        """A line one pixel wide, just outside the box."""
        left, top, width, height = box.left - 1, box.top - 1, box.width + 2, box.height + 2
        for edge in (
            Box(left, top, width, 1),
            Box(left, box.bottom, width, 1),
            Box(left, top, 1, height),
            Box(box.right, top, 1, height),
        ):
            self.fill(edge, color)
