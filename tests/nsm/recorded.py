"""A neural state machine's run as a trace: by the recorder, and by plain hooks that it must agree with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nsm_widgets.nsm import NeuralStateMachine
from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from nsm_widgets.trace.record.sources._nsm import (
    DIMS_OF_NSM,
    communication_arrays,
    manager_arrays,
    propagator_arrays,
    router_arrays,
)


def trace_of(machine: NeuralStateMachine, tokens: Tensor, mask: Tensor | None = None) -> Trace:
    """A run over ``tokens``, as the recorder tells it."""
    with TraceRecorder(machine) as recorder, torch.no_grad():
        machine(tokens, mask=mask)
    return recorder.trace


def trace_by_hand(machine: NeuralStateMachine, tokens: Tensor, mask: Tensor | None = None) -> Trace:
    """Everything of a run, the memory's part by the recorder itself."""
    steps: dict[str, list[np.ndarray[Any, Any]]] = {}

    def keep(arrays_of: Callable[..., dict[str, Any]]) -> Callable[..., None]:
        def hook(module: Any, args: Any, kwargs: Any, output: Any) -> None:
            for name, tensor in arrays_of(module, args, kwargs, output).items():
                steps.setdefault(name, []).append(tensor.detach().numpy().copy())

        return hook

    handles = [
        module.register_forward_hook(keep(function), with_kwargs=True)
        for module, function in (
            (machine.router, router_arrays),
            (machine.communication, communication_arrays),
            (machine.propagator, propagator_arrays),
            (machine.manager, manager_arrays),
        )
    ]
    with TraceRecorder(machine.access) as recorder, torch.no_grad():
        outputs = machine(tokens, mask=mask).outputs
    for handle in handles:
        handle.remove()
    arrays = {name: np.stack(values) for name, values in steps.items()}
    dims = {name: ("time", *DIMS_OF_NSM[name]) for name in arrays}
    parts = Trace.from_arrays({**arrays, "output": outputs}, dims=dims)
    memory: list[NamedArray] = list(recorder.trace.values())
    return Trace(*memory, *parts.values())
