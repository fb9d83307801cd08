"""Which slots are written and read, when, and which never: from the weights of a run.

Weights are ``(time, ..., head, slot)``, as the recorder makes them; ``(time, slot)`` is one head. In a
``NamedArray`` the axes go by name. A slot's mass at a step is the sum of the heads' weights on it.

"Written" and "read" mean that a step's mass reaches a threshold, 0.1 when not given: a tenth of one head's
weight. The weight that a softmax leaves everywhere is then no access, in a memory of more than ten slots.
"""

from __future__ import annotations

import itertools
import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from nsm_widgets._axes import check_has_axis
from nsm_widgets._errors import SelectionError, ShapeError, WeightsError
from nsm_widgets._options import check_flag
from nsm_widgets.stats._input import Given, Mask, Statistic, check_choice, check_threshold, divide_where
from nsm_widgets.stats._rows import take_rows
from nsm_widgets.trace import ArrayLike, NamedArray

ACCESS = 0.1
"""Mass at one step from which a slot counts as written or read."""

_SEEN = ("before_write", "after_write")


@dataclass(frozen=True, slots=True)
class Masses:
    """Mass on each slot at each step."""

    values: Float64[np.ndarray, "time *batch slot"]
    given: Given
    dims: tuple[str, ...]
    """Axes of the values; empty where they are not known."""
    layers: int = 1
    """How many layers that share the memory follow each other within a step: each has a row of the values."""


def usage(
    weights: ArrayLike, *, cumulative: bool = False, mask: Mask = None, sequence_starts: Sequence[int] = ()
) -> Statistic:
    """How much of the heads' weight is on each slot at each step.

    Args:
        weights: Read or write weights, ``(time, ..., head, slot)``.
        cumulative: Whether to sum over the steps so far; the last step is then the whole run.
        mask: True where a weight counts, such as steps that are no padding: ``(time, batch, 1, 1)``.
        sequence_starts: Steps at which the memory begins anew, and the sum with it.

    Returns:
        ``(time, ..., slot)``, from 0 to the number of heads (times the number of steps). NaN stays NaN.

    Raises:
        WeightsError: If a weighting is negative, above one, or does not sum to one (zero everywhere is fine).
        SelectionError: If a start is no step.
        ShapeError, DtypeError, AxisError: If weights or mask do not fit.

    >>> usage([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.0, 1.0]]]).tolist()
    [[1.5, 0.5], [0.0, 2.0]]
    """
    masses = take_masses(weights, mask)
    starts = check_starts(sequence_starts, len(masses.values))
    check_flag(cumulative, "cumulative")
    values = _summed(masses.values, starts) if cumulative else masses.values
    text = "weight on each slot so far" if cumulative else "weight on each slot, all heads"
    return masses.given.result(values.copy(), "usage_so_far" if cumulative else "usage", text, masses.dims)


def importance(
    read_weights: ArrayLike,
    write_weights: ArrayLike,
    *,
    mask: Mask = None,
    sequence_starts: Sequence[int] = (),
) -> Statistic:
    """How much each slot was used so far, relative to the most used one: ``NTMMemory.get_importance_scores``.

    A slot's use is the sum of all its read and write weights, over heads and steps so far. Batch items are
    kept apart here; the memory's own scores sum over them too.

    Args:
        read_weights: ``(time, ..., head, slot)``.
        write_weights: The same but for the number of heads.
        mask: True where a weight counts, of both: an axis of heads in it must have size 1.
        sequence_starts: Steps at which the memory begins anew, and use with it.

    Returns:
        ``(time, ..., slot)`` in [0, 1]; zeros until something is used. NaN where a weight so far is NaN.

    Raises:
        ShapeError: If the two do not belong to one memory.
        SelectionError: If a start is no step.
        WeightsError, DtypeError, AxisError: If weights or mask do not fit.

    >>> importance([[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]).round(3).tolist()
    [[1.0, 0.0], [1.0, 0.6]]
    """
    reads, writes = take_pair(read_weights, write_weights, mask)
    scores = relative_use(reads, writes, sequence_starts)
    return _of_memory(reads, scores, "importance", "use so far, of the most used slot", reads.dims)


def first_write(write_weights: ArrayLike, *, threshold: float = ACCESS, mask: Mask = None) -> Statistic:
    """The step at which each slot is first written.

    Args:
        write_weights: ``(time, ..., head, slot)``.
        threshold: Mass that counts as a write, greater than 0. Default 0.1.
        mask: True where a weight counts.

    Returns:
        ``(..., slot)``, numbers of steps as float64; NaN where a slot is never written, which a chart draws
        as what it is, where -1 would be a step.

    Raises:
        WeightsError: If a weight is NaN, for then it is not known; or if they are no weights.
        ShapeError, DtypeError, AxisError, UnknownOptionError: If something does not fit.

    >>> first_write([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).tolist()
    [0.0, 1.0, nan]
    """
    masses = take_masses(write_weights, mask, name="write_weights")
    written = accesses(masses, threshold)
    first = written.argmax(axis=0)
    source = masses.given.source
    steps = np.where(written.any(axis=0), first if source is None else source.numbers("time")[first], np.nan)
    return masses.given.result(
        steps, "first_write", "step of the first write, NaN for never", masses.dims[1:]
    )


def dead_slots(
    read_weights: ArrayLike, write_weights: ArrayLike, *, threshold: float = ACCESS, mask: Mask = None
) -> Statistic:
    """Slots that are never written and never read.

    Args:
        read_weights: ``(time, ..., head, slot)``.
        write_weights: The same but for the number of heads.
        threshold: Mass at one step that counts as an access, greater than 0. Default 0.1.
        mask: True where a weight counts, of both.

    Returns:
        ``(..., slot)`` of bool.

    Raises:
        ShapeError: If the two do not belong to one memory.
        WeightsError: If a weight is NaN, for then it is not known; or if they are no weights.
        DtypeError, AxisError, UnknownOptionError: If something does not fit.

    >>> dead_slots([[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]).tolist()
    [False, False, True]
    """
    reads, writes = map(in_order, take_pair(read_weights, write_weights, mask))
    flags = ~(accesses(reads, threshold) | accesses(writes, threshold)).any(axis=0)
    return _of_memory(reads, flags, "dead_slots", "never written nor read", reads.dims[1:])


def never_read(
    read_weights: ArrayLike, write_weights: ArrayLike, *, threshold: float = ACCESS, mask: Mask = None
) -> Statistic:
    """Slots that are written at some step, and never read.

    Args:
        read_weights: ``(time, ..., head, slot)``.
        write_weights: The same but for the number of heads.
        threshold: Mass at one step that counts as an access, greater than 0. Default 0.1.
        mask: True where a weight counts, of both.

    Returns:
        ``(..., slot)`` of bool. A dead slot is not among them.

    Raises:
        ShapeError, WeightsError, DtypeError, AxisError, UnknownOptionError: As :func:`dead_slots`.

    >>> never_read([[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]).tolist()
    [False, True, False]
    """
    reads, writes = map(in_order, take_pair(read_weights, write_weights, mask))
    flags = accesses(writes, threshold).any(axis=0) & ~accesses(reads, threshold).any(axis=0)
    return _of_memory(reads, flags, "never_read", "written, and never read", reads.dims[1:])


def overwritten_before_read(
    read_weights: ArrayLike,
    write_weights: ArrayLike,
    *,
    threshold: float = ACCESS,
    memory_seen: str | None = None,
    sequence_starts: Sequence[int] = (),
    mask: Mask = None,
) -> Statistic:
    """Writes that nobody read before the slot was written again.

    A write at step s is lost if the slot is written again at a later step t, in the same sequence, and no
    read between them saw it. Which reads see it is a matter of the model: where heads address the memory as
    it was before the step's write (``before_write``, as our NTM does), those of steps s + 1 to t; where they
    read after it (``after_write``), those of steps s to t - 1.

    Written again does not mean erased: how much is left of the first write, the erase vector says.

    Args:
        read_weights: ``(time, ..., head, slot)``.
        write_weights: The same but for the number of heads.
        threshold: Mass at one step that counts as a write or a read, greater than 0. Default 0.1.
        memory_seen: ``"before_write"`` or ``"after_write"``. When not given, what a recorded array says in
            ``attrs["memory_seen"]``, else ``"before_write"``.
        sequence_starts: Steps at which the memory begins anew (a recorded trace has them in its attrs); what
            was written before is then gone, not overwritten.
        mask: True where a weight counts, of both.

    Returns:
        ``(time, ..., slot)`` of bool, True at the step of the lost write; the sum over time counts them.

    Raises:
        SelectionError: If a start is no step.
        ShapeError, WeightsError, DtypeError, AxisError, UnknownOptionError: As :func:`dead_slots`.

    >>> lost = overwritten_before_read([[0.0, 1.0]] * 3, [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> lost.tolist()
    [[True, False], [False, False], [False, False]]
    """
    reads, writes = take_pair(read_weights, write_weights, mask)
    lost = lost_writes(reads, writes, threshold, memory_seen, sequence_starts)
    return _of_memory(
        reads, lost, "overwritten_before_read", "writes that nobody read before the next", reads.dims
    )


def relative_use(
    reads: Masses, writes: Masses, sequence_starts: Sequence[int]
) -> Float64[np.ndarray, "time *batch slot"]:
    """Use of each slot so far, as a share of the most used one's; see :func:`importance`."""
    used = reads.values + writes.values
    used = _summed(used, _starts_of(reads, sequence_starts))
    most = used.max(axis=-1, keepdims=True)
    return divide_where(used, most, most != 0, 0.0)


def _summed(
    values: Float64[np.ndarray, "time *batch slot"], starts: Sequence[int]
) -> Float64[np.ndarray, "time *batch slot"]:
    """The sum over the steps so far, of each sequence by itself."""
    bounds = itertools.pairwise([0, *starts, len(values)])
    return np.concatenate([np.cumsum(values[start:stop], axis=0) for start, stop in bounds])


def lost_writes(
    reads: Masses, writes: Masses, threshold: object, memory_seen: str | None, sequence_starts: Sequence[int]
) -> Bool[np.ndarray, "time *batch slot"]:
    """Writes that nobody read before the next; see :func:`overwritten_before_read`."""
    if memory_seen is None:
        source = reads.given.source
        memory_seen = "before_write" if source is None else source.attrs.get("memory_seen", "before_write")
    check_choice(memory_seen, "memory_seen", _SEEN)
    ordered = in_order(reads)
    read, written = accesses(ordered, threshold), accesses(in_order(writes), threshold)
    starts = set(_starts_of(ordered, sequence_starts))
    lost = np.zeros(read.shape, bool)
    # walking back: is the slot written again, and does nobody read it before that?
    doomed = np.zeros(read.shape[1:], bool)
    for step in reversed(range(len(read))):
        if memory_seen == "after_write":
            doomed = doomed & ~read[step]
            lost[step] = written[step] & doomed
            doomed = written[step] | doomed
        else:
            lost[step] = written[step] & doomed
            doomed = (written[step] | doomed) & ~read[step]
        if step in starts:
            doomed = np.zeros_like(doomed)
    if ordered is reads:
        return lost
    return np.moveaxis(lost.reshape(-1, ordered.layers, *lost.shape[1:]), 1, reads.dims.index("layer"))


def in_order(masses: Masses) -> Masses:
    """The accesses of layers that share a memory, one after the other; any other masses as they are."""
    source = masses.given.source
    if source is None or "layer" not in masses.dims or source.attrs.get("shared_by") != "layer":
        return masses
    values = np.moveaxis(masses.values, masses.dims.index("layer"), 1)
    dims = tuple(dim for dim in masses.dims if dim != "layer")
    return Masses(values.reshape(-1, *values.shape[2:]), masses.given, dims, values.shape[1])


def _starts_of(masses: Masses, starts: Sequence[int]) -> list[int]:
    """The rows at which sequences start, but for the first."""
    return [start * masses.layers for start in check_starts(starts, len(masses.values) // masses.layers)]


def _of_memory(
    masses: Masses, values: object, name: str, description: str, dims: tuple[str, ...]
) -> Statistic:
    """A result of both sides: named after the memory, by its prefix, not after one side."""
    result = masses.given.result(values, name, description, dims)
    if not isinstance(result, NamedArray):
        return result
    prefix = masses.given.name.rpartition(".")[0]
    own_name = f"{prefix}.{name}" if prefix else name
    return NamedArray(own_name, result.values, result.dims, result.coords, result.attrs)


def take_masses(weights: ArrayLike, mask: Mask = None, *, name: str = "weights") -> Masses:
    """The heads' weights summed on each slot, time first. Of kind ``shares`` they may sum to less than one.

    Raises:
        AxisError: If a ``NamedArray`` has no ``time``.
        ShapeError, DtypeError, WeightsError: If they are no weights over time.
    """
    shares = isinstance(weights, NamedArray) and weights.attrs.get("kind") == "shares"
    rows = take_rows(weights, mask, name=name, axes=("time", "slot"), shares=shares)
    given, values, dims = rows.given, rows.given.values, rows.given.dims
    if rows.places is not None:
        values = np.where(rows.places, values, 0.0)  # left out, and the rest stays what it is
    if dims:
        check_has_axis("time", dict.fromkeys(dims, 0), given.name)
        if "head" in dims[:-1]:
            values = values.sum(axis=dims.index("head"))
            dims = tuple(dim for dim in dims if dim != "head")
        values = np.moveaxis(values, dims.index("time"), 0)
        dims = ("time", *(dim for dim in dims if dim != "time"))
    elif values.ndim > 2:
        values = values.sum(axis=-2)
    return Masses(np.array(values), given, dims)


def take_pair(read_weights: ArrayLike, write_weights: ArrayLike, mask: Mask) -> tuple[Masses, Masses]:
    """The masses of both sides of one memory.

    Raises:
        ShapeError: If they differ in more than the number of heads.
    """
    reads = take_masses(read_weights, mask, name="read_weights")
    writes = take_masses(write_weights, mask, name="write_weights")
    check_pair(reads, writes)
    return reads, writes


def check_pair(reads: Masses, writes: Masses) -> None:
    """Refuse masses of two memories.

    Raises:
        ShapeError: If they differ in more than the number of heads.
    """
    if reads.values.shape != writes.values.shape or (
        reads.dims and writes.dims and reads.dims != writes.dims
    ):
        raise ShapeError(
            "read_weights and write_weights must differ in the number of heads alone, got "
            f"{reads.given.describe()} and {writes.given.describe()}. Take both from one run of one memory."
        )


def accesses(masses: Masses, threshold: object) -> Bool[np.ndarray, "time *batch slot"]:
    """Whether each slot is accessed at each step.

    Raises:
        WeightsError: If a mass is NaN.
        UnknownOptionError: If the threshold is no number greater than 0.
    """
    limit = check_threshold(threshold, "threshold", above=True)
    unknown = np.isnan(masses.values)
    if unknown.any():
        step = int(np.argwhere(unknown)[0][0])
        before = f"Take the steps before: [:{step}]." if step else "No step before it is known either."
        raise WeightsError(
            f"{masses.given.name} must be known to tell which slots are used, got NaN at time {step}. "
            f"{before}"
        )
    return masses.values >= limit


def check_starts(starts: Sequence[object], num_steps: int) -> list[int]:
    """Sequence starts after the first step, ascending.

    Raises:
        SelectionError: If one is no step.
    """
    return sorted({step for start in starts if (step := _step(start, num_steps)) > 0})


def starts_before(starts: Sequence[object], num_steps: int) -> list[int]:
    """Those of the sequence starts that lie before a step.

    Raises:
        SelectionError: If one is no step.
    """
    return [step for start in starts if (step := _step(start, sys.maxsize)) < num_steps]


def _step(start: object, num_steps: int) -> int:
    try:
        step = operator.index(start)  # type: ignore[arg-type]  # what is none is refused
    except TypeError:
        step = -1
    if not 0 <= step < num_steps:
        most = "" if num_steps == sys.maxsize else f" in [0, {num_steps - 1}]"
        raise SelectionError(
            f"sequence_starts must be steps{most}, got {start!r}. "
            "A trace has them in attrs['sequence_starts']."
        )
    return step
