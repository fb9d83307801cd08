"""Cells that do not count, hatched: told apart from every value by shape, not by colour alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, UInt8

from nsm_widgets.export.picture.canvas._canvas import Canvas, Color
from nsm_widgets.export.picture.canvas._geometry import Box, span
from nsm_widgets.view import LEFT_OUT, WRONG, Theme

HATCH_PX = 6
"""Between two lines, across."""
INKS: dict[Theme, tuple[Color, Color]] = {
    "light": ((228, 230, 233), (141, 147, 153)),
    "dark": ((43, 46, 50), (118, 123, 130)),
}
"""Ground and lines; those of ``js/src/panels/heatmap/hatch.ts``."""
WRONG_INKS: dict[Theme, Color] = {"light": (210, 53, 15), "dark": (255, 138, 112)}
"""Lines over what is wrong."""
_WRONG = LEFT_OUT.index(WRONG) + 1


def draw_hatch(
    canvas: Canvas,
    codes: UInt8[np.ndarray, "row column"],
    shape: tuple[int, ...],
    box: Box,
    *,
    ground: bool = True,
) -> None:
    """Hatch the cells whose code is not 0, of a picture that fills a box.

    Args:
        canvas: To draw on.
        codes: See ``left_out``.
        shape: How many texels the picture has down and across; one is hatched if none of its cells counts.
        box: Where the picture is.
        ground: Whether to cover the cells; else the lines go over them, as always over what is wrong.
    """
    rows, columns = shape
    texels = texels_of(codes, rows, columns)
    fill, line = INKS[canvas.theme]
    if (codes == _WRONG).any():
        ground, line = False, WRONG_INKS[canvas.theme]
    if ground:
        for area in _areas(texels, box):
            canvas.fill(area, fill)
    row = np.minimum(np.arange(box.height) * rows // box.height, rows - 1)
    for start in range(HATCH_PX // 2, box.width + box.height, HATCH_PX):
        y = np.arange(max(0, start - box.width + 1), min(box.height, start + 1))
        column = np.minimum((start - y) * columns // box.width, columns - 1)
        for first, last in _runs(texels[row[y], column]):
            top, bottom = int(y[first]), int(y[last - 1])
            one, other = ((box.left + start - down, box.top + down) for down in (top, bottom))
            canvas.line(one, other, line)


def left_out_notes(codes: UInt8[np.ndarray, "row column"] | None) -> list[tuple[int, str]]:
    """How many cells do not count, and why."""
    if codes is None:
        return []
    return [(int((codes == code + 1).sum()), why) for code, why in enumerate(LEFT_OUT)]


def texels_of(
    codes: UInt8[np.ndarray, "row column"], rows: int, columns: int
) -> Bool[np.ndarray, "texel_row texel"]:
    """Whether no cell of a texel counts, or one is wrong."""
    out, wrong = codes != 0, codes == _WRONG
    for axis, texels in enumerate((rows, columns)):
        starts = -(-np.arange(texels) * out.shape[axis] // texels)
        starts = np.minimum(starts, out.shape[axis] - 1)
        out = np.logical_and.reduceat(out, starts, axis=axis)
        wrong = np.logical_or.reduceat(wrong, starts, axis=axis)
    return np.asarray(out | wrong)


def _areas(texels: Bool[np.ndarray, "row column"], box: Box) -> Iterator[Box]:
    """Runs along rows, one area for equal runs below each other."""
    rows, columns = texels.shape
    same = np.flatnonzero(np.r_[True, (texels[1:] != texels[:-1]).any(axis=1), True])
    for first, last in zip(same[:-1].tolist(), same[1:].tolist(), strict=True):
        top, bottom = span(first, rows, box.height)[0], span(last - 1, rows, box.height)[1]
        for start, end in _runs(texels[first]):
            left, right = span(start, columns, box.width)[0], span(end - 1, columns, box.width)[1]
            yield Box(box.left + left, box.top + top, right - left, bottom - top)


def _runs(flags: Bool[np.ndarray, " place"]) -> list[tuple[int, int]]:
    """First and past-the-last place of each run of true ones."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
