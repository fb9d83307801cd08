"""One iteration as a store takes it: what was recorded, not yet copied, and what of its labels may change.

``_assemble`` makes a trace of an iteration, with all that is said of its arrays. A store has that from the
first one; of the others it needs the values and what may be new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.record._assemble import (
    INITIAL,
    Gave,
    part_of,
    sequence_starts,
    step_masks,
    step_pieces,
    what_gave,
)
from nsm_widgets.trace.record._iteration import Iteration
from nsm_widgets.trace.record.sources._source import Source


@dataclass(slots=True)
class Gathered:
    """The arrays of one iteration."""

    number: int
    """Its place among all iterations of the block."""
    has_time: bool
    """Whether its arrays have a time; else the iteration itself is the step."""
    growing: dict[str, NDArray[Any]] = field(default_factory=dict)
    """Steps by name, time leading, or ``[1, ...]``; often views of what the recording fills again."""
    initial: dict[str, NDArray[Any]] = field(default_factory=dict)
    """What there was before the first step."""
    coords: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Labels and masks that may be others in each iteration, by array and name, not yet checked."""
    starts: list[int] = field(default_factory=list)
    """At which steps a sequence begins."""

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return len(next(iter(self.growing.values())))


def gather(iteration: Iteration, sources: Sequence[Source]) -> Gathered:
    """One iteration that is over.

    Raises:
        RecordingError: If its arrays cannot grow together.
    """
    gave = what_gave([iteration], sources)
    found = Gathered(iteration.number, gave.steps is not None)
    for source in gave.stepwise:
        _take_steps(found, source, iteration, gave)
    for source in gave.callwise:
        _take_calls(found, source, iteration, gave)
    if gave.steps is not None:
        found.starts = sequence_starts([iteration], gave.stepwise, gave.steps)
    return found


def _take_steps(found: Gathered, source: Source, iteration: Iteration, gave: Gave) -> None:
    part, lengths = part_of(iteration, source), gave.lengths[source.index]
    pieces, _, _ = step_pieces([part], lengths)
    masks = step_masks([part], lengths)
    for name, of_one in pieces.items():
        full = source.prefix + name
        values = found.growing[full] = of_one[0] if len(of_one) == 1 else np.concatenate(of_one)
        if masks:
            dims, _, _ = source.describe(name, values.shape[-1])
            found.coords[full] = _fitting(masks, dims)
    if INITIAL in part.first:
        found.initial[source.prefix + INITIAL] = part.first[INITIAL].values()


def _take_calls(found: Gathered, source: Source, iteration: Iteration, gave: Gave) -> None:
    timed = source in gave.timed
    for name, item in source.collect(part_of(iteration, source), timed).items():
        if not source.wants(name):
            continue
        full = source.prefix + name
        if gave.steps is not None and not timed:
            raise RecordingError(
                f"{full} has no time, and other arrays do: in a store they cannot grow together. Record it "
                f"with a recorder of its own: TraceRecorder(model, select={full!r}, store=...)."
            )
        found.growing[full] = item.values if timed else item.values[None]
        found.coords[full] = item.coords


def _fitting(masks: Mapping[str, Any], dims: Sequence[str]) -> dict[str, Any]:
    """The masks that an array of these axes can have."""
    return {name: mask for name, mask in masks.items() if set(mask.dims) <= set(dims)}
