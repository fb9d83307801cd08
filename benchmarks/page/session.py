"""A JupyterLab whose pages carry the probe, and a notebook page that is given up when it takes too long."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Literal, Self
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, CDPSession, Error, sync_playwright

from benchmarks.frames import level_colors
from tests.browser.harness import JupyterLab, LabServer, NotebookPage, launch_browser

QUIET_MS, SETTLE_MS = 300, 5_000
PROBE = Path(__file__).with_name("probe.js")


class GivenUpError(Exception):
    """A tool did not come through; the reason is the message."""


class Lab:
    """A server and a browser, both gone at the end; the browser, or its driver, is replaced when it breaks.

    A page that is sent half a gigabyte of text can take the driver with it.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        folder = self._stack.enter_context(TemporaryDirectory())
        self._server = self._stack.enter_context(LabServer(Path(folder)))
        self._start_browser()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_browser()
        self._stack.close()

    @property
    def browser(self) -> Browser:
        """One that works."""
        if not self._browser.is_connected():
            self._stop_browser()
            self._start_browser()
        return self._browser

    @contextmanager
    def notebook(self, *, limit_s: float) -> Iterator[NotebookPage]:
        """A new notebook, its kernel idle. It may raise ``GivenUpError``, and has to end in ``limit_s``.

        Raises:
            GivenUpError: If it has not.
        """
        browser = self.browser
        lab = JupyterLab(self._server, browser, init_script=PROBE.read_text(encoding="utf-8"))
        lab._numbers = self._numbers
        try:
            with lab.new() as notebook, killed_after(browser, limit_s):
                yield notebook
        except Error as error:  # of playwright: the page is gone, or what it was told to do fails
            raise GivenUpError(_why(error)) from error
        finally:
            self._end_kernels()

    def _start_browser(self) -> None:
        self._playwright = sync_playwright().start()
        self._browser = launch_browser(self._playwright)

    def _stop_browser(self) -> None:
        with suppress(Exception):  # it may be broken already
            self._browser.close()
        with suppress(Exception):
            self._playwright.stop()

    def _end_kernels(self) -> None:
        """Those of a notebook that was given up: nobody else ends them."""
        for kernel in self._ask("GET", "kernels"):
            self._ask("DELETE", f"kernels/{kernel['id']}")

    def _ask(self, method: str, path: str) -> Any:
        headers = {"Authorization": f"token {self._server.token}"}
        request = Request(f"{self._server.url}/api/{path}", method=method, headers=headers)
        with urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")


@contextmanager
def killed_after(browser: Browser, seconds: float) -> Iterator[None]:
    """Kill the page's process when the block takes longer: a page that hangs answers nothing else.

    What waits for the page then raises playwright's ``Error``.
    """
    cdp = browser.new_browser_cdp_session()
    found = cdp.send("SystemInfo.getProcessInfo")["processInfo"]
    cdp.detach()
    pages = [one["id"] for one in found if one["type"] == "renderer"]

    def kill() -> None:
        for pid in pages:
            os.kill(pid, signal.SIGKILL)

    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@dataclass
class Probe:
    """The probe of an open page; see ``probe.js``."""

    notebook: NotebookPage
    cdp: CDPSession

    @classmethod
    def of(cls, notebook: NotebookPage) -> Probe:
        """Of the notebook's page."""
        return cls(notebook, notebook.page.context.new_cdp_session(notebook.page))

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of ``window.nsmBench``."""
        return self.notebook.page.evaluate(
            "([method, args]) => window.nsmBench[method](...args)", [method, list(arguments)]
        )

    def get(self, expression: str) -> Any:
        """A value beneath ``window.nsmBench``."""
        return self.notebook.page.evaluate(f"() => window.nsmBench.{expression}")

    def begin(self, picture: str, point: tuple[float, float] = (0.5, 0.5), *, pictures: int = 1) -> None:
        """Look at a picture, or at several that move together, from now on."""
        self.call(
            "begin", {"picture": picture, "colors": level_colors(), "point": point, "pictures": pictures}
        )

    def track(self, selector: str, kind: Literal["range", "noui"]) -> dict[str, float]:
        """Where the slider's handle moves, in CSS pixels."""
        track: dict[str, float] | None = self.call("track", selector, kind)
        if track is None:
            raise LookupError(f"no slider {selector} on the page")
        return track

    def settle(self) -> None:
        """Until the kernel is idle and what comes with the first picture has come."""
        self.notebook.wait_for_idle()
        self.call("quiet", QUIET_MS, SETTLE_MS)

    def memory(self) -> tuple[int, int]:
        """Bytes of the JavaScript heap and of ArrayBuffers, garbage collected."""
        for _ in range(2):  # what the first one finalises, the second one frees
            self.cdp.send("HeapProfiler.collectGarbage")
        usage = self.cdp.send("Runtime.getHeapUsage")
        return int(usage["usedSize"]), int(usage["backingStorageSize"])


def _why(error: Error) -> str:
    if any(word in error.message.lower() for word in ("crash", "closed")):
        return "the page hung or crashed"
    return f"refused: {error.message.splitlines()[0][:80]}"
