"""Zoom and pan of heatmaps by real wheel, mouse, fingers and keys; pixels are Python's colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from nsm_widgets import Heatmap, Trace
from nsm_widgets.export import widgets_to_html
from nsm_widgets.view import color_codes, default_coloring, paint
from nsm_widgets.widgets import ReadWriteView, Selection
from tests.browser.harness import ExportedPage, open_exported
from tests.browser.views import ViewOnPage

STEPS, SLOTS, WORDS = 4, 64, 40
NEXT_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
ZOOMED = re.compile(r"^\d+-\d+,\d+-\d+$")

Opener = Callable[..., AbstractContextManager[ExportedPage]]


def make_values(steps: int = STEPS, slots: int = SLOTS, words: int = WORDS) -> np.ndarray:
    return np.random.default_rng(3).random((steps, slots, words)).astype(np.float32)


def heatmap(values: np.ndarray, **options: Any) -> Heatmap:
    return Heatmap(values, dims=("time", "slot", "word"), **options)


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Opener:
    """Opens these widgets on a page of their own, without a kernel."""

    def open_page(*widgets: Any, precision: Any = "exact", **options: Any) -> Any:
        path = tmp_path / "page.html"
        widgets_to_html(list(widgets), path, precision=precision)
        return open_exported(browser, path, **options)

    return open_page


@pytest.fixture
def view(opened: Opener) -> Iterator[ViewOnPage]:
    """One heatmap of 64 × 40, ready."""
    with opened(heatmap(make_values(), selection=Selection(slot=10))) as page:
        shown = ViewOnPage(page.page)
        shown.wait_painted("values")
        yield shown


def assert_window_painted(view: ViewOnPage, values: np.ndarray, time: int = 0) -> None:
    """Every cell on show has the very colour that it has in the whole picture, and stands in its place."""
    rows, columns = view.window("values")
    array = Trace.from_arrays({"memory": values[:, None]})["memory"]
    coloring = default_coloring(array)
    colors = paint(color_codes(values[time], coloring.domain, "linear"), coloring.cmap, "light")
    expected = colors[rows.start : rows.stop, columns.start : columns.stop].reshape(-1, 3)
    cells = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    painted = view.cell_colors("values", cells, len(rows), len(columns))
    assert painted == [tuple(color) for color in expected.tolist()]
    assert len(set(painted)) > 4, "a picture of few colours shows little"


def zoom_in(view: ViewOnPage, turns: int = 4, at: tuple[float, float] = (0.5, 0.5)) -> None:
    """By the wheel with Ctrl."""
    page = view.page
    page.mouse.move(*view.point("values", *at))
    page.keyboard.down("Control")
    for _ in range(turns):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    view.wait_window("values", ZOOMED)


# --- the wheel ---


def test_a_wheel_scrolls_the_page_until_the_heatmap_is_clicked(opened: Opener) -> None:
    """Then it zooms about the pointer, whose cell stays; with no more to zoom out, the page scrolls."""
    values = make_values()
    with opened(*(heatmap(values) for _ in range(4))) as page:
        view = ViewOnPage(page.page)
        view.wait_painted("values")
        page.page.mouse.move(*view.point("values", 0.7, 0.3))
        page.page.mouse.wheel(0, 100)
        page.page.mouse.wheel(0, -40)
        expect(page.page.locator("html")).to_have_js_property("scrollTop", 60)
        view.wait_window("values", "whole")

        x, y = view.point("values", 0.7, 0.3)
        page.page.mouse.click(x, y)
        before = page.page.evaluate("() => scrollY")
        for _ in range(5):
            page.page.mouse.wheel(0, -100)
        view.wait_window("values", ZOOMED)
        page.page.evaluate(NEXT_FRAME)
        rows, columns = view.window("values")
        assert (len(rows), len(columns)) == (32, 20)
        pointed = (int(0.3 * SLOTS), int(0.7 * WORDS))
        here = (rows[int(0.3 * len(rows))], columns[int(0.7 * len(columns))])
        assert np.abs(np.subtract(pointed, here)).max() <= 1
        assert_window_painted(view, values)
        for _ in range(8):
            page.page.mouse.wheel(0, 100)
        view.wait_window("values", "whole")
        expect(page.page.locator("html")).not_to_have_js_property("scrollTop", before)


def test_a_wheel_with_ctrl_zooms_what_has_no_focus(view: ViewOnPage) -> None:
    """As a pinch on a touch pad comes; the page keeps its own zoom, also where all is on show again."""
    ratio = view.page.evaluate("() => devicePixelRatio")
    zoom_in(view)
    assert_window_painted(view, make_values())
    view.page.keyboard.down("Control")
    for _ in range(12):
        view.page.mouse.wheel(0, 100)
    view.page.keyboard.up("Control")
    view.wait_window("values", "whole")
    assert view.page.evaluate("() => devicePixelRatio") == ratio
    assert view.page.evaluate("() => scrollY") == 0


# --- the mouse ---


def test_a_drag_pans_what_is_zoomed_and_a_click_still_selects(view: ViewOnPage) -> None:
    """The cell under the pointer goes along with it; a press that moves selects nothing."""
    values = make_values()
    zoom_in(view)
    rows, columns = view.window("values")
    canvas = view.panel("values").locator("canvas")
    expect(canvas).to_have_css("cursor", "grab")
    view.drag("values", (0.25, 0.25), (0.5, 0.75))
    view.wait_window("values", re.compile(rf"^(?!{rows[0]}-)"))
    moved_rows, moved_columns = view.window("values")
    assert abs(moved_rows[0] - (rows[0] - len(rows) / 2)) <= 1
    assert abs(moved_columns[0] - (columns[0] - len(columns) / 4)) <= 1
    assert_window_painted(view, values)
    assert view.index("slot") == 10
    view.click_cell("values", 3, 5, len(moved_rows), len(moved_columns))
    view.wait_index("slot", moved_rows[3])
    view.hover_cell("values", 2, 1, len(moved_rows), len(moved_columns))
    value = values[0, moved_rows[2], moved_columns[1]]
    view.wait_readout("values", f"slot {moved_rows[2]} · word {moved_columns[1]} = {value!s}")


def test_a_drag_selects_where_all_is_on_show(view: ViewOnPage) -> None:
    """As ever: what is pressed is selected at once, and what the pointer is drawn over."""
    view.page.mouse.move(*view.cell_center("values", 20, 3, SLOTS, WORDS))
    view.page.mouse.down()
    view.wait_index("slot", 20)
    view.page.mouse.move(*view.cell_center("values", 31, 9, SLOTS, WORDS), steps=3)
    view.wait_index("slot", 31)
    view.page.mouse.up()
    view.wait_window("values", "whole")


def test_a_box_drawn_with_shift_is_zoomed_to(view: ViewOnPage) -> None:
    """Exactly its cells, whatever its shape, in either state; a double click shows the whole picture."""
    values, page = make_values(), view.page
    box = view.panel("values").locator(".nsmw-box")
    page.keyboard.down("Shift")
    page.mouse.move(*view.cell_center("values", 40, 30, SLOTS, WORDS))
    page.mouse.down()
    page.mouse.move(*view.cell_center("values", 21, 26, SLOTS, WORDS), steps=4)
    expect(box).to_be_visible()
    page.mouse.up()
    view.wait_window("values", "21-40,26-30")
    expect(box).to_be_hidden()
    assert_window_painted(view, values)
    assert view.index("slot") == 10

    page.mouse.move(*view.cell_center("values", 2, 1, 20, 5))
    page.mouse.down()
    page.mouse.move(*view.cell_center("values", 9, 3, 20, 5), steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    view.wait_window("values", "23-30,27-29")
    assert_window_painted(view, values)
    page.mouse.dblclick(*view.point("values", 0.5, 0.5))
    view.wait_window("values", "whole")


def test_square_cells_stay_square(opened: Opener) -> None:
    """A flat box grows to the shape of the picture."""
    with opened(heatmap(make_values(slots=40), aspect="equal")) as page:
        view = ViewOnPage(page.page)
        view.wait_painted("values")
        page.page.keyboard.down("Shift")
        view.drag("values", (0.26, 0.5), (0.74, 0.55))
        page.page.keyboard.up("Shift")
        view.wait_window("values", ZOOMED)
        rows, columns = view.window("values")
        assert len(rows) == len(columns) == 20


# --- keys, words, what is marked ---


def test_keys_zoom_pan_and_walk(view: ViewOnPage) -> None:
    """Plus and minus about the keyboard's cell, Shift and arrows by a quarter; a walk takes it along."""
    values, page = make_values(), view.page
    canvas, live = view.panel("values").locator("canvas"), view.root.locator(".nsmw-live")
    canvas.focus()
    page.keyboard.press("+")
    view.wait_window("values", "5-36,10-29")  # about slot 10, which is marked, and the middle word
    expect(live).to_have_text(re.compile(r"rows 5-36, columns 10-29 of 64 × 40$"))
    expect(canvas).to_have_attribute(
        "aria-label", re.compile("rows 5-36, columns 10-29 of 64 × 40; arrow keys")
    )
    assert_window_painted(view, values)
    page.keyboard.press("Shift+ArrowDown")
    view.wait_window("values", "13-44,10-29")
    page.keyboard.press("Shift+ArrowLeft")
    view.wait_window("values", "13-44,5-24")
    page.keyboard.press("ArrowDown")  # shows where the walk begins: slot 10, word 0
    view.wait_window("values", "10-41,0-19")
    page.keyboard.press("ArrowUp")
    view.wait_window("values", "9-40,0-19")
    view.wait_readout("values", f"slot 9 · word 0 = {values[0, 9, 0]!s}")
    page.keyboard.press("End")
    view.wait_window("values", "9-40,20-39")
    page.keyboard.press("=")
    view.wait_window("values", "9-24,30-39")  # about slot 9, word 39
    page.keyboard.press("-")
    page.keyboard.press("0")
    view.wait_window("values", "whole")
    expect(live).to_have_text(re.compile("whole picture$"))


def test_the_caption_says_what_is_on_show_and_leads_back(view: ViewOnPage) -> None:
    """A chip with a button; what is selected elsewhere is pointed at; axes have the cells' own numbers."""
    panel = view.panel("values")
    chip, beyond = panel.locator(".nsmw-on-show"), panel.locator(".nsmw-beyond")
    expect(chip).to_be_hidden()
    view.page.keyboard.down("Shift")
    view.drag("values", (0.5, 0.5), (0.74, 0.74))
    view.page.keyboard.up("Shift")
    view.wait_window("values", "32-47,20-29")
    expect(chip.locator("span")).to_have_text("rows 32-47, columns 20-29 of 64 × 40")
    expect(beyond.nth(0)).to_have_text("↑ 10")
    expect(panel.locator(".nsmw-cursor").nth(0)).to_be_hidden()
    labels = panel.locator(".nsmw-axis-x text").all_text_contents()
    assert labels == [str(word) for word in range(20, 30)]
    view.slider("slot").press("End")
    expect(beyond.nth(0)).to_have_text("↓ 63")
    button = chip.get_by_role("button", name="whole picture")
    button.focus()
    view.page.keyboard.press("Enter")
    view.wait_window("values", "whole")
    expect(chip).to_be_hidden()
    expect(beyond.nth(0)).to_be_hidden()
    expect(panel.locator("canvas")).to_be_focused()


def test_a_window_stays_from_step_to_step(view: ViewOnPage) -> None:
    """The same cells of another plane, in the same colours; the numbers printed on the bar do not move."""
    zoom_in(view)
    bar = view.panel("values").locator(".nsmw-axis-bar").text_content()
    view.slider("time").press("End")
    view.wait_painted("values", f"time={STEPS - 1}")
    assert_window_painted(view, make_values(), STEPS - 1)
    assert view.panel("values").locator(".nsmw-axis-bar").text_content() == bar


def test_values_are_printed_where_zoomed_cells_have_room(opened: Opener) -> None:
    """64 × 40 cells have none; a few do, and the letters stand on their ground."""
    with opened(heatmap(make_values(), annotate=True)) as page:
        view = ViewOnPage(page.page)
        view.wait_painted("values")

        def most_colors_in_a_cell() -> int:
            rows, columns = view.window("values")
            count = """(canvas, [rows, columns]) => {
                const [w, h] = [Math.floor(canvas.width / columns), Math.floor(canvas.height / rows)];
                const { data } = canvas.getContext("2d").getImageData(1, 1, w - 2, h - 2);
                return new Set(new Uint32Array(data.buffer)).size;
            }"""
            return int(view.panel("values").locator("canvas").evaluate(count, [len(rows), len(columns)]))

        zoom_in(view, turns=2)
        assert most_colors_in_a_cell() == 1
        zoom_in(view, turns=10)
        page.page.evaluate(NEXT_FRAME)
        assert most_colors_in_a_cell() > 10


# --- together ---

WATCH_FRAMES = """() => {
    let frame = 0;
    const count = () => { frame += 1; requestAnimationFrame(count); };
    requestAnimationFrame(count);
    window.seen = [];
    const observer = new MutationObserver(changes => {
        for (const { target } of changes) window.seen.push([target.dataset.panel, frame]);
    });
    for (const panel of document.querySelectorAll("[data-panel]"))
        observer.observe(panel, { attributeFilter: ["data-frames"] });
}"""


def weights_trace() -> Trace:
    weights = np.random.default_rng(1).dirichlet(np.full(30, 0.2), size=(2, 24, 1, 2)).astype(np.float32)
    return Trace.from_arrays({"write_weights": weights[0], "read_weights": weights[1]})


def test_linked_heatmaps_zoom_in_the_same_frame(opened: Opener) -> None:
    """Those of the same axes and size, in all views of one selection; the others stay as they are."""
    selection = Selection()
    other = Heatmap(weights_trace()["read_weights"].isel(batch=0), y="slot", x="time", selection=selection)
    unlike = heatmap(make_values(24, 30, 7), selection=selection)
    with opened(ReadWriteView(weights_trace(), selection=selection), other, unlike) as page:
        first, second, third = (ViewOnPage(page.page, number) for number in range(3))
        names = ["write_weights_0", "read_weights_0", "read_weights_1"]
        for name in names:
            first.wait_painted(name)
        second.wait_painted("read_weights")
        third.wait_painted("values")
        page.page.evaluate(WATCH_FRAMES)
        page.page.keyboard.down("Shift")
        first.drag("write_weights_0", (0.3, 0.3), (0.6, 0.7))
        page.page.keyboard.up("Shift")
        first.wait_window("write_weights_0", ZOOMED)
        window = first.panel("write_weights_0").get_attribute("data-window") or ""
        for name in names:
            first.wait_window(name, window)
        second.wait_window("read_weights", window)
        third.wait_window("values", "whole")
        seen = page.page.evaluate("() => window.seen")
        assert len({frame for _, frame in seen}) == 1
        assert {"read_weights", *names} <= {name for name, _ in seen}
        assert len(seen) == len({name for name, _ in seen}), "each is painted once"


def test_linked_zoom_is_a_choice(opened: Opener) -> None:
    """Unlinked, each panel goes its own way; linked again, all show what was chosen last."""
    with opened(ReadWriteView(weights_trace())) as page:
        view = ViewOnPage(page.page)
        view.wait_painted("write_weights_0")
        toggle = 'input[data-toggle="link zoom"]'
        with view.unfolded(toggle) as link:
            expect(link).to_be_checked()
            link.uncheck()
        page.page.keyboard.down("Shift")
        view.drag("write_weights_0", (0.3, 0.3), (0.6, 0.7))
        page.page.keyboard.up("Shift")
        view.wait_window("write_weights_0", ZOOMED)
        view.wait_window("read_weights_0", "whole")
        with view.unfolded(toggle) as link:
            link.check()
        view.wait_window("read_weights_0", ZOOMED)


def test_nothing_is_offered_where_there_is_nothing_to_link(view: ViewOnPage) -> None:
    """One heatmap alone has no such control."""
    expect(view.root.get_by_text("link zoom")).to_be_hidden()


# --- how much is drawn ---


def texels(view: ViewOnPage) -> tuple[int, int]:
    across, down = (view.panel("values").get_attribute("data-texels") or "").split("x")
    return int(across), int(down)


@pytest.mark.parametrize("ratio", [1, 2])
def test_no_more_texels_are_painted_than_the_screen_has(opened: Opener, ratio: int) -> None:
    """Of a large array the device's pixels, zoomed or not; of few cells, the cells. A hot one is seen."""
    values = np.zeros((1, 1500, 2000), np.float32)
    values[0, 700, 300] = 1
    with opened(heatmap(values), device_scale_factor=ratio) as page:
        view = ViewOnPage(page.page)
        view.wait_painted("values")
        size = "canvas => [canvas.width, canvas.height]"
        width, height = view.panel("values").locator("canvas").evaluate(size)
        assert texels(view) == (min(width, 2000), min(height, 1500))
        page.page.keyboard.down("Shift")
        view.drag("values", (0.05, 0.4), (0.25, 0.55))
        page.page.keyboard.up("Shift")
        view.wait_window("values", ZOOMED)
        rows, columns = view.window("values")
        assert texels(view) == (min(width, len(columns)), min(height, len(rows)))
        page.page.keyboard.down("Shift")
        across = (300.5 - columns[0]) / len(columns)
        down = (700.5 - rows[0]) / len(rows)
        view.drag("values", (across - 0.01, down - 0.03), (across + 0.01, down + 0.03))
        page.page.keyboard.up("Shift")
        view.wait_window("values", re.compile(r"^(69|70)\d-"))
        rows, columns = view.window("values")
        assert texels(view) == (len(columns), len(rows))
        cells = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
        colors = view.cell_colors("values", cells, len(rows), len(columns))
        hot = (700 - rows[0]) * len(columns) + 300 - columns[0]
        assert len(set(colors)) == 2
        assert [i for i, color in enumerate(colors) if colors.count(color) == 1] == [hot]


def test_a_page_that_keeps_fewer_cells_zooms_to_the_right_place(opened: Opener) -> None:
    """Exported as colours, 700 cells are kept as 512: a hot one stays where it is, to one kept cell."""
    values = np.zeros((1, 700, 700), np.float32)
    values[0, 350, 350] = 1
    with opened(heatmap(values), precision="display") as page:
        view = ViewOnPage(page.page)
        view.wait_painted("values")
        page.page.keyboard.down("Shift")
        view.drag("values", (0.48, 0.48), (0.53, 0.53))
        page.page.keyboard.up("Shift")
        view.wait_window("values", ZOOMED)
        rows, columns = view.window("values")
        find = """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const words = new Uint32Array(data.buffer);
            const hot = [...words.keys()].filter(i => words[i] !== words[0]);
            const middle = list => (Math.min(...list) + Math.max(...list) + 1) / 2;
            return [middle(hot.map(i => i % canvas.width)) / canvas.width,
                    middle(hot.map(i => Math.floor(i / canvas.width))) / canvas.height];
        }"""
        across, down = view.panel("values").locator("canvas").evaluate(find)
        assert abs(columns[0] + across * len(columns) - 350.5) < 700 / 512
        assert abs(rows[0] + down * len(rows) - 350.5) < 700 / 512


def test_many_changes_in_a_frame_are_one_picture(view: ViewOnPage) -> None:
    """Slider, zoom and hover moved twenty times over before the screen shows anything."""
    before = view.frames("values")
    view.page.evaluate(
        """async () => {
            const slider = document.querySelector('input[data-dim="time"]');
            const canvas = document.querySelector("canvas");
            const box = canvas.getBoundingClientRect();
            for (let i = 0; i < 20; i += 1) {
                slider.value = String(1 + i % 3);
                slider.dispatchEvent(new Event("input", { bubbles: true }));
                const place = { clientX: box.left + 100 + i, clientY: box.top + 50 };
                const at = { ...place, bubbles: true, cancelable: true };
                canvas.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: -60, ctrlKey: true }));
                canvas.dispatchEvent(new PointerEvent("pointermove", at));
            }
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        }"""
    )
    view.wait_window("values", ZOOMED)
    assert view.frames("values") == before + 1


def test_of_a_hundred_heatmaps_those_near_the_screen_are_drawn(opened: Opener) -> None:
    """All have a first picture; the others wait until they come near, or are printed. No node is added."""
    selection = Selection()
    views = [heatmap(make_values(6, 12, 9), selection=selection, height_px=120) for _ in range(100)]
    with opened(*views) as page:
        shown = [ViewOnPage(page.page, number) for number in range(100)]
        for one in (shown[0], shown[99]):
            one.wait_painted("values")
        frames = (
            "() => [...document.querySelectorAll('[data-panel]')].map(panel => Number(panel.dataset.frames))"
        )
        painted = "() => [...document.querySelectorAll('[data-panel]')].map(panel => panel.dataset.painted)"
        nodes = "() => document.getElementsByTagName('*').length"
        first, tree = page.page.evaluate(frames), page.page.evaluate(nodes)
        assert min(first) >= 1
        slider = shown[0].slider("time")
        for time in range(1, 6):
            slider.press("ArrowRight")
            shown[0].wait_painted("values", f"time={time}")
        page.page.evaluate(NEXT_FRAME)
        drawn = np.subtract(page.page.evaluate(frames), first)
        reach = """() => [...document.querySelectorAll("[data-panel]")].map(panel => {
            const { top } = panel.getBoundingClientRect();
            return top < innerHeight ? "seen" : top > innerHeight + 2000 ? "far" : "near";
        })"""
        places = np.array(page.page.evaluate(reach))
        assert (places == "far").sum() > 70
        assert set(drawn[places == "far"]) == {0}
        assert set(drawn[places == "seen"]) == {5}
        assert page.page.evaluate(nodes) == tree

        shown[60].root.scroll_into_view_if_needed()
        shown[60].wait_painted("values", "time=5")
        assert page.page.evaluate(painted)[99] == "time=0"
        page.page.evaluate("() => { dispatchEvent(new Event('beforeprint')); }")
        assert set(page.page.evaluate(painted)) == {"time=5"}
        page.page.evaluate("() => { dispatchEvent(new Event('afterprint')); }")


def test_out_of_sight_a_view_takes_the_theme_at_once(opened: Opener) -> None:
    """All but its pictures, which are drawn anew when they come near."""
    with opened(*[heatmap(make_values(6, 12, 9), height_px=120) for _ in range(30)]) as page:
        last = ViewOnPage(page.page, 29)
        last.wait_painted("values")
        zero = last.cell_colors("values", [(0, 0)], 12, 9)
        page.page.evaluate("() => scrollTo(0, 0)")
        page.page.evaluate(NEXT_FRAME)
        drawn = last.frames("values")
        page.page.emulate_media(color_scheme="dark")
        expect(page.page.locator(".nsmw-root[data-theme=dark]")).to_have_count(30)
        assert last.frames("values") == drawn
        last.root.scroll_into_view_if_needed()
        expect(last.panel("values")).not_to_have_attribute("data-frames", str(drawn))
        assert last.cell_colors("values", [(0, 0)], 12, 9) != zero


def test_no_node_is_left_by_zooming(view: ViewOnPage) -> None:
    """A few more labels while it lasts, and as many as before when all is shown again."""
    nodes = "() => document.getElementsByTagName('*').length"
    before = view.page.evaluate(nodes)
    for _ in range(3):
        zoom_in(view, turns=6, at=(0.2, 0.8))
        assert view.page.evaluate(nodes) < before + 100
        view.page.mouse.dblclick(*view.point("values", 0.5, 0.5))
        view.wait_window("values", "whole")
        assert view.page.evaluate(nodes) == before


# --- pictures, fingers ---


def test_a_saved_picture_shows_what_is_on_show_and_says_so(view: ViewOnPage) -> None:
    """The name of the file, too."""
    view.page.keyboard.down("Shift")
    view.drag("values", (0.5, 0.5), (0.74, 0.74))
    view.page.keyboard.up("Shift")
    view.wait_window("values", "32-47,20-29")
    view.root.locator(".nsmw-menu > button").click()
    with view.page.expect_download() as caught:
        view.root.locator('[data-id="picture"], [data-item="picture"]').first.click()
    assert "rows-32-47-columns-20-29" in caught.value.suggested_filename


@pytest.fixture
def touched(browser: Browser, tmp_path: Path) -> Iterator[ViewOnPage]:
    """Views on a screen that is touched, more than it is high."""
    path = tmp_path / "touched.html"
    widgets_to_html([heatmap(make_values()) for _ in range(4)], path)
    context = browser.new_context(viewport={"width": 800, "height": 700}, has_touch=True, offline=True)
    try:
        page = context.new_page()
        page.goto(path.as_uri())
        expect(page.locator("html")).to_have_attribute("data-nsmw-ready", "true", timeout=30_000)
        view = ViewOnPage(page)
        view.wait_painted("values")
        yield view
    finally:
        context.close()


def test_two_fingers_zoom_and_one_then_pans(touched: ViewOnPage) -> None:
    """One finger scrolls the page, until the heatmap is zoomed."""
    page, view = touched.page, touched
    fingers = Fingers(page)
    x, y = view.point("values", 0.5, 0.5)
    fingers.glide([(x, y + 60)], [(x, y - 60)])
    expect(page.locator("html")).not_to_have_js_property("scrollTop", 0)
    view.wait_window("values", "whole")

    x, y = view.point("values", 0.5, 0.5)
    fingers.glide([(x - 30, y), (x + 30, y)], [(x - 60, y), (x + 60, y)])
    view.wait_window("values", ZOOMED)
    page.evaluate(NEXT_FRAME)
    rows, _ = view.window("values")
    assert abs(len(rows) - SLOTS / 2) <= 4
    assert_window_painted(view, make_values())
    scrolled = page.evaluate("() => scrollY")
    fingers.glide([(x, y)], [(x, y - 80)])
    view.wait_window("values", re.compile(rf"^(?!{rows[0]}-)"))
    assert view.window("values")[0][0] > rows[0]
    assert page.evaluate("() => scrollY") == scrolled


class Fingers:
    """Real touches, by the browser's own protocol."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def glide(self, start: list[tuple[float, float]], end: list[tuple[float, float]], steps: int = 6) -> None:
        """Put fingers down, move each in a straight line, and lift them."""
        self._send("touchStart", start)
        for step in range(1, steps + 1):
            share = step / steps
            self._send(
                "touchMove",
                [
                    (a + (c - a) * share, b + (d - b) * share)
                    for (a, b), (c, d) in zip(start, end, strict=True)
                ],
            )
        self._send("touchEnd", [])

    def _send(self, kind: str, points: list[tuple[float, float]]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
