"""Compiled models, which are recorded as they were written: what a compiler made of them calls no hooks."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.record._hooks import Hooks

if TYPE_CHECKING:
    from torch import nn


def bypass_compile(model: nn.Module, hooks: Hooks) -> None:
    """Let compiled modules run as they were written while they are recorded, those compiled meanwhile too.

    Args:
        model: The recorded model.
        hooks: End it.

    Raises:
        RecordingError: If it is compiled, and torch is too old to let it.
    """
    torch = sys.modules["torch"]
    dynamo = sys.modules.get("torch._dynamo.eval_frame")
    compiled = any(
        getattr(module, "_compiled_call_impl", None) is not None
        or (dynamo is not None and isinstance(module, dynamo.OptimizedModule))
        for module in model.modules()
    )
    can_bypass = hasattr(torch.compiler, "set_stance")

    def bypass() -> None:
        if not can_bypass:
            raise RecordingError(
                f"a compiled model can be recorded from torch 2.6 on, got torch {torch.__version__}. "
                "Record the model that was compiled instead."
            )
        stance = torch.compiler.set_stance("force_eager")
        stance.__enter__()
        hooks.callback(lambda: stance.__exit__(None, None, None))

    def compiling(compile_: Callable[..., Any], *args: object, **kwargs: object) -> Any:
        made = compile_(*args, **kwargs)
        given = next(iter((*args, *kwargs.values())), None)
        given = getattr(given, "__self__", given)  # nn.Module.compile gives a method of the module
        if isinstance(given, torch.nn.Module) and not set(model.modules()).isdisjoint(given.modules()):
            bypass()
        return made

    if compiled or _is_compiled_elsewhere(model, torch, dynamo):
        bypass()
    elif can_bypass:  # else nothing of it would be recorded, as is said then
        hooks.listen(torch, "compile", compiling)


def _is_compiled_elsewhere(model: nn.Module, torch: ModuleType, dynamo: ModuleType | None) -> bool:
    """Whether somebody has a compiled model around this one, or around a part."""
    if not hasattr(torch.compiler, "set_stance") or not any(getattr(dynamo, "cached_backends", {}).values()):
        return False  # nothing at all was compiled; what follows takes some 0.1 s
    holding = gc.get_referrers(*model.modules())
    return any(isinstance(each, dict) and "_orig_mod" in each for each in holding)
