"""The strongest links of the selected token, in a picture: two lists with their weights."""

from __future__ import annotations

from nsm_widgets._text import short_number
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable, text_width
from nsm_widgets.export.picture.panels._heatmap import CAPTION_PX, LEAST_EXTENT_PX, draw_heading
from nsm_widgets.export.text._where import describe_index, index_label, indices_for
from nsm_widgets.view import DIRECTIONS, strongest_links
from nsm_widgets.view.panels import LinksPanel

LINE_PX, GAP_PX, LEAST_SIDE_PX = 16, 24, 130


class LinksPicture:
    """Two lists, side by side.

    Args:
        panel: Of what.
        scene: What all panels share.
    """

    left = right = 0
    """It lines up with nothing."""

    def __init__(self, panel: LinksPanel, scene: Scene) -> None:
        self.panel = panel
        array = scene.trace[panel.array]
        at = indices_for(panel, array, scene.indices)
        links = strongest_links(panel, array, at)
        others = (panel.x, panel.y)
        batch = at.get("batch", 0)
        self.heads = [
            drawable(f"{describe_index(array, dim, at)} {direction}")
            for dim, direction in zip((panel.y, panel.x), DIRECTIONS, strict=True)
        ]
        self.lists = [
            [
                (drawable(index_label(array, dim, link.to, batch)), drawable(short_number(link.weight)))
                for link in side
            ]
            for dim, side in zip(others, links, strict=True)
        ]

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size."""
        self.width = width
        self.side = max(LEAST_SIDE_PX, min(260, (width - GAP_PX) // 2))
        self.extent = max(min(width, 2 * self.side + GAP_PX), LEAST_EXTENT_PX)
        self.height = CAPTION_PX + LINE_PX * (max(map(len, self.lists)) + 2)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        baseline = top + CAPTION_PX - 8
        draw_heading(canvas, (left, baseline), left + self.width, self.panel.title)
        for number, (head, links) in enumerate(zip(self.heads, self.lists, strict=True)):
            at = left + number * (self.side + GAP_PX)
            canvas.text((at, baseline + LINE_PX + 4), cut(head, self.side), "ls", canvas.ink.faint)
            for line, (name, weight) in enumerate(links, start=2):
                y = baseline + 4 + line * LINE_PX
                room = self.side - text_width(weight) - 10
                canvas.text((at, y), cut(name, room), "ls", canvas.ink.text)
                canvas.text((at + self.side, y), weight, "rs", canvas.ink.text)
