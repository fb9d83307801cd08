"""A view and a chart of a recorder as VS Code's widget code shows them, while the cell that trains runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_live import OPEN, TRAIN, follow, last, wait_until_longer
from tests.browser.test_live_charts import number_on_show
from tests.browser.views import ViewOnPage
from tests.vscode.page import RUN_S, THEMES, VscodePage, open_page
from tests.vscode.server import KernelServer
from tests.vscode.test_bundle import rgb

SHOW = f"""
{OPEN.format(choice="").removesuffix("explorer" + chr(10))}
from nsm_widgets.widgets import LineChart
chart = LineChart(rec, "write_gate", selection=explorer.selection)
display(explorer, chart)
"""
SLOTS, STEPS = 16, 6
CELLS = [(slot, step) for slot in range(SLOTS) for step in range(STEPS)]
LARGEST_MESSAGE = 500_000
LARGEST_BINARY = 4_000

GROUND = """node => {
    for (let at = node; at; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor;
        if (color !== "rgba(0, 0, 0, 0)") return color;
    }
}"""
"""The colour that is seen behind an element, where nothing is half transparent."""


@contextmanager
def training(shown: VscodePage, stop: Path) -> Iterator[None]:
    """A cell is executing within the block."""
    shown.page.evaluate(
        "code => { window.training = vscodePage.runCell(code, {}).then(() => { window.training = null; }); }",
        TRAIN.format(stop=str(stop)),
    )
    try:
        yield
    finally:
        stop.touch()
        shown.page.wait_for_function("() => window.training === null", timeout=RUN_S * 1000)


def is_training(shown: VscodePage) -> bool:
    return bool(shown.page.evaluate("() => window.training !== null"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_view_and_chart_fill_while_the_cell_is_executing(
    browser: Browser, server: KernelServer, driver: Path, tmp_path: Path, theme: str
) -> None:
    """The slider grows, an older iteration stays on both, and all arrives in strings, as VS Code needs it."""
    with open_page(browser, server, driver) as shown:
        shown.set_theme("dark" if theme == "dark" else "light")
        shown.run_cell(SHOW)
        view, chart = ViewOnPage(shown.page, 0), ViewOnPage(shown.page, 1)
        for one in (view, chart):
            expect(one.root.locator(".nsmw-status")).to_have_text("waiting for the first iteration")
        with training(shown, tmp_path / "stop"):
            wait_until_longer(view, 3)
            expect(follow(view)).to_be_checked()
            view.slider("iteration").press("Home")
            view.slider("iteration").press("ArrowRight")
            chart.wait_painted("write_gate", "iteration=1 batch=0")
            view.wait_painted("write_weights_0", "iteration=1 batch=0 head=0")
            number, value = number_on_show(chart, "write_gate"), chart.panel("write_gate").locator("output")
            colors, shows = (
                view.cell_colors("write_weights_0", CELLS, SLOTS, STEPS),
                value.get_attribute("title"),
            )
            line = shown.page.locator(".nsmw-figure .curve .line").nth(1)
            expect(line).to_have_attribute("d", re.compile("^M0[ ,].*L"))
            wait_until_longer(view, last(view) + 3)
            assert view.cell_colors("write_weights_0", CELLS, SLOTS, STEPS) == colors
            expect(value).to_have_attribute("title", shows or "")
            figures = shown.page.locator(".nsmw-figure")
            expect(figures).to_have_count(5)  # of each the curves of loss and lr; the chart
            for figure in figures.all():
                tick = figure.locator(".axis .tick text").last
                assert tick.evaluate(GROUND) == rgb(THEMES[theme]["editor-background"])
                expect(tick).to_have_css("fill", rgb(THEMES[theme]["editor-foreground"]))
            assert is_training(shown)
            shown.screenshot(f"vscode-bundle-live-{theme}")
        recorded = shown.python("len(rec.trace.iterations)")
        expect(view.slider("iteration")).to_have_attribute("max", str(recorded - 1))
        gate = shown.python(f"rec.iteration({number})['write_gate'].values[0, 0, 0].item()")
        assert float(shows or "") == pytest.approx(gate, rel=1e-6)
        assert max(message["characters"] for message in shown.messages()) <= LARGEST_MESSAGE
        assert max(message["binary"] for message in shown.messages()) <= LARGEST_BINARY
        assert shown.page_errors == []
        assert shown.requests_refused == []
