"""A page that is to our code what VS Code's notebook webview is, and the kernel behind it."""

from __future__ import annotations

import ast
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat
from playwright.sync_api import Browser, Locator, Page

from tests.browser.harness import KernelError, collect_errors, refuse_strangers
from tests.browser.harness.notebook import ARTIFACTS
from tests.vscode.bundling import JS
from tests.vscode.nbextensions import module_scripts
from tests.vscode.server import KernelServer

SHARE = Path(sys.prefix) / "share" / "jupyter"
PLACE = "/static/vscode-webview/"
VIEWPORT = (1200, 1100)
RUN_S = 120
PYTHON_S = 30

HTML = f"""<!doctype html>
<html><head><meta charset="utf-8"><style>
  body {{ margin: 12px; color: var(--vscode-editor-foreground); background: var(--vscode-editor-background);
         font-family: sans-serif; }}
  .output {{ margin-bottom: 12px; }}
</style></head>
<body>
  <script src="{PLACE}require.js"></script>
  <script type="module" src="{PLACE}driver.js"></script>
</body></html>"""

# the ones of VS Code's default themes that our style sheet reads
THEMES: dict[str, dict[str, str]] = {
    "light": {
        "editor-background": "#ffffff",
        "editor-foreground": "#3b3b3b",
        "descriptionForeground": "#3b3b3b",
        "panel-border": "#e5e5e5",
        "editorWidget-background": "#f8f8f8",
        "focusBorder": "#005fb8",
    },
    "dark": {
        "editor-background": "#1f1f1f",
        "editor-foreground": "#cccccc",
        "descriptionForeground": "#9d9d9d",
        "panel-border": "#2b2b2b",
        "editorWidget-background": "#202020",
        "focusBorder": "#0078d4",
    },
}


@dataclass
class VscodePage:
    """A notebook's outputs as VS Code's widget manager shows them. Made by :func:`open_page`."""

    page: Page
    page_errors: list[str] = field(default_factory=list)
    requests_refused: list[str] = field(default_factory=list)

    def run_notebook(self, path: Path) -> None:
        """Run every code cell, as VS Code would.

        Raises:
            KernelError: If a cell fails, with its traceback.
        """
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                self.run_cell(cell.source)

    def run_cell(self, source: str, *, as_vscode: bool = True) -> str:
        """Run a cell, wait until the widgets that it shows are made, and return its text.

        Raises:
            KernelError: If it fails, with its traceback.
        """
        run = "([code, asVscode]) => vscodePage.runCell(code, { asVscode })"
        result = self._call(run, [source, as_vscode], seconds=RUN_S)
        _raise_unless_ok(result["reply"])
        text: str = result["text"]
        return text

    def run_code(self, source: str) -> None:
        """Run code without a cell."""
        _raise_unless_ok(self._call("code => vscodePage.execute(code)", source, seconds=RUN_S))

    def python(self, expression: str) -> Any:
        """The value of an expression in the kernel, by way of JSON."""
        as_json = f"__import__('json').dumps({expression})"
        reply = self._call("expression => vscodePage.execute('', expression)", as_json)
        _raise_unless_ok(reply)
        value = reply["user_expressions"]["value"]
        _raise_unless_ok(value)
        return json.loads(ast.literal_eval(value["data"]["text/plain"]))

    def wait_python(self, expression: str, expected: Any) -> None:
        """Until the expression has this value in the kernel."""
        deadline = time.monotonic() + PYTHON_S
        while (value := self.python(expression)) != expected:
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression} should become {expected!r}, and it stays {value!r}")

    def set_theme(self, theme: Literal["light", "dark"]) -> None:
        """What VS Code does when the reader changes the theme: the body's class, its colours as variables."""
        self._call(
            "([kind, colors]) => vscodePage.setTheme(kind, colors)", [f"vscode-{theme}", THEMES[theme]]
        )

    def messages(self) -> list[dict[str, Any]]:
        """What crossed on comms so far: direction, kind, characters of JSON, bytes of binary."""
        messages: list[dict[str, Any]] = self.page.evaluate("() => vscodePage.messages")
        return messages

    def modules(self) -> list[dict[str, Any]]:
        """Widget modules that the manager asked for, and whether VS Code's rule found them."""
        modules: list[dict[str, Any]] = self.page.evaluate("() => vscodePage.modules")
        return modules

    def time_steps(self, slider: Locator, panel: Locator, steps: int) -> list[float]:
        """Milliseconds of each of several slider steps, to the frame that shows it."""
        times: list[float] = slider.evaluate(
            "(slider, [panel, steps]) => vscodePage.timeSteps(slider, panel, steps)",
            [panel.element_handle(), steps],
        )
        return times

    def paint_times(self) -> list[float]:
        """Milliseconds from an output to its view being painted, for each view so far."""
        times: list[float] = self.page.evaluate("() => vscodePage.paintTimes")
        return times

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        path = ARTIFACTS / f"{name}.png"
        (of or self.page).screenshot(path=path)
        return path

    def _call(self, function: str, arg: object = None, *, seconds: float = PYTHON_S) -> Any:
        limited = f"""({{ arg, seconds }}) => Promise.race([
          ({function})(arg),
          new Promise((_, fail) => setTimeout(
            () => fail(new Error(`not done in ${{seconds}} s`)), seconds * 1000)),
        ])"""
        return self.page.evaluate(limited, {"arg": arg, "seconds": seconds})


@contextmanager
def open_page(browser: Browser, server: KernelServer, driver: Path) -> Iterator[VscodePage]:
    """A page with VS Code's widget manager on a new kernel; the kernel ends with the block."""
    scripts = module_scripts(SHARE)
    _lay_out(server.static / "vscode-webview", driver, scripts)
    context = browser.new_context(
        viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]}, service_workers="block"
    )
    try:
        refused = refuse_strangers(context)
        page = context.new_page()
        errors = collect_errors(page)
        page.goto(f"{server.url}{PLACE}index.html")
        page.wait_for_function("() => window.vscodePage && window.requirejs")
        opened = VscodePage(page, page_errors=errors, requests_refused=refused)
        sources = {module: f"{PLACE}{module}" for module in scripts}  # require.js adds the .js
        arg = {"url": server.url, "token": server.token, "sources": sources}
        opened._call("options => vscodePage.start(options)", arg, seconds=RUN_S)
        yield opened
        opened._call("() => vscodePage.shutdown()")
    finally:
        context.close()


def keep_figures(name: str, **milliseconds: list[float]) -> None:
    """Leave times in artifacts/, one list for each kind."""
    ARTIFACTS.mkdir(exist_ok=True)
    rounded = {kind: [round(time, 1) for time in times] for kind, times in milliseconds.items()}
    (ARTIFACTS / f"{name}.json").write_text(json.dumps(rounded) + "\n")


def _lay_out(folder: Path, driver: Path, scripts: dict[str, Path]) -> None:
    """The page and its scripts, to be served from one folder."""
    packages = JS / "node_modules"
    files = {
        "driver": driver,
        "require": packages / "requirejs/require.js",
        "ipywidgets8": packages / "@vscode/jupyter-ipywidgets8/dist/ipywidgets.js",
        **scripts,
    }
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("index.html").write_text(HTML, encoding="utf-8")
    for name, path in files.items():
        shutil.copyfile(path, folder / f"{name}.js")


def _raise_unless_ok(reply: dict[str, Any]) -> None:
    if reply["status"] != "ok":
        raise KernelError("\n".join(reply.get("traceback", [str(reply)])))
