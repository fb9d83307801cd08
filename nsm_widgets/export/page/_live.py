"""The widgets of this kernel as a saved notebook would describe them, the arrays of our stores left out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

from nsm_widgets._errors import OptionError
from nsm_widgets.export.page._described import held_arrays
from nsm_widgets.export.page._widget_state import WidgetModel, references

if TYPE_CHECKING:
    from ipywidgets import Widget


def live_models(widgets: Iterable[Any]) -> dict[str, WidgetModel]:
    """The state of widgets and of all that they refer to, and of the links that hold any of them together."""
    from ipywidgets.widgets import widget as registry
    from ipywidgets.widgets.widget_link import Link

    instances: Mapping[str, Any] = registry._instances
    widgets = list(widgets)
    for widget in widgets:
        if widget.comm is None:
            name = type(widget).__name__
            raise OptionError(f"a page holds widgets that are open, got a {name} that was closed.")
    links = [widget for widget in instances.values() if isinstance(widget, Link)]
    models: dict[str, WidgetModel] = {}
    waiting = [widget.model_id for widget in widgets]
    while waiting:
        for model_id in waiting:
            _describe(model_id, instances, models)
        waiting = [
            link.model_id
            for link in links
            if link.model_id not in models
            and (link.source[0].model_id in models or link.target[0].model_id in models)
        ]
    return models


def live_arrays(model_id: str) -> dict[str, Shaped[np.ndarray, "..."]]:
    """The arrays of a store, as they would cross to the page."""
    from ipywidgets.widgets import widget as registry

    return dict(held_arrays(registry._instances[model_id]) or {})


def _describe(start: str, instances: Mapping[str, Any], models: dict[str, WidgetModel]) -> None:
    waiting = [start]
    while waiting:
        model_id = waiting.pop()
        if model_id in models or model_id not in instances:
            continue
        models[model_id] = _model(instances[model_id])
        waiting += reversed(list(references(models[model_id])))


def _model(widget: Widget) -> WidgetModel:
    from ipywidgets.widgets.widget import _remove_buffers

    is_store = held_arrays(widget) is not None
    keys = [key for key in widget.keys if not (is_store and key == "_buffers")]  # see live_arrays
    try:
        state, paths, buffers = _remove_buffers(widget.get_state(keys))
    except AttributeError as error:  # what ipywidgets raises for a widget without a channel
        raise OptionError(
            f"a page holds widgets that are open, and a {type(widget).__name__} refers to one "
            "that was closed. Take it out, or make it again."
        ) from error
    model: WidgetModel = {
        "model_name": widget._model_name,
        "model_module": widget._model_module,
        "model_module_version": widget._model_module_version,
        "state": state,
    }
    if buffers:
        model["buffers"] = [
            {"path": path, "encoding": "base64", "data": b64encode(buffer).decode("ascii")}
            for path, buffer in zip(paths, buffers, strict=True)
        ]
    return model
