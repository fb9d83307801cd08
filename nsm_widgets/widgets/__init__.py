"""The Jupyter widgets. Charts load when first used, for bqplot brings pandas along, and so do most views."""

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
    from nsm_widgets.widgets._comparison import ComparisonView
    from nsm_widgets.widgets._evolution import MemoryEvolutionView
    from nsm_widgets.widgets._importance import ImportanceView
    from nsm_widgets.widgets._operations import OperationsView
    from nsm_widgets.widgets._routing import RoutingView
    from nsm_widgets.widgets._statistic import StatisticChart
    from nsm_widgets.widgets._two_traces import TraceComparison

_LATER = {
    "ComparisonView": "_comparison",
    "ImportanceView": "_importance",
    "LineChart": "_charts",
    "MemoryEvolutionView": "_evolution",
    "OperationsView": "_operations",
    "RoutingView": "_routing",
    "StatisticChart": "_statistic",
    "TraceComparison": "_two_traces",
}
"""Modules of the names that load when first used."""

__all__ = [
    "AttentionView",
    "CommunicationView",
    "ComparisonView",
    "Heatmap",
    "ImportanceView",
    "LineChart",
    "MemoryEvolutionView",
    "MemoryView",
    "NTMExplorer",
    "OperationsView",
    "ReadWriteView",
    "RoutingView",
    "Selection",
    "StatisticChart",
    "TraceComparison",
    "TraceStore",
    "View",
    "ViewGroup",
]


def __getattr__(name: str) -> object:
    """Load a name on first use."""
    if name not in _LATER:
        raise AttributeError(f"module 'nsm_widgets.widgets' has no attribute {name!r}")
    value: object = getattr(import_module(f"nsm_widgets.widgets.{_LATER[name]}"), name)
    return value
