"""Views that are on a page already, linked and composed: by real mouse and keys, read from their pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from nsm_widgets import Heatmap, Trace, compose, link
from nsm_widgets.export import widgets_to_html
from nsm_widgets.view import color_codes, default_coloring, paint
from nsm_widgets.widgets import LineChart, MemoryView, Selection
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.views import ViewOnPage

SIZES = (20, 8, 4)
"""Time, slot, word."""

PRELUDE = f"""
import numpy as np
from nsm_widgets import Heatmap, Trace, TraceRecorder, compose, link
from nsm_widgets.widgets import LineChart, MemoryView
values = np.random.default_rng(3).random({SIZES})
a, b, c = (Heatmap(values, dims=("time", "slot", "word")) for _ in range(3))
"""

CELLS = [(row, column) for row in range(SIZES[1]) for column in range(SIZES[2])]


def make_values() -> np.ndarray:
    return np.random.default_rng(3).random(SIZES)


def colors_at(time: int) -> list[tuple[int, ...]]:
    """What each cell is painted in, by Python."""
    array = Trace.from_arrays({"memory": make_values()[:, None]})["memory"]
    coloring = default_coloring(array)
    codes = color_codes(make_values()[time], coloring.domain, "linear")
    return [tuple(color) for color in paint(codes, coloring.cmap, "light").reshape(-1, 3).tolist()]


def painted(view: ViewOnPage, panel: str = "values") -> list[tuple[int, int, int]]:
    return view.cell_colors(panel, CELLS, SIZES[1], SIZES[2])


def test_displayed_views_that_are_linked_follow_a_drag_without_a_kernel(notebook: NotebookPage) -> None:
    """On the page itself; Python hears of each; unlinked, and along other axes, they stay where they are."""
    notebook.run_code(PRELUDE)
    for name in "abc":
        notebook.run_cell(name)
    first, second, third = (ViewOnPage(notebook.page, number) for number in range(3))
    for view in (first, second, third):
        view.wait_painted("values", "time=0")
    notebook.run_code("both = link(a, b, on=('time',))\nlink(b, c, on=('slot',))")
    first.drag_slider("time", 0.6)
    moved = int(first.root.get_attribute("data-time") or 0)
    assert 5 < moved < 19
    second.wait_painted("values", f"time={moved}")
    assert painted(second) == colors_at(moved) != colors_at(0)
    notebook.wait_python("[view.selection.time for view in (a, b, c)]", [moved, moved, 0])
    third.slider("slot").press("End")
    second.wait_index("slot", 7)
    notebook.wait_python("[view.selection.slot for view in (a, b, c)]", [0, 7, 7])

    notebook.run_code("both.unlink()\na.selection.time = 2")
    first.wait_painted("values", "time=2")
    assert (second.index("time"), third.index("time")) == (moved, 0)
    notebook.run_code("link(a, b)")
    second.wait_painted("values", "time=2")

    notebook.shutdown_kernel()
    second.slider("time").press("End")
    first.wait_painted("values", "time=19")
    assert painted(first) == colors_at(19)
    first.slider("slot").press("ArrowRight")
    second.wait_index("slot", 1)


def test_links_hold_while_a_slider_is_dragged_and_the_kernel_answers(notebook: NotebookPage) -> None:
    """No answer to an older move takes either of them back."""
    notebook.run_code(
        PRELUDE + "link(a, b, on=('time',))\nheard = []\n"
        "b.selection.observe(lambda change: heard.append(change['new']), names=['time'])"
    )
    notebook.run_cell("a")
    notebook.run_cell("b")
    views = [ViewOnPage(notebook.page, number) for number in range(2)]
    for view in views:
        view.wait_painted("values", "time=0")
    slider = views[0].slider("time")
    slider.focus()
    for _ in range(19):
        slider.press("ArrowRight")
    for view in views:
        view.wait_painted("values", "time=19")
    notebook.wait_python("[a.selection.time, b.selection.time]", [19, 19])
    assert notebook.python("heard == sorted(heard)") is True
    notebook.wait_for_idle()
    assert [view.index("time") for view in views] == [19, 19]


def test_a_displayed_view_follows_another_selection(notebook: NotebookPage) -> None:
    """It is drawn where that one stands, and its slider moves both."""
    notebook.run_code(PRELUDE)
    notebook.run_cell("a")
    notebook.run_cell("b")
    first, second = ViewOnPage(notebook.page, 0), ViewOnPage(notebook.page, 1)
    first.wait_painted("values", "time=0")
    first.slider("time").press("End")
    notebook.wait_python("a.selection.time", 19)
    notebook.run_code("b.selection = a.selection")
    second.wait_painted("values", "time=19")
    assert painted(second) == colors_at(19)
    second.slider("time").press("Home")
    first.wait_painted("values", "time=0")
    notebook.wait_python("[a.selection.time, b.selection is a.selection]", [0, True])
    expect(notebook.page.locator(".nsmw-detached").filter(has_text="Detached")).to_have_count(0)


def test_a_composition_of_displayed_views_has_one_toolbar_and_gives_it_back(notebook: NotebookPage) -> None:
    """Of views of different traces, of a chart, nested; its colours are those of all."""
    notebook.run_code(
        PRELUDE + "gates = Trace.from_arrays({'write_gate': np.random.default_rng(1).random((30, 1, 2))})\n"
        "chart = LineChart(gates, 'write_gate')\n"
    )
    notebook.run_cell("a")
    alone = ViewOnPage(notebook.page, 0)
    alone.wait_painted("values", "time=0")
    notebook.run_cell("whole = compose([[compose([[a, b]])], [chart]], title='All of it')\nwhole")
    toolbars = notebook.page.locator(".nsmw-toolbar")
    expect(toolbars).to_have_count(1)
    expect(notebook.page.locator(".nsmw-group .nsmw-heading:visible")).to_have_text(["All of it"])
    bar = ViewOnPage(notebook.page, 1)
    expect(bar.slider("time")).to_have_attribute("max", "29")
    bar.slider("time").press("End")
    alone.wait_painted("values", "time=19")
    notebook.wait_python("whole.selection.time", 29)
    bar.choose("scale", "rank")
    notebook.wait_python("[a.scale, b.scale, chart.controls.scale]", ["rank"] * 3)
    with notebook.page.expect_download() as download:
        bar.root.get_by_text("save · copy").click()
        notebook.page.get_by_text("save picture (PNG)").click()
    assert download.value.suggested_filename == "All-of-it-time-29-slot-0-scale-rank.png"
    with Image.open(download.value.path()) as picture:
        assert picture.height > 2 * 400, "maps, and the chart below them"
    notebook.run_code("whole.close()")
    expect(notebook.page.locator(".nsmw-group")).to_have_count(0)
    expect(toolbars).to_have_count(0)  # it is that of the composition within, which is on no page
    notebook.run_code("whole.parts[0].close()")
    expect(alone.root.locator(".nsmw-toolbar")).to_have_count(1)
    alone.slider("time").press("Home")
    alone.wait_painted("values", "time=0")


def test_a_composition_of_live_views_fills(notebook: NotebookPage) -> None:
    """Its one toolbar steps through the iterations that both record."""
    notebook.run_code(
        "import torch\nfrom nsm_widgets import NTM, TraceRecorder, compose\n"
        "from nsm_widgets.widgets import MemoryView, ReadWriteView\n"
        "model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)\n"
        "recorder = TraceRecorder(model)"
    )
    notebook.run_cell("whole = compose([[MemoryView(recorder)], [ReadWriteView(recorder)]])\nwhole")
    notebook.run_code(
        "with torch.no_grad(), recorder:\n    for _ in range(4):\n        _ = model(torch.rand(6, 1, 3))"
    )
    bar, memory, reads = (ViewOnPage(notebook.page, number) for number in range(3))
    memory.wait_painted("memory", "iteration=3 time=0 batch=0")
    bar.slider("iteration").press("Home")
    memory.wait_painted("memory", "iteration=0 time=0 batch=0")
    reads.wait_index("iteration", 0)
    expect(notebook.page.locator(".nsmw-toolbar")).to_have_count(1)


@pytest.fixture
def widgets() -> list[Any]:
    """Two linked views apart, and a composition of two runs that differ in length."""
    a, b = (Heatmap(make_values(), dims=("time", "slot", "word")) for _ in range(2))
    link(a, b, on=("time",))
    runs = [Trace.from_arrays({"memory": make_values()[:steps, None]}) for steps in (20, 5)]
    gate = Trace.from_arrays({"write_gate": np.random.default_rng(1).random((20, 1, 2))})
    first = MemoryView(runs[0], selection=Selection(time=0))
    whole = compose([[first], [MemoryView(runs[1]), LineChart(gate, "write_gate")]])
    return [a, b, whole]


def test_an_exported_page_keeps_links_and_compositions(
    browser: Browser, tmp_path: Path, widgets: list[Any]
) -> None:
    """Without a kernel; each run is drawn from its own values, the shorter one at its last step."""
    path = tmp_path / "page.html"
    widgets_to_html(widgets, path)
    with open_exported(browser, path) as exported:
        a, b, bar, first, second, chart = (ViewOnPage(exported.page, number) for number in range(6))
        b.drag_slider("time", 0.5)
        moved = b.index("time")
        assert 5 < moved < 15
        a.wait_painted("values", f"time={moved}")
        assert painted(a) == colors_at(moved)
        b.slider("slot").press("End")
        assert a.index("slot") == 0
        assert first.index("time") == 0
        expect(exported.page.locator(".nsmw-group .nsmw-toolbar")).to_have_count(1)
        bar.slider("time").press("End")
        first.wait_painted("memory", "time=19 batch=0")
        second.wait_painted("memory", "time=4 batch=0")
        chart.wait_index("time", 19)
        assert painted(first, "memory") == colors_at(19)
        assert b.index("time") == moved


@pytest.mark.parametrize("width", [1280, 360])
def test_a_composition_fits_the_page(
    browser: Browser, tmp_path: Path, widgets: list[Any], width: int
) -> None:
    """Nothing reaches out of it; what stands side by side on a wide page stands below on a narrow one."""
    path = tmp_path / "page.html"
    widgets_to_html(widgets[2], path)
    with open_exported(browser, path, width=width) as exported:
        bar, _, second, chart = (ViewOnPage(exported.page, number) for number in range(4))
        second.wait_painted("memory", "time=0 batch=0")
        boxes = [view.root.bounding_box() for view in (bar, second, chart)]
        assert all(box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
        (toolbar, left, right) = (box for box in boxes if box is not None)
        assert (right["y"] == pytest.approx(left["y"], abs=2)) == (width > 1000)
        assert toolbar["width"] > 0.85 * width
