"""Write the cases of graphs and of printed values that the Python and the JavaScript tests both read.

``build()`` returns the files, ``python -m tests.data.graph.make`` (from the repository's root) writes them.

graph.json  limits; for each size the circle of nodes and some of its arrows; for each matrix the edges drawn;
            strengths of codes; which colours need an outline
cells.json  values and their texts in two digits and in one; colours of cells and of the ink on them
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from nsm_widgets.export.picture.panels._graph import is_pale, strengths
from nsm_widgets.export.picture.parts._annotate import DARK, cell_text, ink_on
from nsm_widgets.export.picture.parts._graph_layout import arrow, edge_width, label_room, node_radius, ring_of
from nsm_widgets.view import MOST_EDGES, MOST_NODES, choose_edges, column_sums

HERE = Path(__file__).parent
COUNTS = (1, 2, 3, 6, 12, 13, 24, 64, 256)
AREAS = ((466, 380), (340, 340), (90, 60))
"""The last one has no room for anything."""
CODES = (0, 1, 100, 127, 128, 255, 256, 257, 258, 259, 260)


@cache
def build() -> dict[str, bytes]:
    """Every file's name and bytes; the same on every run."""
    content = {
        "most_nodes": MOST_NODES,
        "most_edges": MOST_EDGES,
        "rings": [_rounded(_ring(count, *area)) for count in COUNTS for area in AREAS],
        "choices": [_choice(matrix, least, most) for matrix, least, most in _matrices()],
        "strengths": {
            kind: strengths(np.array(CODES), diverging=kind == "diverging").tolist()
            for kind in ("sequential", "diverging")
        },
        "codes": CODES,
        "pale": [
            {"rgb": [v, v, w], "light": is_pale((v, v, w), "light"), "dark": is_pale((v, v, w), "dark")}
            for v in range(0, 256, 15)
            for w in (0, 128, 255)
        ],
    }
    return {"graph.json": _json(content), "cells.json": _json(_cells())}


def _json(content: object) -> bytes:
    return (json.dumps(content, allow_nan=False) + "\n").encode()


def _cells() -> dict[str, object]:
    """Halves that are rounded up, ends of decades, huge and tiny numbers, what is no number."""
    random = np.random.default_rng(6)
    values = [
        *(0.0, -0.0, 1.0, 0.5, 0.125, 0.375, 0.0625, -0.125, 0.995, 0.0996, 9.95, 9.96, 99.5, 0.00095),
        *(0.001, 0.000999, 0.00099951, 123.0, 1234.5, 99999.4, 99999.5, 1e5, 149999.0, 1e300, 5e-324),
        *(math.nan, math.inf, -math.inf, 2.5, 3.5, -0.00123, 1e22, 1 / 3),
        *map(float, random.normal(size=40) * 10.0 ** random.integers(-8, 8, 40)),
        *random.random(20).astype(np.float32).astype(np.float64).tolist(),
    ]
    colors = [(v, w, 255 - v) for v in range(0, 256, 15) for w in (0, 90, 255)]
    return {
        "values": [_number(value) for value in values],
        "two": [cell_text(value, 2) for value in values],
        "one": [cell_text(value, 1) for value in values],
        "colors": colors,
        "dark_ink": [ink_on(color) == DARK for color in colors],
    }


def _rounded(value: Any) -> Any:
    """Lengths to a billionth of a pixel: the last bits of a cosine may differ."""
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def _ring(count: int, width: int, height: int) -> dict[str, object]:
    room = label_room(count, width, height)
    ring = ring_of(count, width, height, 0.75 * room)
    radii = [node_radius(ring, index / count) for index in range(count)]
    pairs = sorted({(0, 0), (0, count - 1), (count - 1, 0), (count // 2, count // 3), (1 % count, 1 % count)})
    return {
        "count": count,
        "width": width,
        "height": height,
        "room": room,
        "label_px": 0.75 * room,
        "ring": {
            "count": count,
            "center": ring.center,
            "radius": ring.radius,
            "node": ring.node,
            "labels": ring.labels,
            "upright": ring.upright,
            "every": ring.every,
        },
        "nodes": [ring.at(index) for index in range(min(count, 8))],
        "arrows": [
            {
                "sender": sender,
                "listener": listener,
                "strength": strength,
                "width": (width_px := edge_width(ring, strength)),
                "shaft": (drawn := arrow(ring, sender, listener, radii, width_px)).shaft,
                "head": drawn.head,
            }
            for sender, listener in pairs
            for strength in (0.0, 0.3, 1.0)
        ],
    }


def _matrices() -> list[tuple[np.ndarray, float, int]]:
    """Plain weights; NaN, infinities, signs and ties; more edges than may be drawn; none at all."""
    random = np.random.default_rng(2)
    weights = random.dirichlet(np.full(5, 0.4), size=5)
    odd = np.array([[0.0, np.nan, -2.0], [2.0, np.inf, -0.0], [np.nan, -np.inf, 2.0]])
    many = np.round(random.random((20, 20)), 2)
    return [
        (weights, 0.0, 200),
        (weights, 0.25, 200),
        (odd, 0.0, 200),
        (odd, 3.0, 3),
        (odd, 0.0, 4),
        (many, 0.0, 200),
        (many, 0.9, 25),
        (np.zeros((2, 2)), 0.0, 200),
        (np.full((3, 3), np.nan), 0.5, 4),
    ]


def _choice(matrix: np.ndarray, least: float, most: int) -> dict[str, object]:
    choice = choose_edges(matrix, least=least, most=most)
    return {
        "matrix": [[_number(value) for value in row] for row in matrix.tolist()],
        "least": least,
        "most": most,
        "cells": choice.cells.tolist(),
        "passing": choice.passing,
        "total": choice.total,
        "sums": column_sums(matrix).tolist(),
        "text": choice.text,
    }


def _number(value: float) -> float | str:
    """JSON has no word for some numbers; the page's words for them."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def main() -> None:
    for name, data in build().items():
        (HERE / name).write_bytes(data)


if __name__ == "__main__":
    main()
