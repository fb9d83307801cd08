"""Lines of a picture: heading, legend, axes, a line for each index, the cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float64

from nsm_widgets._text import count, level_texts, short_number
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas, Color
from nsm_widgets.export.picture.canvas._geometry import Box
from nsm_widgets.export.picture.canvas._glyphs import TITLE_PX, cut, drawable, text_width
from nsm_widgets.export.picture.panels._heatmap import CAPTION_PX, HIGHEST_PX, LEAST_EXTENT_PX, NOTE_PX
from nsm_widgets.export.picture.parts._axis import (
    AXIS_TITLE_PX,
    LABEL_GAP_PX,
    LINE_PX,
    TICK_GAP_PX,
    TICK_PX,
    DrawnAxis,
)
from nsm_widgets.export.text._where import describe_index, indices_for
from nsm_widgets.trace import steps_before
from nsm_widgets.view import (
    MOST_NAMED_LINES,
    ColorDomain,
    line_colors,
    line_indices,
    line_values,
    tick_steps,
    tick_values,
)
from nsm_widgets.view.panels import LinesPanel, ScalarsPanel

LEGEND_PX, SWATCH_PX, ENTRY_GAP_PX = 18, 14, 16
DASH_PX, DASH_GAP_PX = 6, 4
CURSOR: Color = (128, 128, 128)

LineSegment = tuple[int, int, int, int]


class LinesPicture:
    """Lines that are measured before they are drawn, as the other panels of a picture are.

    Args:
        panel: What to draw.
        scene: What all panels share.
    """

    right = 12

    def __init__(self, panel: LinesPanel | ScalarsPanel, scene: Scene) -> None:
        self.panel, self.scene = panel, scene
        self.array = scene.trace[panel.array]
        self.at = indices_for(panel, self.array, scene.indices)
        self.values = line_values(self.array, panel, self.at)
        self.x = DrawnAxis.of(self.array, panel.x, self.at.get("batch", 0))
        self.levels = tick_values(panel.domain)
        self.indices = (0,) if panel.y == panel.x else line_indices(self.array, panel)
        self.notes = plot_notes(self.values, panel.domain, panel.nan_means)
        self.named = len(self.values) <= MOST_NAMED_LINES

    @property
    def left(self) -> int:
        """Room that values and their title need on the left."""
        return int(max(text_width(text) for text in level_texts(self.levels))) + AXIS_TITLE_PX + 9

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size, the margins given."""
        self.width, self.box_left = width, left
        self.box_size = max(40, width - left - right), min(self.panel.height_px, HIGHEST_PX)
        self.legend = legend_places(self._entries(), width - left, SWATCH_PX + 5) if self.named else []
        self.above = CAPTION_PX + legend_height(self.legend)
        self.labels_px = self.x.height(self.box_size[0])
        below = self.labels_px + AXIS_TITLE_PX + (NOTE_PX if self.notes else 0)
        self.extent = max(left + self.box_size[0] + right, LEAST_EXTENT_PX)
        self.height = self.above + self.box_size[1] + below

    def box(self, left: int, top: int) -> Box:
        """The drawn area, where the panel's left upper corner is at this place."""
        return Box(left + self.box_left, top + self.above, *self.box_size)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        box = self.box(left, top)
        self._caption(canvas, box, top + CAPTION_PX - 8, left + self.width)
        self._legend(canvas, box, top + CAPTION_PX + 6)
        self._axes(canvas, box, left)
        self._cursor(canvas, box)
        colors = [color_of(color) for color in line_colors(len(self.values))]
        for line, color in zip(self.values, colors, strict=True):
            for segment in segments(line, self.panel.domain, box):
                canvas.line(segment[:2], segment[2:], color, 2 if self.named else 1)
        if self.notes:
            bottom = top + self.height
            canvas.text((box.left, bottom - 4), " · ".join(self.notes), "ls", canvas.ink.faint)

    def _caption(self, canvas: Canvas, box: Box, baseline: int, right: int) -> None:
        title = cut(drawable(self.panel.title), right - box.left, TITLE_PX)
        canvas.text((box.left, baseline), title, "ls", canvas.ink.text, TITLE_PX)
        after = box.left + round(text_width(title, TITLE_PX)) + 10
        where = " · ".join(self._where())
        canvas.text((after, baseline), cut(drawable(where), right - after), "ls", canvas.ink.faint)

    def _where(self) -> list[str]:
        """Where the cursor is, and which indices of the axes that are not drawn."""
        return [
            describe_index(self.array, dim, self.at)
            for dim, size in self.array.sizes.items()
            if dim == self.panel.x or (dim != self.panel.y and size > 1)
        ]

    def _entries(self) -> list[str]:
        """Each line's name, and its value at the cursor."""
        entries = []
        for line, index in zip(self.values, self.indices, strict=True):
            here = {**self.at, self.panel.y: index} if self.panel.y != self.panel.x else self.at
            value = short_number(float(line[self.at[self.panel.x]]))
            entries.append(f"{drawable(describe_index(self.array, self.panel.y, here))} = {value}")
        return entries

    def _legend(self, canvas: Canvas, box: Box, first: int) -> None:
        """Behind a piece of each line, its name and value."""
        colors = line_colors(len(self.values))
        for color, (row, across, text) in zip(colors, self.legend, strict=False):
            left, middle = box.left + across, first + LEGEND_PX * row
            canvas.line((left, middle), (left + SWATCH_PX, middle), color_of(color), 3)
            canvas.text((left + SWATCH_PX + 5, middle), text, "lm", canvas.ink.text)

    def _axes(self, canvas: Canvas, box: Box, left: int) -> None:
        ink = canvas.ink
        for level, text in zip(self.levels, level_texts(self.levels), strict=True):
            y = y_of(level, self.panel.domain, box)
            canvas.line((box.left, y), (box.right - 1, y), ink.line)
            canvas.text((box.left - 1 - TICK_PX - TICK_GAP_PX, y), text, "rm", ink.text)
        canvas.line((box.left, box.top), (box.left, box.bottom - 1), ink.faint)
        canvas.line((box.left, box.bottom - 1), (box.right - 1, box.bottom - 1), ink.faint)
        turned = self.x.turned(box.width)
        for step in self._labelled(box.width):
            x = x_of(step, self.x.count, box)
            canvas.line((x, box.bottom), (x, box.bottom + TICK_PX), ink.faint)
            y = box.bottom + TICK_PX + TICK_GAP_PX
            if turned:
                canvas.turned_text((x, y), self.x.label(step), "r", ink.text)
            else:
                canvas.text((x, y + 10), self.x.label(step), "ms", ink.text)
        y = box.bottom + self.labels_px + AXIS_TITLE_PX - 5
        canvas.text((box.left + box.width / 2, y), self.x.title(box.width), "ms", ink.text)
        title = cut(drawable(self.panel.title), box.height)
        canvas.turned_text((left + 7, box.top + box.height / 2), title, "m", ink.text)

    def _labelled(self, width: int) -> list[int]:
        """Steps with a label: round numbers, or as many of the axis' own as there is room for."""
        if self.x.labels is None:
            return tick_steps(self.x.count, before=steps_before(self.x.numbers))
        return self.x.ticks(width, LINE_PX if self.x.turned(width) else self.x.widest + LABEL_GAP_PX)

    def _cursor(self, canvas: Canvas, box: Box) -> None:
        x = x_of(self.at[self.panel.x], self.x.count, box)
        for start in range(box.top, box.bottom, DASH_PX + DASH_GAP_PX):
            end = min(start + DASH_PX, box.bottom) - 1
            canvas.line((x, start), (x, end), CURSOR, 2)


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


def x_of(step: int, steps: int, box: Box) -> int:
    """Where a step lies across: the first on the left edge, the last on the right one."""
    return box.left + round(step * (box.width - 1) / max(1, steps - 1))


def y_of(value: float, domain: ColorDomain, box: Box) -> int:
    """Where a value lies down: the domain's low end at the foot."""
    share = (value * domain.unit - domain.low * domain.unit) / domain.width
    return box.bottom - 1 - round(share * (box.height - 1))


def segments(line: Float64[np.ndarray, " step"], domain: ColorDomain, box: Box) -> Iterator[LineSegment]:
    """The parts of a line inside the box; a finite value between two that are not is a short stroke.

    What lies outside the domain is cut off at its edge, as on the page.
    """
    finite = np.isfinite(line)
    for i in np.flatnonzero(finite).tolist():
        x, here = x_of(i, len(line), box), float(line[i])
        if i + 1 < len(line) and finite[i + 1]:
            yield from _clipped((x, here), (x_of(i + 1, len(line), box), float(line[i + 1])), domain, box)
        elif (i == 0 or not finite[i - 1]) and domain.low <= here <= domain.high:
            y = y_of(here, domain, box)
            yield (x - 1, y, x + 1, y)


def _clipped(
    start: tuple[float, float], end: tuple[float, float], domain: ColorDomain, box: Box
) -> Iterator[LineSegment]:
    """The part of a segment between the domain's ends, if any."""
    (x0, v0), (x1, v1) = start, end
    if max(v0, v1) < domain.low or min(v0, v1) > domain.high:
        return
    ends = []
    for x, value in (start, end):
        inside = min(max(value, domain.low), domain.high)
        if inside != value:  # so the two differ: one is inside or on the other side
            x = x0 + (inside * 0.5 - v0 * 0.5) / (v1 * 0.5 - v0 * 0.5) * (x1 - x0)
        ends.append((round(x), y_of(inside, domain, box)))
    yield (*ends[0], *ends[1])


def color_of(text: str) -> Color:
    """The bytes of ``#rrggbb``.

    >>> color_of("#0080ff")
    (0, 128, 255)
    """
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def plot_notes(
    values: Float64[np.ndarray, "line step"], domain: ColorDomain, nan_means: str = ""
) -> list[str]:
    """How many values are not where they would be: none, or outside."""
    finite = values[np.isfinite(values)]
    outside = (finite < domain.low - domain.slack) | (finite > domain.high + domain.slack)
    none = f"NaN: {nan_means}" if nan_means else "NaN"
    counted = [(np.isnan(values).sum(), none), (np.isinf(values).sum(), "±inf"), (outside.sum(), "clipped")]
    return [count(int(number), word) for number, word in counted if number]
