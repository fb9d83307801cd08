"""The registry of views, and of what they share: each name here is one of ``nsm_widgets.widgets``, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.widgets._group import ViewGroup as ViewGroup
    from nsm_widgets.widgets._selection import Selection as Selection
    from nsm_widgets.widgets.charts._charts import LineChart as LineChart
    from nsm_widgets.widgets.charts._importance import ImportanceView as ImportanceView
    from nsm_widgets.widgets.page_arrays._page_arrays import PageArrays as PageArrays
    from nsm_widgets.widgets.verbs._compare import compare as compare
    from nsm_widgets.widgets.verbs._compose import compose as compose
    from nsm_widgets.widgets.verbs._link import link as link
    from nsm_widgets.widgets.verbs._show import show as show
    from nsm_widgets.widgets.views._communication import CommunicationView as CommunicationView
    from nsm_widgets.widgets.views._comparison import ComparisonView as ComparisonView
    from nsm_widgets.widgets.views._routing import RoutingView as RoutingView
    from nsm_widgets.widgets.views._tokens import TokenView as TokenView
    from nsm_widgets.widgets.views._two_traces import TraceComparison as TraceComparison
    from nsm_widgets.widgets.views._views import (
        AttentionView as AttentionView,
        Heatmap as Heatmap,
        MemoryView as MemoryView,
        NTMExplorer as NTMExplorer,
        ReadWriteView as ReadWriteView,
    )
else:
    __getattr__, __dir__ = lazy_face(__name__)
