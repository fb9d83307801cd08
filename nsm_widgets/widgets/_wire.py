"""How an array travels to the page: as little-endian bytes of a type that JavaScript has, value for value."""

from __future__ import annotations

import sys

import numpy as np
from jaxtyping import Shaped

from nsm_widgets._errors import DtypeError

_KEPT = frozenset({"float32", "float64", "int8", "int16", "int32", "uint8", "uint16", "uint32"})
_WIDENED = {"float16": "float32", "bool": "uint8"}
_LARGEST_EXACT = 2**53


def wire_array(values: Shaped[np.ndarray, "..."], name: str) -> Shaped[np.ndarray, "..."]:
    """The same values, C-contiguous and little-endian, in a type that the page can read exactly.

    float16 becomes float32, bool uint8, 64-bit integers int32 or float64: each exactly.

    Raises:
        DtypeError: If an integer is too large to be exact in float64, or the type has no exact counterpart.
    """
    kind = values.dtype.name
    if kind in ("int64", "uint64"):
        kind = _exact_integer_type(values, name)
    kind = _WIDENED.get(kind, kind)
    if kind not in _KEPT:
        raise DtypeError(
            f"{name} must be of a type that JavaScript can hold exactly, got {values.dtype}. Use float64."
        )
    out = np.ascontiguousarray(values, dtype=kind)
    return out if sys.byteorder == "little" else out.astype(out.dtype.newbyteorder("<"))


def _exact_integer_type(values: Shaped[np.ndarray, "..."], name: str) -> str:
    low, high = int(values.min()), int(values.max())
    if -(2**31) <= low and high < 2**31:
        return "int32"
    if -_LARGEST_EXACT <= low and high <= _LARGEST_EXACT:
        return "float64"
    raise DtypeError(
        f"{name} must hold integers of magnitude up to 2**53, the largest that the page shows exactly, "
        f"got values in [{low}, {high}]. Subtract an offset or convert to float64."
    )
