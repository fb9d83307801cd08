"""Bars of a picture: heading, what the values mean, legend, a bar for each index, the selected one marked."""

from __future__ import annotations

from math import isfinite

from nsm_widgets._text import short_number
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas, Color
from nsm_widgets.export.picture.canvas._geometry import Box, middles, span, ticks
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable
from nsm_widgets.export.picture.panels._heatmap import CAPTION_PX, NOTE_PX
from nsm_widgets.export.picture.panels._plot import (
    LEGEND_PX,
    PlotPicture,
    color_of,
    legend_height,
    legend_places,
    plot_notes,
    y_of,
)
from nsm_widgets.export.picture.parts._axis import LINE_PX, DrawnAxis
from nsm_widgets.export.text._where import describe_index, index_label
from nsm_widgets.view import BAR_COLORS, bar_codes, bar_domain, bar_order, bar_values, order_text
from nsm_widgets.view.panels import BarsPanel

SWATCH_PX, LABEL_GAP_PX = 12, 10
SHORT_PX = 30
"""Labels up to this width are not turned, but fewer."""
SHARE = 0.8
"""How much of its place a bar fills; the rest is between it and the next."""
WHITE: Color = (255, 255, 255)


class BarsPicture(PlotPicture):
    """Bars that are measured before they are drawn, as the other panels of a picture are.

    Args:
        panel: What to draw.
        scene: What all panels share.
    """

    def __init__(self, panel: BarsPanel, scene: Scene) -> None:
        super().__init__(panel, scene, bar_domain(panel.domain))
        self.panel, self.bars = panel, panel.bars
        everywhere = {**scene.indices, **self.at}
        self.values = bar_values(self.array, panel, self.at)
        self.codes = bar_codes(scene.trace, panel, everywhere)
        self.order = bar_order(scene.trace, panel, everywhere)
        self.notes = plot_notes(self.values[None], panel.domain)
        batch = self.at.get("batch", 0)
        names = tuple(index_label(self.array, panel.x, index, batch) for index in self.order.tolist())
        self.x = DrawnAxis(panel.x, len(names), names)

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size, the margins given."""
        kinds = enumerate(self.bars.kinds)
        texts = [drawable(f"{int((self.codes == code).sum()):,} {kind}") for code, kind in kinds]
        self.legend = legend_places(texts, width - left, SWATCH_PX + 6)
        note = NOTE_PX if self.bars.note else 0
        self.settle(width, left, right, CAPTION_PX + note + legend_height(self.legend))

    def turns(self, width: int) -> bool:
        """Not where they are short."""
        return self.x.widest > SHORT_PX and self.x.turned(width)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        box = self.box(left, top)
        self.draw_heading(canvas, box, left, top, self._where())
        if self.bars.note:
            note = cut(drawable(self.bars.note), left + self.width - box.left)
            canvas.text((box.left, top + CAPTION_PX + 7), note, "ls", canvas.ink.faint)
        self._legend(canvas, box, box.top)
        self.draw_levels(canvas, box)
        self.draw_title_up(canvas, box, left)
        self._cursor(canvas, box)
        for place, index in enumerate(self.order.tolist()):
            self._bar(canvas, box, place, float(self.values[index]), int(self.codes[index]))
        spacing = LINE_PX if self.turned else self.x.widest + LABEL_GAP_PX
        labelled = ticks(self.x.count, box.width, spacing)
        places = [(box.left + int((i + 0.5) * box.width / self.x.count), i) for i in labelled]
        self.draw_across(canvas, box, places, order_text(self.panel, self.array, self.at))
        self.draw_notes(canvas, box, top)

    def _where(self) -> list[str]:
        """The indices of the axes that are not drawn, and the value of the selected bar."""
        sizes = self.array.sizes.items()
        where = [
            describe_index(self.array, dim, self.at)
            for dim, size in sizes
            if dim != self.panel.x and size > 1
        ]
        chosen = short_number(float(self.values[self.at[self.panel.x]]))
        return [*where, f"{describe_index(self.array, self.panel.x, self.at)} = {chosen}"]

    def _legend(self, canvas: Canvas, box: Box, bottom: int) -> None:
        top = bottom - legend_height(self.legend)
        for code, (row, across, text) in enumerate(self.legend):
            middle = top + LEGEND_PX * row + 5
            swatch = Box(box.left + across, middle - 5, SWATCH_PX, 10)
            canvas.fill(swatch, color_of(BAR_COLORS[code]))
            _symbol(canvas, code, swatch.left + SWATCH_PX // 2, middle, WHITE)
            canvas.text((swatch.right + 6, middle), text, "lm", canvas.ink.text)

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
