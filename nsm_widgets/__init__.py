"""See inside a memory-augmented neural network: linked, live heatmaps of memory, addressing and attention.

Names load when first used, so that ``import nsm_widgets`` needs neither torch nor a notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets._version import __version__
    from nsm_widgets.ntm import NTM, NTMMemory, load_pretrained
    from nsm_widgets.report import create_comprehensive_report
    from nsm_widgets.trace import NamedArray, StoreWriter, Trace, TraceRecorder
    from nsm_widgets.visualizer import AdvancedNSMVisualizer
    from nsm_widgets.widgets import (
        AttentionView,
        CommunicationView,
        ComparisonView,
        Heatmap,
        ImportanceView,
        LineChart,
        MemoryEvolutionView,
        MemoryView,
        NTMExplorer,
        OperationsView,
        ReadWriteView,
        RoutingView,
        Selection,
        StatisticChart,
        TraceComparison,
        TraceStore,
        ViewGroup,
    )

__all__ = [
    "NTM",
    "AdvancedNSMVisualizer",
    "AttentionView",
    "CommunicationView",
    "ComparisonView",
    "Heatmap",
    "ImportanceView",
    "LineChart",
    "MemoryEvolutionView",
    "MemoryView",
    "NTMExplorer",
    "NTMMemory",
    "NamedArray",
    "OperationsView",
    "ReadWriteView",
    "RoutingView",
    "Selection",
    "StatisticChart",
    "StoreWriter",
    "Trace",
    "TraceComparison",
    "TraceRecorder",
    "TraceStore",
    "ViewGroup",
    "__version__",
    "create_comprehensive_report",
    "load_pretrained",
]

__getattr__, __dir__ = lazy_face(
    __name__,
    {
        "_version": ["__version__"],
        "ntm": ["NTM", "NTMMemory", "load_pretrained"],
        "report": ["create_comprehensive_report"],
        "trace": ["NamedArray", "StoreWriter", "Trace", "TraceRecorder"],
        "visualizer": ["AdvancedNSMVisualizer"],
        "widgets": [
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
            "ViewGroup",
        ],
    },
)
