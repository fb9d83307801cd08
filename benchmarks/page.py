"""How soon an exported page of [4, 1024, 1024] attention shows its first picture, and what it weighs.

Run it by ``make bench``, or ``python -m benchmarks.page``. From the start of the navigation to the first
painted heatmap, in a headless Chromium, by ``file://``: medians in milliseconds of the machine at hand,
beside the page of a view that holds next to nothing, opened in turns.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from nsm_widgets import Heatmap
from nsm_widgets.export._chunks import PRECISIONS
from tests.browser.harness import launch_browser

# notes when the first panel says that it is painted, as soon as it does
WATCH = """
new MutationObserver((_, observer) => {
  if (document.querySelector('[data-painted]') === null) return;
  window.painted = performance.now();
  observer.disconnect();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


def first_picture(browser: Browser, page: Path) -> float:
    """Milliseconds from the start of the navigation."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, offline=True)
    try:
        opened = context.new_page()
        opened.add_init_script(WATCH)
        opened.goto(page.as_uri())
        opened.locator("[data-painted]").first.wait_for(state="attached")
        painted: float = opened.evaluate("() => window.painted")
        return painted
    finally:
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="runs behind each median (default: 7)")
    repeats = parser.parse_args().repeats
    scores = np.random.default_rng(0).normal(size=(4, 1024, 1024)).astype(np.float32)
    weights = np.exp(scores)
    weights /= weights.sum(axis=-1, keepdims=True)
    dims = ("head", "query", "key")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        small = Path(folder, "small.html")
        Heatmap(np.eye(4, dtype=np.float32)[None], dims=dims, name="attention").to_html(small)
        view = Heatmap(weights, dims=dims, name="attention")
        browser = launch_browser(playwright)
        print("| page of [4, 1024, 1024] | MB | first picture, ms | a nearly empty page, ms | ratio |")
        print("|---|---:|---:|---:|---:|")
        for precision in PRECISIONS:
            page = Path(folder, f"{precision}.html")
            view.to_html(page, precision=precision)  # type: ignore[arg-type]
            times: tuple[list[float], list[float]] = ([], [])
            for repeat in range(repeats + 1):
                for one, taken in zip((page, small), times, strict=True):
                    milliseconds = first_picture(browser, one)
                    if repeat:
                        taken.append(milliseconds)
            ours, least = map(statistics.median, times)
            size = page.stat().st_size / 1e6
            print(f"| {precision} | {size:.1f} | {ours:.0f} | {least:.0f} | {ours / least:.2f} |")
        browser.close()


if __name__ == "__main__":
    main()
