"""See inside a memory-augmented neural network: linked, live heatmaps of memory, addressing and attention.

Names load when first used, so that ``import nsm_widgets`` needs neither torch nor a notebook.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

__version__ = version("nsm_widgets")

_ROOM_OF = {
    "AdvancedNSMVisualizer": "visualizer",
    "create_comprehensive_report": "report",
    "NTM": "ntm",
    "NTMMemory": "ntm",
    "load_pretrained": "ntm",
    "NamedArray": "trace",
    "StoreWriter": "trace",
    "Trace": "trace",
    "TraceRecorder": "trace",
    "AttentionView": "widgets",
    "CommunicationView": "widgets",
    "ComparisonView": "widgets",
    "Heatmap": "widgets",
    "ImportanceView": "widgets",
    "LineChart": "widgets",
    "MemoryEvolutionView": "widgets",
    "MemoryView": "widgets",
    "NTMExplorer": "widgets",
    "OperationsView": "widgets",
    "ReadWriteView": "widgets",
    "RoutingView": "widgets",
    "Selection": "widgets",
    "StatisticChart": "widgets",
    "TraceComparison": "widgets",
    "TraceStore": "widgets",
    "ViewGroup": "widgets",
}

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


def __getattr__(name: str) -> object:
    """Load a public name from its room on first use."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'nsm_widgets' has no attribute {name!r}")
    value = getattr(import_module(f"nsm_widgets.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Every public name, loaded or not."""
    return sorted(__all__)
