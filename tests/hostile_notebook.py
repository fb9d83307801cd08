"""Notebooks that hold hostile outputs between two views of ours, saved with their widgets' state."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from nsm_widgets import Heatmap
from nsm_widgets.export.page._live import live_models
from tests.hostile_outputs import MODELS, OUTPUTS, PROSE, RAW

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
VALUES = np.arange(12.0).reshape(3, 4)
SVG = "<svg xmlns='http://www.w3.org/2000/svg'><image href='@HOST@/i.png'/></svg>"


def hostile_notebook(path: Path, names: Iterable[str], host: str) -> Path:
    """Write a notebook with these of ``OUTPUTS``, ``PROSE`` and ``MODELS``; they ask ``host`` for things."""
    views = [Heatmap(VALUES, dims=("slot", "word"), name=f"ours{number}") for number in range(2)]
    state = {model_id: _saved(model_id) for model_id in live_models(views)}
    before, after = (_cell({VIEW: {"model_id": view.model_id}, "text/plain": "ours"}) for view in views)
    cells = [before]
    for name in names:
        if name in PROSE:
            source, attachments = PROSE[name]
            given = {"attachments": _filled(attachments, host, name)} if attachments else {}
            cells.append(nbformat.v4.new_markdown_cell(_filled(source, host, name), **given))
            continue
        if name in RAW:
            raw = nbformat.v4.new_raw_cell(
                _filled(RAW[name], host, name), metadata={"raw_mimetype": "text/html"}
            )
            cells.append(raw)
            continue
        if name in OUTPUTS:
            cells.append(_cell(_filled(OUTPUTS[name], host, name)))
            continue
        for key, model in MODELS[name].items():
            state[f"{name}-{key}"] = _filled(model, host, name, ours=views[0].model_id)
        cells.append(_cell({VIEW: {"model_id": f"{name}-shown"}, "text/plain": name}))
    metadata = {"widgets": {STATE: {"version_major": 2, "version_minor": 0, "state": state}}}
    notebook = nbformat.v4.new_notebook(cells=[*cells, after], metadata=metadata)
    path.write_text(nbformat.writes(notebook), encoding="utf-8", errors="surrogatepass")
    for view in views:
        view.close()
    return path


def _saved(model_id: str) -> dict[str, Any]:
    from ipywidgets.widgets import widget as registry

    saved: dict[str, Any] = registry._instances[model_id]._get_embed_state(drop_defaults=False)
    return saved


def _cell(data: dict[str, Any]) -> Any:
    output = nbformat.v4.new_output("display_data", data)
    return nbformat.v4.new_code_cell("1", outputs=[output], execution_count=1)


def _filled(value: Any, host: str, name: str, ours: str = "") -> Any:
    """A value in which the places of addresses and ids are filled."""
    if isinstance(value, dict):
        return {
            _filled(key, host, name, ours): _filled(inner, host, name, ours) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_filled(inner, host, name, ours) for inner in value]
    if not isinstance(value, str):
        return value
    words = {
        "@HOST64@": b64encode(f"{host}/i.png".encode()).decode(),
        "@SVG64@": b64encode(SVG.replace("@HOST@", host).encode()).decode(),
        "@HOST@": host,
        "@PORT@": host.rpartition(":")[2],
        "@ID@": f"{name}-",
        "@OURS@": ours,
    }
    for word, filled in words.items():
        value = value.replace(word, filled)
    return value
