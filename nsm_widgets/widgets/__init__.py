"""The Jupyter widgets. Charts load when first used: bqplot brings pandas along."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from nsm_widgets.widgets._communication import CommunicationView
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets._store import TraceStore
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets._views import AttentionView, Heatmap, MemoryView, NTMExplorer, ReadWriteView

if TYPE_CHECKING:
    from nsm_widgets.widgets._charts import LineChart

__all__ = [
    "AttentionView",
    "CommunicationView",
    "Heatmap",
    "LineChart",
    "MemoryView",
    "NTMExplorer",
    "ReadWriteView",
    "Selection",
    "TraceStore",
    "View",
]


def __getattr__(name: str) -> object:
    """Load the charts on first use."""
    if name != "LineChart":
        raise AttributeError(f"module 'nsm_widgets.widgets' has no attribute {name!r}")
    return import_module("nsm_widgets.widgets._charts").LineChart
