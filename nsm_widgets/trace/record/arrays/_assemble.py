"""From the iterations of a recording to a trace."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from nsm_widgets._errors import RecordingError, SelectionError
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._origin import Origin
from nsm_widgets.trace.record._iteration import FAILED, OTHER_SHAPE, Iteration
from nsm_widgets.trace.record._recording import Recording
from nsm_widgets.trace.record.arrays._gather import Gathered, gather
from nsm_widgets.trace.record.arrays._lay_together import laid_together
from nsm_widgets.trace.record.sources._source import Source


def assemble(
    recording: Recording, sources: Sequence[Source], model_name: str, only: object = None
) -> tuple[TraceBase, list[int]]:
    """All that a recording holds of iterations that are alike, as :func:`laid_together` lays them.

    ``only`` is the number of the one that is wanted alone. Labels that differ between iterations are told by
    the trace's origin.

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
    return trace_of(gather(iterations, sources), recording, sources, model_name, len(others)), others


def trace_of(
    gathered: Sequence[Gathered],
    recording: Recording,
    sources: Sequence[Source],
    model_name: str,
    num_others: int = 0,
) -> TraceBase:
    """Some iterations of a recording, while so many of another shape are left out.

    Raises:
        RecordingError: If there is nothing in them, or they do not fit together.
    """
    problems = [f"{source.path or model_name}: {source.problem}" for source in sources if source.problem]
    if not any(one.arrays or one.unmatched for one in gathered):
        raise RecordingError(_why_nothing(recording, problems))
    arrays, labels = laid_together(gathered)
    attrs: dict[str, Any] = {"model": model_name}
    steps = [one.steps for one in gathered if one.steps is not None]
    before = accumulate(steps, initial=0)
    starts = [begin + start for begin, one in zip(before, gathered, strict=False) for start in one.starts]
    if starts:
        attrs["sequence_starts"] = starts
    reasons = dict(recording.left_out)
    if num_others:
        reasons[OTHER_SHAPE] = num_others
    numbers = [one.number for one in gathered]
    attrs["iterations"] = {"numbers": numbers, "seen": recording.seen, "left_out": reasons}
    if steps:
        attrs["iterations"]["steps"] = steps
    attrs |= rank_and_world()
    unmatched: dict[str, list[str]] = {}
    for name, why in {name: why for one in gathered for name, why in one.unmatched.items()}.items():
        unmatched.setdefault(why, []).append(name)
    problems += [f"{', '.join(names)}: {why}" for why, names in unmatched.items()]
    problems += dict.fromkeys(each for one in gathered for each in one.left_out)
    if recording.problem:
        problems.append(f"{recording.left_out[FAILED]} iterations {FAILED}: {recording.problem}")
    if problems:
        attrs["not_recorded"] = "; ".join(problems)
    return TraceBase(*arrays, attrs=attrs, origin=Origin(own_labels=labels))


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
    alike = set(chosen)
    return chosen, [iteration.number for iteration in iterations if iteration not in alike]


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
    return (
        "the model took no step inside the block. Call it there: model(inputs). A compiled function "
        "calls no hooks of what it calls: call that function as it was before torch.compile."
    )


def rank_and_world() -> dict[str, Any]:
    """Which of several processes this is, where the model is trained by several."""
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return {}
    return {"rank": distributed.get_rank(), "world_size": distributed.get_world_size()}
