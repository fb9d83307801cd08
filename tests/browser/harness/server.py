"""A JupyterLab server of our own: nothing of the user's Jupyter reaches it, and it leaves nothing behind."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

START_S = 120
STOP_S = 10

SETTINGS: dict[str, dict[str, object]] = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "docmanager-extension/plugin": {"autosave": False},
}

# what points at the user's own Python or Jupyter
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "VIRTUAL_ENV")


class LabServer:
    """``with LabServer(folder) as server``: a running JupyterLab that serves ``server.root``."""

    module = "jupyterlab"
    place = "lab/workspaces/{workspace}/tree/{path}"
    """Where the page of a notebook is, on the server."""

    options: tuple[str, ...] = ("--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly")

    def __init__(self, folder: Path) -> None:
        """Everything lies in ``folder``, which must be empty."""
        self.folder = folder
        self.root = folder / "root"
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log: list[str] = []
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self.root.mkdir()
        for name, value in SETTINGS.items():
            path = self.folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value))
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module, *self._options()],
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if not self._ready.wait(START_S) or self._process.poll() is not None:
            self.__exit__(None, None, None)
            raise RuntimeError(f"{self.module} did not start:\n" + "".join(self.log[-40:]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server and its kernels."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)  # its own session: the kernels go with it
            self._process.wait()
        self._reader.join(STOP_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _options(self) -> list[str]:
        return [
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.news_url=",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            *self.options,
        ]

    def _environment(self) -> dict[str, str]:
        folder = self.folder
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        return kept | {
            "HOME": str(folder / "home"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "IPYTHONDIR": str(folder / "ipython"),
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }

    def _read_log(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.log.append(line)
            if "is running at" in line:
                self._ready.set()
        self._ready.set()  # it ended; whoever waits will see that


class NotebookServer(LabServer):
    """A running Notebook 7, which shows one notebook on a page, without JupyterLab's workspaces."""

    module = "notebook"
    place = "notebooks/{path}"
    options = ("--JupyterNotebookApp.expose_app_in_browser=True",)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
