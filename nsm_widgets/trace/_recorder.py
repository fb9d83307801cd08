"""Hooks on a model turn a run into a trace. The only file of this room to load torch, and only when used."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from nsm_widgets._errors import MissingDependencyError, RecordingError
from nsm_widgets.trace._assemble import assemble
from nsm_widgets.trace._boundary import Boundary
from nsm_widgets.trace._choice import Choice
from nsm_widgets.trace._memory_source import MemorySource
from nsm_widgets.trace._recording import Recording
from nsm_widgets.trace._source import Hooks, Source
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
        self._sources = _find_known(model)
        self._boundary = Boundary(model)
        self._choice = Choice()
        self._recording: Recording | None = None
        self._trace: Trace | None = None
        self._hooks: Hooks | None = None

    def every(self, n: Any) -> TraceRecorder:
        """Record iterations 0, n, 2n, ...; the others pass by at hardly any cost, and are counted.

        Example:
            >>> import torch
            >>> from nsm_widgets.ntm import NTM
            >>> model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
            >>> with TraceRecorder(model).every(10) as rec, torch.no_grad():
            ...     for _ in range(25):
            ...         _ = model(torch.rand(5, 1, 3))
            >>> rec.trace.iterations
            (0, 10, 20)
        """
        return self._choose(self._choice.every, n)

    def when(self, predicate: Any) -> TraceRecorder:
        """Record the iterations for whose number ``predicate`` is true (of those that ``every`` leaves)."""
        return self._choose(self._choice.when, predicate)

    def last(self, k: Any) -> TraceRecorder:
        """Keep the newest ``k`` of the recorded iterations; their memory is used in turn."""
        return self._choose(self._choice.last, k)

    def budget(self, budget_mb: Any) -> TraceRecorder:
        """Keep at most so many megabytes (a million bytes each) of values.

        An iteration that does not fit is not kept, nor any after it; a ``RuntimeWarning`` says so once. With
        :meth:`last`, the oldest ones make room instead.
        """
        return self._choose(self._choice.budget, budget_mb)

    def _choose(self, choose: Callable[[Any], None], value: Any) -> TraceRecorder:
        if self._hooks is not None:
            raise RecordingError(
                "what to keep is chosen before the block, and this recorder is recording already. "
                "Write it as: with TraceRecorder(model).every(10) as rec:"
            )
        choose(value)
        return self

    def __enter__(self) -> TraceRecorder:
        if self._hooks is not None:
            raise RecordingError(
                "a TraceRecorder records one block at a time, and this one is recording already. "
                "Inside its block make a second one: TraceRecorder(model)."
            )
        self._trace, self._recording = None, Recording(self._choice, len(self._sources))
        hooks = Hooks()
        try:
            self._boundary.install(hooks, self._recording)
            for source in self._sources:
                source.install(hooks, self._recording, self._boundary)
        except BaseException:
            hooks.close()
            raise
        self._hooks = hooks
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        hooks, self._hooks = self._hooks, None
        if hooks is not None:
            hooks.close()
        if self._recording is not None:
            self._recording.end()

    @property
    def trace(self) -> Trace:
        """What was recorded: inside the block a snapshot, after it the whole run (up to an error).

        Raises:
            RecordingError: Before the block, or when no step was taken inside it.
        """
        if self._trace is not None:
            return self._trace
        if self._recording is None:
            raise RecordingError(
                "nothing is recorded yet. Run the model inside a block: with TraceRecorder(model) as rec: "
                "model(inputs)."
            )
        trace = assemble(self._recording, self._sources, self._model_name)
        if self._hooks is None:  # the block is over: nothing will be added
            self._trace, self._recording = trace, None
        return trace


def _find_known(model: Any) -> list[Source]:
    """Every memory in the model, with the ``NTM`` around it, if any."""
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
    sources: list[Source] = []
    for path, access in accesses.items():
        owner = owners[path]
        alone = owner is not None and list(owners.values()).count(owner) == 1
        place = owner if alone and owner else path
        prefix = f"{place}." if len(accesses) > 1 else ""
        around = modules[owner] if alone and owner is not None else None
        sources.append(MemorySource(len(sources), prefix, access, around))
    return sources


def _owner(path: str, modules: dict[str, Any], kind: type) -> str | None:
    """The path of the nearest module of a kind around another."""
    parts = path.split(".")
    for length in reversed(range(len(parts))):
        above = ".".join(parts[:length])
        if isinstance(modules[above], kind):
            return above
    return None
