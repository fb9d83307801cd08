"""Replicas of a model, each in a thread of its own: their steps are kept apart, and joined along the batch.

``nn.DataParallel`` cuts a batch into parts, makes a shallow copy of its module for each device, which shares
the module's hooks, and calls all copies at the same time. A *lane* is what one of them gives in an iteration;
lanes are numbered as the devices are, which is the order of the parts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._recording import Part
from nsm_widgets.trace.record._step_buffer import StepBuffer

if TYPE_CHECKING:
    from nsm_widgets.trace.record.sources._source import Hooks, Source


class Lanes:
    """Knows in which lane the calling thread is."""

    def __init__(self) -> None:
        self._local = threading.local()
        self.guard = threading.RLock()
        """One replica hands over at a time."""

    @property
    def current(self) -> int:
        """The lane of the calling thread; 0 outside of replicas."""
        lane: int = getattr(self._local, "lane", 0)
        return lane

    def install(self, models: Sequence[Any], hooks: Hooks) -> None:
        """Number the replicas that these ``DataParallel`` models call."""
        for model in models:
            hooks.callback(lambda model=model: delattr(model, "parallel_apply"))
            model.parallel_apply = self._numbered(model.parallel_apply)

    def _numbered(self, apply: Callable[..., Any]) -> Callable[..., Any]:
        def numbered(replicas: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
            return apply(
                [self._inside(lane, replica) for lane, replica in enumerate(replicas)], *args, **kwargs
            )

        return numbered

    def _inside(self, lane: int, replica: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            before = self.current
            self._local.lane = lane
            try:
                return replica(*args, **kwargs)
            finally:
                self._local.lane = before

        return call


def replicating(model: Any) -> list[Any]:
    """The ``DataParallel`` models in a model, itself perhaps, that run on several devices."""
    from torch import nn

    return [
        part for part in model.modules() if isinstance(part, nn.DataParallel) and len(part.device_ids) > 1
    ]


def joined(parts: Sequence[Part], source: Source) -> Part:
    """What the lanes of an iteration gave, as one: their batches one after the other.

    Raises:
        RecordingError: If they took different numbers of steps, or an array has no batch.
    """
    parts = [part for part in parts if not part.is_empty] or list(parts[:1])
    if len(parts) == 1:
        return parts[0]
    _check_alike(parts, source)
    first = parts[0]
    buffers = [part.steps for part in parts if part.steps is not None]
    return Part(
        steps=_JoinedSteps(buffers, source) if buffers else None,
        whole={
            name: [_JoinedCopy(copies, _axis(source, name)) for copies in _across(parts, "whole", name)]
            for name in first.whole
        },
        first={
            name: _JoinedCopy([part.first[name] for part in parts], _axis(source, name))
            for name in first.first
        },
        starts=first.starts,
        calls=[
            (calls[0][0], _JoinedCopy([copy for _, copy in calls], source.batch_axis(calls[0][0])))
            for calls in zip(*[part.calls for part in parts], strict=True)
        ],
        asides=_joined_asides(parts),
        num_steps=first.num_steps,
    )


def _across(parts: Sequence[Part], what: str, name: str) -> Any:
    return zip(*[getattr(part, what)[name] for part in parts], strict=True)


def _check_alike(parts: Sequence[Part], source: Source) -> None:
    def gave(part: Part) -> Any:
        whole = {name: len(copies) for name, copies in part.whole.items()}
        asides = [key for key, _ in part.asides]
        return part.num_steps, whole, list(part.first), part.starts, [key for key, _ in part.calls], asides

    if any(gave(part) != gave(parts[0]) for part in parts):
        told = ", ".join(f"{part.num_steps} steps and {len(part.calls)} calls" for part in parts)
        raise RecordingError(
            f"{source.path or 'the model'} must do the same on all devices to be recorded as one, got "
            f"{told}. Record it without DataParallel: TraceRecorder(model.module)."
        )


def _joined_asides(parts: Sequence[Part]) -> list[tuple[Any, HostCopy]]:
    """Masks and ids, whose first axis is the batch; those of one axis alone are the same for all lanes."""
    found: list[tuple[Any, HostCopy]] = []
    for asides in zip(*[part.asides for part in parts], strict=True):
        key, first = asides[0]
        copies = [copy for _, copy in asides]
        found.append((key, first if first.values().ndim < 2 else _JoinedCopy(copies, 0)))
    return found


def _axis(source: Source, name: str) -> int:
    dims, _, _ = source.describe(name, 0)
    return batch_axis(dims, source.prefix + name)


def batch_axis(dims: Sequence[str], name: str) -> int:
    """Along which axis the parts of the batch lie one after the other.

    Raises:
        RecordingError: If there is none.
    """
    if "batch" not in dims:
        raise RecordingError(
            f"{name} has no axis 'batch' along which the parts of several devices could be joined, got axes "
            f"{tuple(dims)}. Record it without DataParallel: TraceRecorder(model.module)."
        )
    return list(dims).index("batch")


class _JoinedSteps(StepBuffer):
    """The steps of all lanes; looks like a ``StepBuffer`` that is finished."""

    def __init__(self, buffers: Sequence[Any], source: Source) -> None:
        self._buffers, self._source = buffers, source
        self.layout = buffers[0].layout

    def __len__(self) -> int:
        return len(self._buffers[0])

    def pieces(self, name: str) -> list[NDArray[Any]]:
        """The steps of one array, all batches in one piece."""
        parts = [np.concatenate(buffer.pieces(name)) for buffer in self._buffers]
        return [np.concatenate(parts, axis=_axis(self._source, name))]


class _JoinedCopy(HostCopy):
    """The values of a tensor of all lanes; looks like a ``HostCopy``."""

    def __init__(self, copies: Sequence[Any], axis: int) -> None:
        self._copies, self._along = copies, axis
        self.source_dtype = copies[0].source_dtype

    def values(self) -> NDArray[Any]:
        """All batches."""
        return np.concatenate([copy.values() for copy in self._copies], axis=self._along)
