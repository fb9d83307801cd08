"""Where a recorder with ``store=`` puts its iterations: each one that is over is appended to a store.

Two groups grow beside each other, each committed as ``store._store`` says: the steps, in the store itself,
and a row for each iteration, in a store within it, ``iterations``. A row says which iteration it is, at which
step it begins and how long it is, so that a reader shows whole iterations alone, whatever was committed
first; and whether its masks and labels, which lie beside the steps, are others than those of the one before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError, TraceFileError, warn_or_log
from nsm_widgets._replacing import make_folder
from nsm_widgets.trace._trace import Trace
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._coord import Coord, make_coord
from nsm_widgets.trace.arrays._iterations import INITIAL
from nsm_widgets.trace.arrays._known import split_name
from nsm_widgets.trace.arrays._mask import is_mask, make_mask
from nsm_widgets.trace.record._iteration import FAILED, NO_STEP, OTHER_SHAPE, OUT_OF_TURN
from nsm_widgets.trace.record._recording import Recording
from nsm_widgets.trace.store._codec import need_codecs
from nsm_widgets.trace.store._columns import Column, ColumnArray, State, state_columns
from nsm_widgets.trace.store._iteration_rows import FOLDER, MOST_STARTS, ROWS, SCALARS, Row
from nsm_widgets.trace.store._states import MOST_JOINED
from nsm_widgets.trace.store._writer import StoreWriter

if TYPE_CHECKING:
    from nsm_widgets.trace.record._logged import Scalars
    from nsm_widgets.trace.record._which_iterations import Choice
    from nsm_widgets.trace.record.arrays._gather import Gathered


SHARD_BYTES = 2**23
"""Of all arrays together: at 64 steps, waiting for the disk took most of the writing thread's time."""


_REASONS = (OTHER_SHAPE, FAILED, OUT_OF_TURN)
"""Why an iteration is left out, beyond what was asked for."""


class _Writer(StoreWriter):
    """A writer whose arrays say of themselves what those of a trace say, without its steps."""

    def __init__(self, path: Path, rank: int, like: TraceBase, shard_bytes: int = 0) -> None:
        super().__init__(path, rank=rank, dims={name: array.dims for name, array in like.items()})
        self._like, self._shard_bytes = like, shard_bytes
        self._told: dict[Column, NDArray[Any]] = {}
        """The columns so far, each with a step that has none."""

    def _template(self, growing: Mapping[str, Any]) -> TraceBase:
        del growing
        return self._like

    def check(self, step_arrays: Mapping[str, Any]) -> None:
        super().check({**step_arrays, **{column.name: empty for column, empty in self._told.items()}})

    def append_with(
        self, growing: Mapping[str, NDArray[Any]], columns: Mapping[Column, NDArray[Any]], axis: str
    ) -> None:
        """Add the steps of an iteration with its masks and labels; those of others are none here."""
        for column, values in columns.items():
            if column not in self._told:
                self._told[column] = column.empty(values[:1])
                self._add_column(ColumnArray(column, self._told[column], (axis, *column.dims)))
        rows = len(next(iter(growing.values())))
        told = {column.name: columns.get(column) for column in self._told}
        for column, empty in self._told.items():
            if told[column.name] is None:
                told[column.name] = np.broadcast_to(empty, (rows, *empty.shape[1:]))
        self.append({**growing, **told})


class RecordingStore:
    """The store of one block of a recorder: what was written, and what went wrong.

    Nothing that the disk does reaches the training: it is counted here. What is wrong with the arrays is
    raised, as in memory.

    Args:
        path: The store's folder.
        rank: Which group of it.
        choice: What the recorder was asked to keep.
        scalars: What is logged beside it: written with each commit that is asked for, and at the end.
        strict: Whether an iteration that cannot follow the others is refused, and not left out.

    Raises:
        RecordingError: If the store has that group already.
        OSError: If the folder cannot be made.
        MissingDependencyError: If the codecs are not installed.
    """

    def __init__(
        self, path: Path, rank: int, choice: Choice, scalars: Scalars, *, strict: bool = False
    ) -> None:
        need_codecs()
        for folder in (path, path / FOLDER):
            if (folder / f"rank-{rank}").exists():
                raise RecordingError(
                    f"{path} must not hold rank-{rank} yet, but it does: a recorder begins a store, and each "
                    "block of it one of its own. Choose another path, or remove it first."
                )
        make_folder(path)
        self.path, self.rank = path, rank
        self.iterations: list[int] = []
        """The numbers of those that were appended."""
        self._reasons = (choice.not_chosen, NO_STEP, choice.over_budget, *_REASONS)
        self._strict = strict
        self._scalars = scalars
        self._scalars_failed: OSError | None = None
        self._initial: dict[str, Any] = {}
        self._has_time = False
        self._steps: _Writer | None = None
        self._rows: _Writer | None = None
        self._layers: State = {}
        """Labels of layers, which are the model's; only those that are others lie with the steps."""
        self._state: State = {}
        self._mask_axes: dict[tuple[str, str], set[str]] = {}
        """Of each mask, all axes that it had so far, without the time."""
        self._changing: set[tuple[str, str]] = set()
        """Masks that were not the same at all steps."""
        self._taken = self._unwritten = 0
        self._is_closed = False
        self.refused = 0
        """Iterations whose arrays were not those of the first one."""

    @property
    def errors(self) -> int:
        """How often writing failed."""
        return sum(writer.errors for writer in self._writers) + (self._scalars_failed is not None)

    @property
    def lost_steps(self) -> int:
        """Steps that could not be written for so long that there was no more room for them."""
        return 0 if self._steps is None else self._steps.lost_steps

    @property
    def message(self) -> str:
        """Of the last failure, else empty."""
        failed = "" if self._scalars_failed is None else str(self._scalars_failed)
        return next((writer.message for writer in self._writers if writer.message), failed)

    @property
    def committed(self) -> int:
        """Steps that are on the disk for good."""
        return 0 if self._steps is None else self._steps.committed

    def append(self, one: Gathered, recording: Recording, template: Callable[[], TraceBase]) -> str | None:
        """Add one iteration.

        Args:
            one: Its arrays.
            recording: Has the counts of what was left out.
            template: A trace of it alone: asked of the first one, whose arrays those of the others are like.

        Returns:
            Why it is left out: its arrays are not those of the first one.

        Raises:
            RecordingError: That, if ``strict``; or if its masks, labels or sequences are too much for one.
        """
        growing = _growing_of(one)
        if self._steps is None:
            self._begin(template(), one)
        assert self._steps is not None
        try:
            self._check(one, growing)
        except RecordingError as error:
            if self._strict:
                raise
            if not self.refused:
                warn_or_log(
                    f"iteration {one.number} is left out of {self.path}, whose first iteration had other "
                    f"arrays, and the training goes on: {error} Later ones are counted only. Record it in "
                    "memory, without store=..., or each kind in a store of its own."
                )
            self.refused += 1
            return OTHER_SHAPE
        if len(one.starts) > MOST_STARTS:
            raise RecordingError(
                f"an iteration in a store must begin at most {MOST_STARTS} sequences, got {len(one.starts)}. "
                "Record it in memory: TraceRecorder(model) without store=..."
            )
        state = {
            key: coord for key, coord in told_by(one).items() if not _is_one(coord, self._layers.get(key))
        }
        columns = state_columns(state, "time", one.rows, self._steps.words)
        if not self._has_room(one, state):
            return None  # counted
        initial = {name: array.values for name, array in one.arrays.items() if _is_initial(name)}
        varies = any("time" in coord.dims for coord in state.values())
        row = Row(one.number, self._taken, one.rows, one.starts, varies, not _is_same(state, self._state))
        self._append_row(row, recording, initial)
        self._steps.append_with(growing, columns, "time" if self._has_time else "iteration")
        self._taken += one.rows
        self._state = state
        self.iterations.append(one.number)
        return None

    def commit(self) -> None:
        """Bring what was appended to the disk, and wait for it."""
        if not self._is_closed:
            for writer in self._writers:
                writer.commit()
            self._write_scalars()

    def close(self, recording: Recording) -> None:
        """Commit everything, with the last counts of what was left out."""
        if self._is_closed:
            return
        if self._rows is not None:
            self._append_row(Row(-1, self._taken, 0, []), recording, {})
        self._is_closed = True
        self._write_scalars()
        for writer in self._writers:
            writer.close()

    def trace(self) -> Trace:
        """All whole iterations, their values still in the store.

        Raises:
            RecordingError: If nothing could be written so far.
        """
        self.commit()
        try:
            return Trace.open(self.path, rank=self.rank)
        except (TraceFileError, OSError) as error:
            if not self.errors:
                raise
            raise RecordingError(
                f"nothing could be written to {self.path} so far ({self.message}). The run goes on, and "
                "so do the tries: make room, or record somewhere else."
            ) from error

    def __repr__(self) -> str:
        told = f", {self.errors} errors, {self.lost_steps} steps lost" if self.errors else ""
        return (
            f"<RecordingStore {self.path}/rank-{self.rank}, {len(self.iterations)} iterations, "
            f"{self.committed} steps committed{told}>"
        )

    @property
    def _writers(self) -> list[StoreWriter]:
        """In the order in which they are committed: what others refer to comes first."""
        return [writer for writer in (self._rows, self._steps) if writer is not None]

    def _has_room(self, one: Gathered, state: State) -> bool:
        """Whether the masks of all iterations can still be joined; else this one is counted as left out."""
        axes, changing = {**self._mask_axes}, {*self._changing}
        for key in filter(lambda key: is_mask(key[1]), dict.fromkeys((*state, *self._state))):
            coord, before = state.get(key), self._state.get(key)
            axes[key] = axes.get(key, set()) | (set() if coord is None else {*coord.dims} - {"time"})
            is_new = self._taken > 0 and not _is_same({key: coord}, {key: before})
            if is_new or (coord is not None and "time" in coord.dims):
                changing.add(key)
        cells = [math.prod(one.arrays[key[0]].sizes[dim] for dim in axes[key]) for key in changing]
        if (self._taken + one.rows) * sum(cells) <= MOST_JOINED:
            self._mask_axes, self._changing = axes, changing
            return True
        if not self._unwritten:
            warn_or_log(
                f"the masks of all iterations came to {MOST_JOINED} bytes, the most there may be: iterations "
                f"are left out of {self.path} for as long, and counted. Record fewer (every(n)), or less of "
                "them (select=...)."
            )
        self._unwritten += 1
        return False

    def _write_scalars(self, *, first: bool = False) -> None:
        """All that was logged so far, whole or not at all; the first time, that there is nothing."""
        arrays = self._scalars.arrays()
        if not first and (self._rows is None or not arrays):
            return
        try:
            (self.path / FOLDER).mkdir(exist_ok=True)
            Trace(*arrays).save(self.path / FOLDER / SCALARS.format(rank=self.rank))
            self._scalars_failed = None
        except OSError as error:
            self._scalars_failed = error

    def _check(self, one: Gathered, growing: Mapping[str, NDArray[Any]]) -> None:
        """Refuse an iteration whose arrays cannot follow those of the first."""
        assert self._steps is not None
        if one.steps is not None and not self._has_time:
            raise RecordingError(
                f"modules must be called once in each iteration, as in the first one, got {one.steps} calls "
                f"in iteration {one.number}: in a store what began without a time cannot go on with one. "
                "Record it in memory, without store=..."
            )
        if not self._layers.keys() <= told_by(one).keys():
            raise RecordingError("layers must have labels in each iteration, as in the first one.")
        self._steps.check(growing)

    def _begin(self, trace: TraceBase, one: Gathered) -> None:
        attrs = {k: v for k, v in trace.attrs.items() if k not in ("iterations", "sequence_starts")}
        self._has_time = one.steps is not None
        growing = {name: array for name, array in trace.items() if not _is_initial(name)}
        if not self._has_time:
            growing = {name: _with_iteration(array) for name, array in growing.items()}
        initial = {name: array for name, array in trace.items() if _is_initial(name)}
        first = told_by(one)
        self._layers = {key: coord for key, coord in first.items() if key[1] == "layer"}
        told = first.keys() - self._layers.keys()
        like = [_first(growing[name], told) if name in growing else a for name, a in trace.items()]
        self._initial = {name: array.values for name, array in initial.items()}
        rows = [NamedArray(ROWS, np.zeros((1, len(Row.columns())), np.int64), ("iteration", "channel"))]
        rows += [_with_iteration(array) for array in initial.values()]
        reasons = {"reasons": list(self._reasons)}
        self._rows = _Writer(self.path / FOLDER, self.rank, TraceBase(*rows, attrs=reasons))
        self._steps = _Writer(self.path, self.rank, TraceBase(*like, attrs=attrs), SHARD_BYTES)
        self._steps._is_recorded = True
        self._write_scalars(first=True)

    def _append_row(self, row: Row, recording: Recording, initial: Mapping[str, Any]) -> None:
        assert self._rows is not None
        left_out = [recording.left_out[reason] for reason in self._reasons]
        values = {ROWS: row.values(recording.seen, left_out[:3], self._unwritten, left_out[3:])[None]}
        for name, kept in self._initial.items():
            values[name] = initial.get(name, kept)[None]
        self._rows.append(values)


def told_by(one: Gathered) -> State:
    """The masks and labels of one iteration, checked against the axes of its arrays."""
    return {
        (array, name): (make_mask if is_mask(name) else make_coord)(name, given, found.sizes, array)
        for array, found in one.arrays.items()
        for name, given in found.coords.items()
    }


def _is_same(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    """Whether two iterations have the same masks and labels."""
    return one.keys() == other.keys() and all(_is_one(coord, other[key]) for key, coord in one.items())


def _is_one(coord: Coord | None, other: Coord | None) -> bool:
    if coord is None or other is None:
        return coord is other
    return coord.dims == other.dims and np.array_equal(coord.values, other.values)


def _is_initial(name: str) -> bool:
    return split_name(name)[1] == INITIAL


def _growing_of(one: Gathered) -> dict[str, NDArray[Any]]:
    """What a store appends: steps, time leading; the iteration itself where nothing has a time."""
    growing = {}
    for name, array in one.arrays.items():
        if _is_initial(name):
            continue
        if one.steps is not None and not array.has_time:
            raise RecordingError(
                f"{name} has no time, and other arrays do: in a store they cannot grow together. Record it "
                f"with a recorder of its own: TraceRecorder(model, select={name!r}, store=...)."
            )
        growing[name] = array.values if array.has_time else array.values[None]
    return growing


def _with_iteration(array: NamedArray) -> NamedArray:
    values = np.asarray(array.values)[None]
    return NamedArray(array.name, values, ("iteration", *array.dims), array.coords, array.attrs)


def _first(array: NamedArray, told: Collection[tuple[str, str]]) -> NamedArray:
    """One step: what the others look like, but for labels and masks that may be others."""
    coords = {name: coord for name, coord in array.coords.items() if (array.name, name) not in told}
    return NamedArray(array.name, array.values[:1], array.dims, coords, array.attrs)
