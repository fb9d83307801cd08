"""The Jupyter widgets."""

from __future__ import annotations

from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets._store import TraceStore
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets._views import AttentionView, Heatmap, MemoryView, NTMExplorer, ReadWriteView

__all__ = [
    "AttentionView",
    "Heatmap",
    "MemoryView",
    "NTMExplorer",
    "ReadWriteView",
    "Selection",
    "TraceStore",
    "View",
]
