"""A Jupyter server that starts kernels as VS Code does, and serves the page that stands for its webview."""

from __future__ import annotations

import os
from pathlib import Path

from tests.browser.harness import LabServer


class KernelServer(LabServer):
    """``with KernelServer(folder) as server``: kernels, and the files in ``server.static``.

    VS Code starts a local kernel with ``VSCODE_PID`` in its environment. One on a server that was there
    before knows nothing of VS Code: ``started_by_vscode=False``.
    """

    module = "jupyter_server"

    def __init__(self, folder: Path, *, started_by_vscode: bool) -> None:
        super().__init__(folder)
        self.static = folder / "static"
        self.started_by_vscode = started_by_vscode

    def _options(self) -> list[str]:
        options = [option for option in super()._options() if not option.startswith("--LabApp")]
        return [*options, f"--ServerApp.extra_static_paths={self.static}"]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in super()._environment().items() if "VSCODE" not in name}
        return kept | ({"VSCODE_PID": str(os.getpid())} if self.started_by_vscode else {})
