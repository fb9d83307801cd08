"""One axis of a heatmap: its labels, and the room that they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nsm_widgets._axes import axis_title
from nsm_widgets.export.picture.canvas._canvas import Canvas
from nsm_widgets.export.picture.canvas._geometry import Box, ticks
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable, text_width
from nsm_widgets.trace import NamedArray, Numbers, numbers_of, steps_before

AXIS_TITLE_PX = 18
TICK_PX, TICK_GAP_PX = 3, 3
LINE_PX, NUMBER_LINE_PX, NUMBER_GAP_PX, LABEL_GAP_PX = 14, 20, 26, 8
LONGEST_LABEL_PX = 96


@dataclass(frozen=True)
class DrawnAxis:
    """An axis as it is labelled: by the data's own labels, or by numbers."""

    dim: str
    count: int
    labels: Sequence[str] | None
    numbers: Numbers | None = None
    """Those of its places where they are not counted from 0."""

    @classmethod
    def of(cls, array: NamedArray, dim: str, batch: int, shown: Sequence[int] | None = None) -> DrawnAxis:
        """The axis of an array, its labels those of this item of the batch.

        Args:
            array: Whose axis it is.
            dim: The axis.
            batch: The item.
            shown: The indices that are shown, where not all are.
        """
        labels: Sequence[str] | None = array.labels(dim, batch=batch) if dim in array.coords else None
        if shown is None:
            return cls(dim, array.sizes[dim], labels, numbers_of(array.coords, dim))
        labels = None if labels is None else [labels[index] for index in shown]
        return cls(dim, len(shown), labels, np.asarray(array.numbers(dim))[list(shown)])

    def title(self, room: int) -> str:
        """What stands along it, cut to the room there is, or that labels have."""
        return cut(drawable(axis_title(self.dim)), max(room, LONGEST_LABEL_PX))

    def label(self, index: int) -> str:
        """The text at an index, cut to the room there is for any."""
        if self.labels is not None:
            return cut(drawable(self.labels[index]), LONGEST_LABEL_PX)
        return str(index if self.numbers is None else self.numbers[index])

    @cached_property
    def widest(self) -> int:
        """Pixels that the longest label takes."""
        longest = [self.label(self.count - 1)]
        if self.labels is None and self.numbers is not None:
            longest += [str(np.min(self.numbers)), str(np.max(self.numbers))]
        if self.labels is not None:  # so many as to be measured one by one are not all shown either
            step = max(1, self.count // 500)
            longest += map(self.label, range(0, self.count, step))
        return int(max(map(text_width, longest))) + 1

    def ticks(self, length_px: int, label_px: float) -> list[int]:
        """Indices to label along so many pixels."""
        before = 0 if self.labels is not None else steps_before(self.numbers)
        return ticks(self.count, length_px, label_px, before)

    def turned(self, width: int) -> bool:
        """Whether labels across must stand upright to fit."""
        return self.labels is not None and self.widest + LABEL_GAP_PX > width / self.count

    def height(self, width: int) -> int:
        """Room that labels take below a drawn area of this width."""
        return TICK_PX + TICK_GAP_PX + (self.widest + 4 if self.turned(width) else LINE_PX)

    def draw_down(self, canvas: Canvas, box: Box, left: int) -> None:
        """Labels and title to the left of the box."""
        spacing = NUMBER_LINE_PX if self.labels is None else LINE_PX
        for index in self.ticks(box.height, spacing):
            y = box.top + int((index + 0.5) * box.height / self.count)
            canvas.line((box.left - 1 - TICK_PX, y), (box.left - 2, y), canvas.ink.faint)
            at = (box.left - 1 - TICK_PX - TICK_GAP_PX, y)
            canvas.text(at, self.label(index), "rm", canvas.ink.text)
        canvas.turned_text((left + 7, box.top + box.height / 2), self.title(box.height), "m", canvas.ink.text)

    def draw_across(self, canvas: Canvas, box: Box) -> None:
        """Labels and title below the box."""
        turned = self.turned(box.width)
        spacing = LINE_PX if turned else self.widest + LABEL_GAP_PX
        if self.labels is None:
            spacing = self.widest + NUMBER_GAP_PX
        for index in self.ticks(box.width, spacing):
            x = box.left + int((index + 0.5) * box.width / self.count)
            canvas.line((x, box.bottom + 1), (x, box.bottom + TICK_PX), canvas.ink.faint)
            y = box.bottom + TICK_PX + TICK_GAP_PX
            if turned:
                canvas.turned_text((x, y), self.label(index), "r", canvas.ink.text)
            else:
                canvas.text((x, y + 10), self.label(index), "ms", canvas.ink.text)
        y = box.bottom + self.height(box.width) + AXIS_TITLE_PX - 5
        canvas.text((box.left + box.width / 2, y), self.title(box.width), "ms", canvas.ink.text)
