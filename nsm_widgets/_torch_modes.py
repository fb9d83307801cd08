"""Under which of torch's modes a step runs: hand-written gradients are for plain eager mode alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as hooks_of_all


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


def step_watchers(module: nn.Module) -> list[Callable[..., Any]] | None:
    """What takes the tensors of steps as they were made, if nobody else watches or changes the module.

    A forward hook with a method ``takes_steps`` only looks: where a step is one node, that method is called
    in its place, for one or several steps, and the views that other hooks are shown need not be made.
    """
    found = [getattr(hook, "takes_steps", None) for hook in module._forward_hooks.values()]
    if not found or None in found or _does_more(module, [name for name in HOOKS if name != "_forward_hooks"]):
        return None
    return [taker for taker in found if taker is not None]


HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
GLOBAL_HOOKS = tuple(f"_global{name}" for name in HOOKS)


def has_hooks(module: nn.Module) -> bool:
    """Whether calling a module does more than its class says: hooks, on it or on all modules, or a patch."""
    return _does_more(module, HOOKS)


def _does_more(module: nn.Module, hooks: Iterable[str]) -> bool:
    return (
        "forward" in vars(module)
        or any(getattr(module, name) for name in hooks)
        or any(getattr(hooks_of_all, name) for name in GLOBAL_HOOKS)
    )
