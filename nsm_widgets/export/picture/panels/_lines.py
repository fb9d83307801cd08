"""Lines of a picture: heading, legend, axes, a line for each index, the cursor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from nsm_widgets._text import short_number
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import CURSOR_MARK, Canvas
from nsm_widgets.export.picture.canvas._geometry import Box
from nsm_widgets.export.picture.canvas._glyphs import drawable
from nsm_widgets.export.picture.panels._heatmap import CAPTION_PX
from nsm_widgets.export.picture.panels._plot import (
    LEGEND_PX,
    PlotPicture,
    color_of,
    legend_height,
    legend_places,
    plot_notes,
    y_of,
)
from nsm_widgets.export.picture.parts._axis import LABEL_GAP_PX, LINE_PX, DrawnAxis
from nsm_widgets.export.text._where import describe_index
from nsm_widgets.trace import steps_before
from nsm_widgets.view import (
    MOST_NAMED_LINES,
    ColorDomain,
    line_colors,
    line_indices,
    line_values,
    stepless_along,
    tick_steps,
)
from nsm_widgets.view.panels import LinesPanel, ScalarsPanel

SWATCH_PX = 14
DASH_PX, DASH_GAP_PX = 6, 4

LineSegment = tuple[int, int, int, int]


class LinesPicture(PlotPicture):
    """Lines that are measured before they are drawn, as the other panels of a picture are.

    Args:
        panel: What to draw.
        scene: What all panels share.
    """

    def __init__(self, panel: LinesPanel | ScalarsPanel, scene: Scene) -> None:
        super().__init__(panel, scene, panel.domain)
        self.panel = panel
        self.values = line_values(self.array, panel, self.at)
        self.x = DrawnAxis.of(self.array, panel.x, self.at.get("batch", 0))
        self.indices = (0,) if panel.y == panel.x else line_indices(self.array, panel)
        stepless = len(self.values) * int(stepless_along(self.array, panel.x, self.at).sum())
        self.notes = plot_notes(self.values, panel.domain, stepless)
        self.named = len(self.values) <= MOST_NAMED_LINES

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size, the margins given."""
        self.legend = legend_places(self._entries(), width - left, SWATCH_PX + 5) if self.named else []
        self.settle(width, left, right, CAPTION_PX + legend_height(self.legend))

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        box = self.box(left, top)
        self.draw_heading(canvas, box, left, top, self._where())
        self._legend(canvas, box, top + CAPTION_PX + 6)
        self.draw_levels(canvas, box)
        ticks = [(x_of(step, self.x.count, box), step) for step in self._labelled(box.width)]
        self.draw_across(canvas, box, ticks, self.x.title(box.width))
        self.draw_title_up(canvas, box, left)
        self._cursor(canvas, box)
        colors = [color_of(color) for color in line_colors(len(self.values))]
        for line, color in zip(self.values, colors, strict=True):
            for segment in segments(line, self.panel.domain, box):
                canvas.line(segment[:2], segment[2:], color, 2 if self.named else 1)
        self.draw_notes(canvas, box, top)

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

    def _labelled(self, width: int) -> list[int]:
        """Steps with a label: round numbers, or as many of the axis' own as there is room for."""
        if self.x.labels is None:
            return tick_steps(self.x.count, before=steps_before(self.x.numbers))
        return self.x.ticks(width, LINE_PX if self.x.turned(width) else self.x.widest + LABEL_GAP_PX)

    def _cursor(self, canvas: Canvas, box: Box) -> None:
        x = x_of(self.at[self.panel.x], self.x.count, box)
        for start in range(box.top, box.bottom, DASH_PX + DASH_GAP_PX):
            end = min(start + DASH_PX, box.bottom) - 1
            canvas.line((x, start), (x, end), CURSOR_MARK, 2)


def x_of(step: int, steps: int, box: Box) -> int:
    """Where a step lies across: the first on the left edge, the last on the right one."""
    return box.left + round(step * (box.width - 1) / max(1, steps - 1))


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
