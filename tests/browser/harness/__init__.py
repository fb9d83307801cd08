"""A real JupyterLab, driven by a real Chromium, cut off from every other machine."""

from tests.browser.harness.browser import find_browser, launch_browser
from tests.browser.harness.exported import ExportedPage, open_exported
from tests.browser.harness.lab import JupyterLab
from tests.browser.harness.notebook import KernelError, NotebookPage
from tests.browser.harness.pixels import canvas_pixel, drag_range, screenshot_pixel
from tests.browser.harness.server import LabServer, NotebookServer
from tests.browser.harness.window import collect_errors, refuse_strangers

__all__ = [
    "ExportedPage",
    "JupyterLab",
    "KernelError",
    "LabServer",
    "NotebookPage",
    "NotebookServer",
    "canvas_pixel",
    "collect_errors",
    "drag_range",
    "find_browser",
    "launch_browser",
    "open_exported",
    "refuse_strangers",
    "screenshot_pixel",
]
