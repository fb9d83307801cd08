"""Views in a real JupyterLab beyond the quickstart: large arrays, marks, shared selections, restarts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.harness import NotebookPage
from tests.browser.views import ViewOnPage

PRELUDE = """
import numpy as np
from nsm_widgets import AttentionView, Heatmap, Trace
from nsm_widgets.widgets import MemoryView, ReadWriteView, Selection, PageArrays
random = np.random.default_rng(0)
"""


def show(notebook: NotebookPage, source: str, number: int = 0) -> ViewOnPage:
    """Run a cell that ends in a view, and wait for its picture."""
    notebook.run_cell(source)
    view = ViewOnPage(notebook.page, number)
    expect(view.root.locator('[data-state="ready"]').first).to_be_attached()
    return view


def test_of_an_array_over_the_budget_pictures_come(notebook: NotebookPage) -> None:
    """Each step is drawn by the kernel when it is looked at, some ahead, and a hovered value is exact.

    Without a kernel, a step not yet seen says so.
    """
    notebook.run_code(PRELUDE)
    view = show(
        notebook,
        "values = random.normal(size=(40, 100, 80))\n"
        "large = Heatmap(values, dims=('time', 'slot', 'word'), budget_mb=1)\n"
        "large",
    )
    view.wait_painted("values", "time=0")
    assert notebook.python("len(large.page_arrays._buffers)") == 0
    view.slider("time").press("End")
    view.wait_painted("values", "time=39")
    view.hover_cell("values", 99, 79, 100, 80)
    value = notebook.python("values[39, 99, 79]")
    expect(view.panel("values").locator(".nsmw-readout")).to_have_text(
        re.compile(r"slot 99 · word 79 = -?\d")
    )
    assert float(view.readout("values").split("= ")[1]) == value
    notebook.shutdown_kernel()
    view.drag_slider("time", 0.8)
    message = view.panel("values").locator(".nsmw-message")
    expect(message).to_contain_text("the kernel does not answer", timeout=15_000)
    view.drag_slider("time", 1.0)
    view.wait_painted("values", "time=39")
    expect(message).to_have_text("")


@pytest.mark.own_kernel
def test_an_array_beyond_the_state_is_fetched_whole_in_parts(notebook: NotebookPage) -> None:
    """What the widget's state does not carry is asked for once, and then needs no kernel."""
    notebook.run_code(PRELUDE)
    view = show(
        notebook,
        "values = random.normal(size=(150, 100, 80)).astype('f4')  # 4.8 MB: five parts\n"
        "import os\n"
        "os.environ['NSM_WIDGETS_STATE_MB'] = '1'\n"
        "large = Heatmap(values, dims=('time', 'slot', 'word'))\n"
        "large",
    )
    view.wait_painted("values", "time=0")
    expect(view.panel("values")).to_have_attribute("data-whole", "true")
    assert notebook.python("large.page_arrays.not_saved") == {"values": 4_800_000}
    expect(view.root.locator("[data-saved]")).to_have_text("not saved with the notebook: values (4.8 MB)")
    notebook.shutdown_kernel()
    view.drag_slider("time", 0.5)
    expect(view.panel("values")).to_have_attribute("data-state", "ready")
    view.slider("time").press("End")
    view.wait_painted("values", "time=149")


def test_nan_infinite_and_clipped_cells_are_marked_and_counted(notebook: NotebookPage) -> None:
    """Marks have ground colours of their own, the legend counts those here and in all the array."""
    notebook.run_code(PRELUDE)
    view = show(
        notebook,
        "values = np.zeros((2, 4, 5))\n"
        "values[0, 0, 1], values[0, 2, 2], values[0, 3, 3] = np.nan, np.inf, -np.inf\n"
        "values[0, 1, 1] = 7.0\n"
        "values[1, 0, 0] = np.nan\n"
        "Heatmap(values, dims=('time', 'slot', 'word'), vmin=-2, vmax=2)",
    )
    view.wait_painted("values", "time=0")
    read = """(canvas, {row, column}) => {
        const x = Math.floor((column + 0.1) * canvas.width / 5);
        const y = Math.floor((row + 0.5) * canvas.height / 4);
        return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3)];
    }"""
    canvas = view.panel("values").locator("canvas")

    def ground(row: int, column: int) -> list[int]:
        color: list[int] = canvas.evaluate(read, {"row": row, "column": column})
        return color

    assert ground(0, 1) == [204, 51, 153]
    assert ground(2, 2) == [230, 0, 38]
    assert ground(3, 3) == [0, 70, 200]
    assert ground(1, 1) != ground(0, 0)
    chips = view.panel("values").locator(".nsmw-chip")
    expect(chips).to_have_text(["1 NaN", "2 ±inf", "1 clipped"])
    expect(chips.first).to_have_attribute("title", "2 in all of values")
    view.hover_cell("values", 0, 1, 4, 5)
    view.wait_readout("values", "slot 0 · word 1 = NaN")
    view.slider("time").press("End")
    expect(chips).to_have_text(["1 NaN", "0 ±inf", "0 clipped"])
    notebook.screenshot("marks", view.root)


def test_one_hot_cell_of_a_large_matrix_stays_visible(notebook: NotebookPage) -> None:
    """Cells smaller than a pixel: the strongest is drawn, and the legend says that cells share pixels."""
    notebook.run_code(PRELUDE)
    view = show(
        notebook,
        "values = np.zeros((3000, 3000), 'f4')\n"
        "values[1234, 567] = 1\n"
        "Heatmap(values, dims=('query', 'key'))",
    )
    view.wait_painted("values")
    colors = """canvas => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const counts = new Map();
        for (let i = 0; i < data.length; i += 4) {
            const key = data.slice(i, i + 3).join();
            counts.set(key, (counts.get(key) ?? 0) + 1);
        }
        return [...counts.values()].sort((a, b) => a - b);
    }"""
    counts = view.panel("values").locator("canvas").evaluate(colors)
    assert len(counts) == 2
    assert 1 <= counts[0] <= 4
    expect(view.panel("values").locator(".nsmw-chip")).to_have_text(re.compile("^peak of "))


def test_views_made_apart_move_together_by_a_shared_selection(notebook: NotebookPage) -> None:
    """Two views of two traces, in two cells, with one Selection; the shorter one stays on its last step."""
    notebook.run_code(PRELUDE)
    notebook.run_code(
        "selection = Selection()\n"
        "weights = random.dirichlet(np.ones(16), size=(30, 1, 3))\n"
        "written = Trace.from_arrays({'write_weights': weights, 'read_weights': weights[:, :, :2]})\n"
        "memory = Trace.from_arrays({'memory': random.normal(size=(20, 1, 16, 8))})"
    )
    weights = show(notebook, "ReadWriteView(written, selection=selection)")
    memory = show(notebook, "MemoryView(memory, selection=selection)", 1)
    expect(weights.root.locator(".nsmw-panel")).to_have_count(5)
    weights.drag_slider("time", 10 / 29)
    memory.wait_painted("memory", "time=10 batch=0")
    memory.click_cell("memory_change", 5, 12, 16, 20)
    weights.wait_index("time", 12)
    weights.wait_index("slot", 5)
    weights.click_cell("write_weights_2", 3, 25, 16, 30)
    weights.wait_index("head", 2)
    expect(weights.panel("write_weights_2")).to_have_class(re.compile("nsmw-chosen-panel"))
    memory.wait_index("time", 19)
    notebook.wait_python("[selection.time, selection.head, selection.slot]", [25, 2, 3])
    notebook.screenshot("three-write-two-read-heads", weights.root)


def test_python_hears_of_each_cell_that_is_pressed(notebook: NotebookPage) -> None:
    """By the mouse and by Enter, the same one again; a drag over cells is none, nor is a box."""
    notebook.run_code(PRELUDE + "heard = []")
    view = show(
        notebook,
        "values = np.arange(12.0).reshape(3, 4)\n"
        "view = Heatmap(values, dims=('query', 'key'), labels={'key': list('abcd')})\n"
        "view.on_click(lambda click: heard.append([click.indices, click.labels, click.value]))\n"
        "view",
    )
    pressed = [{"query": 1, "key": 2}, {"key": "c"}, 6.0]
    view.click_cell("values", 1, 2, 3, 4)
    view.click_cell("values", 1, 2, 3, 4)
    notebook.wait_python("heard", [pressed, pressed])
    mouse = notebook.page.mouse
    mouse.move(*view.cell_center("values", 0, 0, 3, 4))
    mouse.down()
    mouse.move(*view.cell_center("values", 2, 3, 3, 4), steps=4)
    mouse.up()
    notebook.wait_python("view.selection.indices['key']", 3)
    view.panel("values").locator("canvas").press("Enter")
    last = [{"query": 2, "key": 3}, {"key": "d"}, 11.0]
    notebook.wait_python("heard", [pressed, pressed, last])


def test_views_outlive_a_restart_and_a_new_run_replaces_them(notebook: NotebookPage) -> None:
    """After a restart the old pictures still move among themselves; the cell run again gives a live view."""
    source = (
        PRELUDE
        + "view = MemoryView(Trace.from_arrays({'memory': random.normal(size=(9, 1, 16, 8))}))\n"
        + "view.selection.time = 0\nview"
    )
    view = show(notebook, source)
    notebook.restart_kernel()
    view.slider("time").press("End")
    view.wait_painted("memory", "time=8 batch=0")
    notebook.run_all()
    again = ViewOnPage(notebook.page, 0)
    expect(again.root.locator('[data-state="ready"]').first).to_be_attached()
    again.wait_index("time", 0)
    again.slider("time").press("End")
    notebook.wait_python("view.selection.time", 8)


@pytest.mark.parametrize("container", ["Tab", "Accordion", "HBox", "VBox"])
def test_a_view_hidden_at_first_is_painted_when_shown(notebook: NotebookPage, container: str) -> None:
    """Inside ipywidgets' containers, also on a page of a Tab or Accordion that is closed at first."""
    notebook.run_code(PRELUDE + "import ipywidgets")
    notebook.run_cell(
        "view = Heatmap(random.normal(size=(6, 8)), dims=('slot', 'word'))\n"
        f"box = ipywidgets.{container}(children=[ipywidgets.Label('first'), view])\n"
        "box"
    )
    view = ViewOnPage(notebook.page, 0)
    if container in ("Tab", "Accordion"):
        expect(view.root).to_be_hidden()
        notebook.run_code("box.selected_index = 1")
    expect(view.panel("values")).to_have_attribute("data-frames", re.compile(r"^\d+$"))
    expect(view.panel("values").locator("canvas")).to_be_visible()


def test_a_cleared_view_gives_back_its_listeners(notebook: NotebookPage) -> None:
    """Cleared output: its canvases are gone, and the views that are left still move."""
    notebook.run_code(PRELUDE + "selection = Selection()")
    source = "Heatmap(random.normal(size=(5, 6, 8)), dims=('time', 'slot', 'word'), selection=selection)"
    show(notebook, source)
    show(notebook, source, 1)
    notebook.page.evaluate(
        "() => { const panel = [...jupyterapp.shell.widgets('main')].find(w => w.context);"
        " panel.content.widgets.find(cell => cell.outputArea?.model.length)?.outputArea.model.clear(); }"
    )
    expect(notebook.page.locator(".nsmw-root")).to_have_count(1)
    left = ViewOnPage(notebook.page, 0)
    left.slider("time").press("End")
    left.wait_painted("values", "time=4")
    notebook.wait_python("selection.time", 4)
