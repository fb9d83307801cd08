"""Slots that nobody uses are folded away: on an exported page, with mouse, keyboard, sliders and zoom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from nsm_widgets import NTMExplorer, Trace
from nsm_widgets.export import widgets_to_html
from nsm_widgets.view import color_codes, default_coloring, paint
from nsm_widgets.widgets import MemoryView, ReadWriteView, compose
from tests.browser.harness import ExportedPage, open_exported
from tests.browser.views import ViewOnPage

STEPS, SLOTS, WORDS = 12, 40, 5
USED = [0, 3, 4, 17, 31, 39]
RULE = "no read or write weight above 1 % in any step, sample or head"


def run() -> Trace:
    """Six of forty slots are used, one after the other; a lone weight of 0.9 % is no use."""
    random = np.random.default_rng(6)
    weights = np.zeros((2, STEPS, 1, 1, SLOTS), np.float32)
    for step in range(STEPS):
        weights[0, step, 0, 0, USED[step % 6]] = weights[1, step, 0, 0, USED[step % 4]] = 0.991
        weights[:, step, 0, 0, 20] = 0.009
    memory = random.normal(size=(STEPS, 1, SLOTS, WORDS)).astype(np.float32)
    return Trace.from_arrays({"memory": memory, "write_weights": weights[0], "read_weights": weights[1]})


@pytest.fixture
def trace() -> Trace:
    return run()


@pytest.fixture
def page(browser: Browser, tmp_path: Path, trace: Trace) -> Iterator[ExportedPage]:
    """An explorer, and below it the maps of two views as one, without a kernel."""
    path = tmp_path / "page.html"
    views = NTMExplorer(trace), MemoryView(trace), ReadWriteView(trace)
    for each in views:
        each.selection.time = each.selection.slot = 0
    widgets_to_html([views[0], compose([views[1:]])], path)
    with open_exported(browser, path) as opened:
        yield opened


@pytest.fixture
def view(page: ExportedPage) -> ViewOnPage:
    shown = ViewOnPage(page.page, 0)
    for panel in ("write_weights_0", "read_weights_0", "memory"):
        shown.wait_painted(panel)
    return shown


def assert_rows(view: ViewOnPage, trace: Trace, slots: list[int], time: int = 0) -> None:
    """Each map shows these slots, each cell in the colour that it has in the whole array."""
    for panel, name, columns in (
        ("write_weights_0", "write_weights", STEPS),
        ("read_weights_0", "read_weights", STEPS),
        ("memory", "memory", WORDS),
    ):
        expect(view.panel(panel)).to_have_attribute("data-texels", f"{columns}x{len(slots)}")
        array = trace[name]
        plane = array.values[:, 0, 0].T if name != "memory" else array.values[time, 0]
        coloring = default_coloring(array)
        colors = paint(color_codes(plane, coloring.domain, "linear"), coloring.cmap, "light")
        cells = [(row, column) for row in range(len(slots)) for column in range(columns)]
        painted = view.cell_colors(panel, cells, len(slots), columns)
        assert painted == [tuple(colors[slots[row], column]) for row, column in cells], panel


def test_all_maps_show_what_is_used_and_a_line_says_it(view: ViewOnPage, trace: Trace) -> None:
    """Six slots in each; the button shows all, and hides them again."""
    line = view.root.locator(".nsmw-folded")
    assert_rows(view, trace, USED)
    expect(line).to_contain_text(f"34 unused slots hidden ({RULE})")
    line.get_by_role("button", name="show unused slots").click()
    assert_rows(view, trace, list(range(SLOTS)))
    expect(line).to_contain_text(f"34 of 40 slots are unused ({RULE})")
    line.get_by_role("button", name="hide unused slots").click()
    assert_rows(view, trace, USED)


def test_pointer_and_keys_go_by_the_slot(view: ViewOnPage, trace: Trace) -> None:
    """Hover and click tell the slot's own number, in every map; arrows walk over what is shown."""
    view.hover_cell("memory", 3, 2, len(USED), WORDS)
    view.wait_readout("memory", f"slot 17 · word 2 = {trace['memory'].values[0, 0, 17, 2]!s}")
    expect(view.panel("write_weights_0").locator(".nsmw-readout")).to_contain_text("slot 17 · time 0 = ")
    view.click_cell("write_weights_0", 4, 7, len(USED), STEPS)
    view.wait_index("slot", 31)
    view.wait_index("time", 7)
    expect(view.slider("slot")).to_have_value("4")
    canvas = view.panel("read_weights_0").locator("canvas").first
    canvas.focus()
    canvas.press("ArrowUp")  # where the cursor is
    canvas.press("ArrowUp")
    expect(view.panel("read_weights_0").locator(".nsmw-readout")).to_contain_text("slot 17 · time 7 = ")
    canvas.press("Enter")
    view.wait_index("slot", 17)


def test_the_slider_steps_over_what_is_hidden(view: ViewOnPage) -> None:
    """From one used slot to the next; its text tells the slot, of all of them."""
    slider = view.slider("slot")
    for slot in USED[1:]:
        slider.press("ArrowRight")
        view.wait_index("slot", slot)
    expect(slider).to_have_attribute("aria-valuetext", "slot 39 of 39")
    slider.press("ArrowRight")
    view.wait_index("slot", 39)
    slider.press("Home")
    view.wait_index("slot", 0)


def test_a_selected_slot_is_shown_though_nobody_uses_it(view: ViewOnPage, trace: Trace) -> None:
    """Chosen among all and then folded: it stays, with its cursor, and the line says why; then it goes."""
    button = view.root.locator(".nsmw-folded button")
    button.click()
    view.click_cell("memory", 20, 1, SLOTS, WORDS)
    view.wait_index("slot", 20)
    button.click()
    assert_rows(view, trace, [0, 3, 4, 17, 20, 31, 39])
    expect(view.root.locator(".nsmw-folded")).to_contain_text(
        f"33 of 34 unused slots hidden ({RULE}); slot 20 is one, and shown while it is selected"
    )
    view.slider("slot").press("ArrowRight")
    view.wait_index("slot", 31)
    assert_rows(view, trace, USED)


def test_a_zoom_keeps_its_slots_when_the_fold_opens(view: ViewOnPage) -> None:
    """Rows 3 to 17 of two maps, three of them shown; all between them once they are unfolded."""
    first = view.panel("write_weights_0")
    canvas = first.locator("canvas").first
    box = canvas.bounding_box()
    assert box is not None
    row, column = box["height"] / len(USED), box["width"] / STEPS
    mouse, keyboard = view.page.mouse, view.page.keyboard
    keyboard.down("Shift")
    mouse.move(box["x"] + 2.5 * column, box["y"] + 1.5 * row)
    mouse.down()
    mouse.move(box["x"] + 6.5 * column, box["y"] + 3.5 * row, steps=4)
    mouse.up()
    keyboard.up("Shift")
    for panel in (first, view.panel("read_weights_0")):
        expect(panel).to_have_attribute("data-window", "1-3,2-6")
        text = panel.locator(".nsmw-on-show-text")
        expect(text).to_have_attribute("title", "rows 3-17, columns 2-6 of 6 × 12")
    view.root.locator(".nsmw-folded button").click()
    expect(first).to_have_attribute("data-window", "3-17,2-6")


def test_a_composition_has_one_line_and_one_switch(page: ExportedPage) -> None:
    """Under its toolbar, for all its views."""
    head, memory, weights = (ViewOnPage(page.page, number) for number in (1, 2, 3))
    memory.root.scroll_into_view_if_needed()
    memory.wait_painted("memory")
    weights.root.scroll_into_view_if_needed()
    weights.wait_painted("write_weights_0")
    expect(weights.panel("write_weights_0")).to_have_attribute("data-texels", f"{STEPS}x{len(USED)}")
    expect(weights.root.locator(".nsmw-folded")).to_have_count(0)
    head.root.locator(".nsmw-folded button").click()
    for view, panel, columns in ((memory, "memory", WORDS), (weights, "write_weights_0", STEPS)):
        expect(view.panel(panel)).to_have_attribute("data-texels", f"{columns}x{SLOTS}")


def test_rows_are_whole_pixels(view: ViewOnPage) -> None:
    """Thin ones, too: forty rows in 190 px are five pixels each."""
    view.root.locator(".nsmw-folded button").click()
    expect(view.panel("memory")).to_have_attribute("data-texels", f"{WORDS}x{SLOTS}")
    height = view.panel("memory").locator("canvas").first.evaluate("canvas => canvas.height")
    assert height == 5 * SLOTS
