"""The widgets of a page: which models its views need, under short names, without what they repeat."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from nsm_widgets._errors import ExportError
from nsm_widgets._state_format import can_read
from nsm_widgets._text import printable
from nsm_widgets.export.page._classes import reference_traits
from nsm_widgets.export.page._values import LINKS, is_safe_link

WidgetModel = dict[str, Any]
"""A model as the widget state describes it: ``model_name``, ``model_module``, ..., ``state``, ``buffers``."""

VIEW_TYPE = "application/vnd.jupyter.widget-view+json"

_REFERENCE = re.compile(r"(IPY_MODEL_|anywidget:)(\S+)", re.DOTALL)
_OUR_NAME = re.compile(r"nsm_widgets\.[\w.]+")
_MODEL_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def needed(models: Mapping[str, WidgetModel], shown: Iterable[str]) -> list[str]:
    """Ids of the models that the shown ones reach, and of the links that hold any of them, in order."""
    found: dict[str, None] = {}
    waiting = list(shown)
    while waiting:
        for model_id in waiting:
            _reach(models, model_id, found)
        waiting = [
            model_id
            for model_id, model in models.items()
            if model_id not in found
            and model.get("model_name") in LINKS
            and is_safe_link(model)
            and any(target in found for target in references(model))
        ]
    return list(found)


def _reach(models: Mapping[str, WidgetModel], start: str, found: dict[str, None]) -> None:
    waiting = [start]
    while waiting:
        model_id = waiting.pop()
        if model_id in found or model_id not in models:
            continue
        found[model_id] = None
        waiting += reversed(list(references(models[model_id])))


def references(model: WidgetModel) -> Iterator[str]:
    """Ids of the models that a model names, where references stand; elsewhere they are text."""
    state = model["state"]
    for name in state:
        if name in reference_traits(model):
            yield from named_in(state[name])
    for output in _outputs(model):
        yield output["data"][VIEW_TYPE]["model_id"]


def named_in(value: object) -> Iterator[str]:
    """Ids of the models that a value names."""
    if isinstance(value, str):
        match = _REFERENCE.fullmatch(value)
        if match:
            yield match[2]
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from named_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from named_in(inner)


def _outputs(model: WidgetModel) -> list[Any]:
    """Those outputs of an Output widget that are widgets."""
    outputs = model["state"].get("outputs")
    found = []
    for output in outputs if isinstance(outputs, list) and model["model_name"] == "OutputModel" else ():
        data = output.get("data") if isinstance(output, Mapping) else None
        view = data.get(VIEW_TYPE) if isinstance(data, Mapping) else None
        if isinstance(view, Mapping) and isinstance(view.get("model_id"), str):
            found.append(output)
    return found


def renamed(model: WidgetModel, names: Mapping[str, str]) -> dict[str, Any]:
    """The state of a model with other ids, copied; a reference to a model that is not there becomes None.

    So does a number that is not finite: JSON has no word for it.
    """
    places = reference_traits(model)
    state = {
        name: _renamed(value, names if name in places else None) for name, value in model["state"].items()
    }
    for output in _outputs({**model, "state": state}):
        view = output["data"][VIEW_TYPE]
        view["model_id"] = names.get(view["model_id"], view["model_id"])
    return state


def _renamed(value: object, names: Mapping[str, str] | None) -> Any:
    """A value, copied; a text is a reference only where there are names."""
    if isinstance(value, str):
        match = _REFERENCE.fullmatch(value) if names is not None else None
        if match is None or names is None:
            return value
        if match[2] in names:
            return f"{match[1]}{names[match[2]]}"
        return None if match[1] == "IPY_MODEL_" and _MODEL_ID.fullmatch(match[2]) else value
    if isinstance(value, Mapping):
        return {key: _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_renamed(inner, names) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class SharedTexts:
    """Long texts that models repeat (each anywidget carries its bundle): kept once, named in their place."""

    PREFIX = "nsmw-shared:"
    SHORTEST = 2_000

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def name(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The state with its ``_esm`` and ``_css`` named instead of repeated."""
        return {key: self._named(value) if key in ("_esm", "_css") else value for key, value in state.items()}

    def _named(self, value: object) -> object:
        if not isinstance(value, str) or len(value) < self.SHORTEST:
            return value
        return self.PREFIX + self.names.setdefault(value, f"t{len(self.names)}")


def modules_of(models: Iterable[WidgetModel]) -> list[str]:
    """Names of the widget modules that the models need, sorted."""
    names: set[str] = set()
    for model in models:
        state = model["state"]
        candidates = (model.get("model_module"), state.get("_model_module"), state.get("_view_module"))
        names.update(name for name in candidates if isinstance(name, str))
    return sorted(names)


def is_ours(model: WidgetModel, *kinds: str) -> bool:
    """Whether it is a widget of ours that can be read, of one of these kinds; of any where none is given."""
    kind = model["state"].get("_kind")
    ours = model.get("model_module") == "anywidget" and (kind in kinds if kinds else kind in REQUIRED)
    return ours and can_read(_format_of(model))


def as_ours(model: WidgetModel) -> WidgetModel:
    """A copy of a model of ours, under the names that ours have, whatever its state says."""
    state = dict(model["state"])
    name = str(state.get("_anywidget_id"))
    state["_anywidget_id"] = name if _OUR_NAME.fullmatch(name) else f"nsm_widgets.{state['_kind']}"
    state |= {"_model_module": "anywidget", "_view_module": "anywidget"}
    state |= {"_model_name": "AnyModel", "_view_name": "AnyView"}
    return {**model, "model_name": "AnyModel", "state": state}


def unread_formats(models: Mapping[str, WidgetModel], shown: str) -> list[object]:
    """The formats of those widgets of ours behind a shown one that cannot be read; none where all can."""
    behind = (models[model_id] for model_id in needed(models, [shown]))
    ours = (m for m in behind if str(m["state"].get("_anywidget_id", "")).startswith("nsm_widgets."))
    return [_format_of(model) for model in ours if not can_read(_format_of(model))]


def _format_of(model: WidgetModel) -> object:
    return model["state"].get("_format", 1)


def each_state(models: Mapping[str, WidgetModel], *kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and state of every widget of ours of these kinds."""
    return ((model_id, model["state"]) for model_id, model in models.items() if is_ours(model, *kinds))


REQUIRED: dict[str, dict[str, type]] = {
    "store": {"_meta": list},
    "selection": {},
    "view": {"_layout": list, "_store": str, "scale": str},
    "chart": {"_layout": list, "_store": str, "scale": str},
    "bars": {"_layout": list, "_store": str, "scale": str},
    "comparison": {"_layout": list, "_store": str, "scale": str},
}
"""What the state of our widgets must hold, by kind."""


def check_models(models: Mapping[str, WidgetModel]) -> None:
    """Refuse a state that is damaged, before anything relies on it.

    Raises:
        ExportError: If a model is no model, or one of ours lacks what it must have.
    """
    for model_id, model in models.items():
        if not isinstance(model, Mapping) or not isinstance(model.get("state"), Mapping):
            _refuse(model_id, "have a state")
        if not all(isinstance(model.get(key), str) for key in ("model_name", "model_module")):
            _refuse(model_id, "have a model_name and a model_module")
        if is_ours(model):
            for key, kind in REQUIRED[model["state"]["_kind"]].items():
                if not isinstance(model["state"].get(key), kind):
                    _refuse(model_id, f"have {key}")


def _refuse(model_id: str, rule: str) -> NoReturn:
    raise ExportError(
        f"model {printable(model_id)[:64]} of the notebook's widget state must {rule}, and it does not: the "
        "state is damaged. Execute the notebook again."
    )
