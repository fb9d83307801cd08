"""Hooks on a model turn a run into a trace. The only file of this room to load torch, and only when used."""

from __future__ import annotations

import inspect
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import MissingDependencyError, RecordingError
from nsm_widgets.trace._array import NamedArray
from nsm_widgets.trace._convert import tensor_view, to_readonly
from nsm_widgets.trace._growing import GrowingArray
from nsm_widgets.trace._known import KNOWN
from nsm_widgets.trace._steps import StepBuffer, check_same
from nsm_widgets.trace._trace import Trace


class TraceRecorder:
    """Records what the memories inside a model do, while the ``with`` block runs.

    It knows every ``nsm_widgets.ntm.MemoryAccess``, and so ``NTM`` and ``NTMMemory``, alone or inside a
    larger model. Each call of a memory is one time step. Values are copied as they are: nothing that the
    model or its caller does afterwards changes the trace, no graph is kept alive, and the hooks are gone
    after the block, also after an error.

    Time goes on through all forwards of one block: the steps of a second forward follow those of the first,
    and ``trace.attrs["sequence_starts"]`` says at which steps a forward of an ``NTM`` began anew. A forward
    that is given a state goes on with a sequence and starts none. ``initial_memory`` is the memory before the
    very first step. All forwards need the same batch size. Using the recorder in a second ``with``
    block begins
    a new trace.

    With several memories in one model, each array's name begins with the path of its module:
    ``encoder.read_weights``.

    Example:
        >>> import torch
        >>> from nsm_widgets.ntm import NTM
        >>> model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
        >>> with TraceRecorder(model) as rec, torch.no_grad():
        ...     _ = model(torch.rand(5, 1, 3))
        >>> rec.trace["read_weights"].sizes
        {'time': 5, 'batch': 1, 'head': 1, 'slot': 8}
        >>> rec.trace["read_weights"].attrs["memory_seen"]
        'before_write'

    Args:
        model: The module to watch.

    Raises:
        RecordingError: If it is no torch module, or holds nothing known.
        MissingDependencyError: If torch is not installed.
    """

    def __init__(self, model: Any) -> None:
        self._model_name = type(model).__name__
        self._watched = _find_known(model)
        self._records: list[_MemoryRecord] | None = None
        self._trace: Trace | None = None
        self._hooks: ExitStack | None = None

    def __enter__(self) -> TraceRecorder:
        if self._hooks is not None:
            raise RecordingError(
                "a TraceRecorder records one block at a time, and this one is recording already. "
                "Inside its block make a second one: TraceRecorder(model)."
            )
        self._trace, self._records = None, []
        with ExitStack() as hooks:
            for prefix, access, owner in self._watched:
                record = _MemoryRecord(prefix, access)
                self._records.append(record)
                _hook(hooks, access.register_forward_hook(record.on_step, with_kwargs=True))
                if owner is not None:
                    _hook(hooks, owner.register_forward_pre_hook(record.on_sequence_start, with_kwargs=True))
                    _hook(hooks, owner.register_forward_hook(record.on_sequence_end, with_kwargs=True))
            self._hooks = hooks.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        hooks, self._hooks = self._hooks, None
        if hooks is not None:
            hooks.close()

    @property
    def trace(self) -> Trace:
        """What was recorded: inside the block a snapshot, after it the whole run (up to an error).

        Raises:
            RecordingError: Before the block, or when no step was taken inside it.
        """
        if self._trace is not None:
            return self._trace
        if self._records is None:
            raise RecordingError(
                "nothing is recorded yet. Run the model inside a block: with TraceRecorder(model) as rec: "
                "model(inputs)."
            )
        trace = _to_trace(self._records, self._model_name)
        if self._hooks is None:  # the block is over: nothing will be added
            self._trace, self._records = trace, None
        return trace


class _MemoryRecord:
    """The steps of one memory, and the input and output of the NTM around it."""

    def __init__(self, prefix: str, access: Any) -> None:
        self.prefix = prefix
        self.memory_seen: str = access.reads_from
        self.steps: StepBuffer | None = None
        self.signals: dict[str, GrowingArray] = {}
        self.initial_memory: NDArray[Any] | None = None
        self.source_dtypes: dict[str, str | None] = {}
        self.sequence_starts: list[int] = []
        self._signature = inspect.signature(access.forward)

    @property
    def num_steps(self) -> int:
        return 0 if self.steps is None else len(self.steps)

    def on_step(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Forward hook of ``MemoryAccess``: one time step."""
        tensors = {"memory": output.state.memory, "read_vectors": output.read_vectors}
        for side, stages in (("read", output.read), ("write", output.write)):
            for stage, tensor in zip(stages._fields, stages, strict=True):
                tensors[f"{side}_{stage}"] = tensor
        tensors["write_erase"], tensors["write_add"] = output.erase, output.add
        if self.steps is None:
            state = self._signature.bind(*args, **kwargs).arguments["state"]
            self.initial_memory, self.source_dtypes["initial_memory"] = to_readonly(
                state.memory, "initial_memory"
            )
            self.steps = StepBuffer(tensors, self.prefix)
        self.steps.append(tensors)

    def on_sequence_start(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Forward pre-hook of ``NTM``: a forward from no state, its second argument, starts a sequence."""
        state = args[1] if len(args) > 1 else kwargs.get("state")
        if state is None:
            self.sequence_starts.append(self.num_steps)

    def on_sequence_end(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Forward hook of ``NTM``: input and output of all steps of a sequence."""
        inputs = args[0] if args else kwargs["inputs"]
        for name, tensor in (("input", inputs), ("output", output.outputs)):
            steps, self.source_dtypes[name] = tensor_view(tensor, self.prefix + name)
            if name not in self.signals:
                self.signals[name] = GrowingArray(steps[0])
            signal = self.signals[name]
            check_same(self.prefix + name, (signal.step_shape, signal.dtype), (steps.shape[1:], steps.dtype))
            signal.extend(steps)


def _hook(hooks: ExitStack, handle: Any) -> None:
    hooks.callback(handle.remove)


def _find_known(model: Any) -> list[tuple[str, Any, Any]]:
    """Every memory in the model: prefix of its names, ``MemoryAccess``, and the ``NTM`` around it, if any."""
    try:
        from torch import nn
    except ImportError as error:
        raise MissingDependencyError("TraceRecorder needs torch. pip install torch") from error
    from nsm_widgets.ntm.access import MemoryAccess
    from nsm_widgets.ntm.model import NTM

    if not isinstance(model, nn.Module):
        raise RecordingError(
            f"model must be a torch.nn.Module, got {type(model).__name__}. Arrays go into Trace.from_arrays."
        )
    modules = dict(model.named_modules())
    accesses = {path: module for path, module in modules.items() if isinstance(module, MemoryAccess)}
    if not accesses:
        raise RecordingError(
            f"{type(model).__name__} holds nothing that a TraceRecorder knows: it knows "
            "nsm_widgets.ntm.NTM, NTMMemory "
            "and MemoryAccess. For another model pass its tensors to Trace.from_arrays or "
            "Trace.from_attentions."
        )
    owners = {path: _owner(path, modules, NTM) for path in accesses}
    watched = []
    for path, access in accesses.items():
        owner = owners[path]
        alone = owner is not None and list(owners.values()).count(owner) == 1
        place = owner if alone and owner else path
        watched.append((f"{place}." if len(accesses) > 1 else "", access, modules[owner] if alone else None))
    return watched


def _owner(path: str, modules: dict[str, Any], kind: type) -> str | None:
    """The path of the nearest module of a kind around another."""
    parts = path.split(".")
    for length in reversed(range(len(parts))):
        above = ".".join(parts[:length])
        if isinstance(modules[above], kind):
            return above
    return None


def _to_trace(records: list[_MemoryRecord], model_name: str) -> Trace:
    if not any(record.num_steps for record in records):
        raise RecordingError("the model took no step inside the block. Call it there: model(inputs).")
    counts = {record.prefix.rstrip("."): record.num_steps for record in records if record.num_steps}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise RecordingError(
            f"memories recorded together must take the same number of steps, got {told}. "
            "Record each with a TraceRecorder of its own: TraceRecorder(model.part)."
        )
    attrs: dict[str, Any] = {"model": model_name}
    arrays: list[NamedArray] = []
    starts: set[int] = set()
    for record in records:
        if record.num_steps:
            arrays += _to_arrays(record)
            starts.update(start for start in record.sequence_starts if start < record.num_steps)
    if starts:
        attrs["sequence_starts"] = sorted(starts)
    unmatched = [
        record.prefix + name for record in records for name in record.signals if not _matches(record, name)
    ]
    if unmatched:
        attrs["not_recorded"] = (
            f"{', '.join(unmatched)}: the memory took steps outside whole forwards of the NTM, to which "
            "they belong"
        )
    return Trace(*arrays, attrs=attrs)


def _matches(record: _MemoryRecord, name: str) -> bool:
    return len(record.signals[name]) == record.num_steps


def _to_arrays(record: _MemoryRecord) -> list[NamedArray]:
    values = {} if record.steps is None else record.steps.arrays()
    values |= {name: array.values() for name, array in record.signals.items() if _matches(record, name)}
    source_dtypes = {} if record.steps is None else {**record.source_dtypes, **record.steps.source_dtypes}
    if record.initial_memory is not None:
        values["initial_memory"] = record.initial_memory
    arrays = []
    for name, entry in KNOWN.items():  # in the order of the table, whatever the order of the hooks
        if name not in values:
            continue
        attrs: dict[str, Any] = {"kind": entry.kind, "description": entry.description}
        if entry.kind == "weights":
            attrs["memory_seen"] = record.memory_seen
        source_dtype = source_dtypes[name]
        if source_dtype is not None:
            attrs["source_dtype"] = source_dtype
        coords = {"offset": _offsets(values[name].shape[-1])} if "offset" in entry.dims else {}
        arrays.append(NamedArray(record.prefix + name, values[name], entry.dims, coords, attrs))
    return arrays


def _offsets(count: int) -> list[int]:
    """Shift offsets around zero: 3 gives -1, 0, 1."""
    return [int(offset) for offset in np.arange(count) - count // 2]
