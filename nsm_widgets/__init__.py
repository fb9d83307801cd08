"""See inside a memory-augmented neural network: linked, live heatmaps of memory, addressing and attention.

Here is what most notebooks need; the rest is in ``nsm_widgets.widgets`` (all views and charts), ``.trace``,
``.stats``, ``.ntm``, ``.dnc``, ``.nsm``, ``.tasks``, ``.export``, ``.callbacks`` and ``.errors``. Names load
when first used, so that ``import nsm_widgets`` needs neither torch nor a notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets._version import __version__ as __version__
    from nsm_widgets.ntm import NTM as NTM, NTMMemory as NTMMemory, load_pretrained as load_pretrained
    from nsm_widgets.report import create_comprehensive_report as create_comprehensive_report
    from nsm_widgets.trace import Trace as Trace, TraceRecorder as TraceRecorder
    from nsm_widgets.visualizer import AdvancedNSMVisualizer as AdvancedNSMVisualizer
    from nsm_widgets.widgets import (
        AttentionView as AttentionView,
        Heatmap as Heatmap,
        NTMExplorer as NTMExplorer,
        compare as compare,
        compose as compose,
        link as link,
        show as show,
    )
else:
    __getattr__, __dir__ = lazy_face(__name__)
