"""The iterations of one ``with`` block: where they begin and end, which stay, and what went wrong."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from weakref import WeakSet

from nsm_widgets._errors import RecordingError, warn_or_log, words_of
from nsm_widgets.trace.record._calls import Calls
from nsm_widgets.trace.record._hooks import Observer
from nsm_widgets.trace.record._host_copy import refuse_capture
from nsm_widgets.trace.record._iteration import (
    FAILED,
    NO_STEP,
    OTHER_SHAPE,
    OUT_OF_TURN,
    Iteration,
    OverBudgetError,
)
from nsm_widgets.trace.record._kept_iterations import KeptIterations
from nsm_widgets.trace.record._which_iterations import Choice

_number = attrgetter("number")

_RUNNING: WeakSet[RecordedIterations] = WeakSet()


def _stop_in_copy() -> None:
    for iterations in _RUNNING:
        iterations.stop_in_copy()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stop_in_copy)


class RecordedIterations(Calls):
    """Those of one block that are kept, and those that run just now.

    What goes wrong while sources look on comes here, too: the iteration is left out, counted, and told of
    once.

    Args:
        choice: Which iterations to keep.
        num_sources: How many sources hand over.
        strict: Whether what goes wrong is raised, out of the model's own lines.
    """

    def __init__(self, choice: Choice, num_sources: int, *, strict: bool = False) -> None:
        super().__init__()
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
        self._first_thread = threading.get_ident()
        self._several = False
        """Whether more than one thread ran the model."""
        self._open: list[Iteration] = []
        self._told: set[str] = set()
        self.kept = KeptIterations(choice, self.left_out, self._tell)
        self._handed = 0
        self._newest_handed = -1
        self._is_full = self._is_closed = False
        self.is_copy = False
        """Whether this is a forked process, as a worker of a ``DataLoader``: nothing is recorded there."""
        _RUNNING.add(self)

    def hand_to(self, sink: Callable[[Iteration], str | None]) -> None:
        """Let each iteration that is over be taken to where it stays; only the newest one is in memory then.

        Args:
            sink: Takes it, or says why not.
        """
        self._sink = sink
        self.kept.reuses = True

    # --- where they begin and end ---------------------------------------------------------------------------

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

    def decide(self) -> None:
        """The call that waits, if one does, begins an iteration."""
        if self._run.waits:
            self.begin(anew=True, by_call=True)

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
    def number(self) -> int:
        """Of this thread's iteration, which runs or ran last; of the newest, where it has none."""
        return max(self.seen - 1, 0) if self._run.number is None else self._run.number

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

    def stop_in_copy(self) -> None:
        """This process was forked: the recording is that of the other one, whose threads are not here."""
        self.is_copy = self._is_closed = True
        self.forget_threads()
        self.lock, self._open = threading.RLock(), []

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
