"""Thirty slips, each refused by type checkers on its line, which says so; nothing here runs."""

from __future__ import annotations

import numpy as np

import nsm_widgets
from nsm_widgets import AdvancedNSMVisualizer, AttentionView, Heatmap, NTMExplorer, Trace, TraceRecorder
from nsm_widgets import Heatmp  # slip
from nsm_widgets import MemoryEvolutionView  # slip
from nsm_widgets.errors import ShapeErorr  # slip
from nsm_widgets.stats import entropie  # slip
from nsm_widgets.widgets import TraceStore  # slip
from nsm_widgets.widgets import (
    CommunicationView,
    ImportanceView,
    LineChart,
    MemoryView,
    PageArrays,
    ReadWriteView,
    RoutingView,
)

square = np.eye(4)
trace = Trace.from_arrays({"memory": np.zeros((5, 1, 8, 4))})
Heatmap()  # slip
Heatmap(square, dims=5)  # slip
Heatmap(square, dims=("a", "b"), labels=["a"])  # slip
Heatmap(square, dims=("a", "b"), titel="x")  # slip
Heatmap(square, dims=("a", "b"), title=3)  # slip
Heatmap(square, dims=("a", "b"), vmin="low")  # slip
Heatmap(square, dims=("a", "b"), height_px=2.5)  # slip
Heatmap(square, dims=("a", "b"), annotate="yes")  # slip
Heatmap(square, dims=("a", "b"), selection="time")  # slip
Heatmap(square, dims=("a", "b"), coords={"a": "abcd"})  # slip
MemoryView(trace, store=PageArrays(trace))  # slip
MemoryView(trace, precision="float8")  # slip
MemoryView(trace, budget_mb="64")  # slip
MemoryView(trace=trace)  # slip
MemoryView(trace, trace)  # slip
ReadWriteView(trace, by="head")  # slip
ReadWriteView.from_weights(square, befor=None)  # slip
AttentionView(square, x_labels=["a"])  # slip
AttentionView(square, domain=1)  # slip
RoutingView(square, ["a"], ["b"])  # slip
CommunicationView(square, check_weight=False)  # slip
ImportanceView(square, sort=1)  # slip
LineChart(trace, "memory", statistic=3)  # slip
LineChart(trace, "memory", picked=1)  # slip
NTMExplorer(trace, cmap=None)  # slip
nsm_widgets.TraceRecoder  # slip
Trace.from_array({"memory": square})  # slip
TraceRecorder(1).evry(10)  # slip
AdvancedNSMVisualizer(figsize=12)  # slip
AdvancedNSMVisualizer().plot_attention(square)  # slip
