"""One iteration as arrays: what was recorded, not yet copied, with all that is said of it.

A trace in memory has such iterations one after the other (``_lay_together``), a store appends each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._iterations import INITIAL
from nsm_widgets.trace.arrays._mask import joined_masks, telling
from nsm_widgets.trace.record._hooks import Found
from nsm_widgets.trace.record._iteration import Iteration, Part
from nsm_widgets.trace.record._naming import settle_names
from nsm_widgets.trace.record.arrays._join_replicas import joined
from nsm_widgets.trace.record.sources._call_coords import masks_of_calls
from nsm_widgets.trace.record.sources._source import Source

_NONE: Final[Mapping[str, Coord]] = {}
"""Labels and masks of most arrays; one for all, as thousands of small dicts take time."""


@dataclass(slots=True)
class Gathered:
    """The arrays of one iteration."""

    number: int
    """Its place among all iterations of the block."""
    steps: int | None
    """How many steps it took; ``None`` where nothing has a time."""
    arrays: dict[str, Found] = field(default_factory=dict)
    """By name; their values are often views of what the recording fills again."""
    starts: list[int] = field(default_factory=list)
    """At which steps a sequence begins."""
    unmatched: dict[str, str] = field(default_factory=dict)
    """Sequences that fit no steps, and why, by name."""
    left_out: list[str] = field(default_factory=list)
    """What cannot lie beside the others, and why."""

    @property
    def rows(self) -> int:
        """How many steps it is in a store: where nothing has a time, the iteration itself is one."""
        return 1 if self.steps is None else self.steps


def gather(iterations: Sequence[Iteration], sources: Sequence[Source]) -> list[Gathered]:
    """The arrays of each iteration, by names that all of them settle.

    Raises:
        RecordingError: If sources took different numbers of steps, or their calls do not fit together.
    """
    settle_names(sources, iterations)
    parts = [{source: _part_of(iteration, source) for source in sources} for iteration in iterations]
    lengths = [_lengths(of_one) for of_one in parts]
    called = {s for of_one in parts for s, part in of_one.items() if not s.is_stepwise and part.calls}
    timed = {s for s in called if any(s.num_calls(of_one[s]) > 1 for of_one in parts)}
    for of_one, length in zip(parts, lengths, strict=True):
        length.update({source: source.num_calls(of_one[source]) for source in sources if source in timed})
    steps = _steps_of(lengths)
    whole = {s: dict.fromkeys(name for of_one in parts for name in of_one[s].whole) for s in sources}
    found: list[Gathered] = []
    about: dict[Any, Any] = {}
    for iteration, of_one, length, count in zip(iterations, parts, lengths, steps, strict=True):
        one = Gathered(iteration.number, count)
        for source, part in of_one.items():
            if source.is_stepwise and (source in length or source.follows):
                _take_steps(one, source, part, length.get(source, count or 0), whole[source], about)
        for source in (source for source in sources if source in called):
            for name, array in source.collect(of_one[source], source in timed).items():
                if source.wants(name):
                    one.arrays[source.prefix + name] = array
        _leave_out_other_batches(one)
        if count:
            stepwise = [source for source in length if source.is_stepwise]
            if iteration.is_anew or any(source.starts_anew for source in stepwise):
                one.starts.append(0)
            starts = {start for source in stepwise for start in of_one[source].starts if start < count}
            one.starts = sorted({*one.starts, *starts})
        found.append(one)
    return found


def _leave_out_other_batches(one: Gathered) -> None:
    """Attention of another batch than most, as that of the images of a model that generates text."""
    sizes = {
        name: found.values.shape[found.dims.index("batch")]
        for name, found in one.arrays.items()
        if {"batch", "query"} <= set(found.dims)
    }
    counts = Counter(sizes.values())
    most = max(counts, key=lambda size: (counts[size], size), default=0)
    for name, size in sizes.items():
        if size != most:
            del one.arrays[name]
            one.left_out.append(
                f"{name}: its batch has {size} items, that of others {most}. Record it alone: select={name!r}"
            )


def _part_of(iteration: Iteration, source: Source) -> Part:
    """What an iteration has of a source, of all replicas together."""
    return (
        joined(iteration.of_source(source.index), source) if iteration.more else iteration.parts[source.index]
    )


def _num_steps(part: Part) -> int:
    """Steps of a stepwise source: those that it took, or those of the sequences that it saw whole."""
    if part.num_steps or not part.whole:
        return part.num_steps
    return min(sum(len(copy.values()) for copy in copies) for copies in part.whole.values())


def _lengths(parts: Mapping[Source, Part]) -> dict[Source, int]:
    """Steps of each stepwise source, without one that an error cut short, which not all of a model took."""
    own = {source: part for source, part in parts.items() if source.is_stepwise and not source.follows}
    taken = {source: _num_steps(part) for source, part in own.items()}
    shortest: dict[int, int] = {}
    for source, length in taken.items():
        if source.owner is not None:
            model = id(source.owner.module)
            shortest[model] = min(length, shortest.get(model, length))
    return {
        source: length - 1
        if source.owner is not None and length == shortest[id(source.owner.module)] + 1
        else length
        for source, length in taken.items()
    }


def _steps_of(lengths: list[dict[Source, int]]) -> list[int | None]:
    """How many steps each iteration took, the same for all sources; ``None`` where nothing has a time."""
    idle = [source for source in (lengths[0] if lengths else {}) if not any(each[source] for each in lengths)]
    for each in lengths:
        for source in idle:
            del each[source]
    counts = {source.path: [each[source] for each in lengths] for source in (lengths[0] if lengths else ())}
    if not counts:
        return [None] * len(lengths)
    first = next(iter(counts.values()))
    if any(count != first for count in counts.values()):
        totals = {name: sum(count) for name, count in counts.items()}
        if len(set(totals.values())) == 1:  # the same number in all, at different times
            index = next(i for i in range(len(first)) if len({count[i] for count in counts.values()}) > 1)
            totals = {name: count[index] for name, count in counts.items()}
        told = ", ".join(f"{name} {count}" for name, count in totals.items())
        raise RecordingError(
            f"memories recorded together must take the same number of steps, got {told}. "
            "Record each with a TraceRecorder of its own: TraceRecorder(model.part), or with select=..."
        )
    return [*first]


def _take_steps(
    one: Gathered, source: Source, part: Part, length: int, whole: Iterable[str], about: dict[Any, Any]
) -> None:
    """Add what a source gave step by step, in its whole sequences, and before the first step."""
    pieces: dict[str, tuple[NDArray[Any], ...]] = {}
    dtypes: dict[str, str | None] = {}
    if part.steps is not None:
        for name in part.steps.layout.columns:
            pieces[name] = _cut(part.steps.pieces(name), length)
            dtypes[name] = part.steps.layout.source_dtypes[name]
    for name in whole:
        copies = part.whole.get(name, [])
        values = tuple(copy.values() for copy in copies)
        if len({(each.shape[1:], each.dtype) for each in values}) > 1 or sum(map(len, values)) != length:
            one.unmatched[source.prefix + name] = _why_unmatched(source, values, length)
        elif copies:
            pieces[name], dtypes[name] = values, copies[0].source_dtype
    if INITIAL in part.first:
        pieces[INITIAL], dtypes[INITIAL] = (part.first[INITIAL].values(),), part.first[INITIAL].source_dtype
    for name in source.order([name for name, values in pieces.items() if values]):
        first = pieces[name][0]
        key = (source, name, first.shape[-1] if first.ndim else 0, dtypes[name])
        if key not in about:
            dims, attrs, labels = source.describe(*key[1:3])
            own = {} if dtypes[name] is None else {"source_dtype": dtypes[name]}
            about[key] = dims, {**attrs, **own}, labels
        dims, attrs, labels = about[key]
        coords = _coords_of(name, part, dims, pieces[name], is_whole=name in whole)
        found = Found(pieces[name], dims, attrs, coords, labels)
        if source.follows and name in one.arrays:
            one.left_out.append(
                f"{name}: the model gives an array of that name itself. Hand yours over by another"
            )
        elif why := _why_apart(one, found) if source.follows else "":
            one.unmatched[name] = why
        else:
            one.arrays[source.prefix + name] = found


def _why_unmatched(source: Source, values: Sequence[NDArray[Any]], length: int) -> str:
    if not source.follows:
        return "the memory took steps outside whole forwards of the model, to which they belong"
    if not length:
        return "nothing that is recorded beside it takes steps"
    got = " and ".join(map(str, map(len, values)))
    return f"it must have one step for each of its iteration, {length} of them, got {got or 'none'}"


def _why_apart(one: Gathered, found: Found) -> str:
    """Why an array that was handed over cannot lie beside those that the model gave, if so."""
    for other, given in one.arrays.items():
        if "batch" in found.dims and "batch" in given.dims and given.has_time:
            size, batch = (each.pieces[0].shape[each.dims.index("batch")] for each in (found, given))
            if size != batch:
                return f"it must have the batch of {other}, {batch}, got {size}"
    return ""


def _coords_of(
    name: str, part: Part, dims: tuple[str, ...], pieces: Sequence[NDArray[Any]], *, is_whole: bool
) -> Mapping[str, Coord]:
    """Labels and masks of an array: a step, or a sequence, that has no mask leaves nothing out."""
    if not (part.coords or part.labels):
        return _NONE
    labels = {axis: coord for (array, axis), coord in part.labels.items() if array == name and coord}
    masks = masks_of_calls(name, part)
    if not masks:
        return labels
    if is_whole:
        calls = [dict(zip(dims, piece.shape, strict=True)) for piece in pieces]
    else:
        calls = [dict(zip(dims[1:], pieces[0].shape[1:], strict=True))] * sum(map(len, pieces))
    found = [(masks.get(number, {}), sizes) for number, sizes in enumerate(calls)]
    return {**labels, **telling(joined_masks(found, "time", new=not is_whole))}


def _cut(pieces: Sequence[NDArray[Any]], length: int) -> tuple[NDArray[Any], ...]:
    """So many steps of what lies in several arrays, time leading."""
    if len(pieces) == 1:
        return (pieces[0][:length],)
    kept = []
    for piece in pieces:
        kept.append(piece[:length])
        length -= len(kept[-1])
    return tuple(kept)
