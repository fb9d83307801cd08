"""Who listens to whom, in a real browser: a matrix and a graph that move and light up together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from nsm_widgets.export.picture.canvas._curves import along
from nsm_widgets.export.picture.parts._graph_layout import Ring, arrow, edge_width, node_radius, ring_of
from nsm_widgets.view import ColorDomain, Theme, color_codes, column_sums, paint
from nsm_widgets.widgets import CommunicationView
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.harness.notebook import ARTIFACTS
from tests.browser.views import ViewOnPage

NAME = "communication_weights"
GRAPH = f"{NAME}_graph"
LABELS = ["read", "plan", "write", "compare", "<b>stop</b>", "wait"]
STATES = len(LABELS)


def ring_weights(steps: int = 3, heads: int = 2) -> np.ndarray:
    """``(time, head, state, sender)``: each state listens to a later one, and a little to itself."""
    weights = np.zeros((steps, heads, STATES, STATES), dtype=np.float32)
    for time in range(steps):
        for head in range(heads):
            for state in range(STATES):
                weights[time, head, state, (state + time + 2 * head + 1) % STATES] = 0.9
                weights[time, head, state, state] += 0.1
    return weights


WEIGHTS = ring_weights()
SOURCE = f"""
import numpy as np
from nsm_widgets.widgets import CommunicationView
weights = np.array({WEIGHTS.tolist()!r}, dtype=np.float32)
view = CommunicationView(weights, labels={{'state': {LABELS!r}}})
"""


@dataclass(frozen=True)
class GraphOnPage:
    """The graph of a view: where Python's rules say that its nodes and edges are."""

    view: ViewOnPage

    def ring(self) -> Ring:
        """From the size of the canvas, and of the longest label in the browser's own letters."""
        measure = """(canvas, labels) => {
            const context = document.createElement("canvas").getContext("2d");
            context.font = "11px system-ui, sans-serif";
            const {width, height} = canvas.getBoundingClientRect();
            return [width, height, Math.max(...labels.map(label => context.measureText(label).width))];
        }"""
        width, height, label = self.view.panel(GRAPH).locator("canvas").evaluate(measure, LABELS)
        return ring_of(STATES, width, height, label)

    def way(self, sender: int, listener: int, time: int = 0, head: int = 0) -> list[tuple[float, float]]:
        """Places on the middle of an edge's shaft, from the canvas's corner."""
        ring = self.ring()
        full = max(float(column_sums(plane).max()) for plane in WEIGHTS.reshape(-1, STATES, STATES))
        plane = WEIGHTS[time, head]
        radii = [node_radius(ring, sum_ / full) for sum_ in column_sums(plane).tolist()]
        width = edge_width(ring, float(plane[listener, sender]))
        return along(arrow(ring, sender, listener, radii, width).shaft)[6:19]

    def pixels(self, places: list[tuple[float, float]]) -> list[tuple[int, ...]]:
        """Red, green, blue, alpha around each place: the most opaque of nine pixels."""
        read = """(canvas, places) => places.map(([x, y]) => {
            const ratio = canvas.width / canvas.getBoundingClientRect().width;
            const left = Math.round(x * ratio) - 1, top = Math.round(y * ratio) - 1;
            const {data} = canvas.getContext("2d").getImageData(left, top, 3, 3);
            let best = 0;
            for (let i = 4; i < data.length; i += 4) if (data[i + 3] > data[best + 3]) best = i;
            return [...data.slice(best, best + 4)];
        })"""
        found: list[list[int]] = self.view.panel(GRAPH).locator("canvas").evaluate(read, places)
        return [tuple(pixel) for pixel in found]

    def colors(self, sender: int, listener: int, time: int = 0, head: int = 0) -> list[tuple[int, ...]]:
        """What is painted along an edge."""
        return self.pixels(self.way(sender, listener, time, head))

    def move_to(self, place: tuple[float, float]) -> None:
        x, y = self.on_screen(place)
        self.view.page.mouse.move(x, y)

    def on_screen(self, place: tuple[float, float]) -> tuple[float, float]:
        canvas = self.view.panel(GRAPH).locator("canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        return box["x"] + place[0], box["y"] + place[1]

    def wait_focus(self, said: str | None) -> None:
        """Until this node or edge stands out."""
        panel = self.view.panel(GRAPH)
        if said is None:
            expect(panel).not_to_have_attribute("data-focus", re.compile(""))
        else:
            expect(panel).to_have_attribute("data-focus", said)

    def readout(self) -> list[str]:
        return self.view.panel(GRAPH).locator(".nsmw-readout").all_inner_texts()


def color_of(weight: float, theme: Theme = "light") -> tuple[int, ...]:
    """The colour of a cell, opaque."""
    code = color_codes(np.array([np.float32(weight)]), ColorDomain(0.0, 1.0))
    return (*paint(code, "reads", theme)[0].tolist(), 255)


def cell_pixels(view: ViewOnPage, row: int, column: int) -> list[tuple[int, ...]]:
    """Every pixel of a cell of the matrix, but for its edge; the first is near its corner."""
    read = """(canvas, {row, column, states}) => {
        const [width, height] = [canvas.width / states, canvas.height / states];
        const {data} = canvas.getContext("2d").getImageData(
            column * width + 3, row * height + 3, width - 6, height - 6);
        return Array.from({length: data.length / 4}, (_, i) => [...data.slice(4 * i, 4 * i + 4)]);
    }"""
    where = {"row": row, "column": column, "states": STATES}
    pixels: list[list[int]] = view.panel(NAME).locator("canvas").evaluate(read, where)
    return [tuple(pixel) for pixel in pixels]


def assert_edge(graph: GraphOnPage, color: tuple[int, ...], *edge: int) -> None:
    """Most of an edge has this colour; other edges may cross it."""
    found = graph.colors(*edge)
    assert found.count(color) > len(found) / 2, (color, found)


@pytest.fixture
def shown(notebook: NotebookPage) -> GraphOnPage:
    """The view in a notebook, its two heads over three steps."""
    notebook.run_code(SOURCE)
    notebook.run_cell("view")
    view = ViewOnPage(notebook.page)
    view.wait_painted(GRAPH, "time=0 head=0")
    return GraphOnPage(view)


def test_edges_have_the_colours_of_their_cells_at_every_step(
    shown: GraphOnPage, notebook: NotebookPage
) -> None:
    """Both panels are painted for the same step and head; without a kernel, too."""
    view = shown.view
    assert_edge(shown, color_of(0.9), 1, 0)
    assert cell_pixels(view, 0, 1)[0] == color_of(0.9)
    assert shown.colors(3, 0).count((0, 0, 0, 0)) > 6, "no edge there yet"
    notebook.shutdown_kernel()
    view.slider("time").press("End")
    view.wait_painted(GRAPH, "time=2 head=0")
    view.wait_painted(NAME, "time=2 head=0")
    assert_edge(shown, color_of(0.9), 3, 0, 2)
    assert shown.colors(1, 0).count((0, 0, 0, 0)) > 6
    view.slider("head").press("End")
    view.wait_painted(GRAPH, "time=2 head=1")
    assert_edge(shown, color_of(0.9), 5, 0, 2, 1)


def test_values_stand_in_the_cells_in_an_ink_that_is_read(shown: GraphOnPage) -> None:
    """White on dark cells, black on pale ones; others after a step."""
    view = shown.view
    strong, weak = cell_pixels(view, 0, 1), cell_pixels(view, 0, 0)
    assert max(min(pixel[:3]) for pixel in strong) > 220 and max(strong[0][:3]) < 150
    assert min(max(pixel[:3]) for pixel in weak) < 60 and min(weak[0][:3]) > 200
    view.slider("time").press("End")
    view.wait_painted(NAME, "time=2 head=0")
    assert cell_pixels(view, 0, 1) != strong
    assert cell_pixels(view, 0, 3) == strong


def test_a_cell_hovered_in_the_matrix_stands_out_in_the_graph(shown: GraphOnPage) -> None:
    """Its edge keeps its colour, all others fade; they come back when the pointer leaves."""
    view = shown.view
    assert_edge(shown, color_of(0.9), 3, 2)
    view.hover_cell(NAME, 0, 1, STATES, STATES)
    shown.wait_focus("edge 1")
    assert_edge(shown, color_of(0.9), 1, 0)
    assert max(alpha for *_, alpha in shown.colors(3, 2)) < 80
    assert shown.readout() == ["state 0 “read” · sender 1 “plan” = 0.9", "", ""]
    view.page.mouse.move(2, 2)
    shown.wait_focus(None)
    assert_edge(shown, color_of(0.9), 3, 2)


def test_a_cell_without_an_edge_is_drawn_while_it_is_hovered(shown: GraphOnPage) -> None:
    """A weight of zero has no arrow; pointed at in the matrix, it has."""
    place = shown.way(4, 0)[6]
    assert shown.pixels([place])[0][3] == 0
    shown.view.hover_cell(NAME, 0, 4, STATES, STATES)
    shown.wait_focus("edge 4")
    assert shown.pixels([place])[0][3] > 0
    assert shown.readout()[0].endswith("sender 4 “<b>stop</b>” = 0")


def test_a_node_hovered_marks_its_row_and_column_in_the_matrix(shown: GraphOnPage) -> None:
    """And says its strongest edges each way, exactly; edges of others fade."""
    view = shown.view
    shown.move_to(shown.ring().at(4))
    shown.wait_focus("node 4")
    assert shown.readout() == [
        "state 4 “<b>stop</b>” · listened to 1 in all",
        "listens to wait = 0.9 · <b>stop</b> = 0.1",
        "heard by compare = 0.9 · <b>stop</b> = 0.1",
    ]
    view.wait_readout(NAME, "state 4 “<b>stop</b>” · sender 4 “<b>stop</b>” = 0.1")
    matrix = view.panel(NAME).locator("canvas").bounding_box()
    bands = view.panel(NAME).locator(".nsmw-hover")
    expect(bands).to_have_count(2)
    row, column = (band.bounding_box() for band in bands.all())
    assert matrix is not None and row is not None and column is not None
    assert row["y"] == pytest.approx(matrix["y"] + matrix["height"] * 4 / STATES, abs=1)
    assert column["x"] == pytest.approx(matrix["x"] + matrix["width"] * 4 / STATES, abs=1)
    assert_edge(shown, color_of(0.9), 5, 4)
    assert_edge(shown, color_of(0.9), 4, 3)
    assert max(alpha for *_, alpha in shown.colors(1, 0)) < 80


def test_an_edge_hovered_is_a_cell_of_the_matrix(shown: GraphOnPage) -> None:
    """Within a few pixels of the arrow; a click on it selects both ends."""
    x, y = shown.way(1, 0)[5]
    shown.move_to((x + 3, y))
    shown.wait_focus("edge 1")
    shown.view.wait_readout(NAME, "state 0 “read” · sender 1 “plan” = 0.9")
    x, y = shown.on_screen((x, y))
    shown.view.page.mouse.click(x, y)
    shown.view.wait_index("sender", 1)
    shown.view.wait_index("state", 0)


def test_a_click_selects_for_python(shown: GraphOnPage, notebook: NotebookPage) -> None:
    """A node is listener and sender; Python's own choice is marked in the graph."""
    shown.view.page.mouse.click(*shown.on_screen(shown.ring().at(3)))
    notebook.wait_python("[view.selection.state, view.selection.sender]", [3, 3])
    shown.view.page.mouse.move(2, 2)
    shown.wait_focus(None)
    accent = "(c) => getComputedStyle(c).getPropertyValue('--jp-brand-color1').trim()"
    assert shown.view.root.evaluate(accent) != ""

    def rim(index: int) -> tuple[int, ...]:
        """Just outside of a node's own disc, towards the centre of the circle."""
        ring = shown.ring()
        full = max(float(column_sums(plane).max()) for plane in WEIGHTS.reshape(-1, STATES, STATES))
        radius = node_radius(ring, float(column_sums(WEIGHTS[0, 0])[index]) / full)
        return shown.pixels([ring.at(index, ring.radius - radius - 1.2)])[0]

    assert rim(3) != rim(2)
    blue = rim(3)
    notebook.run_code("view.selection.state = 2")
    shown.view.wait_index("state", 2)
    assert rim(2) == blue


def test_the_keyboard_walks_over_nodes(shown: GraphOnPage, notebook: NotebookPage) -> None:
    """Arrows go round, Enter selects, Escape lets go; a screen reader hears where it is."""
    view = shown.view
    canvas = view.panel(GRAPH).locator("canvas")
    expect(canvas).to_have_attribute(
        "aria-label",
        "who listens to whom: graph of 6 nodes, arrows from sender to state; arrow keys walk over nodes",
    )
    canvas.focus()
    canvas.press("ArrowRight")
    shown.wait_focus("node 0")
    canvas.press("ArrowLeft")
    shown.wait_focus("node 5")
    canvas.press("Home")
    canvas.press("ArrowDown")
    shown.wait_focus("node 1")
    expect(view.root.locator(".nsmw-live")).to_have_text(
        "who listens to whom: state 1 “plan” · listened to 1 in all; "
        "listens to write = 0.9 · plan = 0.1; heard by read = 0.9 · plan = 0.1"
    )
    canvas.press("Enter")
    notebook.wait_python("[view.selection.state, view.selection.sender]", [1, 1])
    canvas.press("Escape")
    shown.wait_focus(None)


def test_the_least_weight_leaves_weaker_edges_out(shown: GraphOnPage) -> None:
    """It works in the page alone, and the panel says what is left out."""
    panel = shown.view.panel(GRAPH)
    expect(panel).to_have_attribute("data-edges", "12")
    note = panel.locator(".nsmw-edges").nth(1)
    expect(note).to_have_text("12 edges")
    least = panel.locator("input[data-least]")
    least.focus()
    least.fill("50")
    expect(panel).to_have_attribute("data-edges", "6")
    expect(note).to_have_text("6 of 12 edges, those of at least 0.25")
    assert_edge(shown, color_of(0.9), 1, 0)


def test_the_graph_follows_the_theme(shown: GraphOnPage, notebook: NotebookPage) -> None:
    """Colours of the dark table, and labels in the page's ink."""
    notebook.set_theme("dark")
    expect(shown.view.root).to_have_attribute("data-theme", "dark")
    assert_edge(shown, color_of(0.9, "dark"), 1, 0)
    notebook.screenshot("communication-dark", shown.view.root)


def test_many_states_are_thinned_and_too_many_have_no_graph(notebook: NotebookPage) -> None:
    """The panel says so, and the matrix is there all the same."""
    notebook.run_code(
        "import numpy as np\nfrom nsm_widgets.widgets import CommunicationView\n"
        "random = np.random.default_rng(0)\n"
        "def view(states): return CommunicationView(random.dirichlet(np.full(states, 0.5), size=(2, states)))"
    )
    notebook.run_cell("view(64)")
    many = ViewOnPage(notebook.page)
    many.wait_painted(GRAPH, "head=0")
    expect(many.panel(GRAPH).locator(".nsmw-edges").nth(1)).to_have_text("strongest 200 of 4,096 edges")
    expect(many.panel(GRAPH)).to_have_attribute("data-edges", "200")
    notebook.run_cell("view(300)")
    too_many = ViewOnPage(notebook.page, 1)
    too_many.wait_painted(NAME, "head=0")
    expect(too_many.panel(GRAPH).locator(".nsmw-message")).to_have_text(
        "a graph is drawn of at most 256 nodes, and state has 300: see the matrix"
    )
    expect(too_many.panel(GRAPH).locator("canvas")).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("precision", ["exact", "float16", "display"])
def test_an_exported_page_shows_it_offline(
    browser: Browser, tmp_path: Path, precision: Literal["exact", "float16", "display"], theme: Theme
) -> None:
    """Paints, follows the slider, links both ways, sharp; rounded values stand behind an ≈."""
    path = tmp_path / "talk.html"
    CommunicationView(WEIGHTS, labels={"state": LABELS}).to_html(path, precision=precision)
    with open_exported(browser, path, theme=theme, device_scale_factor=2) as page:
        view = ViewOnPage(page.page)
        graph = GraphOnPage(view)
        view.wait_painted(GRAPH, "time=0 head=0")
        canvas = view.panel(GRAPH).locator("canvas")
        assert canvas.evaluate("c => c.width / c.getBoundingClientRect().width") == pytest.approx(2, abs=0.01)
        assert_edge(graph, color_of(0.9, theme), 1, 0)
        view.slider("time").press("End")
        view.wait_painted(GRAPH, "time=2 head=0")
        assert_edge(graph, color_of(0.9, theme), 3, 0, 2)
        graph.move_to(graph.ring().at(0))
        graph.wait_focus("node 0")
        rounded = {
            "exact": ("= 0.9", "= 0.1"),
            "float16": ("≈ 0.8999", "≈ 0.09998"),
            "display": ("≈ 0.9", "≈ 0.1"),
        }
        strongest, own = rounded[precision]
        assert graph.readout()[1] == f"listens to compare {strongest} · read {own}"
        view.hover_cell(NAME, 0, 3, STATES, STATES)
        graph.wait_focus("edge 3")
        view.root.screenshot(path=ARTIFACTS / f"communication-{precision}-{theme}.png")


def test_a_saved_picture_is_drawn_finer_than_the_screen(browser: Browser, tmp_path: Path) -> None:
    """Arrows and letters are not enlarged pixels: three neighbours differ. No hover is left."""
    path = tmp_path / "talk.html"
    CommunicationView(WEIGHTS[0, 0], labels={"state": LABELS}).to_html(path)
    with open_exported(browser, path) as page:
        view = ViewOnPage(page.page)
        view.wait_painted(GRAPH)
        root, graph = view.root.bounding_box(), view.panel(GRAPH).locator("canvas").bounding_box()
        assert root is not None and graph is not None
        GraphOnPage(view).move_to(GraphOnPage(view).ring().at(2))
        view.root.get_by_role("button", name="save · copy").click()
        with page.page.expect_download() as download:
            view.root.get_by_role("menuitem", name="save picture").click()
        saved = tmp_path / "saved.png"
        download.value.save_as(saved)
    with Image.open(saved) as image:
        scale = image.width / root["width"]
        left, right = (graph["x"] - root["x"]) * scale, (graph["x"] + graph["width"] - root["x"]) * scale
        pixels = np.asarray(image.convert("RGB"))[200:600, round(left) + 1 : round(right) - 1].astype(int)
    assert scale == 2
    steps = np.abs(np.diff(pixels, axis=1)).max(axis=2) > 0
    assert (steps[:, 1:] & steps[:, :-1]).any()
    colors = {tuple(color) for color in pixels.reshape(-1, 3).tolist()}
    assert color_of(0.9)[:3] in colors
