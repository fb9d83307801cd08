"""A notebook with every kind of view: the cells, and what a page shows of them in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from playwright.sync_api import Locator, Page, expect

SETUP = """
from functools import partial
import numpy as np
import torch
from nsm_widgets import *
from nsm_widgets.ntm import NTM
torch.set_num_threads(1)
torch.manual_seed(0)
random = np.random.default_rng(0)
STEPS, SLOTS, WORDS = 9, 8, 5
def run(scale=1.0):
    return Trace.from_arrays({
        "memory": scale * random.normal(size=(STEPS, 1, SLOTS, WORDS)),
        "write_weights": random.dirichlet(np.full(SLOTS, 0.3), size=(STEPS, 1, 1)),
        "read_weights": random.dirichlet(np.full(SLOTS, 0.3), size=(STEPS, 1, 2)),
    })
trace, other = run(), run(1.5)
attention = Trace.from_attentions(list(random.dirichlet(np.full(5, 0.5), size=(2, 1, 3, 5))),
                                  tokens=["the", "cat", "<b>sat</b>", "down", "."])
listening = random.dirichlet(np.full(4, 0.3), size=(3, 2, 4))
routing = random.dirichlet(np.full(3, 0.2), size=(4, 5))
rec = TraceRecorder(NTM(input_size=5, output_size=4, memory_size=6, word_size=3))
"""

CELLS = {
    "explorer": 'NTMExplorer(trace, selection=Selection(time=3), title="an <b>explorer</b>")',
    "attention": "AttentionView(attention, scale='log')",
    "communication": "CommunicationView(listening, state_labels=list('abcd'))",
    "routing": "RoutingView(routing, list('vwxyz'), ['A', 'B', 'C'])",
    "statistic": "StatisticChart(trace, 'entropy')",
    "importance": "ImportanceView(trace)",
    "group": "ViewGroup(trace, [[partial(MemoryView, trace)], [partial(StatisticChart, trace, 'entropy')]])",
    "traces": "TraceComparison(trace, other, arrays=['read_weights'])",
    "training": "MemoryView(rec)",
}
"""What each cell shows, by the name that it has from then on."""

TRAIN = """
with rec, torch.no_grad():
    for number in range(4):
        rec.model(torch.rand(3, 1, 5))
        rec.log(loss=1 / (number + 1))
"""

KINDS = ("view", "chart", "bars", "comparison")
"""Of models that are drawn."""

LOOK = """async (root, shapes) => {
    // charts draw a frame later
    for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
    const cells = (canvas, [rows, columns]) => {
        const context = canvas.getContext("2d");
        const at = (row, column) => context.getImageData(
            Math.floor((column + 0.5) * canvas.width / columns),
            Math.floor((row + 0.5) * canvas.height / rows), 1, 1).data.slice(0, 3);
        const hex = pixel => [...pixel].map(part => part.toString(16).padStart(2, "0")).join("");
        return Array.from({ length: rows }, (_, row) =>
            Array.from({ length: columns }, (_, column) => hex(at(row, column))).join(" "));
    };
    const curves = figure => {
        const plot = figure.querySelector(".plotarea_events");
        const [width, height] = ["width", "height"].map(name => Number(plot.getAttribute(name)));
        const share = pair => pair.split(",").map((part, axis) => part / [width, height][axis]);
        const lines = [...figure.querySelectorAll(".curve .line")].map(path =>
            (path.getAttribute("d") ?? "").replace("Z", "").split(/[ML]/).slice(1).map(share));
        const bars = [...figure.querySelectorAll(".bargroup rect")].map(bar =>
            bar.getAttribute("height") / height);
        return { lines, bars };
    };
    const inked = canvas => {
        if (!canvas?.width) return false;
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const pixels = new Uint32Array(data.buffer);
        return pixels.some(pixel => pixel !== pixels[0]);
    };
    const texts = (panel, selector) => [...panel.querySelectorAll(selector)].map(node => node.textContent);
    const whole = root.closest(".nsmw-chart-box") ?? root;
    return {
        at: Object.fromEntries(Object.entries(root.dataset).filter(([, value]) => /^\\d+$/.test(value))),
        panels: Object.fromEntries([...root.querySelectorAll("[data-panel]")].map(panel => {
            const name = panel.dataset.panel;
            const canvas = panel.querySelector("canvas");
            return [name, {
                painted: panel.dataset.painted ?? null,
                inked: inked(canvas),
                colors: name in shapes && canvas?.width && !panel.hidden ? cells(canvas, shapes[name]) : [],
                text: texts(panel, ".nsmw-notes p, td"),
            }];
        })),
        figures: [...whole.querySelectorAll(".nsmw-figure")].map(curves),
    };
}"""


def shapes_of(models: Mapping[str, Any], shown: list[str]) -> list[dict[str, tuple[int, int]]]:
    """Rows and columns of the heatmaps of each view, in the page's order, from a widget state."""
    return [_shapes(models, state) for top in shown for state in _drawn(models, top)]


def _drawn(models: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    state = models[name]["state"]
    if state.get("_kind") in KINDS:
        yield state
    for child in state.get("children", []):
        yield from _drawn(models, child.removeprefix("IPY_MODEL_"))


def _shapes(models: Mapping[str, Any], view: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    metas = models[view["_store"].removeprefix("anywidget:")]["state"]["_meta"]
    sizes = {meta["name"]: dict(zip(meta["dims"], meta["shape"], strict=True)) for meta in metas}
    panels = [panel for row in view["_layout"] for panel in row if panel["kind"] == "heatmap"]
    return {
        panel["id"]: (sizes[panel["array"]].get(panel["y"], 1), sizes[panel["array"]].get(panel["x"], 1))
        for panel in panels
    }


def roots(page: Page) -> list[Locator]:
    """Every view on a page, in order."""
    return page.locator(".nsmw-root").all()


def look(root: Locator, shapes: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """What is to be seen of a view: places of sliders, colours of cells, texts, lines and bars."""
    root.evaluate("root => root.scrollIntoView({ block: 'center' })")
    ready = "[data-panel]:not([hidden]):not([data-state=ready])"
    expect(root.locator("[data-panel]").first).to_be_attached(timeout=60_000)
    expect(root.locator(ready)).to_have_count(0, timeout=60_000)
    seen: dict[str, Any] = root.evaluate(LOOK, shapes)
    return seen


def move(root: Locator) -> None:
    """Bring its first slider, if it has any, to its other end."""
    slider = root.locator("input[type=range]").first
    if slider.count():
        last = slider.get_attribute("max") or ""
        to, key = ("0", "Home") if slider.input_value() == last else (last, "End")
        slider.press(key)
        expect(root).to_have_attribute(f"data-{slider.get_attribute('data-dim')}", to)
