"""Who watches a recording while it runs, told so seldom that training hardly slows down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol, runtime_checkable

from nsm_widgets._errors import warn_or_log, words_of
from nsm_widgets.trace._trace import Trace
from nsm_widgets.trace.record._logged import Scalars

LEAST_S = 0.25
"""Between two updates at least so long: a reader sees four pictures a second as a film."""

SHARE = 0.02
"""Of the training's time, what updates take at most; what a kernel's sending thread takes comes on top."""

BYTES_PER_S = 24e6
"""What updates send at most, averaged from one to the next."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recording is, at the end of an iteration."""

    numbers: tuple[int, ...]
    """The iterations that are kept now, oldest first."""
    seen: int
    """How many iterations began."""
    left_out: Mapping[str, int]
    """How many were not kept, by reason, and those that are kept apart."""
    scalars: Scalars
    take: Callable[[int], Trace]
    """The trace of one of these iterations."""
    apart: int = 0
    """How many of the kept ones have other shapes than most."""


@runtime_checkable
class Watcher(Protocol):
    """What looks on."""

    def begin(self) -> None:
        """A block begins."""

    def update(self, progress: Progress) -> int:
        """Observer at what is new; how many bytes were sent."""

    def end(self, progress: Progress, whole: Callable[[], Trace], error: BaseException | None) -> None:
        """The block is over.

        Args:
            progress: As in :meth:`update`.
            whole: Gives all that was recorded; it may refuse.
            error: What ended the block early.
        """


class Watch:
    """Tells watchers of a recording, at the end of an iteration and no more often than is due.

    An update that took long, or sent much, is followed by a longer pause; not so the first of a block, which
    sets up what later ones need. A watcher that fails is warned of
    once and counted; the training goes on.

    Args:
        clock: Seconds, ascending.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._watchers: list[Watcher] = []
        self._next = float("-inf")
        self._updates = 0
        self.failures = 0
        """How often a watcher failed."""

    def __bool__(self) -> bool:
        return bool(self._watchers)

    def add(self, watcher: Watcher) -> None:
        """Tell this one, too, from now on."""
        self._watchers.append(watcher)

    def remove(self, watcher: Watcher) -> None:
        """Tell this one no more."""
        self._watchers = [each for each in self._watchers if each is not watcher]

    @property
    def is_due(self) -> bool:
        """Whether anybody is to be told now."""
        return bool(self._watchers) and self._clock() >= self._next

    def begin(self) -> None:
        """A block begins."""
        self._next, self._updates = float("-inf"), 0
        for watcher in self._watchers:
            self._guarded(watcher.begin)

    def update(self, progress: Progress) -> None:
        """Tell what is new, and find out when that may be done again."""
        start, sent = self._clock(), 0
        for watcher in self._watchers:
            sent += self._guarded(lambda watcher=watcher: watcher.update(progress)) or 0  # type: ignore[misc]
        now = self._clock()
        pause = max((now - start) / SHARE, sent / BYTES_PER_S) if self._updates else 0.0
        self._next = now + max(LEAST_S, pause)
        self._updates += sent > 0

    def end(self, progress: Progress, whole: Callable[[], Trace], error: BaseException | None) -> None:
        """The block is over: what is newest always arrives."""
        for watcher in self._watchers:
            self._guarded(lambda watcher=watcher: watcher.end(progress, whole, error))  # type: ignore[misc]

    def _guarded(self, act: Callable[[], int | None]) -> int | None:
        try:
            return act()
        except Exception as error:
            self.failures += 1
            if self.failures == 1:
                warn_or_log(
                    f"a view of the running recording failed and the training goes on: "
                    f"{type(error).__name__}: {words_of(error)}. Later failures are counted only."
                )
            return None
