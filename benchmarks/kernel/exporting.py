"""A page of [4, 1024, 1024] attention: how long it takes to write, what it weighs, how soon it shows."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from benchmarks.kernel.timing import in_turns
from benchmarks.results import Ratio
from nsm_widgets import Heatmap
from nsm_widgets.export.page._chunks import PRECISIONS
from tests.browser.harness import launch_browser

SHAPE = (4, 1024, 1024)

# notes when the first canvas, wherever it is, has something opaque in its middle, after the frame was painted
WATCH = """
window.painted = new Promise((painted) => {
  const find = (root) => {
    const canvas = root.querySelector("canvas");
    if (canvas) return canvas;
    for (const node of root.querySelectorAll("*")) {
      const inner = node.shadowRoot && find(node.shadowRoot);
      if (inner) return inner;
    }
    return null;
  };
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    const canvas = document.body && find(document);
    if (canvas && canvas.width > 0 && canvas.height > 0) {
      const { width, height } = canvas;
      const pixel = canvas.getContext("2d").getImageData(width >> 1, height >> 1, 1, 1).data;
      if (pixel[3] === 255) {
        painted(performance.now());
        return;
      }
    }
    requestAnimationFrame(look);
  };
  const look = () => channel.port2.postMessage(0);
  requestAnimationFrame(look);
  setTimeout(painted, 60_000, -1);
});
"""


def exporting(repeats: int) -> list[Ratio]:
    """Ours at each precision against treescope: MB, ms to write it, ms to the first picture."""
    weights = attention()
    with TemporaryDirectory() as folder:
        pages = {name: Path(folder, f"{name}.html") for name in (*PRECISIONS, "treescope")}
        runs: dict[str, Callable[[], object]] = {
            name: _our_page(weights, pages[name], name) for name in PRECISIONS
        }
        runs["treescope"] = lambda: pages["treescope"].write_text(treescope_page(weights), encoding="utf-8")
        written = in_turns(runs, repeats)
        sizes = {name: page.stat().st_size / 1e6 for name, page in pages.items()}
        with sync_playwright() as playwright:
            shown = first_pictures(launch_browser(playwright), pages, repeats)
    rows = []
    for precision in PRECISIONS:
        for what, unit, values in (
            ("size", "MB", sizes),
            ("time to write", "ms", written),
            ("first picture", "ms", shown),
        ):
            rows.append(
                Ratio(
                    group="export",
                    what=f"page of [4, 1024, 1024], {precision}: {what}",
                    ours=values[precision],
                    peer_name="treescope",
                    peer=values["treescope"],
                    unit=unit,
                )
            )
    return rows


def attention() -> np.ndarray:
    """Softmax of noise, float32, ``(head, query, key)``: nothing that compresses well."""
    scores = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    weights: np.ndarray = np.exp(scores)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


def treescope_page(weights: np.ndarray) -> str:
    """A page of its own, one head at a time behind a slider."""
    treescope = import_module("treescope")  # only the benchmarks' own environment has it
    figure = treescope.render_array(weights, sliders=(0,), rows=(1,), columns=(2,), pixels_per_cell=1)
    return f'<!doctype html><meta charset="utf-8"><body>{figure._repr_html_()}</body>'


def first_pictures(browser: Browser, pages: dict[str, Path], repeats: int) -> dict[str, float]:
    """Median milliseconds from the start of the navigation, by ``file://``, in turns."""
    taken: dict[str, list[float]] = {name: [] for name in pages}
    for repeat in range(repeats + 1):
        for name, page in pages.items():
            milliseconds = _first_picture(browser, page)
            if repeat:
                taken[name].append(milliseconds)
    return {name: statistics.median(times) for name, times in taken.items()}


def _first_picture(browser: Browser, page: Path) -> float:
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, offline=True)
    try:
        opened = context.new_page()
        opened.add_init_script(WATCH)
        opened.goto(page.as_uri(), timeout=60_000)
        return float(opened.evaluate("() => window.painted"))
    finally:
        context.close()


def _our_page(weights: np.ndarray, page: Path, precision: Any) -> Callable[[], object]:
    def write() -> None:
        Heatmap(weights, dims=("head", "query", "key"), name="attention").to_html(page, precision=precision)

    return write
