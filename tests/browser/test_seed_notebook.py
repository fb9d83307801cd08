"""The first notebook in a real JupyterLab: every cell runs, every plot is painted, the report is alive."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from nsm_widgets import Trace, create_comprehensive_report
from nsm_widgets.export import notebook_to_html
from tests.browser.harness import JupyterLab, NotebookPage, drag_range
from tests.browser.harness.exported import open_exported
from tests.browser.views import PAINTED_MS, ViewOnPage

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03_seed_notebook.ipynb"
PLOTS = {
    "Self-Attention Pattern": ["attention"],
    "Token-to-State Attention Routing": ["routing_weights"],
    "State-to-State Communication Pattern": ["communication_weights"],
    "Multi-Head Attention Patterns": ["attention", "attention_thumbnails"],
    "NTM External Memory Content": ["memory"],
    "Memory Content Evolution Over Time": ["memory"],
    "Memory Slot Importance Scores": [],
    "Initial Memory Read/Write Attention Weights": ["read_weights", "write_weights"],
    "Final Memory Read/Write Attention Weights": ["read_weights", "write_weights"],
    "Comparative Attention Patterns": ["attention", "attention_thumbnails"],
}

NUM_COLORS = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


PIXELS = "canvas => canvas.toDataURL()"


@pytest.fixture(scope="module")
def seed(lab: JupyterLab) -> Iterator[NotebookPage]:
    """The notebook, all of its cells run."""
    with lab.open("notebooks/03_seed_notebook.ipynb") as notebook:
        notebook.set_theme("light")
        notebook.run_all()
        yield notebook
        assert notebook.page_errors == []
        assert notebook.requests_refused == []


def output_of(notebook: NotebookPage, title: str) -> Locator:
    """The outputs of the cell that shows a plot of this title, in sight."""
    heading = notebook.page.locator(".nsmw-heading", has_text=re.compile(f"^{re.escape(title)}$"))
    output = notebook.page.locator(".jp-CodeCell", has=heading).locator(".jp-Cell-outputArea")
    output.scroll_into_view_if_needed()
    return output


@pytest.mark.screenshots
@pytest.mark.parametrize("title", PLOTS)
def test_every_plot_is_painted_and_not_empty(seed: NotebookPage, title: str) -> None:
    """One view for each, at the end of its cell, with pixels of several colours."""
    output = output_of(seed, title)
    expect(output.locator(".nsmw-heading", has_text=title)).to_have_count(1)
    for panel in PLOTS[title]:
        shown = output.locator(f'[data-panel^="{panel}"]').first
        expect(shown).to_have_attribute("data-state", "ready", timeout=PAINTED_MS)
        canvas = shown.locator("canvas").first
        expect(canvas).to_be_visible()
        assert canvas.evaluate(NUM_COLORS) > 3, panel
    seed.screenshot(f"seed-{re.sub('[^a-z]+', '-', title.lower())}", output)


def test_the_bars_and_lines_of_its_charts_are_drawn(seed: NotebookPage) -> None:
    """32 bars of importance; three charts with a line for each of six slots."""
    bars = output_of(seed, "Memory Slot Importance Scores").locator(".bqplot .bar")
    expect(bars).to_have_count(32)
    assert sum((bars.nth(index).bounding_box() or {"height": 0})["height"] > 10 for index in range(32)) > 25
    lines = output_of(seed, "Memory Content Evolution Over Time").locator(".bqplot path.line")
    expect(lines).not_to_have_count(0)
    drawn = [line for line in lines.all() if (line.bounding_box() or {"width": 0})["width"] > 100]
    assert len(drawn) >= 18


def test_the_evolution_has_a_time_slider_that_moves_it(seed: NotebookPage) -> None:
    """Live, as every plot is."""
    output = output_of(seed, "Memory Content Evolution Over Time")
    output.locator('input[type=range][data-dim="time"]').press("End")
    memory = output.locator('[data-panel="memory"]')
    expect(memory).to_have_attribute("data-painted", "time=4")
    seed.wait_python("fig6.selection.time", 4)


def test_its_cells_print_what_they_printed(seed: NotebookPage) -> None:
    """The analysis tables and texts of the notebook's own are there too."""
    for text in (
        "NTM Memory shape: torch.Size([32, 16])",
        "Memory evolution steps: 5",
        "Average importance score:",
        "Comprehensive visualization report generated in: memory_attention_reports",
        "active_slots:",
    ):
        expect(seed.page.locator(".jp-OutputArea-output", has_text=text).first).to_be_attached()
    expect(seed.page.locator("th", has_text="focus_score").first).to_be_attached()


def test_the_report_that_it_writes_is_alive(seed: NotebookPage, browser: Browser) -> None:
    """Offline, from its file: every figure live, and one of its sliders moves it."""
    page = seed.path.parent / "memory_attention_reports" / "index.html"
    with open_exported(browser, page) as opened:
        views = opened.page.locator(".nsmw-root")
        expect(views).to_have_count(7)
        for number in range(7):
            views.nth(number).scroll_into_view_if_needed()
        expect(opened.page.locator('[data-panel="memory"]')).to_have_attribute("data-state", "ready")
        chooser = opened.page.locator("section#multi_head_attention input[data-dim=head]")
        chooser.press("End")
        expect(chooser).to_have_value("3")


def test_its_page_is_alive_without_a_kernel(browser: Browser, tmp_path: Path) -> None:
    """Exported with its cells run: every plot painted, sliders move maps and lines, bars are there."""
    source = Path(shutil.copy(NOTEBOOK, tmp_path))
    page = notebook_to_html(source, tmp_path / "page.html", execute=True)
    with open_exported(browser, page) as opened:
        headings = opened.page.locator(".nsmw-heading:not([hidden])")
        expect(headings).to_have_text(list(PLOTS))
        panels = opened.page.locator(".nsmw-root [data-panel]")
        for panel in panels.all():
            panel.scroll_into_view_if_needed()
            expect(panel).not_to_have_attribute("data-state", "loading")
            for canvas in panel.locator("canvas").all()[:1]:
                assert canvas.evaluate(NUM_COLORS) > 1
        slider = opened.page.locator('input[type=range][data-dim="time"]')
        memory = opened.page.locator(".nsmw-root", has=slider).locator('[data-panel="memory"]')
        drag_range(slider, 0.0)
        expect(memory).to_have_attribute("data-painted", "time=0")
        before = memory.locator("canvas").first.evaluate(PIXELS)
        drag_range(slider, 1.0)
        expect(memory).to_have_attribute("data-painted", "time=4")
        assert memory.locator("canvas").first.evaluate(PIXELS) != before
        expect(opened.page.locator(".bqplot .bar")).to_have_count(32)
        chart = opened.page.locator('[data-panel="slot_norm"]')
        expect(chart).to_contain_text("time 4")


# --- reports ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run with a NaN in its memory at step 3."""
    random = np.random.default_rng(0)
    memory = random.normal(size=(6, 1, 8, 4))
    memory[3, 0, 2, 1] = np.nan
    weights = np.zeros((6, 1, 1, 8))
    weights[..., :4] = random.dirichlet(np.ones(4), size=(6, 1, 1))
    trace = Trace.from_arrays({"memory": memory, "read_weights": weights, "write_weights": weights})
    return create_comprehensive_report(trace, tmp_path_factory.mktemp("report"), progress=False)


@pytest.mark.screenshots
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_finding_links_to_its_frame(browser: Browser, report: Path, theme: str) -> None:
    """The link takes every figure of the report to the step and the slot."""
    with open_exported(browser, report / "index.html", theme=theme) as opened:  # type: ignore[arg-type]
        explorer = ViewOnPage(opened.page)
        explorer.wait_painted("memory")
        expect(explorer.panel("memory")).not_to_have_attribute("data-painted", "time=3 batch=0")
        finding = opened.page.locator("li", has_text="memory holds 1 NaN")
        finding.get_by_role("link", name="show").click()
        explorer.wait_painted("memory", "time=3 batch=0")
        explorer.wait_index("slot", 2)
        operations = opened.page.locator("section#operations .nsmw-root")
        expect(operations).to_have_attribute("data-time", "3")
        opened.page.screenshot(
            path=Path(__file__).parents[2] / "artifacts" / f"report-{theme}.png", full_page=True
        )


# --- when a plot is shown -----------------------------------------------------------------------------------

PLOT = """
import numpy as np
from nsm_widgets import AdvancedNSMVisualizer
visualizer = AdvancedNSMVisualizer()
plot = lambda: visualizer.plot_attention_map(np.eye(3))
"""


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("view = plot(); print('done')", 1),
        ("plot()", 1),
        ("view = plot(); display(view)", 1),
        ("first, second = plot(), plot()", 2),
        ("import ipywidgets; ipywidgets.VBox([plot(), plot()])", 2),
        ("view = plot(); view.close()", 0),
        ("visualizer.show = False; view = plot()", 0),
    ],
    ids=["kept", "last", "displayed", "two", "in a box", "closed", "not wanted"],
)
def test_a_plot_is_shown_once(notebook: NotebookPage, source: str, count: int) -> None:
    """At the end of its cell, unless the cell shows it itself."""
    notebook.run_cell(PLOT)
    notebook.run_cell(source)
    expect(notebook.page.locator(".nsmw-root")).to_have_count(count)
    notebook.run_cell("'another cell'")
    expect(notebook.page.locator(".nsmw-root")).to_have_count(count)
