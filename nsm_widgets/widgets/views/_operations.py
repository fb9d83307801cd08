"""The weights of one step, given as tensors, as a trace."""

from __future__ import annotations

from typing import Any

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import Trace, to_readonly

_DIMS = {2: ("head", "slot"), 3: ("batch", "head", "slot")}


def weights_trace(read_weights: object, write_weights: object, before: tuple[Any, Any] | None) -> Trace:
    """The weights of one step, and of the moment before it where they are known, as a trace."""
    if before is not None and (not isinstance(before, (tuple, list)) or len(before) != 2):
        raise ShapeError(
            "before must be a pair (read weights, write weights), or None, "
            f"got {type(before).__name__}. What is not known is None in its place."
        )
    first = before or (None, None)
    given = {
        "read_weights": read_weights,
        "write_weights": write_weights,
        "initial_read_weights": first[0],
        "initial_write_weights": first[1],
    }
    arrays = {name: values for name, values in given.items() if values is not None}
    if not {"read_weights", "write_weights"} & set(arrays):
        raise ShapeError("read_weights or write_weights must be given, got neither.")
    dims = {name: _dims_of(name, values) for name, values in arrays.items()}
    return Trace.from_arrays(arrays, dims=dims)


def _dims_of(name: str, values: object) -> tuple[str, ...]:
    shape = to_readonly(values, name)[0].shape
    if len(shape) not in _DIMS:
        raise ShapeError(
            f"{name} must have axes (head, slot) or (batch, head, slot), got shape {shape}. "
            "A single head? Add its axis: weights[None]. Several steps? ReadWriteView(trace) has a slider."
        )
    return _DIMS[len(shape)]
