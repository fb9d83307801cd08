"""The arrays that a saved notebook carries in its widget state."""

from __future__ import annotations

import binascii
import math
from base64 import b64decode
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Shaped

from nsm_widgets._errors import ExportError
from nsm_widgets.export.page._widget_state import WidgetModel

_TYPES = frozenset({"float32", "float64", "int8", "int16", "int32", "uint8", "uint16", "uint32"})


def saved_arrays(models: Mapping[str, WidgetModel]) -> Callable[[str], dict[str, Shaped[np.ndarray, "..."]]]:
    """A function that gives the saved arrays of a store, by the store's model id."""

    def arrays_of(model_id: str) -> dict[str, Shaped[np.ndarray, "..."]]:
        model = models[model_id]
        metas = {meta["name"]: meta for meta in model["state"].get("_meta", [])}
        buffers = {
            buffer["path"][1]: buffer["data"]
            for buffer in model.get("buffers", [])
            if len(buffer["path"]) == 2 and buffer["path"][0] == "_buffers"
        }
        return {
            name: _decode(name, data, metas[name]) for name, data in buffers.items() if name in metas and data
        }

    return arrays_of


def _decode(name: str, data: str, meta: Mapping[str, object]) -> Shaped[np.ndarray, "..."]:
    dtype, shape = str(meta.get("dtype")), meta.get("shape")
    if (
        dtype not in _TYPES
        or not isinstance(shape, list)
        or not all(type(n) is int and n >= 0 for n in shape)
    ):
        raise ExportError(
            f"the notebook's widget state must describe {name} by a type and a shape, got {dtype!r} and "
            f"{shape!r}. "
            "Execute the notebook again."
        )
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    try:
        values = b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        values = b""
    if len(values) != expected:
        raise ExportError(
            f"the notebook's widget state must hold {expected:,} bytes of {name}, got {len(values):,}: it "
            f"is damaged "
            "or cut short. Execute the notebook again."
        )
    return np.frombuffer(values, dtype=np.dtype(dtype).newbyteorder("<")).reshape(shape)
