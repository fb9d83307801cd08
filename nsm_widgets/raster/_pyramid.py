"""A very large plane and coarser ones of it: a picture of any part reads little more than it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.raster._pool import BLOCK_BYTES, Edges, LineBlock, first_cells
from nsm_widgets.raster._raster import (
    Raster,
    Window,
    count_cells,
    is_turned,
    pooled_extremes,
    rasterize,
    windowed,
)
from nsm_widgets.view import ColorDomain, ColorScale, count_clipped

FACTOR = 4
"""A cell of a level stands for so many of the next finer one, down and across."""

_CELLS_PER_TEXEL = 2
"""Fewest cells of a level that share a texel: fewer would move what they stand for by more than one texel."""

_SMALLEST = 64
"""A level is not made coarser whose sides are no longer than this."""


@dataclass(frozen=True, slots=True)
class _Level:
    step: int
    """A cell stands for ``step`` by ``step`` cells of the plane, from a multiple of it on."""
    high: Shaped[np.ndarray, "row column"]
    low: Shaped[np.ndarray, "row column"]


class Pyramid:
    """A plane and its levels: the largest and the smallest of each 4 x 4 cells, of each 16 x 16, and so on.

    A picture is drawn from the coarsest level that has at least two cells for each of its texels, down and
    across; where none has, and on the ``row-max`` scale, whose rows have a largest each, from the plane
    itself. NaN and infinities survive in the levels. A cell of a level belongs to one texel, so:

    - the strongest cell of the plane is at most one texel after its exact place, down and across, and is
      never lost;
    - a texel at the window's edge may show a cell that lies up to ``step - 1`` cells outside of it.

    Levels take little more than an eighth of the plane's bytes. The plane is read once, a block at a time; it
    may lie in a file.

    Example:
        >>> plane = np.zeros((512, 512), np.float32)
        >>> plane[300, 100] = 1.0
        >>> raster = Pyramid(plane).rasterize(ColorDomain(0.0, 1.0), max_rows=8, max_columns=8)
        >>> np.argwhere(raster.codes == 255).tolist()
        [[4, 1]]
    """

    def __init__(self, plane: Shaped[np.ndarray, "row column"]) -> None:
        self.plane = plane
        self._levels: list[_Level] = []
        high = low = plane
        step = 1
        while max(high.shape) > _SMALLEST:
            high, low = _coarser(high, low)
            step *= FACTOR
            self._levels.append(_Level(step, high, low))

    @property
    def nbytes(self) -> int:
        """What the levels take, without the plane."""
        return sum(level.high.nbytes + level.low.nbytes for level in self._levels)

    def step(self, max_rows: int, max_columns: int, window: Window | None = None) -> int:
        """How many cells of the plane, down and across, a cell stands for in what a picture is drawn from."""
        rows, columns = windowed(self.plane, window).shape
        texels = min(rows, max(1, max_rows)), min(columns, max(1, max_columns))
        room = min(rows // texels[0], columns // texels[1])
        return max((lv.step for lv in self._levels if lv.step * _CELLS_PER_TEXEL <= room), default=1)

    def rasterize(
        self,
        domain: ColorDomain,
        scale: ColorScale = "linear",
        *,
        thresholds: Sequence[float] = (),
        may_mark: bool = True,
        max_rows: int,
        max_columns: int,
        window: Window | None = None,
    ) -> Raster:
        """As :func:`~nsm_widgets.raster._raster.rasterize`, from the level that does.

        Args:
            domain: What the ends of the colour table stand for.
            scale: See :data:`~nsm_widgets.view.ColorScale`.
            thresholds: For ``rank``.
            may_mark: Whether the array holds any NaN or infinity, or a value past the domain: only then are
                they counted, for which the cells on show are all read.
            max_rows: Most texels down.
            max_columns: Most texels across.
            window: The cells on show; all where there is none.

        Raises:
            SelectionError: If the window is not inside the plane.
        """
        step = 1 if scale == "row-max" else self.step(max_rows, max_columns, window)
        if step == 1:
            return rasterize(
                self.plane,
                domain,
                scale,
                thresholds=thresholds,
                may_clip=may_mark,
                max_rows=max_rows,
                max_columns=max_columns,
                window=window,
            )
        shown = windowed(self.plane, window)
        rows, columns = max(1, max_rows), max(1, max_columns)
        row, _, column, _ = window or (0, 0, 0, 0)
        level = next(level for level in self._levels if level.step == step)
        extremes = pooled_extremes(
            level.high,
            level.low,
            _edges(row, len(shown), rows, step),
            _edges(column, shown.shape[1], columns, step),
            domain,
            scale,
        )
        marked = may_mark and not extremes.finite
        clips = may_mark and scale in ("linear", "log") and not extremes.inside(domain)
        return Raster(
            extremes.codes(domain, scale, thresholds),
            (-(-shown.shape[0] // rows), -(-shown.shape[1] // columns)),
            nan=count_cells(np.isnan, shown) if marked else 0,
            infinite=count_cells(np.isinf, shown) if marked else 0,
            clipped=sum(count_clipped(shown, domain)) if clips else 0,
        )


def _edges(start: int, cells: int, texels: int, step: int) -> Edges:
    """First cell of each texel, and the end, in cells of a level.

    A cell of the plane lies in its own texel or, with the cells before it that share one of the level's, in
    the next.
    """
    edges = (start + first_cells(cells, texels)) // step
    edges[-1] = -(-(start + cells) // step)
    return edges


def _coarser(
    high: Shaped[np.ndarray, "row column"], low: Shaped[np.ndarray, "row column"]
) -> tuple[Shaped[np.ndarray, "level_row level_column"], Shaped[np.ndarray, "level_row level_column"]]:
    """The largest and the smallest of each 4 x 4 cells, laid out in memory as the plane is."""
    if is_turned(high):
        largest, smallest = _coarser(high.T, low.T)
        return largest.T, smallest.T
    bytes_per_line = max(1, high.shape[1] * high.itemsize)
    lines = FACTOR * max(1, BLOCK_BYTES // bytes_per_line // FACTOR)
    blocks = [slice(start, start + lines) for start in range(0, len(high), lines)]
    with np.errstate(invalid="ignore"):
        pairs = [(_pooled(np.maximum, high[here]), _pooled(np.minimum, low[here])) for here in blocks]
    return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])


def _pooled(ufunc: np.ufunc, block: LineBlock) -> LineBlock:
    if block.dtype == np.float16:  # NumPy has no fast maximum of these
        block = block.astype(np.float32)
    return _every_fourth(ufunc, _every_fourth(ufunc, block).T).T


def _every_fourth(ufunc: np.ufunc, block: LineBlock) -> LineBlock:
    """Reduce each four neighbours along the first axis; the last ones may be fewer."""
    pooled = block[::FACTOR].copy(order="K")
    for i in range(1, FACTOR):
        part = block[i::FACTOR]
        ufunc(pooled[: len(part)], part, out=pooled[: len(part)])
    return pooled
