"""What crosses between a kernel and a JupyterLab: pictures first, values where they are hovered, once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.harness import NotebookPage
from tests.browser.views import PAINTED_MS, ViewOnPage

pytestmark = pytest.mark.own_kernel  # the code below changes a method of the package

PRELUDE = """
import numpy as np
from nsm_widgets import Heatmap, Trace
from nsm_widgets.widgets import Selection, PageArrays
from nsm_widgets.view import ColorDomain, color_codes, color_table

def ink(value):
    code = int(color_codes(np.array([value], np.float32), ColorDomain(0.0, 1.0))[0])
    return [int(part) for part in color_table("ink")[code]]

asks = []
take = PageArrays._take_message

def noted(store, content):
    asks.extend(content.get("asks", ()))
    take(store, content)

PageArrays._take_message = noted
"""

INK = """canvas => {
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const count = new Map();
    for (let i = 0; i < data.length; i += 4) {
        const color = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
        count.set(color, (count.get(color) ?? 0) + 1);
    }
    return [width, height, [...count.values()].sort((a, b) => b - a)];
}"""
"""Width and height of a canvas, and how many pixels there are of each colour."""


def show(notebook: NotebookPage, source: str, number: int = 0) -> ViewOnPage:
    """Run a cell that ends in a view, and wait for its picture."""
    notebook.run_cell(source)
    view = ViewOnPage(notebook.page, number)
    expect(view.root.locator('[data-state="ready"]').first).to_be_attached(timeout=PAINTED_MS)
    return view


def test_one_hot_cell_of_8192_by_8192_is_seen_at_every_zoom(notebook: NotebookPage) -> None:
    """No more texels than the canvas has pixels; the cell is one of them, and its value is exact."""
    notebook.run_code(PRELUDE)
    view = show(
        notebook,
        "values = np.zeros((8192, 8192), np.float32)\n"
        "values[5000, 7001] = 0.7\n"
        "Heatmap(values, dims=('query', 'key'), name='values', vmin=0, vmax=1)",
    )
    panel = view.panel("values")
    canvas = panel.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    at = box["x"] + 7001.5 / 8192 * box["width"], box["y"] + 5000.5 / 8192 * box["height"]
    for turn in range(8):
        width, height, counts = canvas.evaluate(INK)
        columns, rows = map(int, (panel.get_attribute("data-texels") or "").split("x"))
        assert rows <= height and columns <= width
        assert len(counts) == 2, f"after {turn} turns the cell is gone, or there are two"
        assert counts[1] <= 2 * (1 + width / columns) * (1 + height / rows)
        window = panel.get_attribute("data-window")
        notebook.page.mouse.move(*at)
        notebook.page.keyboard.down("Control")
        notebook.page.mouse.wheel(0, -400)
        notebook.page.keyboard.up("Control")
        expect(panel).not_to_have_attribute("data-window", window or "")
        expect(panel).to_have_attribute("data-state", "ready")
    readout = panel.locator(".nsmw-readout")
    expect(readout).to_have_text(re.compile(r"query \d+ · key \d+ = "))
    asked = notebook.python("[ask['kind'] for ask in asks]")
    assert set(asked) == {"picture", "values"}
    notebook.page.keyboard.press("Escape")
    notebook.screenshot("zoom-8192", notebook.output(-1).last)


def test_ten_thousand_steps_are_drawn_as_they_are_passed(notebook: NotebookPage) -> None:
    """A third of a gigabyte stays with the kernel: pictures cross, ahead of the cursor, each of them once."""
    notebook.run_code(PRELUDE)
    view = show(
        notebook,
        "steps = np.arange(10_000, dtype=np.float32)[:, None, None] / 10_000\n"
        "memory = np.ascontiguousarray(np.broadcast_to(steps, (10_000, 128, 64)))\n"
        "Heatmap(memory, dims=('time', 'slot', 'word'), name='memory', vmin=0, vmax=1)",
    )
    view.wait_painted("memory", "time=0")
    seen = []
    for share in (0.1, 0.35, 0.8, 1.0):
        view.drag_slider("time", share)
        index = view.index("time")
        view.wait_painted("memory", f"time={index}")
        seen.append(index)
        [color] = view.cell_colors("memory", [(64, 32)], 128, 64)
        assert list(color) == notebook.python(f"ink(memory[{index}, 0, 0])")
    assert seen == sorted(set(seen)) and seen[-1] == 9_999
    notebook.wait_for_idle()
    sent = notebook.python("len(asks)")
    assert notebook.python("len({ask['key'] for ask in asks})") == sent, "each once"
    assert sent < 2_000, "what was passed over was not asked for"
    view.drag_slider("time", 0.0)
    view.wait_painted("memory", "time=0")
    view.slider("time").press("ArrowRight")
    view.wait_painted("memory", "time=1")
    assert notebook.python("len([ask for ask in asks if ask['at']['time'] in (0, 1)])") == 2


def test_values_may_cross_rounded_and_say_so(notebook: NotebookPage) -> None:
    """The picture is of the exact values; what is hovered is float16, by choice, with a mark."""
    notebook.run_code(PRELUDE)
    view = show(
        notebook,
        "values = np.random.default_rng(0).random((4, 300, 300))\n"
        "Heatmap(values, dims=('time', 'slot', 'word'), name='values', budget_mb=1, precision='float16')",
    )
    view.wait_painted("values", "time=0")
    expect(view.panel("values").locator(".nsmw-chip", has_text="float16")).to_be_visible()
    view.hover_cell("values", 150, 200, 300, 300)
    readout = view.panel("values").locator(".nsmw-readout")
    expect(readout).to_have_text(re.compile(r"slot 150 · word 200 ≈ 0\.\d+"))
    shown = float(readout.inner_text().split("≈ ")[1])
    assert abs(shown - notebook.python("values[0, 150, 200]")) < 5e-4


def test_what_has_come_whole_needs_no_kernel(notebook: NotebookPage) -> None:
    """Of an array within the budget the picture comes first, then the rest, part by part."""
    notebook.run_code(PRELUDE)
    view = show(
        notebook,
        "import os\n"
        "os.environ['NSM_WIDGETS_STATE_MB'] = '0'\n"
        "values = np.random.default_rng(0).random((20, 300, 300)).astype('f4')  # 7.2 MB\n"
        "Heatmap(values, dims=('time', 'slot', 'word'), name='values')",
    )
    view.wait_painted("values", "time=0")
    expect(view.panel("values")).to_have_attribute("data-whole", "true")
    kinds = notebook.python("[ask['kind'] for ask in asks]")
    assert kinds[0] == "picture" and kinds.count("part") == 8
    notebook.shutdown_kernel()
    for index in (19, 3):
        view.slider("time").press("End" if index == 19 else "Home")
        for _ in range(index % 19):
            view.slider("time").press("ArrowRight")
        view.wait_painted("values", f"time={index}")
