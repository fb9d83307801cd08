"""Exported notebooks with hostile outputs: the page asks nobody, runs nobody's code, and shows our views."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import ipywidgets
import nbformat
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from nsm_widgets.export import notebook_to_html, widgets_to_html
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import color_codes, default_coloring, paint
from tests.browser.harness import open_exported
from tests.browser.harness.exported import INLINE, READY_MS
from tests.browser.views import ViewOnPage
from tests.hostile import assert_nothing_ran
from tests.hostile_notebook import VALUES, hostile_notebook
from tests.hostile_outputs import MODELS, OUTPUTS, PROSE, RAW
from tests.strangers import PACKAGE, saved

OURS = "Canvas2D: Multiple readback operations"  # said of the test, which reads the pixels

EVERY = [*OUTPUTS, *RAW, *PROSE, *MODELS]


class Counter:
    """A server on this machine, and what it was asked for."""

    def __init__(self) -> None:
        asked = self.asked = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="module")
def counter() -> Iterator[Counter]:
    counter = Counter()
    thread = Thread(target=counter.server.serve_forever)
    thread.start()
    yield counter
    counter.server.shutdown()
    thread.join()
    counter.server.server_close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that may reach this machine."""
    with browser.new_context() as context:
        yield context.new_page()


def expected_colors() -> list[tuple[int, ...]]:
    coloring = default_coloring(NamedArray("ours", VALUES, ("slot", "word")))
    painted = paint(color_codes(VALUES, coloring.domain, "linear"), coloring.cmap, "light")
    return [tuple(color) for row in painted.tolist() for color in row]


def assert_harmless(page: Page, counter: Counter, folder: Path, names: list[str]) -> None:
    """Open a notebook of these outputs as a page: nothing is asked or run, our views are painted and seen."""
    counter.asked.clear()
    messages: list[str] = []
    requests: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(OURS):
            messages.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    path = hostile_notebook(folder / "hostile.ipynb", names, counter.host)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is left out is named; here it matters that it is
        written = notebook_to_html(path)
    address = written.resolve().as_uri()
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("data-nsmw-ready", "true", timeout=READY_MS)
    for number in range(2):
        name = f"ours{number}"
        panel = page.locator(f'[data-panel="{name}"]')
        panel.scroll_into_view_if_needed()
        expect(panel).to_have_attribute("data-state", "ready")
        view = ViewOnPage(page, page.locator(".nsmw-root").count() - 1 if number else 0)
        view.wait_painted(name)
        cells = [(row, column) for row in range(3) for column in range(4)]
        assert view.cell_colors(name, cells, 3, 4) == expected_colors()
        seen = panel.locator("canvas").first.evaluate(
            """canvas => {
                const { left, top, width, height } = canvas.getBoundingClientRect();
                const found = document.elementFromPoint(left + width / 2, top + height / 2);
                return found !== null && canvas.closest(".nsmw-root").contains(found);
            }"""
        )
        assert seen, "something lies over the view"
    assert_nothing_ran(page)
    assert [url for url in requests if url != address and not url.startswith(INLINE)] == []
    assert counter.asked == []
    assert page.url == address
    assert messages == []


@pytest.mark.slow
def test_all_at_once(page: Page, counter: Counter, tmp_path: Path) -> None:
    """Every hostile output of the list, on one page."""
    assert len(EVERY) >= 150
    assert_harmless(page, counter, tmp_path, EVERY)


@pytest.mark.more
@pytest.mark.parametrize("name", EVERY)
def test_each_alone(page: Page, counter: Counter, tmp_path: Path, name: str) -> None:
    """None is harmless only because of what another left behind."""
    assert_harmless(page, counter, tmp_path, [name])


def test_a_link_leaves_when_it_is_pressed(page: Page, counter: Counter, tmp_path: Path) -> None:
    """Hyperlinks of prose stay, also to a part of the page; the server is asked by the press, not before."""
    counter.asked.clear()
    cells = [nbformat.v4.new_markdown_cell(f"# Part one\n\n[out]({counter.host}/pressed) [down](#Part-one)")]
    path = tmp_path / "links.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    page.goto(notebook_to_html(path).resolve().as_uri())
    page.get_by_role("link", name="down").click()
    heading = page.locator("h1", has_text="Part one")
    assert page.url.endswith(f"#{heading.get_attribute('id')}")
    assert counter.asked == []
    page.get_by_role("link", name="out").click()
    page.wait_for_url(f"{counter.host}/pressed")
    assert "/pressed" in counter.asked


def test_what_a_link_brings_into_markup_is_text(browser: Browser, tmp_path: Path) -> None:
    """Markup of the exporter stays markup; a number of a slider is shown, a tag that is typed is text."""
    markup, typed = ipywidgets.HTML("<b>bold</b>"), ipywidgets.Text("", description="")
    linked, slider = ipywidgets.HTML("<i>0</i>"), ipywidgets.IntSlider(3, max=9)
    ipywidgets.jsdlink((slider, "value"), (linked, "value"))
    ipywidgets.jsdlink((typed, "value"), (markup, "value"))
    typed.value = "<i>typed</i>"
    path = Path(
        widgets_to_html([ipywidgets.HTML("<b>bold</b>"), linked, markup, slider, typed], tmp_path / "a.html")
    )
    with open_exported(browser, path) as opened:
        still, number, text = (opened.page.locator(".widget-html-content").nth(place) for place in range(3))
        expect(still.locator("b")).to_have_text("bold")
        expect(number).to_have_text("3")
        expect(text).to_have_text("<i>typed</i>")
        opened.page.locator("input[type=text]").fill("<img src=x onerror=window.__nsmw_pwned=1>")
        opened.page.keyboard.press("Tab")
        expect(text).to_have_text("<img src=x onerror=window.__nsmw_pwned=1>")
        assert_nothing_ran(opened.page)


def test_a_trusted_widget_is_live(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its script is that of the installed package; without trust it would be a picture."""
    (tmp_path / "stranger_painter.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    page = notebook_to_html(saved(tmp_path, "stranger_painter"), trust=["stranger_painter"])
    with open_exported(browser, page) as opened:
        expect(opened.page.locator(".nsmw-page-live")).to_have_text("painted")
