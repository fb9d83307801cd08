"""What a recorder's store says of its iterations, and the trace of those that are whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._iterations import INITIAL, INITIALS
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.arrays._lazy import LazyValues
from nsm_widgets.trace.arrays._origin import Origin
from nsm_widgets.trace.store._asides import Asides, cut
from nsm_widgets.trace.store._columns import Column
from nsm_widgets.trace.store._files import refuse
from nsm_widgets.trace.store._states import OwnLabelsInStore, Stretch, column_states, with_states
from nsm_widgets.trace.store._vocabulary import Vocabulary

FOLDER = "iterations"
"""A store within the store, with a row for each iteration."""
ROWS = "told"
SCALARS = "scalars-rank-{rank}.nsm"
"""In that folder, a trace file with the numbers that were logged beside the iterations."""
MOST_STARTS = 64
"""Sequences that may begin within one iteration."""
MOST_MASKED_STEPS = 2**27
"""Steps of a store of version 1 that may tell of masks or labels."""

_TOLD = ("varies", "changes", "not written")
_MORE = ("another shape", "failed", "out of turn")
"""Columns after the starts, which stores of before do not have: none of them, or only the first three."""
_COUNTS = ("number", "begin", "steps", "seen", "not chosen", "no step", "over budget")

_AT_TOLD = len(_COUNTS) + MOST_STARTS
_AT_MORE = _AT_TOLD + len(_TOLD)


@dataclass(frozen=True, slots=True)
class Row:
    """One iteration."""

    number: int
    """Its place among all; -1 for the row that closes a recording, which only counts."""
    begin: int
    """Its first step among all that were recorded, written or lost."""
    steps: int
    starts: Sequence[int]
    """At which of its steps a sequence begins."""
    varies: bool = False
    """Whether masks change from step to step."""
    changes: bool = False
    """Whether masks or labels are others than those of the iteration before."""

    @staticmethod
    def columns() -> tuple[str, ...]:
        """What each number of a row is."""
        return (*_COUNTS, *(f"start {index}" for index in range(MOST_STARTS)), *_TOLD, *_MORE)

    def values(
        self, seen: int, left_out: Sequence[int], unwritten: int, more: Sequence[int] = (0, 0, 0)
    ) -> NDArray[np.int64]:
        """The row in a store; ``more`` counts of those left out, as their columns are called."""
        starts = [*self.starts, *[-1] * (MOST_STARTS - len(self.starts))]
        counts = [self.number, self.begin, self.steps, seen, *left_out]
        return np.array([*counts, *starts, self.varies, self.changes, unwritten, *more], np.int64)


def with_iterations(
    trace: TraceBase,
    columns: Mapping[Column, Any],
    words: Vocabulary,
    rows: TraceBase,
    asides: Asides | None,
    root: Path,
) -> TraceBase:
    """The whole iterations of a store's committed steps, told as a recorder's trace in memory tells them.

    Their own labels are told by its origin.

    Args:
        trace: All committed steps.
        columns: Their masks and labels.
        words: The texts of those.
        rows: What the store within it has.
        asides: What one of version 1 has told of masks and labels.
        root: The store's folder, for errors.

    Raises:
        TraceFileError: If the rows contradict each other.
    """
    table = _table(rows, root)
    axis = "time" if any("time" in array.dims[:1] for array in trace.values()) else "iteration"
    true = _Steps.of(next(array for array in trace.values() if array.dims[:1] == (axis,)))
    whole = table[table[:, 0] >= 0]
    ends = true.places(whole[:, 1] + whole[:, 2])
    begins = true.places(whole[:, 1])
    done = whole[:, 1] + whole[:, 2] <= true.stop
    messages = whole[:, [_AT_TOLD, _AT_TOLD + 1, 2]].tolist()
    there = np.arange(len(whole)) < (len(whole) if asides is None else asides.count(messages))
    kept = done & (ends > begins) & there
    numbers, steps = whole[kept, 0].tolist(), (ends - begins)[kept].tolist()
    if not numbers:
        raise refuse(root, "no iteration of it is whole yet; is its recorder still at the first one")
    length = int(ends[kept].max())
    arrays = [_cut(array, length) if array.dims[:1] == (axis,) else array for array in trace.values()]
    if asides is None:
        varies, groups = whole[:, _AT_TOLD].astype(bool), np.cumsum(whole[:, _AT_TOLD + 1])
        fields = (field[kept].tolist() for field in (begins, ends, groups, varies))
        states = column_states(columns, [Stretch(*each) for each in zip(*fields, strict=True)], words, root)
    else:
        if length > MOST_MASKED_STEPS:
            raise refuse(root, f"it claims {length} steps with masks or labels, more than there may be")
        growing = [array for array in arrays if array.dims[:1] == (axis,)]
        told = asides.states(messages[: int(there.sum())], growing)
        cuts = zip(begins[kept].tolist(), ends[kept].tolist(), whole[kept, 1].tolist(), strict=True)
        steps_left = [true.between(begin, end) - first for begin, end, first in cuts]
        held = [told[at] for at in np.flatnonzero(kept)]
        states = [cut(*each) for each in zip(held, steps_left, strict=True)]
    before, arrays = (
        arrays,
        [with_states(array, states, steps, root) if array.dims[:1] == (axis,) else array for array in arrays],
    )
    own_labels = OwnLabelsInStore(before, arrays, dict(zip(numbers, states, strict=True)))
    arrays = _with_initials(arrays, rows, [int(place) for place in np.flatnonzero(kept)])
    reasons = [str(reason) for reason in rows.attrs.get("reasons", [])]
    about: dict[str, Any] = {"numbers": numbers, "seen": int(table[-1, 3])}
    counts = [*table[-1, 4:7], *table[-1, _AT_MORE:]]
    about["left_out"] = {r: int(n) for r, n in zip(reasons, counts, strict=False) if n}
    lost = int((~kept & done & there).sum()) + int(table[-1, _AT_TOLD + 2])
    if table[-1, 0] < 0:  # the log was closed before
        lost += int(np.sum(~there))
    if lost:
        about["left_out"]["could not be written"] = lost
    attrs: dict[str, Any] = {**trace.attrs, "iterations": about}
    if axis == "iteration":
        arrays = _by_number(arrays, numbers)
    else:
        about["steps"] = steps
        starts = _starts(whole[kept], true)
        if starts:
            attrs["sequence_starts"] = starts
    return TraceBase(*arrays, attrs=attrs, origin=Origin(own_labels=own_labels))


def inner_folder(root: Path, name: str, rank: str) -> Path | None:
    """A store within a store, if a recorder wrote it.

    Raises:
        TraceFileError: If it is a link.
    """
    folder = root / name
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        raise refuse(root, f"{name} is no folder")
    return folder if (folder / rank).exists() else None


def with_scalars(trace: TraceBase, folder: Path, rank: str, *, must: bool, verify: bool) -> TraceBase:
    """The trace with what was logged, as far as it was written; version 2 writes it first, so it ``must`` be.

    Raises:
        TraceFileError: If it is damaged.
    """
    path = folder / SCALARS.format(rank=rank.removeprefix("rank-"))
    if must and (not path.is_file() or path.is_symlink()):
        raise refuse(path, "it is missing, or no file")
    if not path.is_file() or path.is_symlink():
        return trace
    from nsm_widgets.trace.store._file import open_trace  # which loads safetensors

    logged = open_trace(path, verify=verify)
    if any(array.dims != ("logged",) or name in trace for name, array in logged.items()):
        raise refuse(path, "what was logged is not what a recorder writes")
    return trace.assign(*logged.values())


def _table(rows: TraceBase, root: Path) -> NDArray[np.int64]:
    """The rows, checked: iterations one after the other, none before the one before it."""
    columns = len(Row.columns())
    allowed = ((columns,), (_AT_MORE,), (_AT_TOLD,))
    if ROWS not in rows or rows[ROWS].dtype != np.int64 or rows[ROWS].shape[1:] not in allowed:
        raise refuse(root, f"what {FOLDER} says of iterations is not what a recorder writes")
    table: NDArray[np.int64] = np.asarray(rows[ROWS].values)
    table = np.pad(table, [(0, 0), (0, columns - table.shape[1])])  # before, there was nothing to say there
    real = table[table[:, 0] >= 0]
    follows = real[1:, 1] == real[:-1, 1] + real[:-1, 2]
    rises = real[1:, 0] > real[:-1, 0]
    closed = (table[:-1, 0] >= 0).all()
    counts = [*range(1, len(_COUNTS)), *range(_AT_TOLD, columns)]
    in_range = (table[:, counts] >= 0).all() and (table < 2**40).all() and (real[:, 2] > 0).all()
    if not (follows.all() and rises.all() and closed and in_range):
        raise refuse(root, f"what {FOLDER} says of iterations contradicts itself")
    return table


@dataclass(frozen=True, slots=True)
class _Steps:
    """The number of each committed step among all; as small where a marker claims very many."""

    count: int
    labels: NDArray[np.int64] | None
    """``None`` where none was lost: then a step's number is its place."""

    @staticmethod
    def of(array: NamedArray) -> _Steps:
        """The steps of an array that grows."""
        labels = array.coords.get(array.dims[0])
        return _Steps(array.shape[0], None if labels is None else np.asarray(labels.values, dtype=np.int64))

    @property
    def stop(self) -> int:
        """The number after the last one."""
        return self.count if self.labels is None else int(self.labels[-1]) + 1

    def between(self, begin: int, end: int) -> NDArray[np.int64]:
        """The numbers from one place to before another."""
        return np.arange(begin, end) if self.labels is None else self.labels[begin:end]

    def places(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many committed steps lie before each of these."""
        if self.labels is None:
            return np.minimum(steps, self.count)
        return np.searchsorted(self.labels, steps)

    def has(self, places: NDArray[np.int64], steps: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each step is the one at its place."""
        there = places < self.count
        if self.labels is not None:
            there[there] = self.labels[places[there]] == steps[there]
        return there


def _cut(array: NamedArray, length: int) -> NamedArray:
    if length == array.shape[0]:
        return array
    values = array.values
    if isinstance(values, LazyValues):
        values = values.select([slice(0, length), *[slice(None)] * (array.ndim - 1)])
    else:
        values = values[:length]
    coords = {
        dim: Coord(coord.dims, coord.values[:length]) if dim == array.dims[0] else coord
        for dim, coord in array.coords.items()
    }
    return NamedArray(array.name, values, array.dims, coords, array.attrs)


def _with_initials(arrays: Sequence[NamedArray], rows: TraceBase, places: list[int]) -> list[NamedArray]:
    """Beside each initial memory, that of every iteration, where there are several."""
    found = []
    for array in arrays:
        prefix, _, last = array.name.rpartition(".")
        if last != INITIAL or array.name not in rows:
            found.append(array)
            continue
        stored = rows[array.name]
        firsts = np.asarray(stored.values[places])
        found.append(NamedArray(array.name, firsts[0], array.dims, array.coords, array.attrs))
        if len(places) > 1:
            name = f"{prefix}.{INITIALS}" if prefix else INITIALS
            found.append(_initials(name, firsts, array))
    return found


def _initials(name: str, firsts: NDArray[Any], one: NamedArray) -> NamedArray:
    attrs = {**one.attrs, "description": KNOWN[INITIALS].description}
    return NamedArray(name, firsts, ("iteration", *one.dims), one.coords, attrs)


def _by_number(arrays: Sequence[NamedArray], numbers: list[int]) -> list[NamedArray]:
    """Arrays without a time: labelled by iteration, or without that axis where there is one."""
    found = []
    for array in arrays:
        if array.dims[:1] != ("iteration",):
            found.append(array)
        elif len(numbers) == 1:
            coords = {dim: coord for dim, coord in array.coords.items() if dim != "iteration"}
            found.append(NamedArray(array.name, array.values[0], array.dims[1:], coords, array.attrs))
        else:
            coords = {**array.coords, "iteration": Coord(("iteration",), np.array(numbers, np.int64))}
            found.append(NamedArray(array.name, array.values, array.dims, coords, array.attrs))
    return found


def _starts(rows: NDArray[np.int64], true: _Steps) -> list[int]:
    """At which committed steps a sequence begins."""
    given = rows[:, len(_COUNTS) : len(_COUNTS) + MOST_STARTS]
    steps = np.unique((rows[:, 1:2] + given)[given >= 0])
    places = true.places(steps)
    return [int(place) for place in places[true.has(places, steps)]]
