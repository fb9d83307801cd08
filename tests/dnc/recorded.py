"""A DNC's run as a trace: by the recorder, and by a plain forward hook that it must agree with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nsm_widgets.dnc import DNC
from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from nsm_widgets.trace.record.sources._dnc import (
    KINDS_OF_DNC,
    READ_MODES,
    SAID_OF_DNC,
    SEEN_BY_DNC,
    dnc_access_arrays,
    memory_before,
)


def trace_of(model: DNC, inputs: Tensor) -> Trace:
    """A run over ``inputs``, as the recorder tells it."""
    with TraceRecorder(model) as recorder, torch.no_grad():
        model(inputs)
    return recorder.trace


def trace_by_hand(model: DNC, inputs: Tensor) -> Trace:
    """Everything of a run over ``inputs``, input and output among it."""
    steps: list[dict[str, np.ndarray[Any, Any]]] = []
    first: dict[str, Any] = {}

    def keep(module: Any, args: Any, kwargs: Any, output: Any) -> None:
        if not steps:
            first["initial_memory"] = memory_before(module, args, kwargs)
        named = dnc_access_arrays(module, args, kwargs, output)
        steps.append({name: tensor.detach().numpy().copy() for name, tensor in named.items()})

    handle = model.access.register_forward_hook(keep, with_kwargs=True)
    with torch.no_grad():
        outputs = model(inputs).outputs
    handle.remove()
    arrays = {name: np.stack([step[name] for step in steps]) for name in steps[0]}
    trace = Trace.from_arrays(
        {"input": inputs, "output": outputs, **first, **arrays},
        kinds=KINDS_OF_DNC,
        coords={"mode": list(READ_MODES)},
    )
    return Trace(*[_with_notes(array) for array in trace.values()])


def _with_notes(array: NamedArray) -> NamedArray:
    """What a DNC's array is, and which memory it saw, where that is not as with an NTM."""
    attrs = dict(array.attrs)
    if array.name in SAID_OF_DNC:
        attrs["description"] = SAID_OF_DNC[array.name]
    if array.name in SEEN_BY_DNC:
        attrs["memory_seen"] = SEEN_BY_DNC[array.name]
    return NamedArray(array.name, array.values, array.dims, array.coords, attrs)
