"""Strings that hurt whoever takes them for more than text, in every part of a view in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, expect

from nsm_widgets._text import escape_surrogates
from tests.browser.harness import JupyterLab, NotebookPage
from tests.browser.views import ViewOnPage
from tests.hostile import NAMES as ALL_NAMES, STRINGS, assert_no_overflow, assert_nothing_ran, shown

COUNT = len(STRINGS)
WRITTEN = [shown(escape_surrogates(text)) for text in STRINGS.values()]
"""What is shown of each where there is room: on hover, beside a slider, to a screen reader."""

TITLES = [
    STRINGS["handler-img-closed"] + STRINGS["script-closing"],
    STRINGS["direction-override"] + STRINGS["surrogate-high"] + STRINGS["long-words"],
]
NAMES = ["__proto__", "constructor", "toString", "<img src=x onerror=window.__nsmw_pwned=1>", "x" * 128]

CELL = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from nsm_widgets import AttentionView, Heatmap
from nsm_widgets.widgets import MemoryView
from tests.hostile import NAMES as ALL_NAMES
from tests.hostile import STRINGS, hostile_trace, named_trace
trace, named = hostile_trace(), named_trace()
attention = AttentionView(trace, title={TITLES[0]!r})
memory = MemoryView(trace, title={TITLES[1]!a})
display(attention, memory, trace, named)
display(*(Heatmap(named[name]) for name in {NAMES!r}))
"""

STRIP = "text => text.replace(/[\\u2068\\u2069]/g, '')"


@pytest.fixture(scope="module")
def dialogs() -> list[str]:
    return []


@pytest.fixture(scope="module")
def hostile(lab: JupyterLab, dialogs: list[str]) -> Iterator[NotebookPage]:
    """A notebook with all strings on one page, shared by the tests."""

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    with lab.new() as notebook:
        notebook.page.on("dialog", note)
        notebook.run_cell(CELL)
        ViewOnPage(notebook.page, 0).wait_painted("attention")
        ViewOnPage(notebook.page, 1).wait_painted("memory")
        expect(notebook.page.locator('.nsmw-root [data-state="ready"]')).to_have_count(3 + 2 + len(NAMES))
        yield notebook
        notebook.page.remove_listener("dialog", note)


@pytest.fixture(autouse=True)
def unhurt(hostile: NotebookPage, dialogs: list[str]) -> Iterator[None]:
    """After each test: nothing ran, nothing asked, nothing complained, nobody else was called."""
    yield
    assert_nothing_ran(hostile.page)
    assert dialogs == []
    assert hostile.page_errors == []
    assert hostile.requests_refused == []


@pytest.fixture
def attention(hostile: NotebookPage) -> ViewOnPage:
    return ViewOnPage(hostile.page, 0)


@pytest.fixture
def memory(hostile: NotebookPage) -> ViewOnPage:
    return ViewOnPage(hostile.page, 1)


def wait_text(view: ViewOnPage, node: Any, starts: str) -> None:
    """Until the node's text, without marks of isolation, begins so: to the very last space."""
    view.page.wait_for_function(
        f"([node, starts]) => ({STRIP})(node.textContent).startsWith(starts)", arg=[node, starts]
    )


def test_views_keep_their_size(hostile: NotebookPage) -> None:
    """No part reaches out of its view, no line is higher than a line, on a wide page and on a narrow one."""
    page = hostile.page
    assert_no_overflow(page)
    hostile.screenshot("hostile-attention", page.locator(".nsmw-root").nth(0))
    hostile.screenshot("hostile-memory", page.locator(".nsmw-root").nth(1))
    wide, narrow = page.viewport_size, {"width": 620, "height": 1100}
    assert wide is not None
    for size in (narrow, wide):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.wait_for_function(
            "width => Math.abs(document.querySelector('.nsmw-root').clientWidth - width) < 300",
            arg=size["width"],
        )
        assert_no_overflow(page)
        hostile.screenshot(f"hostile-{size['width']}")


def test_a_trace_shown_as_a_table_keeps_its_size(hostile: NotebookPage) -> None:
    """Names and descriptions are text in cells that fit the page."""
    tables = hostile.page.locator(".jp-OutputArea-output table")
    expect(tables).to_have_count(2)
    for place, rows in ((0, 2), (1, len(ALL_NAMES))):
        table = tables.nth(place)
        expect(table.locator("tbody tr")).to_have_count(rows)
        assert table.locator("td *").evaluate_all("nodes => nodes.map(node => node.outerHTML)") == []
        fits = "table => table.offsetWidth <= table.closest('.jp-OutputArea-output').clientWidth"
        assert table.evaluate(fits)
    expect(tables.nth(1).locator("td").filter(has_text="onerror")).not_to_have_count(0)


def test_titles_are_text(attention: ViewOnPage, memory: ViewOnPage) -> None:
    """A heading holds its title, on one line, and nothing else."""
    for view, title in ((attention, TITLES[0]), (memory, TITLES[1])):
        heading = view.root.locator(".nsmw-heading")
        assert heading.evaluate("node => node.textContent") == shown(title)
        assert heading.locator("*").count() == 0


def test_axis_labels_are_text(attention: ViewOnPage, memory: ViewOnPage) -> None:
    """Every label along an axis is one of the strings, or its beginning, and holds no element."""
    starts = {shown(text) for text in STRINGS.values()} | {str(n) for n in range(COUNT)}
    for view, panel in ((attention, "attention"), (memory, "memory")):
        axes = view.panel(panel).locator(".nsmw-axis-y text, .nsmw-axis-x text")
        labels: list[str] = axes.evaluate_all(f"nodes => nodes.map(node => ({STRIP})(node.textContent))")
        assert len(labels) > 10
        for label in labels:
            assert label in starts or any(start.startswith(label.removesuffix("…")) for start in starts)
            assert "\ud800" > label[-2:-1] or label[-2:-1] > "\udfff", "half a character"
        assert axes.locator("*").count() == 0


def test_the_readout_of_every_cell_is_text(attention: ViewOnPage) -> None:
    """Hovered, each cell tells both its labels, exactly."""
    readout = attention.panel("attention").locator(".nsmw-readout")
    node = readout.element_handle()
    for index, label in enumerate(WRITTEN):
        attention.hover_cell("attention", index, index, COUNT, COUNT)
        named = "" if label == str(index) else f" “{label}”"
        wait_text(attention, node, f"query {index}{named} · key {index}{named} = 0.")
    assert readout.locator("*").count() == 0


def test_a_screen_reader_is_told_text(attention: ViewOnPage) -> None:
    """Walked over by keys, each cell is announced with its label, on one line of bounded length."""
    canvas, live = attention.panel("attention").locator("canvas"), attention.root.locator(".nsmw-live")
    canvas.focus()
    for key in ("ArrowRight", "Home", "PageUp"):
        canvas.press(key)
    for index, label in enumerate(WRITTEN):
        told: str = live.evaluate(f"node => ({STRIP})(node.textContent)")
        assert told.startswith(f"attention: query 0 “{WRITTEN[0]}” · key {index} “{label}” = ")
        canvas.press("ArrowRight")
    assert live.locator("*").count() == 0
    canvas.press("Escape")


def test_sliders_name_every_label(memory: ViewOnPage) -> None:
    """Beside the slider and in what is read out stands the label of the slot."""
    slider = memory.slider("slot")
    value = slider.locator("xpath=..").locator("output").element_handle()
    slider.press("Home")
    for index, label in enumerate(WRITTEN):
        wait_text(memory, value, f"{index} / {COUNT - 1} “{label}”")
        told = slider.evaluate(f"node => ({STRIP})(node.getAttribute('aria-valuetext'))")
        assert told == f"slot {index} “{label}” of {COUNT - 1}"
        slider.press("ArrowRight")
    assert_no_overflow(memory.page)


@pytest.mark.parametrize(
    "which", [key for key in STRINGS if key.startswith(("direction", "hidden", "script-indic"))]
)
def test_writing_direction_stays_within_the_label(attention: ViewOnPage, which: str) -> None:
    """The words around a label stand in their order on screen, whatever its letters do."""
    index = list(STRINGS).index(which)
    attention.hover_cell("attention", index, index, COUNT, COUNT)
    node = attention.panel("attention").locator(".nsmw-readout").element_handle()
    wait_text(attention, node, f"query {index} “{WRITTEN[index]}” · key")
    lefts: list[float] = node.evaluate(
        """node => {
            const text = node.firstChild, range = document.createRange();
            const left = place => {
                range.setStart(text, place);
                range.setEnd(text, place + 1);
                return range.getBoundingClientRect().left;
            };
            const places = ["query ", "“", "”", " · ", "key ", "“", "”", " = "].reduce((found, word) => {
                const from = found.length ? found.at(-1) + 1 : 0;
                return [...found, text.data.indexOf(word, from)];
            }, []);
            return [...places, text.data.length - 1].map(left);
        }"""
    )
    assert lefts == sorted(lefts)
    assert len(set(lefts)) == len(lefts)


def test_arrays_may_be_called_like_parts_of_objects(hostile: NotebookPage) -> None:
    """A heatmap of an array named ``__proto__`` or ``toString`` shows its values under its name."""
    for number, name in enumerate(NAMES, start=2):
        view = ViewOnPage(hostile.page, number)
        panel = view.root.locator(".nsmw-panel")
        assert panel.get_attribute("data-panel") == name
        expect(panel.locator(".nsmw-title")).to_have_text(name.replace("_", " "))
        canvas = panel.locator("canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        hostile.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.75)
        expect(panel.locator(".nsmw-readout")).to_have_text("slot 1 · word 1 = 4")
