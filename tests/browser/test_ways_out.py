"""Ways out of a view that need no kernel: a picture of it as a download, values in the clipboard."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Download, expect

from nsm_widgets import Heatmap
from tests.browser.harness import JupyterLab, NotebookPage
from tests.browser.static_page import static_page
from tests.browser.views import ViewOnPage

PRELUDE = """
import numpy as np
from nsm_widgets import AttentionView, Heatmap, Trace
from nsm_widgets.widgets import MemoryView, Selection
random = np.random.default_rng(0)
"""
MEMORY = """
memory = random.normal(size=(6, 1, 12, 7)).astype("f4")
memory[3, 0, 2, 4] = np.nan
view = MemoryView(Trace.from_arrays({"memory": memory}), title="A <b>title</b> / 猫 \\" ' &amp;",
    selection=Selection(slot=0))
view.selection.time = 3
view
"""
SLOTS, WORDS, STEPS = 12, 7, 6


def show(notebook: NotebookPage, source: str, panel: str) -> ViewOnPage:
    notebook.run_code(PRELUDE)
    notebook.run_cell(source)
    view = ViewOnPage(notebook.page)
    view.wait_painted(panel)
    return view


def choose(view: ViewOnPage, item: str) -> None:
    """Open the menu and take something from it."""
    view.root.locator(".nsmw-menu > button").click()
    view.root.locator(f'[data-item="{item}"]').click()


def save(view: ViewOnPage) -> tuple[Download, np.ndarray]:
    """The picture that the menu gives, and its pixels."""
    with view.page.expect_download() as caught:
        choose(view, "picture")
    download = caught.value
    with Image.open(BytesIO(Path(download.path()).read_bytes())) as image:
        assert image.format == "PNG"
        return download, np.asarray(image.convert("RGB"))


def clipboard(notebook: NotebookPage) -> str:
    text: str = notebook.page.evaluate("() => navigator.clipboard.readText()")
    return text


def say(view: ViewOnPage, text: str | re.Pattern[str]) -> None:
    """Wait until the view says so, to eyes and to ears."""
    expect(view.root.locator(".nsmw-said")).to_have_text(text)
    expect(view.root.locator(".nsmw-live")).to_have_text(text)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ratio", [1, 2])
def test_the_saved_picture_is_what_the_screen_shows_without_a_kernel(
    lab: JupyterLab, theme: str, ratio: int
) -> None:
    """Every cell has the canvas's own colour at twice its size; title, labels, bar and legend are there."""
    with lab.new(device_scale_factor=ratio) as notebook:
        notebook.set_theme("dark" if theme == "dark" else "light")
        view = show(notebook, MEMORY, "memory")
        view.wait_painted("memory", "time=3 batch=0")
        notebook.shutdown_kernel()
        cells = [(row, column) for row in range(SLOTS) for column in range(WORDS)]
        painted = view.cell_colors("memory", cells, SLOTS, WORDS)
        download, picture = save(view)
        assert download.suggested_filename == "A-b-title-b-猫-amp-time-3-slot-0.png"
        say(view, f"saved {download.suggested_filename}")
        canvas, root = (box.bounding_box() for box in (view.panel("memory").locator("canvas"), view.root))
        heading = view.root.locator(".nsmw-heading").bounding_box()
        row = view.root.locator(".nsmw-row").bounding_box()
        assert canvas is not None and root is not None and row is not None and heading is not None
        scale = 2 * ratio
        assert picture.shape[1] == round(root["width"] * scale)
        below = 10 + heading["height"] + 4 + 22
        left = canvas["x"] - root["x"]
        top = canvas["y"] - row["y"] + below
        for (r, c), color in zip(cells, painted, strict=True):
            y = int((top + (r + 0.5) * canvas["height"] / SLOTS) * scale)
            x = int((left + (c + 0.5) * canvas["width"] / WORDS) * scale)
            assert tuple(picture[y, x].tolist()) == color, (r, c)
        ground = picture[1, 1]
        assert (ground < 80).all() if theme == "dark" else (ground > 230).all()
        for name, node in {
            "heading": view.root.locator(".nsmw-heading"),
            "caption": view.panel("memory").locator(".nsmw-title"),
            "axis": view.panel("memory").locator(".nsmw-axis-y text").first,
            "bar": view.panel("memory").locator(".nsmw-axis-bar text").first,
            "chip": view.panel("memory").locator(".nsmw-chip"),
        }.items():
            box = node.bounding_box()
            assert box is not None
            dy = 10 - heading["y"] if name == "heading" else below - row["y"]
            part = picture[
                int((box["y"] + dy) * scale) : int((box["y"] + box["height"] + dy) * scale),
                int((box["x"] - root["x"]) * scale) : int((box["x"] + box["width"] - root["x"]) * scale),
            ]
            assert (np.abs(part.astype(int) - ground).max(axis=-1) > 60).any(), name
        Path("artifacts").mkdir(exist_ok=True)
        Image.fromarray(picture).save(f"artifacts/saved-{theme}-{ratio}.png")
        notebook.set_theme("light")  # the server keeps it for the tests that follow
        assert notebook.page_errors == []
        assert notebook.requests_refused == []


def test_values_are_copied_exactly_without_a_kernel(notebook: NotebookPage) -> None:
    """The hovered cell, its row, the selected row and column: tab-separated, to the last digit."""
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view = show(notebook, MEMORY, "memory")
    view.wait_painted("memory", "time=3 batch=0")
    values = np.array(notebook.python("memory[3, 0].astype('f8').tolist()"), dtype=float)
    notebook.shutdown_kernel()
    canvas = view.panel("memory").locator("canvas")
    canvas.focus()
    view.hover_cell("memory", 5, 3, SLOTS, WORDS)
    for key in ("c", "Control+c", "Meta+c"):
        notebook.page.evaluate("() => navigator.clipboard.writeText('')")
        view.page.keyboard.press(key)
        say(view, re.compile(r"^copied slot 5 · word 3 of memory: "))
        notebook.page.wait_for_function("async () => await navigator.clipboard.readText() !== ''")
        assert np.float32(clipboard(notebook)) == np.float32(values[5, 3])

    view.page.keyboard.press("r")
    say(view, "copied slot 5 of memory: 7 values")
    head, line = clipboard(notebook).split("\n")
    assert head == "word\t0\t1\t2\t3\t4\t5\t6"
    assert line.split("\t")[0] == "slot 5"
    assert (np.array(line.split("\t")[1:], dtype="f4") == values[5].astype("f4")).all()

    view.slider("slot").press("ArrowRight")
    view.slider("slot").press("ArrowRight")
    view.wait_index("slot", 2)
    choose(view, "row")
    say(view, "copied slot 2 of memory: 7 values")
    copied = clipboard(notebook).split("\n")[1].split("\t")
    assert np.array_equal(np.array(copied[1:], dtype="f4"), values[2].astype("f4"), equal_nan=True)
    assert copied[5] == "NaN"

    view.hover_cell("memory", 9, 6, SLOTS, WORDS)
    choose(view, "column")
    say(view, "copied word 6 of memory: 12 values")
    lines = [line.split("\t") for line in clipboard(notebook).split("\n")]
    assert lines[0] == ["slot", "word 6"]
    assert [line[0] for line in lines[1:]] == [str(slot) for slot in range(SLOTS)]
    assert (np.array([line[1] for line in lines[1:]], dtype="f4") == values[:, 6].astype("f4")).all()


def test_a_row_that_the_kernel_holds_is_fetched_and_copied(notebook: NotebookPage) -> None:
    """One press is enough, though most of the row's values had not been looked at."""
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    source = """
    values = random.random((4, 300, 400)).astype("f4")
    Heatmap(values, dims=("time", "slot", "word"), name="values", budget_mb=1)
    """
    view = show(notebook, dedent(source), "values")
    view.panel("values").locator("canvas").focus()
    view.hover_cell("values", 150, 200, 300, 400)
    view.page.keyboard.press("r")
    say(view, "copied slot 150 of values: 400 values")
    copied = clipboard(notebook).split("\n")[1].split("\t")[1:]
    assert np.array(copied, dtype="f4").tolist() == notebook.python("values[0, 150].astype('f8').tolist()")


@pytest.mark.own_window
def test_a_cell_is_copied_where_the_page_may_not_use_the_clipboard(notebook: NotebookPage) -> None:
    """Frames without the permission have the older way; focus stays where it was."""
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view = show(notebook, MEMORY, "memory")
    notebook.page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }"
    )
    canvas = view.panel("memory").locator("canvas")
    canvas.focus()
    view.page.keyboard.press("ArrowDown")
    view.page.keyboard.press("ArrowDown")
    view.page.keyboard.press("c")
    say(view, re.compile(r"^copied slot 1 · word 0 of memory: "))
    assert np.float32(clipboard(notebook)) == np.float32(notebook.python("float(memory[3, 0, 1, 0])"))
    expect(canvas).to_be_focused()
    notebook.page.evaluate("() => { document.execCommand = () => false; }")
    view.page.keyboard.press("r")
    say(view, "not copied: the browser does not let this page write to the clipboard")


def test_labels_that_somebody_else_wrote_stay_text(notebook: NotebookPage) -> None:
    """A token that is a formula, or holds a tab, is one field of text when pasted."""
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view = show(
        notebook,
        "weights = np.full((1, 4, 4), 0.25)\n"
        "AttentionView(Trace.from_attentions(weights, tokens=['=1+1', 'a\\tb', '<i>x</i>', '-5']))",
        "attention",
    )
    view.panel("attention").locator("canvas").focus()
    view.hover_cell("attention", 2, 0, 4, 4)
    view.page.keyboard.press("r")
    say(view, "copied query 2 “<i>x</i>” of attention: 4 values")
    head, line = clipboard(notebook).split("\n")
    assert head == "key\t'=1+1\ta\\tb\t<i>x</i>\t-5"
    assert line == "query 2 “<i>x</i>”\t0.25\t0.25\t0.25\t0.25"
    download, picture = save(view)
    assert download.suggested_filename == "attention.png"
    assert picture.size > 0


def test_the_menu_works_from_the_keyboard(notebook: NotebookPage) -> None:
    """Down opens, arrows go round, Escape closes and gives the focus back; notebook shortcuts stay quiet."""
    view = show(notebook, MEMORY, "memory")
    button = view.root.locator(".nsmw-menu > button")
    expect(button).to_have_attribute("aria-haspopup", "menu")
    button.focus()
    cells = notebook.page.locator(".jp-Notebook .jp-Cell").count()
    view.page.keyboard.press("ArrowDown")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(view.root.locator('[data-item="picture"]')).to_be_focused()
    view.page.keyboard.press("ArrowUp")
    expect(view.root.locator('[data-item="column"]')).to_be_focused()
    view.page.keyboard.press("ArrowDown")
    for key in ("a", "b", "d", "d", "x"):
        view.page.keyboard.press(key)
    expect(view.root.locator('[data-item="picture"]')).to_be_focused()
    view.page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(view.root.locator(".nsmw-menu-list")).to_be_hidden()
    assert notebook.page.locator(".jp-Notebook .jp-Cell").count() == cells
    view.page.keyboard.press("Enter")
    with view.page.expect_download():
        view.page.keyboard.press("Enter")
    expect(button).to_be_focused()
    button.click()
    expect(view.root.locator(".nsmw-menu-list")).to_be_visible()
    view.root.locator(".nsmw-heading").click()
    expect(view.root.locator(".nsmw-menu-list")).to_be_hidden()


def test_a_narrow_page_keeps_the_menu_inside(lab: JupyterLab) -> None:
    """At 600 pixels nothing leaves the view, open or closed."""
    with lab.new(viewport=(700, 900)) as notebook:
        view = show(notebook, MEMORY, "memory")
        view.root.locator(".nsmw-menu > button").click()
        for node in (view.root.locator(".nsmw-menu-list"), view.root.locator(".nsmw-menu > button")):
            inner, outer = node.bounding_box(), view.root.bounding_box()
            assert inner is not None and outer is not None
            assert outer["x"] <= inner["x"]
            assert inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1
        notebook.screenshot("menu-narrow", view.root)


def test_a_picture_is_saved_from_a_page_of_its_own_under_a_strict_policy(
    browser: Browser, tmp_path: Path
) -> None:
    """No kernel, no network, no code but the page's: the policy refuses nothing that the picture needs."""
    values = np.random.default_rng(1).normal(size=(4, 5))
    values[1, 2] = np.nan
    file = tmp_path / "view.html"
    file.write_text(static_page(Heatmap(values, dims=("query", "key"), title="Alone")), encoding="utf-8")
    page = browser.new_page(viewport={"width": 700, "height": 600})
    try:
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        view = ViewOnPage(page)
        view.wait_painted("values", "")
        cells = [(row, column) for row in range(4) for column in range(5)]
        painted = set(view.cell_colors("values", cells, 4, 5))
        download, picture = save(view)
        assert download.suggested_filename == "Alone.png"
        say(view, "saved Alone.png")
        assert painted <= {tuple(color) for color in np.unique(picture.reshape(-1, 3), axis=0).tolist()}
        axis = view.panel("values").locator(".nsmw-axis-y")
        inside = view.root.bounding_box()
        labels = axis.bounding_box()
        row = view.root.locator(".nsmw-row").bounding_box()
        heading = view.root.locator(".nsmw-heading").bounding_box()
        assert inside is not None and labels is not None and row is not None and heading is not None
        top = labels["y"] - row["y"] + 10 + heading["height"] + 4
        part = picture[
            int(2 * top) : int(2 * (top + labels["height"])),
            int(2 * (labels["x"] - inside["x"])) : int(2 * (labels["x"] + labels["width"] - inside["x"])),
        ]
        assert (part.max(axis=-1) < 120).any(), "the axis' labels, which are an image inside the picture"
        assert complaints == []
    finally:
        page.close()
