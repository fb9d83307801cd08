"""A notebook and pages that 04e10f1 wrote open as they did there; ``tests/data/format_1`` has them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nsm_widgets.export import notebook_to_html
from tests.browser.harness import JupyterLab, open_exported
from tests.data.format_1 import views
from tests.data.format_1.packed import unpack

WAIT_S = 20


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("pages", tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the views of the notebook, and of the report, showed."""
    text = (unpack("expected", tmp_path_factory.mktemp("expected")) / "expected.json").read_text()
    told: dict[str, Any] = json.loads(text)
    return told


def check(page: Page, expected: dict[str, Any]) -> None:
    """Every view shows what it showed, and then with its slider at its other end."""
    expect(page.locator(".nsmw-root")).to_have_count(len(expected["shapes"]), timeout=60_000)
    found = views.roots(page)
    for root, shapes, seen in zip(found, expected["shapes"], expected["seen"], strict=True):
        wait_for(root, shapes, seen)
    for root, shapes, moved in zip(found, expected["shapes"], expected["moved"], strict=True):
        views.move(root)
        wait_for(root, shapes, moved)


def wait_for(root: Locator, shapes: Any, wanted: dict[str, Any]) -> None:
    """Colours and texts to the letter; lines and bars to a part in a thousand of the chart's size.

    A chart takes some frames: bqplot makes room for its marks once they are there.
    """
    charts = [pytest.approx(marks(figure), abs=1e-3, nan_ok=True) for figure in wanted["figures"]]
    deadline = time.monotonic() + WAIT_S
    while [marks(figure) for figure in views.look(root, shapes)["figures"]] != charts:
        if time.monotonic() > deadline:
            break
    found = views.look(root, shapes)
    assert found["at"].items() >= wanted["at"].items()
    assert found["panels"] == wanted["panels"]
    assert [marks(figure) for figure in found["figures"]] == charts


def marks(figure: dict[str, Any]) -> list[float]:
    """The ends of lines, then the heights of bars."""
    return [*(part for line in figure["lines"] for point in line for part in point), *figure["bars"]]


def test_a_saved_notebook_opens_without_a_kernel(
    lab: JupyterLab, written: Path, expected: dict[str, Any]
) -> None:
    """By the scripts that it carries, in the JupyterLab of today."""
    with lab.open_without_kernel(written / "saved.ipynb") as notebook:
        page, shapes = notebook.page, expected["views"]["shapes"]
        expect(page.locator(".nsmw-root")).to_have_count(len(shapes), timeout=60_000)
        for root in views.roots(page):
            views.look(root, {})
        # the side bar was closed while bqplot made its marks, which it may miss until the next change of size
        page.set_viewport_size({"width": 1500, "height": 1100})
        check(page, expected["views"])
        assert notebook.page_errors == []


@pytest.mark.parametrize(("name", "of"), [("views", "views"), ("notebook", "views"), ("report", "report")])
def test_a_page_opens_offline(
    name: str, of: str, browser: Browser, written: Path, expected: dict[str, Any]
) -> None:
    """Of views, of a notebook, of a report."""
    with open_exported(browser, written / f"{name}.html") as opened:
        check(opened.page, expected[of])


def test_a_saved_notebook_is_exported(
    browser: Browser, written: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    """Its state is read by the exporter and the scripts of today."""
    page = notebook_to_html(written / "saved.ipynb", tmp_path / "page.html", theme="light")
    with open_exported(browser, page) as opened:
        check(opened.page, expected["views"])
