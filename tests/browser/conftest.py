"""One JupyterLab for all browser tests, in windows that are used again."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser

from tests.browser.harness import JupyterLab, LabServer, NotebookPage

FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    with LabServer(tmp_path_factory.mktemp("lab")) as server:
        yield JupyterLab(server, browser, keeps_windows=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


class _FailedError(Exception):
    """The test has failed: nobody goes on in what it has left."""


@pytest.fixture
def notebook(lab: JupyterLab, request: pytest.FixtureRequest) -> Iterator[NotebookPage]:
    """A new, empty notebook on a warm kernel. A page that complained or asked a stranger fails the test.

    A test marked ``own_kernel`` gets one that nobody has used; ``own_window``, JupyterLab loaded anew, too.
    """
    own_window, own_kernel = (
        request.node.get_closest_marker(name) is not None for name in ("own_window", "own_kernel")
    )
    warm = not (own_window or own_kernel)
    with suppress(_FailedError), lab.new(own_window=own_window, warm_kernel=warm) as notebook:
        yield notebook
        assert notebook.page_errors == []
        assert notebook.requests_refused == []
        if FAILED in request.node.stash:
            raise _FailedError
