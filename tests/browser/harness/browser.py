"""Which Chromium, and how it is started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = (
    "--no-sandbox",  # runs as root in containers
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",  # pixels are compared
    # what routing misses (workers, sockets) finds nobody
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def find_browser(playwright: Playwright) -> str:
    """Path of a Chromium: NSM_WIDGETS_BROWSER, one on PATH, or the one that Playwright installed.

    Raises:
        RuntimeError: If there is none. These tests are never skipped.
    """
    named = os.environ.get("NSM_WIDGETS_BROWSER")
    found = named or next(filter(None, map(shutil.which, NAMES)), None) or playwright.chromium.executable_path
    if not Path(found).is_file():
        raise RuntimeError(
            f"the browser tests need a Chromium, and {found} is no file. 'make test' installs one; "
            "or name one by NSM_WIDGETS_BROWSER."
        )
    return found


def launch_browser(playwright: Playwright) -> Browser:
    """A headless Chromium with nothing of its own to say to the network."""
    return playwright.chromium.launch(executable_path=find_browser(playwright), args=list(FLAGS))
