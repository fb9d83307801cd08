"""Tokens on a page: strongest links that are pressed, tokens that are searched for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from nsm_widgets import AttentionView
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.views import ViewOnPage

SOURCE = """
import numpy as np
from nsm_widgets import AttentionView, Trace
tokens = "[CLS] the bank of the river is not the bank of the town [SEP]".split()
weights = np.random.default_rng(0).dirichlet(np.full(14, 0.3), size=(12, 12, 14))
view = AttentionView(Trace.from_attentions([layer[None] for layer in weights], tokens=tokens))
"""


def made() -> AttentionView:
    names: dict[str, AttentionView] = {}
    exec(SOURCE, names)
    return names["view"]


def strongest(weights: np.ndarray) -> int:
    return int(np.argmax(weights))


@pytest.mark.parametrize("width", [1280, 360])
def test_links_are_walked_and_tokens_found_on_an_exported_page(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    """By mouse and by keys; each list is of the head on show; nothing reaches out of the page."""
    view = made()
    plane = view.trace["attention"].isel(layer=3, head=5).values.reshape(14, 14)
    view.selection.layer, view.selection.head, view.selection.query = 3, 5, 2
    written = view.to_html(tmp_path / "page.html")
    with open_exported(browser, Path(written), width=width) as opened:
        shown = ViewOnPage(opened.page)
        panel = shown.panel("attention_links")
        to, by = panel.locator("ol").nth(0), panel.locator("ol").nth(1)
        expect(panel.locator(".nsmw-links-head").first).to_have_text("query 2 “bank” attends to")
        best = strongest(plane[2])
        expect(to.locator("button").first).to_have_text(
            f"{view.trace['attention'].labels('key')[best]}{plane[2, best]:.3g}"
        )
        to.locator("button").first.click()
        shown.wait_index("key", best)
        shown.wait_index("query", 2)
        expect(to.locator("button").first).to_be_focused()
        opened.page.keyboard.press("ArrowDown")
        opened.page.keyboard.press("Enter")
        second = int(np.argsort(-plane[2], kind="stable")[1])
        shown.wait_index("key", second)
        listener = strongest(plane[:, second])
        by.locator("button").first.click()
        shown.wait_index("query", listener)
        search = panel.locator("input[type=search]")
        search.fill("BANK")
        expect(panel.locator(".nsmw-found button")).to_have_text(["2 bank", "9 bank"])
        search.press("Enter")
        after = next((bank for bank in (2, 9) if bank > listener), 2)
        shown.wait_index("query", after)
        shown.wait_index("key", after)
        expect(panel.locator('.nsmw-found button[aria-pressed="true"]')).to_have_count(1)
        reach = "() => [document.documentElement.scrollWidth, innerWidth]"
        wide, room = opened.page.evaluate(reach)
        assert wide <= room


def test_the_matrix_is_square_beside_thumbnails_that_fill_their_column(
    browser: Browser, tmp_path: Path
) -> None:
    """Twelve layers of twelve heads."""
    with open_exported(browser, Path(made().to_html(tmp_path / "page.html")), width=1280) as opened:
        shown = ViewOnPage(opened.page)
        thumbs = shown.panel("attention_thumbnails")
        box, column = thumbs.locator("canvas").bounding_box(), thumbs.bounding_box()
        large = shown.panel("attention").locator("canvas").bounding_box()
        assert box and column and large
        assert box["x"] + box["width"] >= column["x"] + column["width"] - 14
        assert abs(large["width"] - large["height"]) <= 1
        assert large["x"] > column["x"] + column["width"]
        assert abs(large["y"] - box["y"]) <= 20


def test_a_token_that_is_found_is_selected_in_python(notebook: NotebookPage) -> None:
    """And a link that is pressed."""
    notebook.run_code(SOURCE)
    notebook.run_cell("view")
    shown = ViewOnPage(notebook.page)
    panel = shown.panel("attention_links")
    panel.locator("input[type=search]").fill("river")
    panel.locator("input[type=search]").press("Enter")
    notebook.wait_python("[view.selection.query, view.selection.key]", [5, 5])
    panel.locator("ol").first.locator("button").first.click()
    notebook.wait_python("view.selection.key", notebook.python("int(weights[0, 0, 5].argmax())"))
