"""Opens notebooks of a running server."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary
from playwright.sync_api import Browser

from tests.browser.harness.notebook import NotebookPage
from tests.browser.harness.server import LabServer
from tests.browser.harness.window import VIEWPORT, LabWindow, collect_errors

REPOSITORY = Path(__file__).parents[3]


@dataclass
class JupyterLab:
    """A server and a browser. Each notebook gets a folder of its own."""

    server: LabServer
    browser: Browser
    init_script: str = ""
    """JavaScript that every page runs before anything of its own."""
    keeps_windows: bool = False
    """Whether a notebook is opened in the window that another one has left; else each gets its own."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _idle: list[LabWindow] = field(default_factory=list)

    @contextmanager
    def open(self, path: str | Path, *, viewport: tuple[int, int] = VIEWPORT) -> Iterator[NotebookPage]:
        """A copy of a notebook, named from the repository's root; its kernel is idle, nothing has run yet."""
        copy = self._folder() / Path(path).name
        shutil.copyfile(REPOSITORY / path, copy)
        with self._opened(copy, viewport) as notebook:
            yield notebook

    @contextmanager
    def new(
        self,
        cells: Sequence[str] = (),
        *,
        viewport: tuple[int, int] = VIEWPORT,
        device_scale_factor: float = 1,
        own_window: bool = False,
        warm_kernel: bool = False,
    ) -> Iterator[NotebookPage]:
        """A new notebook with these code cells, its kernel idle and nothing run yet.

        Args:
            cells: Their sources.
            viewport: Width and height of the page, in CSS pixels.
            device_scale_factor: Pixels of the screen for one of those.
            own_window: Load JupyterLab anew for it, though windows are kept.
            warm_kernel: Take a kernel that another notebook has left, if there is one: its modules are
                imported, its variables gone, its widgets closed.
        """
        written = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        path = self._folder() / "new.ipynb"
        nbformat.write(written, path)
        with self._opened(
            path,
            viewport,
            device_scale_factor=device_scale_factor,
            own_window=own_window,
            warm_kernel=warm_kernel,
        ) as notebook:
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
        with self._opened(copy, VIEWPORT, NotebookPage.refuse_kernels) as notebook:
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
    def _opened(
        self,
        path: Path,
        viewport: tuple[int, int],
        wait_until_open: Callable[[NotebookPage], None] = NotebookPage.wait_until_open,
        *,
        device_scale_factor: float = 1,
        own_window: bool = False,
        warm_kernel: bool = False,
    ) -> Iterator[NotebookPage]:
        keep = self.keeps_windows and not own_window and device_scale_factor == 1
        window = next((idle for idle in self._idle if keep and idle.warm == warm_kernel), None)
        if window is None:
            window = LabWindow.open(
                self.browser,
                device_scale_factor=device_scale_factor,
                init_script=self.init_script,
                warm=keep and warm_kernel,
            )
        else:
            self._idle.remove(window)
        try:
            notebook = window.show(path, self.server, viewport)
            wait_until_open(notebook)
            if notebook.page.locator("body").get_attribute("data-jp-theme-light") == "false":
                notebook.set_theme("light")  # the server keeps what an earlier test has chosen
            if window.warm:
                window.begin(notebook)
            yield notebook
            window.leave(notebook)
        except BaseException:
            keep = False
            raise
        finally:
            if keep:
                self._idle.append(window)
            else:
                window.context.close()
