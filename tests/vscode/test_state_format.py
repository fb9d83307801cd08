"""A view whose state VS Code's page cannot read: the kernel's picture, and one line."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.test_state_format import LINE, NEWER_VIEWS, shown_png, unread
from tests.browser.views import ViewOnPage
from tests.vscode.page import open_page
from tests.vscode.server import KernelServer
from tests.vscode.test_bundle import LARGEST_MESSAGE


def test_a_view_of_another_format_shows_the_kernels_picture(
    browser: Browser, driver: Path, tmp_path: Path
) -> None:
    """VS Code gives a widget no way to the notebook's file; the kernel is asked, in a small message."""
    with (
        KernelServer(tmp_path, started_by_vscode=True) as server,
        open_page(browser, server, driver) as page,
    ):
        page.run_code(NEWER_VIEWS)
        page.run_cell("newer = make()\nnewer")
        page.run_cell("make(Heatmap)")
        expect(unread(page.page).locator("p")).to_have_text(LINE)
        assert shown_png(unread(page.page).locator("img")) == page.python("png(newer)")
        ViewOnPage(page.page, 1).wait_painted("values", "time=0")
        assert max(message["characters"] for message in page.messages()) <= LARGEST_MESSAGE
        for theme in ("light", "dark"):
            page.set_theme(theme)
            expect(unread(page.page)).to_have_attribute("data-theme", theme)
            page.screenshot(f"other-format-vscode-{theme}")
        assert page.page_errors == []
        assert page.requests_refused == []
