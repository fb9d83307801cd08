"""The quickstart as VS Code's own widget code shows it.

VS Code's own: the widget manager and the ipywidgets inside it (``@vscode/jupyter-ipywidgets8``, which its
Jupyter extension loads into the notebook webview), require.js, and the rule by which a module's script is
found in the kernel environment's ``share/jupyter/nbextensions`` (written again in ``nbextensions.py``).

Real: the kernel, with the environment that VS Code gives it, and Chromium.

Ours, in place of VS Code: the page, which has the address, body class and colour variables of VS Code's
webview; the kernel connection, which is JupyterLab's client on a websocket, so that binary stays binary where
VS Code would make arrays of numbers of it; the driver that runs cells and hands their outputs to the manager.
The tests in ``workbench/`` put VS Code itself there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.harness.lab import REPOSITORY
from tests.browser.harness.pixels import screenshot_pixel
from tests.browser.test_quickstart import EXPECTED_COLORS
from tests.browser.views import PAINTED_MS, ViewOnPage
from tests.vscode.page import THEMES, VscodePage, keep_figures, open_page
from tests.vscode.server import KernelServer

Theme = Literal["light", "dark"]
SLOTS, WORDS, STEPS = 38, 20, 41
"""Of the memory's 128 slots those that are used: the first ones."""
LARGEST_MESSAGE = 500_000
LARGEST_BINARY = 4_000


@pytest.fixture(scope="module")
def quickstart(browser: Browser, server: KernelServer, driver: Path) -> Iterator[VscodePage]:
    """The executed quickstart, shared by the tests in their order."""
    with open_page(browser, server, driver) as page:
        page.set_theme("light")
        page.run_notebook(REPOSITORY / "notebooks/01_quickstart.ipynb")
        page.run_code(EXPECTED_COLORS)
        yield page
        assert page.page_errors == []
        assert page.requests_refused == []


@pytest.fixture
def explorer(quickstart: VscodePage) -> ViewOnPage:
    return ViewOnPage(quickstart.page, 0)


@pytest.fixture
def memory(quickstart: VscodePage) -> ViewOnPage:
    return ViewOnPage(quickstart.page, 1)


def test_every_panel_of_every_view_is_painted(quickstart: VscodePage) -> None:
    """Three views, none of whose panels stays empty; the one module that they need was found."""
    expect(quickstart.page.locator(".nsmw-root")).to_have_count(3)
    panels = quickstart.page.locator(".nsmw-root [data-panel]")
    expect(panels.first).to_be_visible()
    for panel in panels.all():
        expect(panel).to_have_attribute("data-state", "ready")
    assert {(module["name"], module["found"]) for module in quickstart.modules()} == {("anywidget", True)}


@pytest.mark.parametrize(
    ("panel", "columns", "at", "transpose"),
    [
        ("memory", WORDS, "time=7, batch=0", False),
        ("write_weights_0", STEPS, "batch=0, head=0", True),
        ("read_weights_0", STEPS, "batch=0, head=0", True),
    ],
    ids=["memory", "write weights", "read weights"],
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_cells_have_the_colours_computed_in_python(
    quickstart: VscodePage,
    explorer: ViewOnPage,
    theme: Theme,
    panel: str,
    columns: int,
    at: str,
    transpose: bool,
) -> None:
    """In VS Code's light and dark theme, the middle pixel of known cells is as Python computes it."""
    quickstart.set_theme(theme)
    quickstart.run_code("explorer.selection.time = 7")
    explorer.wait_index("time", 7)
    expect(explorer.root).to_have_attribute("data-theme", theme)
    explorer.wait_painted(panel)
    array = panel.removesuffix("_0")
    expected = quickstart.python(
        f"expected_colors({array!r}, 'linear', {theme!r}, transpose={transpose}, {at})"
    )
    cells = [(row, column) for row in range(0, SLOTS, 9) for column in range(0, columns, 3)]
    painted = explorer.cell_colors(panel, cells, SLOTS, columns)
    assert painted == [tuple(expected[row][column]) for row, column in cells]
    assert len(set(painted)) > 1, "a picture of one colour shows nothing"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_ground_and_ink_are_those_of_vscodes_theme(
    quickstart: VscodePage, explorer: ViewOnPage, theme: Theme
) -> None:
    """VS Code's bundle defines JupyterLab's colours for a light page; in a dark one they must not win."""
    quickstart.set_theme(theme)
    expect(explorer.root).to_have_css("background-color", rgb(THEMES[theme]["editor-background"]))
    expect(explorer.root).to_have_css("color", rgb(THEMES[theme]["editor-foreground"]))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_slider_is_as_dark_as_the_page(quickstart: VscodePage, explorer: ViewOnPage, theme: Theme) -> None:
    """Chromium paints it white in the dark where it takes the blue of the handle for too dark to be seen."""
    quickstart.set_theme(theme)
    expect(explorer.root).to_have_attribute("data-theme", theme)
    slider = explorer.slider("slot")
    box = slider.bounding_box()
    assert box is not None
    brightest = max(screenshot_pixel(slider, box["width"] - 20, box["height"] / 2))
    assert (brightest < 0x80) == (theme == "dark"), brightest


@pytest.mark.screenshots
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_are_kept(quickstart: VscodePage, theme: Theme) -> None:
    """Each view in VS Code's colours, for `make screenshots`."""
    quickstart.set_theme(theme)
    for number, name in enumerate(("explorer", "memory", "attention")):
        view = ViewOnPage(quickstart.page, number)
        expect(view.root).to_have_attribute("data-theme", theme)
        quickstart.screenshot(f"vscode-bundle-{name}-{theme}", view.root)


def test_dragging_a_slider_moves_the_other_view_and_python(
    quickstart: VscodePage, explorer: ViewOnPage, memory: ViewOnPage
) -> None:
    """A drag in either view repaints the memory of both, and the kernel has the new step."""
    quickstart.run_code("explorer.selection.time = 0")
    memory.wait_painted("memory", "time=0 batch=0")
    cells = [(row, column) for row in range(0, SLOTS, 5) for column in range(WORDS)]
    before = memory.cell_colors("memory", cells, SLOTS, WORDS)
    explorer.drag_slider("time", 0.5)
    memory.wait_painted("memory", "time=20 batch=0")
    assert memory.cell_colors("memory", cells, SLOTS, WORDS) != before
    quickstart.wait_python("explorer.selection.time", 20)
    memory.drag_slider("time", 0.25)
    explorer.wait_painted("memory", "time=10 batch=0")
    quickstart.wait_python("explorer.selection.time", 10)


def test_arrays_travel_as_short_strings_and_only_once(quickstart: VscodePage, explorer: ViewOnPage) -> None:
    """No binary to speak of, no message over half a megabyte; steps ask the kernel for nothing again."""
    for panel in quickstart.page.locator(".nsmw-root [data-panel]").all():
        expect(panel).to_have_attribute("data-state", "ready", timeout=PAINTED_MS)
    messages = quickstart.messages()
    assert max(message["characters"] for message in messages) <= LARGEST_MESSAGE
    assert max(message["binary"] for message in messages) <= LARGEST_BINARY
    answers = [m for m in messages if m["content"] == "answer" and m["direction"] == "recv"]
    assert {answer["encoding"] for answer in answers} == {"base64"}
    asked = requests(quickstart)
    assert 1 <= asked <= len(answers)
    explorer.slider("time").press("Home")
    explorer.wait_painted("memory", "time=0 batch=0")
    explorer.slider("time").press("End")
    explorer.wait_painted("memory", f"time={STEPS - 1} batch=0")
    quickstart.wait_python("explorer.selection.time", STEPS - 1)
    assert requests(quickstart) == asked


def test_views_are_painted_soon_and_follow_the_slider(quickstart: VscodePage, explorer: ViewOnPage) -> None:
    """Meant are 3 s and 50 ms; the bounds leave room for a loaded machine. artifacts/ keeps the figures."""
    paints = quickstart.paint_times()
    steps = quickstart.time_steps(explorer.slider("time"), explorer.panel("memory"), 20)
    keep_figures("vscode-bundle", paint_ms=paints, step_ms=steps)
    assert len(paints) == 3
    assert max(paints) < 10_000
    assert median(steps) < 500


def test_a_large_array_comes_in_strings_of_half_a_megabyte(quickstart: VscodePage) -> None:
    """Five megabytes arrive whole, in order and exactly, each part within the limit."""
    quickstart.run_cell(
        "import numpy as np\n"
        "from nsm_widgets import Heatmap\n"
        "values = np.random.default_rng(0).normal(size=(50, 250, 100)).astype('f4')\n"
        "large = Heatmap(values, dims=('time', 'slot', 'word'))\n"
        "large"
    )
    view = ViewOnPage(quickstart.page, 3)
    view.wait_painted("values", "time=0")
    view.slider("time").press("End")
    view.wait_painted("values", "time=49")
    expect(view.panel("values")).to_have_attribute("data-whole", "true", timeout=60_000)
    view.hover_cell("values", 249, 99, 250, 100)
    value = quickstart.python("str(values[49, 249, 99])")
    view.wait_readout("values", f"slot 249 · word 99 = {value}")
    sizes = [message["characters"] for message in quickstart.messages()]
    assert 400_000 < max(sizes) <= LARGEST_MESSAGE
    assert sum(sizes) > 5_000_000


def test_a_chart_of_bqplot_is_found_by_the_same_rule(quickstart: VscodePage) -> None:
    """bqplot and its scales lie in the environment, too: nothing is asked of the network."""
    quickstart.run_cell(
        "import bqplot\n"
        "scales = {'x': bqplot.LinearScale(), 'y': bqplot.LinearScale()}\n"
        "bqplot.Figure(marks=[bqplot.Lines(x=[0, 1, 2], y=[0, 1, 0], scales=scales)])"
    )
    expect(quickstart.page.locator(".bqplot path.line").first).to_be_attached()
    assert {"bqplot", "bqscales"} <= {module["name"] for module in quickstart.modules()}
    assert all(module["found"] for module in quickstart.modules())


def test_an_axis_of_ones_own_is_moved_from_both_sides(quickstart: VscodePage) -> None:
    """Its trait, made when the data is attached, is as good as those that every selection has."""
    number = quickstart.page.locator(".nsmw-root").count()
    quickstart.run_cell(
        "import numpy as np\n"
        "from nsm_widgets import Heatmap\n"
        "experts = Heatmap(np.random.rand(5, 3, 4), dims=('expert', 'neuron', 'feature'))\n"
        "experts"
    )
    view = ViewOnPage(quickstart.page, number)
    view.wait_painted("values", "expert=0")
    view.drag_slider("expert", 1.0)
    quickstart.wait_python("experts.selection['expert']", 4)
    quickstart.run_code("experts.selection['expert'] = 2")
    view.wait_painted("values", "expert=2")


def test_one_of_several_arrays_is_chosen_from_both_sides(quickstart: VscodePage) -> None:
    """Panels and sliders are those of the array on show, of attention and of its statistic."""
    number = quickstart.page.locator(".nsmw-root").count()
    quickstart.run_cell(
        "import numpy as np\n"
        "from nsm_widgets import AttentionView, Trace; from nsm_widgets.widgets import LineChart\n"
        "shapes = {'encoder.attention': (6, 6), 'cross.attention': (4, 6)}\n"
        "translator = Trace.from_arrays(\n"
        "    {name: np.full((1, 1, 2 + rows // 6, rows, keys), 1 / keys)\n"
        "     for name, (rows, keys) in shapes.items()})\n"
        "attention = AttentionView(translator)\n"
        "attention"
    )
    quickstart.run_cell(
        "chart = LineChart(translator, statistic='entropy', selection=attention.selection)\nchart"
    )
    view, chart = (ViewOnPage(quickstart.page, number + place) for place in (0, 1))
    view.wait_painted("encoder.attention", "layer=0 batch=0 head=0")
    expect(view.slider("head")).to_have_attribute("max", "2")
    view.choose("array", "cross.attention")
    view.wait_painted("cross.attention", "layer=0 batch=0 head=0")
    expect(view.slider("head")).to_have_attribute("max", "1")
    quickstart.wait_python("attention.array", "cross.attention")
    quickstart.run_code("chart.array = 'cross.attention'")
    chart.wait_painted("cross.attention_entropy")
    quickstart.run_code("attention.array = 'encoder.attention'")
    view.wait_painted("encoder.attention", "layer=0 batch=0 head=0")


def test_a_kernel_that_vscode_did_not_start_knows_it_by_the_cell(
    browser: Browser, driver: Path, tmp_path: Path
) -> None:
    """On a server that was there before, no binary crosses either; a cell of another front end gets it."""
    source = (
        "import numpy as np\n"
        "from nsm_widgets import Heatmap\n"
        "Heatmap(np.ones((10, 200, 100), 'f4'), dims=('time', 'slot', 'word'))"
    )
    with (
        KernelServer(tmp_path, started_by_vscode=False) as server,
        open_page(browser, server, driver) as page,
    ):
        page.run_cell(source)
        ViewOnPage(page.page).wait_painted("values", "time=0")
        assert max(message["binary"] for message in page.messages()) <= LARGEST_BINARY
        page.run_cell(source, as_vscode=False)
        ViewOnPage(page.page, 1).wait_painted("values", "time=0")
        assert max(message["binary"] for message in page.messages()) == 4 * 10 * 200 * 100
        assert page.page_errors == []
        assert page.requests_refused == []


def requests(page: VscodePage) -> int:
    """How often the page asked the kernel for values."""
    return sum(m["content"] == "ask" and m["direction"] == "send" for m in page.messages())


def rgb(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgb({red}, {green}, {blue})"
