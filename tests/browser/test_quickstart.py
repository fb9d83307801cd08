"""The quickstart in a real JupyterLab: what is painted, what moves, what Python hears."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.browser.harness import JupyterLab, NotebookPage
from tests.browser.harness.window import VIEWPORT
from tests.browser.views import ViewOnPage

Theme = Literal["light", "dark"]
SLOTS, WORDS, STEPS = 38, 20, 41
"""Of the memory's 128 slots those that are used: the first ones."""
ALL_IN_SIGHT = (VIEWPORT[0], 2600)  # what is out of sight waits until it comes near


@pytest.fixture(scope="module")
def quickstart(lab: JupyterLab) -> Iterator[NotebookPage]:
    """The executed quickstart, shared by the tests in their order; the last ones shut its kernel down."""
    with lab.open("notebooks/01_quickstart.ipynb", viewport=ALL_IN_SIGHT) as notebook:
        notebook.set_theme("light")
        notebook.run_all()
        for view, panel in ((0, "memory"), (1, "memory"), (2, "attention")):
            ViewOnPage(notebook.page, view).wait_painted(panel)
        yield notebook


@pytest.fixture
def explorer(quickstart: NotebookPage) -> ViewOnPage:
    view = ViewOnPage(quickstart.page, 0)
    view.choose("scale", "linear")
    view.root.scroll_into_view_if_needed()
    return view


@pytest.fixture
def memory(quickstart: NotebookPage) -> ViewOnPage:
    return ViewOnPage(quickstart.page, 1)


@pytest.fixture
def attention(quickstart: NotebookPage) -> ViewOnPage:
    return ViewOnPage(quickstart.page, 2)


EXPECTED_COLORS = """
import json as _json
from nsm_widgets.view import color_codes, default_coloring, paint, rank_thresholds

def expected_colors(name, scale, theme, cmap=None, transpose=False, **at):
    array = explorer.trace[name]
    coloring = default_coloring(array)
    thresholds = rank_thresholds(array.values, magnitudes=coloring.domain.diverging)
    plane = array.isel(**at).values
    codes = color_codes(plane, coloring.domain, scale, quantiles=thresholds)
    colors = paint(codes, cmap or coloring.cmap, theme)
    return (colors.swapaxes(0, 1) if transpose else colors).tolist()
"""


@pytest.mark.parametrize("scale", ["linear", "log", "row-max", "rank"])
@pytest.mark.parametrize(
    ("panel", "array", "columns", "at", "transpose"),
    [
        ("memory", "memory", WORDS, "time=7, batch=0", False),
        ("write_weights_0", "write_weights", STEPS, "batch=0, head=0", True),
        ("read_weights_0", "read_weights", STEPS, "batch=0, head=0", True),
    ],
    ids=["memory", "write weights", "read weights"],
)
def test_painted_pixels_are_the_colours_computed_in_python(
    quickstart: NotebookPage,
    explorer: ViewOnPage,
    scale: str,
    panel: str,
    array: str,
    columns: int,
    at: str,
    transpose: bool,
) -> None:
    """The middle pixel of known cells has the very colour that Python computes, on every scale."""
    quickstart.run_code(EXPECTED_COLORS + "\nexplorer.selection.time = 7")
    explorer.wait_index("time", 7)
    before = explorer.frames(panel)
    explorer.choose("scale", scale)
    if scale != "linear":
        expect(explorer.panel(panel)).not_to_have_attribute("data-frames", str(before))
    expected = quickstart.python(
        f"expected_colors({array!r}, {scale!r}, 'light', transpose={transpose}, {at})"
    )
    cells = [(row, column) for row in range(0, SLOTS, 9) for column in range(0, columns, 3)]
    painted = explorer.cell_colors(panel, cells, SLOTS, columns)
    wrong = [
        (cell, color, tuple(expected[cell[0]][cell[1]]))
        for cell, color in zip(cells, painted, strict=True)
        if list(color) != expected[cell[0]][cell[1]]
    ]
    assert not wrong
    assert len({tuple(color) for color in painted}) > 1, "a picture of one colour shows nothing"


def test_dragging_the_time_slider_moves_every_linked_view_and_python(
    quickstart: NotebookPage, explorer: ViewOnPage, memory: ViewOnPage
) -> None:
    """A drag repaints the memory of both views, moves the cursors, and sets the Python trait."""
    quickstart.run_code("explorer.selection.time = 0")
    explorer.wait_painted("memory", "time=0 batch=0")
    cells = [(row, column) for row in range(0, SLOTS, 5) for column in range(WORDS)]
    before = explorer.cell_colors("memory", cells, SLOTS, WORDS)
    cursor = explorer.panel("write_weights_0").locator(".nsmw-cursor").nth(1)
    cursor_before = cursor.bounding_box()

    explorer.drag_slider("time", 0.5)

    explorer.wait_index("time", 20)
    memory.wait_index("time", 20)
    explorer.wait_painted("memory", "time=20 batch=0")
    memory.wait_painted("memory", "time=20 batch=0")
    assert explorer.cell_colors("memory", cells, SLOTS, WORDS) != before
    assert cursor.bounding_box() != cursor_before
    quickstart.wait_python("explorer.selection.time", 20)


def test_dragging_in_the_second_view_moves_the_first(
    quickstart: NotebookPage, explorer: ViewOnPage, memory: ViewOnPage
) -> None:
    """A shared selection has no master."""
    memory.drag_slider("time", 0.25)
    memory.wait_index("time", 10)
    explorer.wait_painted("memory", "time=10 batch=0")
    quickstart.wait_python("explorer.selection.time", 10)


def test_keys_step_the_slider_and_reach_python(
    quickstart: NotebookPage, explorer: ViewOnPage, memory: ViewOnPage
) -> None:
    """The notebook does not take arrow keys, Home and End from a focused slider, nor comma and full stop."""
    slider = explorer.slider("time")
    slider.focus()
    page = quickstart.page
    page.keyboard.press("Home")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    explorer.wait_index("time", 5)
    page.keyboard.press("ArrowLeft")
    memory.wait_index("time", 4)
    page.keyboard.press(".")
    page.keyboard.press(".")
    page.keyboard.press(",")
    explorer.wait_painted("memory", "time=5 batch=0")
    memory.wait_painted("memory", "time=5 batch=0")
    quickstart.wait_python("explorer.selection.time", 5)
    page.keyboard.press("End")
    explorer.wait_index("time", STEPS - 1)
    quickstart.wait_python("explorer.selection.time", STEPS - 1)


def test_python_moves_every_view(quickstart: NotebookPage, explorer: ViewOnPage, memory: ViewOnPage) -> None:
    """`explorer.selection.time = 7` repaints all views, and the sliders follow."""
    quickstart.run_code("explorer.selection.time = 7; explorer.selection.slot = 29")
    for view in (explorer, memory):
        view.wait_painted("memory", "time=7 batch=0")
        view.wait_index("slot", 29)
        expect(view.slider("time")).to_have_value("7")
        expect(view.slider("slot")).to_have_value("29")


def test_hover_shows_exact_values_and_the_same_place_in_all_views(
    quickstart: NotebookPage, explorer: ViewOnPage, memory: ViewOnPage
) -> None:
    """One hovered cell of the memory: its value to the last digit, its slot in every map over slots."""
    quickstart.run_code("explorer.selection.time = 7")
    explorer.wait_painted("memory", "time=7 batch=0")
    explorer.hover_cell("memory", 34, 6, SLOTS, WORDS)
    value = quickstart.python("str(explorer.trace['memory'].values[7, 0, 34, 6])")
    explorer.wait_readout("memory", f"slot 34 · word 6 = {value}")
    memory.wait_readout("memory", f"slot 34 · word 6 = {value}")
    for side in ("write", "read"):
        weight = quickstart.python(f"str(explorer.trace['{side}_weights'].values[7, 0, 0, 34])")
        name = f"{side}_weights_0"
        expect(explorer.panel(name).locator(".nsmw-readout")).to_contain_text("slot 34 · time 7 = ")
        shown = explorer.readout(name).split("= ")[1]
        assert float(shown) == float(weight), (shown, weight)
    quickstart.page.mouse.move(2, 2)
    explorer.wait_readout("memory", "")
    memory.wait_readout("memory", "")


def test_clicking_a_map_goes_to_its_step_and_slot(quickstart: NotebookPage, explorer: ViewOnPage) -> None:
    """A click on a weighting over time and slots selects both, here and in Python."""
    explorer.click_cell("write_weights_0", 30, 12, SLOTS, STEPS)
    explorer.wait_index("time", 12)
    explorer.wait_index("slot", 30)
    explorer.wait_painted("memory", "time=12 batch=0")
    quickstart.wait_python("(explorer.selection.time, explorer.selection.slot)", [12, 30])


def test_arrow_keys_walk_over_cells_and_are_spoken(quickstart: NotebookPage, explorer: ViewOnPage) -> None:
    """On a focused map the arrows move a cell cursor, the live region says it, and Enter selects."""
    quickstart.run_code("explorer.selection.time = 3; explorer.selection.slot = 10")
    explorer.wait_index("slot", 10)
    explorer.panel("read_weights_0").locator("canvas").focus()
    page = quickstart.page
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(explorer.panel("read_weights_0").locator(".nsmw-readout")).to_contain_text("slot 11 · time 5 = ")
    expect(explorer.root.locator(".nsmw-live")).to_contain_text("slot 11 · time 5 = ")
    page.keyboard.press("Enter")
    explorer.wait_index("time", 5)
    quickstart.wait_python("explorer.selection.slot", 11)


def test_play_runs_pauses_and_stops_at_the_end(quickstart: NotebookPage, explorer: ViewOnPage) -> None:
    """Play walks through time by itself and ends on the last step; pause holds still."""
    explorer.press("first")
    explorer.wait_index("time", 0)
    explorer.root.get_by_label("speed, time steps per second").select_option("60")
    explorer.press("play")
    explorer.wait_index("time", STEPS - 1)
    expect(explorer.root.locator('button[data-action="play"]')).to_have_attribute(
        "aria-label", re.compile("^play")
    )
    quickstart.wait_python("explorer.selection.time", STEPS - 1)
    explorer.press("back")
    explorer.wait_index("time", STEPS - 2)


def test_a_colour_map_is_chosen_on_the_page_and_heard_in_python(
    quickstart: NotebookPage, explorer: ViewOnPage
) -> None:
    """Choosing viridis repaints the sequential panels, leaves the signed memory alone, and sets the trait."""
    quickstart.run_code(EXPECTED_COLORS)
    cells = [(row, 20) for row in range(0, SLOTS, 4)]
    explorer.choose("colours", "viridis")
    quickstart.wait_python("explorer.cmap", "viridis")
    expected = quickstart.python(
        "expected_colors('read_weights', 'linear', 'light', 'viridis', transpose=True, batch=0, head=0)"
    )
    painted = explorer.cell_colors("read_weights_0", cells, SLOTS, STEPS)
    assert painted == [tuple(expected[row][column]) for row, column in cells]
    quickstart.run_code("explorer.cmap = 'auto'")
    expect(explorer.root.locator('select[data-choice="colours"]')).to_have_value("auto")


def test_attention_shows_tokens_and_heads_are_picked_by_thumbnail_or_slider(
    quickstart: NotebookPage, attention: ViewOnPage
) -> None:
    """Tokens label both axes; a thumbnail or a slider brings its layer and head to the large picture."""
    tokens = quickstart.python("tokens")
    labels = attention.panel("attention").locator(".nsmw-axis-y .tick text").all_text_contents()
    assert labels == tokens
    assert attention.panel("attention").locator(".nsmw-axis-x .tick text").all_text_contents() == tokens
    attention.click_cell("attention_thumbnails", 4, 7, 6, 12)
    attention.wait_painted("attention", "layer=4 batch=0 head=7")
    quickstart.page.keyboard.press("ArrowLeft")
    attention.wait_painted("attention", "layer=4 batch=0 head=6")
    slider = attention.slider("layer")
    slider.focus()
    quickstart.page.keyboard.press("End")
    attention.wait_painted("attention", "layer=5 batch=0 head=6")
    attention.hover_cell("attention", 1, 2, len(tokens), len(tokens))
    value = quickstart.python("float(attentions[5][0, 6, 1, 2])")
    expect(attention.panel("attention").locator(".nsmw-readout")).to_contain_text(f"“{tokens[1]}”")
    assert float(attention.readout("attention").split("= ")[1]) == pytest.approx(value, rel=1e-7)


def test_the_dark_theme_is_followed(quickstart: NotebookPage, explorer: ViewOnPage) -> None:
    """Switching the theme repaints every panel with its colours for dark pages, and back."""
    quickstart.run_code(EXPECTED_COLORS + "\nexplorer.selection.time = 7")
    explorer.wait_painted("memory", "time=7 batch=0")
    cells = [(row, column) for row in range(0, SLOTS, 9) for column in range(0, WORDS, 3)]
    themes: tuple[Theme, Theme] = ("dark", "light")
    for theme in themes:
        quickstart.set_theme(theme)
        expect(explorer.root).to_have_attribute("data-theme", theme)
        expected = quickstart.python(f"expected_colors('memory', 'linear', '{theme}', time=7, batch=0)")
        painted = explorer.cell_colors("memory", cells, SLOTS, WORDS)
        assert painted == [tuple(expected[row][column]) for row, column in cells]


def test_a_busy_kernel_hears_the_last_place_when_it_is_free(
    quickstart: NotebookPage, explorer: ViewOnPage
) -> None:
    """While a cell runs the views move at once; afterwards Python has the last value, not an older one."""
    with quickstart.busy_kernel():
        explorer.drag_slider("time", 0.1)
        explorer.drag_slider("time", 0.75)
        explorer.wait_painted("memory", "time=30 batch=0")
    quickstart.wait_python("explorer.selection.time", 30)
    explorer.wait_index("time", 30)


def test_few_dom_nodes_whatever_the_data(explorer: ViewOnPage) -> None:
    """A whole explorer stays below a thousand DOM nodes: cells are pixels, not elements."""
    assert explorer.root.evaluate("root => root.querySelectorAll('*').length") < 1_000


@pytest.mark.screenshots
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1600, 600])
def test_nothing_is_cut_off(
    quickstart: NotebookPage, explorer: ViewOnPage, attention: ViewOnPage, theme: Theme, width: int
) -> None:
    """Every panel lies inside the view and every text inside its panel; a picture is kept of each."""
    page = quickstart.page
    quickstart.set_theme(theme)
    page.set_viewport_size({"width": width, "height": 2_400})
    try:
        for name, view in (("explorer", explorer), ("attention", attention)):
            view.root.scroll_into_view_if_needed()
            expect(view.root).to_have_attribute("data-theme", theme)
            quickstart.screenshot(f"{name}-{theme}-{width}", view.root)
            assert view.root.evaluate(OVERFLOWING) == []
    finally:
        page.set_viewport_size({"width": ALL_IN_SIGHT[0], "height": ALL_IN_SIGHT[1]})
        quickstart.set_theme("light")


OVERFLOWING = """root => {
  const bounds = root.getBoundingClientRect();
  const out = [];
  for (const node of root.querySelectorAll(".nsmw-panel, .nsmw-toolbar *, .nsmw-axes text, .nsmw-title")) {
    const box = node.getBoundingClientRect();
    if (box.width === 0 || node.tagName === "OPTION" || node.tagName === "OPTGROUP") continue;
    const panel = node.closest(".nsmw-plot")?.getBoundingClientRect() ?? bounds;
    const across = Math.max(panel.left - box.left, box.right - panel.right);
    const past = Math.max(across, panel.top - box.top, box.bottom - panel.bottom);
    if (past > 1.5) out.push(`${node.getAttribute("class")} ${node.textContent.slice(0, 20)} by ${past}`);
  }
  return out;
}"""


def test_every_view_still_moves_when_the_kernel_is_dead(
    quickstart: NotebookPage, explorer: ViewOnPage, memory: ViewOnPage, attention: ViewOnPage
) -> None:
    """With the kernel shut down: sliders, keys, hover and scale work as before, in all linked views."""
    quickstart.shutdown_kernel()
    explorer.drag_slider("time", 0.5)
    explorer.wait_painted("memory", "time=20 batch=0")
    memory.wait_painted("memory", "time=20 batch=0")
    memory.slider("time").focus()
    quickstart.page.keyboard.press("Home")
    explorer.wait_painted("memory", "time=0 batch=0")
    explorer.hover_cell("memory", 3, 3, SLOTS, WORDS)
    expect(memory.panel("memory").locator(".nsmw-readout")).to_contain_text("slot 3 · word 3 = ")
    cells = [(row, column) for row in range(0, SLOTS, 8) for column in range(0, STEPS, 4)]
    before = explorer.cell_colors("write_weights_0", cells, SLOTS, STEPS)
    frames = explorer.frames("write_weights_0")
    explorer.choose("scale", "rank")
    expect(explorer.panel("write_weights_0")).to_have_attribute("data-frames", str(frames + 1))
    assert explorer.cell_colors("write_weights_0", cells, SLOTS, STEPS) != before
    attention.slider("head").focus()
    quickstart.page.keyboard.press("End")
    expect(attention.panel("attention")).to_have_attribute("data-painted", re.compile("head=11$"))


def test_the_console_has_no_error_and_no_request_left_the_machine(quickstart: NotebookPage) -> None:
    """After all of the above."""
    assert quickstart.page_errors == []
    assert quickstart.requests_refused == []
