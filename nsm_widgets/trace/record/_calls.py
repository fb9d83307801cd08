"""What the threads that run a model are in: calls of it, sequences, replicas."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from nsm_widgets.trace.record._hooks import is_running
from nsm_widgets.trace.record._iteration import Iteration


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


class Calls:
    """Knows what each thread is in, and decides nothing."""

    def __init__(self) -> None:
        self.forget_threads()

    def forget_threads(self) -> None:
        """No thread is in anything."""
        self._run = _ThreadState()

    def wait(self) -> None:
        """A call starts an iteration, unless :meth:`go_on` says otherwise before anything is handed over."""
        self._run.waits = not self._run.in_sequence

    def go_on(self) -> None:
        """The call that waits goes on with the iteration before."""
        self._run.waits = False

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
