"""The notebook of 04e10f1, as if its views had been saved in another format by the scripts of today."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.data.format_1.packed import unpack

STATE = "application/vnd.jupyter.widget-state+json"
WIDGET = "application/vnd.jupyter.widget-view+json"


def numbered(folder: Path, state_format: object, *, only: str = "") -> Path:
    """Its path; of each state of ours, or only those of one class, the number is this."""
    path = unpack("pages", folder) / "saved.ipynb"
    written: dict[str, Any] = json.loads(path.read_text("utf-8"))
    static = files("nsm_widgets.widgets") / "static"
    texts = {
        name: (static / name).read_text("utf-8") for name in ("loader.js", "index.js", "data.js", "style.css")
    }
    for model in written["metadata"]["widgets"][STATE]["state"].values():
        state = model["state"]
        name = str(state.get("_anywidget_id", ""))
        if not (name.startswith("nsm_widgets.") and name.endswith(only)):
            continue
        data = state["_kind"] in ("store", "selection")
        state |= {"_format": state_format, "_esm": texts["loader.js"]}
        state["_code"] = texts["data.js" if data else "index.js"]
        state["_css"] = "" if data else texts["style.css"]
    path.write_text(json.dumps(written), "utf-8")
    return path


def outputs(path: Path) -> list[dict[str, Any]]:
    """What each cell that shows a view has saved."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    found = [output["data"] for cell in cells for output in cell["outputs"] if "data" in output]
    return [data for data in found if WIDGET in data]
