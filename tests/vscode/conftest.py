"""VS Code's widget bundle in Chromium, and a server of kernels: both made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vscode.bundling import build
from tests.vscode.server import KernelServer


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's script, bundled."""
    return build("driver.js", tmp_path_factory.mktemp("vscode"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelServer]:
    """Starts kernels as VS Code does, one for each page."""
    with KernelServer(tmp_path_factory.mktemp("server"), started_by_vscode=True) as server:
        yield server
