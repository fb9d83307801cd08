"""Read before any test: what must be there before the package and torch are imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests import typechecker as typechecker  # named in pytest's options, found only once it is imported

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# the models here are small: threads of torch would only wait for each other, five times slower on two cores
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Deal tests out by :mod:`tests.dealing`, whatever ``--dist`` says."""
    from tests.dealing import Dealer

    return Dealer(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process that xdist has started: what takes longest first."""
    if hasattr(config, "workerinput"):
        from tests.dealing import longest_first

        items.sort(key=longest_first)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one Chromium of all tests that need one: Playwright runs once in a process."""
    from playwright.sync_api import sync_playwright

    from tests.browser.harness import launch_browser

    with sync_playwright() as playwright:
        browser = launch_browser(playwright)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _empty_state_room() -> None:
    """No test takes another's room in the saved notebook: widgets that nobody closed hold theirs."""
    room = sys.modules.get("nsm_widgets.widgets.page_arrays._state_room")
    if room is not None:
        room.state_room.cache_clear()


@pytest.fixture(autouse=True)
def _nothing_stays_compiled() -> Iterator[None]:
    """What one test compiled is not looked for by the recorders of all that follow, 0.1 s each."""
    yield
    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is not None and any(dynamo.eval_frame.cached_backends.values()):
        dynamo.reset()
