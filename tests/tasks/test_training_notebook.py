"""The notebook that trains a model, run from its first cell to its last, for a few steps only."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "07_train_an_ntm.ipynb"


def test_it_trains_and_opens_the_explorer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs; training ends where it was told to, the curve has its points, the explorer opens."""
    monkeypatch.setenv("NSM_WIDGETS_SHORT", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # of other packages, in a kernel that is none of ours
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(
        nbformat.v4.new_code_cell(
            "from nsm_widgets.view import opening\n"
            "found = opening(explorer.trace)\n"
            "print(result.step, len(curve.x), found['time'] == explorer.selection.time)"
        )
    )
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", extra_arguments=["--log-level=40"])

    client.execute(cwd=str(NOTEBOOK.parent))

    assert notebook.cells[-1].outputs[0].text == "20 2 True\n"
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    widgets = [
        output for output in shown if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]
    assert len(widgets) >= 2  # the curve and the explorer; the progress bar too, where ipywidgets draws it
    assert any("length  80" in output.get("text", "") for output in shown)


def test_it_is_stored_without_outputs() -> None:
    """What was computed is not committed."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(
        cell.outputs == [] and cell.execution_count is None for cell in cells if cell.cell_type == "code"
    )
