"""One heatmap of a picture: heading, axes, cells, marks, cursors, colour bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nsm_widgets._axes import MARKED
from nsm_widgets._text import count, short_number
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import CURSOR_IN, CURSOR_MARK, CURSOR_OUT, Canvas, Color, Point
from nsm_widgets.export.picture.canvas._geometry import Box, middles, plot_size, span
from nsm_widgets.export.picture.canvas._glyphs import TITLE_PX, cut, drawable, text_width
from nsm_widgets.export.picture.parts._annotate import draw_values, has_room
from nsm_widgets.export.picture.parts._axis import AXIS_TITLE_PX, DrawnAxis
from nsm_widgets.export.picture.parts._bar import bar_pixels, bar_ticks, spread
from nsm_widgets.export.picture.parts._hatch import draw_hatch, left_out_notes
from nsm_widgets.export.picture.parts._marks import draw_marks
from nsm_widgets.export.text._where import describe_others, indices_for, is_chosen
from nsm_widgets.raster import Raster
from nsm_widgets.view import ABOVE, NAN, NO_STEP_BEFORE, left_out_codes, paint
from nsm_widgets.view.panels import HeatmapPanel

CAPTION_PX, NOTE_PX = 22, 18
BAR_PX, BAR_GAP_PX, BAR_LABEL_GAP_PX = 9, 10, 5
HIGHEST_PX = 1_200
"""A panel that asks for more is drawn so high."""
LEAST_EXTENT_PX = 220
"""Width that a caption may take over a narrower picture."""
THINNEST_FRAMED_PX, SMALLEST_FRAME_PX = 5, 5
MARK_PX, THINNEST_MARK_PX = 4, 3
"""Of a mark in the margin, its length towards the cells, and how thick it is at least."""
FLAG_PX = 5
PER_HEAD, WIDEST_NUMBER = "per head", "0.00888"


class HeatmapPicture:
    """A heatmap that is measured before it is drawn, so that the panels of a picture can be lined up.

    Args:
        panel: What to draw.
        scene: What all panels share.
    """

    def __init__(self, panel: HeatmapPanel, scene: Scene) -> None:
        self.panel, self.scene = panel, scene
        self.array = scene.trace[panel.array]
        self.at = indices_for(panel, self.array, scene.indices)
        batch = self.at.get("batch", 0)
        self.shown = scene.folded(panel)
        self.y = DrawnAxis.of(self.array, panel.y, batch, self.shown.get(panel.y))
        self.x = DrawnAxis.of(self.array, panel.x, batch, self.shown.get(panel.x))
        self.look = scene.look_of(panel, self.at)
        self.bar = bar_ticks(self.look, scene.settings.scale)

    @property
    def left(self) -> int:
        """Room that labels need on the left."""
        return self.y.widest + AXIS_TITLE_PX + 8

    @property
    def right(self) -> int:
        """Room that the colour bar needs on the right."""
        widest = max(text_width(short_number(value)) for _, value in self.bar)
        if self.look.own:  # so it is for every head, and for the words below the bar
            widest = max(widest, text_width(WIDEST_NUMBER), text_width(PER_HEAD) - BAR_PX)
        return int(widest) + BAR_GAP_PX + BAR_PX + BAR_LABEL_GAP_PX + 2

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size, the margins given, and code the cells."""
        shape = self.y.count, self.x.count
        room = width - left - right
        self.box_left, self.width = left, width
        self.box_size = plot_size(room, min(self.panel.height_px, HIGHEST_PX), *shape, self.panel.aspect)
        self.raster = self.scene.rasterize(self.panel, self.at, *self.box_size, self.look)
        self.left_out = left_out_codes(self.array, self.panel.y, self.panel.x, self.at)
        if self.left_out is not None and self.shown:
            rows, columns = (self.shown.get(dim, slice(None)) for dim in (self.panel.y, self.panel.x))
            self.left_out = self.left_out[rows][:, columns]
        self.notes = notes(self.raster, left_out_notes(self.left_out))
        below = self.x.height(self.box_size[0]) + AXIS_TITLE_PX + (NOTE_PX if self.notes else 0)
        self.extent = max(left + self.box_size[0] + right, LEAST_EXTENT_PX)
        self.height = CAPTION_PX + self.box_size[1] + below

    def box(self, left: int, top: int) -> Box:
        """The drawn area, where the panel's left upper corner is at this place."""
        return Box(left + self.box_left, top + CAPTION_PX, *self.box_size)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        box = self.box(left, top)
        self._caption(canvas, box, left + self.width)
        canvas.frame(box, canvas.ink.line)
        self._cells(canvas, box)
        self._flags(canvas, box)
        self._unknown(canvas, box)
        self._cursors(canvas, box)
        self.y.draw_down(canvas, box, left)
        self.x.draw_across(canvas, box)
        self._bar(canvas, box)
        if self.notes:
            bottom = top + self.height
            canvas.text((box.left, bottom - 4), " · ".join(self.notes), "ls", canvas.ink.faint)

    def _cells(self, canvas: Canvas, box: Box) -> None:
        cmap = self.scene.cmap_of(self.panel)
        if self.panel.annotate and has_room(self.raster, box.width, box.height):
            draw_raster(canvas, self.raster, cmap, box, named=True)
            if self.left_out is not None:
                draw_hatch(canvas, self.left_out, self.raster.codes.shape, box, ground=False)
            draw_values(canvas, self.scene.plane(self.panel, self.at), self.raster, cmap, box)
        else:
            draw_raster(canvas, self.raster, cmap, box)
            if self.left_out is not None:
                draw_hatch(canvas, self.left_out, self.raster.codes.shape, box)

    def _caption(self, canvas: Canvas, box: Box, right: int) -> None:
        """Title, then the indices of the axes that are not drawn and the numbers that belong to them."""
        at = box.left, box.top - 8
        accent = canvas.ink.accent if is_chosen(self.panel, self.array, self.scene.indices) else None
        end = draw_heading(canvas, at, right, self.panel.title, self._subtitle(), accent)
        if accent:
            canvas.line((at[0], at[1] + 3), (end, at[1] + 3), accent)

    def _subtitle(self) -> str:
        where = describe_others(self.panel, self.array, self.at)
        numbers = []
        for scalar in self.panel.scalars:
            array = self.scene.trace[scalar.array]
            at = indices_for(self.panel, array, self.at)
            value = float(array.values[tuple(at[dim] for dim in array.dims)])
            numbers.append(f"{scalar.symbol} {short_number(value)}")
        return " · ".join([*where, *numbers]) or str(self.array.attrs.get("description", ""))

    def _flags(self, canvas: Canvas, box: Box) -> None:
        """A diamond on each row that is flagged, where rows are high enough for one."""
        if not self.panel.flags or box.height / self.y.count < THINNEST_FRAMED_PX:
            return
        array = self.scene.trace[self.panel.flags]
        at = indices_for(self.panel, array, self.at)
        flags = array.values[tuple(slice(None) if d == self.panel.y else at[d] for d in array.dims)]
        for row in np.flatnonzero(flags[self.shown.get(self.panel.y, slice(None))] > 0).tolist():
            start, end = span(row, self.y.count, box.height)
            x, y = box.left + 2 * FLAG_PX, box.top + (start + end - 1) // 2
            most = min(FLAG_PX, (end - start - 1) // 2)
            for radius, color in ((most, CURSOR_OUT), (most - 1, CURSOR_IN)):
                corners = ((x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius))
                canvas.polygon(middles(corners), color)

    def _unknown(self, canvas: Canvas, box: Box) -> None:
        """Why there is nothing but NaN, where there is nothing else."""
        if not self.panel.unknown or (self.raster.codes != NAN).any():
            return
        text = cut(drawable(self.panel.unknown), box.width - 24)
        width = round(text_width(text)) + 16
        middle = box.left + box.width // 2, box.top + box.height // 2
        canvas.fill(Box(middle[0] - width // 2, middle[1] - 10, width, 20), canvas.ink.background)
        canvas.text(middle, text, "mm", canvas.ink.text)

    def _cursors(self, canvas: Canvas, box: Box) -> None:
        """The selected indices of axes that are drawn: marks in the margins, and a line around the cell.

        A row or column that alone is marked has the line around it, unless it is too thin. No value is
        covered.
        """
        left, across, top, down = box.left, box.width, box.top, box.height
        marks_row, marks_column = self.panel.y in MARKED, self.panel.x in MARKED
        if marks_row:
            start, end = span(self._place(self.panel.y), self.y.count, box.height)
            top, down = box.top + start, end - start
            for edge in (box.left - 1 - MARK_PX, box.right + 1):
                canvas.fill(_at_least(Box(edge, top, MARK_PX, down), height=THINNEST_MARK_PX), CURSOR_MARK)
        if marks_column:
            start, end = span(self._place(self.panel.x), self.x.count, box.width)
            left, across = box.left + start, end - start
            for edge in (box.top - 1 - MARK_PX, box.bottom + 1):
                canvas.fill(_at_least(Box(left, edge, across, MARK_PX), width=THINNEST_MARK_PX), CURSOR_MARK)
        if marks_row and marks_column:
            cell = Box(left, top, across, down)
            draw_line_around(canvas, _at_least(cell, SMALLEST_FRAME_PX, SMALLEST_FRAME_PX))
        elif (marks_row and down >= THINNEST_FRAMED_PX) or (marks_column and across >= THINNEST_FRAMED_PX):
            draw_line_around(canvas, Box(left, top, across, down))

    def _place(self, dim: str) -> int:
        """Where the selected index of an axis is among those that are shown."""
        return self.shown[dim].index(self.at[dim]) if dim in self.shown else self.at[dim]

    def _bar(self, canvas: Canvas, box: Box) -> None:
        bar = Box(box.right + BAR_GAP_PX, box.top, BAR_PX, box.height)
        canvas.frame(bar, canvas.ink.line)
        canvas.cells(bar_pixels(self.scene.cmap_of(self.panel), self.scene, bar.height), bar)
        for position, value in spread(self.bar, bar.height):  # no ticks: they read as a minus
            y = min(max(bar.bottom - position * bar.height, bar.top + 4), bar.bottom - 4)
            canvas.text((bar.right + BAR_LABEL_GAP_PX, y), short_number(value), "lm", canvas.ink.text)
        if self.look.own:
            canvas.text((bar.left, bar.bottom + 13), PER_HEAD, "ls", canvas.ink.faint)


def draw_heading(
    canvas: Canvas, at: Point, right: float, title: str, beside: str | None = None, color: Color | None = None
) -> int:
    """A panel's title, and after it what is told of its place; where the title ends."""
    left, baseline = at
    shown = cut(drawable(title), right - left, TITLE_PX)
    canvas.text(at, shown, "ls", color or canvas.ink.text, TITLE_PX)
    end = round(left) + round(text_width(shown, TITLE_PX))
    if beside is not None:
        text = cut(drawable(beside), right - end - 10)
        canvas.text((end + 10, baseline), text, "ls", canvas.ink.faint)
    return end


def draw_raster(canvas: Canvas, raster: Raster, cmap: str, box: Box, *, named: bool = False) -> None:
    """Cells in exactly their colours, each pixel the texel under its middle; then the marks.

    Args:
        canvas: To draw on.
        raster: The cells.
        cmap: Their colours.
        box: Where to.
        named: Whether NaN and infinities will be written into their cells, and so need no mark.
    """
    canvas.cells(paint(raster.codes, cmap, canvas.theme), box)
    draw_marks(canvas, raster, cmap, box, least=ABOVE if named else NAN)


def draw_line_around(canvas: Canvas, cells: Box) -> None:
    """A line outside of cells: white, then the hue that no map has. It reaches no neighbour's middle."""
    for out, color in ((1, CURSOR_IN), (2, CURSOR_MARK)):
        wide, high = cells.width + 2 * out, cells.height + 2 * out
        canvas.frame(Box(cells.left - out, cells.top - out, wide, high), color)


def _at_least(box: Box, width: int = 1, height: int = 1) -> Box:
    """The same about its middle, and no smaller than that."""
    more, higher = max(0, width - box.width), max(0, height - box.height)
    return Box(box.left - more // 2, box.top - higher // 2, box.width + more, box.height + higher)


def notes(raster: Raster, left_out: Sequence[tuple[int, str]] = ()) -> list[str]:
    """Notes on the cells: marks, what does not count, whether several share a pixel."""
    stepless = sum(number for number, why in left_out if why == NO_STEP_BEFORE)  # NaN, for want of a step
    counted = [
        (raster.nan - stepless, "NaN"),
        (raster.infinite, "±inf"),
        (raster.clipped, "clipped"),
        *left_out,
    ]
    lines = [count(number, word) for number, word in counted if number]
    if raster.pooled:
        lines.append(drawable(f"peak of {raster.cells[0]}×{raster.cells[1]}"))
    return lines
