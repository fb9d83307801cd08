"""Replicas of a model, each in a thread of its own: whose step it is that is handed over.

``nn.DataParallel`` cuts a batch into parts, makes a shallow copy of its module for each device, which shares
the module's hooks, and calls all copies at the same time. Replicas are numbered as the devices are, which is
the order of the parts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from nsm_widgets.trace.record._hooks import Hooks


class Replicas:
    """Knows which replica the calling thread runs."""

    def __init__(self) -> None:
        self._local = threading.local()
        self.guard = threading.RLock()
        """One replica hands over at a time."""

    def current(self) -> int:
        """The number of the calling thread's replica; 0 outside of replicas."""
        number: int = getattr(self._local, "number", 0)
        return number

    def install(self, models: Sequence[Any], hooks: Hooks) -> None:
        """Number the replicas that these ``DataParallel`` models call."""
        for model in models:
            hooks.callback(lambda model=model: delattr(model, "parallel_apply"))
            model.parallel_apply = self._numbered(model.parallel_apply)

    def _numbered(self, apply: Callable[..., Any]) -> Callable[..., Any]:
        def numbered(replicas: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
            return apply(
                [self._inside(number, replica) for number, replica in enumerate(replicas)], *args, **kwargs
            )

        return numbered

    def _inside(self, number: int, replica: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            before = self.current()
            self._local.number = number
            try:
                return replica(*args, **kwargs)
            finally:
                self._local.number = before

        return call


def replicating(model: Any) -> list[Any]:
    """The ``DataParallel`` models in a model, itself perhaps, that run on several devices."""
    from torch import nn

    return [
        part for part in model.modules() if isinstance(part, nn.DataParallel) and len(part.device_ids) > 1
    ]
