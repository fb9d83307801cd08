"""Opens exported pages: from a file, without a network, every request listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.harness.window import collect_errors

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


_idle: dict[tuple[Browser, float], list[ExportedPage]] = {}
"""Windows that no test uses: a page is loaded three times as fast in one of them as in a new one."""


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
    idle = _idle.setdefault((browser, device_scale_factor), [])
    opened = idle.pop() if idle else _new_window(browser, device_scale_factor)
    page, address = opened.page, path.resolve().as_uri()
    try:
        page.set_viewport_size(ViewportSize(width=width, height=1000))
        page.emulate_media(color_scheme=theme, media="null")
        page.mouse.move(0, 0)
        opened.errors.clear()
        opened.requests.clear()
        page.goto(address)
        opened.wait_ready()
        yield opened
        requests = opened.requests
        requests[:] = [url for url in requests if url != address and not url.startswith(INLINE)]
        assert requests == [], requests
        assert opened.errors == [], opened.errors
        page.goto("about:blank")
    except BaseException:
        page.context.close()
        raise
    idle.append(opened)


def _new_window(browser: Browser, device_scale_factor: float) -> ExportedPage:
    page = browser.new_context(device_scale_factor=device_scale_factor, offline=True).new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    return ExportedPage(page, collect_errors(page), requests)
