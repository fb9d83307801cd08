"""Opens notebooks of a running server in fresh pages."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from nbformat.sign import NotebookNotary
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Route

from tests.browser.harness.notebook import NotebookPage
from tests.browser.harness.server import LabServer

REPOSITORY = Path(__file__).parents[3]
VIEWPORT = (1600, 1100)
INLINE = ("blob:", "data:", "about:")

# complaints of others, which no widget of ours causes
NOISE = (
    "Could not restore the debugger state: Canceled future",  # JupyterLab: a kernel that is shut down early
    "Cannot read properties of undefined (reading 'schema')",  # Notebook 7.6 at its start, on any notebook
    "Error: <rect> attribute",  # bqplot: a figure in a closed Tab, drawn at size 0 until it is shown
)


@dataclass
class JupyterLab:
    """A server and a browser. Each notebook gets a folder, a browser context and a workspace of its own."""

    server: LabServer
    browser: Browser
    init_script: str = ""
    """JavaScript that every page runs before anything of its own."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def open(
        self, path: str | Path, *, viewport: tuple[int, int] = VIEWPORT, device_scale_factor: float = 1
    ) -> Iterator[NotebookPage]:
        """A copy of a notebook, named from the repository's root; its kernel is idle, nothing has run yet."""
        source = REPOSITORY / path
        with self._open_in_page(
            self._folder() / source.name, source, viewport, device_scale_factor
        ) as notebook:
            yield notebook

    @contextmanager
    def new(
        self,
        cells: Sequence[str] = (),
        *,
        viewport: tuple[int, int] = VIEWPORT,
        device_scale_factor: float = 1,
    ) -> Iterator[NotebookPage]:
        """A new notebook with these code cells, its kernel idle and nothing run yet."""
        written = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        source = self._folder() / "new.ipynb"
        nbformat.write(written, source)
        with self._open_in_page(source, source, viewport, device_scale_factor) as notebook:
            yield notebook

    @contextmanager
    def open_without_kernel(self, path: Path) -> Iterator[NotebookPage]:
        """A copy of a trusted notebook whose kernel is installed nowhere; the reader chooses "No Kernel"."""
        written = nbformat.read(path, 4)
        written["metadata"]["kernelspec"] = {"name": "gone", "display_name": "Gone", "language": "gone"}
        del written["metadata"]["language_info"]  # or JupyterLab would start any kernel of that language
        copy = self._folder() / path.name
        nbformat.write(written, copy)
        NotebookNotary(data_dir=str(self.server.folder / "data")).sign(written)
        with self._open_in_page(copy, copy, VIEWPORT, 1, NotebookPage.refuse_kernels) as notebook:
            yield notebook

    @contextmanager
    def second_tab(self, notebook: NotebookPage) -> Iterator[NotebookPage]:
        """The same notebook in another tab of the same browser: as saved in its file, on the same kernel."""
        page = notebook.page.context.new_page()
        errors = collect_errors(page)
        workspace = f"second-tab-{next(self._numbers)}"
        path = notebook.path.relative_to(self.server.root)
        page.goto(f"{self.server.url}/{self.server.place.format(workspace=workspace, path=path)}")
        again = NotebookPage(
            page, notebook.path, page_errors=errors, requests_refused=notebook.requests_refused
        )
        try:
            again.wait_until_open()
            yield again
        finally:
            page.close()  # the kernel is the first tab's to end

    def _folder(self) -> Path:
        folder = self.server.root / f"notebook-{next(self._numbers)}"
        folder.mkdir()
        return folder

    @contextmanager
    def _open_in_page(
        self,
        path: Path,
        source: Path,
        viewport: tuple[int, int],
        device_scale_factor: float,
        wait_until_open: Callable[[NotebookPage], None] = NotebookPage.wait_until_open,
    ) -> Iterator[NotebookPage]:
        if path != source:
            shutil.copyfile(source, path)
        context = self.browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            device_scale_factor=device_scale_factor,
            service_workers="block",  # their requests would pass by the route below
        )
        try:
            refused = refuse_strangers(context)
            if self.init_script:
                context.add_init_script(self.init_script)
            page = context.new_page()
            errors = collect_errors(page)
            place = self.server.place.format(
                workspace=path.parent.name, path=path.relative_to(self.server.root)
            )
            page.goto(f"{self.server.url}/{place}?token={self.server.token}&reset")
            notebook = NotebookPage(page, path, page_errors=errors, requests_refused=refused)
            wait_until_open(notebook)
            if page.locator("body").get_attribute("data-jp-theme-light") == "false":
                notebook.set_theme("light")  # the server keeps what an earlier test has chosen
            yield notebook
            notebook.close()
        finally:
            context.close()


def refuse_strangers(context: BrowserContext) -> list[str]:
    """Abort what goes to another machine, and list it."""
    refused: list[str] = []

    def decide(route: Route) -> None:
        url = route.request.url
        if url.startswith(INLINE) or urlsplit(url).hostname == "127.0.0.1":
            route.continue_()
        else:
            refused.append(url)
            route.abort()

    context.route("**/*", decide)
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
