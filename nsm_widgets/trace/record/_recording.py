"""What one ``with`` block of a recorder keeps: iterations, and the count of those it did not keep."""

from __future__ import annotations

import sys
import warnings
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from nsm_widgets.trace.arrays._convert import check_same, held_dtype
from nsm_widgets.trace.record._host_copy import HostCopy, refuse_capture
from nsm_widgets.trace.record._iteration import NO_STEP, Iteration, Left, OverBudgetError, Part
from nsm_widgets.trace.record._prefetch import Prefetch
from nsm_widgets.trace.record._step_buffer import Block, Joined, StepBuffer, StepLayout
from nsm_widgets.trace.record._which_iterations import Choice

LEFT_BYTES = 64 << 20
"""So much memory of a recording that is over is kept for the next block of the same recorder."""


class Recording:
    """The iterations of one ``with`` block, and the one that runs just now.

    Sources ask :attr:`current` whether to record, and hand over what they saw. Memory comes from here, so
    that the budget and the reuse of what was dropped have one place.

    Args:
        choice: Which iterations to keep.
        num_sources: How many sources hand over.
        replica: Which of several replicas of the model the calling thread runs.
        guard: Held while something is handed over.
    """

    def __init__(
        self,
        choice: Choice,
        num_sources: int,
        replica: Callable[[], int] = lambda: 0,
        guard: AbstractContextManager[object] = nullcontext(),  # noqa: B008 - it keeps nothing
    ) -> None:
        self._choice = choice
        self._num_sources = num_sources
        self.current: Iteration | None = None
        """The iteration that runs and is recorded; ``None`` while one passes by."""
        self.seen = 0
        """How many iterations began."""
        self.left_out: Counter[str] = Counter()
        """How many were not kept, by reason."""
        self.listen: list[Callable[[bool], None]] = []
        """Told at the start of each iteration whether it is recorded: even an idle hook costs."""
        self.sink: Callable[[Iteration], None] | None = None
        """Takes each iteration that is over to where it stays; only the newest one is in memory then."""
        self._handed = 0
        self._kept: deque[Iteration] = deque()
        self._bytes = 0
        self._is_full = False
        self._spare: dict[tuple[int, int], list[Block]] = {}
        self._prefetch = Prefetch()
        self._before: dict[tuple[int, int], StepLayout] = {}
        self._layouts: dict[tuple[int, int], StepLayout] = {}
        self._lengths: dict[tuple[int, int], int] = {}
        self._like: dict[tuple[int, int, str], tuple[tuple[int, ...], Any]] = {}
        self._replica = replica
        self.guard = guard
        """Held while something is handed over."""

    def begin(self) -> None:
        """A new iteration starts: end the one before, and decide whether to record this one.

        Raises:
            RecordingError: If a CUDA graph is being captured.
        """
        refuse_capture()
        self.end()
        number, self.seen = self.seen, self.seen + 1
        if not self._choice.wants(number):
            self.left_out[self._choice.not_chosen] += 1
        elif self._is_full:
            self.left_out[self._choice.over_budget] += 1
        else:
            self.current = Iteration(number, self._num_sources)
        for listen in self.listen:
            listen(self.current is not None)

    @property
    def is_passing_by(self) -> bool:
        """Whether an iteration runs that is not recorded."""
        return self.current is None and self.seen > 0

    def part(self, source: int) -> Part | None:
        """Where a source puts what it sees, if this iteration is recorded; the first call begins one."""
        if not self.seen:
            self.begin()
        current = self.current
        if current is None:
            return None
        number = self._replica()
        if number == 0:
            return current.parts[source]
        with self.guard:
            return current.of_replica(number)[source]

    def step(self, source: int, names: Sequence[str | Joined], values: Sequence[Any], prefix: str) -> None:
        """Copy one step of a source."""
        with self.guard:
            self._step(source, names, values, prefix)

    def _step(self, source: int, names: Sequence[str | Joined], values: Sequence[Any], prefix: str) -> None:
        part = self.part(source)
        if part is None:
            return
        if not names:  # of the steps themselves nothing is wanted
            part.num_steps += 1
            return
        if part.steps is None:
            key = (source, self._replica())
            if key not in self._layouts:
                before = self._before.get(key)
                if before is None or not before.is_like(names, values):
                    before = StepLayout(dict(zip(names, values, strict=True)), prefix)
                self._layouts[key] = before
            part.steps = StepBuffer(self._layouts[key], self._block, self._lengths.get(key, 0))
        try:
            part.steps.append(values)
        except OverBudgetError:
            self._give_up()
        else:
            part.num_steps += 1

    def whole(self, source: int, name: str, tensor: Any, prefix: str) -> None:
        """Copy a sequence of steps, time leading, that a source has seen as a whole.

        Raises:
            RecordingError: If shape or dtype are not those of the first sequence, but for the length.
        """
        like = (tuple(tensor.shape[1:]), tensor.dtype)
        check_same(prefix + name, self._like.setdefault((source, self._replica(), name), like), like)
        part, copy = self.part(source), self.copy(tensor, prefix + name)
        if part is not None and copy is not None:
            part.whole.setdefault(name, []).append(copy)

    def first(self, source: int, name: str, tensor: Any, prefix: str) -> None:
        """Copy what there was before the first step of this iteration."""
        part, copy = self.part(source), self.copy(tensor, prefix + name)
        if part is not None and copy is not None:
            part.first[name] = copy

    def call(self, source: int, key: Any, tensor: Any, name: str) -> None:
        """Copy what a single call gave."""
        part, copy = self.part(source), self.copy(tensor, name)
        if part is not None and copy is not None:
            part.calls.append((key, copy))

    def coord(self, source: int, key: Any, tensor: Any, name: str) -> None:
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
        try:
            with self.guard:
                self._reserve(tensor.numel() * held.itemsize)
        except OverBudgetError:
            with self.guard:
                self._give_up()
            return None
        torch = sys.modules["torch"]
        with torch.no_grad():
            return HostCopy(tensor.detach().to(held, copy=True), source_dtype)

    def end(self) -> None:
        """The running iteration is over: keep it, unless nothing came of it."""
        iteration, self.current = self.current, None
        if iteration is None:
            return
        for key, part in iteration.all_parts():
            if part.steps is not None:
                self._lengths[key] = len(part.steps)
                spare = part.steps.spare_steps * part.steps.layout.step_bytes
                part.steps.finish(reused=self._reuses)
                iteration.num_bytes -= spare
                self._bytes -= spare
        if iteration.is_empty:
            self.left_out[NO_STEP] += 1
            self._free(iteration)
        else:
            self._kept.append(iteration)
            self._hand_over(iteration)

    def _hand_over(self, iteration: Iteration) -> None:
        """Let the sink have the iteration. What went there still counts for the budget."""
        if self.sink is None:
            return
        self.sink(iteration)
        self._handed += 1
        while len(self._kept) > 1:
            self._recycle(self._kept.popleft())

    @property
    def _reuses(self) -> bool:
        """Whether iterations go while the block runs, and leave their memory."""
        return self._choice.newest is not None or self.sink is not None

    def close(self) -> None:
        """No iteration will follow."""
        self.end()
        self._prefetch.close()
        self._spare.clear()

    def left(self) -> Left:
        """Memory of this recording, for the next one, once nobody will ask for its values any more."""
        left, room = Left(self._layouts), LEFT_BYTES
        parts = [part for iteration in self._kept for _, part in iteration.all_parts()]
        for steps in [part.steps for part in parts if part.steps is not None]:
            for block in steps.blocks:
                room -= block.capacity * steps.layout.step_bytes
                if room >= 0:
                    left.blocks.append((steps.layout, block))
        return left

    def reuse(self, left: Left) -> None:
        """Fill memory that an earlier block of the recorder left, where steps look alike."""
        self._before = left.layouts
        for layout, block in left.blocks:
            self._spare.setdefault((id(layout), block.capacity), []).append(block)

    def iterations(self) -> Sequence[Iteration]:
        """All that are kept, oldest first, with the one that runs as far as it is."""
        running = [self.current] if self.current is not None and not self.current.is_empty else []
        return [*self._kept, *running]

    def _block(self, layout: StepLayout, steps: int) -> Block:
        """Memory for steps, fewer where the budget ends: what a dropped iteration left, or new."""
        self._make_room()
        while (room := self._room(layout)) < steps and self._choice.newest is not None and self._kept:
            self._forget_oldest(self._choice.over_budget)
        steps = min(steps, max(room, 1))
        self._reserve(steps * layout.step_bytes)
        spare = self._spare.get((id(layout), steps))
        if spare:
            return spare.pop()
        made = self._prefetch.take(layout, steps) or layout.block(steps)
        if steps in self._lengths.values() and steps <= self._room(layout) and not self._reuses:
            self._prefetch.prepare(layout, steps)
        return made

    def _room(self, layout: StepLayout) -> int:
        """How many steps still fit into the budget."""
        left = min(self._choice.budget_bytes - self._bytes, sys.maxsize)
        steps: int = int(left) // max(layout.step_bytes, 1)
        return steps

    def _make_room(self) -> None:
        """Where the ring is full and the running iteration takes its first step, the oldest one goes."""
        if self.current is not None and not self.current.num_bytes and len(self._kept) == self._choice.newest:
            self._forget_oldest(self._choice.too_old)

    def _reserve(self, num_bytes: int) -> None:
        self._make_room()
        while self._bytes + num_bytes > self._choice.budget_bytes:
            if self._choice.newest is None or not self._kept:
                raise OverBudgetError
            self._forget_oldest(self._choice.over_budget)
        self._bytes += num_bytes
        if self.current is not None:
            self.current.num_bytes += num_bytes

    def _give_up(self) -> None:
        """The running iteration does not fit: leave it out, and with it all that follow, but for ``last``."""
        iteration, self.current = self.current, None
        if iteration is None:
            return
        if not self.left_out[self._choice.over_budget]:
            follow = "" if self._choice.newest else ", and all that follow are counted and not kept"
            warnings.warn(
                f"the recording reached its budget of {self._choice.budget_mb:g} MB with "
                f"{self._handed or len(self._kept)} iterations kept: "
                f"iteration {iteration.number} is not kept{follow}. "
                "Record fewer (every(n), last(k)), or allow more with budget(...).",
                RuntimeWarning,
                stacklevel=2,
            )
        self.left_out[self._choice.over_budget] += 1
        self._is_full = self._choice.newest is None
        self._free(iteration)

    def _forget_oldest(self, reason: str) -> None:
        self.left_out[reason] += 1
        self._free(self._kept.popleft())

    def _free(self, iteration: Iteration) -> None:
        """Give an iteration's bytes back, and keep its blocks for the next one of that length."""
        self._bytes -= iteration.num_bytes
        if self._reuses:
            self._recycle(iteration)

    def _recycle(self, iteration: Iteration) -> None:
        for _, part in iteration.all_parts():
            if part.steps is not None and not part.steps.layout.on_device:  # whose own pool knows streams
                for block in part.steps.blocks:
                    self._spare.setdefault((id(part.steps.layout), block.capacity), []).append(block)
