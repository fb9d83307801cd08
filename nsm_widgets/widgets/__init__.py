"""The Jupyter widgets. Each loads when first used: charts need bqplot, which brings pandas along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.widgets._at_cell_end import show_at_cell_end
    from nsm_widgets.widgets._exports import Exportable
    from nsm_widgets.widgets._group import ViewGroup
    from nsm_widgets.widgets._selection import Selection
    from nsm_widgets.widgets._unseen import unseen_widgets
    from nsm_widgets.widgets._view import View
    from nsm_widgets.widgets.charts._charts import LineChart
    from nsm_widgets.widgets.charts._importance import ImportanceView
    from nsm_widgets.widgets.charts._statistic import StatisticChart
    from nsm_widgets.widgets.page_arrays._page_arrays import TraceStore
    from nsm_widgets.widgets.views._communication import CommunicationView
    from nsm_widgets.widgets.views._comparison import ComparisonView
    from nsm_widgets.widgets.views._evolution import MemoryEvolutionView
    from nsm_widgets.widgets.views._operations import OperationsView
    from nsm_widgets.widgets.views._routing import RoutingView
    from nsm_widgets.widgets.views._two_traces import TraceComparison
    from nsm_widgets.widgets.views._views import (
        AttentionView,
        Heatmap,
        MemoryView,
        NTMExplorer,
        ReadWriteView,
    )

__all__ = [
    "AttentionView",
    "CommunicationView",
    "ComparisonView",
    "Exportable",
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
    "show_at_cell_end",
    "unseen_widgets",
]

__getattr__, __dir__ = lazy_face(
    __name__,
    {
        "_at_cell_end": ["show_at_cell_end"],
        "_exports": ["Exportable"],
        "_group": ["ViewGroup"],
        "_selection": ["Selection"],
        "_unseen": ["unseen_widgets"],
        "_view": ["View"],
        "charts._charts": ["LineChart"],
        "charts._importance": ["ImportanceView"],
        "charts._statistic": ["StatisticChart"],
        "page_arrays._page_arrays": ["TraceStore"],
        "views._communication": ["CommunicationView"],
        "views._comparison": ["ComparisonView"],
        "views._evolution": ["MemoryEvolutionView"],
        "views._operations": ["OperationsView"],
        "views._routing": ["RoutingView"],
        "views._two_traces": ["TraceComparison"],
        "views._views": ["AttentionView", "Heatmap", "MemoryView", "NTMExplorer", "ReadWriteView"],
    },
)
