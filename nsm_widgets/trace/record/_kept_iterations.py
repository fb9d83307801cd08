"""The iterations that a recording keeps, and the memory that all of it takes."""

from __future__ import annotations

import sys
from bisect import insort
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any

from nsm_widgets.trace.record._iteration import Iteration, Left, OverBudgetError
from nsm_widgets.trace.record._prefetch import Prefetch
from nsm_widgets.trace.record._spare_blocks import SpareBlocks
from nsm_widgets.trace.record._step_buffer import Block, Joined, StepLayout
from nsm_widgets.trace.record._which_iterations import Choice

LEFT_BYTES = 64 << 20
"""So much memory of iterations that are kept no more waits for others, also for the recorder's next block."""

Key = tuple[int, int]
"""A source and a replica."""


class KeptIterations:
    """Iterations that are over, within a budget, and blocks of memory for those that run.

    Args:
        choice: What is to be kept.
        left_out: Where those that go are counted, by reason.
        tell: Tells something once.
    """

    def __init__(self, choice: Choice, left_out: Counter[str], tell: Callable[[str, str], None]) -> None:
        self._choice = choice
        self._left_out = left_out
        self._tell = tell
        self.iterations: list[Iteration] = []
        """Oldest first."""
        self.reuses = choice.newest is not None
        """Whether iterations go while the block runs, and leave their memory."""
        self.lengths: dict[Key, int] = {}
        """How many steps the last iteration had."""
        self._kinds: Counter[Hashable] = Counter()
        self._bytes = 0
        self._spare = SpareBlocks()
        self._prefetch = Prefetch()
        self._before: dict[Key, list[StepLayout]] = {}
        self._layouts: dict[Key, list[StepLayout]] = {}

    @property
    def apart(self) -> int:
        """How many iterations have arrays of other shapes than most."""
        return self._kinds.total() - max(self._kinds.values(), default=0)

    def finish(self, iteration: Iteration) -> None:
        """Nothing more will come of an iteration: memory that it did not need is free."""
        for key, part in iteration.all_parts():
            if part.steps is not None:
                self.lengths[key] = len(part.steps)
                spare = part.steps.spare_steps * part.steps.layout.step_bytes
                part.steps.finish(reused=self.reuses)
                iteration.num_bytes -= spare
                self._bytes -= spare

    def add(self, iteration: Iteration) -> None:
        """Keep one that is over."""
        insort(self.iterations, iteration, key=attrgetter("number"))
        self._kinds[iteration.kind] += 1
        while self._choice.newest is not None and len(self.iterations) > self._choice.newest:
            self._forget_oldest(self._choice.too_old)  # of several threads, or of nothing that takes memory

    def drop(self, iteration: Iteration) -> None:
        """Keep it no more."""
        self.iterations.remove(iteration)
        self._kinds[iteration.kind] -= 1
        self.free(iteration)

    def keep_newest_alone(self) -> None:
        """The others are elsewhere by now; they still count for the budget."""
        while len(self.iterations) > 1:
            gone = self.iterations.pop(0)
            self._kinds[gone.kind] -= 1
            self._recycle(gone)

    def free(self, iteration: Iteration) -> None:
        """Give an iteration's bytes back, and keep its blocks for the next one of that length."""
        self._bytes -= iteration.num_bytes
        if self.reuses:
            self._recycle(iteration)

    def layout(
        self, key: Key, names: Sequence[str | Joined], values: Sequence[Any], prefix: str, *, alone: bool
    ) -> StepLayout:
        """What such steps of a source look like: a layout that is known, or a new one.

        Args:
            key: Whose steps.
            names: Their names.
            values: One step.
            prefix: Begins the names, in errors.
            alone: Whether there may be just one.

        Raises:
            RecordingError: If there may, and these look otherwise.
            DtypeError: If NumPy cannot hold the values.
        """
        known = self._layouts.setdefault(key, [])
        for layout in known:
            if layout.is_like(names, values):
                return layout
        if alone and known:
            known[0].check(values)
        before = (layout for layout in self._before.get(key, ()) if layout.is_like(names, values))
        known.append(next(before, None) or StepLayout(dict(zip(names, values, strict=True)), prefix))
        return known[-1]

    def block(self, layout: StepLayout, steps: int, current: Iteration | None) -> Block:
        """Memory for steps of an iteration, fewer where the budget ends: what a dropped one left, or new."""
        self._keep_ring(current)
        while (room := self._room(layout)) < steps and self._choice.drops_oldest and self.iterations:
            self._forget_oldest(self._choice.over_budget)
        steps = min(steps, max(room, 1))
        self.reserve(steps * layout.step_bytes, current)
        spare = self._spare.take(layout, steps)
        if spare is not None:
            return spare
        made = self._prefetch.take(layout, steps) or layout.block(steps)
        if steps in self.lengths.values() and steps <= self._room(layout) and not self.reuses:
            self._prefetch.prepare(layout, steps)
        return made

    def reserve(self, num_bytes: int, current: Iteration | None) -> None:
        """Note that an iteration takes so many bytes.

        Raises:
            OverBudgetError: If there is no room.
        """
        self._keep_ring(current)
        while self._bytes + num_bytes > self._choice.budget_bytes:
            if not self._choice.drops_oldest or not self.iterations:
                raise OverBudgetError
            self._forget_oldest(self._choice.over_budget)
        self._bytes += num_bytes
        if current is not None:
            current.num_bytes += num_bytes

    def close(self) -> None:
        """No iteration will follow."""
        self._prefetch.close()
        self._spare.clear()

    def left(self) -> Left:
        """Memory of this recording, for the next one, once nobody will ask for its values any more."""
        left, room = Left(self._layouts), LEFT_BYTES
        parts = [part for iteration in self.iterations for _, part in iteration.all_parts()]
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
            self._spare.put(layout, block, LEFT_BYTES)

    def _room(self, layout: StepLayout) -> int:
        """How many steps still fit into the budget."""
        left = min(self._choice.budget_bytes - self._bytes, sys.maxsize)
        steps: int = int(left) // max(layout.step_bytes, 1)
        return steps

    def _keep_ring(self, current: Iteration | None) -> None:
        """Where the ring is full and the running iteration takes its first step, the oldest one goes."""
        if current is not None and not current.num_bytes and len(self.iterations) == self._choice.newest:
            self._forget_oldest(self._choice.too_old)

    def _forget_oldest(self, reason: str) -> None:
        if reason == self._choice.over_budget and self._choice.has_default_budget:
            self._tell(
                "default budget",
                f"the recording reached {self._choice.budget_bytes / 1e6:,.0f} MB, a quarter of the memory "
                "that was free when it began: from now on the oldest iterations go, and are counted. Keep "
                "fewer (every(n), last(k)), record to a disk (store=...), or set another bound: budget(MB); "
                "budget(None) sets none.",
            )
        self._left_out[reason] += 1
        self.drop(self.iterations[0])

    def _recycle(self, iteration: Iteration) -> None:
        most = min(max(LEFT_BYTES, iteration.num_bytes), self._choice.budget_bytes)
        for _, part in iteration.all_parts():
            if part.steps is not None and not part.steps.layout.on_device:  # whose own pool knows streams
                for block in part.steps.blocks:
                    self._spare.put(part.steps.layout, block, most)
