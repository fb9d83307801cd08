"""From the iterations of a recording to a trace."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError, SelectionError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._coord import Coord, make_coord
from nsm_widgets.trace.arrays._mask import is_mask, joined_masks, mask_axis, reduced, telling
from nsm_widgets.trace.arrays._origin import Origin
from nsm_widgets.trace.record._hooks import Found
from nsm_widgets.trace.record._iteration import FAILED, OTHER_SHAPE, Iteration, Part
from nsm_widgets.trace.record._join_replicas import joined
from nsm_widgets.trace.record._naming import settle_names
from nsm_widgets.trace.record._recording import Recording
from nsm_widgets.trace.record.sources._source import Source

INITIAL = "initial_memory"
INITIALS = "initial_memories"


LabelsByIteration: TypeAlias = "dict[int, dict[str, dict[str, Coord]]]"
"""Labels by the number of an iteration, the name of an array and the axis."""


def assemble(
    recording: Recording,
    sources: Sequence[Source],
    model_name: str,
    only: Any = None,
) -> tuple[TraceBase, list[int]]:
    """All that a recording holds of iterations that are alike; values are copied.

    What has a ``time`` lies one iteration after the other along it. What has none gets an axis ``iteration``
    where there are several. ``only`` is the number of the one that is wanted alone. Labels that differ
    between iterations are no labels of the whole: its origin tells them.

    Returns:
        The trace, and the numbers of the iterations whose arrays have other shapes or types than most.

    Raises:
        SelectionError: If that one was not kept.
        RecordingError: If there is nothing, or what was recorded does not fit together.
    """
    iterations = recording.iterations()
    if only is not None:
        kept = [iteration.number for iteration in iterations]
        if isinstance(only, bool) or only not in kept:
            told = ", ".join(map(str, kept)) or "none"
            raise SelectionError(f"iteration must be one that was kept, got {only!r}. Kept are: {told}.")
        iterations = [iterations[kept.index(only)]]
    iterations, others = _alike(iterations, sources)
    problems = [f"{source.path or model_name}: {source.problem}" for source in sources if source.problem]
    gave = what_gave(iterations, sources) if iterations else None
    if gave is None or not (gave.stepwise or gave.callwise):
        raise RecordingError(_why_nothing(recording, problems))
    stepwise, steps = gave.stepwise, gave.steps

    arrays: list[NamedArray] = []
    unmatched: list[str] = []
    for source in stepwise:
        made, left_out = _stepwise_arrays(
            source, [part_of(it, source) for it in iterations], gave.lengths[source.index]
        )
        arrays += made
        unmatched += [source.prefix + name for name in left_out]
    numbers = [iteration.number for iteration in iterations]
    labels: LabelsByIteration = {}
    for source in gave.callwise:
        parts = [part_of(iteration, source) for iteration in iterations]
        arrays += _callwise_arrays(source, parts, numbers, source in gave.timed, labels)

    attrs: dict[str, Any] = {"model": model_name}
    starts = sequence_starts(iterations, stepwise, steps) if steps is not None else []
    if starts:
        attrs["sequence_starts"] = starts
    reasons = dict(recording.left_out)
    if others:
        reasons[OTHER_SHAPE] = len(others)
    attrs["iterations"] = {"numbers": numbers, "seen": recording.seen, "left_out": reasons}
    if steps is not None:
        attrs["iterations"]["steps"] = steps
    attrs |= rank_and_world()
    if unmatched:
        problems.append(
            f"{', '.join(unmatched)}: the memory took steps outside whole forwards of the model, to which "
            "they belong"
        )
    if recording.problem:
        problems.append(f"{recording.left_out[FAILED]} iterations {FAILED}: {recording.problem}")
    if problems:
        attrs["not_recorded"] = "; ".join(problems)
    return TraceBase(*arrays, attrs=attrs, origin=Origin(own_labels=labels)), others


def _alike(iterations: Sequence[Iteration], sources: Sequence[Source]) -> tuple[list[Iteration], list[int]]:
    """The largest group of iterations that can be laid together, and the numbers of the others.

    Where no two are alike, all are given back: then what cannot be laid together is told by its name.
    """
    groups: dict[Any, list[Iteration]] = {}
    for iteration in iterations:
        kinds = [source.kind(part) for source in sources for part in iteration.of_source(source.index)]
        groups.setdefault(tuple(kinds), []).append(iteration)
    chosen = max(groups.values(), key=len, default=[])
    if len(chosen) == 1:
        return list(iterations), []
    return chosen, [each.number for each in iterations if not any(each is one for one in chosen)]


@dataclass(frozen=True, slots=True)
class Gave:
    """Which sources gave something in some iterations."""

    stepwise: list[Source]
    callwise: list[Source]
    timed: list[Source]
    """Those of ``callwise`` whose modules were called again within an iteration."""
    lengths: dict[int, list[int]]
    """Steps in each iteration, by the index of a stepwise source."""
    steps: list[int] | None
    """Steps in each iteration, the same for all; ``None`` where nothing has a time."""


def what_gave(iterations: Sequence[Iteration], sources: Sequence[Source]) -> Gave:
    """Sort the sources by what they gave, and settle their prefixes.

    Raises:
        RecordingError: If they took different numbers of steps.
    """
    settle_names(sources, iterations)
    lengths = {s.index: [_whole_steps(it, s, sources) for it in iterations] for s in sources if s.is_stepwise}
    stepwise = [s for s in sources if s.is_stepwise and any(lengths[s.index])]
    callwise = [s for s in sources if not s.is_stepwise and any(part_of(it, s).calls for it in iterations)]
    timed = [s for s in callwise if any(s.num_calls(part_of(it, s)) > 1 for it in iterations)]
    return Gave(stepwise, callwise, timed, lengths, _steps_of(iterations, stepwise, timed, lengths))


def part_of(iteration: Iteration, source: Source) -> Part:
    """What an iteration has of a source, of all replicas together."""
    return (
        joined(iteration.of_source(source.index), source) if iteration.more else iteration.parts[source.index]
    )


def _num_steps(part: Part) -> int:
    """Steps of a stepwise source: those that it took, or those of the sequences that it saw whole."""
    if part.num_steps or not part.whole:
        return part.num_steps
    return min(sum(len(copy.values()) for copy in copies) for copies in part.whole.values())


def _whole_steps(iteration: Iteration, source: Source, sources: Sequence[Source]) -> int:
    """Steps of a stepwise source, without one that an error cut short: all parts of a model took the rest."""
    length = _num_steps(part_of(iteration, source))
    if source.owner is None:
        return length
    beside = (s for s in sources if s.owner is not None and s.owner.module is source.owner.module)
    shortest = min(_num_steps(part_of(iteration, s)) for s in beside)
    return shortest if length == shortest + 1 else length


def _why_nothing(recording: Recording, problems: Sequence[str]) -> str:
    problems = [*problems, *filter(None, [recording.problem])]
    if problems:
        return f"nothing was recorded: {'; '.join(problems).removesuffix('.')}."
    reasons = [f"{count} {reason}" for reason, count in recording.left_out.items() if count]
    if recording.seen and any(reason != "took no step" for reason in recording.left_out):
        return (
            f"the block kept none of its {recording.seen} iterations: {', '.join(reasons)}. "
            "Ask for others with every(n) or when(...), or allow more with budget(...)."
        )
    return "the model took no step inside the block. Call it there: model(inputs)."


def _steps_of(
    iterations: Sequence[Iteration],
    stepwise: Sequence[Source],
    timed: Sequence[Source],
    lengths: Mapping[int, list[int]],
) -> list[int] | None:
    """How many steps each iteration took, the same for all sources; ``None`` where nothing has a time."""
    counts = {s.path: lengths[s.index] for s in stepwise}
    counts |= {s.path: [s.num_calls(part_of(it, s)) for it in iterations] for s in timed}
    if not counts:
        return None
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
    return first


def sequence_starts(
    iterations: Sequence[Iteration], sources: Sequence[Source], steps: Sequence[int]
) -> list[int]:
    """The steps, counted through all iterations, at which a sequence began."""
    starts: set[int] = set()
    before = 0
    for iteration, length in zip(iterations, steps, strict=True):
        if length and (iteration.is_anew or any(source.starts_anew for source in sources)):
            starts.add(before)
        for source in sources:
            starts.update(before + start for start in part_of(iteration, source).starts if start < length)
        before += length
    return sorted(starts)


def _stepwise_arrays(
    source: Source, parts: Sequence[Part], lengths: Sequence[int]
) -> tuple[list[NamedArray], list[str]]:
    """One source's arrays, and the names of sequences that fit no steps."""
    _check_steps_alike(source, parts)
    pieces, source_dtypes, left_out = step_pieces(parts, lengths)
    values = {name: _join(of_one) for name, of_one in pieces.items()}
    firsts = [part.first[INITIAL] for part in parts if INITIAL in part.first]
    if firsts:
        values[INITIAL] = _own(firsts[0].values().copy())
        source_dtypes[INITIAL] = source_dtypes[INITIALS] = firsts[0].source_dtype
    if 1 < len(firsts) == len(parts):
        values[INITIALS] = _own(np.stack([first.values() for first in firsts]))
    masks = step_masks(parts, lengths)
    arrays = []
    for name in source.order(list(values)):
        dims, attrs, coords = source.describe(name, values[name].shape[-1] if values[name].ndim else 0)
        if source_dtypes[name] is not None:
            attrs["source_dtype"] = source_dtypes[name]
        coords = {**coords, **{key: mask for key, mask in masks.items() if set(mask.dims) <= set(dims)}}
        arrays.append(NamedArray(source.prefix + name, values[name], dims, coords, attrs))
    return arrays, left_out


def step_pieces(
    parts: Sequence[Part], lengths: Sequence[int]
) -> tuple[dict[str, list[NDArray[Any]]], dict[str, str | None], list[str]]:
    """The steps of each array in pieces, views of what was recorded, and from what they were widened.

    Last come the names of sequences that fit no steps.
    """
    found: dict[str, list[NDArray[Any]]] = {}
    source_dtypes: dict[str, str | None] = {}
    left_out = []
    buffers = [(part.steps, n) for part, n in zip(parts, lengths, strict=True) if part.steps is not None]
    layout = buffers[0][0].layout if buffers else None
    for name in layout.columns if layout is not None else ():
        found[name] = [piece for buffer, n in buffers for piece in _cut(buffer.pieces(name), n)]
        source_dtypes[name] = layout.source_dtypes[name] if layout is not None else None
    for name in dict.fromkeys(name for part in parts for name in part.whole):
        wholes = [[copy.values() for copy in part.whole.get(name, [])] for part in parts]
        kinds = {(each.shape[1:], each.dtype) for whole in wholes for each in whole}
        if len(kinds) > 1 or [sum(map(len, whole)) for whole in wholes] != list(lengths):
            left_out.append(name)
            continue
        found[name] = [piece for whole in wholes for piece in whole]
        source_dtypes[name] = next(part.whole[name][0].source_dtype for part in parts)
    return found, source_dtypes, left_out


def step_masks(parts: Sequence[Part], lengths: Sequence[int]) -> dict[str, Coord]:
    """Masks that single steps were given, as masks along time; a step without one leaves nothing out."""
    found: dict[str, NDArray[np.bool_]] = {}
    before = 0
    for part, length in zip(parts, lengths, strict=True):
        for (name, step), copy in part.coords:
            if step < length:
                values = copy.values()
                found.setdefault(name, np.ones((sum(lengths), *values.shape), bool))[before + step] = values
        before += length
    dims = {2: ("time",), 3: ("time", "batch")}
    masks = {
        name: reduced(Coord((*dims[values.ndim], str(mask_axis(name))), values), ("time",))
        for name, values in found.items()
    }
    return telling(masks)


def _callwise_arrays(
    source: Source, parts: Sequence[Part], numbers: Sequence[int], timed: bool, labels: LabelsByIteration
) -> list[NamedArray]:
    """One source's arrays: along ``time`` where its modules were called again, else one beside the other."""
    found = [source.collect(part, timed) for part in parts]
    arrays = []
    for name in dict.fromkeys(name for of_one in found for name in of_one if source.wants(name)):
        of_all = [of_one[name] for of_one in found if name in of_one]
        full = source.prefix + name
        _check_alike(full, of_all, len(parts), timed)
        first = of_all[0]
        values, dims = [item.values for item in of_all], first.dims
        coords = {dim: given for dim, given in first.coords.items() if _is_same(dim, of_all)}
        for number, item in zip(numbers, of_all, strict=True):
            sizes = dict(zip(dims, item.values.shape, strict=True))
            own = {
                dim: make_coord(dim, given, sizes, full)
                for dim, given in item.coords.items()
                if dim not in coords and not is_mask(dim)
            }
            if own:
                labels.setdefault(number, {})[full] = own
        masks = [(_masks(item.coords), dict(zip(dims, item.values.shape, strict=True))) for item in of_all]
        if timed:
            joined = np.concatenate(values)
            coords |= joined_masks(masks, "time", new=False)
        elif len(values) > 1:
            joined, dims = np.stack(values), ("iteration", *dims)
            coords |= {**joined_masks(masks, "iteration", new=True), "iteration": list(numbers)}
        else:
            joined = values[0].copy()
            coords |= _masks(first.coords)
        arrays.append(NamedArray(full, _own(joined), dims, coords, first.attrs))
    return arrays


def _masks(coords: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mask for name, mask in coords.items() if is_mask(name)}


def _is_same(dim: str, found: Sequence[Found]) -> bool:
    """Whether an axis has the same labels in all iterations; masks are joined."""
    return not is_mask(dim) and all(item.coords.get(dim) == found[0].coords[dim] for item in found)


def _check_steps_alike(source: Source, parts: Sequence[Part]) -> None:
    layouts = [part.steps.layout for part in parts if part.steps is not None]
    for name, index in {
        name: index for layout in layouts for name, (index, _) in layout.columns.items()
    }.items():
        shapes = [(tuple(layout.shapes[index]), str(layout.dtypes[index])) for layout in layouts]
        if len(set(shapes)) > 1:
            told = ", ".join(f"{shape} of {dtype}" for shape, dtype in dict.fromkeys(shapes))
            raise RecordingError(
                f"{source.prefix}{name} is of iterations of different shapes or types, no two of them alike, "
                f"got {told} at each step (batch first). Take them one by one, rec.iteration(number), "
                "number in rec.iterations."
            )


def _check_alike(name: str, found: Sequence[Found], num_iterations: int, timed: bool) -> None:
    shapes = [item.values.shape[1:] if timed else item.values.shape for item in found]
    if len(found) < num_iterations:
        raise RecordingError(
            f"{name} was recorded in {len(found)} of {num_iterations} iterations. Take them one by one, "
            "rec.iteration(number), or leave some out with when(...)."
        )
    if len(set(shapes)) > 1:
        told = ", ".join(map(str, dict.fromkeys(shapes)))
        raise RecordingError(
            f"{name} has no time along which iterations of different shapes could follow each other, got "
            f"{told}. Nothing is padded: take them one by one, rec.iteration(number), "
            "number in rec.iterations."
        )


def _cut(pieces: Sequence[NDArray[Any]], length: int) -> list[NDArray[Any]]:
    """So many steps of what lies in several arrays, time leading."""
    kept = []
    for piece in pieces:
        kept.append(piece[:length])
        length -= len(kept[-1])
    return kept


def _join(pieces: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return _own(np.concatenate(pieces))


def _own(values: NDArray[Any]) -> NDArray[Any]:
    values.flags.writeable = False
    return values


def rank_and_world() -> dict[str, Any]:
    """Which of several processes this is, where the model is trained by several."""
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return {}
    return {"rank": distributed.get_rank(), "world_size": distributed.get_world_size()}
