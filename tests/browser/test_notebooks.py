"""The notebooks on training, on a transformer and on a model of one's own, in a real JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.harness import JupyterLab, NotebookPage, open_exported
from tests.browser.harness.window import VIEWPORT
from tests.browser.views import ViewOnPage

Theme = Literal["light", "dark"]
LAYERS, HEADS = 6, 12
ALL_IN_SIGHT = (VIEWPORT[0], 9500)  # what is out of sight waits until it comes near
SHORT = "import os; os.environ['NSM_WIDGETS_SHORT'] = '1'"  # a few steps of training instead of all


@contextmanager
def executed(lab: JupyterLab, name: str) -> Iterator[NotebookPage]:
    """A notebook that ran to its end; afterwards nobody complained and no stranger was asked."""
    with lab.open(f"notebooks/{name}.ipynb", viewport=ALL_IN_SIGHT) as notebook:
        notebook.set_theme("light")
        notebook.run_code(SHORT)
        notebook.run_all()
        yield notebook
        assert notebook.page_errors == []
        assert notebook.requests_refused == []


@pytest.fixture(scope="module")
def transformer(lab: JupyterLab) -> Iterator[NotebookPage]:
    """The notebook on MiniLM, with every view painted."""
    with executed(lab, "04_attention_of_a_transformer") as notebook:
        for number, panel in enumerate(
            (
                "attention",
                "attention",
                "attention_previous_token_share",
                "attention_normalised_entropy",
                "attention",
                "attention",
            )
        ):
            ViewOnPage(notebook.page, number).wait_painted(panel)
        yield notebook


def test_a_small_picture_of_72_becomes_the_large_one(transformer: NotebookPage) -> None:
    """It opens on the head that the statistics found; a click in the overview moves all views and Python."""
    overview, copy = ViewOnPage(transformer.page, 0), ViewOnPage(transformer.page, 1)
    layer, head = transformer.python("[layer, head]")
    for view in (overview, copy):
        view.wait_painted("attention", f"layer={layer} batch=0 head={head}")
    tokens = transformer.python("trace['attention'].labels('key')")
    assert overview.panel("attention").locator(".nsmw-axis-y .tick text").all_text_contents() == tokens
    # its own mark of the token before: dark below the diagonal, as light as zero elsewhere
    size = len(tokens)
    before = overview.cell_colors("attention", [(i, i - 1) for i in range(1, size)], size, size)
    others = overview.cell_colors("attention", [(i, (i + 5) % size) for i in range(size)], size, size)
    assert max(map(sum, before)) + 300 < min(map(sum, others))

    overview.click_cell("attention_thumbnails", 4, 5, LAYERS, HEADS)
    for view in (overview, copy):
        view.wait_painted("attention", "layer=4 batch=0 head=5")
    transformer.wait_python("[overview.selection.layer, overview.selection.head]", [4, 5])
    first_column = overview.cell_colors("attention", [(row, 0) for row in range(2, size)], size, size)
    beside = overview.cell_colors("attention", [(row, 8) for row in range(2, size)], size, size)
    assert sum(map(sum, first_column)) < sum(map(sum, beside)), "the clearest of the heads that look at [CLS]"


def test_a_cell_of_the_entropies_is_a_head(transformer: NotebookPage) -> None:
    """A click in the heatmap of all heads brings that head to the overview; the chart follows its layer."""
    overview, entropies = ViewOnPage(transformer.page, 0), ViewOnPage(transformer.page, 3)
    chart = ViewOnPage(transformer.page, 2)
    entropies.click_cell("attention_normalised_entropy", 1, 8, LAYERS, HEADS)
    overview.wait_painted("attention", "layer=1 batch=0 head=8")
    chart.wait_painted("attention_previous_token_share", "layer=1 batch=0")
    entropies.click_cell("attention_normalised_entropy", 0, 2, LAYERS, HEADS)
    overview.wait_painted("attention", "layer=0 batch=0 head=2")


def test_padding_is_empty_across_and_not_down(transformer: NotebookPage) -> None:
    """Padded columns of the short sentence have the colour of zero, padded rows have not."""
    pair = ViewOnPage(transformer.page, 4)
    padded, size = transformer.python("[padded.nonzero().flatten().tolist(), len(padded)]")
    pair.wait_painted("attention", "layer=0 batch=1 head=0")
    across = pair.cell_colors("attention", [(0, key) for key in padded], size, size)
    assert len(set(across)) == 1
    down = pair.cell_colors("attention", [(query, 0) for query in padded], size, size)
    assert across[0] not in down
    pair.slider("batch").press("Home")
    pair.wait_painted("attention", "layer=0 batch=0 head=0")
    full = pair.cell_colors("attention", [(0, key) for key in padded], size, size)
    assert len(set(full)) > 1


def test_with_the_mask_in_the_trace_padding_is_hatched(transformer: NotebookPage) -> None:
    """As many cells as have padding on either side; the other sentence has none."""
    masked = ViewOnPage(transformer.page, 5)
    padded, size = transformer.python("[padded.nonzero().flatten().tolist(), len(padded)]")
    masked.wait_painted("attention", "layer=0 batch=1 head=0")
    legend = masked.panel("attention").locator(".nsmw-legend")
    expect(legend).to_have_text(f"{size**2 - (size - len(padded)) ** 2} padding")
    masked.slider("batch").press("Home")
    masked.wait_painted("attention", "layer=0 batch=0 head=0")
    expect(legend).to_have_text("")


def test_its_page_lives_without_a_kernel(transformer: NotebookPage, browser: Browser) -> None:
    """The page that the last cell wrote has all heads, and they are picked as in the notebook."""
    with open_exported(browser, Path(transformer.python("str(files[0])"))) as exported:
        view = ViewOnPage(exported.page)
        view.wait_painted("attention")
        view.click_cell("attention_thumbnails", 5, 11, LAYERS, HEADS)
        view.wait_painted("attention", "layer=5 batch=0 head=11")


@pytest.mark.screenshots
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_of_the_transformer(transformer: NotebookPage, theme: Theme) -> None:
    """A picture is kept of the whole notebook in each theme."""
    ViewOnPage(transformer.page, 5).slider("batch").press("End")  # the sentence that has padding
    transformer.set_theme(theme)
    expect(ViewOnPage(transformer.page, 0).root).to_have_attribute("data-theme", theme)
    transformer.screenshot_whole(f"notebook-04-{theme}")
    transformer.set_theme("light")


def test_a_model_of_ones_own_opens_in_the_explorer(lab: JupyterLab) -> None:
    """Its memory moves with the slider, its chart follows, and its attention is picked by thumbnail."""
    with executed(lab, "06_your_own_model") as notebook:
        explorer, chart, attention = (ViewOnPage(notebook.page, number) for number in range(3))
        for panel in ("memory", "write_weights_0", "read_weights_0"):
            explorer.wait_painted(panel)
        chart.wait_painted("write_weights_effective_slots")
        explorer.click_cell("write_weights_0", 3, 5, 16, 13)
        explorer.wait_painted("memory", "time=5 batch=0")
        notebook.wait_python("[explorer.selection.time, explorer.selection.slot]", [5, 3])
        chart.wait_index("time", 5)
        value = notebook.python("float(trace['memory'].values[5, 0, 3, 2])")
        explorer.hover_cell("memory", 3, 2, 16, 8)
        readout = explorer.panel("memory").locator(".nsmw-readout")
        expect(readout).to_contain_text("slot 3 · word 2 = ")
        assert float(explorer.readout("memory").split("= ")[1]) == pytest.approx(value, rel=1e-7)
        attention.click_cell("attention_thumbnails", 1, 3, 2, 4)
        attention.wait_painted("attention", "layer=1 batch=0 head=3")
        words = notebook.python("words")
        assert attention.panel("attention").locator(".nsmw-axis-x .tick text").all_text_contents() == words


@pytest.mark.screenshots
def test_training_shows_its_progress_its_loss_and_its_memory(lab: JupyterLab) -> None:
    """A bar that reached its end, a curve with a point for each evaluation, the explorer on what came out."""
    with executed(lab, "07_train_an_ntm") as notebook:
        expect(notebook.page.locator(".widget-hprogress")).to_be_visible()
        expect(notebook.page.locator(".jp-OutputArea-output", has_text="20/20").first).to_be_visible()
        curve = notebook.page.locator(".bqplot .curve path.line").first
        expect(curve).to_have_attribute("d", re.compile(r"^M[\d.]+,[\d.]+L[\d.]+,[\d.]+$"))
        ticks = notebook.page.locator(".bqplot .axis").nth(1).locator(".tick text")
        boxes = [tick.bounding_box() for tick in ticks.all()]
        label = notebook.page.locator(".bqplot text.axislabel").nth(1).bounding_box()
        assert len(boxes) == 5 and label is not None
        assert all(box and box["x"] >= label["x"] + label["width"] for box in boxes), "the label lies on them"
        explorer = ViewOnPage(notebook.page, 0)
        explorer.wait_painted("memory")
        explorer.slider("time").press("End")
        explorer.wait_painted("memory", "time=40 batch=0")
        notebook.wait_python("explorer.selection.time", 40)
        themes: tuple[Theme, Theme] = ("dark", "light")
        for theme in themes:
            notebook.set_theme(theme)
            notebook.screenshot_whole(f"notebook-02-train-{theme}")
