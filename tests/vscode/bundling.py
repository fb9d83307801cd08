"""Bundles the scripts that run in pages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

JS = Path(__file__).parent / "js"


def build(script: str, folder: Path) -> Path:
    """Bundle a script of ``js/src`` into a folder.

    Raises:
        RuntimeError: If its packages are not installed, or it does not build. These tests are never skipped.
    """
    node = shutil.which("node")
    if node is None or not (JS / "node_modules" / ".package-lock.json").is_file():
        raise RuntimeError(
            f"the VS Code tests need Node.js and the packages of {JS}. "
            f"'make test' installs them; or run 'npm --prefix {JS} ci'."
        )
    out = folder / script
    command = [node, "build.mjs", script, str(out)]
    built = subprocess.run(command, cwd=JS, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise RuntimeError(f"{JS / script} could not be bundled:\n{built.stderr}")
    return out
