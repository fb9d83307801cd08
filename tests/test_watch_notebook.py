"""The notebook that watches a training, run from its first cell to its last, for a few steps only."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "05_watch_training.ipynb"


def test_the_view_fills_and_holds_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs; the view that was opened before the training has each look, and the curves."""
    monkeypatch.setenv("NSM_WIDGETS_SHORT", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # of other packages, in a kernel that is none of ours
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(
        nbformat.v4.new_code_cell(
            "print(explorer.trace['memory'].sizes['iteration'], list(explorer._figures), "
            "explorer.page_arrays._live['state'], rec.watch.failures)"
        )
    )
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", extra_arguments=["--log-level=40"])

    client.execute(cwd=str(NOTEBOOK.parent))

    assert notebook.cells[-1].outputs[0].text == "8 ['scalar.loss', 'scalar.wrong_bits'] ended 0\n"
    assert any(
        "40 losses, 8 looks" in output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


def test_it_is_stored_without_outputs() -> None:
    """What was computed is not committed."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(
        cell.outputs == [] and cell.execution_count is None for cell in cells if cell.cell_type == "code"
    )
