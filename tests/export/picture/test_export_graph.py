"""A graph in pictures: where nodes and edges are, in which colours, in PNG, SVG and PDF."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise
from math import hypot
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from nsm_widgets.export import csv_lines, save_picture
from nsm_widgets.export.picture._picture import draw_picture
from nsm_widgets.export.picture.canvas._canvas import INKS
from nsm_widgets.export.picture.canvas._curves import along, dashes
from nsm_widgets.export.picture.panels._graph import GraphPicture
from nsm_widgets.export.picture.parts._graph_layout import node_radius, ring_of
from nsm_widgets.trace import Trace
from nsm_widgets.view import MARK_COLORS, NAN, Layout, Theme, color_codes, communication_layout, paint
from tests.export.samples import page_of, pixels

NAME = "communication_weights"
SVG = "{http://www.w3.org/2000/svg}"
STATES = 5


def shown(values: np.ndarray, labels: list[str] | None = None) -> tuple[Trace, Layout]:
    """A trace of weights, and its layout without thumbnails."""
    dims = ("time", "head", "state", "sender")[-values.ndim :]
    coords = {"state": labels, "sender": labels} if labels else None
    trace = Trace.from_arrays({NAME: values}, dims={NAME: dims}, coords=coords, check_weights=False)
    return trace, communication_layout(trace)


def matrix(states: int = STATES, seed: int = 0) -> np.ndarray:
    drawn: np.ndarray = np.random.default_rng(seed).dirichlet(np.full(states, 0.4), size=states)
    return drawn


def graph_of(trace: Trace, layout: Layout, theme: Theme = "light") -> tuple[GraphPicture, int, int]:
    """The graph of a picture, and the corner of its drawn area."""
    for picture, left, top in page_of(trace, layout, {}, theme=theme).placed:
        if isinstance(picture, GraphPicture):
            box = picture.box(left, top)
            return picture, box.left, box.top
    raise AssertionError("there is no graph")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_edge_has_the_colour_of_its_cell(theme: Theme) -> None:
    """On the middle of its shaft, to the last bit, where no other edge crosses."""
    values = np.zeros((STATES, STATES))
    values[0, 2], values[3, 1], values[4, 4] = 0.9, 0.4, 0.65
    trace, layout = shown(values)
    image = pixels(draw_picture(trace, layout, {}, theme=theme))
    picture, left, top = graph_of(trace, layout, theme)
    ring = picture.ring(picture._labels())
    radii = [node_radius(ring, s / picture.panel.largest_sum) for s in values.sum(axis=0)]
    colors = paint(color_codes(values, picture.panel.domain), picture.panel.cmap, theme)
    for listener, sender in ((0, 2), (3, 1), (4, 4)):
        drawn, _ = picture.arrow_of(listener * STATES + sender, ring, radii)
        places = [(round(x) + left, round(y) + top) for x, y in along(drawn.shaft)[6:18]]
        near = [image[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3) for x, y in places]
        found = sum((colors[listener, sender] == around).all(axis=1).any() for around in near)
        assert found >= 9, (listener, sender)


def test_an_edge_ends_outside_its_nodes_and_there_and_back_are_apart() -> None:
    """The tip touches the listener's edge; the shaft starts at the sender's."""
    trace, layout = shown(matrix())
    picture, _, _ = graph_of(trace, layout)
    ring = picture.ring(picture._labels())
    radii = [8.0] * STATES
    one, _ = picture.arrow_of(0 * STATES + 2, ring, radii)
    other, _ = picture.arrow_of(2 * STATES + 0, ring, radii)
    (sx, sy), (lx, ly) = ring.at(2), ring.at(0)
    assert hypot(one.shaft[0][0] - sx, one.shaft[0][1] - sy) == pytest.approx(8.0)
    assert hypot(one.head[0][0] - lx, one.head[0][1] - ly) == pytest.approx(9.5)
    middles = along(one.shaft)[12], along(other.shaft)[12]
    assert hypot(middles[0][0] - middles[1][0], middles[0][1] - middles[1][1]) > 10


def test_an_edge_that_is_nan_is_dashed_in_its_own_colour_and_counted() -> None:
    """Both the mark's colour and the ground lie on its way; the caption counts it."""
    values = np.zeros((STATES, STATES))
    values[0, 2] = np.nan
    trace, layout = shown(values)
    image = pixels(draw_picture(trace, layout, {}))
    picture, left, top = graph_of(trace, layout)
    drawn, _ = picture.arrow_of(2, picture.ring(picture._labels()), [2.0] * STATES)
    on_way = {tuple(image[round(y) + top, round(x) + left].tolist()) for x, y in along(drawn.shaft, 100)}
    assert INKS["light"].background in on_way
    near = min(np.abs(np.subtract(color, MARK_COLORS[NAN])).max() for color in on_way)
    assert near < 90  # thinner than a pixel: mixed with the ground
    assert picture.edges_text == "1 edge · 1 NaN"


def test_nodes_are_as_large_as_they_are_listened_to() -> None:
    """Areas go by column sums, the largest being that of all times."""
    values = np.stack([matrix(seed=1), np.tile([1.0, 0, 0, 0, 0], (STATES, 1))])[:, None]
    trace, layout = shown(values)
    picture, _, _ = graph_of(trace, layout)
    assert picture.panel.largest_sum == 5.0
    ring = picture.ring(picture._labels())
    assert node_radius(ring, 1.0) == ring.node
    assert node_radius(ring, 0.25) == pytest.approx(ring.node / 2)
    assert "largest 5" in picture.key


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12, 13, 40, 256])
@pytest.mark.parametrize("size", [(480, 380), (340, 340), (700, 300)], ids=str)
def test_everything_of_a_circle_is_inside_its_area(count: int, size: tuple[int, int]) -> None:
    """Labels of the greatest length too, level or turned."""
    label = 60.0
    ring = ring_of(count, *size, label)
    for index in range(count):
        x, y = ring.at(index, ring.labels)
        far = label if not ring.upright else 0
        x, y = ring.at(index, ring.labels + far)
        assert -0.01 <= x <= size[0] + 0.01 and -0.01 <= y <= size[1] + 0.01
        if ring.upright:
            beside = label / 2 if abs(x - size[0] / 2) < 0.3 * ring.labels else label
            assert beside + abs(x - size[0] / 2) <= size[0] / 2 + 0.01


def test_svg_has_curves_and_text_and_no_markup_of_labels(tmp_path: Path) -> None:
    """A path for each edge, circles, every label as text: hostile ones, whatever they hold."""
    labels = ["</text><script>alert(1)</script>", "\"&'", "$x$", "<b>", "\u202e \x00"]
    trace, layout = shown(matrix(), labels)
    file = save_picture(tmp_path / "graph.svg", trace, layout, {}, width_px=1600)
    root = ElementTree.parse(file).getroot()
    assert {node.tag.removeprefix(SVG) for node in root.iter()} == {
        *("svg", "title", "rect", "image", "path", "circle", "polygon", "polyline", "text"),
    }
    paths = list(root.iter(f"{SVG}path"))
    assert len(paths) >= np.count_nonzero(matrix())
    assert all(re.fullmatch(r"M[-\d.e,]+ [QC]([-\d.e]+,[-\d.e]+ ?)+", path.attrib["d"]) for path in paths)
    assert len(list(root.iter(f"{SVG}circle"))) == 2 * STATES
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert sum(text is not None and text.startswith("</text>") for text in texts) >= 2
    assert any(text is not None and "\\u202e" in text for text in texts)


def test_turned_labels_stand_in_svg_as_text(tmp_path: Path) -> None:
    """More states than fit level: each label on its ray."""
    trace, layout = shown(matrix(20), [f"label {i}" for i in range(20)])
    file = save_picture(tmp_path / "graph.svg", trace, layout, {})
    turned = [
        node.text
        for node in ElementTree.parse(file).getroot().iter(f"{SVG}text")
        if "rotate(" in node.attrib.get("transform", "") and "y" in node.attrib
    ]
    assert turned == [f"label {i}" for i in range(20)]


def test_pdf_is_drawn_with_curves(tmp_path: Path) -> None:
    """Bézier segments in the page's own words."""
    trace, layout = shown(matrix(20))
    file = save_picture(tmp_path / "graph.pdf", trace, layout, {}, theme="dark")
    content = b""
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", file.read_bytes(), re.DOTALL):
        try:
            content += zlib.decompress(stream)
        except zlib.error:
            continue
    assert len(re.findall(rb" c\n", content)) >= 200


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_many_states_have_no_graph_and_it_says_why(ending: str, tmp_path: Path) -> None:
    """The matrix is drawn; where the graph would be stands a sentence."""
    trace, layout = shown(np.full((300, 300), 1 / 300))
    picture, _, _ = graph_of(trace, layout)
    assert picture.message == "a graph is drawn of at most 256 nodes, and state has 300: see the matrix"
    assert save_picture(tmp_path / f"graph.{ending}", trace, layout, {}).stat().st_size > 1000


def test_csv_tells_every_weight_once() -> None:
    """The graph's table is the matrix's; asked for by name, it is there."""
    trace, layout = shown(matrix())
    lines = "".join(csv_lines(trace, layout, {})).splitlines()
    assert len(lines) == 1 + STATES * STATES
    alone = "".join(csv_lines(trace, layout, {}, panel=f"{NAME}_graph")).splitlines()
    assert len(alone) == len(lines)
    assert "".join(csv_lines(trace, ((layout[0][1],),), {})).splitlines() == alone


def test_dashes_cover_what_they_say() -> None:
    """Half of a line, whatever its corners."""
    line = [(0.0, 0.0), (10.0, 0.0), (10.0, 7.0), (3.0, 7.0)]
    parts = list(dashes(line, 2, 2))
    length = sum(hypot(b[0] - a[0], b[1] - a[1]) for part in parts for a, b in pairwise(part))
    assert length == pytest.approx(12)
