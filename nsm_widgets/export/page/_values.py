"""State of other packages' widgets, made fit to stand in a page: markup and styles of it ask nobody."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from nsm_widgets._text import one_line
from nsm_widgets.export.page._classes import python_class
from nsm_widgets.export.page._clean import Cleaner, is_base64
from nsm_widgets.export.page._css import clean_value

LINKS = frozenset({"LinkModel", "DirectionalLinkModel"})
_MARKUP = frozenset({"HTMLModel", "HTMLMathModel"})
_STYLE = re.compile(r"style|colou?r|fill|stroke|background|border", re.IGNORECASE)
_NOT_LINKED = re.compile(r"_.*|.*style|background|format|outputs|description_allow_html")


def clean_state(model: Mapping[str, Any], cleaner: Cleaner) -> dict[str, Any]:
    """A copy of a model, whose state holds no address that the page would ask, and markup that is clean.

    What a model is called follows from its class, whatever the state says.
    """
    state, name = dict(model["state"]), model["model_name"]
    found = python_class(model)
    if found is not None:
        traits = found.class_traits()
        names = ("_model_module", "_model_name", "_view_module", "_view_name")
        state |= {key: traits[key].default_value for key in names if key in state}
    is_style = name == "LayoutModel" or name.endswith("StyleModel")
    for key, value in state.items():
        if not key.startswith("_") and (is_style or _STYLE.search(key)):
            state[key] = _styles(value)
    if name == "OutputModel" and isinstance(state.get("outputs"), list):
        state["outputs"] = [_readable(output) for output in state["outputs"]]
    if name in _MARKUP:
        state["value"] = cleaner.fragment(str(state.get("value", "")))
    if state.get("description_allow_html"):
        state["description"] = cleaner.fragment(str(state.get("description", "")))
    return {**model, "state": state}


def placed_buffers(model: Mapping[str, Any]) -> list[Any]:
    """The buffers of a model whose paths lead into its state, in base64 that can be read."""
    found = []
    for buffer in model.get("buffers") or ():
        path = buffer.get("path") if isinstance(buffer, Mapping) else None
        if not isinstance(path, list) or not path or not _is_whole(buffer):
            continue
        holder: Any = model["state"]
        for part in path[:-1]:
            inner = holder.get(part) if isinstance(holder, Mapping) and isinstance(part, str) else None
            if isinstance(holder, list) and isinstance(part, int) and 0 <= part < len(holder):
                inner = holder[part]
            holder = inner
        if isinstance(holder, (Mapping, list)) and path[-1] != "__proto__":
            found.append(buffer)
    return found


def _is_whole(buffer: Mapping[str, Any]) -> bool:
    data = buffer.get("data")
    try:
        return buffer.get("encoding") == "base64" and b64decode(data, validate=True) is not None  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def is_safe_link(model: Mapping[str, Any]) -> bool:
    """Whether a link joins traits of which none decides what a widget runs, asks for, or takes for markup."""
    ends = (model["state"].get("source"), model["state"].get("target"))
    return all(
        isinstance(end, (list, tuple))
        and len(end) == 2
        and isinstance(end[1], str)
        and not _NOT_LINKED.fullmatch(end[1])
        for end in ends
    )


def stand_in(model: Mapping[str, Any], why: str) -> dict[str, Any]:
    """A label in the place of a widget whose code does not run in the page."""
    state = {
        "_model_module": "@jupyter-widgets/controls",
        "_model_name": "LabelModel",
        "_view_module": "@jupyter-widgets/controls",
        "_view_name": "LabelView",
        "layout": model["state"].get("layout"),
        "value": f"Not live: {one_line(why)}.",
    }
    return {"model_name": "LabelModel", "model_module": "@jupyter-widgets/controls", "state": state}


def _readable(output: Any) -> Any:  # of a notebook
    """An output of an Output widget, without a picture that no browser can read."""
    data = output.get("data") if isinstance(output, Mapping) else None
    if not isinstance(data, Mapping) or is_base64(str(data.get("image/png", ""))):
        return output
    return {**output, "data": {kind: content for kind, content in data.items() if kind != "image/png"}}


def _styles(value: object) -> Any:
    """A value of CSS, or several in a list or a dict; None for one that could ask for something."""
    if isinstance(value, str):
        return value if "(" not in value else clean_value(value)
    if isinstance(value, Mapping):
        return {key: _styles(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_styles(inner) for inner in value]
    return value
