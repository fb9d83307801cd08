"""A canvas of vectors, as PDF, by matplotlib; its font travels inside.

Nothing here touches ``pyplot``, the chosen backend or a style: the file is the same whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from math import cos, radians, sin
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from nsm_widgets._errors import MissingDependencyError
from nsm_widgets.export.picture.canvas._canvas import MIDDLE, SHARES, Canvas, Color, Point
from nsm_widgets.export.picture.canvas._geometry import Box
from nsm_widgets.export.picture.canvas._glyphs import TEXT_PX, FontFile
from nsm_widgets.export.picture.canvas._magnify import magnified
from nsm_widgets.view import Theme

if TYPE_CHECKING:
    from matplotlib.backend_bases import RendererBase

Step = Callable[[Any], None]
"""Draws one thing on a renderer, in points from the left lower corner."""

_PX_PER_INCH, _POINTS_PER_PX = 96, 0.75
_SETTINGS = {"pdf.fonttype": 42, "pdf.compression": 6}  # 42: whole glyphs that an editor can still change


def pdf_lettering() -> FontFile:
    """The letters of a PDF: those of DejaVu Sans, which comes with matplotlib.

    Raises:
        MissingDependencyError: Without matplotlib.
    """
    return FontFile(Path(_matplotlib().get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


class PdfCanvas(Canvas):
    """A page in the making.

    Args:
        width: In CSS pixels, 96 to the inch.
        height: In CSS pixels.
        theme: Whose colours to draw with.
        density: Pixels of cells along the side of a CSS pixel.
        name: Title of the document.

    Raises:
        MissingDependencyError: Without matplotlib.
    """

    def __init__(self, width: int, height: int, theme: Theme, density: float = 1, name: str = "") -> None:
        super().__init__(width, height, theme)
        self.density, self.name = density, name
        self._letters = pdf_lettering()
        self._steps: list[Step] = []
        self.fill(Box(0, 0, width, height), self.ink.background)

    def text(self, at: Point, text: str, anchor: str, color: Color, size_px: int = TEXT_PX) -> None:
        """Write from left to right."""
        left = at[0] - self._letters.width(text, size_px) * SHARES[anchor[0]]
        baseline = at[1] + (MIDDLE * size_px if anchor[1] == "m" else 0)
        self._text((left, baseline), text, color, size_px, 0)

    def turned_text(self, at: Point, text: str, anchor: str, color: Color) -> None:
        """Write from bottom to top, the point in the middle of the line."""
        start = at[1] + self._letters.width(text, TEXT_PX) * SHARES[anchor[0]]
        self._text((at[0] + MIDDLE * TEXT_PX, start), text, color, TEXT_PX, 90)

    def slanted_text(self, at: Point, text: str, anchor: str, color: Color, degrees: float) -> None:
        """Write in a direction, clockwise from the right; the point is in the middle of the line."""
        back = self._letters.width(text, TEXT_PX) * SHARES[anchor[0]]
        across, down = cos(radians(degrees)), sin(radians(degrees))
        drop = MIDDLE * TEXT_PX
        start = at[0] - back * across - drop * down, at[1] - back * down + drop * across
        self._text(start, text, color, TEXT_PX, -degrees)

    def cells(self, texels: UInt8[np.ndarray, "row column 3"], box: Box) -> None:
        """One image for each box."""
        pixels = np.dstack([grown := magnified(texels, box, self.density), np.full(grown.shape[:2], 255)])
        upwards = pixels[::-1].astype(np.uint8)

        def step(renderer: RendererBase) -> None:
            from matplotlib.transforms import Affine2D

            size = Affine2D().scale(box.width * _POINTS_PER_PX, box.height * _POINTS_PER_PX)
            renderer.draw_image(renderer.new_gc(), *self._points([(box.left, box.bottom)])[0], upwards, size)

        self._steps.append(step)

    def fill(self, box: Box, color: Color) -> None:
        """A rectangle in one colour."""
        left, top, right, bottom = box.left, box.top, box.right, box.bottom
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], color)

    def stroke(self, points: Sequence[Point], width: float, color: Color) -> None:
        """A line from point to point."""
        self._path(points, color, width * _POINTS_PER_PX)

    def polygon(self, corners: Sequence[Point], color: Color) -> None:
        """An area in one colour."""
        self._path([*corners, corners[0]], color, None)

    def disc(self, center: Point, radius: float, color: Color) -> None:
        """The area of a circle in one colour."""

        def step(renderer: RendererBase) -> None:
            from matplotlib.path import Path as Outline
            from matplotlib.transforms import IdentityTransform

            context = renderer.new_gc()
            context.set_linewidth(0)
            circle = Outline.circle(self._points([center])[0], radius * _POINTS_PER_PX)
            renderer.draw_path(context, circle, IdentityTransform(), _shares(color))

        self._steps.append(step)

    def curve(self, shaft: Sequence[Point], width: float, color: Color) -> None:
        """A line along a Bézier curve."""
        self._path(shaft, color, width * _POINTS_PER_PX, curved=True)

    def file(self) -> bytes:
        """A PDF file."""
        from matplotlib.artist import Artist
        from matplotlib.backends.backend_pdf import FigureCanvasPdf
        from matplotlib.figure import Figure

        matplotlib, steps = _matplotlib(), self._steps

        class Sheet(Artist):
            def draw(self, renderer: object) -> None:
                for step in steps:
                    step(renderer)

        file = BytesIO()
        about = {"Title": self.name, "Creator": "nsm_widgets", "CreationDate": None}
        # the backend takes these from nowhere else; the caller's settings are back in place afterwards
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_SETTINGS)
            figure = Figure(figsize=(self.width / _PX_PER_INCH, self.height / _PX_PER_INCH), frameon=False)
            figure.add_artist(Sheet())
            FigureCanvasPdf(figure).print_pdf(file, metadata=about)  # type: ignore[no-untyped-call]
        return file.getvalue()

    def _points(self, points: Sequence[Point]) -> list[Point]:
        return [(x * _POINTS_PER_PX, (self.height - y) * _POINTS_PER_PX) for x, y in points]

    def _text(self, start: Point, text: str, color: Color, size_px: int, angle: float) -> None:
        if not text:
            return

        def step(renderer: RendererBase) -> None:
            from matplotlib.font_manager import FontProperties

            letters = FontProperties(fname=str(self._letters.path), size=size_px * _POINTS_PER_PX)
            context = renderer.new_gc()
            context.set_foreground(_shares(color))
            renderer.draw_text(context, *self._points([start])[0], text, letters, angle, ismath=False)

        self._steps.append(step)

    def _path(
        self, points: Sequence[Point], color: Color, line_width: float | None, *, curved: bool = False
    ) -> None:
        """Along the points where there is a line width, else the area within."""

        def step(renderer: RendererBase) -> None:
            from matplotlib.path import Path as Outline
            from matplotlib.transforms import IdentityTransform

            context = renderer.new_gc()
            context.set_foreground(_shares(color))
            context.set_linewidth(line_width or 0)
            inside = None if line_width else _shares(color)
            bend = Outline.CURVE3 if len(points) == 3 else Outline.CURVE4
            codes = [Outline.MOVETO, *([bend] * (len(points) - 1))] if curved else None
            renderer.draw_path(context, Outline(self._points(points), codes), IdentityTransform(), inside)

        self._steps.append(step)


def _shares(color: Color) -> tuple[float, float, float]:
    """As matplotlib says colours: in [0, 1]."""
    return color[0] / 255, color[1] / 255, color[2] / 255


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise MissingDependencyError(
            'A PDF needs matplotlib: pip install "nsm_widgets[plot]". PNG and SVG need nothing more.'
        ) from error
    return matplotlib
