"""What several replicas of a model gave in an iteration, as one: their batches one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._coord import Coord, same_coord
from nsm_widgets.trace.record._hooks import batch_axis
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record._step_buffer import StepBuffer
from nsm_widgets.trace.record.sources._source import Source


def joined(parts: Sequence[Part], source: Source) -> Part:
    """What the replicas of an iteration gave, as one: their batches one after the other.

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
        coords=_joined_coords(parts, source),
        labels=_joined_labels(parts),
        num_steps=first.num_steps,
    )


def _across(parts: Sequence[Part], what: str, name: str) -> Any:
    return zip(*[getattr(part, what)[name] for part in parts], strict=True)


def _check_alike(parts: Sequence[Part], source: Source) -> None:
    def gave(part: Part) -> Any:
        whole = {name: len(copies) for name, copies in part.whole.items()}
        coords = [key for key, _ in part.coords]
        return part.num_steps, whole, list(part.first), part.starts, [key for key, _ in part.calls], coords

    if any(gave(part) != gave(parts[0]) for part in parts):
        told = ", ".join(f"{part.num_steps} steps and {len(part.calls)} calls" for part in parts)
        raise RecordingError(
            f"{source.path or 'the model'} must do the same on all devices to be recorded as one, got "
            f"{told}. Record it without DataParallel: TraceRecorder(model.module)."
        )


def _joined_coords(parts: Sequence[Part], source: Source) -> list[tuple[Any, HostCopy]]:
    """Masks and ids; those without a batch are the same for all replicas."""
    found: list[tuple[Any, HostCopy]] = []
    for coords in zip(*[part.coords for part in parts], strict=True):
        key, first = coords[0]
        axis = source.batch_axis_of_coord(key, first)
        found.append((key, first if axis is None else _JoinedCopy([copy for _, copy in coords], axis)))
    return found


def _joined_labels(parts: Sequence[Part]) -> dict[tuple[str, str], Coord | None]:
    """Labels of each batch item, one after the other; others must be the same for all replicas."""
    found: dict[tuple[str, str], Coord | None] = {}
    for key, first in parts[0].labels.items():
        given = [part.labels.get(key) for part in parts]
        labels = [coord for coord in given if coord is not None]
        found[key] = None
        if first is not None and len(labels) == len(given):
            if "batch" in first.dims and key[1] != "batch":
                found[key] = Coord(first.dims, np.concatenate([coord.values for coord in labels]))
            elif all(same_coord(first, coord) for coord in labels):
                found[key] = first
    return found


def _axis(source: Source, name: str) -> int:
    dims, _, _ = source.describe(name, 0)
    return batch_axis(dims, source.prefix + name)


class _JoinedSteps(StepBuffer):
    """The steps of all replicas; looks like a ``StepBuffer`` that is finished."""

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
    """The values of a tensor of all replicas; looks like a ``HostCopy``."""

    def __init__(self, copies: Sequence[Any], axis: int) -> None:
        self._copies, self._along = copies, axis
        self.source_dtype = copies[0].source_dtype

    def values(self) -> NDArray[Any]:
        """All batches."""
        return np.concatenate([copy.values() for copy in self._copies], axis=self._along)
