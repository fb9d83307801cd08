"""Replicas of a model, each in a thread of its own: whose step it is that is handed over.

``nn.DataParallel`` cuts a batch into parts, makes a shallow copy of its module for each device, which shares
the module's hooks, and calls all copies at the same time. Replicas are numbered as the devices are, which is
the order of the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nsm_widgets.trace.record._hooks import Hooks
from nsm_widgets.trace.record._listening import defined_by
from nsm_widgets.trace.record._recording import Recording

if TYPE_CHECKING:
    from torch import nn


def number_replicas(model: nn.Module, hooks: Hooks, recording: Recording) -> None:
    """Let a recording know which replica a thread runs, where ``DataParallel`` models make some."""

    def around(
        call: Callable[..., Any], called: object, replicas: Sequence[Any], *args: object, **kwargs: object
    ) -> Any:
        if any(called is parallel for parallel in models):
            replicas = [_inside(recording.in_replica(n), replica) for n, replica in enumerate(replicas)]
        return call(called, replicas, *args, **kwargs)

    models = replicating(model)
    for place in {defined_by(type(parallel), "parallel_apply") for parallel in models}:
        hooks.listen(place, "parallel_apply", around)


def _inside(context: Callable[[], Any], replica: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: object, **kwargs: object) -> Any:
        with context():
            return replica(*args, **kwargs)

    return call


def replicating(model: nn.Module) -> list[Any]:
    """The ``DataParallel`` models in a model, itself perhaps, that run on several devices."""
    from torch import nn

    return [
        part for part in model.modules() if isinstance(part, nn.DataParallel) and len(part.device_ids) > 1
    ]
