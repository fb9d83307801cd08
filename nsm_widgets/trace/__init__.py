"""Named arrays of one run: recorded from a model, made of tensors that exist already, saved and opened again.

Knows NumPy; torch is loaded by the recorder alone, xarray by ``Trace.to_xarray`` alone, and the codecs of
Zarr by stores alone.
"""

from __future__ import annotations

from nsm_widgets.trace._adapters import Adapter, register_adapter
from nsm_widgets.trace._array import NamedArray
from nsm_widgets.trace._coord import Coord
from nsm_widgets.trace._iterations import iterations_text
from nsm_widgets.trace._recorder import TraceRecorder
from nsm_widgets.trace._store_writer import StoreWriter
from nsm_widgets.trace._trace import Trace

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
