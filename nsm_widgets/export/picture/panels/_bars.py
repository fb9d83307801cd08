"""Bars of a picture: heading, what the values mean, legend, a bar for each index, the selected one marked."""

from __future__ import annotations

from math import isfinite

from nsm_widgets._text import level_texts, short_number
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas, Color
from nsm_widgets.export.picture.canvas._geometry import Box, middles, span, ticks
from nsm_widgets.export.picture.canvas._glyphs import TITLE_PX, cut, drawable, text_width
from nsm_widgets.export.picture.panels._heatmap import CAPTION_PX, HIGHEST_PX, LEAST_EXTENT_PX, NOTE_PX
from nsm_widgets.export.picture.panels._lines import (
    LEGEND_PX,
    color_of,
    legend_height,
    legend_places,
    plot_notes,
    y_of,
)
from nsm_widgets.export.picture.parts._axis import AXIS_TITLE_PX, LINE_PX, TICK_GAP_PX, TICK_PX, DrawnAxis
from nsm_widgets.export.text._where import describe_index, index_label, indices_for
from nsm_widgets.view import (
    BAR_COLORS,
    bar_codes,
    bar_domain,
    bar_order,
    bar_values,
    order_text,
    tick_values,
)
from nsm_widgets.view.panels import BarsPanel

SWATCH_PX, LABEL_GAP_PX = 12, 10
SHORT_PX = 30
"""Labels up to this width are not turned, but fewer."""
SHARE = 0.8
"""How much of its place a bar fills; the rest is between it and the next."""
WHITE: Color = (255, 255, 255)


class BarsPicture:
    """Bars that are measured before they are drawn, as the other panels of a picture are.

    Args:
        panel: What to draw.
        scene: What all panels share.
    """

    right = 12

    def __init__(self, panel: BarsPanel, scene: Scene) -> None:
        self.panel, self.scene = panel, scene
        self.bars = panel.bars
        self.array = scene.trace[panel.array]
        self.at = indices_for(panel, self.array, scene.indices)
        everywhere = {**scene.indices, **self.at}
        self.values = bar_values(self.array, panel, self.at)
        self.codes = bar_codes(scene.trace, panel, everywhere)
        self.order = bar_order(scene.trace, panel, everywhere)
        self.domain = bar_domain(panel.domain)
        self.levels = tick_values(panel.domain)
        self.notes = plot_notes(self.values[None], panel.domain, panel.nan_means)
        batch = self.at.get("batch", 0)
        names = tuple(index_label(self.array, panel.x, index, batch) for index in self.order.tolist())
        self.x = DrawnAxis(panel.x, len(names), names)

    @property
    def left(self) -> int:
        """Room that values and their title need on the left."""
        return int(max(text_width(text) for text in level_texts(self.levels))) + AXIS_TITLE_PX + 9

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size, the margins given."""
        self.width, self.box_left = width, left
        self.box_size = max(40, width - left - right), min(self.panel.height_px, HIGHEST_PX)
        kinds = enumerate(self.bars.kinds)
        texts = [drawable(f"{int((self.codes == code).sum()):,} {kind}") for code, kind in kinds]
        self.legend = legend_places(texts, width - left, SWATCH_PX + 6)
        self.above = CAPTION_PX + (NOTE_PX if self.bars.note else 0) + legend_height(self.legend)
        self.turned = self.x.widest > SHORT_PX and self.x.turned(self.box_size[0])
        labels = self.x.widest + 4 if self.turned else LINE_PX
        self.labels_px = TICK_PX + TICK_GAP_PX + labels
        below = self.labels_px + AXIS_TITLE_PX + (NOTE_PX if self.notes else 0)
        self.extent = max(left + self.box_size[0] + right, LEAST_EXTENT_PX)
        self.height = self.above + self.box_size[1] + below

    def box(self, left: int, top: int) -> Box:
        """The drawn area, where the panel's left upper corner is at this place."""
        return Box(left + self.box_left, top + self.above, *self.box_size)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        box = self.box(left, top)
        right = left + self.width
        self._caption(canvas, box, top + CAPTION_PX - 8, right)
        if self.bars.note:
            note = cut(drawable(self.bars.note), right - box.left)
            canvas.text((box.left, top + CAPTION_PX + 7), note, "ls", canvas.ink.faint)
        self._legend(canvas, box, box.top)
        self._levels(canvas, box, left)
        self._cursor(canvas, box)
        for place, index in enumerate(self.order.tolist()):
            self._bar(canvas, box, place, float(self.values[index]), int(self.codes[index]))
        self._labels(canvas, box)
        if self.notes:
            bottom = top + self.height
            canvas.text((box.left, bottom - 4), " · ".join(self.notes), "ls", canvas.ink.faint)

    def _caption(self, canvas: Canvas, box: Box, baseline: int, right: int) -> None:
        title = cut(drawable(self.panel.title), right - box.left, TITLE_PX)
        canvas.text((box.left, baseline), title, "ls", canvas.ink.text, TITLE_PX)
        after = box.left + round(text_width(title, TITLE_PX)) + 10
        where = [
            describe_index(self.array, dim, self.at)
            for dim, size in self.array.sizes.items()
            if dim != self.panel.x and size > 1
        ]
        chosen = float(self.values[self.at[self.panel.x]])
        where.append(f"{describe_index(self.array, self.panel.x, self.at)} = {short_number(chosen)}")
        subtitle = cut(drawable(" · ".join(where)), right - after)
        canvas.text((after, baseline), subtitle, "ls", canvas.ink.faint)

    def _legend(self, canvas: Canvas, box: Box, bottom: int) -> None:
        top = bottom - legend_height(self.legend)
        for code, (row, across, text) in enumerate(self.legend):
            middle = top + LEGEND_PX * row + 5
            swatch = Box(box.left + across, middle - 5, SWATCH_PX, 10)
            canvas.fill(swatch, color_of(BAR_COLORS[code]))
            _symbol(canvas, code, swatch.left + SWATCH_PX // 2, middle, WHITE)
            canvas.text((swatch.right + 6, middle), text, "lm", canvas.ink.text)

    def _levels(self, canvas: Canvas, box: Box, left: int) -> None:
        ink = canvas.ink
        for level, text in zip(self.levels, level_texts(self.levels), strict=True):
            y = y_of(level, self.domain, box)
            canvas.line((box.left, y), (box.right - 1, y), ink.line)
            canvas.text((box.left - 1 - TICK_PX - TICK_GAP_PX, y), text, "rm", ink.text)
        canvas.line((box.left, box.top), (box.left, box.bottom - 1), ink.faint)
        title = cut(drawable(self.panel.title), box.height)
        canvas.turned_text((left + 7, box.top + box.height / 2), title, "m", ink.text)

    def _cursor(self, canvas: Canvas, box: Box) -> None:
        """The selected bar's whole column, behind the bars."""
        place = self.order.tolist().index(self.at[self.panel.x])
        start, end = span(place, self.x.count, box.width)
        column = Box(box.left + start, box.top, max(1, end - start), box.height)
        canvas.fill(column, between(canvas.ink.background, canvas.ink.line))
        if column.width >= 3:
            canvas.frame(column.inside, canvas.ink.faint)

    def _bar(self, canvas: Canvas, box: Box, place: int, value: float, code: int) -> None:
        bar = bar_box(place, self.x.count, box)
        middle = bar.left + bar.width // 2
        if isfinite(value):
            inside = min(max(value, self.domain.low), self.domain.high)
            base = y_of(min(max(0.0, self.domain.low), self.domain.high), self.domain, box)
            top = y_of(inside, self.domain, box)
            height = abs(base - top)
            if height:
                color = color_of(BAR_COLORS[code])
                canvas.fill(Box(bar.left, min(top, base), bar.width, height), color)
        y = box.bottom - 6 if code == 1 else box.top + 5
        _symbol(canvas, code, middle, y, color_of(BAR_COLORS[code]))

    def _labels(self, canvas: Canvas, box: Box) -> None:
        ink = canvas.ink
        canvas.line((box.left, box.bottom - 1), (box.right - 1, box.bottom - 1), ink.faint)
        spacing = LINE_PX if self.turned else self.x.widest + LABEL_GAP_PX
        for index in ticks(self.x.count, box.width, spacing):
            x = box.left + int((index + 0.5) * box.width / self.x.count)
            canvas.line((x, box.bottom), (x, box.bottom + TICK_PX), ink.faint)
            y = box.bottom + TICK_PX + TICK_GAP_PX
            if self.turned:
                canvas.turned_text((x, y), self.x.label(index), "r", ink.text)
            else:
                canvas.text((x, y + 10), self.x.label(index), "ms", ink.text)
        y = box.bottom + self.labels_px + AXIS_TITLE_PX - 5
        canvas.text(
            (box.left + box.width / 2, y), order_text(self.panel, self.array, self.at), "ms", ink.text
        )


def bar_box(place: int, count: int, box: Box) -> Box:
    """Where a bar of the box's whole height stands: its share of its place, at least a pixel."""
    start, end = span(place, count, box.width)
    width = max(1, round((end - start) * SHARE))
    return Box(box.left + start + (end - start - width) // 2, box.top, width, box.height)


def between(one: Color, other: Color) -> Color:
    """The colour halfway."""
    red, green, blue = ((a + b) // 2 for a, b in zip(one, other, strict=True))
    return red, green, blue


def _symbol(canvas: Canvas, code: int, x: int, y: int, color: Color) -> None:
    """What tells a kind apart without its colour: a cross for 1, a triangle for 2."""
    if code == 1:
        canvas.line((x - 2, y - 2), (x + 2, y + 2), color, 2)
        canvas.line((x - 2, y + 2), (x + 2, y - 2), color, 2)
    elif code == 2:
        canvas.polygon(middles([(x - 3, y + 2), (x + 3, y + 2), (x, y - 3)]), color)
