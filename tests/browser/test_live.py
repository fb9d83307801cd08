"""A view of a recorder in a real JupyterLab, while the cell that trains is executing."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Locator, expect

from nsm_widgets import NTMExplorer, TraceRecorder
from nsm_widgets.ntm import NTM
from tests.browser.harness import JupyterLab, NotebookPage, open_exported
from tests.browser.harness.notebook import PANEL
from tests.browser.views import ViewOnPage

OPEN = """
import torch
torch.set_num_threads(1)
from pathlib import Path
from nsm_widgets import NTMExplorer, TraceRecorder
from nsm_widgets.ntm import NTM
torch.manual_seed(0)
model = NTM(input_size=5, output_size=4, memory_size=16, word_size=8)
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
rec = TraceRecorder(model){choice}
explorer = NTMExplorer(rec)
explorer
"""

TRAIN = """
import time
with rec:
    while not Path({stop!r}).exists():
        loss = model(torch.rand(6, 1, 5))[0].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rec.log(loss=loss, lr=1e-3)
        time.sleep(0.005)
"""

GROWN_MS = 90_000

KERNEL = f"{PANEL}.sessionContext.session.kernel"


class Training:
    """A cell that trains until it is told to stop."""

    def __init__(self, notebook: NotebookPage, stop: Path) -> None:
        self.notebook, self.stop = notebook, stop

    @property
    def is_running(self) -> bool:
        """Whether the cell is: the kernel's status is idle for a moment after each message from the page."""
        return bool(self.notebook.page.evaluate("() => globalThis.training === 'running'"))

    def end(self) -> None:
        self.stop.touch()
        self.notebook.wait_for_idle()


@contextmanager
def training(notebook: NotebookPage, folder: Path, code: str = TRAIN) -> Iterator[Training]:
    """A cell is executing within the block, and until :meth:`Training.end`."""
    run = Training(notebook, folder / "stop")
    notebook.page.evaluate(
        "code => { const is = now => () => { globalThis.training = now; }; is('asked')(); "
        f"const future = {KERNEL}.requestExecute({{ code }}); "
        "future.onIOPub = is('running'); future.done.then(is('over'), is('over')); }",
        code.format(stop=str(run.stop)),
    )
    notebook.page.wait_for_function("() => globalThis.training !== 'asked'")
    try:
        yield run
    finally:
        run.end()


def opened(notebook: NotebookPage, choice: str = "") -> ViewOnPage:
    """The explorer of a recorder whose block is still to run."""
    notebook.run_cell(OPEN.format(choice=choice))
    view = ViewOnPage(notebook.page)
    expect(view.root.locator(".nsmw-status")).to_have_text("waiting for the first iteration")
    return view


def last(view: ViewOnPage) -> int:
    return int(view.slider("iteration").get_attribute("max") or 0)


def wait_until_longer(view: ViewOnPage, than: int) -> None:
    """Until more than so many more iterations are on the page; a busy machine sends few a minute."""
    shorter = "|".join(map(str, range(than + 1)))
    expect(view.slider("iteration")).to_have_attribute(
        "max", re.compile(rf"^(?!({shorter})$)"), timeout=GROWN_MS
    )


def follow(view: ViewOnPage) -> Locator:
    return view.root.locator('input[data-toggle="follow"]')


def test_the_view_fills_while_the_cell_is_executing(notebook: NotebookPage, tmp_path: Path) -> None:
    """The slider grows, the newest is on show and painted anew, and the kernel is busy all the while."""
    view = opened(notebook)
    with training(notebook, tmp_path) as run:
        wait_until_longer(view, 2)
        before = view.cell_colors("memory", [(row, 3) for row in range(16)], 16, 8)
        first = last(view)
        wait_until_longer(view, first + 4)
        assert run.is_running
        assert view.index("iteration") >= first
        expect(follow(view)).to_be_checked()
        assert view.cell_colors("memory", [(row, 3) for row in range(16)], 16, 8) != before
        expect(view.root.locator(".nsmw-status")).to_contain_text("recording: iteration")
        expect(view.root.locator(".nsmw-status")).to_contain_text("recorded while it runs")
        assert run.is_running


def test_scrubbing_back_works_while_it_runs_and_ends_following(
    notebook: NotebookPage, tmp_path: Path
) -> None:
    """An older iteration stays on show though others come; pressing follow leads to the newest again."""
    view = opened(notebook)
    with training(notebook, tmp_path) as run:
        wait_until_longer(view, 6)
        slider = view.slider("iteration")
        slider.focus()
        notebook.page.keyboard.press("Home")
        view.wait_index("iteration", 0)
        expect(follow(view)).not_to_be_checked()
        notebook.page.keyboard.press("ArrowRight")
        view.wait_index("iteration", 1)
        view.wait_painted("write_weights_0", "iteration=1 batch=0 head=0")
        cells = [(row, step) for row in range(16) for step in range(6)]
        colors = view.cell_colors("write_weights_0", cells, 16, 6)  # of weights: one domain, come what may
        wait_until_longer(view, last(view) + 3)
        assert view.index("iteration") == 1
        assert view.cell_colors("write_weights_0", cells, 16, 6) == colors
        view.slider("time").focus()
        notebook.page.keyboard.press("End")
        view.wait_painted("memory", "iteration=1 time=5 batch=0")
        follow(view).focus()
        notebook.page.keyboard.press("Space")
        expect(follow(view)).to_be_checked()
        longest = last(view)
        wait_until_longer(view, longest + 1)
        assert view.index("iteration") >= longest
        assert run.is_running


def test_what_is_logged_is_drawn_above_and_linked(notebook: NotebookPage, tmp_path: Path) -> None:
    """A bqplot line for each number, growing; its marker at the iteration on show; a press selects there."""
    view = opened(notebook)
    with training(notebook, tmp_path) as run:
        loss = view.panel("scalar.loss")
        expect(view.panel("scalar.lr")).to_have_count(1)
        wait_until_longer(view, 6)
        expect(loss).to_have_attribute("data-state", "ready")
        expect(loss.locator(".bqplot path.line").first).to_be_attached()
        points = int(loss.get_attribute("data-count") or 0)
        expect(loss).not_to_have_attribute("data-count", str(points))
        assert int(loss.get_attribute("data-count") or 0) > last(view), "of all iterations, sent or not"
        top = view.root.locator(".nsmw-row").first
        expect(top.locator('[data-panel="scalar.loss"]')).to_have_count(1)
        box = loss.locator(".bqplot").bounding_box()
        assert box is not None
        notebook.page.mouse.click(box["x"] + 60, box["y"] + box["height"] / 2)  # left of the first point
        view.wait_index("iteration", 0)
        expect(follow(view)).not_to_be_checked()
        expect(loss).to_have_attribute("data-marked", "0")
        assert run.is_running


def test_at_the_end_it_is_a_view_of_the_trace(notebook: NotebookPage, tmp_path: Path) -> None:
    """All that was recorded is there, side by side, as in a view that is made afterwards; also for Python."""
    view = opened(notebook)
    with training(notebook, tmp_path):
        wait_until_longer(view, 4)
    recorded = int(notebook.python("len(rec.trace.iterations)"))
    expect(view.slider("iteration")).to_have_attribute("max", str(recorded - 1))
    view.wait_index("iteration", recorded - 1)
    notebook.wait_python("explorer.selection.iteration", recorded - 1)
    notebook.run_code("other = NTMExplorer(rec.trace.by_iteration(), selection=explorer.selection)")
    assert notebook.python("other.page_arrays._meta == explorer.page_arrays._meta")
    assert notebook.python("other._layout == explorer._layout")
    assert notebook.python("explorer.trace['memory'].identical(rec.trace.by_iteration()['memory'])")
    notebook.run_cell("other")
    beside = ViewOnPage(notebook.page, 1)
    view.drag_slider("iteration", 0.5)
    middle = view.index("iteration")
    assert 0 < middle < recorded - 1
    cells = [(row, column) for row in range(0, 16, 3) for column in range(8)]
    for each in (view, beside):
        each.wait_painted("memory", f"iteration={middle} time=0 batch=0")
    assert view.cell_colors("memory", cells, 16, 8) == beside.cell_colors("memory", cells, 16, 8)
    notebook.wait_python("explorer.selection.iteration", middle)
    expect(view.panel("scalar.loss")).to_have_attribute("data-count", str(recorded))
    expect(follow(view)).to_have_count(0)


def test_last_k_bounds_what_the_page_keeps(notebook: NotebookPage, tmp_path: Path) -> None:
    """With last(3) the page holds no more than the recorder does, and says how many are older."""
    view = opened(notebook, ".last(3)")
    with training(notebook, tmp_path):
        status = view.root.locator(".nsmw-status")
        expect(status).to_contain_text(re.compile(r"\d\d older than last\(3\)"))
        assert last(view) <= 2
    expect(view.slider("iteration")).to_have_attribute("max", "2")


def test_an_error_ends_the_recording_and_the_view_says_so(notebook: NotebookPage, tmp_path: Path) -> None:
    """What was recorded until then is shown, and what stopped it."""
    view = opened(notebook)
    code = TRAIN.replace("while not Path({stop!r}).exists():", "for _ in range(9):")
    with pytest.raises(Exception, match="diverged"):
        notebook.run_code((code + "    raise ValueError('diverged')\n").format(stop=""))
    expect(view.root.locator(".nsmw-status")).to_have_text(
        "training stopped early: ValueError: diverged · 9 iterations recorded"
    )
    expect(view.slider("iteration")).to_have_attribute("max", "8")
    assert notebook.python("explorer.trace['memory'].sizes['iteration']") == 9


def test_opened_inside_the_block_in_the_same_cell(notebook: NotebookPage) -> None:
    """``display(NTMExplorer(rec))`` in the block: it fills, and a second run fills it anew."""
    notebook.run_cell(OPEN.format(choice="").replace("explorer = NTMExplorer(rec)\nexplorer\n", ""))
    code = """
    with rec:
        view = NTMExplorer(rec)
        display(view)
        for _ in range({n}):
            model(torch.rand(6, 1, 5))
    """
    notebook.run_cell(textwrap.dedent(code).format(n=12))
    view = ViewOnPage(notebook.page)
    expect(view.slider("iteration")).to_have_attribute("max", "11")
    notebook.run_code("with rec:\n    for _ in range(5): model(torch.rand(6, 1, 5))")
    expect(view.slider("iteration")).to_have_attribute("max", "4")
    view.wait_index("iteration", 4)


def test_an_exported_page_draws_the_curves_offline(browser: Browser, tmp_path: Path) -> None:
    """Of a view that watched: the curve, its marker and its presses live on without a kernel."""
    model = NTM(input_size=5, output_size=4, memory_size=16, word_size=8)
    rec = TraceRecorder(model)
    explorer = NTMExplorer(rec)
    with rec, torch.no_grad():
        for number in range(12):
            model(torch.rand(6, 1, 5))
            rec.log({"val/loss": float("nan") if number == 5 else 2.0**-number})
    explorer.to_html(tmp_path / "run.html")
    explorer.close()
    with open_exported(browser, tmp_path / "run.html", width=1000) as page:
        view = ViewOnPage(page.page)
        curve = view.panel("scalar.val.loss")
        expect(curve).to_have_attribute("data-count", "12")
        view.drag_slider("iteration", 0.0)
        expect(curve).to_have_attribute("data-marked", "0")
        expect(curve.locator(".nsmw-chip")).to_have_text("1 × NaN, ±inf")
        box = curve.locator(".bqplot").bounding_box()
        assert box is not None
        assert box["width"] > 300
        line = curve.locator(".bqplot path.line").nth(1)
        before = line.get_attribute("d")
        curve.get_by_label("log").check()
        expect(line).not_to_have_attribute("d", before or "")
        page.page.mouse.click(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2)
        view.wait_index("iteration", 11)
        expect(curve.locator("output")).to_contain_text("iteration 11 = ")
        view.root.screenshot(path=str(tmp_path / "exported.png"))


@pytest.mark.more
@pytest.mark.screenshots
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_while_it_runs(lab: JupyterLab, tmp_path: Path, theme: str) -> None:
    """Every part lies inside the view while training runs; a picture is kept."""
    with lab.new(viewport=(1400, 1700)) as notebook:
        notebook.set_theme("dark" if theme == "dark" else "light")
        view = opened(notebook)
        with training(notebook, tmp_path):
            wait_until_longer(view, 12)
            expect(view.panel("scalar.loss")).to_have_attribute("data-state", "ready")
            notebook.screenshot(f"live-{theme}", view.root)
        notebook.set_theme("light")
        assert notebook.page_errors == []
