"""The Jupyter widgets. Charts load when first used, for bqplot brings pandas along, and so do most views."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from nsm_widgets.widgets._group import ViewGroup
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets.page_arrays._page_arrays import TraceStore
from nsm_widgets.widgets.views._communication import CommunicationView
from nsm_widgets.widgets.views._views import AttentionView, Heatmap, MemoryView, NTMExplorer, ReadWriteView

if TYPE_CHECKING:
    from nsm_widgets.widgets.charts._charts import LineChart
    from nsm_widgets.widgets.charts._importance import ImportanceView
    from nsm_widgets.widgets.charts._statistic import StatisticChart
    from nsm_widgets.widgets.views._comparison import ComparisonView
    from nsm_widgets.widgets.views._evolution import MemoryEvolutionView
    from nsm_widgets.widgets.views._operations import OperationsView
    from nsm_widgets.widgets.views._routing import RoutingView
    from nsm_widgets.widgets.views._two_traces import TraceComparison

_LATER = {
    "ComparisonView": "views._comparison",
    "ImportanceView": "charts._importance",
    "LineChart": "charts._charts",
    "MemoryEvolutionView": "views._evolution",
    "OperationsView": "views._operations",
    "RoutingView": "views._routing",
    "StatisticChart": "charts._statistic",
    "TraceComparison": "views._two_traces",
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
