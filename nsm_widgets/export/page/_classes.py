"""What is known of the models of a widget state: the Python class of each, and which traits hold references.

A reference (``IPY_MODEL_<id>``, ``anywidget:<id>``) stands where a trait of widgets is; everywhere else such
words are text, as a label may well be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipywidgets import Widget

OWN_MODULES = frozenset({"@jupyter-widgets/base", "@jupyter-widgets/controls", "@jupyter-widgets/output"})
"""Widget modules that the page's runtime holds."""

OUR_REFERENCES = frozenset(
    {
        *("_store", "_selection", "_linked", "_leader", "_joined_stores"),
        *("_figures", "_figure", "_lines", "_cursor", "layout"),
    }
)
"""Traits of our widgets that hold references."""


def python_class(model: Mapping[str, Any]) -> type[Widget] | None:
    """The class of ipywidgets, bqplot or bqscales that a model belongs to; None of any other."""
    module = model["model_module"]
    if module not in OWN_MODULES and module not in ("bqplot", "bqscales"):
        return None
    package = "ipywidgets" if module in OWN_MODULES else str(module)
    return _classes(package).get((module, model["model_name"]))


def reference_traits(model: Mapping[str, Any]) -> frozenset[str]:
    """Names of the traits that hold references; of a class that is not known, every trait may."""
    found: Any = python_class(model)
    if found is not None:
        return _references_of(found)
    return OUR_REFERENCES if "_kind" in model["state"] else frozenset(model["state"])


@cache
def _classes(package: str) -> dict[tuple[str, str], type[Widget]]:
    """The widget classes of a package, by the module and the name of their models in the page."""
    import ipywidgets

    import_module(package)
    found: dict[tuple[str, str], type[Widget]] = {}
    for each in _subclasses(ipywidgets.Widget):
        traits = each.class_traits()
        if each.__module__.split(".")[0] == package:
            key = traits["_model_module"].default_value, traits["_model_name"].default_value
            found.setdefault(key, each)
    return found


def _subclasses(parent: type[Widget]) -> Iterator[type[Widget]]:
    yield parent
    for child in parent.__subclasses__():
        yield from _subclasses(child)


@cache
def _references_of(widget: type[Widget]) -> frozenset[str]:
    from ipywidgets import widget_serialization

    read = widget_serialization["from_json"]
    traits = widget.class_traits(sync=True)
    return frozenset(name for name, trait in traits.items() if trait.metadata.get("from_json") is read)
