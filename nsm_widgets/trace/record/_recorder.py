"""Hooks on a model turn a run into a trace. torch is loaded when a recorder is made."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import finalize, ref

from nsm_widgets._errors import DtypeError, MissingDependencyError, RecordingError, UnknownOptionError
from nsm_widgets.trace._trace import Trace
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.make._tokens import check_tokenizer
from nsm_widgets.trace.record._boundary import watched_calls
from nsm_widgets.trace.record._compiled import bypass_compile
from nsm_widgets.trace.record._hooks import Hooks
from nsm_widgets.trace.record._iteration import OTHER_SHAPE, Iteration, Left
from nsm_widgets.trace.record._logged import Scalars
from nsm_widgets.trace.record._recording import Recording
from nsm_widgets.trace.record._replicas import number_replicas
from nsm_widgets.trace.record._select import Select
from nsm_widgets.trace.record._watch import Progress, Watch
from nsm_widgets.trace.record._which_iterations import Choice
from nsm_widgets.trace.record.arrays._assemble import assemble, rank_and_world, trace_of
from nsm_widgets.trace.record.arrays._gather import gather
from nsm_widgets.trace.record.sources._adapter import check_adapters
from nsm_widgets.trace.record.sources._find import boundary_of, find_sources
from nsm_widgets.trace.record.sources._handed import HandedSource

if TYPE_CHECKING:
    from torch import nn

    from nsm_widgets.trace.record._into_store import RecordingStore


class TraceRecorder:
    """Records what goes on inside a model, while the ``with`` block runs.

    It knows every ``nsm_widgets.ntm.MemoryAccess`` (and so ``NTM`` and ``NTMMemory``),
    ``nsm_widgets.dnc.DNC``, ``nsm_widgets.nsm.NeuralStateMachine`` and each of its parts, every
    ``nn.MultiheadAttention``, Hugging Face's models called with ``output_attentions=True``, and modules that
    an adapter speaks for (:func:`register_adapter`), alone or inside a larger model. Values are copied as
    they are: nothing that the model or its caller does afterwards changes the trace, no graph is kept alive,
    and the hooks are gone after the block, also after an error. A checkpointed part is recorded in its first
    forward alone. What the model answers is what it answers unrecorded, to the last bit; only compiled
    modules run as they were written. Copies that are made of the model inside the block (``deepcopy``,
    ``pickle``, ``torch.save``, ``AveragedModel``) have no hooks, and are no part of the recording.

    Nothing is raised into the model's own lines: what cannot be recorded is left out, counted by its reason
    in ``trace.attrs["iterations"]["left_out"]`` and on every live view, and a ``RuntimeWarning`` says so
    once. ``strict=True`` raises.

    An *iteration* is one whole forward of ``model`` from no state, such as a training step; where the caller
    drives the model step by step, a sequence of calls of which each is given a state that a former one
    returned (or all within :meth:`sequence`). Each call of a
    memory is one time step, and time goes on through all iterations of one block, each with its own length:
    ``trace.iteration(number)`` takes one out, ``trace.by_iteration()`` lays them side by side. Attention,
    which has no time, gets an axis ``iteration`` where there are several.
    ``trace.attrs["sequence_starts"]`` says at which steps a forward of an ``NTM``, a ``DNC`` or a machine
    began anew, and where an iteration of an adapted module did. A forward that is given back a state goes on
    with a sequence and starts none. ``initial_memory`` is
    the memory before the very first step. Iterations of another batch size or type are kept by themselves,
    for :meth:`iteration`; :attr:`trace` holds those that are alike, of which there are most, and counts the
    others. Each thread has iterations of its own. Using the recorder in a second ``with`` block begins a new
    trace.

    Where two memories, or two of anything, would give the same name, each array's name begins with the path
    of its module: ``encoder.read_weights``; a whole machine's with that of the machine. So it is with kinds
    of attention: ``decoder.layers.self_attn.attention``.

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
        >>> with TraceRecorder(torch.nn.MultiheadAttention(4, 2)) as rec:
        ...     _ = rec.model(*[torch.rand(5, 1, 4)] * 3)
        >>> rec.trace["attention"].sizes
        {'layer': 1, 'batch': 1, 'head': 2, 'query': 5, 'key': 5}

    Args:
        model: The module to watch.
        select: What to record: patterns (``"encoder.*"``, ``"read_*"``) of module paths or of array names,
            and types of modules; one or a list. Everything that is known, when not given.
        adapters: Functions by module type, for this recorder alone; see :func:`register_adapter`.
        store: The folder of a store to be made, such as ``"run.zarr"``: iterations that are over are appended
            to it, and :attr:`trace` shows what lies there. See ``docs/recording.md``.
        repeated: What the second call of an ``nn.MultiheadAttention`` within one iteration is: the next step
            of ``"time"``, or one more ``"layer"``.
        tokenizer: Labels the tokens of Hugging Face's models by the ids that they are called with: any object
            with ``convert_ids_to_tokens``.
        recompute: Whether to compute attention weights again where torch's fused kernel
            (``scaled_dot_product_attention``) never shows them, from what it is called with: of any module,
            Hugging Face's on SDPA among them. It takes the memory and time that the kernel saves; what the
            model answers stays as it was, to the last bit.
        strict: Whether what cannot be recorded is raised out of the model's own lines.

    Raises:
        RecordingError: If it is no torch module, or holds nothing known, or nothing that is selected.
        DtypeError, UnknownOptionError: If another argument is of the wrong kind.
        MissingDependencyError: If torch is not installed.
    """

    def __init__(
        self,
        model: object,
        *,
        select: object = None,
        adapters: object = None,
        repeated: object = "time",
        tokenizer: object = None,
        recompute: bool = False,
        store: object = None,
        strict: bool = False,
    ) -> None:
        self.model = _check_model(model)
        if repeated not in ("time", "layer"):
            raise UnknownOptionError(f"repeated must be 'time' or 'layer', got {repeated!r}.")
        self._sources = find_sources(
            self.model,
            Select(select),
            check_adapters(adapters),
            repeated,
            tokenizer=check_tokenizer(tokenizer),
            recompute=recompute,
        )
        self._strict = bool(strict)
        self._handed = HandedSource(self.model, strict=self._strict)
        self._handed.index, self._handed.known = len(self._sources), self._sources[0].known
        self._sources.append(self._handed)
        self._choice = Choice()
        self._recording: Recording | None = None
        self._left: Left | None = None
        self._path = _check_path(store)
        self.store: RecordingStore | None = None
        """Where this block or the last one was recorded to, and what went wrong there."""
        self._trace: Trace | None = None
        self._apart: dict[int, Trace] = {}
        """Iterations of other shapes than those of the trace, once that was made."""
        self._hooks: Hooks | None = None
        self._let_go: finalize[..., TraceRecorder]
        """Ends the block where nobody has the recorder any more."""
        self._scalars = Scalars()
        self.watch = Watch()
        """Who looks on while a block runs, as a view that was given this recorder."""

    def every(self, n: object) -> TraceRecorder:
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

    def when(self, predicate: object) -> TraceRecorder:
        """Record the iterations for whose number ``predicate`` is true (of those that ``every`` leaves)."""
        return self._choose(self._choice.when, predicate)

    def last(self, k: object) -> TraceRecorder:
        """Keep the newest ``k`` of the recorded iterations; their memory is used in turn.

        Raises:
            RecordingError: With ``store=``, where all that are recorded are kept.
        """
        if self._path is not None:
            raise RecordingError(
                f"last(k) drops iterations from memory, and {self._path} keeps each one that is recorded. "
                "Leave it out, or record fewer: every(n), when(...), budget(...)."
            )
        return self._choose(self._choice.last, k)

    def budget(self, budget_mb: object) -> TraceRecorder:
        """Keep at most so many megabytes (a million bytes each) of values.

        An iteration that does not fit is not kept, nor any after it; a ``RuntimeWarning`` says so once. With
        :meth:`last`, the oldest ones make room instead.

        Where nothing is said, and iterations are kept in memory, the bound is a quarter of what the process
        may still take when the block begins, with the limits of its cgroup, divided among the processes of a
        training on this machine. Then the oldest go, are counted, and a ``RuntimeWarning`` says so once.

        Args:
            budget_mb: Megabytes; ``None`` for no bound at all.
        """
        return self._choose(self._choice.budget, budget_mb)

    def _choose(self, choose: Callable[[Any], None], value: object) -> TraceRecorder:
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
        left, self._left = self._left if self._recording is None else self._recording.kept.left(), None
        self._choice.begin(in_memory=self._path is None)
        recording = Recording(self._choice, len(self._sources), strict=self._strict)
        self._trace, self._apart, self._recording = None, {}, recording
        self._scalars = Scalars(strict=self._strict)
        recording.listen.append(_told_by(ref(self)))  # as an iteration begins, the one before is whole
        if left is not None:
            recording.kept.reuse(left)
        self._open_store(recording)
        hooks = Hooks(self.model, recording.guarded)
        try:
            number_replicas(self.model, hooks, recording)
            with watched_calls(self.model, boundary_of(self.model, self._sources[:-1]), hooks, recording):
                for source in self._sources:
                    source.begin(hooks, recording)
            bypass_compile(self.model, hooks)
        except BaseException:
            hooks.close()
            raise
        self._hooks = hooks
        self._let_go = finalize(self, _end, hooks, recording, self.store)
        self.watch.begin()
        return self

    def _open_store(self, recording: Recording) -> None:
        """Append what will be over to a new store, if that was asked for."""
        if self._path is None:
            return
        from nsm_widgets.trace.record._into_store import RecordingStore

        rank = rank_and_world().get("rank", 0)
        store = self.store = RecordingStore(
            self._path, rank, self._choice, self._scalars, strict=self._strict
        )
        name, sources = type(self.model).__name__, self._sources

        def append(iteration: Iteration) -> str | None:
            gathered = gather([iteration], sources)
            return store.append(gathered[0], recording, lambda: trace_of(gathered, recording, sources, name))

        recording.hand_to(append)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        hooks, recording = self._hooks, self._recording
        if hooks is None or recording is None:
            return
        self._hooks = None
        self._let_go.detach()
        _end(hooks, recording, self.store)
        if self.watch and not recording.is_copy:
            self.watch.end(self._progress(recording), lambda: self.trace, error)

    @property
    def is_over(self) -> bool:
        """Whether a block was run, and none is running."""
        return self._hooks is None and (self._trace is not None or self._recording is not None)

    def log(self, values: Mapping[str, Any] | None = None, /, **scalars: object) -> None:
        """Note numbers of the running iteration, such as the loss: views draw them above the arrays.

        They are kept for every iteration, also for those that are not recorded, and belong to the trace as
        arrays ``scalar.<name>`` with an axis ``logged``. Of one name in one iteration the last one counts.

        Args:
            values: Numbers by name, where a name is no Python name: ``{"val/loss": 0.3}``.
            **scalars: Numbers by name. Real ones, or tensors that hold one; NaN and infinity are values. What
                is no number is left out, counted in :attr:`scalars_left_out`, and warned of once.

        Example:
            >>> import torch
            >>> from nsm_widgets.ntm import NTM
            >>> model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
            >>> with TraceRecorder(model) as rec, torch.no_grad():
            ...     for _ in range(3):
            ...         rec.log(loss=model(torch.rand(5, 1, 3))[0].mean() * 0 + 0.5)
            >>> rec.scalars["loss"].values.tolist()
            [0.5, 0.5, 0.5]

        Raises:
            RecordingError: Outside of a block; with ``strict=True``, if a name is no printable text.
            DtypeError, ShapeError: With ``strict=True``, if a value is no single real number.
        """
        if self._hooks is None or self._recording is None:
            raise RecordingError(
                "log(...) notes numbers while a block runs, and none does. "
                "Call it inside: with TraceRecorder(model) as rec: ... rec.log(loss=loss)."
            )
        for given in (values, scalars):
            if given is not None:
                self._scalars.log(self._recording.number, given)

    def record(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        dims: Mapping[str, Any] | None = None,
        **tensors: Any,
    ) -> None:
        """Keep tensors at hand with the iteration that runs, such as what the model should have answered.

        Called after the model: they belong to its last forward, and have one entry along ``time`` for each
        step of it. With ``target`` (time, batch, channel), views of a model that answers in bits show
        probabilities, and mark the wrong bits. What cannot be kept is left out, warned of once, and told in
        ``trace.attrs["not_recorded"]``. Single numbers go to :meth:`log`.

        Args:
            values: Tensors or arrays by name, where a name is no Python name: ``{"task.reward": reward}``.
            dims: Axes by name, ``time`` first, of what has no well-known name.
            **tensors: Tensors or arrays by name.

        Example:
            >>> import torch
            >>> from nsm_widgets.ntm import NTM
            >>> model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
            >>> with TraceRecorder(model) as rec, torch.no_grad():
            ...     _ = model(torch.rand(5, 1, 3))
            ...     rec.record(target=torch.ones(5, 1, 2))
            ...     rec.record(reward=torch.rand(5, 1), dims={"reward": ("time", "batch")})
            >>> rec.trace["target"].sizes, rec.trace["reward"].dims
            ({'time': 5, 'batch': 1, 'channel': 2}, ('time', 'batch'))

        Raises:
            RecordingError: Outside of a block; with ``strict=True``, before the first forward.
            DtypeError, ShapeError, AxisError: With ``strict=True``, if one is no tensor of numbers, or its
                axes are not known, not as many, or do not begin with ``time``.
        """
        if self._hooks is None or self._recording is None:
            raise RecordingError(
                "record(...) keeps tensors while a block runs, and none does. "
                "Call it inside: with TraceRecorder(model) as rec: model(inputs); rec.record(target=target)."
            )
        for given in (values, tensors):
            if given is not None:
                self._handed.take(given, dims)

    @contextmanager
    def sequence(self) -> Iterator[None]:
        """All calls of the model inside are one iteration, whatever state they are given.

        A model that is driven step by step with a state needs this where the state that a call returns is not
        given back to the next one as it is, but changed, such as scaled or reordered.

        Example:
            >>> import torch
            >>> from nsm_widgets.trace import TraceRecorder
            >>> class Cell(torch.nn.Module):
            ...     def forward(self, inputs, hidden):
            ...         return hidden + inputs
            >>> adapters = {Cell: lambda module, args, kwargs, output: {"memory": output}}
            >>> with TraceRecorder(Cell(), adapters=adapters) as rec:
            ...     for _ in range(2):
            ...         with rec.sequence():
            ...             hidden = torch.zeros(1, 4, 3)
            ...             for step in range(5):
            ...                 hidden = rec.model(torch.rand(3), 0.9 * hidden)
            >>> rec.trace.attrs["iterations"]["steps"], rec.trace.attrs["sequence_starts"]
            ([5, 5], [0, 5])

        Raises:
            RecordingError: Outside of the recorder's block, inside of another sequence, or of a call.
        """
        if self._hooks is None or self._recording is None:
            raise RecordingError(
                "sequence() holds calls while a block runs, and none does. "
                "Use it inside: with TraceRecorder(model) as rec: ... with rec.sequence(): ..."
            )
        with self._recording.sequence():
            yield

    @property
    def scalars(self) -> dict[str, NamedArray]:
        """What was logged in this block or the last one, by name; ``coords["logged"]`` are iterations."""
        return {name: series.array(name) for name, series in self._scalars.series.items()}

    @property
    def scalars_left_out(self) -> dict[str, int]:
        """How many values of each name were no numbers, and are left out."""
        return dict(self._scalars.left_out)

    def _tell(self, _: bool) -> None:
        recording = self._recording
        if recording is not None and recording.seen > 1 and self.watch.is_due:  # else there is none before
            self.watch.update(self._progress(recording))

    def _progress(self, recording: Recording) -> Progress:
        return Progress(
            numbers=self.iterations,
            seen=recording.seen,
            apart=recording.kept.apart,
            left_out=recording.left_out | Counter({OTHER_SHAPE: recording.kept.apart}),
            scalars=self._scalars,
            take=self._one,
        )

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
        if self.store is not None and self.store.iterations:
            return self.store.trace()
        found, others = assemble(self._recording, self._sources, type(self.model).__name__)
        trace = Trace._public(found.assign(*self._scalars.arrays()))
        if self._hooks is None:  # the block is over: nothing will be added
            self._apart = {number: self.iteration(number) for number in others}
            self._trace, self._left, self._recording = trace, self._recording.kept.left(), None
        return trace

    @property
    def iterations(self) -> tuple[int, ...]:
        """The numbers of the iterations that are kept, also where :attr:`trace` cannot hold them together."""
        if self.store is not None:
            return tuple(self.store.iterations)
        if self._trace is not None:
            return tuple(sorted([*self._trace.iterations, *self._apart]))
        return () if self._recording is None else tuple(it.number for it in self._recording.iterations())

    def iteration(self, number: object) -> Trace:
        """The trace of one iteration alone; shapes may differ from one to the next.

        Args:
            number: One of :attr:`iterations`.

        Raises:
            RecordingError: Before the block.
            SelectionError: If it was not kept.
        """
        if not isinstance(number, bool) and number in tuple(self._apart):
            return self._apart[number]
        if self._trace is not None or self._recording is None or self.store is not None:
            return self.trace.iteration(number)
        return self._one(number).assign(*self._scalars.arrays())

    def _one(self, number: object) -> Trace:
        """The same, without what was logged."""
        if self._recording is None or self.store is not None:
            return self.iteration(number)
        found, _ = assemble(self._recording, self._sources, type(self.model).__name__, only=number)
        return Trace._public(found)


def _told_by(recorder: ref[TraceRecorder]) -> Callable[[bool], None]:
    def tell(is_recorded: bool) -> None:
        found = recorder()
        if found is not None:  # else its block is about to end
            found._tell(is_recorded)

    return tell


def _end(hooks: Hooks, recording: Recording, store: RecordingStore | None) -> None:
    """A block is over."""
    hooks.close()
    if recording.is_copy:
        return
    recording.close()
    if store is not None:
        store.close(recording)


def _check_path(store: object) -> Path | None:
    if store is None:
        return None
    if not isinstance(store, (str, os.PathLike)):
        raise DtypeError(f"store must be the path of a folder, got {type(store).__name__}. Pass 'run.zarr'.")
    return Path(store)


def _check_model(model: object) -> nn.Module:
    try:
        from torch import nn
    except ImportError as error:
        raise MissingDependencyError("TraceRecorder needs torch. pip install torch") from error
    if not isinstance(model, nn.Module):
        raise RecordingError(
            f"model must be a torch.nn.Module, got {type(model).__name__}. Arrays go into Trace.from_arrays."
        )
    return model
