"""What names its axes already, of xarray or pandas, as a trace."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from nsm_widgets._axes import is_axis
from nsm_widgets._errors import DtypeError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.make._xarray import trace_from_xarray

_COUNTED = re.compile(r"dim_[0-9]+")
"""What xarray calls an axis that nobody has named."""

UNNAMED = "values"
"""What an array is called that has no name."""


def trace_from_named(value: object, alone: str = "") -> TraceBase | None:
    """A trace of an xarray object, a data frame or a series; ``None`` of anything else.

    A data frame has the axes ``row`` and ``column``, or those that its index and its columns are named after,
    with their labels, but for numbers that only count.

    Args:
        value: What was given.
        alone: What a single array is called; its own name when not given.

    >>> import pandas as pd
    >>> (array,) = trace_from_named(pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})).values()
    >>> array.dims, array.labels("column")
    (('row', 'column'), ('a', 'b'))

    Raises:
        DtypeError: If a data frame has columns that are no numbers.
        AxisError, ShapeError, LabelError: If something else does not fit.
    """
    given: Any = value
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    if kind in ("xarray.DataTree", "xarray.Dataset"):
        return trace_from_xarray(given)
    if kind == "xarray.DataArray" and not all(_COUNTED.fullmatch(str(dim)) for dim in given.dims):
        return trace_from_xarray(given.rename(alone or given.name or UNNAMED))
    if kind == "pandas.DataFrame":
        return TraceBase(_from_frame(given, ("row", "column"), (given.index, given.columns), alone))
    if kind == "pandas.Series":
        return TraceBase(_from_frame(given, ("row",), (given.index,), alone))
    return None


def _from_frame(frame: Any, default: tuple[str, ...], indexes: tuple[Any, ...], alone: str) -> NamedArray:
    # pandas ships no types
    values = frame.to_numpy()
    if values.dtype.kind not in "fiub":
        raise DtypeError(
            f"a {type(frame).__name__} must hold numbers alone, got values of type {values.dtype}. Pick the "
            'columns that do: frame.select_dtypes("number").'
        )
    own = [index.name if is_axis(index.name) else None for index in indexes]
    distinct = len({name for name in own if name}) == sum(name is not None for name in own)
    dims = [name if name and distinct else other for name, other in zip(own, default, strict=True)]
    coords = {
        dim: list(index)
        for dim, index in zip(dims, indexes, strict=True)
        if not np.array_equal(index.to_numpy(), np.arange(len(index)))
    }
    name = frame.name if "name" in getattr(frame, "_metadata", ()) else None
    return NamedArray(alone or (name if isinstance(name, str) and name else UNNAMED), values, dims, coords)
