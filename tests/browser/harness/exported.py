"""Opens exported pages: from a file, without a network, every request listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect

from tests.browser.harness.lab import collect_errors

READY_MS = 30_000
INLINE = ("blob:", "data:", "about:")


@dataclass
class ExportedPage:
    """An exported page in a browser context of its own."""

    page: Page
    errors: list[str]
    """The console's errors and uncaught exceptions so far."""
    requests: list[str]
    """What the page asked for besides itself."""

    def wait_ready(self) -> None:
        """Until every view is live."""
        expect(self.page.locator("html")).to_have_attribute("data-nsmw-ready", "true", timeout=READY_MS)


@contextmanager
def open_exported(
    browser: Browser,
    path: Path,
    *,
    theme: Literal["light", "dark"] = "light",
    width: int = 1400,
    device_scale_factor: float = 1,
) -> Iterator[ExportedPage]:
    """Open a page by ``file://``. At the end, it must have asked for nothing and complained of nothing."""
    context = browser.new_context(
        viewport={"width": width, "height": 1000},
        color_scheme=theme,
        device_scale_factor=device_scale_factor,
        offline=True,
    )
    try:
        page = context.new_page()
        errors, requests = collect_errors(page), list[str]()
        address = path.resolve().as_uri()
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        opened = ExportedPage(page, errors, requests)
        opened.wait_ready()
        yield opened
        requests[:] = [url for url in requests if url != address and not url.startswith(INLINE)]
        assert requests == [], requests
        assert errors == [], errors
    finally:
        context.close()
