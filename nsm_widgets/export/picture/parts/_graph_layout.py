"""Where nodes, edges and labels of a graph lie, in pixels. Mirrored by ``js/src/panels/graph/layout.ts``.

Nodes stand on a circle, the first on top, then clockwise. ``tests/data/graph`` holds cases that both sides
must answer alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, hypot, pi, sin, sqrt

from nsm_widgets.export.picture.canvas._curves import Point, towards

MOST_UPRIGHT = 12
"""Labels of more nodes are turned along the rays: side by side they would touch."""
LARGEST_NODE_PX, SMALLEST_NODE_PX = 13.0, 1.5
NODE_SHARE = 0.36
"""Radius of the largest node, as a share of the way to its neighbour."""
LINE_PX, LABEL_GAP_PX, LONGEST_LABEL_PX = 13.0, 6.0, 96.0
BOW = 0.14
"""How far an edge bows to its left, as a share of its length: there and back are then two edges."""
LOOP_ANGLE, LOOP_NODES, LOOP_PX = 0.6, 1.7, 3.0
"""Half of the way that a loop opens, in radians, and how far out it is pulled: in nodes, and in pixels."""
THINNEST_EDGE_PX, WIDEST_EDGE_PX = 0.6, 4.0
TIP_GAP_PX = 1.5


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle of nodes."""

    count: int
    center: Point
    radius: float
    node: float
    """Radius of the largest node."""
    labels: float
    """How far from the centre labels begin."""
    upright: bool
    """Whether labels stand level; else they lie along the rays."""
    every: int
    """There is room for the label of each so many-th node."""

    def angle(self, index: int) -> float:
        """Direction of a node from the centre, clockwise from the right."""
        return -pi / 2 + 2 * pi * index / self.count

    def at(self, index: int, distance: float | None = None) -> Point:
        """A point in the direction of a node; the node itself where no distance is given."""
        far = self.radius if distance is None else distance
        angle = self.angle(index)
        return self.center[0] + far * cos(angle), self.center[1] + far * sin(angle)


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge as it is drawn."""

    shaft: tuple[Point, ...]
    """Start, one or two control points, end: a quadratic or cubic Bézier curve."""
    head: tuple[Point, Point, Point]
    """A triangle, its tip first."""


def label_room(count: int, width: float, height: float) -> float:
    """Pixels that the longest label may take."""
    share = 0.22 * width if count <= MOST_UPRIGHT else 0.2 * min(width, height)
    return min(LONGEST_LABEL_PX, share)


def ring_of(count: int, width: float, height: float, label_px: float) -> Ring:
    """The largest circle that fits into an area together with its labels.

    Args:
        count: How many nodes.
        width: Of the area.
        height: Of the area.
        label_px: What the longest label takes on its line, once cut to :func:`label_room`.

    Example:
        >>> ring = ring_of(4, 400, 300, 60)
        >>> [round(x) for x in ring.at(0)], ring.upright, ring.every
        ([200, 50], True, 1)
    """
    upright = count <= MOST_UPRIGHT
    room = min(width, height) / 2 - label_px
    if upright:
        angles = [-pi / 2 + 2 * pi * index / count for index in range(count)]
        room = min(_upright_room(angle, width / 2, height / 2, label_px) for angle in angles)
    room -= LABEL_GAP_PX
    chord = 2 * sin(pi / count) * max(0.0, room - _loop_reach(LARGEST_NODE_PX))
    node = LARGEST_NODE_PX
    if count > 1:
        node = min(max(NODE_SHARE * chord, SMALLEST_NODE_PX), LARGEST_NODE_PX)
    radius = max(0.0, room - _loop_reach(node)) if count > 1 else 0.0
    labels = radius + _loop_reach(node) + LABEL_GAP_PX
    spacing = 2 * pi * labels / count
    every = 1 if upright else max(1, ceil(LINE_PX / spacing))
    return Ring(count, (width / 2, height / 2), radius, node, labels, upright, every)


def is_centered(angle: float) -> bool:
    """Whether a level label stands over or under its node, not beside it."""
    return abs(cos(angle)) < 0.3


def _upright_room(angle: float, across: float, down: float, label_px: float) -> float:
    """How far from the centre a level label may begin, to end within an area of so much to each side."""
    beside = across - (label_px / 2 if is_centered(angle) else label_px)
    return min(beside / max(abs(cos(angle)), 1e-9), (down - LINE_PX) / max(abs(sin(angle)), 1e-9))


def _loop_reach(node: float) -> float:
    """How far a loop at the largest node gets from the node's middle."""
    return 0.25 * node * cos(LOOP_ANGLE) + 0.75 * ((1 + LOOP_NODES) * node + LOOP_PX)


def node_radius(ring: Ring, share: float) -> float:
    """Radius of a node whose area is this share of the largest one's; never too small to be seen.

    >>> ring = ring_of(4, 400, 300, 60)
    >>> node_radius(ring, 0.25) / node_radius(ring, 1.0)
    0.5
    """
    return max(min(2.0, ring.node), ring.node * sqrt(min(max(share, 0.0), 1.0)))


def edge_width(ring: Ring, strength: float) -> float:
    """Pixels across an edge of this strength, which lies in [0, 1]."""
    widest = min(WIDEST_EDGE_PX, 1 + ring.node / 4)
    return THINNEST_EDGE_PX + (widest - THINNEST_EDGE_PX) * strength


def arrow(ring: Ring, sender: int, listener: int, radii: Sequence[float], width: float) -> Arrow:
    """The edge from one node to another, or to itself; it ends just outside the nodes.

    Args:
        ring: The circle.
        sender: Where it starts.
        listener: Where its tip is.
        radii: Of the nodes.
        width: Of the shaft.
    """
    if sender == listener:
        return _loop(ring, sender, radii[sender], width)
    start, end = ring.at(sender), ring.at(listener)
    across, down = end[0] - start[0], end[1] - start[1]
    control = (start[0] + across / 2 + BOW * down, start[1] + down / 2 - BOW * across)
    first = towards(start, control, radii[sender])
    room = hypot(across, down) - radii[sender] - radii[listener]
    tip = towards(end, control, radii[listener] + TIP_GAP_PX)
    head = _head(tip, control, min(_head_length(width), 0.5 * room))
    return Arrow((first, control, _middle(head)), head)


def _loop(ring: Ring, index: int, radius: float, width: float) -> Arrow:
    """Out of a node and back, on the far side of the circle."""
    x, y = ring.at(index)
    out = ring.angle(index)
    far = radius + LOOP_NODES * ring.node + LOOP_PX

    def off(turn: float, distance: float) -> Point:
        return x + distance * cos(out + turn), y + distance * sin(out + turn)

    leave, back = off(-LOOP_ANGLE, far), off(LOOP_ANGLE, far)
    head = _head(off(LOOP_ANGLE, radius + TIP_GAP_PX), back, min(_head_length(width), ring.node + LOOP_PX))
    return Arrow((off(-LOOP_ANGLE, radius), leave, back, _middle(head)), head)


def _head_length(width: float) -> float:
    return 3.5 + 1.7 * width


def _head(tip: Point, behind: Point, length: float) -> tuple[Point, Point, Point]:
    """A triangle that comes from a point."""
    base = towards(tip, behind, length)
    half = 0.4 * length
    x, y = (tip[0] - base[0]) / (length or 1.0) * half, (tip[1] - base[1]) / (length or 1.0) * half
    return tip, (base[0] - y, base[1] + x), (base[0] + y, base[1] - x)


def _middle(head: tuple[Point, Point, Point]) -> Point:
    """The middle of the side across from the tip."""
    _, left, right = head
    return (left[0] + right[0]) / 2, (left[1] + right[1]) / 2
