"""A table in a picture: a heading, names of columns, and rows, numbers to the right."""

from __future__ import annotations

from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable, text_width
from nsm_widgets.export.picture.panels._heatmap import CAPTION_PX, LEAST_EXTENT_PX, draw_heading
from nsm_widgets.view.panels import TablePanel

LINE_PX, GAP_PX = 18, 16


class TablePicture:
    """Texts in columns as wide as their widest; what has no room to the right is cut off.

    Args:
        panel: Its cells.
        scene: What all panels share.
    """

    left = right = 0
    """It lines up with nothing."""

    def __init__(self, panel: TablePanel, scene: Scene) -> None:
        table = panel.table
        self.panel = panel
        rows = [table.columns, *(row.cells for row in table.rows)]
        self.rows = [[drawable(cell) for cell in row] for row in rows]
        self.note = drawable(table.note)
        columns = list(zip(*self.rows, strict=True))
        self.widths = [max(map(text_width, column)) for column in columns]
        self.to_the_right = [all(_is_number(cell) for cell in column[1:]) for column in columns]

    def fit(self, width: int, left: int, right: int) -> None:
        """Measure it, the margin given."""
        self.width, self.indent = width, left  # titles of pictures stand over their cells
        whole = left + sum(self.widths) + GAP_PX * (len(self.widths) - 1)
        self.extent = max(min(int(whole) + 1, width), LEAST_EXTENT_PX)
        lines = len(self.rows) + bool(self.note)
        self.height = CAPTION_PX + LINE_PX * lines + LINE_PX

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        at, baseline = left + self.indent, top + CAPTION_PX - 8
        end = left + self.width
        draw_heading(canvas, (at, baseline), end, self.panel.title)
        for number, row in enumerate(self.rows, start=1):
            color = canvas.ink.faint if number == 1 else canvas.ink.text
            self._draw_row(canvas, row, (at, baseline + 4 + number * LINE_PX), end, color)
        if self.note:
            below = baseline + 4 + (len(self.rows) + 1) * LINE_PX
            canvas.text((at, below), cut(self.note, end - at), "ls", canvas.ink.faint)

    def _draw_row(
        self, canvas: Canvas, row: list[str], at: tuple[float, float], end: float, color: tuple[int, int, int]
    ) -> None:
        left, baseline = at
        for cell, width, right in zip(row, self.widths, self.to_the_right, strict=True):
            if left >= end:
                return
            start = left + (width - text_width(cell) if right else 0)
            canvas.text((start, baseline), cut(cell, end - start), "ls", color)
            left += width + GAP_PX


def _is_number(cell: str) -> bool:
    try:
        float(cell or 0)
    except ValueError:
        return False
    return True
