"""Notes of a picture: a heading, and below it sentences, wrapped to the room there is."""

from __future__ import annotations

from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable, text_width
from nsm_widgets.export.picture.panels._heatmap import CAPTION_PX, LEAST_EXTENT_PX, draw_heading
from nsm_widgets.export.text._where import indices_for
from nsm_widgets.view import note_lines
from nsm_widgets.view.panels import NotesPanel

LINE_PX = 16


class NotesPicture:
    """Sentences that are wrapped before they are written, as the other panels of a picture are measured.

    Args:
        panel: What to say.
        scene: What all panels share.
    """

    left = right = 0
    """It lines up with nothing."""

    def __init__(self, panel: NotesPanel, scene: Scene) -> None:
        self.panel = panel
        array = scene.trace[panel.array]
        self.notes = [
            drawable(line) for line in note_lines(panel, array, indices_for(panel, array, scene.indices))
        ]

    def fit(self, width: int, left: int, right: int) -> None:
        """Break the lines, the margin given."""
        self.width, self.indent = width, left  # titles of pictures stand over their cells
        self.lines = [part for line in self.notes for part in wrapped(line, width - left)]
        widest = max([text_width(line) for line in self.lines], default=0)
        self.extent = max(left + int(widest) + 1, LEAST_EXTENT_PX)
        self.height = CAPTION_PX + LINE_PX * len(self.lines) + LINE_PX

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        at, baseline = left + self.indent, top + CAPTION_PX - 8
        draw_heading(canvas, (at, baseline), left + self.width, self.panel.title)
        for number, line in enumerate(self.lines, start=1):
            canvas.text((at, baseline + 4 + number * LINE_PX), line, "ls", canvas.ink.faint)


def wrapped(text: str, width_px: float) -> list[str]:
    """The text in lines that fit, broken between words; a word that is wider than a line is cut."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer) <= width_px:
            lines[-1] = longer
        else:
            lines.append(cut(word, width_px))
    return lines
