"""The Jupyter widgets. Charts load when first used: bqplot brings pandas along."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from nsm_widgets.widgets._communication import CommunicationView
from nsm_widgets.widgets._group import ViewGroup
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets._store import TraceStore
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets._views import AttentionView, Heatmap, MemoryView, NTMExplorer, ReadWriteView

if TYPE_CHECKING:
    from nsm_widgets.widgets._charts import LineChart
    from nsm_widgets.widgets._evolution import MemoryEvolutionView
    from nsm_widgets.widgets._importance import ImportanceView

_CHARTS = {"ImportanceView": "_importance", "LineChart": "_charts", "MemoryEvolutionView": "_evolution"}

__all__ = [
    "AttentionView",
    "CommunicationView",
    "Heatmap",
    "ImportanceView",
    "LineChart",
    "MemoryEvolutionView",
    "MemoryView",
    "NTMExplorer",
    "ReadWriteView",
    "Selection",
    "TraceStore",
    "View",
    "ViewGroup",
]


def __getattr__(name: str) -> object:
    """Load the charts on first use."""
    if name not in _CHARTS:
        raise AttributeError(f"module 'nsm_widgets.widgets' has no attribute {name!r}")
    value: object = getattr(import_module(f"nsm_widgets.widgets.{_CHARTS[name]}"), name)
    return value
