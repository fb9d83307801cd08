"""Serves JupyterLab on 127.0.0.1, on a folder or with a notebook open.

Use: ``python scripts/lab.py notebooks``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def serve(path: Path) -> None:
    """Replace this process by JupyterLab, in the user's own browser and reachable from this machine only."""
    options = ["--ServerApp.ip=127.0.0.1", "--LabApp.news_url="]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options, str(path)])


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
