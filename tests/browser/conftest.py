"""One JupyterLab for all browser tests; a page of its own for each notebook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.harness import JupyterLab, LabServer, NotebookPage


@pytest.fixture(scope="session")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    with LabServer(tmp_path_factory.mktemp("lab")) as server:
        yield JupyterLab(server, browser)


@pytest.fixture
def notebook(lab: JupyterLab) -> Iterator[NotebookPage]:
    """A new, empty notebook with a live kernel. A page that complained or asked a stranger fails the test."""
    with lab.new() as notebook:
        yield notebook
        assert notebook.page_errors == []
        assert notebook.requests_refused == []
