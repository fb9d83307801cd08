"""Serves JupyterLab on 127.0.0.1, on a folder or with a notebook open.

Use: ``python scripts/lab.py notebooks``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).parents[1]


def serve(path: Path) -> None:
    """Replace this process by JupyterLab, in the user's own browser and reachable from this machine only."""
    opened = path.resolve().relative_to(ROOT).as_posix()
    options = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{quote(opened)}",
        "--LabApp.news_url=",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options])


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
