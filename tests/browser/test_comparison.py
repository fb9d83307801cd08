"""Two traces compared, in a real JupyterLab and as an exported page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from nsm_widgets import Trace
from nsm_widgets.view import color_codes, paint
from nsm_widgets.widgets import TraceComparison
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.harness.lab import REPOSITORY
from tests.browser.views import ViewOnPage

STEPS, SLOTS, WORDS = 8, 6, 4

TRACES = """
import numpy as np
from nsm_widgets import Trace
from nsm_widgets.widgets import TraceComparison
from nsm_widgets.view import color_codes, paint

def run(seed, order=(0, 1, 2)):
    random = np.random.default_rng(0)
    reads = random.dirichlet(np.full(6, 0.3), size=(8, 1, 3))
    writes = random.dirichlet(np.full(6, 0.3), size=(8, 1, 1))
    memory = random.normal(size=(8, 1, 6, 4))
    other = np.random.default_rng(seed)
    reads[5, 0, 1] = np.roll(reads[5, 0, 1], seed)   # one head, at one step
    memory = memory + 0.2 * seed * other.normal(size=memory.shape)
    reads = reads[:, :, list(order)]
    return Trace.from_arrays({'memory': memory, 'write_weights': writes, 'read_weights': reads})

first, second = run(0), run(2, order=(2, 0, 1))
"""

SHOWN = """
names = ('step <b>1,000', 'step 20,000')
view = TraceComparison(first, second, names=names, match='heads', title='two steps')
view
"""

COLORS = """
def colors(panel, plane, theme='light'):
    spec = next(p for row in view._layout for p in row if p.id == panel)
    return paint(color_codes(plane, spec.domain), spec.cmap, theme).tolist()
"""


@pytest.fixture
def notebook(notebook: NotebookPage) -> Iterator[NotebookPage]:
    """JupyterLab keeps its theme for the next notebook: it is light again at the end."""
    yield notebook
    notebook.set_theme("light")


def traces() -> tuple[Trace, Trace]:
    namespace: dict[str, Trace] = {}
    exec(TRACES, namespace)
    return namespace["first"], namespace["second"]


def cells_of(rows: int, columns: int) -> list[tuple[int, int]]:
    return [(row, column) for row in range(rows) for column in range(columns)]


def painted(view: ViewOnPage, panel: str, rows: int, columns: int) -> list[list[int]]:
    return [list(color) for color in view.cell_colors(panel, cells_of(rows, columns), rows, columns)]


def flat(colors: list[list[list[int]]]) -> list[list[int]]:
    return [color for row in colors for color in row]


def test_two_traces_move_together_and_switch_to_their_difference(notebook: NotebookPage) -> None:
    """One slider moves both; pixels are Python's on one domain; all of it works without a kernel."""
    notebook.run_code(TRACES + COLORS)
    notebook.run_cell(SHOWN)
    view = ViewOnPage(notebook.page)
    for side in ("a", "b"):
        view.wait_painted(f"{side}.memory", "time=0 batch=0")
    assert view.panel("a.memory").locator(".nsmw-title").text_content() == "memory · step <b>1,000"
    view.drag_slider("time", 3 / (STEPS - 1))
    for side, trace in (("a", "first"), ("b", "second")):
        view.wait_painted(f"{side}.memory", "time=3 batch=0")
        expected = notebook.python(f"colors('{side}.memory', {trace}['memory'].values[3, 0])")
        assert painted(view, f"{side}.memory", SLOTS, WORDS) == flat(expected)
    assert painted(view, "a.memory", SLOTS, WORDS) != painted(view, "b.memory", SLOTS, WORDS)
    expect(view.panel("difference.memory")).to_be_hidden()
    notebook.screenshot("comparison-beside-light", view.root)

    view.choose("show", "difference")
    view.wait_painted("difference.memory", "time=3 batch=0")
    apart = "second['memory'].values[3, 0] - first['memory'].values[3, 0]"
    expected = notebook.python(f"colors('difference.memory', {apart})")
    assert painted(view, "difference.memory", SLOTS, WORDS) == flat(expected)
    assert len({tuple(color) for color in painted(view, "difference.memory", SLOTS, WORDS)}) > 5
    for side in ("a", "b"):
        expect(view.panel(f"{side}.memory")).to_be_hidden()
    notebook.wait_python("view.show", "difference")
    notebook.screenshot("comparison-difference-light", view.root)

    notebook.shutdown_kernel()
    rows = view.panel("changed_heads").locator("tbody tr")
    expect(rows.first).to_contain_text("read weights")
    expect(rows.first).to_contain_text("1 (2 in step 20,000)")
    rows.first.click()
    view.wait_index("head", 1)
    view.wait_index("time", 5)
    expect(rows.first).to_have_attribute("aria-selected", "true")
    view.wait_painted("difference.read_weights", "batch=0 head=1")
    rows.first.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    notebook.page.keyboard.press("Enter")
    expect(rows.nth(1)).to_have_attribute("aria-selected", "true")
    notebook.page.keyboard.press("d")
    view.wait_painted("b.read_weights", re.compile(r"head=\d"))  # type: ignore[arg-type]
    expect(view.panel("difference.read_weights")).to_be_hidden()


def test_a_comparison_follows_python_and_the_dark_theme(notebook: NotebookPage) -> None:
    """The trait switches the page; on a dark page pixels are those of the dark tables."""
    notebook.run_code(TRACES + COLORS)
    notebook.run_cell(SHOWN)
    view = ViewOnPage(notebook.page)
    view.wait_painted("b.read_weights", "batch=0 head=0")
    scalar = view.panel("b.read_weights").locator(".nsmw-subtitle")
    expect(scalar).to_contain_text("own head 1")
    notebook.run_code("view.show = 'difference'; view.selection.time = 2")
    view.wait_painted("difference.memory", "time=2 batch=0")
    notebook.set_theme("dark")
    expect(view.root).to_have_attribute("data-theme", "dark")
    expect(notebook.page.locator("#jupyterlab-splash")).to_have_count(0)
    apart = "second['memory'].values[2, 0] - first['memory'].values[2, 0]"
    expected = notebook.python(f"colors('difference.memory', {apart}, 'dark')")
    assert painted(view, "difference.memory", SLOTS, WORDS) == flat(expected)
    notebook.screenshot("comparison-difference-dark", view.root)
    view.choose("show", "side by side")
    view.wait_painted("a.memory", "time=2 batch=0")
    notebook.screenshot("comparison-beside-dark", view.root)


@pytest.mark.parametrize("precision", ["exact", "display"])
def test_an_exported_comparison_is_alive(browser: Browser, tmp_path: Path, precision: str) -> None:
    """It opens as it stood, and slider, switch and table work offline."""
    first, second = traces()
    view = TraceComparison(first, second, show="difference", match="heads")
    written = view.to_html(tmp_path / "comparison.html", precision=precision)  # type: ignore[arg-type]
    domain = next(p for row in view._layout for p in row if p.id == "a.memory").domain
    with open_exported(browser, Path(written), theme="dark") as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("difference.memory", "time=0 batch=0")
        expect(shown.panel("a.memory")).to_be_hidden()
        shown.choose("show", "side by side")
        shown.drag_slider("time", 1.0)
        for name, trace in (("a.memory", first), ("b.memory", second)):
            shown.wait_painted(name, f"time={STEPS - 1} batch=0")
            plane: np.ndarray = trace["memory"].values[-1, 0]
            expected = paint(color_codes(plane, domain), "signed", "dark").tolist()
            assert painted(shown, name, SLOTS, WORDS) == flat(expected)
        row = shown.panel("changed_heads").locator("tbody tr").first
        row.click()
        shown.wait_index("time", 5)
        opened.page.screenshot(
            path=REPOSITORY / "artifacts" / f"export-comparison-{precision}.png", full_page=True
        )
