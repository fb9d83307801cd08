"""Linked and composed views as VS Code's own widget code shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_verbs import PRELUDE, colors_at, painted
from tests.browser.views import ViewOnPage
from tests.vscode.page import VscodePage, open_page
from tests.vscode.server import KernelServer


@pytest.fixture
def shown(browser: Browser, server: KernelServer, driver: Path) -> Iterator[VscodePage]:
    """An empty notebook."""
    with open_page(browser, server, driver) as page:
        page.set_theme("light")
        page.run_code(PRELUDE)
        yield page
        assert page.page_errors == []
        assert page.requests_refused == []


def test_displayed_views_that_are_linked_follow_a_drag(shown: VscodePage) -> None:
    """And Python hears of both."""
    shown.run_cell("a")
    shown.run_cell("b")
    first, second = ViewOnPage(shown.page, 0), ViewOnPage(shown.page, 1)
    second.wait_painted("values", "time=0")
    shown.run_code("together = link(a, b, on=('time',))")
    first.drag_slider("time", 0.5)
    moved = first.index("time")
    assert 5 < moved < 15
    second.wait_painted("values", f"time={moved}")
    assert painted(second) == colors_at(moved)
    shown.wait_python("[a.selection.time, b.selection.time]", [moved, moved])


def test_a_composition_has_one_toolbar_for_all(shown: VscodePage) -> None:
    """Maps and a chart, from the bottom of one slider to its end."""
    shown.run_code(
        "gates = Trace.from_arrays({'write_gate': np.random.default_rng(1).random((30, 1, 2))})\n"
        "whole = compose([[a, b], [LineChart(gates, 'write_gate')]], title='All of it')"
    )
    shown.run_cell("whole")
    expect(shown.page.locator(".nsmw-toolbar")).to_have_count(1)
    bar, _, second, chart = (ViewOnPage(shown.page, number) for number in range(4))
    second.wait_painted("values", "time=0")
    bar.slider("time").press("End")
    second.wait_painted("values", "time=19")
    chart.wait_index("time", 29)
    assert painted(second) == colors_at(19)
    shown.wait_python("whole.selection.time", 29)
