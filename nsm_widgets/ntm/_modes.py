"""Under which of torch's modes a step runs: hand-written gradients are for plain eager mode alone."""

from __future__ import annotations

import torch


def is_eager(device: torch.device) -> bool:
    """Whether plain eager mode runs: no compiler, no ``torch.func`` transform, no autocast.

    Those see through plain functions, and would stumble over a node with a gradient of its own.
    """
    return not (
        torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active() or is_autocast(device)
    )


def is_autocast(device: torch.device) -> bool:
    """Whether operations on a device choose their own precision."""
    try:
        return torch.is_autocast_enabled(device.type)
    except TypeError:  # torch 2.3 asks about one kind of device each
        return bool(torch.is_autocast_cpu_enabled() if device.type == "cpu" else torch.is_autocast_enabled())


def refuse_second_order() -> None:
    """Raise when a backward pass is itself to be differentiated.

    Raises:
        RuntimeError: If gradients are recorded, as by ``create_graph=True``.
    """
    if torch.is_grad_enabled():
        raise RuntimeError(
            "gradients of gradients need the plain functions, and this forward pass took hand-written ones. "
            "Set fused = False on the NTM (or MemoryAccess) before it: model.fused = False."
        )
