"""Anything array-like becomes a NumPy array of its own, exactly, or is refused with a remedy.

One place for all of it: nothing is narrowed, cut or reshaped here. What NumPy has no type for (bfloat16,
float8) is widened to float32, which holds each of its values exactly, and the first type is told.

torch is never imported: a value can only be a torch tensor where somebody has imported torch already.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import DtypeError, RecordingError, ShapeError
from nsm_widgets.trace.arrays._lazy import LazyValues

if TYPE_CHECKING:
    from torch import Tensor

ArrayLike: TypeAlias = Any
"""A torch tensor, a NumPy array, anything with ``__array__``, a number, or a regular list of those.

Checked at run time.
"""

_EXACT_FLOATS = ("float16", "float32", "float64")
_WIDENED = (
    "bfloat16",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
)


def to_numpy(value: ArrayLike, name: str) -> tuple[NDArray[Any], str | None]:
    """Copy ``value`` into a new C-ordered NumPy array of native byte order.

    Args:
        value: A torch tensor (any device, with or without gradient), a NumPy array, anything with
            ``__array__``, a number, or a list or tuple of those with equal shapes (stacked along a new first
            axis).
        name: What to call it in an error.

    Returns:
        The array, and the type it was widened from, such as ``"torch.bfloat16"``, else ``None``.

    Raises:
        DtypeError: If the values are complex, text, dates, objects, masked, sparse, quantized, or on the meta
            device.
        ShapeError: If an axis has size zero or a list is ragged.

    >>> to_numpy([[1, 2], [3, 4]], "memory")
    (array([[1, 2],
           [3, 4]]), None)
    """
    array, source_dtype = _view(value, name)
    copy = np.array(array, dtype=array.dtype.newbyteorder("="), order="C", copy=True)
    return copy, source_dtype


def to_readonly(value: ArrayLike, name: str) -> tuple[Any, str | None]:
    """As :func:`to_numpy`, and read-only; an array that nobody can write to is taken as it is, not copied.

    A memory map of native byte order is taken as it is, too: it may be larger than memory. What is returned
    is a read-only view of it; whoever can write to its file can still change what it shows. Values in a store
    stay there.

    >>> to_readonly(np.zeros(3), "usage")[0].flags.writeable
    False
    """
    if isinstance(value, LazyValues):
        return value, None
    if type(value) in (np.ndarray, np.memmap) and value.dtype.isnative:
        mapped = _is_mapped(value)
        if mapped or (type(value) is np.ndarray and _is_immutable(value)):
            _check_array(value, name)
            return _readonly_view(value) if mapped else value, None
    array, source_dtype = to_numpy(value, name)
    array.flags.writeable = False
    return array, source_dtype


def held_dtype(tensor: Tensor, name: str) -> tuple[Any, str | None]:
    """The torch type in which NumPy can hold a tensor's values, and the type they are widened from, if any.

    Raises:
        DtypeError: If there is none, whatever the device.
    """
    torch = sys.modules["torch"]
    if tensor.is_complex():
        raise DtypeError(_complex_message(name, tensor.dtype))
    if tensor.is_quantized:
        raise DtypeError(f"{name} must hold plain numbers, got a quantized tensor. Pass {name}.dequantize().")
    if tensor.is_meta:
        raise DtypeError(
            f"{name} must hold values, got a tensor on the meta device, which has a shape only. "
            "Run the model on a real device."
        )
    if tensor.layout != torch.strided or tensor.is_nested:
        layout = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
        remedy = f"{name}.to_padded_tensor(float('nan'))" if tensor.is_nested else f"{name}.to_dense()"
        raise DtypeError(f"{name} must be a dense tensor, got layout {layout}. Pass {remedy}.")
    if str(tensor.dtype).removeprefix("torch.") in _WIDENED:
        return torch.float32, str(tensor.dtype)
    return tensor.dtype, None


def need_values(tensor: Tensor, name: str) -> None:
    """Refuse a tensor that has no values of its own: one within a ``torch.func`` transform, a fake one.

    Raises:
        DtypeError: If it has none.
    """
    torch = sys.modules["torch"]
    plain = type(tensor) is torch.Tensor or type(tensor) is torch.nn.Parameter
    if not plain or torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor_view(tensor.reshape(-1)[:0], name)


def tensor_view(tensor: Tensor, name: str) -> tuple[NDArray[Any], str | None]:
    """A torch tensor as a NumPy array that may share its memory: copy it before the tensor can change.

    Raises:
        DtypeError: If NumPy cannot hold its values.
    """
    held, source_dtype = held_dtype(tensor, name)
    tensor = tensor.detach()
    if source_dtype is not None:
        tensor = tensor.to(held)
    try:
        array: NDArray[Any] = tensor.cpu().resolve_neg().numpy()
    except (RuntimeError, TypeError) as error:
        raise DtypeError(
            f"{name} must be a tensor whose values NumPy can read, got {type(tensor).__name__} of "
            f"{tensor.dtype}: "
            f"{error}. Pass an ordinary tensor, outside torch.func transforms and fake modes."
        ) from error
    return array, source_dtype


def _view(value: ArrayLike, name: str) -> tuple[NDArray[Any], str | None]:
    """The value as an array of an allowed type, perhaps sharing memory with it."""
    source_dtype = None
    if is_tensor(value):
        array, source_dtype = tensor_view(value, name)
    elif isinstance(value, (list, tuple, range)):
        array, source_dtype = _from_sequence(value, name)
    else:
        array, source_dtype = _from_array_like(value, name)
    _check_array(array, name)
    return array, source_dtype


def is_tensor(value: object) -> bool:
    """Whether the value is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _from_array_like(value: ArrayLike, name: str) -> tuple[NDArray[Any], str | None]:
    if value is None:
        raise DtypeError(f"{name} must be an array or a tensor, got None. Leave it out, or pass its values.")
    if isinstance(value, (str, bytes, dict, set, frozenset)):
        raise DtypeError(f"{name} must be an array or a tensor, got {type(value).__name__} {_short(value)}.")
    if isinstance(value, np.ma.MaskedArray):
        raise DtypeError(
            f"{name} must be a plain array, got a masked one, whose mask would be lost. Pass "
            f"{name}.filled(np.nan)."
        )
    try:
        array = np.asarray(value)
    except Exception as error:  # a foreign __array__ may raise anything
        raise DtypeError(
            f"{name} must be an array or a tensor, got {type(value).__name__}, which does not turn into an "
            f"array: {error}."
        ) from error
    if array.dtype.name in _WIDENED:  # ml_dtypes, as jax arrays have them
        return array.astype(np.float32), array.dtype.name
    return array, None


def _from_sequence(value: Sequence[Any], name: str) -> tuple[NDArray[Any], str | None]:
    """A list of numbers, or of array-likes with equal shapes, stacked along a new first axis."""
    if len(value) == 0:
        raise ShapeError(f"{name} must not be empty, got {value!r}.")
    if all(isinstance(item, (bool, int, float)) for item in value):
        return _from_numbers(value, name), None
    parts = [_view(item, f"{name}[{index}]") for index, item in enumerate(value)]
    first = parts[0][0]
    for index, (part, _) in enumerate(parts):
        if part.shape != first.shape:
            raise ShapeError(
                f"{name} must be regular: {name}[0] has shape {first.shape}, {name}[{index}] has shape "
                f"{part.shape}. "
                "Pad them to one shape, or pass them as arrays of their own."
            )
    stacked = np.stack([part for part, _ in parts])
    for index, (part, _) in enumerate(parts):
        if part.dtype != stacked.dtype and not np.array_equal(
            stacked[index].astype(part.dtype), part, equal_nan=True
        ):
            raise DtypeError(
                f"{name} must hold one type of number: {part.dtype} of {name}[{index}] does not fit into "
                f"{stacked.dtype} "
                "exactly. Convert the items to one type first."
            )
    sources = {source for _, source in parts}
    return stacked, sources.pop() if len(sources) == 1 else None


def _from_numbers(value: Sequence[Any], name: str) -> NDArray[Any]:
    try:
        array = np.array(value)
    except OverflowError as error:
        raise DtypeError(f"{name} must hold numbers of at most 64 bits: {error}.") from error
    if array.dtype.kind == "f":
        for index, number in enumerate(value):
            if isinstance(number, int) and int(array[index]) != number:
                raise DtypeError(
                    f"{name}[{index}] must fit into float64 exactly beside the other numbers, got {number}. "
                    "Keep integers of that size in an integer array of their own."
                )
    return array


def _check_array(array: NDArray[Any], name: str) -> None:
    dtype = array.dtype
    if dtype.kind == "c":
        raise DtypeError(_complex_message(name, dtype))
    if dtype.kind in "mM":
        raise DtypeError(
            f"{name} must hold numbers, got {dtype}. Pass plain numbers, such as seconds as float64."
        )
    if dtype.kind in "OSUTV":
        raise DtypeError(
            f"{name} must hold numbers, got {dtype}. Labels belong into coords, not into an array."
        )
    if dtype.kind == "f" and dtype.name not in _EXACT_FLOATS:
        raise DtypeError(
            f"{name} must be float16, float32 or float64, got {dtype}. Pass {name}.astype(np.float64)."
        )
    if 0 in array.shape:
        raise ShapeError(
            f"{name} must not be empty, got shape {array.shape}. Every axis needs a size of 1 or more."
        )


def _complex_message(name: str, dtype: object) -> str:
    return f"{name} must be real, got {dtype}. Pass its absolute value, or real and imaginary part apart."


def _is_immutable(array: NDArray[Any]) -> bool:
    """Whether nobody can change the values: read-only, and so is every array whose memory it shares."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return False
        owner = owner.base
    return owner is None or isinstance(owner, bytes)


def _is_mapped(array: NDArray[Any]) -> bool:
    """Whether the values are those of a file that a ``np.memmap`` shows."""
    owner: object = array
    map_seen = False
    while isinstance(owner, np.ndarray):
        map_seen = map_seen or isinstance(owner, np.memmap)
        owner = owner.base
    return map_seen and isinstance(owner, mmap.mmap)


def _readonly_view(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself if nobody can write through it, else a view through which nobody can."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def check_same(name: str, first: tuple[tuple[int, ...], object], now: tuple[tuple[int, ...], object]) -> None:
    """Refuse a step whose shape (batch first) or dtype is not that of the first step.

    Raises:
        RecordingError: With what it was and what it is.
    """
    (first_shape, first_dtype), (shape, dtype) = first, now
    if dtype != first_dtype:
        raise RecordingError(
            f"{name} must keep its dtype within one recording: it began with {first_dtype}, got {dtype}. "
            "Record each run with a TraceRecorder of its own."
        )
    if shape != first_shape:
        what = "batch size" if shape[1:] == first_shape[1:] else "shape"
        raise RecordingError(
            f"{name} must keep its {what} within one recording: it began with {first_shape} (batch first), "
            f"got {shape}. Record each batch with a TraceRecorder of its own."
        )
