"""Read before any test: what must be there before the package and torch are imported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests import typechecker as typechecker  # named in pytest's options, found only once it is imported

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# the models here are small: threads of torch would only wait for each other, five times slower on two cores
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deal tests out to several processes (``--dist loadgroup``): what may take long comes first.

    A file stays together, for what its tests share; those of a notebook of their own go to whoever is free.
    """
    if not config.getoption("loadgroup", False):
        return
    for item in items:
        if _is_in_browser(item) and not _shares(item):
            continue
        item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: (not _is_in_browser(item), not _shares(item)))


def _is_in_browser(item: pytest.Item) -> bool:
    return item.nodeid.startswith(("tests/browser/", "tests/vscode/"))


def _shares(item: pytest.Item) -> bool:
    """Whether the test takes something that was made for all of its file."""
    made = item._fixtureinfo.name2fixturedefs.values()  # type: ignore[attr-defined]  # not told otherwise
    return any(each.scope == "module" for definitions in made for each in definitions)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one Chromium of all tests that need one: Playwright runs once in a process."""
    from playwright.sync_api import sync_playwright

    from tests.browser.harness import launch_browser

    with sync_playwright() as playwright:
        browser = launch_browser(playwright)
        yield browser
        browser.close()
