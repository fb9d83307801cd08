"""The quickstart in VS Code itself, for ``make test-vscode``.

VS Code's own: the whole workbench (``code-server``, VS Code's server and web build), its notebook editor and
the webview that shows outputs, its themes, its widget manager (``@vscode/jupyter-ipywidgets8``), and the name
that it gives each cell.

Ours, in place of VS Code's Jupyter extension, which no package registry has: a small extension that runs
cells on a kernel and passes the kernel's messages on to the webview, binary as arrays of numbers, as that one
does. The kernel runs on a server that VS Code did not start: only the cell's name tells our code where it is.

Not tested: that extension itself, and VS Code on the desktop.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import nbformat
import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.browser.harness import collect_errors, drag_range, refuse_strangers
from tests.browser.harness.lab import REPOSITORY
from tests.browser.harness.notebook import ARTIFACTS
from tests.browser.test_quickstart import EXPECTED_COLORS
from tests.vscode.page import keep_figures
from tests.vscode.server import KernelServer
from tests.vscode.workbench.server import Workbench

Theme = Literal["light", "dark"]
NAMES = {"light": "Default Light Modern", "dark": "Default Dark Modern"}
NOTEBOOK = REPOSITORY / "notebooks/01_quickstart.ipynb"
VIEWPORT = (1500, 1500)
OPEN_S = 120
PAINTED_MS = 60_000
SLOTS, WORDS = 38, 20
"""Of the memory's 128 slots those that are used: the first ones."""

READ_PIXELS = """(canvas, {cells, rows, columns}) => {
    const context = canvas.getContext("2d");
    return cells.map(([row, column]) => {
        const x = Math.floor((column + 0.5) * canvas.width / columns);
        const y = Math.floor((row + 0.5) * canvas.height / rows);
        return [...context.getImageData(x, y, 1, 1).data.slice(0, 3)];
    });
}"""


@dataclass
class Notebook:
    """The quickstart, open and run in VS Code."""

    workbench: Workbench
    page: Page
    outputs: Frame
    """The webview that shows the outputs, a frame in a frame."""

    def show(self, source: str) -> None:
        """Scroll to the cell that begins so: VS Code makes a widget when it is first in sight."""
        cells = nbformat.read(NOTEBOOK, as_version=4).cells
        (place,) = [number for number, cell in enumerate(cells) if cell.source.startswith(source)]
        self.outputs.evaluate("cell => vscodeTest.reveal(cell)", place)

    def set_theme(self, theme: Theme) -> None:
        """Change VS Code's colour theme, as its settings do."""
        self.outputs.evaluate("name => vscodeTest.setTheme(name)", NAMES[theme])
        expect(self.outputs.locator("body")).to_have_attribute("data-vscode-theme-kind", f"vscode-{theme}")

    def wait_python(self, expression: str, expected: Any) -> None:
        deadline = time.monotonic() + 30
        while (value := self.workbench.python(expression)) != expected:
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression} should become {expected!r}, and it stays {value!r}")

    def colors(self, panel: str, cells: list[tuple[int, int]], rows: int, columns: int) -> list[list[int]]:
        canvas = self.outputs.locator(f'[data-panel="{panel}"] canvas').first
        arg = {"cells": [list(cell) for cell in cells], "rows": rows, "columns": columns}
        colors: list[list[int]] = canvas.evaluate(READ_PIXELS, arg)
        return colors


@pytest.fixture(scope="module")
def notebook(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """Shared by the tests in their order."""
    server = KernelServer(tmp_path_factory.mktemp("server"), started_by_vscode=False)
    with server, Workbench(tmp_path_factory.mktemp("workbench"), server, NOTEBOOK) as workbench:
        context = browser.new_context(viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]})
        refused = refuse_strangers(context)
        page = context.new_page()
        errors = collect_errors(page)
        page.goto(f"{workbench.url}/?folder={workbench.notebook.parent}")
        opened = Notebook(workbench, page, wait_for_outputs(page))
        yield opened
        assert [error for error in errors if "nsm" in error.lower()] == []
        assert refused == []
        context.close()


def wait_for_outputs(page: Page) -> Frame:
    """The frame in which the test's renderer runs."""
    deadline = time.monotonic() + OPEN_S
    while time.monotonic() < deadline:
        for frame in page.frames:
            if "webview/browser/pre/fake.html" in frame.url and frame.evaluate(
                "() => 'vscodeTest' in window"
            ):
                return frame
        page.wait_for_timeout(200)
    raise AssertionError(f"no widget was rendered: {[frame.url for frame in page.frames]}")


def test_every_view_is_painted_when_it_is_in_sight(notebook: Notebook) -> None:
    """The three views of the quickstart, every panel of each."""
    for number, source in enumerate(("explorer = NTMExplorer", "MemoryView(", "AttentionView(")):
        notebook.show(source)
        root = notebook.outputs.locator(".nsmw-root").nth(number)
        expect(root).to_be_attached(timeout=PAINTED_MS)
        for panel in root.locator("[data-panel]").all():
            expect(panel).to_have_attribute("data-state", "ready", timeout=PAINTED_MS)


def test_no_array_travelled_in_binary(notebook: Notebook) -> None:
    """The kernel's environment says nothing of VS Code: the cell's name did."""
    assert notebook.workbench.python("'VSCODE_PID' in __import__('os').environ") is False
    assert notebook.workbench.python("len(explorer.page_arrays._buffers)") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_those_of_python_in_the_theme_of_vscode(notebook: Notebook, theme: Theme) -> None:
    """Known cells, ground and ink, in VS Code's light and dark theme; a picture is kept of each."""
    notebook.set_theme(theme)
    notebook.show("explorer = NTMExplorer")
    root = notebook.outputs.locator(".nsmw-root").first
    expect(root).to_have_attribute("data-theme", theme)
    expect(root).to_have_attribute("data-time", "7")
    names = ("background-color", "color")
    ground, ink = notebook.outputs.evaluate(
        "() => ['background', 'foreground'].map(name => { const probe = document.createElement('i');"
        " probe.style.color = `var(--vscode-editor-${name})`; document.body.append(probe);"
        " const { color } = getComputedStyle(probe); probe.remove(); return color; })"
    )
    for name, color in zip(names, (ground, ink), strict=True):
        expect(root).to_have_css(name, color)
    cells = [(row, column) for row in range(0, SLOTS, 9) for column in range(0, WORDS, 3)]
    wanted = f"expected_colors('memory', 'linear', {theme!r}, time=7, batch=0)"
    expected = notebook.workbench.python(
        f"(exec({EXPECTED_COLORS!r}, get_ipython().user_ns), eval({wanted!r}, get_ipython().user_ns))[1]"
    )
    assert notebook.colors("memory", cells, SLOTS, WORDS) == [expected[row][column] for row, column in cells]
    notebook.page.screenshot(path=ARTIFACTS / f"vscode-workbench-{theme}.png")


def test_dragging_a_slider_moves_the_other_view_and_python(notebook: Notebook) -> None:
    """A mouse drag inside the webview, in VS Code's own page, reaches the other view and the kernel."""
    notebook.show("explorer = NTMExplorer")
    explorer, memory = (notebook.outputs.locator(".nsmw-root").nth(number) for number in (0, 1))
    drag_range(explorer.locator('input[type=range][data-dim="time"]'), 0.5)
    expect(explorer.locator('[data-panel="memory"]')).to_have_attribute("data-painted", "time=20 batch=0")
    notebook.show("MemoryView(")  # what is out of sight is not drawn
    expect(memory.locator('[data-panel="memory"]')).to_have_attribute("data-painted", "time=20 batch=0")
    notebook.wait_python("explorer.selection.time", 20)


def test_views_are_painted_soon_and_follow_the_slider(
    notebook: Notebook,
) -> None:
    """Meant are 3 s and 50 ms; the bounds leave room for a loaded machine. artifacts/ keeps the figures."""
    notebook.show("explorer = NTMExplorer")
    paints = notebook.outputs.evaluate("() => vscodeTest.paintTimes")
    steps = notebook.outputs.locator(".nsmw-root").first.evaluate(
        "root => vscodeTest.timeSteps(root.querySelector('input[data-dim=time]'),"
        " root.querySelector('[data-panel=memory]'), 20)"
    )
    keep_figures("vscode-workbench", paint_ms=paints, step_ms=steps)
    assert len(paints) == 3
    assert max(paints) < 10_000
    assert median(steps) < 500
