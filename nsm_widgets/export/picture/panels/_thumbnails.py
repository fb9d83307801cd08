"""All heads (and layers) of an array as small pictures, the selected one framed."""

from __future__ import annotations

from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas
from nsm_widgets.export.picture.canvas._geometry import Box, ticks
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable, text_width
from nsm_widgets.export.picture.panels._heatmap import (
    CAPTION_PX,
    HIGHEST_PX,
    LEAST_EXTENT_PX,
    NOTE_PX,
    draw_heading,
    draw_raster,
    notes,
)
from nsm_widgets.export.picture.parts._grid import GAP_PX as GRID_GAP_PX, NAME_PX, wrapped_grid
from nsm_widgets.export.picture.parts._hatch import draw_hatch
from nsm_widgets.export.text._where import index_label, indices_for
from nsm_widgets.raster import Raster
from nsm_widgets.view import left_out_codes, without_common_prefix
from nsm_widgets.view.panels import ThumbnailsPanel

GAP_PX, LABELS_PX, MOST_LABELS_PX, COLUMN_LABELS_PX = 3, 30, 84, 16
LARGEST_PX, LARGEST_FITTING_PX, SMALLEST_PX = 96, 240, 8
"""The first, or more where so many rows fit into the panel's height."""
LEAST_NAMED_PX = 30
"""A name cut to less than this says less than a number."""


class ThumbnailsPicture:
    """A grid of thumbnails that is measured before it is drawn.

    With several layers and heads, layers run down and heads across. Along one axis alone the thumbnails
    wrap, as large as fit, each with its name above.

    Args:
        panel: What to draw.
        scene: What all panels share.
    """

    left = right = 0
    """It lines up with nothing."""

    def __init__(self, panel: ThumbnailsPanel, scene: Scene) -> None:
        self.panel, self.scene = panel, scene
        self.array = scene.trace[panel.array]
        self.at = indices_for(panel, self.array, scene.indices)
        self.counts = self._size(panel.rows), self._size(panel.columns)
        self.wraps = 1 in self.counts

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size, and code the cells of every thumbnail that has room."""
        self.width = width
        if self.wraps:
            self._fit_wrapped(width)
        else:
            self._fit_grid(width)
        self.rasters = {
            (row, column): self._rasterize(row, column)
            for row in range(self.shown[0])
            for column in range(self.shown[1])
        }
        self.notes = self._notes()
        self.height = CAPTION_PX + self.drawn_height + (NOTE_PX if self.notes else 0)

    def _fit_grid(self, width: int) -> None:
        down, across = self.counts
        names = self._names_within(self.panel.rows, MOST_LABELS_PX - 10)
        widest = max(map(text_width, names)) + 10
        self.labels_px = int(min(max(LABELS_PX, widest), MOST_LABELS_PX))
        most = max(LARGEST_PX, min(self.panel.height_px // down, LARGEST_FITTING_PX))
        side = min(max((width - self.labels_px) // across, SMALLEST_PX), most)
        self.picture = side - GAP_PX, max(SMALLEST_PX, int(side * self._shape())) - GAP_PX
        self.step = self.picture[0] + GAP_PX, self.picture[1] + GAP_PX
        self.shown = (
            min(down, HIGHEST_PX // self.step[1]),
            min(across, max(1, (width - self.labels_px) // side)),
        )
        self.drawn_height = COLUMN_LABELS_PX + self.shown[0] * self.step[1]
        self.extent = max(self.labels_px + self.shown[1] * side, LEAST_EXTENT_PX)

    def _fit_wrapped(self, width: int) -> None:
        count = max(self.counts)
        sizes = self.array.sizes
        self.grid = wrapped_grid(
            count, (width, self.panel.height_px), sizes[self.panel.y] / sizes[self.panel.x]
        )
        self.picture = self.grid.width, self.grid.height
        self.step = self.picture[0] + GRID_GAP_PX, self.picture[1] + GRID_GAP_PX + NAME_PX
        shown = min(count, self.grid.columns * max(1, HIGHEST_PX // self.step[1]))
        self.shown = (shown, 1) if self.counts[1] == 1 else (1, shown)
        self.labels_px = 0
        self.drawn_height = -(-shown // self.grid.columns) * self.step[1]
        self.extent = max(min(shown, self.grid.columns) * self.step[0], LEAST_EXTENT_PX)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        ink = canvas.ink
        at = left, top + CAPTION_PX - 8
        draw_heading(canvas, at, left + self.width, self.panel.title, self._directions())
        cmap = self.scene.cmap_of(self.panel)
        for (row, column), raster in self.rasters.items():
            box = self.box(row, column, left, top)
            canvas.frame(box, ink.line)
            draw_raster(canvas, raster, cmap, box)
            codes = left_out_codes(self.array, self.panel.y, self.panel.x, self._at(row, column))
            if codes is not None:
                draw_hatch(canvas, codes, raster.codes.shape, box)
        if self.wraps:
            self._names(canvas, left, top)
        else:
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

    def _shape(self) -> float:
        return min(max(self.array.sizes[self.panel.y] / self.array.sizes[self.panel.x], 0.5), 1.5)

    def _rasterize(self, row: int, column: int) -> Raster:
        return self.scene.rasterize(self.panel, self._at(row, column), *self.picture)

    def _at(self, row: int, column: int) -> dict[str, int]:
        here = {self.panel.rows: row, self.panel.columns: column}
        return {**self.at, **{dim: index for dim, index in here.items() if dim is not None}}

    def box(self, row: int, column: int, left: int, top: int) -> Box:
        """The drawn area of one thumbnail, where the panel's left upper corner is at this place."""
        above = COLUMN_LABELS_PX
        if self.wraps:
            row, column = divmod(max(row, column), self.grid.columns)
            above = NAME_PX
        return Box(
            left + self.labels_px + column * self.step[0],
            top + CAPTION_PX + above + row * self.step[1],
            *self.picture,
        )

    def _name(self, dim: str | None, index: int) -> str:
        return "" if dim is None else drawable(index_label(self.array, dim, index, self.at.get("batch", 0)))

    def _names_within(self, dim: str | None, room: float) -> list[str]:
        """The names along an axis; without what all begin with, where not all fit."""
        names = [self._name(dim, index) for index in range(self._size(dim))]
        return names if max(map(text_width, names)) <= room else without_common_prefix(names)

    def _names(self, canvas: Canvas, left: int, top: int) -> None:
        """Along one axis: the name of each above it."""
        dim = self.panel.columns if self.counts[1] > 1 else self.panel.rows or self.panel.columns
        names = self._names_within(dim, self.picture[0])
        for row, column in self.rasters:
            box = self.box(row, column, left, top)
            index = max(row, column)
            text = self._name_over(dim, index, names[index], box.width)
            canvas.text((box.left + box.width / 2, box.top - 4), text, "ms", canvas.ink.faint)

    def _name_over(self, dim: str | None, index: int, name: str, width: int) -> str:
        """Its label, cut to the room there is; ``head 3`` without one; a number where neither has room."""
        if dim in self.array.coords:
            return cut(name, width) if width >= LEAST_NAMED_PX else self._number(dim, index)
        plain = drawable(f"{dim} {self._number(dim, index)}")
        return plain if text_width(plain) <= width else self._number(dim, index)

    def _number(self, dim: str | None, index: int) -> str:
        return "" if dim is None else str(self.array.number(dim, index))

    def _labels(self, canvas: Canvas, left: int, top: int) -> None:
        down, across = self.shown
        width, height = self.step
        first = self.box(0, 0, left, top)
        names = self._names_within(self.panel.columns, width - 4)[:across]
        fit = max(map(text_width, names)) + 4 <= width
        every = range(across) if fit else ticks(across, across * width, text_width(str(across)) + 8)
        for column in every:
            x = first.left + column * width + (width - GAP_PX) / 2
            canvas.text(
                (x, first.top - 5),
                names[column] if fit else self._number(self.panel.columns, column),
                "ms",
                canvas.ink.faint,
            )
        rows = self._names_within(self.panel.rows, MOST_LABELS_PX - 10)
        for row in ticks(down, down * height, 14):
            y = first.top + row * height + (height - GAP_PX) / 2
            name = cut(rows[row], self.labels_px - 8)
            canvas.text((first.left - 6, y), name, "rm", canvas.ink.faint)

    def _directions(self) -> str:
        """Which axis runs which way in the grid, in words: the font has no arrows."""
        if self.wraps:
            return ""
        return f"{self.panel.rows} down · {self.panel.columns} across"

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
        lines = notes(together)
        every = self.counts[0] * self.counts[1]
        return lines if len(rasters) == every else [*lines, f"{len(rasters):,} of {every:,} shown"]
