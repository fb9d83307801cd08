"""Whose code runs in an exported page.

Always: our own, of ipywidgets' controls, and of bqplot. Of other packages, those that the exporter names.
Trust is of code, not of names: what runs is the file that is installed, or equals it byte for byte, never
what a notebook brought along.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from importlib import import_module, metadata
from pathlib import Path, PurePosixPath
from typing import Any

from nsm_widgets._text import one_line
from nsm_widgets.export.page._classes import OWN_MODULES, python_class
from nsm_widgets.export.page._modules import compressed_module

ALWAYS = ("bqplot", "bqscales")
"""Packages besides ours and ipywidgets whose code runs in every page."""

_MEDIA = frozenset({"ImageModel", "AudioModel", "VideoModel"})

Trust = Collection[str] | None
"""Names of packages besides :data:`ALWAYS`; None trusts all: the widgets of this very kernel."""


def why_not(model: Mapping[str, Any], trust: Trust) -> str | None:
    """Why a model's code does not run in the page, in a few words; None where it does."""
    state = model["state"]
    given = (model["model_module"], state.get("_model_module"), state.get("_view_module"))
    modules = {name for name in given if name is not None}
    if not all(isinstance(name, str) for name in modules):
        return "it names no module"
    if "anywidget" in modules:
        return None if trust is None else _why_not_anywidget(state, trust)
    for name in sorted(modules - OWN_MODULES):
        if trust is not None and name not in _modules_of(*ALWAYS, *trust):
            return f"its code is of {one_line(name)}, which the page was not told to trust"
        if compressed_module(name) is None:
            return f"its code is of {one_line(name)}, which no installed package brings"
    if model["model_name"] in _MEDIA and state.get("format") == "url":
        return "it shows what lies at another address"
    if modules & (OWN_MODULES | set(ALWAYS)) and python_class(model) is None:
        return f"no {one_line(model['model_name'])} is installed here"
    return None


def _why_not_anywidget(state: Mapping[str, Any], trust: Collection[str]) -> str | None:
    name = str(state.get("_anywidget_id"))
    module, _, class_name = name.rpartition(".")
    if module.split(".")[0] not in trust:
        package = module.split(".")[0] or "an unknown package"
        return f"its code is of {one_line(package)}, which the page was not told to trust"
    installed = _installed_texts(module, class_name)
    if installed is None:
        return f"no {one_line(name)} is installed here"
    if installed != (str(state.get("_esm", "")), str(state.get("_css", ""))):
        return f"its code is not that of the installed {one_line(name)}"
    return None


@cache
def _installed_texts(module: str, class_name: str) -> tuple[str, str] | None:
    """Script and style sheet of an installed anywidget; its package is trusted, so it may be imported."""
    try:
        found = getattr(import_module(module), class_name)
    except Exception:  # whatever another package raises as it is imported
        return None
    return _text(getattr(found, "_esm", "")), _text(getattr(found, "_css", ""))


def _text(given: object) -> str:
    return given.read_text(encoding="utf-8") if isinstance(given, Path) else str(given)


@cache
def _modules_of(*packages: str) -> frozenset[str]:
    """Names of the widget modules that packages install into ``share/jupyter/nbextensions``."""
    found = set()
    for package in packages:
        try:
            files = metadata.files(package) or []
        except metadata.PackageNotFoundError:
            continue
        for file in map(PurePosixPath, files):
            parts = file.parts
            if file.name == "index.js" and "nbextensions" in parts:
                found.add("/".join(parts[parts.index("nbextensions") + 1 : -1]))
    return frozenset(found)
