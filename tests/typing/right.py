"""Thirty right uses, which type checkers take; nothing here runs."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import torch

from nsm_widgets import (
    NTM,
    AdvancedNSMVisualizer,
    AttentionView,
    Heatmap,
    NTMExplorer,
    NTMMemory,
    Trace,
    TraceRecorder,
    compare,
    compose,
    create_comprehensive_report,
    link,
    load_pretrained,
    show,
)
from nsm_widgets.errors import NsmWidgetsError, ShapeError
from nsm_widgets.stats import entropy
from nsm_widgets.trace import NamedArray, StoreWriter
from nsm_widgets.widgets import (
    CommunicationView,
    ImportanceView,
    LineChart,
    MemoryView,
    PageArrays,
    ReadWriteView,
    RoutingView,
    Selection,
)

square = np.eye(4)
weights = np.full((5, 1, 2, 8), 1 / 8)
trace = Trace.from_arrays({"memory": np.zeros((5, 1, 8, 4)), "read_weights": weights})
selection = Selection(time=3)
held = PageArrays(trace, only=["memory"], budget_mb=8)
heatmap = Heatmap(square, dims=("query", "key"), labels={"key": ["a", "b", "c", "d"]}, annotate=True)
also = Heatmap(torch.eye(4), ("row", "column"), x="row", vmin=0.0, vmax=1, aspect="equal", height_px=200)
array: NamedArray = trace["memory"]
named = Heatmap(array.isel(time=0), cmap="viridis", title="memory", selection=selection)
memory = MemoryView(trace, page_arrays=held, precision="float16", scale="log")
tensor = MemoryView(np.zeros((5, 8, 4)), dims=("time", "slot", "word"))
over_time = ReadWriteView({"read_weights": weights}, selection=selection)
by_slot = ReadWriteView(trace, by="slot", labels={"slot": range(8)})
step = ReadWriteView.from_weights(weights[0, 0], None, before=(weights[0, 0], None))
attention = AttentionView([[1.0, 0.0], [0.5, 0.5]], domain="per-head", labels={"query": ["a", "b"]})
routing = RoutingView(np.full((3, 2), 0.5), labels={"state": ["x", "y"]}, title="routing")
talk = CommunicationView(square, check_weights=False, labels={"state": [1, 2, 3, 4]})
bars = ImportanceView(np.ones(4), sort="score", height_px=200, budget_mb=1.5)
chart = LineChart(trace, "read_weights", statistic="entropy", x="time", picked=[0, 1], title="spread")
losses = LineChart([3.0, 2.0, 1.0], name="loss")
statistic = LineChart(trace, statistic=lambda values: entropy(values), vmin=0.0)
explorer = NTMExplorer(trace, labels={"slot": list("abcdefgh")})
linked = link(memory, over_time, on=("time", "slot"))
whole = compose([[memory], [over_time, chart]], title="one run")
both = compare(trace, trace, match="heads")
shown = show(trace)
selection.time = 2
explorer.title = "another"
visualizer = AdvancedNSMVisualizer(figsize=(12, 8), show=False)
plot = visualizer.plot_attention_map(square, x_labels=list("abcd"), save_path="map.png")
folder = create_comprehensive_report(trace, save_dir="report")
model: NTM = load_pretrained("copy")
cell = NTMMemory(8, 4)
recorder = TraceRecorder(model).every(10)
with StoreWriter("run.zarr") as writer:
    writer.append({"memory": square})
text = explorer.to_csv(panel="memory")
with suppress(ShapeError, NsmWidgetsError):
    heatmap.savefig("map.svg", theme="dark", width_px=800)
