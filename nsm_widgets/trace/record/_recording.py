"""What sources hand over to the iteration that runs: steps, sequences, calls, and what belongs to them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._convert import check_same, held_dtype, need_values
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._iteration import OverBudgetError, Part
from nsm_widgets.trace.record._recorded_iterations import RecordedIterations
from nsm_widgets.trace.record._step_buffer import Block, Joined, StepBuffer, StepLayout
from nsm_widgets.trace.record._which_iterations import Choice

if TYPE_CHECKING:
    from torch import Tensor


class Recording(RecordedIterations):
    """What one block keeps.

    Sources ask for a :meth:`part` to record into, and hand over what they saw. Memory comes from here, so
    that the budget and the reuse of what was dropped have one place.

    Args:
        choice: Which iterations to keep.
        num_sources: How many sources hand over.
        strict: Whether what goes wrong is raised, out of the model's own lines.
    """

    def __init__(self, choice: Choice, num_sources: int, *, strict: bool = False) -> None:
        super().__init__(choice, num_sources, strict=strict)
        self._like: dict[tuple[int, int, str], tuple[tuple[int, ...], Any]] = {}

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

    def steps(
        self, source: int, names: Sequence[str | Joined], steps: Sequence[Sequence[Any]], prefix: str
    ) -> bool:
        """Copy steps that look alike; whether they began an iteration, as their shapes are others.

        Raises:
            RecordingError: If they are not like the other steps of the iteration.
            DtypeError: If NumPy cannot hold their values.
        """
        with self.lock:
            return self._steps(source, names, steps, prefix)

    def _steps(
        self, source: int, names: Sequence[str | Joined], steps: Sequence[Sequence[Any]], prefix: str
    ) -> bool:
        part = self.part(source)
        if part is None:
            return False
        if not names:  # of the steps themselves nothing is wanted
            part.num_steps += len(steps)
            return False
        if part.steps is None:
            key = (source, self._run.replica)
            layout = self.kept.layout(key, names, steps[0], prefix, alone=self.strict)
            part.steps = StepBuffer(layout, self._block, self.kept.lengths.get(key, 0))
        try:
            part.steps.extend(steps)
        except OverBudgetError:
            self._give_up()
        except RecordingError:
            if self._is_bounded or self.strict:
                raise
            self.begin()  # nothing but the shape says where a sequence ends
            self._steps(source, names, steps, prefix)
            return True
        else:
            part.num_steps += len(steps)
        return False

    def whole(self, source: int, name: str, tensor: Tensor, prefix: str) -> None:
        """Copy a sequence of steps, time leading, that a source has seen as a whole."""
        if self.strict:
            like = (tuple(tensor.shape[1:]), tensor.dtype)
            first = self._like.setdefault((source, self._run.replica, name), like)
            check_same(prefix + name, first, like)
        part, copy = self.part(source), self.copy(tensor, prefix + name)
        if part is not None and copy is not None:
            part.whole.setdefault(name, []).append(copy)

    def first(self, source: int, name: str, tensor: Tensor, prefix: str) -> None:
        """Copy what there was before the first step of this iteration."""
        part, copy = self.part(source), self.copy(tensor, prefix + name)
        if part is not None and copy is not None:
            part.first[name] = copy

    def call(self, source: int, key: object, tensor: Tensor, name: str) -> None:
        """Copy what a single call gave."""
        part, copy = self.part(source), self.copy(tensor, name)
        if part is not None and copy is not None:
            part.calls.append((key, copy))

    def coord(self, source: int, key: object, tensor: Tensor, name: str) -> None:
        """Copy what belongs to a call or a step, such as a mask."""
        part, copy = self.part(source), self.copy(tensor, name)
        if part is not None and copy is not None:
            part.coords.append((key, copy))

    def copy(self, tensor: Tensor, name: str) -> HostCopy | None:
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
