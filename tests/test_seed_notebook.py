"""The first notebook is kept word for word: only the lines that import were changed."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "03_seed_notebook.ipynb"
SEED = Path(__file__).parent / "data" / "seed_notebook.txt"
IMPORTS = re.compile(r"^(import |from |sys\.path)|^# Add src to path$")


def without_imports(source: str) -> list[str]:
    """Lines that do something, or say something."""
    return [line.rstrip() for line in source.splitlines() if line.strip() and not IMPORTS.match(line)]


def test_every_line_of_the_first_notebook_is_there_but_its_imports() -> None:
    """Cell by cell, prose and code."""
    written = re.sub(r"^In \[None\]:$", "", SEED.read_text("utf-8"), flags=re.MULTILINE)
    cells = nbformat.read(NOTEBOOK, 4).cells
    assert without_imports("\n".join(cell.source for cell in cells)) == without_imports(written)


def test_its_imports_are_this_package_alone() -> None:
    """No path is put before others, and what is imported is named as everywhere."""
    first = next(cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code")
    assert "from nsm_widgets import AdvancedNSMVisualizer, NTMMemory" in first.source.splitlines()
    assert "sys" not in first.source
