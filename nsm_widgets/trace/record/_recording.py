"""What one ``with`` block of a recorder keeps: iterations, and the count of those it did not keep."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from types import FrameType
from typing import Any
from weakref import WeakSet

from nsm_widgets._errors import RecordingError, warn_or_log, words_of
from nsm_widgets.trace.arrays._convert import check_same, held_dtype, need_values
from nsm_widgets.trace.record._hooks import Observer, is_running
from nsm_widgets.trace.record._host_copy import HostCopy, refuse_capture
from nsm_widgets.trace.record._iteration import (
    FAILED,
    NO_STEP,
    OTHER_SHAPE,
    OUT_OF_TURN,
    Iteration,
    OverBudgetError,
    Part,
)
from nsm_widgets.trace.record._kept_iterations import KeptIterations
from nsm_widgets.trace.record._step_buffer import Block, Joined, StepBuffer, StepLayout
from nsm_widgets.trace.record._which_iterations import Choice

_number = attrgetter("number")

_RECORDINGS: WeakSet[Recording] = WeakSet()


def _stop_in_copy() -> None:
    for recording in _RECORDINGS:
        recording.stop_in_copy()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stop_in_copy)


class _ThreadState(threading.local):
    """What one thread does in the model. Each thread has iterations of its own."""

    current: Iteration | None = None
    """The iteration that runs and is recorded; ``None`` while one passes by."""
    began = False
    """Whether an iteration runs, recorded or not."""
    by_call = False
    """Whether a call of the watched model began it; else the first step did."""
    number: int | None = None
    """Of its iteration, which runs or ran last."""
    call: FrameType | None = None
    """What runs its call of the watched model, the outermost one."""
    depth = 0
    """How many calls of the watched model the thread is in."""
    replica = 0
    """Which of several replicas of the model it runs."""
    calls = 0
    """How many of them there were."""
    waits = False
    """Whether it is not known yet if the call that runs begins an iteration."""
    in_sequence = False
    """Whether it was told that all calls are one iteration."""
    is_early = False
    """Whether the iteration that runs began before the first call of the watched model, which joins it."""


class Recording:
    """The iterations of one ``with`` block, and those that run just now.

    Sources ask for a :meth:`part` to record into, and hand over what they saw. Memory comes from here, so
    that the budget and the reuse of what was dropped have one place. What goes wrong while they look on comes
    here, too: the iteration is left out, counted, and told of once.

    Args:
        choice: Which iterations to keep.
        num_sources: How many sources hand over.
        strict: Whether what goes wrong is raised, out of the model's own lines.
    """

    def __init__(self, choice: Choice, num_sources: int, *, strict: bool = False) -> None:
        self._choice = choice
        self._num_sources = num_sources
        self.strict = strict
        self.lock = threading.RLock()
        """Held while something is handed over."""
        self.seen = 0
        """How many iterations began."""
        self.left_out: Counter[str] = Counter()
        """How many were not kept, by reason."""
        self.problem = ""
        """What went wrong first."""
        self.listen: list[Callable[[bool], None]] = []
        """Told at the start of each iteration whether it is recorded: even an idle hook costs."""
        self._sink: Callable[[Iteration], str | None] | None = None
        self._run = _ThreadState()
        self._first_thread = threading.get_ident()
        self._several = False
        """Whether more than one thread ran the model."""
        self._open: list[Iteration] = []
        self._told: set[str] = set()
        self.kept = KeptIterations(choice, self.left_out, self._tell)
        self._handed = 0
        self._newest_handed = -1
        self._is_full = self._is_closed = False
        self._like: dict[tuple[int, int, str], tuple[tuple[int, ...], Any]] = {}
        self.is_copy = False
        """Whether this is a forked process, as a worker of a ``DataLoader``: nothing is recorded there."""
        _RECORDINGS.add(self)

    def hand_to(self, sink: Callable[[Iteration], str | None]) -> None:
        """Let each iteration that is over be taken to where it stays; only the newest one is in memory then.

        Args:
            sink: Takes it, or says why not.
        """
        self._sink = sink
        self.kept.reuses = True

    # --- iterations ----------------------------------------------------------------------------------------

    def begin_call(self, *, anew: bool) -> None:
        """A call of the watched model starts an iteration, unless it is known to belong to another.

        Args:
            anew: Whether a sequence begins there, although it was given a state.
        """
        early, self._run.is_early = self._run.is_early, False
        if not self._run.in_sequence and not early:
            self.begin(anew=anew, by_call=True)

    @contextmanager
    def before_calls(self) -> Iterator[None]:
        """What runs inside before the first call of the watched model belongs to that call's iteration."""
        run = self._run
        if not run.in_sequence and not run.depth:
            self.begin(by_call=True)
            run.is_early = True
        try:
            yield
        finally:
            run.is_early = False

    def wait(self) -> None:
        """A call starts an iteration, unless :meth:`go_on` says otherwise before anything is handed over."""
        self._run.waits = not self._run.in_sequence

    def go_on(self) -> None:
        """The call that waits goes on with the iteration before."""
        self._run.waits = False

    def decide(self) -> None:
        """The call that waits, if one does, begins an iteration."""
        if self._run.waits:
            self.begin(anew=True, by_call=True)

    @property
    def is_undecided(self) -> bool:
        """Whether a call waits."""
        return self._run.waits

    @property
    def is_told(self) -> bool:
        """Whether this thread was told where a sequence begins and ends."""
        return self._run.in_sequence

    @property
    def call_number(self) -> int:
        """Tells the calls of the watched model apart."""
        return self._run.calls

    @contextmanager
    def sequence(self) -> Iterator[None]:
        """All that this thread calls inside is one iteration.

        Raises:
            RecordingError: Inside of another one, or of a call of the model.
        """
        run = self._run
        if run.in_sequence or run.depth:
            where = "another sequence" if run.in_sequence else "a call of the recorded model"
            raise RecordingError(
                "a sequence() holds whole calls of the recorded model and no other sequence, got one within "
                f"{where}. Write one after the other: with rec.sequence(): ..."
            )
        self.begin(anew=True)
        run.in_sequence = True
        try:
            yield
        finally:
            run.in_sequence = run.began = False
            self.end()

    def begin(self, *, anew: bool = False, by_call: bool = False) -> None:
        """A new iteration of this thread starts: end the one before, and decide on this one.

        Args:
            anew: Whether a sequence begins there, although it was given a state.
            by_call: Whether a call of the watched model begins it.
        """
        self.end()
        run = self._run
        run.waits, run.by_call = False, by_call
        with self.lock:
            if self._is_closed:
                return
            run.began = True
            self._several = self._several or threading.get_ident() != self._first_thread
            if self._several:  # of a thread that is over nothing more will come
                for iteration in [each for each in self._open if not each.thread.is_alive()]:
                    self._end(iteration)
            run.number = number = self.seen
            self.seen += 1
            reason = self._why_not(number)
            if reason is None:
                run.current = Iteration(number, self._num_sources, is_anew=anew)
                self._open.append(run.current)
            else:
                self.left_out[reason] += 1
            # a hook that is off for one thread is off for all
            recorded = run.current is not None or self._several
            for listen in self.listen:
                listen(recorded)

    def _why_not(self, number: int) -> str | None:
        """Why an iteration is not recorded, if it is not."""
        try:
            wanted = self._choice.wants(number)
            if wanted and not self._is_full:
                refuse_capture()
                refuse_tracing()
        except Exception as error:
            if self.strict:
                raise
            self._tell_of(error, number)
            return FAILED
        if not wanted:
            return self._choice.not_chosen
        return self._choice.over_budget if self._is_full else None

    def end(self) -> None:
        """The running iteration of this thread is over: keep it, unless nothing came of it."""
        iteration, self._run.current = self._run.current, None
        if iteration is not None:
            with self.lock:
                self._end(iteration)

    def _end(self, iteration: Iteration) -> None:
        self._open.remove(iteration)
        cut_short = iteration.cut_short()
        reason = NO_STEP if iteration.is_empty and not cut_short else self._finish(iteration, cut_short)
        if reason is not None:
            self.left_out[reason] += 1
            self.kept.free(iteration)
            return
        self.kept.add(iteration)
        if self._sink is not None:
            self._hand_over(iteration, self._sink)
        elif self.kept.apart:
            self._tell(
                OTHER_SHAPE,
                f"iteration {iteration.number} has arrays of other shapes or types than those before, as of "
                "another batch: it is kept by itself, recorder.iteration(number). recorder.trace holds those "
                "of one shape, of which there are most, and counts the others.",
            )

    def _finish(self, iteration: Iteration, cut_short: RecordingError | None) -> str | None:
        """Settle what an iteration still holds; why that cannot be done, if so."""
        try:
            if cut_short is not None:
                raise cut_short
            self.kept.finish(iteration)
        except OverBudgetError:
            return self._choice.over_budget
        except Exception as error:
            if self.strict:
                raise
            self._tell_of(error, iteration.number)
            return FAILED
        return None

    def _hand_over(self, iteration: Iteration, sink: Callable[[Iteration], str | None]) -> None:
        """Let the sink have the iteration. What went there still counts for the budget."""
        reason: str | None = OUT_OF_TURN
        if iteration.number > self._newest_handed:
            self._newest_handed = iteration.number
            try:
                reason = sink(iteration)
            except Exception as error:
                if self.strict:
                    raise
                self._tell_of(error, iteration.number)
                reason = FAILED
        if reason is not None:
            self.left_out[reason] += 1
            self.kept.drop(iteration)
            return
        self._handed += 1
        self.kept.keep_newest_alone()

    @property
    def is_passing_by(self) -> bool:
        """Whether an iteration of this thread runs that is not recorded."""
        return self._run.current is None and self._run.began

    @property
    def may_begin(self) -> bool:
        """Whether what this thread hands over next may begin an iteration."""
        return self._run.waits or not self._run.began

    @property
    def is_inside(self) -> bool:
        """Whether this thread is in a call of the watched model."""
        return self._run.depth > 0

    @property
    def number(self) -> int:
        """Of this thread's iteration, which runs or ran last; of the newest, where it has none."""
        return max(self.seen - 1, 0) if self._run.number is None else self._run.number

    @property
    def _is_bounded(self) -> bool:
        """Whether a call bounds the iteration: where none does, shapes alone say where one ends."""
        return self._run.in_sequence or (self.is_inside and self._run.by_call)

    def enter(self, call: FrameType) -> bool:
        """This thread calls the watched model; whether from outside of it.

        Args:
            call: What runs the call.
        """
        run = self._run
        if run.call is not None and not is_running(run.call):
            run.depth, run.waits = 0, False  # an interrupt ended that call, of which torch tells no hook
        run.depth += 1
        if run.depth == 1:
            run.call = call
            run.calls += 1
        return run.depth == 1

    def leave(self) -> None:
        """The call is over; also one that failed before it was seen to begin."""
        run = self._run
        run.depth = max(0, run.depth - 1)
        if not run.depth:
            run.call = None

    def in_replica(self, number: int) -> Callable[[], Any]:
        """Makes a context for a thread that runs a replica of the model for this thread's iteration."""
        run = self._run
        asked = {name: getattr(run, name) for name in ("current", "began", "by_call", "depth")}
        asked["replica"] = number

        @contextmanager
        def inside() -> Iterator[None]:
            before = {name: getattr(run, name) for name in asked}
            vars(run).update(asked)
            try:
                yield
            finally:
                vars(run).update(before)

        return inside

    # --- what goes wrong -----------------------------------------------------------------------------------

    def guarded(self, look: Observer) -> Observer:
        """A function that looks on, as one that raises nothing: what it raised leaves the iteration out.

        A compiler or exporter that goes through the model's lines finds nothing in it, and modes that see
        each operation, as those of selective checkpoints, see none of its own.
        """
        torch = sys.modules["torch"]
        is_compiled, num_modes = torch.compiler.is_compiling, torch._C._len_torch_dispatch_stack

        def looks(*args: object, **kwargs: object) -> None:
            if is_compiled():
                return
            try:
                if num_modes():
                    with torch.utils._python_dispatch._disable_current_modes():
                        look(*args, **kwargs)
                else:
                    look(*args, **kwargs)
            except Exception as error:
                if self.strict:
                    raise
                self._leave_out(error)

        return looks

    def _leave_out(self, error: Exception) -> None:
        """Leave out what runs. Where no call bounds an iteration, the steps before the fault are kept."""
        with self.lock:
            run = self._run
            if run.current is not None and not self._is_bounded and not run.current.is_empty:
                self.begin()
            iteration, run.current = run.current, None
            run.began = self._is_bounded
            self._tell_of(error, self.seen - 1 if iteration is None else iteration.number)
            if iteration is not None:
                self._open.remove(iteration)
                self.kept.free(iteration)
                self.left_out[FAILED] += 1

    def _tell_of(self, error: Exception, number: int) -> None:
        text = f"{type(error).__name__}: {words_of(error)}"
        self.problem = self.problem or text
        self._tell(
            FAILED,
            f"iteration {number} could not be recorded, and the training goes on: {text} Later ones are "
            "counted only, in trace.attrs['iterations']. TraceRecorder(model, strict=True) raises instead.",
        )

    def _tell(self, what: str, text: str) -> None:
        if what not in self._told:
            self._told.add(what)
            warn_or_log(text)

    # --- what sources hand over ----------------------------------------------------------------------------

    def part(self, source: int) -> Part | None:
        """Where a source puts what it sees, if this iteration is recorded; the first call begins one."""
        run = self._run
        if run.waits or not run.began:
            self.begin(anew=run.waits, by_call=run.waits)
        current = run.current
        if current is None or self._is_closed:
            return None
        if not run.replica:
            return current.parts[source]
        with self.lock:
            return current.of_replica(run.replica)[source]

    def step(
        self,
        source: int,
        names: Sequence[str | Joined],
        values: Sequence[Any],
        prefix: str,
        *,
        held: int = 0,
    ) -> bool:
        """Copy one step of a source; whether it began an iteration, as its shapes are others.

        Where ``held`` is above 0, the step is copied by :meth:`settle`: of its tensors the first so many may
        be seen by others until then, and the others are the model's own.

        Raises:
            RecordingError: If it is not like the other steps of the iteration.
            DtypeError: If NumPy cannot hold its values.
        """
        with self.lock:
            return self._step(source, names, values, prefix, held)

    def settle(self, source: int) -> None:
        """Copy the steps of a source that are held.

        Raises:
            RecordingError: If one was changed meanwhile.
        """
        with self.lock:
            part = None if self._run.current is None else self.part(source)
            if part is not None and part.steps is not None:
                try:
                    part.steps.settle()
                except OverBudgetError:
                    self._give_up()

    def _step(
        self, source: int, names: Sequence[str | Joined], values: Sequence[Any], prefix: str, held: int
    ) -> bool:
        part = self.part(source)
        if part is None:
            return False
        if not names:  # of the steps themselves nothing is wanted
            part.num_steps += 1
            return False
        if part.steps is None:
            key = (source, self._run.replica)
            layout = self.kept.layout(key, names, values, prefix, alone=self.strict)
            part.steps = StepBuffer(layout, self._block, self.kept.lengths.get(key, 0))
        try:
            part.steps.hold(values, held) if held else part.steps.append(values)
        except OverBudgetError:
            self._give_up()
        except RecordingError:
            if self._is_bounded or self.strict:
                raise
            self.begin()  # nothing but the shape says where a sequence ends
            self._step(source, names, values, prefix, held)
            return True
        else:
            part.num_steps += 1
        return False

    def whole(self, source: int, name: str, tensor: Any, prefix: str) -> None:
        """Copy a sequence of steps, time leading, that a source has seen as a whole."""
        if self.strict:
            like = (tuple(tensor.shape[1:]), tensor.dtype)
            first = self._like.setdefault((source, self._run.replica, name), like)
            check_same(prefix + name, first, like)
        part, copy = self.part(source), self.copy(tensor, prefix + name)
        if part is not None and copy is not None:
            part.whole.setdefault(name, []).append(copy)

    def first(self, source: int, name: str, tensor: object, prefix: str) -> None:
        """Copy what there was before the first step of this iteration."""
        part, copy = self.part(source), self.copy(tensor, prefix + name)
        if part is not None and copy is not None:
            part.first[name] = copy

    def call(self, source: int, key: object, tensor: object, name: str) -> None:
        """Copy what a single call gave."""
        part, copy = self.part(source), self.copy(tensor, name)
        if part is not None and copy is not None:
            part.calls.append((key, copy))

    def coord(self, source: int, key: object, tensor: object, name: str) -> None:
        """Copy what belongs to a call or a step, such as a mask."""
        part, copy = self.part(source), self.copy(tensor, name)
        if part is not None and copy is not None:
            part.coords.append((key, copy))

    def copy(self, tensor: Any, name: str) -> HostCopy | None:
        """A copy of a tensor on its way to the host, or ``None`` where the budget is used up.

        Raises:
            DtypeError: If NumPy cannot hold its values.
        """
        held, source_dtype = held_dtype(tensor, name)
        need_values(tensor, name)
        with self.lock:
            try:
                self.kept.reserve(tensor.numel() * held.itemsize, self._run.current)
            except OverBudgetError:
                self._give_up()
                return None
        torch = sys.modules["torch"]
        with torch.no_grad():
            return HostCopy(tensor.detach().to(held, copy=True), source_dtype)

    def stop_in_copy(self) -> None:
        """This process was forked: the recording is that of the other one, whose threads are not here."""
        self.is_copy = self._is_closed = True
        self.lock, self._run, self._open = threading.RLock(), _ThreadState(), []

    # --- the end -------------------------------------------------------------------------------------------

    def close(self) -> None:
        """No iteration will follow."""
        with self.lock:
            self._run.current = self._run.call = None
            try:
                for iteration in sorted(self._open, key=_number):
                    self._end(iteration)
            finally:
                self._is_closed = True
                self.kept.close()

    def iterations(self) -> Sequence[Iteration]:
        """All that are kept, oldest first, with those that run as far as they are."""
        with self.lock:
            running = [iteration for iteration in self._open if not iteration.is_empty]
            return sorted([*self.kept.iterations, *running], key=_number)

    def _block(self, layout: StepLayout, steps: int) -> Block:
        return self.kept.block(layout, steps, self._run.current)

    def _give_up(self) -> None:
        """The running iteration does not fit: leave it out, and where the oldest stay all that follow."""
        iteration, self._run.current = self._run.current, None
        if iteration is None:
            return
        follow = "" if self._choice.drops_oldest else ", and all that follow are counted and not kept"
        self._tell(
            "budget",
            f"the recording reached its budget of {self._choice.budget_bytes / 1e6:g} MB with "
            f"{self._handed or len(self.kept.iterations)} iterations kept: "
            f"iteration {iteration.number} is not kept{follow}. "
            "Record fewer (every(n), last(k)), or allow more with budget(...).",
        )
        self.left_out[self._choice.over_budget] += 1
        self._is_full = not self._choice.drops_oldest
        self._open.remove(iteration)
        self.kept.free(iteration)


def refuse_tracing() -> None:
    """Raise while a model is traced or transformed: what runs then has no values that could be kept.

    Raises:
        RecordingError: If ``torch.jit.trace``, ``torch.export`` or a transform of ``torch.func`` runs.
    """
    torch = sys.modules["torch"]
    if torch.jit.is_tracing() or torch.compiler.is_compiling():
        raise RecordingError(
            "a recorded model must run, got one that torch.jit.trace or torch.export writes down. Trace it "
            "outside of the block."
        )
    if torch._C._are_functorch_transforms_active():
        raise RecordingError(
            "a recorded model must run by itself, got one within a transform of torch.func (vmap, grad), "
            "whose tensors have no values. Call it without one to see what it does."
        )
