"""A window of JupyterLab, in which one notebook after the other may be open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Route, ViewportSize

from tests.browser.harness.notebook import PANEL, NotebookPage
from tests.browser.harness.server import LabServer

VIEWPORT = (1600, 1100)

# what a route has to look at: not what the page asks of this machine or of itself
ELSEWHERE = re.compile(r"^(?!(http://127\.0\.0\.1[:/]|blob:|data:|about:))")

# complaints of others, which no widget of ours causes
NOISE = (
    "Could not restore the debugger state: Canceled future",  # JupyterLab: a kernel that is shut down early
    "Canceled future for create_subshell_request",  # JupyterLab: a kernel that restarts while it asks for one
    "Cannot read properties of undefined (reading 'schema')",  # Notebook 7.6 at its start, on any notebook
    "[anywidget] Failed to initialize model.",  # two seconds after a model that was in the making was closed
    "Error: <rect> attribute",  # bqplot: a figure in a closed Tab, drawn at size 0 until it is shown
)

NEXT = f"""async ({{ path, keepKernel }}) => {{
  const before = {PANEL};
  const kernel = keepKernel ? before.sessionContext.session?.kernel : undefined;
  const options = kernel ? {{ kernel: {{ id: kernel.id }} }} : {{}};
  await jupyterapp.commands.execute('docmanager:open', {{ path, factory: 'Notebook', ...options }});
  before.context.model.dirty = false; // or it would ask whether to save
  before.close();
  const saving = '@jupyter-widgets/jupyterlab-manager:saveWidgetState';
  if (jupyterapp.commands.isToggled(saving)) await jupyterapp.commands.execute(saving);
}}"""

TIDY = """
import ipywidgets
ipywidgets.Widget.close_all()
%reset -f
__import__("gc").collect()
"""


@dataclass
class LabWindow:
    """A browser context and its page. JupyterLab is loaded once in it, which takes most of a short test."""

    context: BrowserContext
    page: Page
    errors: list[str]
    refused: list[str]
    warm: bool
    """Whether each notebook leaves its kernel, put in order, to the next one."""

    @classmethod
    def open(cls, browser: Browser, *, device_scale_factor: float, init_script: str, warm: bool) -> Self:
        """A window in which nothing is loaded yet, cut off from other machines."""
        context = browser.new_context(
            device_scale_factor=device_scale_factor,
            service_workers="block",  # their requests would pass by the route below
        )
        refused = refuse_strangers(context)
        if init_script:
            context.add_init_script(init_script)
        page = context.new_page()
        return cls(context, page, collect_errors(page), refused, warm)

    def show(self, path: Path, server: LabServer, viewport: tuple[int, int]) -> NotebookPage:
        """Open a notebook, in the place of the one before it; it is not yet waited for."""
        self.page.set_viewport_size(ViewportSize(width=viewport[0], height=viewport[1]))
        place = str(path.relative_to(server.root))
        if self.page.url == "about:blank":
            address = server.place.format(workspace=path.parent.name, path=place)
            self.page.goto(f"{server.url}/{address}?token={server.token}&reset")
        else:
            self.page.mouse.move(0, 0)
            self.context.clear_permissions()
            self.page.evaluate(NEXT, {"path": place, "keepKernel": self.warm})
            self.errors.clear()
            self.refused.clear()
        return NotebookPage(self.page, path, page_errors=self.errors, requests_refused=self.refused)

    def begin(self, notebook: NotebookPage) -> None:
        """Let a warm kernel work in the notebook's folder, as one that was started for it."""
        notebook.run_code(f"__import__('os').chdir({str(notebook.path.parent)!r})")

    def leave(self, notebook: NotebookPage) -> None:
        """Put the kernel in order for the next notebook, or shut it down where none is to have it."""
        if self.warm and notebook.kernel_status() != "none":
            notebook.run_code(TIDY)
        else:
            notebook.close()


def refuse_strangers(context: BrowserContext) -> list[str]:
    """Abort what goes to another machine, and list it."""
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        route.abort()

    context.route(ELSEWHERE, refuse)
    return refused


def collect_errors(page: Page) -> list[str]:
    """What the page complains of: its console's errors, and exceptions that nobody caught."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(NOISE):
            errors.append(f"{message.text} ({message.location['url']})")

    def note_uncaught(error: Error) -> None:
        if not error.message.startswith(NOISE):
            errors.append(f"uncaught: {error.stack or error}")

    page.on("console", note)
    page.on("pageerror", note_uncaught)
    return errors
