"""Marks on cells that are no plain value, so that they are told apart without colour."""

from __future__ import annotations

import numpy as np

from nsm_widgets.export.picture.canvas._canvas import Canvas
from nsm_widgets.export.picture.canvas._geometry import Box, middles, span
from nsm_widgets.raster import Raster
from nsm_widgets.view import ABOVE, BELOW, NAN, POSITIVE_INFINITY, mark_colors

SMALLEST_MARKED_PX = 7
MOST_MARKS = 2_000
_WHITE = (255, 255, 255)


def draw_marks(canvas: Canvas, raster: Raster, cmap: str, box: Box, *, least: int = NAN) -> None:
    """A cross for NaN, a plus or a minus for infinities, a corner for clipped cells; none on tiny cells.

    Codes below ``least`` get none either.
    """
    rows, columns = raster.codes.shape
    if min(box.height / rows, box.width / columns) < SMALLEST_MARKED_PX:
        return
    clipped = mark_colors(cmap)[0]
    for row, column in np.argwhere(raster.codes >= least)[:MOST_MARKS].tolist():
        top, bottom = span(row, rows, box.height)
        left, right = span(column, columns, box.width)
        cell = Box(box.left + left, box.top + top, right - left, bottom - top)
        _draw_mark(canvas, int(raster.codes[row, column]), cell, clipped)


def _draw_mark(canvas: Canvas, code: int, cell: Box, clipped: tuple[int, int, int]) -> None:
    arm = max(2, round(min(cell.width, cell.height) * 0.28))
    x, y = cell.left + (cell.width - 1) // 2, cell.top + (cell.height - 1) // 2
    width = max(1, arm // 4)
    if code in (ABOVE, BELOW):
        corner = (cell.right - 1, cell.top if code == ABOVE else cell.bottom - 1)
        inward = 1 if code == ABOVE else -1
        points = [corner, (corner[0] - 2 * arm, corner[1]), (corner[0], corner[1] + inward * 2 * arm)]
        canvas.polygon(middles(points), clipped)
    elif code == NAN:
        canvas.line((x - arm, y - arm), (x + arm, y + arm), _WHITE, width)
        canvas.line((x - arm, y + arm), (x + arm, y - arm), _WHITE, width)
    else:
        canvas.line((x - arm, y), (x + arm, y), _WHITE, width)
        if code == POSITIVE_INFINITY:
            canvas.line((x, y - arm), (x, y + arm), _WHITE, width)
