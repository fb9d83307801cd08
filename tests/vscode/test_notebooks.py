"""Our other notebooks as VS Code's own widget code shows them: every panel painted, and linked."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.harness.lab import REPOSITORY
from tests.vscode.page import open_page
from tests.vscode.server import KernelServer


@pytest.mark.parametrize(
    ("name", "dim", "follows"),
    [
        ("02_charts_and_export", "time", "write_gate"),
        ("03_seed_notebook", "time", "memory_difference"),
        ("06_your_own_model", "time", "memory"),
    ],
)
def test_every_panel_of_a_notebook_is_painted_and_follows(
    browser: Browser, server: KernelServer, driver: Path, name: str, dim: str, follows: str
) -> None:
    """Maps, charts by bqplot and graphs; a slider moves what it should; no network is asked."""
    with open_page(browser, server, driver) as page:
        page.run_code("import os; os.environ['NSM_WIDGETS_SHORT'] = '1'")  # a few steps of training
        page.run_notebook(REPOSITORY / "notebooks" / f"{name}.ipynb")
        panels = page.page.locator(".nsmw-root [data-panel]")
        expect(panels.first).to_be_visible()
        for panel in panels.all():
            expect(panel).not_to_have_attribute("data-state", "loading", timeout=30_000)
            expect(panel).not_to_have_attribute("data-state", "unavailable")
        expect(page.page.locator(".bqplot .mark, .bqplot path.line").first).to_be_attached()
        slider = page.page.locator(f'input[type=range][data-dim="{dim}"]').last
        moved = page.page.locator(f'[data-panel^="{follows}"]').first
        slider.press("End")
        last = str(int(slider.get_attribute("max") or "-1"))
        expect(page.page.locator(".nsmw-root", has=moved).first).to_have_attribute(f"data-{dim}", last)
        assert {module["name"] for module in page.modules()} >= {"anywidget", "bqplot", "bqscales"}
        assert all(module["found"] for module in page.modules())
        assert page.page_errors == []
        assert page.requests_refused == []
