"""One notebook on one page: run it, ask its kernel, look at it."""

from __future__ import annotations

import ast
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from playwright.sync_api import Locator, Page

ARTIFACTS = Path(__file__).parents[3] / "artifacts"
OPEN_S = 90
RUN_S = 180
PYTHON_S = 30
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

PANEL = "[...jupyterapp.shell.widgets('main')].find(widget => widget.context)"

IS_IDLE = f"""() => {{
  const panel = window.jupyterapp?.commands.hasCommand('notebook:run-all-cells') ? {PANEL} : undefined;
  return panel?.context.isReady && panel.sessionContext.session?.kernel?.status === 'idle';
}}"""

HAS_NO_KERNEL = f"""() => {{
  const panel = {PANEL};
  const asked = document.querySelector('.jp-Dialog') !== null;
  return panel.context.isReady && !asked && !panel.sessionContext.session?.kernel;
}}"""

KEEP_WIDGET_STATE = """() => {
  const command = '@jupyter-widgets/jupyterlab-manager:saveWidgetState';
  if (!jupyterapp.commands.isToggled(command)) return jupyterapp.commands.execute(command);
}"""

KEEPS_WIDGET_STATE = (
    "() => jupyterapp.commands.isToggled('@jupyter-widgets/jupyterlab-manager:saveWidgetState')"
)

EXECUTE = f"""async ({{ code, expression }}) => {{
  const kernel = {PANEL}.sessionContext.session?.kernel;
  if (!kernel) throw new Error('the notebook has no kernel');
  const future = kernel.requestExecute({{
    code, store_history: false, user_expressions: expression ? {{ value: expression }} : {{}},
  }});
  const text = [];
  future.onIOPub = ({{ header, content }}) => {{
    if (header.msg_type === 'stream') text.push(content.text);
    else if (content.data?.['text/plain'] !== undefined) text.push(content.data['text/plain'] + '\\n');
  }};
  const {{ content }} = await future.done;
  return {{ text: text.join(''), reply: content }};
}}"""

RUN_CELL = f"""async source => {{
  const notebook = {PANEL}.content;
  const cells = notebook.model.sharedModel;
  const index = cells.cells.length;
  cells.insertCell(index, {{ cell_type: 'code', source }});
  notebook.activeCellIndex = index;
  await jupyterapp.commands.execute('notebook:run-cell');
  return {{ index, outputs: notebook.widgets[index].model.outputs.toJSON() }};
}}"""

ALL_OUTPUTS = f"""() => [...{PANEL}.content.model.cells].flatMap(cell => cell.outputs?.toJSON() ?? [])"""


class KernelError(Exception):
    """Code that a test ran in the kernel raised."""


@dataclass
class NotebookPage:
    """A notebook that is open in a page, alone. Made by ``JupyterLab.open`` and ``JupyterLab.new``."""

    page: Page
    path: Path
    """Where the server keeps it."""
    page_errors: list[str] = field(default_factory=list)
    """The console's errors and uncaught exceptions so far."""
    requests_refused: list[str] = field(default_factory=list)
    """Addresses on other machines that the page asked for; it got none of them."""

    # --- the notebook ---

    def run_all(self) -> None:
        """Run every cell and wait for the last.

        Raises:
            KernelError: If a cell fails, with its traceback.
        """
        self._call("() => jupyterapp.commands.execute('notebook:run-all-cells')", seconds=RUN_S)
        self.wait_for_idle()
        _raise_errors(self._call(ALL_OUTPUTS))

    def run_cell(self, source: str) -> str:
        """Append a cell, run it, and return its text; what it shows is in ``output(-1)``.

        Raises:
            KernelError: If it fails, with its traceback.
        """
        outputs = self._call(RUN_CELL, source, seconds=RUN_S)["outputs"]
        _raise_errors(outputs)
        return "".join(map(_text, outputs))

    def run_last_cell(self) -> None:
        """Run the last cell again; it stays the active one."""
        self._call(f"() => {{ {PANEL}.content.activeCellIndex = {PANEL}.content.widgets.length - 1; }}")
        self._call("() => jupyterapp.commands.execute('notebook:run-cell')", seconds=RUN_S)

    def cell(self, index: int) -> Locator:
        """A cell by its place; negative ones count from the end."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """What a cell shows, by the cell's place."""
        return self.cell(index).locator(".jp-OutputArea-output")

    def save(self, *, widget_state: bool = False) -> Path:
        """Save the notebook, from here on with its widgets' state where asked; returns its file."""
        if widget_state:
            self._call(KEEP_WIDGET_STATE)
            self.page.wait_for_function(KEEPS_WIDGET_STATE)
        self._call(f"() => {PANEL}.context.save()")
        return self.path

    # --- the kernel ---

    def run_code(self, source: str) -> str:
        """Run code in the kernel without a cell, and return what it printed. What it shows is lost.

        Raises:
            KernelError: If it fails, with its traceback.
        """
        result = self._call(EXECUTE, {"code": source, "expression": ""}, seconds=RUN_S)
        _raise_unless_ok(result["reply"])
        text: str = result["text"]
        return text

    def python(self, expression: str) -> Any:
        """The value of an expression in the kernel, by way of JSON: a tuple comes back as a list.

        Raises:
            KernelError: If it fails, with its traceback.
        """
        as_json = f"__import__('json').dumps({expression})"
        reply = self._call(EXECUTE, {"code": "", "expression": as_json}, seconds=PYTHON_S)["reply"]
        _raise_unless_ok(reply)
        value = reply["user_expressions"]["value"]
        _raise_unless_ok(value)
        return json.loads(ast.literal_eval(value["data"]["text/plain"]))

    def wait_python(self, expression: str, expected: Any, *, timeout_s: float = PYTHON_S) -> None:
        """Ask the kernel again and again, until the expression has this value.

        Raises:
            AssertionError: If it has another one to the end.
        """
        deadline = time.monotonic() + timeout_s
        while (value := self.python(expression)) != expected:
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression} should become {expected!r}, and it stays {value!r}")

    def wait_for_idle(self, *, timeout_s: float = RUN_S) -> None:
        """Until the kernel has nothing to do."""
        self.page.wait_for_function(IS_IDLE, timeout=timeout_s * 1000)

    def kernel_status(self) -> str:
        """As JupyterLab shows it: idle, busy and so on."""
        status: str = self.page.evaluate(f"() => {PANEL}.sessionContext.session?.kernel?.status ?? 'none'")
        return status

    @contextmanager
    def busy_kernel(self) -> Iterator[None]:
        """Within the block, the kernel runs a cell that does not end; it ends with the block."""
        with TemporaryDirectory() as folder:
            gate = Path(folder, "gate")
            os.mkfifo(gate)  # reading from it blocks until somebody writes
            self.page.evaluate(
                f"code => {{ {PANEL}.sessionContext.session.kernel.requestExecute({{ code }}); }}",
                f"_ = open({str(gate)!r}).read()",
            )
            with gate.open("w"):  # waits for the kernel to read: now it is busy
                self.page.wait_for_function(
                    f"() => {PANEL}.sessionContext.session?.kernel?.status === 'busy'"
                )  # and the page has heard of it
                yield
        self.wait_for_idle()

    def shutdown_kernel(self) -> None:
        """End the kernel, as the kernel menu does; the page stays."""
        self._call(f"() => {PANEL}.sessionContext.shutdown()")
        self.page.wait_for_function(f"() => !{PANEL}.sessionContext.session?.kernel")

    def start_kernel(self) -> None:
        """Give a notebook that has none the Python kernel, as its reader would by the kernel's name."""
        self._call(f"() => {PANEL}.sessionContext.changeKernel({{ name: 'python3' }}).then(() => null)")
        self.wait_for_idle()

    def restart_kernel(self) -> None:
        """Restart the kernel, as the kernel menu does after its question; the page stays."""
        self._call(f"() => {PANEL}.sessionContext.restartKernel()")
        self.wait_for_idle()

    def kill_kernel(self) -> None:
        """End the kernel's process as a crash does; the server starts another, and the page says so."""
        os.kill(self.python("__import__('os').getpid()"), signal.SIGKILL)
        self.page.get_by_role("dialog", name="Kernel Restarting").get_by_role("button", name="Ok").click()
        self.wait_for_idle()

    # --- the page ---

    def reload(self) -> None:
        """Reload the page; the kernel goes on."""
        self.page.reload()
        self.wait_until_open()

    def set_theme(self, theme: Literal["light", "dark"]) -> None:
        """Switch JupyterLab's theme, and wait until the page has it."""
        self._call("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", THEMES[theme])
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg=str(theme == "light").lower()
        )
        self.page.wait_for_function("() => !document.querySelector('#jupyterlab-splash')")

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """A picture of the page, or of a part of it, in artifacts/."""
        path = ARTIFACTS / f"{name}.png"
        (of or self.page).screenshot(path=path)
        return path

    def screenshot_whole(self, name: str) -> Path:
        """A picture of all cells, for which the window must have room."""
        self.page.locator(".jp-WindowedPanel-outer").evaluate("outer => outer.scrollTo(0, 0)")
        cells = self.page.locator(".jp-WindowedPanel-viewport")
        box, window = cells.bounding_box(), self.page.viewport_size
        assert box is not None and window is not None
        assert box["y"] >= 0 and box["y"] + box["height"] <= window["height"], "some cells are out of sight"
        return self.screenshot(name, cells)

    def wait_until_open(self) -> None:
        """Until the notebook is shown and its kernel idle. The side bar is closed: it takes much room."""
        self.page.wait_for_function(IS_IDLE, timeout=OPEN_S * 1000)
        self.page.evaluate("() => jupyterapp.shell.collapseLeft?.()")  # Notebook 7 has none open

    def refuse_kernels(self) -> None:
        """Answer "No Kernel" when JupyterLab asks for one, and wait until the notebook is shown without."""
        dialog = self.page.locator(".jp-Dialog", has_text="Select Kernel")
        dialog.get_by_role("button", name="No Kernel").click(timeout=OPEN_S * 1000)
        self.page.wait_for_function(HAS_NO_KERNEL)
        self.page.evaluate("() => jupyterapp.shell.collapseLeft()")

    def close(self) -> None:
        """Give the kernel back."""
        if self.page.evaluate(f"() => Boolean({PANEL}.sessionContext.session?.kernel)"):
            self.shutdown_kernel()

    def _call(self, function: str, arg: object = None, *, seconds: float = PYTHON_S) -> Any:
        """Call a JavaScript function, which must be done in time: a hanging promise would hang the tests."""
        limited = f"""({{ arg, seconds }}) => {{
          const late = new Error(`not done in ${{seconds}} s`);
          return Promise.race([
            ({function})(arg),
            new Promise((_, fail) => setTimeout(() => fail(late), seconds * 1000)),
          ]);
        }}"""
        return self.page.evaluate(limited, {"arg": arg, "seconds": seconds})


def _text(output: dict[str, Any]) -> str:
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return "".join(text) if isinstance(text, list) else str(text)


def _raise_errors(outputs: list[dict[str, Any]]) -> None:
    for output in outputs:
        if output["output_type"] == "error":
            raise KernelError("\n".join(output["traceback"]))


def _raise_unless_ok(reply: dict[str, Any]) -> None:
    if reply["status"] != "ok":
        raise KernelError("\n".join(reply.get("traceback", [str(reply)])))
