"""The writer of a store: the caller copies a step into memory, a thread brings it to the disk."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import AxisError, RecordingError, warn_or_log
from nsm_widgets._options import check_flag, check_path, is_number
from nsm_widgets._replacing import make_folder
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._convert import ArrayLike, check_same, is_tensor, to_numpy
from nsm_widgets.trace.arrays._known import known_array
from nsm_widgets.trace.make._from_arrays import trace_from_arrays
from nsm_widgets.trace.store._codec import need_codecs
from nsm_widgets.trace.store._columns import ColumnArray
from nsm_widgets.trace.store._drain import Drain
from nsm_widgets.trace.store._rank import RankFiles, Schema, ShardBuffer, check_new, make_schema
from nsm_widgets.trace.store._resume import resume_rank
from nsm_widgets.trace.store._vocabulary import Vocabulary

_MOST_BLOCKS = 64


class StoreWriter:
    """Appends the steps of a run to a store, while it runs. ``store._store`` has the format.

    A step costs the caller a copy into memory; a thread writes. Steps are committed every
    ``commit_every_s`` seconds, on :meth:`commit` and on :meth:`close`, and a committed step outlives the
    process. If the disk is so slow that ``buffer_mb`` are full, :meth:`append` waits for it.

    What goes wrong on the disk never reaches the caller: it is counted in ``errors``, told once as a
    warning, and tried again. Once the buffers are full meanwhile, steps are left out and counted in
    ``lost_steps``, and the store says where. What is wrong with the arrays themselves is raised.

    Example:
        >>> import tempfile
        >>> from nsm_widgets.trace import Trace
        >>> folder = tempfile.mkdtemp()
        >>> with StoreWriter(f"{folder}/run.zarr") as writer:
        ...     for step in range(100):
        ...         writer.append({"memory": np.full((1, 8, 4), step, np.float32)})
        >>> trace = Trace.open(f"{folder}/run.zarr")
        >>> trace["memory"].isel(time=99, slot=0).values.tolist()
        [[99.0, 99.0, 99.0, 99.0]]

    Args:
        path: The store's folder, made if it is not there.
        rank: Which group of it is this writer's own. Processes that record together need one each.
        dims: Axis names by array name, ``time`` or ``iteration`` first, as in :meth:`Trace.from_arrays`.
        coords: Labels by axis name, as there.
        attrs: JSON values about the whole run.
        kinds: Kinds by array name, as there.
        fixed: Arrays that do not change with time, written once.
        resume: Whether to go on where an earlier writer ended; it must have had the same arrays.
        commit_every_s: Seconds between commits, above 0.
        buffer_mb: Megabytes of steps that may wait for the disk; at least two shards.

    Raises:
        RecordingError: If the group is there and ``resume`` is not set, or it has another writer.
        MissingDependencyError: If the codecs are not installed.
    """

    _shard_bytes = 0
    """See ``make_schema``."""
    _is_recorded = False
    """Whether rows of iterations lie beside the steps."""
    lost_steps: int
    """Steps that were left out, because writing failed for too long."""
    words: Vocabulary
    """The texts of labels that are told step by step."""

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        rank: object = 0,
        dims: Mapping[str, Any] | None = None,
        coords: object = None,
        attrs: object = None,
        kinds: object = None,
        fixed: Mapping[str, Any] | None = None,
        resume: bool = False,
        commit_every_s: float = 5.0,
        buffer_mb: float = 256.0,
    ) -> None:
        need_codecs()
        if not isinstance(rank, int) or isinstance(rank, bool) or not 0 <= rank < 10**9:
            raise RecordingError(f"rank must be an int in [0, 999999999], got {rank!r}.")
        if not is_number(commit_every_s) or commit_every_s <= 0:
            raise RecordingError(f"commit_every_s must be above 0 seconds, got {commit_every_s}.")
        if not is_number(buffer_mb):
            raise RecordingError(f"buffer_mb must be a number of megabytes, got {buffer_mb!r}.")
        check_flag(resume, "resume")
        check_path(path)
        if not resume:
            check_new(Path(path) / f"rank-{rank}")
        self.lost_steps = 0
        self._root, self._rank = Path(path), f"rank-{rank}"
        make_folder(self._root)  # a path that cannot be is told before the run begins
        self._options = {"coords": coords, "attrs": attrs, "kinds": kinds}
        self._dims, self._fixed = dict(dims or {}), dict(fixed or {})
        self._resume = resume
        self._every_s, self._buffer_bytes = commit_every_s, buffer_mb * 1e6
        self._slots: list[_Slot] = []
        self._size = 0
        self._block: ShardBuffer | None = None
        self._columns: list[ColumnArray] = []
        self.words = Vocabulary()
        self._drain: Drain | None = None
        self._warned = self._closed = False

    @property
    def errors(self) -> int:
        """How often writing failed."""
        return 0 if self._drain is None else self._drain.errors

    @property
    def message(self) -> str:
        """Of the last failure, else empty."""
        return "" if self._drain is None else self._drain.message

    @property
    def committed(self) -> int:
        """Steps that are on the disk for good."""
        return 0 if self._drain is None else self._drain.files.last.steps

    def append(self, step_arrays: Mapping[str, ArrayLike]) -> None:
        """Add one time step, or a block of steps: every array without, or each with, its leading axis.

        Args:
            step_arrays: Values by name, the same arrays with the same shapes and types each time.

        Raises:
            RecordingError: If arrays, shapes or types are others than at first, or the writer is closed.
        """
        block = self._block
        if block is None or block.filled == self._size or len(step_arrays) != len(self._slots):
            self._append_slowly(step_arrays)
            return
        at = block.filled
        for (name, shape, dtype), target in zip(self._slots, block.values, strict=True):
            value = step_arrays.get(name)
            if type(value) is not np.ndarray or value.shape != shape or value.dtype is not dtype:
                self._append_slowly(step_arrays)  # writes over what has been copied so far
                return
            target[at] = value
        block.filled = at + 1

    def check(self, step_arrays: Mapping[str, ArrayLike]) -> None:
        """Refuse steps that :meth:`append` would refuse; before the first ones nothing is known of them.

        Raises:
            RecordingError: If arrays, shapes or types are others than at first.
        """
        if not self._slots:
            return
        if set(step_arrays) != {slot.name for slot in self._slots}:
            self._refuse_names(step_arrays)
        for slot in self._slots:
            _steps(slot, step_arrays[slot.name])

    def commit(self) -> int:
        """Bring all steps so far to the disk, and wait for it.

        Returns:
            How many steps are committed now: fewer than were appended if the disk fails.
        """
        if self._drain is not None and not self._closed:
            self._drain.flush()
            self._warn()
        return self.committed

    def close(self) -> None:
        """Commit all steps, the last ones in a shard that is not full, and end the thread.

        Raises nothing because of the disk: ``errors`` and ``lost_steps`` tell. A second call does nothing.
        """
        if self._closed:
            return
        self._closed = True
        if self._drain is not None:
            self.lost_steps += self._drain.close()
        self._block = None
        self._warn()

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        told = f", {self.errors} errors, {self.lost_steps} steps lost" if self.errors else ""
        return f"<StoreWriter {self._root}/{self._rank}, {self.committed} steps committed{told}>"

    def _begin(self, step_arrays: Mapping[str, ArrayLike]) -> None:
        """Take the arrays' shapes and types from the first step, and start the thread."""
        if not isinstance(step_arrays, Mapping):
            raise RecordingError(f"a step must map names to arrays, got {type(step_arrays).__name__}.")
        growing = {name: _as_block(name, value, self._dims.get(name)) for name, value in step_arrays.items()}
        template = self._template(growing)
        schema = make_schema(template, self._shard_bytes, self._columns)
        _check_growing(schema, growing, template)
        resumes = self._resume and (self._root / self._rank).exists()
        recorded = self._is_recorded
        files = RankFiles(self._root, self._rank, schema, template, is_recorded=recorded)
        first = ShardBuffer(0, [])
        if resumes:
            files, first = resume_rank(self._root, self._rank, schema, template)
        step_bytes = sum(layout.step_bytes for layout in schema.growing.values())
        most = max(2, min(_MOST_BLOCKS, int(self._buffer_bytes / (schema.shard_steps * step_bytes))))
        begun = [first] if first.values else []
        files.words = self.words
        drain = Drain(
            files, self._every_s, most, list(begun), first.index + len(begun), list(files.last.lost)
        )
        drain.created = resumes
        if not resumes:
            drain.create()
        self._drain = drain
        self._block = first if begun else None
        self._size = schema.shard_steps
        self._slots = [_Slot(name, lay.step_shape, lay.dtype) for name, lay in schema.growing.items()]
        drain.start()
        atexit.register(_close_at_exit, weakref.ref(self))

    def _add_column(self, array: ColumnArray) -> None:
        """Have a mask or labels from now on that were not there at first."""
        if self._drain is None:
            self._columns.append(array)
        else:
            layout = self._drain.add(array)
            self._slots.append(_Slot(array.column.name, layout.step_shape, layout.dtype))

    def _template(self, growing: Mapping[str, Any]) -> TraceBase:
        """A trace of the first steps: axes, labels and attrs of the store are its."""
        arrays = {**growing, **self._fixed}
        return trace_from_arrays(arrays, dims=self._dims, check_weights=False, **self._options)

    def _append_slowly(self, step_arrays: Mapping[str, ArrayLike]) -> None:
        """The first step, one that needs new room, a block of steps, arrays not of NumPy; or a refusal."""
        if self._closed:
            raise RecordingError(f"the writer of {self._root} is closed; open another one with resume=True.")
        if not self._slots:
            self._begin(step_arrays)
        if set(step_arrays) != {slot.name for slot in self._slots}:
            self._refuse_names(step_arrays)
        steps = [_steps(slot, step_arrays[slot.name]) for slot in self._slots]
        if len({len(values) for values in steps}) > 1:
            lengths = ", ".join(f"{s.name} {len(v)}" for s, v in zip(self._slots, steps, strict=True))
            raise RecordingError(f"arrays must have the same number of steps, got {lengths}.")
        done, count = 0, len(steps[0])
        while done < count:
            done += self._copy([values[done:] for values in steps])

    def _copy(self, steps: list[NDArray[Any]]) -> int:
        """Copy as many steps as the block has room for, or leave one out; returns how many are dealt with."""
        assert self._drain is not None
        if self._block is None or self._block.filled == self._size:
            self._block = self._drain.new_block()
            self._warn()
        block = self._block
        if block is None:
            self.lost_steps += 1
            self._drain.lose(1)
            return 1
        at, count = block.filled, min(len(steps[0]), self._size - block.filled)
        for values, target in zip(steps, block.values, strict=True):
            target[at : at + count] = values[:count]
        block.filled = at + count
        return count

    def _refuse_names(self, step_arrays: Mapping[str, ArrayLike]) -> NoReturn:
        names = {slot.name for slot in self._slots}
        missing, extra = sorted(names - set(step_arrays)), sorted(set(step_arrays) - names)
        raise RecordingError(
            f"each step must have the arrays of the first, got {'none' if missing else 'also'} named "
            f"{', '.join(map(str, missing or extra))}. Record other arrays in a store of their own."
        )

    def _warn(self) -> None:
        """Tell the first failure, once, in the caller's thread; never by raising."""
        if not self.errors or self._warned:
            return
        self._warned = True
        text = (
            f"{self._root} could not be written ({self.message}). The run goes on; the writer tries again, "
            "and counts in .errors and .lost_steps."
        )
        warn_or_log(text)


class _Slot(NamedTuple):
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def _steps(slot: _Slot, value: ArrayLike) -> NDArray[Any]:
    """One step, or several, of the array that the slot is for, as several.

    Raises:
        RecordingError: If it is of another shape or type.
    """
    array = value if type(value) is np.ndarray else to_numpy(value, slot.name)[0]
    several = array.ndim == len(slot.shape) + 1
    check_same(
        slot.name, (slot.shape, slot.dtype), (array.shape[1:] if several else array.shape, array.dtype)
    )
    return array if several else array[None]


def _as_block(name: str, value: ArrayLike, dims: Sequence[str] | None) -> Any:
    """One step or several, as several, not yet converted."""
    array = value if is_tensor(value) or type(value) is np.ndarray else to_numpy(value, str(name))[0]
    entry = known_array(name)
    named = dims if dims is not None else entry.dims if entry is not None else None
    return array[None] if named is not None and array.ndim == len(named) - 1 else array


def _check_growing(schema: Schema, growing: Mapping[str, Any], template: TraceBase) -> None:
    for name in growing:
        if name in schema.columns:
            continue
        if name not in schema.growing:
            raise AxisError(
                f"{name} must begin with the axis that grows, {schema.axis or 'time'!r}, got axes "
                f"{template[name].dims}. Does it not change? Pass it once as fixed={{{name!r}: ...}}."
            )
        if schema.axis in template[name].coords:
            raise RecordingError(f"labels of {schema.axis!r} cannot be given: how many it will have is open.")
    for name in schema.growing:
        if name not in growing and name in schema.columns:
            raise RecordingError(
                f"{schema.columns[name].column.coord} along {schema.axis!r} cannot be given: how many steps "
                "there will be is open. Record it as an array: append({'padding': ...})."
            )
        if name not in growing:
            raise AxisError(f"{name} has the axis that grows, {schema.axis!r}: append it step by step.")


def _close_at_exit(reference: weakref.ref[StoreWriter]) -> None:
    writer = reference()
    if writer is not None:
        writer.close()
