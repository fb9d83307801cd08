"""A package of somebody else with one widget, and a notebook that shows it."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

PACKAGE = """
import anywidget

class Painter(anywidget.AnyWidget):
    _esm = "export default { render({ el }) { el.textContent = 'painted'; } }"
    _css = ".painter { color: red }"
"""


def saved(tmp_path: Path, package: str, **changed: str) -> Path:
    """A notebook that shows the stranger's widget."""
    state = {
        "_model_name": "AnyModel",
        "_model_module": "anywidget",
        "_view_name": "AnyView",
        "_view_module": "anywidget",
        "_anywidget_id": f"{package}.Painter",
        "_esm": "export default { render({ el }) { el.textContent = 'painted'; } }",
        "_css": ".painter { color: red }",
        **changed,
    }
    model = {"model_name": "AnyModel", "model_module": "anywidget", "state": state}
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "text/plain": "Painter()"}
    output = nbformat.v4.new_output("display_data", data)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1", outputs=[output])],
        metadata={"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": model}}}},
    )
    path = tmp_path / "saved.ipynb"
    path.write_text(json.dumps(notebook))
    return path
