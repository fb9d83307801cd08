"""Small traces, one for every view, and what their pictures hold."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from nsm_widgets.export.picture._picture import Page, arrange, heading_of
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.panels._heatmap import HeatmapPicture
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import (
    ColorScale,
    Layout,
    Panel,
    Theme,
    attention_layout,
    color_codes,
    comparison_layout,
    explorer_layout,
    heatmap_layout,
    memory_layout,
    operations_layout,
    paint,
    rank_thresholds,
    read_write_layout,
    routing_layout,
)
from nsm_widgets.view.settings import Settings

OWN = ("time", "expert", "neuron_" + "x" * 57, "中")
"""Axes that nothing is known of but the first, one with a name as long as may be."""
TIME, SLOT, WORD, TOKENS = 9, 12, 7, ("the", "cat", "sat", "down")


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    """Weightings that sum to 1 along the last axis."""
    random = np.random.default_rng(seed)
    drawn: np.ndarray = random.dirichlet(np.full(shape[-1], 0.3), size=shape[:-1])
    return drawn


def ntm_trace() -> Trace:
    """What a recorder finds in an NTM with two read heads and one write head."""
    random = np.random.default_rng(3)
    arrays: dict[str, np.ndarray] = {
        "memory": random.normal(size=(TIME, 1, SLOT, WORD)),
        "initial_memory": np.zeros((1, SLOT, WORD)),
        "input": random.random((TIME, 1, 4)),
        "output": random.normal(size=(TIME, 1, 3)),
    }
    for seed, (side, heads) in enumerate((("write", 1), ("read", 2))):
        for stage in ("content_weights", "gated_weights", "shifted_weights", "weights"):
            arrays[f"{side}_{stage}"] = weights(TIME, 1, heads, SLOT, seed=seed)
        arrays[f"{side}_strength"] = random.random((TIME, 1, heads))
    return Trace.from_arrays(arrays)


def views() -> dict[str, tuple[Trace, Layout]]:
    """Trace and layout of every public view."""
    ntm = ntm_trace()
    memory = memory_layout(ntm)
    explorer = explorer_layout(ntm)
    attention = Trace.from_attentions(list(weights(2, 1, 3, 4, 4)), tokens=TOKENS)
    tall = NamedArray("tall", np.random.default_rng(4).normal(size=(5, 3, 6)), dims=("time", "head", "slot"))
    own = NamedArray("own", np.random.default_rng(5).normal(size=(5, 3, 4, 6)), dims=OWN)
    return {
        "heatmap": (Trace(tall), heatmap_layout(tall)),
        "heatmap-own-axes": (Trace(own), heatmap_layout(own)),
        "heatmap-turned": (Trace(tall), heatmap_layout(tall, x="time", y="slot")),
        "heatmap-last-axis-free": (Trace(tall), heatmap_layout(tall, x="time", y="head")),
        "memory": (memory[1], memory[0]),
        "read-write": (ntm, read_write_layout(ntm)),
        "attention": (attention, attention_layout(attention)),
        "explorer": (explorer[1], explorer[0]),
        **seed_views(),
    }


def seed_views() -> dict[str, tuple[Trace, Layout]]:
    """Trace and layout of the views of routing, operations and comparison."""
    routing = routing_layout(Trace.from_arrays({"routing_weights": weights(TIME, 4, 3)}))
    operations = operations_layout(ntm_trace())
    few = comparison_layout(patterns_of(3))
    many = comparison_layout(patterns_of(8))
    return {
        "routing": (routing[1], routing[0]),
        "operations": (operations[1], operations[0]),
        "comparison": (few[1], few[0]),
        "comparison-of-many": (many[1], many[0]),
    }


def patterns_of(count: int) -> NamedArray:
    """Named attention matrices of four queries and five keys."""
    names = [f"pattern {chr(97 + index)}" for index in range(count)]
    dims = ("pattern", "query", "key")
    return NamedArray("patterns", weights(count, 4, 5), dims, {"pattern": names}, {"kind": "attention"})


def one_heatmap(values: Any, dims: tuple[str, ...], **options: Any) -> tuple[Trace, Layout]:
    """A trace of one array, and its layout."""
    array = NamedArray("values", np.asarray(values), dims=dims, attrs={"kind": "content"})
    return Trace(array), heatmap_layout(array, **options)


def pixels(png: bytes) -> np.ndarray:
    """What Pillow reads in the file."""
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def page_of(
    trace: Trace,
    layout: Layout,
    indices: Mapping[str, int],
    *,
    cmap: str = "auto",
    scale: ColorScale = "linear",
    theme: Theme = "light",
    width_px: int = 960,
    title: str = "",
) -> Page:
    """Where ``draw_picture`` puts each panel."""
    scene = Scene(trace, indices, Settings(cmap, scale), theme)
    return arrange(scene, layout, heading_of(scene, layout, title), width_px)


def heatmaps_of(page: Page) -> list[tuple[HeatmapPicture, int, int, int, int]]:
    """Every heatmap with left, top, width and height of its cells."""
    found = []
    for picture, left, top in page.placed:
        if isinstance(picture, HeatmapPicture):
            box = picture.box(left, top)
            found.append((picture, box.left, box.top, box.width, box.height))
    return found


def expected_colors(
    trace: Trace, panel: Panel, at: Mapping[str, int], scale: ColorScale, cmap: str, theme: Theme = "light"
) -> np.ndarray:
    """Colour of every cell of a panel ``(y, x, 3)``, coded along the array's last axis if that is drawn."""
    array = trace[panel.array]
    plane = array.isel(**{dim: at[dim] for dim in array.dims if dim not in (panel.x, panel.y)})
    turned = array.dims[-1] == panel.y
    order = (panel.x, panel.y) if turned else (panel.y, panel.x)
    values = np.transpose(plane.values, [plane.dims.index(dim) for dim in order])
    thresholds = rank_thresholds(array.values, magnitudes=panel.domain.diverging)
    codes = color_codes(values, panel.domain, scale, quantiles=thresholds)
    return paint(codes.T if turned else codes, cmap, theme)
