"""A JupyterLab whose pages carry the probe."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from playwright.sync_api import CDPSession, sync_playwright

from benchmarks.frames import level_colors
from benchmarks.page.apart import apart
from tests.browser.harness import JupyterLab, LabServer, NotebookPage, launch_browser

T = TypeVar("T")
QUIET_MS, SETTLE_MS = 300, 5_000
PROBE = Path(__file__).with_name("probe.js")


class Lab:
    """``with Lab() as lab``: a server. Each measurement gets a notebook in a browser and process of its own.

    A page that is sent half a gigabyte of text takes browser and driver with it; the next one starts afresh.
    """

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        folder = self._stack.enter_context(TemporaryDirectory())
        self._server = self._stack.enter_context(LabServer(Path(folder)))
        self._number = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def measure(self, run: Callable[[NotebookPage], T], *, limit_s: float) -> T:
        """What ``run`` returns for a new notebook whose kernel is idle.

        Raises:
            GivenUpError: If it raises, hangs or dies.
        """
        self._number += 1

        def in_browser() -> T:
            with sync_playwright() as playwright:
                lab = JupyterLab(
                    self._server,
                    launch_browser(playwright),
                    init_script=PROBE.read_text(encoding="utf-8"),
                    _numbers=itertools.count(self._number),
                )
                with lab.new() as notebook:
                    return run(notebook)

        try:
            return apart(in_browser, limit_s=limit_s)
        finally:
            self._end_kernels()

    def _end_kernels(self) -> None:
        """Those of a notebook that was given up: nobody else ends them."""
        for kernel in self._ask("GET", "kernels"):
            with suppress(HTTPError):  # it may be going already
                self._ask("DELETE", f"kernels/{kernel['id']}")

    def _ask(self, method: str, path: str) -> Any:
        headers = {"Authorization": f"token {self._server.token}"}
        request = Request(f"{self._server.url}/api/{path}", method=method, headers=headers)
        with urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")


def browser_version() -> str:
    """Of the Chromium that all of them start."""

    def ask() -> str:
        with sync_playwright() as playwright:
            return launch_browser(playwright).version

    return apart(ask, limit_s=60)


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
