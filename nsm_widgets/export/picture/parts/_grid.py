"""How thumbnails along one axis are laid out in a grid; mirrored by ``js/src/panels/thumbnails/grid.ts``."""

from __future__ import annotations

from typing import NamedTuple

GAP_PX, NAME_PX = 8, 15
LARGEST_PX, SMALLEST_PX = 240, 8
MOST_HIGH, MOST_FLAT = 1.5, 0.5


class Grid(NamedTuple):
    """So many columns of pictures of this size, each with its name above."""

    columns: int
    width: int
    height: int


def wrapped_grid(count: int, room: tuple[int, int], shape: float) -> Grid:
    """The grid whose pictures are the largest.

    Args:
        count: How many pictures.
        room: Width and height that there are.
        shape: Height of a picture for each of its width; held between 1/2 and 3/2.

    Example:
        >>> wrapped_grid(4, (400, 520), 1.0)
        Grid(columns=2, width=192, height=192)
    """
    shape = min(max(shape, MOST_FLAT), MOST_HIGH)
    best = Grid(1, 0, 0)
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        wide = room[0] // columns - GAP_PX
        high = (room[1] // rows - GAP_PX - NAME_PX) / shape
        side = int(min(wide, high, LARGEST_PX))
        if side > best.width:
            best = Grid(columns, side, int(side * shape))
    if best.width < SMALLEST_PX:
        columns = max(1, room[0] // (SMALLEST_PX + GAP_PX))
        return Grid(columns, SMALLEST_PX, max(SMALLEST_PX, int(SMALLEST_PX * shape)))
    return best
