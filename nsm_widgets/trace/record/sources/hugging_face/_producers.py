"""Which attention module made the weights that a model hands out: told by the tensors themselves."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nsm_widgets.trace.record._hooks import Hooks, in_backward


class Producer(NamedTuple):
    """Where a tensor comes from."""

    path: str
    """The attention module."""
    repeat: int
    """How often it was called before, within a call of the model."""


class _Seen(threading.local):
    """What a thread's modules gave, by the number of the object."""

    def __init__(self) -> None:
        self.tensors: dict[int, tuple[weakref.ref[Any], Producer]] = {}
        self.calls: dict[str, int] = {}


class Producers:
    """Looks at what attention modules return while a model runs; keeps none of it alive.

    Args:
        modules: The attention modules, by path.
    """

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self._modules = modules
        self._seen = _Seen()

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        self._seen = _Seen()
        for path, module in self._modules.items():
            hooks.after(module, self._after(path))
        hooks.callback(self.forget)

    def forget(self) -> None:
        """A call of the model begins, or is over."""
        self._seen.tensors.clear()
        self._seen.calls.clear()

    def of(self, tensor: Any) -> Producer | None:
        """The module that returned this very tensor, if one did."""
        reference, producer = self._seen.tensors.get(id(tensor), (None, None))
        return producer if reference is not None and reference() is tensor else None

    def _after(self, path: str) -> Any:
        def after(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            del args, kwargs
            if in_backward():
                return
            repeat = self._seen.calls[path] = self._seen.calls.get(path, -1) + 1
            for each in _tensors(output):
                if getattr(each, "ndim", 0) >= 3:
                    self._seen.tensors[id(each)] = (weakref.ref(each), Producer(path, repeat))

        return after


def _tensors(output: Any) -> Sequence[Any]:
    if isinstance(output, Mapping):
        return list(output.values())
    return output if isinstance(output, (tuple, list)) else [output]
