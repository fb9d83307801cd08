"""Who looks on while a recording runs: how often they are told, and that no failure of theirs ends it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Trace, TraceRecorder
from nsm_widgets.trace.record._logged import Scalars
from nsm_widgets.trace.record._watch import BYTES_PER_S, LEAST_S, SHARE, Progress, Watch

PROGRESS = Progress(numbers=(), seen=0, left_out={}, scalars=Scalars(), take=lambda number: Trace())


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Onlooker:
    """Notes what it is told; takes time, sends bytes or fails as it is asked to."""

    def __init__(self, clock: Clock | None = None, takes: float = 0.0, sends: int = 0) -> None:
        self.clock, self.takes, self.sends = clock, takes, sends + 1
        self.told: list[tuple[int, ...]] = []
        self.ended: list[BaseException | None] = []
        self.fails = False

    def begin(self) -> None:
        self.told.clear()

    def update(self, progress: Progress) -> int:
        self.told.append(progress.numbers)
        if self.clock is not None:
            self.clock.now += self.takes
        if self.fails:
            raise RuntimeError("no page")
        return self.sends

    def end(self, progress: Progress, whole: Callable[[], Trace], error: BaseException | None) -> None:
        self.told.append(progress.numbers)
        self.ended.append(error)


@pytest.mark.parametrize(
    ("takes", "sends", "pause"),
    [
        (0.001, 0, LEAST_S),
        (0.1, 0, 0.1 / SHARE),
        (0.001, int(10 * BYTES_PER_S), 10.0),
    ],
    ids=["quick", "slow", "large"],
)
def test_an_update_is_followed_by_a_pause(takes: float, sends: int, pause: float) -> None:
    """At least a quarter of a second; longer after one that took long, or sent much."""
    clock = Clock()
    watch = Watch(clock)
    watch.add(Onlooker(clock, takes, sends))
    watch.begin()
    assert watch.is_due
    watch.update(PROGRESS)  # the first one sets up what is needed once
    clock.now += LEAST_S
    assert watch.is_due
    watch.update(PROGRESS)
    clock.now += pause - 1e-6
    assert not watch.is_due
    clock.now += 2e-6
    assert watch.is_due


def test_updates_take_a_small_share_of_the_time_whatever_they_cost() -> None:
    """Iterations of 10 ms, updates of 40 ms: of the whole time updates take 2 %, and so less than 5."""
    clock = Clock()
    watch, onlooker = Watch(clock), Onlooker(clock, takes=0.04)
    watch.add(onlooker)
    watch.begin()
    start = clock.now
    for _ in range(10_000):
        clock.now += 0.01
        if watch.is_due:
            watch.update(PROGRESS)
    spent = 0.04 * len(onlooker.told)
    assert len(onlooker.told) > 50
    assert spent / (clock.now - start - spent) < 0.05


def test_nobody_is_told_where_nobody_looks_on() -> None:
    """Without a watcher nothing is ever due."""
    assert not Watch().is_due


def test_a_failing_watcher_is_warned_of_once_and_counted() -> None:
    """The training goes on; a second failure is counted, and says nothing."""
    clock = Clock()
    watch, onlooker = Watch(clock), Onlooker()
    watch.add(onlooker)
    onlooker.fails = True
    with pytest.warns(RuntimeWarning, match="the training goes on: RuntimeError: no page"):
        watch.update(PROGRESS)
    watch.update(PROGRESS)
    assert watch.failures == 2


def test_a_failing_watcher_ends_no_training_where_warnings_are_errors() -> None:
    """Also the warning itself is kept from the training loop. Here they are errors."""
    onlooker = Onlooker()
    onlooker.fails = True
    model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
    rec = TraceRecorder(model)
    rec.watch.add(onlooker)
    with rec, torch.no_grad():
        for _ in range(3):
            model(torch.zeros(5, 1, 3))
    assert rec.trace.iterations == (0, 1, 2)
    assert rec.watch.failures == 1


def test_a_watcher_hears_of_whole_iterations_and_of_the_end() -> None:
    """It is told of an iteration when the next one begins, of the newest at the end, and of an error."""
    onlooker = Onlooker()
    model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
    rec = TraceRecorder(model).last(2)
    rec.watch.add(onlooker)
    with pytest.raises(ValueError, match="diverged"), rec, torch.no_grad():
        for _ in range(3):
            model(torch.zeros(5, 1, 3))
        raise ValueError("diverged")
    assert onlooker.told == [(0,), (1, 2)]  # then it was too soon; the newest comes at the end
    assert [str(error) for error in onlooker.ended] == ["diverged"]
    rec.watch.remove(onlooker)
    assert not rec.watch
