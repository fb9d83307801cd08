"""A view of one of several arrays: the reader chooses, in a notebook and on a page without a kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from nsm_widgets import AttentionView, Trace
from nsm_widgets.view import color_codes, default_coloring, paint
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.harness.lab import REPOSITORY
from tests.browser.views import ViewOnPage
from tests.widgets.views.test_widgets_attention import translator

MADE = """
from tests.browser.test_arrays import colors, translator
from nsm_widgets import AttentionView
trace = translator()
"""

Theme = Literal["light", "dark"]


def colors(trace: Trace, name: str, theme: Theme = "light", **at: int) -> list[list[int]]:
    """The colour of every cell, as Python has it, row by row."""
    array = trace[name]
    plane = array.isel(**{dim: at.get(dim, 0) for dim in array.dims[:-2]}).values
    coloring = default_coloring(array)
    return [
        list(c)
        for row in paint(color_codes(plane, coloring.domain), coloring.cmap, theme).tolist()
        for c in row
    ]


def painted(view: ViewOnPage, trace: Trace, name: str) -> list[list[int]]:
    """The colour of every cell on the page."""
    rows, columns = trace[name].shape[-2:]
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    return [list(color) for color in view.cell_colors(name, cells, rows, columns)]


def options_of(view: ViewOnPage) -> list[str]:
    return view.root.locator('select[data-choice="array"] option').all_text_contents()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("precision", ["exact", "display"])
def test_an_exported_page_switches_by_itself(
    browser: Browser, tmp_path: Path, theme: Theme, precision: Literal["exact", "display"]
) -> None:
    """Pixels, labels, sliders and title are those of the array that is chosen, by mouse or by key."""
    trace = translator()
    written = AttentionView(trace).to_html(tmp_path / "arrays.html", precision=precision)
    with open_exported(browser, Path(written), theme=theme) as opened:
        view = ViewOnPage(opened.page)
        view.wait_painted("encoder.attention", "layer=0 batch=0 head=0")
        assert options_of(view) == ["encoder.attention", "decoder.attention", "cross.attention"]
        assert painted(view, trace, "encoder.attention") == colors(trace, "encoder.attention", theme)
        view.slider("head").press("End")
        view.wait_painted("encoder.attention", "layer=0 batch=0 head=2")
        opened.page.screenshot(path=REPOSITORY / "artifacts" / f"arrays-{theme}-first.png", full_page=True)

        view.choose("array", "cross.attention")
        view.wait_painted("cross.attention", "layer=0 batch=0 head=1")  # the last that there is
        expect(view.panel("encoder.attention")).to_have_count(0)
        assert painted(view, trace, "cross.attention") == colors(trace, "cross.attention", theme, head=1)
        assert len({tuple(color) for color in painted(view, trace, "cross.attention")}) > 10
        expect(view.panel("cross.attention").locator(".nsmw-title")).to_have_text("cross.attention")
        expect(view.slider("head")).to_have_attribute("max", "1")
        expect(view.slider("layer")).to_have_count(0)
        view.hover_cell("cross.attention", 3, 5, 4, 6)
        expect(view.panel("cross.attention").locator(".nsmw-readout")).to_contain_text(
            "query 3 “z” · key 5 “f”"
        )
        opened.page.screenshot(
            path=REPOSITORY / "artifacts" / f"arrays-{theme}-{precision}.png", full_page=True
        )

        chooser = view.root.locator('select[data-choice="array"]')
        expect(chooser).to_have_accessible_name("array")
        chooser.focus()
        chooser.press("ArrowUp")
        view.wait_painted("decoder.attention", "layer=0 batch=0 head=1")
        expect(view.root.locator('select[data-choice="array"]')).to_be_focused()
        assert painted(view, trace, "decoder.attention") == colors(trace, "decoder.attention", theme, head=1)

        opened.page.set_viewport_size({"width": 375, "height": 900})
        view.choose("array", "encoder.attention")
        view.wait_painted("encoder.attention", "layer=0 batch=0 head=2")
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 375
        opened.page.screenshot(path=REPOSITORY / "artifacts" / f"arrays-{theme}-375.png", full_page=True)


@pytest.mark.parametrize("budget_mb", [16.0, 0.0001], ids=["whole", "asked-for"])
def test_python_and_the_page_choose_for_each_other(notebook: NotebookPage, budget_mb: float) -> None:
    """What is too large to cross whole is asked for, as when a slider moves."""
    notebook.run_code(MADE)
    notebook.run_cell(f"view = AttentionView(trace, budget_mb={budget_mb})\nview")
    view, trace = ViewOnPage(notebook.page), translator()
    view.wait_painted("encoder.attention", "layer=0 batch=0 head=0")
    notebook.run_code("view.array = 'decoder.attention'")
    view.wait_painted("decoder.attention", "layer=0 batch=0 head=0")
    expect(view.root.locator('select[data-choice="array"]')).to_have_value("decoder.attention")
    assert painted(view, trace, "decoder.attention") == colors(trace, "decoder.attention")
    view.choose("array", "cross.attention")
    view.wait_painted("cross.attention", "layer=0 batch=0 head=0")
    assert painted(view, trace, "cross.attention") == colors(trace, "cross.attention")
    notebook.wait_python("view.array", "cross.attention")
