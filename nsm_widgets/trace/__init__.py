"""Named arrays of one run: recorded from a model, made of tensors that exist already, saved and opened again.

Knows NumPy; torch is loaded by the recorder alone, xarray by ``Trace.to_xarray`` alone, and the codecs of
Zarr by stores alone. Each imports those before it: ``arrays``, ``make``, ``store``, the doors of ``Trace`` in
``_trace``, ``record``, in which what a source gives comes before how it is put together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.trace._trace import Trace as Trace, given_trace as given_trace
    from nsm_widgets.trace.arrays._array import NamedArray as NamedArray
    from nsm_widgets.trace.arrays._convert import ArrayLike as ArrayLike, to_readonly as to_readonly
    from nsm_widgets.trace.arrays._coord import Coord as Coord, Labels as Labels, same_coord as same_coord
    from nsm_widgets.trace.arrays._iterations import (
        iterations_text as iterations_text,
        missing_text as missing_text,
    )
    from nsm_widgets.trace.arrays._json import FrozenDict as FrozenDict
    from nsm_widgets.trace.arrays._known import (
        array_kind as array_kind,
        attention_names as attention_names,
        default_kind as default_kind,
        known_array as known_array,
        split_name as split_name,
    )
    from nsm_widgets.trace.arrays._lazy import LazyValues as LazyValues
    from nsm_widgets.trace.arrays._mask import (
        is_mask as is_mask,
        labels_along as labels_along,
        mask_axis as mask_axis,
    )
    from nsm_widgets.trace.arrays._number import (
        Numbers as Numbers,
        evenly as evenly,
        number_name as number_name,
        numbers_of as numbers_of,
        steps_before as steps_before,
    )
    from nsm_widgets.trace.arrays._weights import (
        check_shares as check_shares,
        check_weightings as check_weightings,
    )
    from nsm_widgets.trace.record._logged import logged_name as logged_name
    from nsm_widgets.trace.record._recorder import TraceRecorder as TraceRecorder
    from nsm_widgets.trace.record._watch import Progress as Progress
    from nsm_widgets.trace.record.sources._adapter import (
        Adapter as Adapter,
        register_adapter as register_adapter,
    )
    from nsm_widgets.trace.store._writer import StoreWriter as StoreWriter
else:
    __getattr__, __dir__ = lazy_face(__name__)
