"""What :func:`show` is given, as a trace: a recorder, tensors, a dictionary, a model's outputs, a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nsm_widgets._errors import DtypeError, MissingFileError, RecordingError, ShapeError
from nsm_widgets.trace import LazyValues, NamedArray, Trace, given_trace, known_array, to_readonly

TAKES = (
    "a Trace, a TraceRecorder, a tensor or array, a DataArray, a DataFrame, a NamedArray, a dict of arrays, "
    "a model's outputs, or the path of a trace file or store"
)

PLAIN_DIMS = ("stack", "group", "item", "row", "column")
"""Axes of arrays that come without names, the last ones of them."""

ATTENTION_DIMS = ("layer", "batch", "head", "query", "key")

OF_STATES = ("memory", "read_weights", "write_weights", "usage", "precedence")
"""What the last state of a model of ours has of what is recorded at every step."""


def taken_as_trace(data: object, verb: str = "show") -> tuple[Trace, list[str]]:
    """The trace, and what of the data is not in it; ``verb`` is what errors say that takes it.

    Raises:
        TypeError: If it is nothing that could be shown.
        ShapeError, DtypeError, RecordingError: If it is something of the kind that has nothing to show.
    """
    if isinstance(data, (str, os.PathLike)):
        if not Path(data).exists():
            raise MissingFileError(f"{verb} takes {TAKES}, got {os.fspath(data)!r}, where there is nothing.")
        return Trace.open(data), []
    if isinstance(data, NamedArray):
        return Trace(data), []
    fields = getattr(data, "_fields", ())
    if "outputs" in fields and "state" in fields:
        return _of_model_output(data)
    if isinstance(data, Mapping) and _is_model_output(data):
        return _of_attentions(data)
    found = given_trace(data) if not isinstance(data, Mapping) or isinstance(data, Trace) else None
    if found is not None:
        return found, []
    if isinstance(data, Mapping):
        return _of_mapping(data), []
    if isinstance(data, (list, tuple)) and data and _is_layer(data[0]):
        return Trace.from_attentions(data), []
    if hasattr(data, "shape") or (isinstance(data, (list, tuple)) and data):
        return Trace(_named("values", data)), []
    hint = " Record a run of it: TraceRecorder(model)." if hasattr(data, "named_modules") else ""
    raise TypeError(f"{verb} takes {TAKES}, got {type(data).__name__}.{hint}")


def _is_model_output(data: Mapping[Any, Any]) -> bool:
    return hasattr(data, "to_tuple") or any(
        str(key) == "attentions" or str(key).endswith("_attentions") for key in data
    )


def _is_layer(value: object) -> bool:
    """Whether it is one layer's attention, or the layers of one call of ``generate``."""
    inner = value[0] if isinstance(value, (list, tuple)) and value else value
    return len(getattr(inner, "shape", ())) == len(ATTENTION_DIMS) - 1


def _of_attentions(data: Mapping[Any, Any]) -> tuple[Trace, list[str]]:
    if not any("attentions" in str(key) for key in data) and not any(
        isinstance(value, Mapping) for value in data.values()
    ):
        raise RecordingError(
            f"show draws the attentions of a model's outputs, got a {type(data).__name__} with "
            f"{', '.join(map(str, data))}. Ask for them, output_attentions=True and "
            'attn_implementation="eager", or record them: TraceRecorder(model).'
        )
    drawn = [key for key in data if "attentions" in str(key) or str(key).endswith(("_output", "_outputs"))]
    return Trace.from_attentions(data), [str(key) for key in data if key not in drawn]


def _of_model_output(output: Any) -> tuple[Trace, list[str]]:  # of any of our models
    """The state after the last step, as a trace of one step."""
    state = getattr(output.state, "access", output.state)
    arrays: dict[str, Any] = {"last_output": _values(output.outputs, "outputs")}
    dims: dict[str, Sequence[str]] = {"last_output": ("step", "batch", "channel")}
    for name in OF_STATES:
        known = known_array(name)
        if known is None or not hasattr(state, name):
            continue
        values = _values(getattr(state, name), name)
        if values.ndim == len(known.dims) - 2:  # a DNC has one write head
            values = values[:, None]
        arrays[name] = values[None]
        dims[name] = known.dims
    kinds = {name: "shares" for name in arrays if name.endswith("_weights")}
    trace = Trace.from_arrays(arrays, dims=dims, kinds={**kinds, "last_output": "signal"})
    return trace, ["earlier steps (TraceRecorder(model) records every step)"]


def _values(values: object, name: str) -> Any:
    return to_readonly(values, name)[0]


def _of_mapping(data: Mapping[Any, Any]) -> Trace:
    if not data:
        raise ShapeError(f"show takes {TAKES}, got an empty {type(data).__name__}.")
    arrays: list[NamedArray] = []
    guessed = set()
    for name, values in data.items():
        if not isinstance(name, str):
            raise DtypeError(
                f"arrays of a dict must go by names, got {name!r} of type {type(name).__name__}."
            )
        given = given_trace(values, alone=name)
        if isinstance(values, NamedArray):
            arrays.append(values.renamed(name))
        elif given is not None and len(given) == 1:
            arrays.append(next(iter(given.values())))
        else:
            arrays.append(_named(name, values))
            guessed.add(name)
    batch = next((array.sizes["batch"] for array in arrays if "batch" in array.dims), 1)
    for i, array in enumerate(arrays):
        if array.name in guessed and "batch" not in array.dims and array.sizes.get("head") == batch > 1:
            arrays[i] = _of_one_head(array)
    return Trace(*arrays)


def _of_one_head(array: NamedArray) -> NamedArray:
    """Weights that lack the head, not the batch, which other arrays have."""
    at = array.dims.index("head")
    dims = (*array.dims[:at], "batch", *array.dims[at:])
    return NamedArray(array.name, np.expand_dims(array.values, at + 1), dims, attrs=array.attrs)


def _named(name: str, values: object) -> NamedArray:
    """An array with the axes that its name promises, else those that its values look like."""
    held, source_dtype = to_readonly(values, name)
    dims = _known_dims(name, held.ndim)
    if dims:
        return Trace.from_arrays({name: values}, dims={name: dims})[name]
    attrs: dict[str, Any] = {} if source_dtype is None else {"source_dtype": source_dtype}
    if 2 <= held.ndim <= len(ATTENTION_DIMS) and _looks_like_attention(held):
        return NamedArray(name, held, ATTENTION_DIMS[-held.ndim :], attrs={**attrs, "kind": "attention"})
    if not 1 <= held.ndim <= len(PLAIN_DIMS):
        raise ShapeError(
            f"{name} must have 1 to {len(PLAIN_DIMS)} axes to be shown, got shape {held.shape}. "
            "Pick some: values[0]."
        )
    return NamedArray(name, held, PLAIN_DIMS[-held.ndim :], attrs={**attrs, "kind": "content"})


def _known_dims(name: str, ndim: int) -> tuple[str, ...]:
    """The axes that a name promises, also without the batch; of attention the last ones."""
    known = known_array(name)
    if known is None:
        return ()
    if known.dims == ATTENTION_DIMS and ndim > 1:
        return known.dims[-ndim:]
    alone = tuple(dim for dim in known.dims if dim != "batch")
    return next((dims for dims in (known.dims, alone) if len(dims) == ndim), ())


def _looks_like_attention(values: Any) -> bool:  # of any library
    """Whether each row is shares of as many keys as there are queries."""
    if isinstance(values, LazyValues) or values.dtype.kind != "f" or values.shape[-1] != values.shape[-2]:
        return False
    sums = np.asarray(values, dtype=np.float64).sum(axis=-1)
    return bool(values.size and (np.asarray(values) >= 0).all() and np.allclose(sums, 1.0, atol=1e-3))
