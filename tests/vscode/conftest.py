"""VS Code's widget bundle in Chromium: built once, a page of its own for each module of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vscode.bundling import build


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's script, bundled."""
    return build("driver.js", tmp_path_factory.mktemp("vscode"))
