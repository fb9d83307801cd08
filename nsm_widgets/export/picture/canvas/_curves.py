"""Bézier curves and dashed lines, as points. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

Point = tuple[float, float]


def towards(start: Point, end: Point, distance: float) -> Point:
    """The point at a distance from the start."""
    across, down = end[0] - start[0], end[1] - start[1]
    share = distance / (hypot(across, down) or 1.0)
    return start[0] + share * across, start[1] + share * down


def along(shaft: Sequence[Point], steps: int = 24) -> list[Point]:
    """Points on a Bézier curve of any degree, its ends among them.

    >>> along([(0, 0), (2, 2), (4, 0)], steps=2)
    [(0.0, 0.0), (2.0, 1.0), (4.0, 0.0)]
    """
    found = []
    for step in range(steps + 1):
        t, points = step / steps, list(shaft)
        while len(points) > 1:
            points = [(a[0] * (1 - t) + b[0] * t, a[1] * (1 - t) + b[1] * t) for a, b in pairwise(points)]
        found.append((float(points[0][0]), float(points[0][1])))
    return found


def dashes(line: Sequence[Point], on: float, off: float) -> Iterator[list[Point]]:
    """The parts of a line that are drawn where it is dashed.

    >>> list(dashes([(0.0, 0.0), (5.0, 0.0)], 2, 1))
    [[(0.0, 0.0), (2.0, 0.0)], [(3.0, 0.0), (5.0, 0.0)]]
    """
    left, drawing = on, True
    part = [line[0]]
    for start, end in pairwise(line):
        here = start
        while hypot(end[0] - here[0], end[1] - here[1]) > left:
            here = towards(here, end, left)
            if drawing:
                yield [*part, here]
            drawing = not drawing
            part, left = [here], on if drawing else off
        left -= hypot(end[0] - here[0], end[1] - here[1])
        part.append(end)
    if drawing and len(part) > 1:
        yield part
