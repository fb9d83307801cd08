"""What a recorder's store says of its iterations, and the trace of those that are whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets.trace._array import NamedArray
from nsm_widgets.trace._coord import Coord
from nsm_widgets.trace._iterations import INITIAL, INITIALS
from nsm_widgets.trace._lazy import LazyValues
from nsm_widgets.trace._store_files import refuse
from nsm_widgets.trace._trace import Trace

FOLDER = "iterations"
"""A store within the store, with a row for each iteration."""
ROWS = "told"
SCALARS = "scalars-rank-{rank}.nsm"
"""In that folder, a trace file with the numbers that were logged beside the iterations."""
MOST_STARTS = 64
"""Sequences that may begin within one iteration."""

_COUNTS = ("number", "begin", "steps", "seen", "not chosen", "no step", "over budget")


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

    @staticmethod
    def columns() -> tuple[str, ...]:
        """What each number of a row is."""
        return (*_COUNTS, *(f"start {index}" for index in range(MOST_STARTS)))

    def values(self, seen: int, left_out: Sequence[int]) -> NDArray[np.int64]:
        """The row in a store."""
        starts = [*self.starts, *[-1] * (MOST_STARTS - len(self.starts))]
        return np.array([self.number, self.begin, self.steps, seen, *left_out, *starts], np.int64)


def with_iterations(trace: Trace, rows: Trace, root: Path) -> Trace:
    """The whole iterations of a store's committed steps, told as a recorder's trace in memory tells them.

    Args:
        trace: All committed steps.
        rows: What the store within it has.
        root: The store's folder, for errors.

    Raises:
        TraceFileError: If the rows contradict each other.
    """
    table = _table(rows, root)
    axis = "time" if any("time" in array.dims[:1] for array in trace.values()) else "iteration"
    growing = [array for array in trace.values() if array.dims[:1] == (axis,)]
    true = _true_steps(growing[0], axis)
    whole = table[table[:, 0] >= 0]
    ends = np.searchsorted(true, whole[:, 1] + whole[:, 2])
    begins = np.searchsorted(true, whole[:, 1])
    done = whole[:, 1] + whole[:, 2] <= true[-1] + 1
    kept = done & (ends > begins)
    numbers, steps = whole[kept, 0].tolist(), (ends - begins)[kept].tolist()
    if not numbers:
        raise refuse(root, "no iteration of it is whole yet; is its recorder still at the first one")
    length = int(ends[kept].max())
    arrays = [_cut(array, length) if array.dims[:1] == (axis,) else array for array in trace.values()]
    arrays = _with_initials(arrays, rows, [int(place) for place in np.flatnonzero(kept)])
    reasons = [str(reason) for reason in rows.attrs.get("reasons", [])]
    told: dict[str, Any] = {"numbers": numbers, "seen": int(table[-1, 3])}
    told["left_out"] = {r: int(n) for r, n in zip(reasons, table[-1, 4:7], strict=False) if n}
    lost = int((~kept & done).sum())
    if lost:
        told["left_out"]["could not be written"] = lost
    attrs: dict[str, Any] = {**trace.attrs, "iterations": told}
    if axis == "iteration":
        return Trace(*_by_number(arrays, numbers), attrs=attrs)
    told["steps"] = steps
    starts = _starts(whole[kept], true)
    if starts:
        attrs["sequence_starts"] = starts
    return Trace(*arrays, attrs=attrs)


def rows_folder(root: Path, rank: str) -> Path | None:
    """The store within a store, if a recorder wrote it.

    Raises:
        TraceFileError: If it is a link.
    """
    folder = root / FOLDER
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        raise refuse(root, f"{FOLDER} is no folder")
    return folder if (folder / rank).exists() else None


def with_scalars(trace: Trace, folder: Path, rank: str) -> Trace:
    """The trace with what was logged, as far as it was written.

    Raises:
        TraceFileError: If it is damaged.
    """
    path = folder / SCALARS.format(rank=rank.removeprefix("rank-"))
    if not path.is_file() or path.is_symlink():
        return trace
    logged = Trace.open(path)
    if any(array.dims != ("logged",) or name in trace for name, array in logged.items()):
        raise refuse(path, "what was logged is not what a recorder writes")
    return trace.assign(*logged.values())


def _table(rows: Trace, root: Path) -> NDArray[np.int64]:
    """The rows, checked: iterations one after the other, none before the one before it."""
    if ROWS not in rows or rows[ROWS].dtype != np.int64 or rows[ROWS].shape[1:] != (len(Row.columns()),):
        raise refuse(root, f"what {FOLDER} says of iterations is not what a recorder writes")
    table: NDArray[np.int64] = np.asarray(rows[ROWS].values)
    real = table[table[:, 0] >= 0]
    follows = real[1:, 1] == real[:-1, 1] + real[:-1, 2]
    rises = real[1:, 0] > real[:-1, 0]
    closed = (table[:-1, 0] >= 0).all()
    in_range = (table[:, 1:7] >= 0).all() and (table < 2**40).all() and (real[:, 2] > 0).all()
    if not (follows.all() and rises.all() and closed and in_range):
        raise refuse(root, f"what {FOLDER} says of iterations contradicts itself")
    return table


def _true_steps(array: NamedArray, axis: str) -> NDArray[np.int64]:
    """The number of each committed step among all that were recorded."""
    labels = array.coords.get(axis)
    if labels is None:
        return np.arange(array.shape[0], dtype=np.int64)
    return np.asarray(labels.values, dtype=np.int64)


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


def _with_initials(arrays: Sequence[NamedArray], rows: Trace, places: list[int]) -> list[NamedArray]:
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
    from nsm_widgets.trace._known import KNOWN

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


def _starts(rows: NDArray[np.int64], true: NDArray[np.int64]) -> list[int]:
    """At which committed steps a sequence begins."""
    given = rows[:, len(_COUNTS) :]
    steps = np.unique((rows[:, 1:2] + given)[given >= 0])
    places = np.searchsorted(true, steps)
    there = places < len(true)
    there[there] = true[places[there]] == steps[there]
    return [int(place) for place in places[there]]
