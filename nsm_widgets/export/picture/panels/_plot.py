"""What charts of a picture share: heading, levels, an axis across with its labels, notes below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from nsm_widgets._text import count, level_texts
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas, Color
from nsm_widgets.export.picture.canvas._geometry import Box
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable, text_width
from nsm_widgets.export.picture.panels._heatmap import (
    CAPTION_PX,
    HIGHEST_PX,
    LEAST_EXTENT_PX,
    NOTE_PX,
    draw_heading,
)
from nsm_widgets.export.picture.parts._axis import AXIS_TITLE_PX, LINE_PX, TICK_GAP_PX, TICK_PX, DrawnAxis
from nsm_widgets.export.text._where import indices_for
from nsm_widgets.view import NO_STEP_BEFORE, ColorDomain, tick_values
from nsm_widgets.view.panels import BarsPanel, LinesPanel, ScalarsPanel

LEGEND_PX, ENTRY_GAP_PX = 18, 16


class PlotPicture:
    """A chart that is measured before it is drawn, as the other panels of a picture are.

    Args:
        panel: What to draw.
        scene: What all panels share.
        domain: What the foot and the top of the drawn area stand for.
    """

    right = 12
    x: DrawnAxis
    notes: list[str]

    def __init__(
        self, panel: BarsPanel | LinesPanel | ScalarsPanel, scene: Scene, domain: ColorDomain
    ) -> None:
        self._panel, self.scene, self.domain = panel, scene, domain
        self.array = scene.trace[panel.array]
        self.at = indices_for(panel, self.array, scene.indices)
        self.levels = tick_values(panel.domain)

    @property
    def left(self) -> int:
        """Room that values and their title need on the left."""
        return int(max(text_width(text) for text in level_texts(self.levels))) + AXIS_TITLE_PX + 9

    def settle(self, width: int, left: int, right: int, above: int) -> None:
        """Settle its size: the margins, and the room for what stands above the drawn area."""
        self.width, self.box_left, self.above = width, left, above
        self.box_size = max(40, width - left - right), min(self._panel.height_px, HIGHEST_PX)
        self.turned = self.turns(self.box_size[0])
        self.labels_px = TICK_PX + TICK_GAP_PX + (self.x.widest + 4 if self.turned else LINE_PX)
        below = self.labels_px + AXIS_TITLE_PX + (NOTE_PX if self.notes else 0)
        self.extent = max(left + self.box_size[0] + right, LEAST_EXTENT_PX)
        self.height = above + self.box_size[1] + below

    def turns(self, width: int) -> bool:
        """Whether the labels across are turned."""
        return self.x.turned(width)

    def box(self, left: int, top: int) -> Box:
        """The drawn area, where the panel's left upper corner is at this place."""
        return Box(left + self.box_left, top + self.above, *self.box_size)

    def draw_heading(self, canvas: Canvas, box: Box, left: int, top: int, where: Sequence[str]) -> None:
        """The title, and where in the data it stands."""
        at = box.left, top + CAPTION_PX - 8
        draw_heading(canvas, at, left + self.width, self._panel.title, " · ".join(where))

    def draw_levels(self, canvas: Canvas, box: Box) -> None:
        """A line for each level, with its value."""
        ink = canvas.ink
        for level, text in zip(self.levels, level_texts(self.levels), strict=True):
            y = y_of(level, self.domain, box)
            canvas.line((box.left, y), (box.right - 1, y), ink.line)
            canvas.text((box.left - 1 - TICK_PX - TICK_GAP_PX, y), text, "rm", ink.text)
        canvas.line((box.left, box.top), (box.left, box.bottom - 1), ink.faint)

    def draw_title_up(self, canvas: Canvas, box: Box, left: int) -> None:
        """What the values are, beside them."""
        title = cut(drawable(self._panel.title), box.height)
        canvas.turned_text((left + 7, box.top + box.height / 2), title, "m", canvas.ink.text)

    def draw_across(self, canvas: Canvas, box: Box, ticks: Sequence[tuple[int, int]], title: str) -> None:
        """The axis across: the place and the index of each tick."""
        ink = canvas.ink
        canvas.line((box.left, box.bottom - 1), (box.right - 1, box.bottom - 1), ink.faint)
        for x, index in ticks:
            canvas.line((x, box.bottom), (x, box.bottom + TICK_PX), ink.faint)
            y = box.bottom + TICK_PX + TICK_GAP_PX
            if self.turned:
                canvas.turned_text((x, y), self.x.label(index), "r", ink.text)
            else:
                canvas.text((x, y + 10), self.x.label(index), "ms", ink.text)
        y = box.bottom + self.labels_px + AXIS_TITLE_PX - 5
        canvas.text((box.left + box.width / 2, y), title, "ms", ink.text)

    def draw_notes(self, canvas: Canvas, box: Box, top: int) -> None:
        """How many values are not where they would be."""
        if self.notes:
            canvas.text((box.left, top + self.height - 4), " · ".join(self.notes), "ls", canvas.ink.faint)


def legend_places(texts: Sequence[str], room: int, before: int) -> list[tuple[int, int, str]]:
    """Row, place across and text of each entry of a legend, wrapped and cut to the room there is.

    Args:
        texts: What is written.
        room: Width of the legend.
        before: Pixels that stand before each text.
    """
    places: list[tuple[int, int, str]] = []
    row, across = 0, 0
    for whole in texts:
        text = cut(whole, room - before)
        width = before + round(text_width(text))
        if across and across + width > room:
            row, across = row + 1, 0
        places.append((row, across, text))
        across += width + ENTRY_GAP_PX
    return places


def legend_height(places: Sequence[tuple[int, int, str]]) -> int:
    """Pixels that a legend takes down."""
    return LEGEND_PX * (1 + places[-1][0]) if places else 0


def y_of(value: float, domain: ColorDomain, box: Box) -> int:
    """Where a value lies down: the domain's low end at the foot."""
    share = (value * domain.unit - domain.low * domain.unit) / domain.width
    return box.bottom - 1 - round(share * (box.height - 1))


def color_of(text: str) -> Color:
    """The bytes of ``#rrggbb``.

    >>> color_of("#0080ff")
    (0, 128, 255)
    """
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def plot_notes(values: Float64[np.ndarray, "line step"], domain: ColorDomain, stepless: int = 0) -> list[str]:
    """How many values are not where they would be: none, for want of a step before or else; or outside."""
    finite = values[np.isfinite(values)]
    outside = (finite < domain.low - domain.slack) | (finite > domain.high + domain.slack)
    nan = np.isnan(values).sum() - stepless
    counted = [(nan, "NaN"), (np.isinf(values).sum(), "±inf"), (outside.sum(), "clipped")]
    counted.append((stepless, NO_STEP_BEFORE))
    return [count(int(number), word) for number, word in counted if number]
