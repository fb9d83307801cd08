"""Named arrays of one run: recorded from a model, made of tensors that exist already, saved and opened again.

Knows NumPy; torch is loaded by the recorder alone, xarray by ``Trace.to_xarray`` alone, and the codecs of
Zarr by stores alone.
"""

from __future__ import annotations

from nsm_widgets.trace._trace import Trace
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._iterations import iterations_text
from nsm_widgets.trace.record._recorder import TraceRecorder
from nsm_widgets.trace.record.sources._adapter import Adapter, register_adapter
from nsm_widgets.trace.store._writer import StoreWriter

__all__ = [
    "Adapter",
    "Coord",
    "NamedArray",
    "StoreWriter",
    "Trace",
    "TraceRecorder",
    "iterations_text",
    "register_adapter",
]
