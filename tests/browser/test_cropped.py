"""A cropped axis in an exported page: ticks, hover, sliders and captions say the numbers that places had."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from nsm_widgets import Heatmap, Trace
from nsm_widgets.export import widgets_to_html
from nsm_widgets.trace import NamedArray
from nsm_widgets.widgets import LineChart
from tests.browser.harness import open_exported
from tests.browser.harness.lab import REPOSITORY
from tests.browser.views import ViewOnPage

PLAIN = NamedArray(
    "usage",
    np.add.outer(100.0 * np.arange(60), np.arange(50))[:, None],
    ("time", "head", "slot"),
)
"""The value of a cell is 100 times its time, and its slot."""


def numbers_of(texts: Locator) -> list[int]:
    """Without the marks that keep the direction of each by itself."""
    return [int(re.sub(r"[^0-9]", "", text)) for text in texts.all_text_contents()]


def ticks(panel: Locator, axis: str) -> list[int]:
    return numbers_of(panel.locator(f".nsmw-axis-{axis} .tick text"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_cropped_heatmap_says_the_numbers_that_places_had(
    browser: Browser, tmp_path: Path, theme: Literal["light", "dark"]
) -> None:
    """Ticks are round numbers of the whole axis; hover and sliders agree with them."""
    cropped = PLAIN.isel(time=slice(13, 41), slot=slice(23, 43), head=0)
    view = Heatmap(cropped, x="time", y="slot", title="cropped")
    with open_exported(browser, Path(view.to_html(tmp_path / "c.html")), theme=theme) as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("usage")
        panel = shown.panel("usage")
        assert ticks(panel, "y") == [24, 26, 28, 30, 32, 34, 36, 38, 40, 42]
        assert ticks(panel, "x") == list(range(13, 41))
        shown.hover_cell("usage", 2, 7, 20, 28)
        shown.wait_readout("usage", "slot 25 · time 20 = 2025")
        shown.slider("time").press("ArrowRight")
        shown.wait_index("time", 1)  # a place
        expect(shown.root.locator("output.nsmw-value").first).to_have_text("14 / 13–40")
        expect(shown.slider("slot")).to_have_attribute("aria-valuetext", "slot 23 of 23–42")
        shown.root.screenshot(path=REPOSITORY / "artifacts" / f"cropped-{theme}.png")


def test_other_orders_labels_and_charts(browser: Browser, tmp_path: Path) -> None:
    """A list of places, an axis backwards that has labels, and lines across cropped steps."""
    words = {"slot": [f"word{i}" for i in range(50)]}
    labelled = NamedArray("write_weights", PLAIN.values, PLAIN.dims, words)
    moved = labelled.isel(time=[30, 7, 12], slot=slice(39, 19, -1), head=0)
    lines = Trace(PLAIN.isel(time=slice(13, 53), slot=[4, 9], head=0))
    views = [Heatmap(moved, x="time", y="slot"), LineChart(lines, "usage")]
    path = Path(widgets_to_html(views, tmp_path / "c.html"))
    with open_exported(browser, path, width=700) as opened:
        colors, chart = ViewOnPage(opened.page), ViewOnPage(opened.page, 1)
        colors.wait_painted("write_weights")
        assert ticks(colors.panel("write_weights"), "x") == [30, 7, 12]
        colors.hover_cell("write_weights", 0, 1, 20, 3)
        colors.wait_readout("write_weights", "slot 39 “word39” · time 7 = 739")
        chart.wait_painted("usage")
        across = opened.page.locator(".nsmw-figure .axis").first.locator(".tick text")
        expect(across.first).to_have_text("14")
        assert numbers_of(across) == [*range(14, 53, 2)]
        expect(chart.panel("usage").locator(".nsmw-subtitle")).to_have_text("time 13")
        expect(chart.panel("usage").locator(".nsmw-chart-legend")).to_contain_text("slot 9")
        opened.page.screenshot(path=REPOSITORY / "artifacts" / "cropped-others.png")
