"""Executes a notebook with a real kernel, writes it and its page, and in a terminal opens it in JupyterLab.

Use: ``python scripts/demo.py notebooks/01_quickstart.ipynb build/demo``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.sign import NotebookNotary

from nsm_widgets.export import notebook_to_html

CELL_TIMEOUT_S = 600


def progress(done: int, total: int, started: float) -> None:
    """One line that is rewritten in a terminal, and one line per cell elsewhere."""
    end, start = ("", "\r") if sys.stdout.isatty() else ("\n", "")
    seconds = time.monotonic() - started
    print(f"{start}  code cell {done} of {total}, {seconds:.0f} s", end=end, flush=True)


def execute(source: Path, target: Path) -> None:
    """Run every cell beside the source, in a fresh kernel, and write what came out, also after an error.

    Raises:
        CellExecutionError: If a cell fails.
    """
    notebook = nbformat.read(source, as_version=4)
    total = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in notebook.cells)
    started = time.monotonic()
    done = 0

    def on_cell_executed(**_: object) -> None:
        nonlocal done
        done += 1
        progress(done, total, started)

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        extra_arguments=[
            "--log-level=40"
        ],  # the kernel's remark that its socket is not encrypted helps nobody
        resources={"metadata": {"path": str(source.parent)}},
        on_cell_executed=on_cell_executed,
    )
    try:
        client.execute()
    finally:
        if sys.stdout.isatty():
            print()
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, target)
    NotebookNotary().sign(notebook)  # we ran it ourselves: JupyterLab then shows the saved widgets at once


def main() -> int:
    """Execute, report, and serve where someone is there to look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("folder", type=Path, help="where the executed notebook goes")
    args = parser.parse_args()
    target = args.folder / args.notebook.name
    print(f"Executing {args.notebook}", flush=True)
    try:
        execute(args.notebook, target)
    except CellExecutionError as error:
        print(f"{args.notebook} failed. As far as it ran, it is in {target}:\n{error}", file=sys.stderr)
        return 1
    print(f"The executed notebook is {target}", flush=True)
    page = notebook_to_html(target)
    print(
        f"The exported page is {page}: open it in any browser, it needs no kernel and no network", flush=True
    )
    if sys.stdin.isatty() and sys.stdout.isatty():
        print("Opening it in JupyterLab; Ctrl+C twice ends the server.", flush=True)
        os.execv(sys.executable, [sys.executable, str(Path(__file__).with_name("lab.py")), str(target)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
