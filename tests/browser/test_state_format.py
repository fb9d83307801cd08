"""Views whose state is in a format that the page cannot read: the saved picture, and one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nsm_widgets import Heatmap
from nsm_widgets._checksums import text_sum
from nsm_widgets._errors import ExportWarning
from nsm_widgets._state_format import STATE_FORMAT
from nsm_widgets.export import notebook_to_html, widgets_to_html
from tests.browser.harness import JupyterLab, NotebookPage, open_exported
from tests.browser.harness.notebook import ARTIFACTS
from tests.browser.views import ViewOnPage
from tests.numbered import numbered, outputs

Theme = Literal["light", "dark"]
NEWER = STATE_FORMAT + 1
SAID = (
    f"Not live: the state of this view has format {NEWER}, and this nsm_widgets reads formats up to "
    f"{STATE_FORMAT}. "
)
LINE = f"{SAID}Update nsm_widgets, and run the cell or export the page again."
NEWER_VIEWS = f"""
from functools import partial
import ipywidgets, numpy as np, traitlets
from nsm_widgets import Heatmap, Trace
from nsm_widgets.widgets import MemoryView, ViewGroup
class Newer(Heatmap):
    _format = traitlets.Int({NEWER}).tag(sync=True)
class NewerMemory(MemoryView):
    _format = traitlets.Int({NEWER}).tag(sync=True)
def make(view=Newer):
    return view([[[0.0, 1.0]], [[1.0, 2.0]]], dims=("time", "slot", "word"))
def png(view):
    bundle = view._repr_mimebundle_()
    return (bundle[0] if isinstance(bundle, tuple) else bundle)["image/png"].strip()
"""


def unread(page: Page) -> Locator:
    return page.locator(".nsmw-unread")


def shown_png(image: Locator) -> str:
    """What an image shows, which is drawn and has a size."""
    expect(image).to_be_visible()
    assert image.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 100
    return (image.get_attribute("src") or "").removeprefix("data:image/png;base64,").strip()


def test_a_saved_notebook_shows_its_pictures_without_a_kernel(lab: JupyterLab, tmp_path: Path) -> None:
    """One line for each view and each group; the picture is that of the file. Nothing else is drawn."""
    path = numbered(tmp_path, NEWER)
    saved = ["".join(data["image/png"]).strip() for data in outputs(path) if "image/png" in data]
    with lab.open_without_kernel(path) as notebook:
        expect(unread(notebook.page).locator("p")).to_have_text([LINE] * 9, timeout=60_000)
        images = unread(notebook.page).locator("img")
        expect(images).to_have_count(len(saved))
        assert [shown_png(image) for image in images.all()] == saved
        expect(notebook.page.locator("[data-panel]")).to_have_count(0)
        expect(notebook.page.locator(".nsmw-figure:visible")).to_have_count(0)
        for theme in ("light", "dark"):
            notebook.set_theme(theme)
            expect(unread(notebook.page).first).to_have_attribute("data-theme", theme)
            notebook.output(1).scroll_into_view_if_needed()
            notebook.screenshot(f"other-format-saved-{theme}")
        notebook.set_theme("light")
        assert notebook.page_errors == []


def test_a_live_view_shows_the_picture_of_its_output(notebook: NotebookPage) -> None:
    """The one that stands in the notebook beside it; a view that is of this format is drawn as ever."""
    notebook.run_code(NEWER_VIEWS)
    notebook.run_cell("newer = make()\nnewer")
    notebook.run_cell("make(Heatmap)")
    expect(unread(notebook.page).locator("p")).to_have_text(LINE)
    assert shown_png(unread(notebook.page).locator("img")) == notebook.python("png(newer)")
    ViewOnPage(notebook.page, 1).wait_painted("values", "time=0")
    notebook.screenshot("other-format-live")


def test_a_view_in_a_box_asks_the_kernel_for_a_picture(notebook: NotebookPage) -> None:
    """A box of ipywidgets has none in its output."""
    notebook.run_code(NEWER_VIEWS)
    notebook.run_cell("newer = make()\nipywidgets.VBox([newer, ipywidgets.IntSlider()])")
    expect(unread(notebook.page).locator("p")).to_have_text(LINE)
    assert shown_png(unread(notebook.page).locator("img")) == notebook.python("png(newer)")
    expect(notebook.page.locator(".widget-slider")).to_have_count(1)


def test_a_group_says_it_once(notebook: NotebookPage) -> None:
    """One line and one picture, of all its parts."""
    notebook.run_code(NEWER_VIEWS)
    notebook.run_cell(
        "trace = Trace.from_arrays({'memory': np.ones((3, 1, 4, 2))})\n"
        "group = ViewGroup(trace, [[partial(NewerMemory, trace)] * 2])\ngroup"
    )
    expect(unread(notebook.page)).to_have_count(2)
    expect(unread(notebook.page).locator("p")).to_have_text([LINE])
    assert shown_png(unread(notebook.page).locator("img")) == notebook.python("png(group)")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_exported_notebook_keeps_the_pictures(browser: Browser, theme: Theme, tmp_path: Path) -> None:
    """Beside views that are live."""
    path = numbered(tmp_path, NEWER, only="CommunicationView")
    with pytest.warns(ExportWarning, match="Pictures only, 1 of 9 views"):
        page = notebook_to_html(path, theme=theme)
    with open_exported(browser, page, theme=theme) as opened:
        problem = opened.page.locator(".nsmw-page-problem")
        expect(problem).to_have_text(re.compile(re.escape(SAID)))
        image = opened.page.locator(".nsmw-page-view:not([data-nsmw-view]) img")
        assert shown_png(image) == "".join(outputs(path)[2]["image/png"]).strip()
        ViewOnPage(opened.page, 0).wait_painted("memory", "time=3 batch=0")
        image.scroll_into_view_if_needed()
        opened.page.screenshot(path=ARTIFACTS / f"other-format-exported-{theme}.png")


def test_a_page_of_another_format_keeps_the_picture(browser: Browser, tmp_path: Path) -> None:
    """What its scripts cannot read they do not draw."""
    view = Heatmap([[0.0, 1.0], [1.0, 2.0]], dims=("slot", "word"))
    written = str(widgets_to_html(view))
    changed = written.replace(f'"_format":{STATE_FORMAT}', f'"_format":{NEWER}')
    assert changed != written
    (state,) = re.findall(r'id="nsmw-state">(.*?)</script>', changed, re.DOTALL)
    changed = re.sub(r'(?<=id="nsmw-sum">)\d+', str(text_sum(state)), changed)  # else it would be damaged
    path = tmp_path / "page.html"
    path.write_text(changed, "utf-8")
    with open_exported(browser, path) as opened:
        expect(unread(opened.page).locator("p")).to_have_text(LINE)
        shown_png(opened.page.locator(".nsmw-page-picture"))
        expect(opened.page.locator("[data-panel]")).to_have_count(0)
