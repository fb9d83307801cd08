"""Where things are in a picture, in pixels. Pure; the rules are those of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from nsm_widgets.view import Layout, Panel

GAP_PX = 18
"""Between two panels of a row."""

LARGEST_CELL_PX = 48
HIGH_ROW_PX = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its first pixel and its size."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """One past its last column of pixels."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """One past its last row of pixels."""
        return self.top + self.height

    @property
    def inside(self) -> Box:
        """The box without its outermost pixels."""
        return Box(self.left + 1, self.top + 1, self.width - 2, self.height - 2)


def middles(pixels: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points in the middle of pixels."""
    return [(x + 0.5, y + 0.5) for x, y in pixels]


def flow(layout: Layout, width: int) -> list[list[tuple[Panel, int]]]:
    """Panels with their widths, row by row: a row too wide wraps, spare room is shared by ``grow``.

    What stands beneath another panel on a page has a row of its own.
    """
    lines: list[list[Panel]] = []
    for row in layout:
        line: list[Panel] = []
        for panel in sorted(row, key=lambda panel: panel.beneath):
            if line and (panel.beneath or _least_width([*line, panel]) > width):
                lines.append(line)
                line = []
            line.append(panel)
        lines.append(line)
    return [_widths(line, width) for line in lines]


def _least_width(panels: Sequence[Panel]) -> int:
    return sum(panel.min_width_px for panel in panels) + GAP_PX * (len(panels) - 1)


def _widths(line: Sequence[Panel], width: int) -> list[tuple[Panel, int]]:
    spare = width - _least_width(line)
    if spare < 0:  # a single panel that is wider than the page
        return [(panel, width) for panel in line]
    share = spare / sum(panel.grow for panel in line)
    return [(panel, int(panel.min_width_px + share * panel.grow)) for panel in line]


def plot_size(width: int, height: int, rows: int, columns: int, aspect: str) -> tuple[int, int]:
    """Width and height of the drawn area; square cells where asked, never larger than the room given.

    Else rows are whole pixels, where they are no smaller: about as many as the height asks for, and at most a
    third more in all.
    """
    width, height = max(40, width), max(24, height)
    if aspect == "fill":
        return width, whole_rows(height, rows)
    side = min(width / columns, height / rows, LARGEST_CELL_PX)
    return max(1, round(side * columns)), max(1, round(side * rows))


def whole_rows(height: int, rows: int) -> int:
    """The height nearest to this one at which all rows are as many pixels high, at most a third more.

    Itself for rows below a pixel, and for those that are so high that one pixel more is not seen.

    >>> [whole_rows(230, rows) for rows in (38, 128, 150, 300, 9)]
    [228, 256, 300, 230, 230]
    """
    each = height / rows
    if not 1 <= each < HIGH_ROW_PX:
        return height
    nearest = int(each + 0.5)
    return rows * (nearest if nearest * rows <= 4 / 3 * height else int(each))


def round_places(count: int, length_px: int, label_px: float, before: int = 0) -> list[int]:
    """Indices to label along an axis so that labels do not touch: all, or those with round numbers.

    Args:
        count: How many places there are.
        length_px: Pixels along the axis.
        label_px: Those that a label takes.
        before: How many places were cut off before the first: round numbers are counted with them.
    """
    most = max(1, int(length_px // label_px))
    if count <= most:
        return list(range(count))
    power = 10 ** int(np.floor(np.log10(count / most)))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= count / most)
    return list(range(-before % step, count, step))


def ticks(count: int, length_px: int, label_px: float, before: int = 0) -> list[int]:
    """The same, and the last place, in whose stead others are left out: a picture has no hover to tell it."""
    places = round_places(count, length_px, label_px, before)
    if len(places) == count:
        return places
    last_that_fits = (count - 1) - label_px * count / length_px
    return [*(i for i in places if i < count - 1 and i <= last_that_fits), count - 1]


def texel_under(pixels: int, texels: int) -> Int[np.ndarray, " pixel"]:
    """Which texel each pixel along an axis shows: the one under its middle."""
    return (2 * np.arange(pixels) + 1) * texels // (2 * pixels)


def span(index: int, count: int, length_px: int) -> tuple[int, int]:
    """The pixels that show a cell along an axis: the first, and one past the last; one at least."""
    start, end = ((2 * i * length_px + count - 1) // (2 * count) for i in (index, index + 1))
    return (start, end) if end > start else (min(start, length_px - 1), min(start, length_px - 1) + 1)
