"""What an exported page carries: models, arrays in chunks, shared texts, the modules of other packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, get_args

import numpy as np
from jaxtyping import Shaped

from nsm_widgets._errors import ExportError, OptionError
from nsm_widgets._options import is_one_of
from nsm_widgets.export.page._chunks import (
    PRECISIONS,
    ChunkedArray,
    Drawing,
    Precision,
    TooLargeError,
    chunk_array,
)
from nsm_widgets.export.page._classes import OWN_MODULES, reference_traits
from nsm_widgets.export.page._clean import Cleaner
from nsm_widgets.export.page._modules import static_text
from nsm_widgets.export.page._trust import Trust, why_not
from nsm_widgets.export.page._values import clean_state, placed_buffers, stand_in
from nsm_widgets.export.page._widget_state import (
    SharedTexts,
    WidgetModel,
    as_ours,
    check_models,
    each_state,
    is_ours,
    modules_of,
    named_in,
    needed,
    renamed,
)
from nsm_widgets.view import ColorDomain
from nsm_widgets.view.panels import PANELS

Arrays = Mapping[str, Shaped[np.ndarray, "..."]]
ArraysOf = Callable[[str], Arrays]
"""Gives the arrays of a store, by the store's model id, as far as they can be had."""

Drawings = dict[tuple[str, str], Drawing]
"""How each array is drawn, by its store's id and its name."""

DEFAULT_MAX_BYTES = 100_000_000

OUR_TEXTS = {"_esm": "index.js", "_css": "style.css"}
DATA_TEXTS = {"_esm": "data.js", "_css": None}
"""Of our widgets a page always has the installed bundle: a saved notebook may hold an older one."""

PageTheme = Literal["auto", "light", "dark"]
"""``auto`` follows the reader's system."""
PAGE_THEMES: tuple[str, ...] = get_args(PageTheme)


@dataclass(frozen=True, slots=True)
class PageContent:
    """What stands in the scripts of one page."""

    models: dict[str, WidgetModel]
    names: dict[str, str]
    """Ids of models in the page, by their ids in the notebook."""
    arrays: tuple[ChunkedArray, ...]
    """In the order of their elements ``nsmw-data-0``, ``nsmw-data-1``, ..."""
    texts: dict[str, str]
    """Shared texts, by name."""
    modules: tuple[str, ...]
    """Widget modules of other packages."""
    missing: tuple[str, ...]
    """Names of arrays that views draw and that were not to be had."""
    strangers: dict[str, str]
    """Why they do not run: of models whose code is not trusted, by their ids in the notebook."""
    sheets: list[str]
    """Style sheets of what was cleaned, each for its own elements alone."""

    @property
    def precisions(self) -> dict[str, list[str]]:
        """Names of the arrays that are kept at each precision that the page has to name."""
        kept: dict[str, list[str]] = {}
        for array in self.arrays:
            if array.name not in kept.setdefault(array.precision, []):
                kept[array.precision].append(array.name)
        return kept


def page_content(
    models: Mapping[str, WidgetModel],
    shown: Iterable[str],
    arrays_of: ArraysOf,
    *,
    precision: Precision = "exact",
    max_bytes: int = DEFAULT_MAX_BYTES,
    trust: Trust = None,
    cleaner: Cleaner | None = None,
) -> PageContent:
    """Collect what the shown models need.

    Args:
        models: The widget state, by model id.
        shown: Ids of the models that the page shows.
        arrays_of: Gives the arrays of a store.
        precision: How values are kept; see :data:`~nsm_widgets.export.page._chunks.Precision`.
        max_bytes: What all arrays together may take in the page.
        trust: Packages whose code may run; None trusts all.
        cleaner: Of what is markup in the state.

    Raises:
        ExportError: If they take more.
    """
    check_page_options(precision, max_bytes)
    check_models(models)
    cleaner = cleaner or Cleaner()
    strangers = _strangers(models, trust)
    models = {**models, **{model_id: stand_in(models[model_id], why) for model_id, why in strangers.items()}}
    shown = list(shown)
    ids = needed(models, (model_id for model_id in shown if model_id not in strangers))
    names = {model_id: f"m{number}" for number, model_id in enumerate(ids)}
    kept = {model_id: models[model_id] for model_id in ids}
    writer = _ArrayWriter(_drawings(kept), precision, max_bytes)
    texts = SharedTexts()
    out: dict[str, WidgetModel] = {}
    for model_id, model in kept.items():
        copied = as_ours(model) if is_ours(model) else clean_state(model, cleaner)
        if "buffers" in copied:
            copied["buffers"] = placed_buffers(copied)
        state = copied["state"] = renamed(copied, names)
        if is_ours(model):
            texts_of = DATA_TEXTS if is_ours(model, "store", "selection") else OUR_TEXTS
            state |= {name: static_text(file) if file else "" for name, file in texts_of.items()}
            state.pop("_code", None)
        if is_ours(model, "store"):
            copied.pop("buffers", None)
            state |= {"_buffers": {}, "_state_mb": None}  # what a saved notebook holds is no matter here
            state["_chunks"] = writer.write(model_id, state["_meta"], arrays_of(model_id))
        copied["state"] = texts.name(state)
        out[names[model_id]] = copied
    modules = tuple(name for name in modules_of(out.values()) if name not in OWN_MODULES)
    named = {name: text for text, name in texts.names.items()}
    missing = tuple(dict.fromkeys(writer.missing))
    of_shown = {model_id: why for model_id, why in strangers.items() if model_id in {*names, *shown}}
    return PageContent(out, names, tuple(writer.written), named, modules, missing, of_shown, cleaner.sheets)


def _strangers(models: Mapping[str, WidgetModel], trust: Trust) -> dict[str, str]:
    """Why they do not run: of models whose code is not trusted, and of those that cannot be without them."""
    found = {
        model_id: why
        for model_id, model in models.items()
        if not is_ours(model) and (why := why_not(model, trust)) is not None
    }
    before = -1
    while before < len(found):
        before = len(found)
        for model_id, model in models.items():
            parts = reference_traits(model) & model["state"].keys() - {"children"}
            named = (each for part in parts for each in named_in(model["state"][part]))
            if model_id not in found and (part := next((each for each in named if each in found), None)):
                found[model_id] = found[part]
    return found


class _ArrayWriter:
    """Writes the arrays of all stores of a page, within its limit."""

    def __init__(self, drawings: Drawings, precision: Precision, max_bytes: float) -> None:
        self.drawings, self.precision, self.max_bytes = drawings, precision, max_bytes
        self.written: list[ChunkedArray] = []
        self.missing: list[str] = []

    def write(self, store: str, metas: Iterable[Mapping[str, Any]], arrays: Arrays) -> dict[str, object]:
        """A header for each array of a store that a shown view draws."""
        headers: dict[str, object] = {}
        for meta in metas:
            name = meta["name"]
            drawing = self.drawings.get((store, name))
            if drawing is not None and name in arrays:
                headers[name] = self._write(name, arrays[name], meta["dims"], drawing)
            elif drawing is not None:
                self.missing.append(name)
                headers[name] = {"missing": True}
        return headers

    def _write(
        self, name: str, values: Shaped[np.ndarray, "..."], dims: Sequence[str], drawing: Drawing
    ) -> dict[str, object]:
        room = self.max_bytes - sum(len(array.text) for array in self.written)
        try:
            array = chunk_array(name, values, dims, drawing, self.precision, most=room)
        except TooLargeError:
            self._refuse(name, values)
        header = {**array.header, "source": f"nsmw-data-{len(self.written)}"}
        self.written.append(array)
        return header

    def _refuse(self, name: str, values: Shaped[np.ndarray, "..."]) -> NoReturn:
        coarser = {
            "exact": "Choose precision='float16' or 'display', export",
            "float16": "Choose precision='display', export",
            "display": "Export",
        }
        raise ExportError(
            f"the arrays of the page must fit into max_bytes={self.max_bytes:,} bytes, and with "
            f"precision={self.precision!r} they do not: there is no room for {name}, which has "
            f"{values.nbytes:,} bytes before compression. "
            f"{coarser[self.precision]} a part of the trace (trace.isel(time=slice(0, 100))), "
            "or raise max_bytes."
        )


def check_page_options(precision: str, max_bytes: float, theme: str = "auto") -> None:
    """Refuse what is no precision, no number of bytes, or no theme."""
    if not is_one_of(precision, PRECISIONS):
        raise OptionError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}.")
    if not isinstance(max_bytes, (int, float)) or isinstance(max_bytes, bool) or not max_bytes > 0:
        raise OptionError(f"max_bytes must be a positive number of bytes, got {max_bytes!r}.")
    if not is_one_of(theme, PAGE_THEMES):
        raise OptionError(f"theme must be one of {', '.join(PAGE_THEMES)}, got {theme!r}.")


def _drawings(models: Mapping[str, WidgetModel]) -> Drawings:
    """How the views among the models draw the arrays of their stores."""
    drawings: Drawings = {}
    metas = {
        model_id: {meta["name"]: meta for meta in state["_meta"]}
        for model_id, state in each_state(models, "store")
    }
    for _, view in each_state(models, "view", "chart", "bars", "comparison"):
        store = str(view["_store"]).removeprefix("anywidget:")
        for panel in (panel for row in view["_layout"] for panel in row):
            array = metas.get(store, {}).get(panel["array"])
            if array is None:
                continue
            key = store, panel["array"]
            drawing = _drawing_of(panel, str(view["scale"]), array)
            if panel.get("own_ranges") and view.get("domain") == "per-head":
                drawing = replace(drawing, own_ranges=True)
            drawings[key] = _together(drawings[key], drawing) if key in drawings else drawing
            bars = panel.get("bars") or {"orders": {}, "flags": None}  # a page of an older state has none
            beside = [name for _symbol, name, _description in panel["scalars"]]
            for name in (*beside, *bars["orders"].values(), bars["flags"], panel.get("flags")):
                if name in metas[store]:
                    whole = Drawing(frozenset(metas[store][name]["dims"]))
                    drawings[store, name] = (
                        _together(drawings[store, name], whole) if (store, name) in drawings else whole
                    )
    return drawings


def _drawing_of(panel: Mapping[str, Any], scale: Any, meta: Mapping[str, Any]) -> Drawing:  # of a page
    low, high = panel["domain"]
    diverging = bool(panel["diverging"])
    return Drawing(
        axes=frozenset({panel["x"], panel["y"]}),
        domain=ColorDomain(low, high, diverging),
        scale=scale,
        thresholds=tuple(meta["magnitude_thresholds" if diverging else "thresholds"]),
        as_picture=PANELS[panel["kind"]].colored and panel["x"] != panel["y"],
    )


def _together(one: Drawing, other: Drawing) -> Drawing:
    """How an array is drawn that is drawn in both ways."""
    if one == other:
        return one
    return replace(one, axes=one.axes | other.axes, as_picture=False)
