"""Named arrays of one run: recorded from a model, made of tensors that exist already, saved and opened again.

Knows NumPy; torch is loaded by the recorder alone, xarray by ``Trace.to_xarray`` alone, and the codecs of
Zarr by stores alone. Each imports those before it: ``arrays``, ``make``, ``store``, the doors of ``Trace`` in
``_trace``, ``record``, in which what a source gives comes before how it is put together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face
from nsm_widgets.trace._trace import Trace
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._convert import ArrayLike, to_readonly
from nsm_widgets.trace.arrays._coord import Coord, Labels, same_coord
from nsm_widgets.trace.arrays._iterations import iterations_text, missing_text
from nsm_widgets.trace.arrays._json import FrozenDict
from nsm_widgets.trace.arrays._known import (
    array_kind,
    attention_names,
    default_kind,
    known_array,
    split_name,
)
from nsm_widgets.trace.arrays._lazy import LazyValues
from nsm_widgets.trace.arrays._mask import is_mask, labels_along, mask_axis
from nsm_widgets.trace.arrays._number import Numbers, evenly, number_name, numbers_of, steps_before
from nsm_widgets.trace.arrays._weights import check_shares, check_weightings

if TYPE_CHECKING:
    from nsm_widgets.trace.record._logged import logged_name
    from nsm_widgets.trace.record._recorder import TraceRecorder
    from nsm_widgets.trace.record._watch import Progress
    from nsm_widgets.trace.record.sources._adapter import Adapter, register_adapter
    from nsm_widgets.trace.store._writer import StoreWriter

__all__ = [
    "Adapter",
    "ArrayLike",
    "Coord",
    "FrozenDict",
    "Labels",
    "LazyValues",
    "NamedArray",
    "Numbers",
    "Progress",
    "StoreWriter",
    "Trace",
    "TraceRecorder",
    "array_kind",
    "attention_names",
    "check_shares",
    "check_weightings",
    "default_kind",
    "evenly",
    "is_mask",
    "iterations_text",
    "known_array",
    "labels_along",
    "logged_name",
    "mask_axis",
    "missing_text",
    "number_name",
    "numbers_of",
    "register_adapter",
    "same_coord",
    "split_name",
    "steps_before",
    "to_readonly",
]

__getattr__, __dir__ = lazy_face(
    __name__,
    {
        "record._logged": ["logged_name"],
        "record._recorder": ["TraceRecorder"],
        "record._watch": ["Progress"],
        "record.sources._adapter": ["Adapter", "register_adapter"],
        "store._writer": ["StoreWriter"],
    },
)
