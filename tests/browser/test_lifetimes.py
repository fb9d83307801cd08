"""What becomes of views: a kernel that goes, a page loaded again, two tabs, containers, hidden outputs."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from statistics import median

import pytest
from playwright.sync_api import expect

from tests.browser.harness import JupyterLab, NotebookPage
from tests.browser.views import ViewOnPage

PRELUDE = """
import ipywidgets
import numpy as np
from IPython.display import display
from nsm_widgets import Heatmap, Trace
from nsm_widgets.widgets import MemoryView, Selection
values = np.arange(5 * 6 * 8, dtype='f4').reshape(5, 6, 8)
"""
STEPS, SLOTS, WORDS = 5, 6, 8
VIEW = "view = Heatmap(values, dims=('time', 'slot', 'word'))\n"


def shown(notebook: NotebookPage, number: int = 0) -> ViewOnPage:
    """A view that has its picture, in pixels: the first and the last cell have different colours."""
    view = ViewOnPage(notebook.page, number)
    expect(view.panel("values")).to_have_attribute("data-state", "ready")
    expect(view.panel("values").locator("canvas")).to_be_visible()
    first, last = view.cell_colors("values", [(0, 0), (SLOTS - 1, WORDS - 1)], SLOTS, WORDS)
    assert first != last
    return view


# --- a kernel that goes ---


@pytest.mark.parametrize(
    "lose_kernel",
    [NotebookPage.restart_kernel, NotebookPage.shutdown_kernel, NotebookPage.kill_kernel],
    ids=["restarted", "shut down", "crashed"],
)
def test_a_view_whose_kernel_is_gone_says_so_and_still_works(
    notebook: NotebookPage, lose_kernel: Callable[[NotebookPage], None]
) -> None:
    """The mark comes by itself, is spoken, and takes nothing away; it names the remedy."""
    notebook.run_cell(PRELUDE + VIEW + "view")
    view = shown(notebook)
    detached = view.root.locator(".nsmw-detached")
    expect(detached).to_have_text("")
    lose_kernel(notebook)
    expect(detached).to_have_text(re.compile("^Detached: .* run the cell again"))
    expect(detached).to_have_attribute("role", "status")
    view.slider("time").press("End")
    view.wait_painted("values", f"time={STEPS - 1}")
    view.hover_cell("values", 5, 7, SLOTS, WORDS)
    view.wait_readout("values", f"slot 5 · word 7 = {STEPS * SLOTS * WORDS - 1}")


def test_the_cell_run_again_gives_an_attached_view(notebook: NotebookPage) -> None:
    """After a restart, a new run replaces the detached view by one without a mark, which Python hears."""
    notebook.run_cell(PRELUDE + VIEW + "view")
    view = shown(notebook)
    notebook.restart_kernel()
    expect(view.root.locator(".nsmw-detached")).not_to_have_text("")
    for theme in ("dark", "light"):
        notebook.set_theme(theme)
        expect(view.root).to_have_attribute("data-theme", theme)
        notebook.screenshot(f"detached-{theme}", view.root)
    notebook.run_all()
    expect(notebook.page.locator(".nsmw-root")).to_have_count(1)
    again = shown(notebook)
    again.slider("time").press("End")
    notebook.wait_python("view.selection.time", STEPS - 1)
    expect(again.root.locator(".nsmw-detached")).to_have_text("")


def test_a_busy_kernel_is_no_lost_kernel(notebook: NotebookPage) -> None:
    """While a cell runs Python answers nothing, and no view says that it is detached."""
    notebook.run_cell(PRELUDE + VIEW + "view")
    view = shown(notebook)
    with notebook.busy_kernel():
        view.slider("time").press("End")
        view.wait_painted("values", f"time={STEPS - 1}")
        expect(view.root.locator(".nsmw-detached")).to_have_text("")
    notebook.wait_python("view.selection.time", STEPS - 1)
    expect(view.root.locator(".nsmw-detached")).to_have_text("")


# --- pages that come and go ---


@pytest.mark.own_window
def test_a_reloaded_page_shows_the_view_as_it_was(notebook: NotebookPage) -> None:
    """Saved and loaded again with its kernel alive: the picture, the selection, and Python hears."""
    notebook.run_cell(PRELUDE + VIEW + "view")
    shown(notebook).slider("time").press("End")
    notebook.wait_python("view.selection.time", STEPS - 1)
    notebook.save()
    notebook.reload()
    view = shown(notebook)
    view.wait_painted("values", f"time={STEPS - 1}")
    view.slider("time").press("Home")
    notebook.wait_python("view.selection.time", 0)
    expect(view.root.locator(".nsmw-detached")).to_have_text("")


def test_two_tabs_of_one_notebook_show_one_selection(lab: JupyterLab, notebook: NotebookPage) -> None:
    """A second tab takes the saved view up from the same kernel; either tab moves both, and they settle."""
    notebook.run_cell(PRELUDE + VIEW + "view")
    here = shown(notebook)
    notebook.save()
    with lab.second_tab(notebook) as tab:
        there = shown(tab)
        here.drag_slider("time", 0.5)
        there.wait_index("time", 2)
        there.drag_slider("time", 1.0)
        here.wait_index("time", STEPS - 1)
        here.slider("time").press("ArrowLeft")
        there.wait_index("time", STEPS - 2)
        notebook.wait_python("view.selection.time", STEPS - 2)
        here.wait_painted("values", f"time={STEPS - 2}")
        there.wait_painted("values", f"time={STEPS - 2}")


def test_a_kernel_restarted_in_another_tab_is_found_out_by_a_move(
    lab: JupyterLab, notebook: NotebookPage
) -> None:
    """JupyterLab tells only the tab that restarts; in the other a move that nobody answers shows it."""
    notebook.run_cell(PRELUDE + VIEW + "view")
    shown(notebook)
    notebook.save()
    with lab.second_tab(notebook) as tab:
        there = shown(tab)
        notebook.restart_kernel()
        there.slider("time").press("End")
        there.wait_painted("values", f"time={STEPS - 1}")
        expect(there.root.locator(".nsmw-detached")).to_contain_text("run the cell again", timeout=30_000)


# --- what a page holds ---


def held(notebook: NotebookPage, *names: str) -> dict[str, int]:
    """How many nodes, listeners or bytes the page has, once what nobody holds is gone."""
    session = notebook.page.context.new_cdp_session(notebook.page)
    session.send("Performance.enable")
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    metrics = session.send("Performance.getMetrics")["metrics"]
    session.detach()
    found = {entry["name"]: int(entry["value"]) for entry in metrics}
    return {name: found[name] for name in names}


@pytest.mark.own_window
def test_closed_views_leave_nothing_behind(notebook: NotebookPage) -> None:
    """Nodes and listeners are as many as before, however often views are shown, moved, zoomed and closed.

    By the mouse: JupyterLab keeps the event of every key that is pressed, and with it the page around it.
    """
    notebook.run_cell(PRELUDE + "out = ipywidgets.Output()\nout")
    show = (
        "before = set(ipywidgets.Widget.widgets)\n"
        "selection = Selection()\n"
        "with out:\n"
        "    for _ in range(4):\n"
        "        display(Heatmap(values, dims=('time', 'slot', 'word'), selection=selection))"
    )
    close = (
        "made = [w for model_id, w in ipywidgets.Widget.widgets.items() if model_id not in before]\n"
        "for widget in made:\n"
        "    widget.close()\n"
        "out.outputs = ()"
    )
    one_view = 200  # nodes of a view, and some more; a closed output costs JupyterLab a few
    most = {"Nodes": one_view / 4, "JSEventListeners": 8}
    counts = []
    for _ in range(9):
        notebook.run_code(show)
        view = shown(notebook)
        shown(notebook, 3)
        view.drag_slider("time", 1.0)
        view.wait_painted("values", f"time={STEPS - 1}")
        view.click_cell("values", 2, 3, SLOTS, WORDS)
        notebook.page.mouse.wheel(0, -400)
        view.wait_window("values", re.compile(r"^\d"))
        canvas = view.panel("values").locator("canvas").element_handle()
        notebook.run_code(close)
        expect(notebook.page.locator(".nsmw-root")).to_have_count(0)
        assert canvas.evaluate("canvas => canvas.width * canvas.height") == 0
        canvas.dispose()
        counts.append(held(notebook, *most))
    # The first time, the page loads what it then keeps; and once, sooner or later, JupyterLab adds 133
    # listeners of its own, with views or without. What a round leaves behind, it leaves in every round.
    for name, limit in most.items():
        left = [after[name] - before[name] for before, after in pairwise(counts[1:])]
        assert median(left) < limit, (name, left)


ALIVE = "(gc.collect(), [type(each()).__name__ for each in made if each() is not None])[1]"
NOTE = """
import gc
from weakref import ref
made = []
def note(view):
    made.extend(map(ref, (view, view.page_arrays, view.selection, view.trace)))
    return view
view = None
"""
SHOW_AGAIN = """
if view is not None:
    view.close()
view = note(MemoryView(Trace.from_arrays({'memory': values[:, None]})))
view
"""


def test_the_kernel_frees_what_is_closed_wherever_it_was_shown(notebook: NotebookPage) -> None:
    """In a cell that runs again, is cleared, or is deleted; IPython itself keeps every result of a cell."""
    notebook.run_cell(PRELUDE + NOTE)
    notebook.run_cell(SHOW_AGAIN)
    for _ in range(3):
        notebook.run_all()
    shown_cell = notebook.page.locator(".nsmw-root")
    expect(shown_cell).to_have_count(1)
    notebook.page.evaluate("() => jupyterapp.commands.execute('notebook:clear-cell-output')")
    expect(shown_cell).to_have_count(0)
    notebook.run_code("view.close()\nview = None")
    assert notebook.python(ALIVE) == []
    notebook.run_cell(SHOW_AGAIN)
    shown_cell.first.wait_for()
    notebook.page.evaluate("() => jupyterapp.commands.execute('notebook:delete-cell')")
    notebook.run_code("view.close()\nview = None")
    assert notebook.python(ALIVE) == []


PLAIN = '''
import anywidget, traitlets
class Plain(anywidget.AnyWidget):
    _esm = """export default { render({ model, el }) {
        el.className = 'plain';
        el.textContent = model.get('data')?.byteLength;
    } }"""
    data = traitlets.Bytes().tag(sync=True)
    parts = traitlets.List().tag(sync=True, **ipywidgets.widget_serialization)
class Three:
    def __init__(self):
        self.models = [Plain(data=values.tobytes()), Plain()]
        self.models.append(Plain(parts=self.models[:]))
        display(self.models[-1])
    def close(self):
        for model in self.models:
            model.close()
'''
OURS = """
from nsm_widgets import TraceRecorder
from nsm_widgets.ntm import NTM, NTMConfig
import torch
def three():
    view = MemoryView(Trace.from_arrays({'memory': values}))
    display(view)
    return view
def live():
    model = NTM(NTMConfig(input_size=2, output_size=2))
    recorder = TraceRecorder(model)
    view = MemoryView(recorder)
    display(view)
    with recorder:
        for _ in range(4):
            model(torch.zeros(30, 1, 2))
    return view
"""
SHOW = (
    PRELUDE + "values = np.random.default_rng(0).random((100, 1, 50, 20), 'f4')\nview = None" + PLAIN + OURS
)


def close_and_clear(notebook: NotebookPage) -> None:
    notebook.run_code("view.close()\nview = None")
    notebook.page.evaluate("() => jupyterapp.commands.execute('notebook:clear-cell-output')")


def lose_the_kernel(notebook: NotebookPage) -> None:
    """The next run of the cell takes the place of the view that is left."""
    notebook.restart_kernel()
    notebook.run_code(SHOW)


def kept_by_the_page(
    notebook: NotebookPage, show: str, end: Callable[[NotebookPage], None], cycles: int
) -> list[tuple[int, int]]:
    """Bytes and nodes after each tenth of so many times of being shown, and gone again."""
    ready = ".plain" if show == "Three" else ".nsmw-root [data-state=ready]"
    notebook.run_cell(SHOW)
    notebook.run_cell(f"view = {show}()")
    then = []
    for cycle in range(cycles + cycles // 10):
        notebook.run_last_cell()
        notebook.page.locator(ready).first.wait_for(state="attached")
        end(notebook)
        if cycle % (cycles // 10) == cycles // 10 - 1:
            now = held(notebook, "JSHeapUsedSize", "Nodes")
            then.append((now["JSHeapUsedSize"], now["Nodes"]))
    return then[1:]  # the first time, the page loads what it then keeps


@pytest.mark.more
@pytest.mark.parametrize(
    ("show", "end", "cycles"),
    [("three", close_and_clear, 200), ("live", close_and_clear, 60), ("three", lose_the_kernel, 30)],
    ids=["closed", "live", "its kernel gone"],
)
def test_what_is_closed_leaves_no_more_than_a_plain_widget(
    lab: JupyterLab, show: str, end: Callable[[NotebookPage], None], cycles: int
) -> None:
    """Of as many models with the same bytes; and in the second half no more than in the first."""
    kept = {}
    for name in ("Three", show):
        with lab.new(own_window=True) as notebook:
            kept[name] = kept_by_the_page(notebook, name, end, cycles)
            if name == show:
                assert notebook.page_errors == []
    steps = 0.9 * cycles
    spent = {
        name: [(after - before) / steps for before, after in zip(each[0], each[-1], strict=True)]
        for name, each in kept.items()
    }
    more_bytes, more_nodes = (ours - plain for plain, ours in zip(*spent.values(), strict=True))
    assert more_bytes <= 100_000, spent
    assert more_nodes <= 5, spent
    first, middle, last = (kept[show][place][0] for place in (0, 4, -1))
    assert last - middle <= 1.5 * (middle - first) + 1e6, kept[show]


# --- places to be shown in ---


def test_a_view_displayed_in_an_output_widget(notebook: NotebookPage) -> None:
    """`with out: display(view)`."""
    notebook.run_cell(PRELUDE + VIEW + "out = ipywidgets.Output()\nwith out:\n    display(view)\nout")
    view = shown(notebook)
    view.slider("time").press("End")
    notebook.wait_python("view.selection.time", STEPS - 1)


def test_a_view_without_display_is_painted_when_it_gets_one(notebook: NotebookPage) -> None:
    """`layout.display = 'none'` at first, then shown, hidden while it moves, and shown again."""
    notebook.run_cell(PRELUDE + VIEW + "view.layout.display = 'none'\nview")
    view = ViewOnPage(notebook.page)
    expect(view.root).to_be_attached()
    expect(view.root).to_be_hidden()
    notebook.run_code("view.layout.display = None")
    shown(notebook)
    notebook.run_code("view.layout.display = 'none'")
    expect(view.root).to_be_hidden()
    notebook.run_code("view.selection.time = 3")
    notebook.run_code("view.layout.display = None")
    view.wait_painted("values", "time=3")
    shown(notebook)


def test_a_view_in_a_collapsed_output_is_painted_when_opened(notebook: NotebookPage) -> None:
    """JupyterLab hides a collapsed output and makes it anew."""
    notebook.run_cell(PRELUDE + VIEW + "view")
    view = shown(notebook)
    page = notebook.page
    page.evaluate("() => jupyterapp.commands.execute('notebook:hide-cell-outputs')")
    expect(view.root).to_be_hidden()
    notebook.run_code("view.selection.time = 3")
    page.evaluate("() => jupyterapp.commands.execute('notebook:show-cell-outputs')")
    view.wait_painted("values", "time=3")
    shown(notebook)
