"""What is read out, by the pointer and by touch, and on pages that are written from right to left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nsm_widgets import AttentionView, Heatmap, Trace
from nsm_widgets.export import widgets_to_html
from nsm_widgets.widgets import LineChart, Selection
from tests.browser.harness import open_exported
from tests.browser.views import ViewOnPage

STEPS, SLOTS, WORDS = 4, 16, 12
VALUES = (np.random.default_rng(5).standard_normal((STEPS, SLOTS, WORDS)) * 100).astype(np.float32)
PHONE = {"width": 360, "height": 740}
NEXT_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Place(TypedDict):
    x: float
    y: float
    width: float
    height: float


def place_of(shown: Locator) -> Place:
    place = shown.bounding_box()
    assert place is not None
    return Place(x=place["x"], y=place["y"], width=place["width"], height=place["height"])


def tip_of(view: ViewOnPage, panel: str = "values") -> Locator:
    return view.panel(panel).locator(".nsmw-tip")


def cell_of(view: ViewOnPage, row: int, column: int) -> Place:
    canvas = place_of(view.panel("values").locator("canvas"))
    width, height = canvas["width"] / WORDS, canvas["height"] / SLOTS
    return Place(x=canvas["x"] + column * width, y=canvas["y"] + row * height, width=width, height=height)


def assert_beside(tip: Place, cell: Place, page: Page) -> None:
    """All of it on the screen, nothing of it on the cell."""
    screen = page.viewport_size
    assert screen is not None
    assert tip["x"] >= 0
    assert tip["y"] >= 0
    assert tip["x"] + tip["width"] <= screen["width"]
    assert tip["y"] + tip["height"] <= screen["height"]
    apart_across = tip["x"] + tip["width"] <= cell["x"] or tip["x"] >= cell["x"] + cell["width"]
    apart_down = tip["y"] + tip["height"] <= cell["y"] or tip["y"] >= cell["y"] + cell["height"]
    assert apart_across or apart_down, (tip, cell)


@pytest.fixture
def page_of(tmp_path: Path) -> Any:
    """Writes these widgets to a page."""

    def write(*widgets: Any) -> Path:
        path = tmp_path / "page.html"
        widgets_to_html(list(widgets), path, precision="exact")
        return path

    return write


@pytest.fixture
def phone(browser: Browser, page_of: Any) -> Iterator[ViewOnPage]:
    """A heatmap and a chart that share a selection, on a phone."""
    selection = Selection(time=1)
    heatmap = Heatmap(VALUES, dims=("time", "slot", "word"), selection=selection)
    gate = Trace.from_arrays({"write_gate": VALUES[:, :1, :2]})
    path = page_of(heatmap, LineChart(gate, "write_gate", selection=selection))
    options: dict[str, Any] = {"viewport": PHONE, "is_mobile": True, "has_touch": True, "offline": True}
    context = browser.new_context(**options)
    try:
        page = context.new_page()
        page.goto(path.as_uri())
        expect(page.locator("html")).to_have_attribute("data-nsmw-ready", "true", timeout=30_000)
        view = ViewOnPage(page)
        view.wait_painted("values", "time=1")
        yield view
    finally:
        context.close()


def tap(view: ViewOnPage, row: int, column: int) -> None:
    view.page.touchscreen.tap(*view.cell_center("values", row, column, SLOTS, WORDS))


def test_a_tap_reads_a_cell_out_until_another_is_tapped(phone: ViewOnPage) -> None:
    """With all digits, in the status line and by the finger; other presses and time take nothing away."""
    tap(phone, 5, 7)
    told = f"slot 5 · word 7 = {VALUES[1, 5, 7]!s}"
    phone.wait_readout("values", told)
    phone.wait_index("slot", 5)
    expect(tip_of(phone)).to_have_text(f"slot 5 · word 7{VALUES[1, 5, 7]!s}")
    assert_beside(place_of(tip_of(phone)), cell_of(phone, 5, 7), phone.page)

    phone.page.touchscreen.tap(2, 2)
    phone.page.evaluate(NEXT_FRAME)
    phone.wait_readout("values", told)
    phone.press("forward")
    phone.wait_readout("values", f"slot 5 · word 7 = {VALUES[2, 5, 7]!s}")
    expect(tip_of(phone)).to_contain_text(str(VALUES[2, 5, 7]))

    tap(phone, 9, 0)
    phone.wait_readout("values", f"slot 9 · word 0 = {VALUES[2, 9, 0]!s}")
    assert_beside(place_of(tip_of(phone)), cell_of(phone, 9, 0), phone.page)


def test_the_box_scrolls_with_its_cell(phone: ViewOnPage) -> None:
    """And is gone while that is out of sight."""
    page = phone.page
    page.evaluate("() => { document.body.style.paddingBottom = '3000px'; }")
    tap(phone, 12, 3)
    before = place_of(tip_of(phone))
    page.evaluate("() => scrollBy(0, 40)")
    page.evaluate(NEXT_FRAME)
    assert place_of(tip_of(phone))["y"] == pytest.approx(before["y"] - 40, abs=1.5)
    page.evaluate("() => scrollTo(0, 2000)")
    expect(tip_of(phone)).to_be_hidden()
    page.evaluate("() => scrollTo(0, 0)")
    expect(tip_of(phone)).to_be_visible()


def test_a_tap_on_a_chart_reads_its_step_out(phone: ViewOnPage) -> None:
    """In the one box of the page: that of the heatmap is gone."""
    page, chart = phone.page, ViewOnPage(phone.page, 1)
    tap(phone, 5, 7)
    expect(tip_of(phone)).to_be_visible()
    figure = page.locator(".nsmw-figure")
    figure.scroll_into_view_if_needed()
    place = place_of(figure)
    page.touchscreen.tap(place["x"] + place["width"] - 45, place["y"] + 60)
    phone.wait_index("time", 3)
    tip = tip_of(chart, "write_gate")
    expect(tip).to_contain_text("time 3")
    expect(tip).to_contain_text(f"head 1 · {VALUES[3, 0, 1]!s}")
    expect(tip_of(phone)).to_be_hidden()
    finger = Place(x=place["x"] + place["width"] - 46, y=place["y"] + 59, width=2, height=2)
    assert_beside(place_of(tip), finger, page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_by_the_pointer_a_cell_is_read_out_in_three_digits(
    browser: Browser, page_of: Any, theme: Any
) -> None:
    """Beside each cell, on the screen; all digits in the status line, and by a press; nothing jumps."""
    path = page_of(Heatmap(VALUES, dims=("time", "slot", "word"), selection=Selection(time=1)))
    with open_exported(browser, path, theme=theme, width=700) as opened:
        view = ViewOnPage(opened.page)
        view.wait_painted("values", "time=1")
        height = opened.page.evaluate("() => document.documentElement.scrollHeight")
        tip = tip_of(view)
        for row, column in [(0, 0), (0, WORDS - 1), (SLOTS - 1, 0), (SLOTS - 1, WORDS - 1), (8, 6)]:
            view.hover_cell("values", row, column, SLOTS, WORDS)
            view.wait_readout("values", f"slot {row} · word {column} = {VALUES[1, row, column]!s}")
            expect(tip).to_have_text(f"slot {row} · word {column}{shown(VALUES[1, row, column])}")
            assert_beside(place_of(tip), cell_of(view, row, column), opened.page)
        assert opened.page.evaluate("() => document.documentElement.scrollHeight") == height
        ink, ground = tip.evaluate(
            "tip => [getComputedStyle(tip).color, getComputedStyle(tip).backgroundColor]"
        )
        assert (luminance(ink) < luminance(ground)) == (theme == "light")
        opened.page.mouse.down()
        expect(tip).to_contain_text(str(VALUES[1, 8, 6]))
        opened.page.mouse.up()
        opened.page.mouse.move(1, 1)
        expect(tip).to_be_hidden()
        view.wait_readout("values", "")


def shown(value: float) -> str:
    """Three significant digits, by NumPy."""
    return np.format_float_positional(value, 3, unique=False, fractional=False, trim="-").replace("-", "−")


def luminance(color: str) -> float:
    return sum(float(part) for part in color.strip("rgba()").split(",")[:3])


def test_a_box_in_any_script_moves_nothing(browser: Browser, page_of: Any) -> None:
    """The status line is as high as without a word, also in letters that stand higher than others."""
    names = ["ག\u0fb3\u0f71\u0f7c", "༄༅", "字", "ﷺ"]
    weights = np.full((1, 1, 1, 4, 4), 0.25, np.float32)
    with open_exported(
        browser, page_of(AttentionView(weights, labels={"query": names, "key": names}))
    ) as opened:
        view = ViewOnPage(opened.page)
        view.wait_painted("attention")
        line = view.panel("attention").locator(".nsmw-readout")
        before = place_of(line)
        for row in range(4):
            view.hover_cell("attention", row, row, 4, 4)
            expect(line).to_contain_text("= 0.25")
            assert place_of(line)["height"] == before["height"]


def text_places(page: Page) -> list[Any]:
    """Of each text of a view, and of a chart's figure: what it says, and where it stands on its page."""
    places: list[Any] = page.evaluate(
        """() => [...document.querySelectorAll(".nsmw-root, .nsmw-figure")].flatMap(root => {
            const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
            const found = [];
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const range = document.createRange();
                range.selectNodeContents(node);
                const {x, y, width} = range.getBoundingClientRect();
                if (width > 0) found.push([node.textContent, ...[x, y, width].map(Math.round)]);
            }
            return found;
        })"""
    )
    return places


def test_a_page_from_right_to_left_changes_no_figure(browser: Browser, page_of: Any) -> None:
    """Every label, number and title stands where it stood."""
    weights = np.random.default_rng(1).random((2, 1, 3, 40, 40), np.float32)
    weights /= weights.sum(-1, keepdims=True)
    tokens = [f"token{i}" for i in range(40)]
    attention = AttentionView(weights, labels={"query": tokens, "key": tokens})
    gate = Trace.from_arrays({"write_gate": VALUES[:, :1, :2]})
    with open_exported(browser, page_of(attention, LineChart(gate, "write_gate"))) as opened:
        view = ViewOnPage(opened.page)
        view.wait_painted("attention")
        expect(opened.page.locator(".nsmw-figure .tick").first).to_be_visible()
        before = text_places(opened.page)
        assert len(before) > 40
        opened.page.evaluate("() => { document.documentElement.dir = 'rtl'; }")
        opened.page.evaluate(NEXT_FRAME)
        assert text_places(opened.page) == before
        view.hover_cell("attention", 3, 7, 40, 40)
        expect(tip_of(view, "attention")).to_contain_text("query 3 “token3” · key 7 “token7”")
        assert tip_of(view, "attention").evaluate("tip => getComputedStyle(tip).direction") == "ltr"
