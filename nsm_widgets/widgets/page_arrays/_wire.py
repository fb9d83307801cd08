"""How an array travels to the page: as little-endian bytes of a type that JavaScript has, value for value."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Shaped

from nsm_widgets._errors import DtypeError
from nsm_widgets._float16 import MOST_EXPONENT

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


def is_kept(dtype: np.dtype[Any]) -> bool:
    """Whether values of a type cross as they are."""
    return dtype.name in _KEPT and dtype.isnative


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


ValuePrecision = Literal["exact", "float32", "float16"]
"""How near the recorded values are that a page is sent on request:

``exact``: as they are. ``float32``: rounded to 24 significant bits. ``float16``: rounded to 11 significant
bits, or, of values below a billionth of the largest, to 2**-39 of it.
"""
VALUE_PRECISIONS: tuple[str, ...] = get_args(ValuePrecision)


@dataclass(frozen=True, slots=True)
class Sent:
    """How the values of one array are written where a page requests them."""

    dtype: str
    """Of the values as :func:`wire_array` gives them."""
    type: str
    """As which they are written: ``dtype``, or a smaller one."""
    exponent: int = 0
    """Of float16: what is written is this power of two times the values."""

    def encode(self, values: Shaped[np.ndarray, "..."]) -> bytes:
        """The bytes of some values in C order, little-endian."""
        kept = values
        if self.type != self.dtype:
            with np.errstate(under="ignore", over="ignore"):
                kept = np.ldexp(values, self.exponent) if self.exponent else values
                kept = kept.astype(self.type)
        return np.ascontiguousarray(kept, dtype=np.dtype(self.type).newbyteorder("<")).tobytes()

    def to_json(self) -> dict[str, object]:
        """The same, for the page."""
        return {"type": self.type, "exponent": self.exponent}


def sent_as(dtype: str, low: float, high: float, precision: ValuePrecision) -> Sent:
    """How values of a type and a range are written at a precision. Integers are always exact.

    Args:
        dtype: Of the values as :func:`wire_array` gives them.
        low: The least finite value.
        high: The largest finite value.
        precision: What is asked for.

    Example:
        >>> sent_as("float64", -3.0, 3.0, "float16")
        Sent(dtype='float64', type='float16', exponent=13)
    """
    largest = max(abs(low), abs(high))
    if precision == "float16" and dtype in ("float32", "float64"):
        exponent = max(-MOST_EXPONENT, min(15 - int(np.frexp(largest)[1]), MOST_EXPONENT)) if largest else 0
        return Sent(dtype, "float16", exponent)
    if precision == "float32" and dtype == "float64" and largest <= float(np.finfo(np.float32).max):
        return Sent(dtype, "float32")
    return Sent(dtype, dtype)
