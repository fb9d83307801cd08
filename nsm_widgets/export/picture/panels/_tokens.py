"""A text in colours: words one after the other, wrapped, with the colour bar above them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nsm_widgets._text import short_number
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import CURSOR_MARK, Canvas, Color
from nsm_widgets.export.picture.canvas._geometry import Box
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable, text_width
from nsm_widgets.export.picture.panels._heatmap import (
    CAPTION_PX,
    LEAST_EXTENT_PX,
    NOTE_PX,
    draw_heading,
    notes,
)
from nsm_widgets.export.picture.parts._bar import bar_pixels, bar_ticks, spread
from nsm_widgets.export.text._where import describe_others, indices_for
from nsm_widgets.raster import Raster, rasterize
from nsm_widgets.view import ABOVE, BELOW, NAN, paint
from nsm_widgets.view.panels import TokensPanel

LINE_PX, PAD_PX, GAP_PX, BLANK_PX = 22, 3, 1, 4
BAR_PX, BAR_ROOM_PX = 160, 78
"""The colour bar, and how long it would be if its labels were as narrow as they are high."""
BAR_LINE_PX = 28
HIGHEST_PX = 2_000
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
MIDDLE_LUMINANCE = 0.179
"""At which black and white stand out alike, by 4.58; WCAG 2.2, relative luminance."""


class WordPlace(NamedTuple):
    """A token, and its place from the left upper corner of the text."""

    number: int
    text: str
    left: float
    line: int
    width: float


class TokensPicture:
    """Tokens that are placed before they are drawn.

    Args:
        panel: Of what.
        scene: What all panels share.
    """

    left = right = 0
    """It lines up with nothing."""

    def __init__(self, panel: TokensPanel, scene: Scene) -> None:
        self.panel, self.scene = panel, scene
        self.array = scene.trace[panel.array]
        self.at = indices_for(panel, self.array, scene.indices)
        batch = self.at.get("batch", 0)
        self.texts = panel.texts[batch if len(panel.texts) > 1 else 0]
        values = self.array.values[
            tuple(slice(None) if dim == panel.x else self.at[dim] for dim in self.array.dims)
        ]
        look = scene.look_of(panel, self.at)
        self.raster: Raster = rasterize(
            values[None],
            look.domain,
            scene.settings.scale,
            thresholds=look.thresholds,
            max_rows=1,
            max_columns=values.size,
        )
        self.codes = self.raster.codes[0]
        self.look = look

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle where each token stands."""
        self.width = width
        self.placed = placed(self.texts, width)
        lines = self.placed[-1].line + 1 if self.placed else 0
        shown = min(lines, HIGHEST_PX // LINE_PX)
        self.placed = [token for token in self.placed if token.line < shown]
        self.notes = notes(self.raster)
        if shown < lines:
            self.notes.append(f"{len(self.placed):,} of {len(self.texts):,} tokens shown")
        reach = max([token.left + token.width for token in self.placed], default=0.0)
        self.extent = max(int(reach) + 1, LEAST_EXTENT_PX, BAR_PX + 28)
        self.height = CAPTION_PX + BAR_LINE_PX + LINE_PX * shown + (NOTE_PX if self.notes else 0)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        where = " · ".join(describe_others(self.panel, self.array, self.at))
        draw_heading(canvas, (left, top + CAPTION_PX - 8), left + self.width, self.panel.title, where)
        self._bar(canvas, left, top + CAPTION_PX)
        first = top + CAPTION_PX + BAR_LINE_PX
        colors = paint(self.codes, self.scene.cmap_of(self.panel), canvas.theme)
        for token in self.placed:
            color: Color = tuple(colors[token.number].tolist())
            at = round(left + token.left), first + token.line * LINE_PX
            box = Box(at[0], at[1] + 2, round(token.width), LINE_PX - 4)
            canvas.fill(box, color)
            code = int(self.codes[token.number])
            ink = ink_on(color)
            canvas.text((at[0] + PAD_PX, at[1] + 15), token.text, "ls", ink)
            for y in _lines(code, box):
                canvas.line((box.left, y), (box.right - 1, y), ink)
            if token.number == self.at[self.panel.x]:
                canvas.frame(box, CURSOR_MARK)
        if self.notes:
            canvas.text((left, top + self.height - 4), " · ".join(self.notes), "ls", canvas.ink.faint)

    def _bar(self, canvas: Canvas, left: int, top: int) -> None:
        pixels = bar_pixels(self.scene.cmap_of(self.panel), self.scene, BAR_PX)[::-1].transpose(1, 0, 2)
        bar = Box(left + 14, top, BAR_PX, 9)
        canvas.cells(np.ascontiguousarray(pixels), bar)
        canvas.frame(bar, canvas.ink.line)
        for position, value in spread(bar_ticks(self.look, self.scene.settings.scale), BAR_ROOM_PX):
            at = bar.left + position * BAR_PX, bar.bottom + 11
            canvas.text(at, drawable(short_number(value)), "ms", canvas.ink.faint)


def _lines(code: int, box: Box) -> list[int]:
    """Lines that tell marks apart without colour: above, below, or both for NaN and infinities."""
    if code < NAN:
        return []
    return [*([box.top + 1] if code != BELOW else []), *([box.bottom - 2] if code != ABOVE else [])]


def placed(texts: tuple[str, ...], width: float) -> list[WordPlace]:
    """Where tokens stand: a new line where one ends, and before a word that has no room."""
    found: list[WordPlace] = []
    left, line = 0.0, 0
    for number, text in enumerate(texts):
        ends = text.count("\n")
        word = drawable(text.replace("\n", "").removeprefix(" "))
        word = cut(word, width - 2 * PAD_PX)
        wide = text_width(word) + 2 * PAD_PX
        left += (BLANK_PX if text.startswith(" ") else GAP_PX) if left else 0
        if left and left + wide > width:
            left, line = 0.0, line + 1
        found.append(WordPlace(number, word, left, line, wide))
        left, line = (0.0, line + ends) if ends else (left + wide, line)
    return found


def ink_on(color: Color) -> Color:
    """Black or white, whichever stands out more: by 4.5 at least."""
    share = np.array(color) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return BLACK if float(linear @ [0.2126, 0.7152, 0.0722]) > MIDDLE_LUMINANCE else WHITE
