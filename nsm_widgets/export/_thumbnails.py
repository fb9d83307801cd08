"""All heads (and layers) of an array as small pictures, the selected one framed."""

from __future__ import annotations

from nsm_widgets.export._canvas import Canvas
from nsm_widgets.export._geometry import Box, ticks
from nsm_widgets.export._glyphs import TITLE_PX, cut, drawable, text_width
from nsm_widgets.export._heatmap import CAPTION_PX, HIGHEST_PX, LEAST_EXTENT_PX, NOTE_PX, draw_raster, notes
from nsm_widgets.export._raster import Raster
from nsm_widgets.export._scene import Scene
from nsm_widgets.export._where import indices_for
from nsm_widgets.view import Panel

GAP_PX, LABELS_PX, COLUMN_LABELS_PX = 3, 30, 16
LARGEST_PX, SMALLEST_PX = 96, 8


class ThumbnailsPicture:
    """A grid of thumbnails that is measured before it is drawn.

    Args:
        panel: What to draw; of kind ``thumbnails``.
        scene: What all panels share.
    """

    left = right = 0
    """It lines up with nothing."""

    def __init__(self, panel: Panel, scene: Scene) -> None:
        self.panel, self.scene = panel, scene
        self.array = scene.trace[panel.array]
        self.at = indices_for(panel, self.array, scene.indices)
        self.counts = self._size(panel.rows), self._size(panel.columns)

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size, and code the cells of every thumbnail that has room."""
        self.width = width
        down, across = self.counts
        sizes = self.array.sizes
        side = min(max((width - LABELS_PX) // across, SMALLEST_PX), LARGEST_PX)
        shape = min(max(sizes[self.panel.y] / sizes[self.panel.x], 0.5), 1.5)
        self.cell = side, max(SMALLEST_PX, int(side * shape))
        self.shown = (
            min(down, HIGHEST_PX // self.cell[1]),
            min(across, max(1, (width - LABELS_PX) // side)),
        )
        self.rasters = {
            (row, column): self._rasterize(row, column)
            for row in range(self.shown[0])
            for column in range(self.shown[1])
        }
        self.notes = self._notes()
        drawn = COLUMN_LABELS_PX + self.shown[0] * self.cell[1]
        self.extent = max(LABELS_PX + self.shown[1] * side, LEAST_EXTENT_PX)
        self.height = CAPTION_PX + drawn + (NOTE_PX if self.notes else 0)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        ink = canvas.ink
        title = cut(drawable(self.panel.title), self.width, TITLE_PX)
        baseline = top + CAPTION_PX - 8
        canvas.text((left, baseline), title, "ls", ink.text, TITLE_PX)
        after = left + text_width(title, TITLE_PX) + 10
        canvas.text((after, baseline), cut(self._directions(), left + self.width - after), "ls", ink.faint)
        cmap = self.scene.cmap_of(self.panel)
        for (row, column), raster in self.rasters.items():
            box = self.box(row, column, left, top)
            canvas.frame(box, ink.line)
            draw_raster(canvas, raster, cmap, box)
        self._labels(canvas, left, top)
        chosen = self.at.get(self.panel.rows or "", 0), self.at.get(self.panel.columns or "", 0)
        if chosen in self.rasters:
            box = self.box(*chosen, left, top)
            canvas.frame(box, ink.accent)
            canvas.frame(Box(box.left - 1, box.top - 1, box.width + 2, box.height + 2), ink.accent)
        if self.notes:
            canvas.text((left, top + self.height - 4), " · ".join(self.notes), "ls", ink.faint)

    def _size(self, dim: str | None) -> int:
        return 1 if dim is None else self.array.sizes[dim]

    def _rasterize(self, row: int, column: int) -> Raster:
        here = {self.panel.rows: row, self.panel.columns: column}
        at = {**self.at, **{dim: index for dim, index in here.items() if dim is not None}}
        return self.scene.rasterize(self.panel, at, self.cell[0] - GAP_PX, self.cell[1] - GAP_PX)

    def box(self, row: int, column: int, left: int, top: int) -> Box:
        """The drawn area of one thumbnail, where the panel's left upper corner is at this place."""
        width, height = self.cell
        return Box(
            left + LABELS_PX + column * width,
            top + CAPTION_PX + COLUMN_LABELS_PX + row * height,
            width - GAP_PX,
            height - GAP_PX,
        )

    def _labels(self, canvas: Canvas, left: int, top: int) -> None:
        down, across = self.shown
        width, height = self.cell
        first = self.box(0, 0, left, top)
        if self.panel.columns is not None:
            for column in ticks(across, across * width, text_width(str(across)) + 8):
                x = first.left + column * width + (width - GAP_PX) / 2
                canvas.text((x, first.top - 5), str(column), "ms", canvas.ink.faint)
        if self.panel.rows is not None:
            for row in ticks(down, down * height, 14):
                y = first.top + row * height + (height - GAP_PX) / 2
                canvas.text((first.left - 6, y), str(row), "rm", canvas.ink.faint)

    def _directions(self) -> str:
        """Which axis runs which way in the grid, in words: the font has no arrows."""
        ways = (self.panel.rows, "down"), (self.panel.columns, "across")
        return " · ".join(f"{dim} {way}" for dim, way in ways if dim is not None)

    def _notes(self) -> list[str]:
        """Marks in all that is shown, how many cells share a pixel, and what had no room."""
        rasters = self.rasters.values()
        together = Raster(
            next(iter(rasters)).codes,
            next(iter(rasters)).cells,
            nan=sum(raster.nan for raster in rasters),
            infinite=sum(raster.infinite for raster in rasters),
            clipped=sum(raster.clipped for raster in rasters),
        )
        said = notes(together)
        every = self.counts[0] * self.counts[1]
        return said if len(rasters) == every else [*said, f"{len(rasters):,} of {every:,} shown"]
