"""What an exported page carries: models, arrays in chunks, shared texts, the modules of other packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Shaped

from nsm_widgets._errors import ExportError
from nsm_widgets.export._chunks import PRECISIONS, ChunkedArray, Drawing, Precision, chunk_array
from nsm_widgets.export._widget_state import (
    Model,
    SharedTexts,
    each_state,
    modules_of,
    needed,
    renamed,
)
from nsm_widgets.view import ColorDomain

OWN_MODULES = frozenset({"@jupyter-widgets/base", "@jupyter-widgets/controls", "@jupyter-widgets/output"})

Arrays = Mapping[str, Shaped[np.ndarray, "..."]]
ArraysOf = Callable[[str], Arrays]
"""Gives the arrays of a store, by the store's model id, as far as they can be had."""

Drawings = dict[tuple[str, str], Drawing]
"""How each array is drawn, by its store's id and its name."""

DEFAULT_MAX_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class PageContent:
    """What stands in the scripts of one page."""

    models: dict[str, Model]
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

    @property
    def precisions(self) -> dict[str, list[str]]:
        """Names of the arrays that are kept at each precision that the page has to name."""
        kept: dict[str, list[str]] = {}
        for array in self.arrays:
            if array.name not in kept.setdefault(array.precision, []):
                kept[array.precision].append(array.name)
        return kept


def page_content(
    models: Mapping[str, Model],
    shown: Iterable[str],
    arrays_of: ArraysOf,
    *,
    precision: Precision = "exact",
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> PageContent:
    """Collect what the shown models need.

    Args:
        models: The widget state, by model id.
        shown: Ids of the models that the page shows.
        arrays_of: Gives the arrays of a store.
        precision: How values are kept; see :data:`~nsm_widgets.export._chunks.Precision`.
        max_bytes: What all arrays together may take in the page.

    Raises:
        ExportError: If they take more.
    """
    check_options(precision, max_bytes)
    ids = needed(models, shown)
    names = {model_id: f"m{number}" for number, model_id in enumerate(ids)}
    kept = {model_id: models[model_id] for model_id in ids}
    drawings = _drawings(kept)
    texts = SharedTexts()
    chunked: list[ChunkedArray] = []
    missing: list[str] = []
    out: dict[str, Model] = {}
    stores = dict(each_state(kept, "store"))
    for model_id, model in kept.items():
        copied = {key: value for key, value in model.items() if key not in ("state", "buffers")}
        state = {
            key: value for key, value in model["state"].items() if not isinstance(value, (bytes, memoryview))
        }
        if model_id in stores:
            state |= {"_buffers": {}, "_state_mb": None}  # what a saved notebook holds is no matter here
            headers: dict[str, Any] = {}
            state["_chunks"] = headers
            available = arrays_of(model_id)
            for meta in state["_meta"]:
                drawing = drawings.get((model_id, meta["name"]))
                if drawing is None:
                    continue  # no shown view draws it
                if meta["name"] not in available:
                    missing.append(meta["name"])
                    headers[meta["name"]] = {"missing": True}
                    continue
                array = chunk_array(meta["name"], available[meta["name"]], meta["dims"], drawing, precision)
                headers[meta["name"]] = {**array.header, "source": f"nsmw-data-{len(chunked)}"}
                chunked.append(array)
                _check_size(chunked, precision, max_bytes)
        elif "buffers" in model:
            copied["buffers"] = model["buffers"]
        copied["state"] = texts.name(renamed(state, names))
        out[names[model_id]] = copied
    modules = tuple(name for name in modules_of(out.values()) if name not in OWN_MODULES)
    named = {name: text for text, name in texts.names.items()}
    return PageContent(out, names, tuple(chunked), named, modules, tuple(dict.fromkeys(missing)))


def check_options(precision: str, max_bytes: float) -> None:
    """Refuse what is no precision or no number of bytes."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}.")
    if not isinstance(max_bytes, (int, float)) or isinstance(max_bytes, bool) or not max_bytes > 0:
        raise ValueError(f"max_bytes must be a positive number of bytes, got {max_bytes!r}.")


def _check_size(arrays: Sequence[ChunkedArray], precision: Precision, max_bytes: float) -> None:
    size = sum(len(array.text) for array in arrays)
    if size <= max_bytes:
        return
    largest = max(arrays, key=lambda array: len(array.text))
    coarser = {
        "exact": "Choose precision='float16' or 'display', export",
        "float16": "Choose precision='display', export",
        "display": "Export",
    }
    raise ExportError(
        f"the arrays of the page must fit into max_bytes={max_bytes:,} bytes, and they take more than "
        f"{size:,} with precision={precision!r}, most of it {largest.name} with {len(largest.text):,}. "
        f"{coarser[precision]} a part of the trace (trace.isel(time=slice(0, 100))), or raise max_bytes."
    )


def _drawings(models: Mapping[str, Model]) -> Drawings:
    """How the views among the models draw the arrays of their stores."""
    drawings: Drawings = {}
    metas = {
        model_id: {meta["name"]: meta for meta in state["_meta"]}
        for model_id, state in each_state(models, "store")
    }
    for _, view in each_state(models, "view", "chart"):
        store = str(view["_store"]).removeprefix("anywidget:")
        for panel in (panel for row in view["_layout"] for panel in row):
            array = metas.get(store, {}).get(panel["array"])
            if array is None:
                continue
            key = store, panel["array"]
            drawing = _drawing_of(panel, str(view["scale"]), array)
            drawings[key] = _together(drawings[key], drawing) if key in drawings else drawing
            for _symbol, name, _description in panel["scalars"]:
                if name in metas[store]:
                    whole = Drawing(frozenset(metas[store][name]["dims"]))
                    drawings[store, name] = (
                        _together(drawings[store, name], whole) if (store, name) in drawings else whole
                    )
    return drawings


def _drawing_of(panel: Mapping[str, Any], scale: Any, meta: Mapping[str, Any]) -> Drawing:
    low, high = panel["domain"]
    diverging = bool(panel["diverging"])
    return Drawing(
        axes=frozenset({panel["x"], panel["y"]}),
        domain=ColorDomain(low, high, diverging),
        scale=scale,
        thresholds=tuple(meta["magnitude_thresholds" if diverging else "thresholds"]),
        as_picture=panel["kind"] in ("heatmap", "thumbnails") and panel["x"] != panel["y"],
    )


def _together(one: Drawing, other: Drawing) -> Drawing:
    """How an array is drawn that is drawn in both ways."""
    if one == other:
        return one
    return replace(one, axes=one.axes | other.axes, as_picture=False)
