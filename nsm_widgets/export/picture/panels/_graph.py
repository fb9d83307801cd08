"""A graph of a picture: heading, edges in the colours of their cells, nodes on a circle, labels around it."""

from __future__ import annotations

from functools import cached_property
from math import degrees, pi

import numpy as np
from jaxtyping import Float64, Shaped

from nsm_widgets._text import short_number
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas, Color
from nsm_widgets.export.picture.canvas._curves import along, dashes
from nsm_widgets.export.picture.canvas._geometry import Box
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable, text_width
from nsm_widgets.export.picture.panels._heatmap import CAPTION_PX, HIGHEST_PX, NOTE_PX, draw_heading, notes
from nsm_widgets.export.picture.parts._graph_layout import (
    LINE_PX,
    Arrow,
    Ring,
    arrow,
    edge_width,
    is_centered,
    label_room,
    node_radius,
    ring_of,
)
from nsm_widgets.export.text._where import describe_others, index_label, indices_for
from nsm_widgets.view import BELOW, MOST_NODES, NAN, Theme, choose_edges, column_sums, paint
from nsm_widgets.view.panels import GraphPanel

DASH_PX = 4.0
EDGE_OF_NODE_PX = 1.5
OUTLINE_PX, OUTLINE_INK = 0.9, 0.6
"""Of an edge in a colour near to the page's: by how much the outline is wider, and its share of ink."""
MISSING_STRENGTH = 0.25
"""Width of an edge that is NaN, on the scale from none to the strongest."""
MESSAGE_PX = 60


class GraphPicture:
    """A graph that is measured before it is drawn, as the other panels of a picture are.

    Args:
        panel: What to draw.
        scene: What all panels share.
    """

    left = right = 0
    """It lines up with nothing."""

    def __init__(self, panel: GraphPanel, scene: Scene) -> None:
        self.panel, self.scene = panel, scene
        self.array = scene.trace[panel.array]
        self.at = indices_for(panel, self.array, scene.indices)
        self.count = self.array.sizes[panel.y]
        self.message = too_many(self.count, panel.y) if self.count > MOST_NODES else ""
        if not self.message:
            self.raster = scene.every_cell(panel, self.at)
            self.plane = scene.plane(panel, self.at)
            self.choice = choose_edges(self.plane)

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size."""
        self.width = self.extent = width
        self.notes = [self.message] if self.message else [self.key, self.edges_text]
        drawn = MESSAGE_PX if self.message else min(self.panel.height_px, HIGHEST_PX, width)
        self.box_size = width, drawn
        self.height = CAPTION_PX + drawn + (0 if self.message else 2 * NOTE_PX)

    @property
    def key(self) -> str:
        """What arrows and nodes stand for."""
        largest = short_number(self.panel.largest_sum)
        return f"from {self.panel.x} to {self.panel.y} · node area: column sum, largest {largest}"

    @property
    def edges_text(self) -> str:
        """Which edges are drawn, and marks among them."""
        return drawable(" · ".join([self.choice.text, *notes(self.raster)]))

    def box(self, left: int, top: int) -> Box:
        """The drawn area, where the panel's left upper corner is at this place."""
        return Box(left, top + CAPTION_PX, *self.box_size)

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        box = self.box(left, top)
        self._caption(canvas, left, top)
        if self.message:
            canvas.text((left, box.top + 16), cut(self.message, self.width), "ls", canvas.ink.faint)
            return
        labels = self._labels()
        ring = self.ring(labels)
        sums = column_sums(self.plane)
        radii = [node_radius(ring, share) for share in (sums / (self.panel.largest_sum or 1.0)).tolist()]
        with canvas.smooth(box):
            self._edges(canvas, box, ring, radii)
            self._nodes(canvas, box, ring, radii)
        self._write_labels(canvas, box, ring, labels)
        for line, text in enumerate((self.key, self.edges_text)):
            at = left, box.bottom + (line + 1) * NOTE_PX - 4
            canvas.text(at, cut(text, self.width), "ls", canvas.ink.faint)

    def ring(self, labels: list[str]) -> Ring:
        """Where nodes stand in the drawn area."""
        return ring_of(self.count, *self.box_size, max(map(text_width, labels)))

    def arrow_of(self, cell: int, ring: Ring, radii: list[float]) -> tuple[Arrow, float]:
        """The edge of a cell of the matrix, and how wide it is."""
        listener, sender = divmod(cell, self.count)
        width = edge_width(ring, float(self._strengths[listener, sender]))
        return arrow(ring, sender, listener, radii, width), width

    @cached_property
    def _strengths(self) -> Float64[np.ndarray, "listener sender"]:
        return strengths(self.raster.codes, diverging=self.panel.domain.diverging)

    def _labels(self) -> list[str]:
        """What stands at each node, cut to the room there is."""
        labelled = next((d for d in (self.panel.y, self.panel.x) if d in self.array.coords), self.panel.y)
        room = label_room(self.count, *self.box_size)
        batch = self.at.get("batch", 0)
        return [cut(drawable(index_label(self.array, labelled, i, batch)), room) for i in range(self.count)]

    def _caption(self, canvas: Canvas, left: int, top: int) -> None:
        at = left, top + CAPTION_PX - 8
        where = " · ".join(describe_others(self.panel, self.array, self.at))
        draw_heading(canvas, at, left + self.width, self.panel.title, where)

    def _edges(self, canvas: Canvas, box: Box, ring: Ring, radii: list[float]) -> None:
        """The weakest first, so that the strongest lie on top."""
        colors = paint(self.raster.codes, self.scene.cmap_of(self.panel), canvas.theme)
        for cell in self.choice.cells.tolist():
            listener, sender = divmod(cell, self.count)
            red, green, blue = colors[listener, sender].tolist()
            drawn, width = self.arrow_of(cell, ring, radii)
            shaft = [_moved(point, box) for point in drawn.shaft]
            head = [_moved(point, box) for point in drawn.head]
            color = red, green, blue
            if self.raster.codes[listener, sender] == NAN:
                for part in dashes(along(shaft), DASH_PX, DASH_PX):
                    canvas.stroke(part, width, color)
            else:
                if is_pale(color, canvas.theme):
                    outline = _mixed(canvas.ink.background, canvas.ink.line)
                    canvas.curve(shaft, width + OUTLINE_PX, outline)
                    canvas.stroke([*head, head[0]], OUTLINE_PX, outline)
                canvas.curve(shaft, width, color)
            canvas.polygon(head, color)

    def _nodes(self, canvas: Canvas, box: Box, ring: Ring, radii: list[float]) -> None:
        selected = self.at[self.panel.y]
        for index, radius in enumerate(radii):
            center = _moved(ring.at(index), box)
            edge = canvas.ink.accent if index == selected else canvas.ink.background
            canvas.disc(center, radius + (selected_px(ring) if index == selected else EDGE_OF_NODE_PX), edge)
            canvas.disc(center, radius, canvas.ink.faint)

    def _write_labels(self, canvas: Canvas, box: Box, ring: Ring, labels: list[str]) -> None:
        for index in range(0, self.count, ring.every):
            across = np.cos(ring.angle(index))
            if ring.upright:
                x, y = _moved(ring.at(index, ring.labels), box)
                side = "m" if is_centered(ring.angle(index)) else "l" if across > 0 else "r"
                lift = 0.5 * LINE_PX * np.sin(ring.angle(index)) if side == "m" else 0.0
                canvas.text((x, y + lift), labels[index], f"{side}m", canvas.ink.text)
            else:
                at = _moved(ring.at(index, ring.labels), box)
                flipped = across < -1e-9
                turn = ring.angle(index) + (pi if flipped else 0)
                canvas.slanted_text(
                    at, labels[index], "r" if flipped else "l", canvas.ink.text, degrees(turn)
                )


def too_many(count: int, dim: str) -> str:
    """Why there is no graph, and what would be drawn."""
    return f"a graph is drawn of at most {MOST_NODES} nodes, and {dim} has {count:,}: see the matrix"


def selected_px(ring: Ring) -> float:
    """Width of the line around the node that is selected."""
    return min(2.5, 1 + ring.node / 6)


def _mixed(paper: Color, ink: Color) -> Color:
    red, green, blue = (round(p + OUTLINE_INK * (i - p)) for p, i in zip(paper, ink, strict=True))
    return red, green, blue


def strengths(codes: Shaped[np.ndarray, "*shape"], *, diverging: bool) -> Float64[np.ndarray, "*shape"]:
    """How far each code is from nothing, in [0, 1]: what the width of an edge shows.

    >>> strengths(np.array([0, 51, 255, 256, 257]), diverging=False).tolist()
    [0.0, 0.2, 1.0, 0.25, 1.0]
    """
    plain = np.clip(codes, 0, 255) / 255
    strength = np.abs(2 * plain - 1) if diverging else plain
    if not diverging:
        strength = np.where(codes == BELOW, 0.0, strength)
    found: Float64[np.ndarray, "*shape"] = np.where(codes == NAN, MISSING_STRENGTH, strength)
    return found


def is_pale(color: Color, theme: Theme) -> bool:
    """Whether a colour is so near to the page's that a line in it needs an outline; by WCAG 2.2 luminance.

    >>> is_pale((250, 250, 250), "light"), is_pale((250, 250, 250), "dark")
    (True, False)
    """
    red, green, blue = (_linear(value / 255) for value in color)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return luminance > 0.6 if theme == "light" else luminance < 0.045


def _linear(share: float) -> float:
    linear: float = share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
    return linear


def _moved(point: tuple[float, float], box: Box) -> tuple[float, float]:
    return point[0] + box.left, point[1] + box.top
