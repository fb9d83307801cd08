"""The quickstart in a real Notebook 7, which takes more keys for itself than JupyterLab does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.harness import JupyterLab, NotebookPage, NotebookServer
from tests.browser.views import ViewOnPage

SLOTS, WORDS, STEPS = 38, 20, 41


@pytest.fixture(scope="module")
def quickstart(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookPage]:
    """The executed quickstart, shared by the tests."""
    with (
        NotebookServer(tmp_path_factory.mktemp("notebook7")) as server,
        JupyterLab(server, browser).open("notebooks/01_quickstart.ipynb") as notebook,
    ):
        notebook.run_all()
        ViewOnPage(notebook.page, 0).wait_painted("memory")
        yield notebook


@pytest.fixture
def explorer(quickstart: NotebookPage) -> ViewOnPage:
    view = ViewOnPage(quickstart.page, 0)
    view.root.scroll_into_view_if_needed()
    return view


EXPECTED = """
from nsm_widgets.view import color_codes, default_coloring, paint

def expected(theme):
    memory = explorer.trace["memory"]
    coloring = default_coloring(memory)
    return paint(color_codes(memory.values[7, 0], coloring.domain, "linear"), coloring.cmap, theme).tolist()
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_painted_pixels_follow_the_theme(quickstart: NotebookPage, explorer: ViewOnPage, theme: str) -> None:
    """The middle pixel of known cells has the colour that Python computes, on light and on dark pages."""
    quickstart.run_code(EXPECTED + "\nexplorer.selection.time = 7")
    explorer.wait_painted("memory", "time=7 batch=0")
    quickstart.set_theme("dark" if theme == "dark" else "light")
    expect(explorer.root).to_have_attribute("data-theme", theme)
    expected = quickstart.python(f"expected({theme!r})")
    cells = [(row, column) for row in range(0, SLOTS, 9) for column in range(0, WORDS, 3)]
    painted = explorer.cell_colors("memory", cells, SLOTS, WORDS)
    assert painted == [tuple(expected[row][column]) for row, column in cells]
    assert len(set(painted)) > 1
    quickstart.screenshot(f"notebook7-{theme}")
    quickstart.set_theme("light")


def test_a_drag_reaches_python(quickstart: NotebookPage, explorer: ViewOnPage) -> None:
    """The mouse moves the slider, the picture, the other view and the Python trait."""
    explorer.drag_slider("time", 0.5)
    explorer.wait_painted("memory", "time=20 batch=0")
    ViewOnPage(quickstart.page, 1).wait_index("time", 20)
    quickstart.wait_python("explorer.selection.time", 20)


def test_arrow_keys_step_our_slider_and_walk_over_cells(
    quickstart: NotebookPage, explorer: ViewOnPage
) -> None:
    """Notebook 7 would move to another cell on an arrow key; on our controls it does not."""
    slider = explorer.slider("time")
    slider.press("Home")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowRight"):
        slider.press(key)
    explorer.wait_index("time", 3)
    quickstart.wait_python("explorer.selection.time", 3)
    canvas = explorer.panel("memory").locator("canvas")
    canvas.press("ArrowDown")
    canvas.press("ArrowRight")
    expect(explorer.panel("memory").locator(".nsmw-readout")).to_contain_text(" · word 1 = ")
    expect(canvas).to_be_focused()


def test_a_slider_of_ipywidgets_moves_the_selection(quickstart: NotebookPage, explorer: ViewOnPage) -> None:
    """An ``IntSlider`` linked in Python, pulled with the mouse, moves every view."""
    quickstart.run_cell(
        "import ipywidgets, traitlets\n"
        "linked = ipywidgets.IntSlider(0, 0, 40)\n"
        "_ = traitlets.dlink((linked, 'value'), (explorer.selection, 'time'))\n"
        "linked"
    )
    handle = quickstart.output(-1).locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    box, track = handle.bounding_box(), quickstart.output(-1).locator(".noUi-target").bounding_box()
    assert box is not None and track is not None
    mouse = quickstart.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(track["x"] + track["width"] + 40, box["y"] + box["height"] / 2, steps=8)
    mouse.up()
    quickstart.wait_python("linked.value", 40)
    explorer.wait_painted("memory", "time=40 batch=0")


def test_a_kernel_that_is_gone_is_marked(quickstart: NotebookPage, explorer: ViewOnPage) -> None:
    """As in JupyterLab; the views still move together."""
    quickstart.shutdown_kernel()
    expect(explorer.root.locator(".nsmw-detached")).to_contain_text("run the cell again")
    explorer.slider("time").press("Home")
    explorer.wait_painted("memory", "time=0 batch=0")
    ViewOnPage(quickstart.page, 1).wait_painted("memory", "time=0 batch=0")


def test_the_console_has_no_error_and_no_request_left_the_machine(quickstart: NotebookPage) -> None:
    """After all of the above."""
    assert quickstart.page_errors == []
    assert quickstart.requests_refused == []
