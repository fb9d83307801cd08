"""Exported pages in a real browser: one file, no kernel, no network, and everything still moves."""

from __future__ import annotations

import csv
import json
import re
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import ipywidgets
import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from nsm_widgets import AttentionView, Heatmap, NTMExplorer, Trace
from nsm_widgets._checksums import text_sum
from nsm_widgets.export import notebook_to_html, widgets_to_html
from nsm_widgets.view import (
    color_codes,
    default_coloring,
    memory_layout,
    paint,
    rank_thresholds,
    shown_indices,
)
from nsm_widgets.widgets import LineChart, MemoryView, ReadWriteView, Selection
from tests import hostile
from tests.browser.harness import ExportedPage, drag_range, open_exported
from tests.browser.harness.lab import REPOSITORY
from tests.browser.harness.window import collect_errors
from tests.browser.views import ViewOnPage

Theme = Literal["light", "dark"]
STEPS, SLOTS, WORDS = 12, 16, 8


def make_trace(*, steps: int = STEPS, slots: int = SLOTS, words: int = WORDS) -> Trace:
    random = np.random.default_rng(5)
    weights = random.dirichlet(np.full(slots, 0.2), size=(2, steps, 1, 2)).astype(np.float32)
    memory = random.normal(size=(steps, 1, slots, words)).astype(np.float32)
    return Trace.from_arrays({"memory": memory, "write_weights": weights[0], "read_weights": weights[1]})


def expected_colors(
    trace: Trace, name: str, theme: Theme = "light", scale: str = "linear", **at: int
) -> list[list[tuple[int, ...]]]:
    array = trace[name]
    coloring = default_coloring(array)
    thresholds = rank_thresholds(array.values, magnitudes=coloring.domain.diverging)
    codes = color_codes(array.isel(**at).values, coloring.domain, scale, quantiles=thresholds)  # type: ignore[arg-type]
    return [[tuple(color) for color in row] for row in paint(codes, coloring.cmap, theme).tolist()]


def assert_memory_painted(view: ViewOnPage, trace: Trace, time: int, theme: Theme = "light") -> None:
    """Every cell of the memory that is shown has the very colour that Python computes."""
    view.wait_painted("memory", f"time={time} batch=0")
    _, _, rows, columns = trace["memory"].shape
    slots = shown_indices(memory_layout(trace)[0][0][0], "slot", rows, 0) or list(range(rows))
    cells = [(row, column) for row in range(len(slots)) for column in range(columns)]
    painted = view.cell_colors("memory", cells, len(slots), columns)
    colors = expected_colors(trace, "memory", theme, time=time, batch=0)
    assert painted == [colors[slots[row]][column] for row, column in cells]
    assert len(set(painted)) > 10, "a picture of few colours shows little"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_exported_view_is_alive_in_both_themes(browser: Browser, pages: Path, theme: Theme) -> None:
    """Slider, keys, hover, click and play work as in the notebook; pixels are Python's colours."""
    trace = make_trace()
    view = NTMExplorer(trace, title="A <b>bold</b> title")
    view.selection.time = 3
    written = view.to_html(pages / f"view-{theme}.html")
    with open_exported(browser, Path(written), theme=theme) as opened:
        shown = ViewOnPage(opened.page)
        expect(opened.page.locator("h1")).to_have_text("A <b>bold</b> title")
        expect(shown.root.locator(".nsmw-heading")).to_be_hidden()  # the page's heading says it already
        expect(opened.page.locator(".nsmw-page-said")).to_contain_text("exact values")
        expect(shown.root).to_have_attribute("data-theme", theme)
        assert_memory_painted(shown, trace, 3, theme)
        shown.drag_slider("time", 1.0)
        assert_memory_painted(shown, trace, STEPS - 1, theme)
        shown.slider("time").press("ArrowLeft")
        assert_memory_painted(shown, trace, STEPS - 2, theme)
        opened.page.keyboard.press(",")
        assert_memory_painted(shown, trace, STEPS - 3, theme)
        shown.click_cell("write_weights_0", 5, 4, SLOTS, STEPS)
        shown.wait_index("time", 4)
        shown.wait_index("slot", 5)
        shown.hover_cell("memory", 2, 7, SLOTS, WORDS)
        value = trace["memory"].values[4, 0, 2, 7]
        shown.wait_readout("memory", f"slot 2 · word 7 = {value!s}")
        shown.choose("scale", "rank")
        shown.press("first")
        shown.press("play")
        shown.wait_index("time", STEPS - 1)
        opened.page.screenshot(path=REPOSITORY / "artifacts" / f"export-view-{theme}.png", full_page=True)


def test_the_page_forbids_eval_and_other_hosts(browser: Browser, pages: Path) -> None:
    """A strict policy stands in the page, and the browser holds it."""
    view = MemoryView(make_trace())
    text = str(view.to_html())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src &#x27;none&#x27;" in policy[1] or "default-src 'none'" in policy[1]
    assert "unsafe-eval" not in policy[1] and "http" not in policy[1] and "*" not in policy[1]
    assert not re.search(r'(src|href)\s*=\s*["\']?https?:', text)
    path = pages / "strict.html"
    path.write_text(text)
    with open_exported(browser, path) as opened:
        with opened.page.expect_console_message(lambda message: "unsafe-eval" in message.text):
            opened.page.evaluate("() => { setTimeout('window.ran = true', 0); }")
        assert opened.page.evaluate("() => window.ran") is None
        fetched = opened.page.evaluate(
            "() => fetch('https://example.com').then(() => 'got', () => 'refused')"
        )
        assert fetched == "refused"
        opened.errors.clear()  # the two refusals above
        opened.requests.clear()


def test_two_views_of_one_page_are_linked_by_their_selection_alone(browser: Browser, pages: Path) -> None:
    """Views that share a selection move together, another view on the page does not."""
    trace, other = make_trace(), make_trace(steps=7)
    selection = Selection(time=2)
    widgets = [
        MemoryView(trace, selection=selection),
        ReadWriteView(trace, selection=selection),
        MemoryView(other, selection=Selection(time=0)),
    ]
    with open_exported(browser, Path(widgets_to_html(widgets, pages / "two.html", title="Two"))) as opened:
        memory, weights, alone = (ViewOnPage(opened.page, number) for number in range(3))
        weights.drag_slider("time", 1.0)
        assert_memory_painted(memory, trace, STEPS - 1)
        assert_memory_painted(alone, other, 0)
        alone.slider("time").press("End")
        assert_memory_painted(alone, other, 6)
        memory.wait_index("time", STEPS - 1)


def test_controls_of_ipywidgets_stay_linked(browser: Browser, pages: Path) -> None:
    """A jslinked slider in a box moves the views, and they move it; Tab, Accordion and Output show theirs."""
    trace = make_trace()
    memory = MemoryView(trace)
    slider = ipywidgets.IntSlider(min=0, max=STEPS - 1, description="step")
    ipywidgets.jslink((slider, "value"), (memory.selection, "time"))
    hidden = Heatmap(np.eye(5, dtype=np.float32), dims=("query", "key"), name="identity")
    tab = ipywidgets.Tab([ipywidgets.Label("first"), hidden], titles=["one", "two"])
    output = ipywidgets.Output()
    output.append_stdout("printed <i>before</i>\n")
    play = ipywidgets.Play(min=0, max=3)
    box = ipywidgets.VBox([slider, memory, tab, output, play])
    with open_exported(browser, Path(widgets_to_html(box, pages / "controls.html"))) as opened:
        view = ViewOnPage(opened.page, 0)
        assert_memory_painted(view, trace, 0)
        handle = opened.page.locator(".widget-slider .noUi-handle")
        handle.focus()
        opened.page.keyboard.press("ArrowRight")
        assert_memory_painted(view, trace, 1)
        view.slider("time").press("End")
        expect(opened.page.locator(".widget-readout").first).to_have_text(str(STEPS - 1))
        second = ViewOnPage(opened.page, 1)
        expect(second.root).to_be_hidden()
        opened.page.locator(".lm-TabBar-tab").nth(1).click()
        second.wait_painted("identity")
        expect(second.panel("identity").locator("canvas")).to_be_visible()
        expect(opened.page.locator(".nsmw-page-output pre")).to_have_text("printed <i>before</i>\n")
        opened.page.screenshot(path=REPOSITORY / "artifacts" / "export-controls.png", full_page=True)


@pytest.mark.parametrize("scale", ["linear", "log", "rank"])
def test_colours_only_are_the_very_colours(browser: Browser, pages: Path, scale: str) -> None:
    """With ``display`` the page paints what the notebook painted, and calls its values approximate."""
    trace = make_trace()
    view = MemoryView(trace, scale=scale)
    path = Path(view.to_html(pages / f"display-{scale}.html", precision="display"))
    with open_exported(browser, path) as opened:
        shown = ViewOnPage(opened.page)
        shown.slider("time").press("End")
        shown.wait_painted("memory", f"time={STEPS - 1} batch=0")
        cells = [(row, column) for row in range(SLOTS) for column in range(WORDS)]
        colors = expected_colors(trace, "memory", scale=scale, time=STEPS - 1, batch=0)
        assert shown.cell_colors("memory", cells, SLOTS, WORDS) == [colors[r][c] for r, c in cells]
        expect(opened.page.locator(".nsmw-page-said")).to_contain_text("display only: colours")
        expect(shown.panel("memory").locator(".nsmw-chip")).to_have_text("colours only")
        shown.hover_cell("memory", 3, 3, SLOTS, WORDS)
        shown.wait_readout("memory", re.compile(r"slot 3 · word 3 ≈ -?\d"))


def test_rounded_values_are_named_and_marked(browser: Browser, pages: Path) -> None:
    """With ``float16`` hover gives the rounded value behind an ≈, NaN and infinities stay what they are."""
    values = np.random.default_rng(1).normal(size=(3, 300, 400)).astype(np.float32)
    values[1, 0, 0], values[1, 0, 1] = np.nan, np.inf
    view = Heatmap(values, dims=("time", "slot", "word"), height_px=600)
    with open_exported(browser, Path(view.to_html(pages / "float16.html", precision="float16"))) as opened:
        shown = ViewOnPage(opened.page)
        expect(opened.page.locator(".nsmw-page-said")).to_contain_text("float16")
        shown.slider("time").press("ArrowRight")
        shown.wait_painted("values", "time=1")
        expect(shown.panel("values").locator(".nsmw-chip")).to_contain_text(["1 NaN", "1 ±inf", "float16"])
        shown.hover_cell("values", 200, 300, 300, 400)
        expected = float(f"{float(np.float16(values[1, 200, 300])):.4g}")
        shown.wait_readout("values", re.compile("slot 200 · word 300 ≈ "))
        assert float(shown.readout("values").split("≈ ")[1]) == expected


def test_large_pictures_of_colours_keep_a_single_hot_cell(browser: Browser, pages: Path) -> None:
    """Pooled to 512 texels a side, the strongest cell is shown, and the legend says how many share one."""
    values = np.zeros((1500, 1500), np.float32)
    values[1234, 567] = 1
    view = Heatmap(values, dims=("query", "key"))
    with open_exported(browser, Path(view.to_html(pages / "hot.html", precision="display"))) as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("values")
        expect(shown.panel("values").locator(".nsmw-chip").first).to_have_text(re.compile("^peak of "))
        colors = """canvas => {
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const cells = Array.from({length: data.length / 4}, (_, i) => data.slice(4 * i, 4 * i + 3));
            return new Set(cells.map(String)).size;
        }"""
        assert shown.panel("values").locator("canvas").evaluate(colors) == 2
        shown.hover_cell("values", 1234, 567, 1500, 1500)
        shown.wait_readout("values", re.compile("query 1234 · key 567 ≈ 1$"))


def test_printing_gives_the_current_frame(browser: Browser, pages: Path) -> None:
    """The PDF holds the very colours of the step on show, not those of the first; then all is as before."""
    trace = make_trace()
    with open_exported(browser, Path(MemoryView(trace).to_html(pages / "print.html")), width=720) as opened:
        shown = ViewOnPage(opened.page)
        shown.slider("time").press("End")
        assert_memory_painted(shown, trace, STEPS - 1)
        read = """canvas => {
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return [...data].filter((_, i) => i % 4 < 3);
        }"""
        before = shown.panel("memory").locator("canvas").bounding_box()
        opened.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
        pixels = bytes(shown.panel("memory").locator("canvas").evaluate(read))
        opened.page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
        colors = expected_colors(trace, "memory", time=STEPS - 1, batch=0)
        cells = bytes(channel for row in colors for color in row for channel in color)
        images = images_of(opened.page.pdf(format="A4", print_background=True))
        assert pixels in images or cells in images  # as painted, or one pixel for each cell and scaled
        shown.slider("time").press("Home")
        assert_memory_painted(shown, trace, 0)
        assert shown.panel("memory").locator("canvas").bounding_box() == before


def test_paper_cuts_nothing_off(browser: Browser, pages: Path) -> None:
    """Laid out for paper, views and charts end within its width, whatever the width of the screen."""
    widgets = [NTMExplorer(make_trace()), LineChart(make_trace(), "write_weights", lines="slot")]
    path = Path(widgets_to_html(widgets, pages / "paper.html"))
    with open_exported(browser, path, width=1900) as opened:
        page = opened.page
        page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        right = """() => Math.max(...[...document.querySelectorAll(
            '.nsmw-page-live, .nsmw-panel, .nsmw-plot canvas, .bqplot.figure, .bqplot .plotarea_events'
        )].map(node => node.getBoundingClientRect().right - document.querySelector('main').offsetLeft))"""
        assert 500 < page.evaluate(right) <= 690
        page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert page.evaluate(right) > 1000


def images_of(pdf: bytes) -> list[bytes]:
    """Every stream of a PDF that zlib can open: its pictures are among them."""
    found = []
    for match in re.finditer(rb"stream\r?\n", pdf):
        try:
            found.append(zlib.decompressobj().decompress(pdf[match.end() :]))
        except zlib.error:
            continue
    return found


@pytest.mark.parametrize("frame", ["file", "sandboxed text"])
def test_a_page_lives_inside_an_iframe(browser: Browser, pages: Path, frame: str) -> None:
    """As a document's frame, and as the text of a sandboxed frame that may run scripts and nothing else."""
    trace = make_trace()
    page = str(MemoryView(trace).to_html())
    (pages / "inner.html").write_text(page)
    quoted = page.replace("&", "&amp;").replace('"', "&quot;")
    source = 'src="inner.html"' if frame == "file" else f'sandbox="allow-scripts" srcdoc="{quoted}"'
    outer = pages / f"outer-{frame.replace(' ', '-')}.html"
    outer.write_text(
        '<!doctype html><meta charset="utf-8"><html data-nsmw-ready="true">'
        f'<iframe {source} width="1200" height="700"></iframe></html>'
    )
    context = browser.new_context(offline=True)
    try:
        opened = context.new_page()
        opened.goto(outer.as_uri())
        inside = opened.frame_locator("iframe")
        expect(inside.locator("html")).to_have_attribute("data-nsmw-ready", "true", timeout=30_000)
        slider = inside.locator('input[type=range][data-dim="time"]')
        drag_range(slider, 1.0)
        expect(inside.locator('[data-panel="memory"]')).to_have_attribute(
            "data-painted", f"time={STEPS - 1} batch=0"
        )
    finally:
        context.close()


def test_a_page_without_scripts_shows_the_pictures(browser: Browser, pages: Path) -> None:
    """Where JavaScript is off, each view's picture stands in its place, with its summary in words."""
    path = Path(MemoryView(make_trace()).to_html(pages / "noscript.html"))
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(path.as_uri())
        picture = page.locator("img.nsmw-page-picture")
        expect(picture).to_be_visible()
        assert "memory (time: 12" in (picture.get_attribute("alt") or "")
    finally:
        context.close()


# --- notebooks ---


@pytest.fixture(scope="module")
def quickstart(browser: Browser, pages: Path) -> Iterator[ExportedPage]:
    path = notebook_to_html(
        REPOSITORY / "notebooks" / "01_quickstart.ipynb", pages / "quickstart.html", execute=True
    )
    with open_exported(browser, path) as opened:
        yield opened


def quickstart_trace() -> Trace:
    """What the quickstart records: the same model, the same seed."""
    from nsm_widgets import TraceRecorder, load_pretrained
    from nsm_widgets.tasks import CopyTask

    model = load_pretrained("copy")
    batch = CopyTask().batch(1, torch.Generator().manual_seed(2014), length=20)
    with torch.no_grad(), TraceRecorder(model) as recorder:
        model(batch.inputs)
    return recorder.trace


def test_the_quickstart_page_is_alive(quickstart: ExportedPage) -> None:
    """All three views painted; a drag in one moves the other, with Python's colours."""
    explorer, memory, attention = (ViewOnPage(quickstart.page, number) for number in range(3))
    trace = quickstart_trace()
    explorer.drag_slider("time", 0.5)
    assert_memory_painted(explorer, trace, 20)
    memory.wait_painted("memory", "time=20 batch=0")
    memory.slider("time").press("Home")
    assert_memory_painted(explorer, trace, 0)
    attention.wait_painted("attention")
    attention.slider("head").press("End")
    attention.wait_painted("attention", "layer=0 batch=0 head=11")
    quickstart.page.screenshot(path=REPOSITORY / "artifacts" / "export-quickstart.png", full_page=True)


def test_the_quickstart_page_keeps_text_and_code(quickstart: ExportedPage) -> None:
    """Prose, code with its colours, and printed output are there; no math or script library was asked for."""
    page = quickstart.page
    expect(page.locator("h1").first).to_have_text(re.compile("See inside"))
    expect(page.locator(".highlight").first).to_contain_text("import torch")
    expect(page.locator(".jp-OutputArea-output pre").first).to_contain_text("wrong bits in the copy: 0")
    assert page.title() != ""


@pytest.fixture(scope="module")
def charts(browser: Browser, pages: Path) -> Iterator[ExportedPage]:
    path = notebook_to_html(
        REPOSITORY / "notebooks" / "02_charts_and_export.ipynb", pages / "charts.html", execute=True
    )
    with open_exported(browser, path) as opened:
        yield opened


def wait_cursor(page: Page, step: int, *, steps: int = 41) -> None:
    """Until the dashed line of the first bqplot figure stands at this step."""
    read = """figure => {
        const x = Number(figure.querySelector('.curve .line').getAttribute('d').match(/^M([-\\d.e]+)/)[1]);
        return x / figure.querySelector('.plotarea_events').width.baseVal.value;
    }"""
    deadline = time.monotonic() + 10
    while (found := page.locator(".bqplot.figure").first.evaluate(read) * (steps - 1)) != pytest.approx(
        step, abs=0.02
    ):
        assert time.monotonic() < deadline, f"the cursor should stand at {step}, and stands at {found}"


def test_the_charts_page_moves_bqplot_with_the_maps(charts: ExportedPage) -> None:
    """The slider of the maps moves bqplot's cursor; ipywidgets' slider and Play move both."""
    maps = ViewOnPage(charts.page, 0)
    maps.wait_painted("write_weights_0")
    maps.drag_slider("time", 0.25)
    maps.wait_index("time", 10)
    wait_cursor(charts.page, 10)
    handle = charts.page.locator(".noUi-handle")
    expect(handle).to_have_attribute("aria-valuenow", re.compile(r"^10(\.0)?$"))
    handle.press("ArrowRight")
    maps.wait_index("time", 11)
    wait_cursor(charts.page, 11)
    charts.page.screenshot(path=REPOSITORY / "artifacts" / "export-charts.png", full_page=True)


def test_another_batch_item_swaps_the_lines_of_the_page(charts: ExportedPage) -> None:
    """bqplot draws the other values; the map shows the same item."""
    maps = ViewOnPage(charts.page, 0)
    lines = charts.page.locator(".bqplot.figure").first.locator("path.line")
    before = [path.get_attribute("d") for path in lines.all()]
    maps.slider("batch").press("End")
    maps.wait_painted("write_weights_0", "batch=1 head=0")
    expect(lines.last).not_to_have_attribute("d", before[-1] or "")


def test_a_chart_in_a_closed_tab_is_drawn_when_shown(charts: ExportedPage) -> None:
    """Hidden at size 0 at first, bqplot's figure has its room once its tab is chosen."""
    charts.page.get_by_role("tab", name="read strength").click()
    figure = charts.page.locator(".bqplot.figure:visible").first
    expect(figure.locator(".axislabel").first).to_be_visible()
    expect(figure.locator("rect").first).to_have_attribute("width", re.compile(r"^[1-9]\d{2,}"))


def test_hostile_strings_are_text_in_a_page(browser: Browser, pages: Path) -> None:
    """Labels, names and titles that would run, break out or turn text around do nothing of it."""
    title = "".join(hostile.STRINGS.values())[:5_000]
    named = hostile.named_trace()
    widgets = [
        AttentionView(hostile.hostile_trace(), title=title),
        MemoryView(hostile.hostile_trace(), title=title),
        *(Heatmap(array, title=name, height_px=60) for name, array in named.items()),
    ]
    path = Path(widgets_to_html(widgets, pages / "hostile.html", title=title))
    with open_exported(browser, path) as opened:
        page = opened.page
        attention = ViewOnPage(page, 0)
        attention.wait_painted("attention")
        count = len(hostile.STRINGS)
        for index, text in enumerate(hostile.STRINGS.values()):
            if index % 8 == 0:
                attention.hover_cell("attention", index, index, count, count)
                attention.wait_readout(
                    "attention", re.compile(f"^query {index} “.*” · key {index} “.*” = 0", re.S)
                )
                if text.isascii() and text.isprintable() and 0 < len(text) < 100:
                    assert f"query {index} “{text}”" in attention.readout("attention")
        panels = page.locator(".nsmw-panel[data-state]")
        expect(page.locator('.nsmw-panel[data-state="ready"]')).to_have_count(len(named) + 5)
        expect(panels).to_have_count(len(named) + 5)
        hostile.assert_nothing_ran(page)
        page.mouse.move(0, 0)  # the box by the pointer may reach out of a view
        expect(page.locator(".nsmw-tip:visible")).to_have_count(0)
        hostile.assert_no_overflow(page)
        page.screenshot(path=REPOSITORY / "artifacts" / "export-hostile.png")


@pytest.mark.parametrize("ending", ["svg", "csv"])
def test_hostile_strings_are_text_in_pictures_and_tables(browser: Browser, pages: Path, ending: str) -> None:
    """An SVG opened as a document of its own runs nothing; no cell of a table begins a formula."""
    view = AttentionView(hostile.hostile_trace(), title="".join(hostile.STRINGS.values()))
    path = pages / f"hostile.{ending}"
    if ending == "csv":
        view.to_csv(path)
        for row in csv.reader(path.read_text(encoding="utf-8").splitlines(keepends=True)):
            assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in row)
            assert not any(cell.startswith("-") and not is_number(cell) for cell in row)
        return
    view.savefig(path)
    context = browser.new_context(offline=True)
    try:
        page = context.new_page()
        requests = list[str]()
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        expect(page.locator("text").first).to_be_attached()
        hostile.assert_nothing_ran(page)
        assert [url for url in requests if not url.startswith(("data:", path.as_uri()))] == []
    finally:
        context.close()


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_of_two_pages_in_one_document_the_first_is_live(browser: Browser, pages: Path, theme: Theme) -> None:
    """The second says why it is a picture, and opens nothing of the first."""
    trace, other = make_trace(), make_trace(steps=7)
    texts = [str(widgets_to_html(MemoryView(each), title=f"page of {each!r:.9}")) for each in (trace, other)]
    path = pages / f"both-{theme}.html"
    path.write_text("\n".join(texts), encoding="utf-8")
    with open_exported(browser, path, theme=theme) as opened:
        shown = ViewOnPage(opened.page)
        shown.slider("time").press("End")
        assert_memory_painted(shown, trace, STEPS - 1, theme)
        second = opened.page.locator(".nsmw-page-view").nth(1)
        expect(second.locator(".nsmw-page-problem")).to_contain_text("another exported page stands before it")
        expect(second.locator(".nsmw-page-picture")).to_be_visible()
        expect(opened.page.locator(".nsmw-root")).to_have_count(1)
        opened.page.screenshot(path=REPOSITORY / "artifacts" / f"export-both-{theme}.png", full_page=True)
        twice = "was delivered via a <meta> element outside the document's <head>"
        opened.errors[:] = [error for error in opened.errors if twice not in error]


def test_an_attention_view_of_many_heads_opens_only_what_is_shown(browser: Browser, pages: Path) -> None:
    """Chunks are opened when shown: a head that nobody looked at stays compressed."""
    weights = np.random.default_rng(2).dirichlet(np.ones(300), size=(6, 300)).astype(np.float32)
    view = Heatmap(weights, dims=("head", "query", "key"), name="scores")
    with open_exported(browser, Path(view.to_html(pages / "heads.html"))) as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("scores", "head=0")
        shown.slider("head").press("End")
        shown.wait_painted("scores", "head=5")
        shown.hover_cell("scores", 10, 20, 300, 300)
        shown.wait_readout("scores", f"query 10 · key 20 = {weights[5, 10, 20]!s}")


def test_attention_with_tokens_is_linked_to_its_thumbnails(browser: Browser, pages: Path) -> None:
    """A click on a thumbnail chooses the head, in the page as in the notebook."""
    weights = np.random.default_rng(3).dirichlet(np.ones(5), size=(2, 1, 3, 5)).astype(np.float32)
    view = AttentionView(Trace.from_attentions(weights, tokens=["<s>", "a", "&amp;", "</script>", "é"]))
    with open_exported(browser, Path(view.to_html(pages / "attention.html"))) as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("attention", "layer=0 batch=0 head=0")
        shown.slider("layer").press("End")
        shown.wait_painted("attention", "layer=1 batch=0 head=0")
        shown.hover_cell("attention", 2, 3, 5, 5)
        shown.wait_readout("attention", re.compile("query 2 “&amp;” · key 3 “</script>” = "))


# --- what a page says of the values that it does not carry ---


def chips(view: ViewOnPage, panel: str) -> list[str]:
    return view.panel(panel).locator(".nsmw-chip").all_text_contents()


@pytest.mark.parametrize("precision", ["exact", "float16", "display"])
def test_the_scale_of_colours_only_cannot_be_changed(
    browser: Browser, pages: Path, precision: Literal["exact", "float16", "display"]
) -> None:
    """A page that carries colours has them on one scale, and says so; with values, every scale is open."""
    trace = make_trace()
    view = MemoryView(trace, selection=Selection(time=0))
    path = Path(view.to_html(pages / f"scale-{precision}.html", precision=precision))
    with open_exported(browser, path) as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("memory", "time=0 batch=0")
        scale = shown.root.locator('select[data-choice="scale"]')
        expect(shown.root.locator('select[data-choice="colours"]')).to_be_enabled()
        if precision == "display":
            expect(scale).to_be_disabled()
            expect(scale).to_have_attribute("title", re.compile("this scale only; .*float16 or exact"))
        else:
            expect(scale).to_be_enabled()
            shown.choose("scale", "rank")
            expect(scale).to_have_value("rank")


def test_lines_thumbnails_and_scalars_name_rounded_values(browser: Browser, pages: Path) -> None:
    """Every panel of an array that was rounded carries the label, and every value of it an ≈."""
    trace = make_trace()
    random = np.random.default_rng(8)
    weights = random.dirichlet(np.ones(9), size=(2, 1, 3, 9)).astype(np.float32)
    widgets = [
        LineChart(trace, "write_weights", lines="head"),
        AttentionView(Trace.from_attentions(weights)),
        NTMExplorer(quickstart_trace()),
    ]
    path = Path(widgets_to_html(widgets, pages / "rounded.html", precision="float16"))
    with open_exported(browser, path) as opened:
        chart, attention, explorer = (ViewOnPage(opened.page, number) for number in range(3))
        lines = chart.root.locator(".nsmw-chart")
        expect(lines.locator(".nsmw-chip")).to_have_text(["float16"])
        chart.slider("time").press("End")
        chart.wait_index("time", STEPS - 1)
        value = trace["write_weights"].values[STEPS - 1, 0, 1, 0]
        rounded = lines.locator("output").nth(1)
        expect(rounded).to_have_text(re.compile(r"^≈ \d"))
        whole = rounded.get_attribute("title") or ""
        assert float(whole.removeprefix("≈ ")) == pytest.approx(value, rel=2e-3)
        expect(attention.panel("attention_thumbnails")).to_have_attribute("data-state", "ready")
        assert chips(attention, "attention_thumbnails") == ["float16"]
        explorer.slider("time").press("End")
        subtitles = explorer.root.locator(".nsmw-subtitle", has_text="β")
        expect(subtitles.first).to_have_text(re.compile(r"β ≈ \d\S* · g ≈ \d\S* · γ ≈ \d"))
        meant = re.compile(r"\nβ: key strength .*\ng: interpolation gate .*\nγ: sharpening ", re.DOTALL)
        expect(subtitles.first).to_have_attribute("title", meant)
        opened.page.screenshot(path=REPOSITORY / "artifacts" / "export-rounded.png", full_page=True)


def test_exact_pages_round_nothing(browser: Browser, pages: Path) -> None:
    """Without a precision, no panel carries a label, and lines give the value to its last digit."""
    trace = make_trace()
    chart_and_map = [LineChart(trace, "write_weights", lines="head"), MemoryView(trace)]
    path = Path(widgets_to_html(chart_and_map, pages / "unrounded.html"))
    with open_exported(browser, path) as opened:
        chart = ViewOnPage(opened.page)
        value = trace["write_weights"].values[0, 0, 1, 0]
        expect(chart.root.locator(".nsmw-chart output").nth(1)).to_have_attribute("title", str(value))
        ViewOnPage(opened.page, 1).wait_painted("memory")
        labels = opened.page.locator(".nsmw-chip").all_text_contents()
        assert not {"float16", "colours only"}.intersection(labels)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_large_pictures_of_colours_count_what_they_can(browser: Browser, pages: Path, theme: Theme) -> None:
    """A colour that stands for nine cells says so, also where the canvas has room; marks are those of all."""
    values = np.random.default_rng(4).normal(size=(2, 1500, 1500)).astype(np.float32)
    values[0, :2, 0] = np.nan
    values[1, 7, 7] = np.nan
    values[1, 9, 9] = np.inf
    view = Heatmap(values, dims=("time", "query", "key"), height_px=800)
    path = Path(view.to_html(pages / f"thinned-{theme}.html", precision="display"))
    with open_exported(browser, path, theme=theme) as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("values", "time=0")
        assert shown.panel("values").locator("canvas").evaluate("canvas => canvas.height") > 512
        labels = shown.panel("values").locator(".nsmw-chip")
        expect(labels).to_have_text(["3 NaN in all", "1 ±inf in all", "peak of 3×3", "colours only"])
        peak = shown.panel("values").locator(".nsmw-chip", has_text="peak of")
        expect(peak).to_have_attribute("title", re.compile("the strongest value near a cell, approximately"))
        shown.hover_cell("values", 1, 1, 1500, 1500)
        shown.wait_readout("values", "query 1 · key 1 ≈ NaN")
        opened.page.screenshot(path=REPOSITORY / "artifacts" / f"export-thinned-{theme}.png")


def test_thumbnails_of_many_heads_are_all_painted(browser: Browser, pages: Path) -> None:
    """144 chunks, opened a few at a time: each thumbnail gets its colours, the newest move comes through."""
    weights = np.random.default_rng(6).dirichlet(np.ones(40), size=(12, 1, 12, 40)).astype(np.float32)
    view = AttentionView(Trace.from_attentions(weights))
    with open_exported(browser, Path(view.to_html(pages / "thumbnails.html"))) as opened:
        shown = ViewOnPage(opened.page)
        expect(shown.panel("attention_thumbnails")).to_have_attribute("data-state", "ready", timeout=30_000)
        shown.slider("head").press("End")
        shown.slider("layer").press("End")
        shown.wait_painted("attention", "layer=11 batch=0 head=11")
        colors = """canvas => {
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const [width, height] = [canvas.width / 12, canvas.height / 12];
            return Array.from({length: 144}, (_, i) => {
                const seen = new Set();
                for (let y = 2; y < height - 5; y += 1) for (let x = 2; x < width - 5; x += 1) {
                    const row = Math.round(Math.floor(i / 12) * height) + y;
                    const at = 4 * (row * canvas.width + Math.round(i % 12 * width) + x);
                    seen.add(data.slice(at, at + 3).join());
                }
                return seen.size;
            });
        }"""
        found = shown.panel("attention_thumbnails").locator("canvas").evaluate(colors)
        assert min(found) > 5, "a thumbnail is empty"


# --- pages that are not whole ---


def edited_state(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change the models of a page."""
    text = path.read_text(encoding="utf-8")
    start = text.index(">", text.index('id="nsmw-state"')) + 1
    end = text.index("</script>", start)
    state = json.loads(text[start:end])
    edit(state["state"])
    written = json.dumps(state).replace("<", "\\u003c")
    rest = re.sub(r'(?<=id="nsmw-sum">)\d+', str(text_sum(written)), text[end:], count=1)
    path.write_text(text[:start] + written + rest, encoding="utf-8")


def test_a_page_that_is_damaged_keeps_its_pictures(browser: Browser, pages: Path) -> None:
    """And says so; nothing of it becomes live."""
    view = MemoryView(make_trace(), selection=Selection(time=2))
    path = Path(widgets_to_html([view], pages / "damaged.html"))
    text = path.read_text(encoding="utf-8")
    damaged = text.replace('"time":2', '"time":1', 1)
    assert damaged != text
    path.write_text(damaged, encoding="utf-8")
    page = browser.new_page()
    errors = collect_errors(page)
    page.goto(path.as_uri())
    problem = page.locator(".nsmw-page-problem")
    problem.wait_for()
    assert "a checksum is wrong" in problem.inner_text()
    assert page.locator(".nsmw-page-picture").count() == 1
    expect(page.locator("html")).to_have_attribute("data-nsmw-ready", "failed")
    assert errors == []
    page.close()


@pytest.mark.parametrize("damage", ["layout", "style", "state"])
def test_a_control_whose_state_is_damaged_says_so_and_the_view_beside_it_is_live(
    browser: Browser, pages: Path, damage: str
) -> None:
    """On the page, in its place; the console stays empty."""
    trace = make_trace()
    widgets = [ipywidgets.IntSlider(value=3), MemoryView(trace)]
    path = Path(widgets_to_html(widgets, pages / f"damaged-{damage}.html"))

    def edit(models: dict[str, Any]) -> None:
        (slider,) = (model for model in models.values() if model["model_name"] == "IntSliderModel")
        if damage == "state":
            slider["state"] = None
        else:
            slider["state"][damage] = {"layout": "IPY_MODEL_lost", "style": 5}[damage]

    edited_state(path, edit)
    with open_exported(browser, path) as opened:
        other, ours = (opened.page.locator(".nsmw-page-view").nth(number) for number in range(2))
        expect(other.locator(".nsmw-page-problem")).to_contain_text("its saved state is damaged")
        expect(other.locator(".nsmw-page-picture")).to_be_visible()
        expect(ours.locator(".nsmw-page-problem")).to_have_count(0)
        shown = ViewOnPage(opened.page)
        shown.slider("time").press("End")
        assert_memory_painted(shown, trace, STEPS - 1)


@pytest.mark.parametrize("lacks", ["model", "view", "view's class"])
def test_a_view_whose_module_is_missing_keeps_its_picture(browser: Browser, pages: Path, lacks: str) -> None:
    """It says why it stays a picture; the view beside it is live."""
    trace = make_trace()
    widgets = [ipywidgets.Text("of another package"), MemoryView(trace)]
    path = Path(widgets_to_html(widgets, pages / f"lacks-{lacks.replace(' ', '-')}.html"))

    def edit(models: dict[str, Any]) -> None:
        (text,) = (model for model in models.values() if model["model_name"] == "TextModel")
        if lacks == "model":
            text["model_module"] = text["state"]["_model_module"] = "other-package"
        if lacks == "view's class":
            text["state"]["_view_name"] = "NoSuchView"
        else:
            text["state"]["_view_module"] = "other-package"

    edited_state(path, edit)
    why = (
        "@jupyter-widgets/controls has no NoSuchView"
        if lacks == "view's class"
        else "this page does not carry the widget module other-package"
    )
    with open_exported(browser, path) as opened:
        other, ours = (opened.page.locator(".nsmw-page-view").nth(number) for number in range(2))
        expect(other.locator(".nsmw-page-problem")).to_contain_text(why)
        expect(other.locator(".nsmw-page-picture")).to_be_visible()
        expect(other.locator(".nsmw-page-live")).to_have_count(0)
        expect(ours.locator(".nsmw-page-picture, .nsmw-page-problem")).to_have_count(0)
        shown = ViewOnPage(opened.page)
        shown.slider("time").press("End")
        assert_memory_painted(shown, trace, STEPS - 1)
        assert any("other-package" in error or "NoSuchView" in error for error in opened.errors)
        opened.errors.clear()  # those of the view that cannot be shown
        opened.page.screenshot(path=REPOSITORY / "artifacts" / "export-missing-module.png", full_page=True)


def test_a_text_that_looks_like_a_shared_one_stays(browser: Browser, pages: Path) -> None:
    """Only a widget's script and style are put back from the page's shared texts."""
    widgets = [ipywidgets.Label("nsmw-shared:t0"), MemoryView(make_trace())]
    with open_exported(browser, Path(widgets_to_html(widgets, pages / "shared.html"))) as opened:
        ViewOnPage(opened.page).wait_painted("memory")
        expect(opened.page.locator(".widget-label")).to_have_text("nsmw-shared:t0")


def test_a_damaged_chunk_is_named_and_the_rest_is_shown(browser: Browser, pages: Path) -> None:
    """One plane cannot be opened: it says so in its place, once, and the others are drawn."""
    values = np.random.default_rng(9).normal(size=(3, 300, 300)).astype(np.float32)
    path = Path(Heatmap(values, dims=("time", "slot", "word")).to_html(pages / "damaged.html"))
    text = path.read_text(encoding="utf-8")
    start = text.index(">", text.index('id="nsmw-data-0"')) + 1
    path.write_text(f"{text[:start]}AAAA{text[start + 4 :]}", encoding="utf-8")
    with open_exported(browser, path) as opened:
        shown = ViewOnPage(opened.page)
        panel = shown.panel("values")
        expect(panel).to_have_attribute("data-state", "unavailable")
        expect(panel.locator(".nsmw-message")).to_contain_text("this page is damaged")
        shown.slider("time").press("ArrowRight")
        shown.wait_painted("values", "time=1")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chart_has_the_inks_of_the_page(browser: Browser, pages: Path, theme: Theme) -> None:
    """bqplot's own style comes late in a page, and must not take the numbers of the axes back to its grey."""
    path = Path(LineChart(make_trace(), "write_weights", lines="head").to_html(pages / f"inks-{theme}.html"))
    with open_exported(browser, path, theme=theme) as opened:
        figure = opened.page.locator(".bqplot.figure")
        expect(figure.locator(".tick text").first).to_be_visible()
        fills = "texts => [...new Set(texts.map(text => getComputedStyle(text).fill))]"
        ink, faint = (
            ("rgb(28, 28, 30)", "rgb(95, 99, 104)")
            if theme == "light"
            else ("rgb(232, 232, 234)", "rgb(165, 168, 173)")
        )
        assert figure.locator(".tick text").evaluate_all(fills) == [ink]
        assert figure.locator(".axislabel").evaluate_all(fills) == [faint]
