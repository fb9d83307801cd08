"""Values printed in the cells of a heatmap, where they fit. Mirrored in ``js/src/panels/heatmap``."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.export.picture.canvas._canvas import Canvas, Color
from nsm_widgets.export.picture.canvas._geometry import Box, span
from nsm_widgets.export.picture.canvas._glyphs import drawable, text_width
from nsm_widgets.raster import Raster
from nsm_widgets.view import paint

LEAST_WIDTH_PX, LEAST_HEIGHT_PX = 34, 18
"""Smaller cells have no room for a value that can be read."""
EDGE_PX, SIZE_PX = 2, 11
DARK, LIGHT = (20, 20, 20), (255, 255, 255)
_MIDDLE_LUMINANCE = 0.179
"""At which black and white stand out alike. WCAG 2.2, relative luminance."""


def has_room(raster: Raster, width: int, height: int) -> bool:
    """Whether each cell has a texel of its own, and room for its value."""
    rows, columns = raster.codes.shape
    return not raster.pooled and width / columns >= LEAST_WIDTH_PX and height / rows >= LEAST_HEIGHT_PX


def cell_text(value: float, digits: int) -> str:
    """A value in so many significant digits, more only before the point.

    >>> [cell_text(v, 2) for v in (0.526, -0.00123, 123.4, 123456.0, 2e-7, math.nan)]
    ['0.53', '−0.0012', '123', '1.2e5', '2e−7', 'NaN']
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+inf" if value > 0 else "−inf"
    if value == 0:
        return "0"
    size = Decimal(abs(value))  # exactly: halves are rounded up, as JavaScript does
    rounded = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(size)
    exponent, sign = rounded.adjusted(), "−" if value < 0 else ""
    if not -3 <= exponent < 5:
        return f"{sign}{_plain(rounded.scaleb(-exponent))}e{str(exponent).replace('-', '−')}"
    step = Decimal(1).scaleb(min(0, exponent + 1 - digits))
    return sign + _plain(size.quantize(step, rounding=ROUND_HALF_UP))


def _plain(number: Decimal) -> str:
    """Without an exponent, nor zeros at the end of its decimals."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def fitted(value: float, room: float) -> str:
    """The value with two digits where there is room, else with one, else nothing."""
    for digits in (2, 1):
        text = drawable(cell_text(value, digits))
        if text_width(text, SIZE_PX) <= room:
            return text
    return ""


def ink_on(color: Color) -> Color:
    """Black or white, whichever stands out.

    >>> ink_on((250, 250, 250)), ink_on((10, 30, 90))
    ((20, 20, 20), (255, 255, 255))
    """
    shares = [value / 255 for value in color]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return DARK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > _MIDDLE_LUMINANCE else LIGHT


def draw_values(
    canvas: Canvas, plane: Shaped[np.ndarray, "row column"], raster: Raster, cmap: str, box: Box
) -> None:
    """Print each value into its cell.

    Args:
        canvas: To print on.
        plane: The values, a cell for each texel of the raster.
        raster: Their codes.
        cmap: The colours that they are painted in.
        box: The drawn area.
    """
    rows, columns = plane.shape
    colors = paint(raster.codes, cmap, canvas.theme)
    for row in range(rows):
        top, bottom = span(row, rows, box.height)
        for column in range(columns):
            left, right = span(column, columns, box.width)
            red, green, blue = colors[row, column].tolist()
            text = fitted(float(plane[row, column]), right - left - 2 * EDGE_PX)
            at = box.left + (left + right) / 2, box.top + (top + bottom) / 2
            canvas.text(at, text, "mm", ink_on((red, green, blue)), SIZE_PX)
