"""Which iterations of a long run are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nsm_widgets._errors import DtypeError, RecordingError
from nsm_widgets._options import is_number
from nsm_widgets.trace.record._memory_left import default_bound


class Choice:
    """What :meth:`TraceRecorder.every`, ``when``, ``last`` and ``budget`` asked for.

    >>> choice = Choice()
    >>> choice.every(10)
    >>> [iteration for iteration in range(25) if choice.wants(iteration)]
    [0, 10, 20]
    """

    def __init__(self) -> None:
        self._every = 1
        self._predicate: Callable[[int], Any] | None = None
        self.newest: int | None = None
        """Keep so many of the newest; ``None`` keeps all."""
        self.budget_mb: float | None = None
        """Keep no more than so many megabytes (1 MB is a million bytes)."""
        self._is_lifted = False
        self._default_bytes: int | None = None

    def every(self, n: object) -> None:
        """See :meth:`TraceRecorder.every`."""
        self._every = _positive_int("every(n)", n, "every(10) records iterations 0, 10, 20, ...")

    def when(self, predicate: object) -> None:
        """See :meth:`TraceRecorder.when`."""
        if not callable(predicate):
            raise DtypeError(
                f"when(predicate) takes a function of the iteration's number, got "
                f"{type(predicate).__name__}. "
                "Pass one: when(lambda iteration: iteration < 100)."
            )
        self._predicate = predicate

    def last(self, k: object) -> None:
        """See :meth:`TraceRecorder.last`."""
        self.newest = _positive_int("last(k)", k, "last(5) keeps the newest five iterations.")

    def budget(self, budget_mb: object) -> None:
        """See :meth:`TraceRecorder.budget`."""
        self._is_lifted = budget_mb is None
        if budget_mb is None:
            self.budget_mb = None
            return
        if not is_number(budget_mb) or not 0 < budget_mb < float("inf"):
            raise RecordingError(
                f"budget(budget_mb) must be a number of megabytes above 0, got {budget_mb!r}. "
                "budget(64) keeps at most 64 MB, budget(None) sets no bound."
            )
        self.budget_mb = float(budget_mb)

    def begin(self, *, in_memory: bool) -> None:
        """A block begins, which keeps its iterations in memory or on a disk."""
        bounded = in_memory and self.budget_mb is None and not self._is_lifted
        self._default_bytes = default_bound() if bounded else None

    @property
    def has_default_budget(self) -> bool:
        """Whether the bound is a share of the memory that was free."""
        return self._default_bytes is not None

    @property
    def drops_oldest(self) -> bool:
        """Whether the oldest iterations make room for new ones."""
        return self.newest is not None or self.has_default_budget

    @property
    def budget_bytes(self) -> float:
        """The budget in bytes; infinite where there is none."""
        if self.budget_mb is not None:
            return self.budget_mb * 1e6
        return float("inf") if self._default_bytes is None else self._default_bytes

    def wants(self, iteration: int) -> bool:
        """Whether this iteration is to be recorded."""
        if iteration % self._every:
            return False
        return self._predicate is None or bool(self._predicate(iteration))

    @property
    def not_chosen(self) -> str:
        """Why an iteration that is not wanted is left out."""
        asked = [f"every({self._every})"] if self._every > 1 else []
        return f"not chosen by {' and '.join(asked + (['when(...)'] if self._predicate else []))}"

    @property
    def too_old(self) -> str:
        """Why the older ones are left out."""
        return f"older than last({self.newest})"

    @property
    def over_budget(self) -> str:
        """Why no more are kept."""
        if self._default_bytes is not None:
            return f"older, beyond {self._default_bytes / 1e6:,.0f} MB"
        return f"over the budget of {self.budget_mb or 0:g} MB"


def _positive_int(call: str, value: object, remedy: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RecordingError(f"{call} must be an integer of at least 1, got {value!r}. {remedy}")
    return value
