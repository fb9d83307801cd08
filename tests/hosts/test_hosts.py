"""One view in each host that is no Jupyter: it paints, a drag moves it, and it fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route, expect, sync_playwright

from tests.browser.harness import launch_browser
from tests.browser.views import ViewOnPage
from tests.hosts.server import serving

SLOTS, WORDS, STEPS = 6, 8, 5
INLINE = ("blob:", "data:", "about:")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch_browser(playwright)
        yield browser
        browser.close()


@pytest.mark.parametrize("host", ["marimo"])
def test_a_view_paints_and_moves(host: str, browser: Browser, tmp_path: Path) -> None:
    """Painted cells of different colours, a slider that the mouse drags, no mark, no request to elsewhere."""
    with serving(host, tmp_path) as url, browser.new_context(service_workers="block") as context:
        refused: list[str] = []

        def decide(route: Route) -> None:
            address = route.request.url
            if address.startswith(INLINE) or urlsplit(address).hostname == "127.0.0.1":
                route.continue_()
            else:
                refused.append(address)
                route.abort()

        context.route("**/*", decide)
        page = context.new_page()
        page.goto(url)
        view = ViewOnPage(page)
        expect(view.panel("values")).to_have_attribute("data-state", "ready", timeout=60_000)
        first, last = view.cell_colors("values", [(0, 0), (SLOTS - 1, WORDS - 1)], SLOTS, WORDS)
        assert first != last
        view.drag_slider("time", 1.0)
        view.wait_painted("values", f"time={STEPS - 1}")
        view.hover_cell("values", 5, 7, SLOTS, WORDS)
        view.wait_readout("values", f"slot 5 · word 7 = {STEPS * SLOTS * WORDS - 1}")
        expect(view.root.locator(".nsmw-detached")).to_have_text("")
        assert refused == []
