"""From the iterations of a recording to a trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace._array import NamedArray
from nsm_widgets.trace._recording import Iteration, Part, Recording
from nsm_widgets.trace._source import Source
from nsm_widgets.trace._trace import Trace

INITIAL = "initial_memory"
INITIALS = "initial_memories"


def assemble(recording: Recording, sources: Sequence[Source], model_name: str) -> Trace:
    """All that a recording holds, one iteration after the other along ``time``; values are copied.

    Raises:
        RecordingError: If there is nothing, or memories took different numbers of steps.
    """
    iterations = recording.iterations()
    if not iterations:
        raise RecordingError(_why_nothing(recording))
    used = [source for source in sources if any(it.parts[source.index].num_steps for it in iterations)]
    steps = _steps_of(iterations, used)
    attrs: dict[str, Any] = {"model": model_name}
    starts = _sequence_starts(iterations, used, steps)
    if starts:
        attrs["sequence_starts"] = starts
    attrs["iterations"] = {
        "numbers": [iteration.number for iteration in iterations],
        "steps": steps,
        "seen": recording.seen,
        "left_out": dict(recording.left_out),
    }
    arrays: list[NamedArray] = []
    unmatched: list[str] = []
    for source in used:
        parts = [iteration.parts[source.index] for iteration in iterations]
        values, sources_of, left_out = _values_of(parts)
        unmatched += [source.prefix + name for name in left_out]
        arrays += [
            _named(source, name, values[name], sources_of[name]) for name in source.order(list(values))
        ]
    if unmatched:
        attrs["not_recorded"] = (
            f"{', '.join(unmatched)}: the memory took steps outside whole forwards of the NTM, to which "
            "they belong"
        )
    return Trace(*arrays, attrs=attrs)


def _why_nothing(recording: Recording) -> str:
    reasons = [f"{count} {reason}" for reason, count in recording.left_out.items() if count]
    if recording.seen and reasons:
        return (
            f"the block kept none of its {recording.seen} iterations: {', '.join(reasons)}. "
            "Ask for others with every(n) or when(...), or allow more with budget(...)."
        )
    return "the model took no step inside the block. Call it there: model(inputs)."


def _steps_of(iterations: Sequence[Iteration], sources: Sequence[Source]) -> list[int]:
    """How many steps each iteration took, the same for all sources."""
    counts = {
        source.prefix.rstrip("."): [iteration.parts[source.index].num_steps for iteration in iterations]
        for source in sources
    }
    first = next(iter(counts.values()), [0] * len(iterations))
    if any(count != first for count in counts.values()):
        totals = {name: sum(count) for name, count in counts.items()}
        if len(set(totals.values())) == 1:  # the same number in all, at different times
            index = next(i for i in range(len(first)) if len({count[i] for count in counts.values()}) > 1)
            totals = {name: count[index] for name, count in counts.items()}
        told = ", ".join(f"{name} {count}" for name, count in totals.items())
        raise RecordingError(
            f"memories recorded together must take the same number of steps, got {told}. "
            "Record each with a TraceRecorder of its own: TraceRecorder(model.part)."
        )
    return first


def _sequence_starts(
    iterations: Sequence[Iteration], sources: Sequence[Source], steps: Sequence[int]
) -> list[int]:
    starts: set[int] = set()
    before = 0
    for iteration, length in zip(iterations, steps, strict=True):
        for source in sources:
            starts.update(before + start for start in iteration.parts[source.index].starts if start < length)
        before += length
    return sorted(starts)


def _values_of(
    parts: Sequence[Part],
) -> tuple[dict[str, NDArray[Any]], dict[str, str | None], list[str]]:
    """One source's arrays, what each was widened from, and the names of sequences that fit no steps."""
    values: dict[str, NDArray[Any]] = {}
    source_dtypes: dict[str, str | None] = {}
    left_out = []
    buffers = [part.steps for part in parts if part.steps is not None]
    layout = buffers[0].layout
    source_dtypes |= layout.source_dtypes
    for index, name in enumerate(layout.names):
        values[name] = _join([piece for buffer in buffers for piece in buffer.pieces(index)])
    for name in dict.fromkeys(name for part in parts for name in part.whole):
        wholes = [[copy.values() for copy in part.whole.get(name, [])] for part in parts]
        lengths = [sum(map(len, whole)) for whole in wholes]
        if lengths != [part.num_steps for part in parts]:
            left_out.append(name)
            continue
        values[name] = _join([piece for whole in wholes for piece in whole])
        source_dtypes[name] = next(part.whole[name][0].source_dtype for part in parts)
    firsts = [part.first[INITIAL] for part in parts if INITIAL in part.first]
    if firsts:
        values[INITIAL] = _own(firsts[0].values().copy())
        source_dtypes[INITIAL] = source_dtypes[INITIALS] = firsts[0].source_dtype
    if 1 < len(firsts) == len(parts):
        values[INITIALS] = _own(np.stack([first.values() for first in firsts]))
    return values, source_dtypes, left_out


def _join(pieces: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return _own(np.concatenate(pieces))


def _own(values: NDArray[Any]) -> NDArray[Any]:
    values.flags.writeable = False
    return values


def _named(source: Source, name: str, values: NDArray[Any], source_dtype: str | None) -> NamedArray:
    dims, attrs, coords = source.describe(name, values.shape[-1] if values.ndim else 0)
    if source_dtype is not None:
        attrs["source_dtype"] = source_dtype
    return NamedArray(source.prefix + name, values, dims, coords, attrs)
