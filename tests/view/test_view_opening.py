"""Where a view opens: at the last write, found by a loop, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import _opening, importance_layout, memory_layout, opening

STEPS, SLOTS, WORDS = 9, 6, 3
WRITES = {2: (1, 4.0), 4: (3, 5.0), 6: (0, 2.6), 7: (5, 0.3)}
"""At which steps a slot is written, and by how much each of its words grows."""


def memory_of(
    writes: dict[int, tuple[int, float]], dims: tuple[str, ...] = ("time", "slot", "word")
) -> Trace:
    """A memory that changes at these steps alone; a second item of a batch at the last one."""
    values = np.zeros((STEPS, 2, SLOTS, WORDS))
    for time, (slot, by) in writes.items():
        values[time:, 0, slot] += by
    values[-1:, 1] += 50
    given = values if "batch" in dims else values[:, 0]
    return memory_layout(Trace(NamedArray("memory", given, dims)))[1]


@pytest.mark.parametrize("dims", [("time", "slot", "word"), ("time", "batch", "slot", "word")], ids=" ".join)
def test_it_is_the_last_write_of_half_the_largest(dims: tuple[str, ...]) -> None:
    """Of a batch, that of the first item; the first step, whose change is not known, is none."""
    largest = max(by for _, by in WRITES.values())
    last = max(time for time, (_, by) in WRITES.items() if by >= largest / 2)
    assert (
        opening(memory_of(WRITES, dims)) == {"time": last, "slot": WRITES[last][0]} == {"time": 6, "slot": 0}
    )


def test_the_head_is_the_one_whose_weights_moved_most() -> None:
    """That writes, else that reads; one head alone is not chosen."""
    trace = memory_of(WRITES, ("time", "batch", "slot", "word"))
    weights = np.full((STEPS, 2, 3, SLOTS), 1 / SLOTS)
    weights[5, 0, 1], weights[7, 0, 2], weights[3, 1, 0] = np.eye(SLOTS)[[0, 0, 0]]
    weights[6, 0, 2] = np.eye(SLOTS)[4]

    def with_weights(name: str, heads: int = 3) -> Trace:
        found = NamedArray(
            name, weights[:, :, :heads], ("time", "batch", "head", "slot"), {}, {"kind": "weights"}
        )
        return trace.assign(found)

    assert opening(with_weights("write_weights")) == {"time": 6, "slot": 0, "head": 2}
    assert opening(with_weights("read_weights", 2)) == {"time": 6, "slot": 0, "head": 1}
    assert "head" not in opening(with_weights("write_weights", 1))


def test_nothing_is_said_where_nothing_is_known_of_a_write() -> None:
    """A memory that stays, one that diverged at once, no memory at all."""
    assert opening(memory_of({})) == {}
    assert opening(memory_of({1: (0, np.nan)})) == {}
    assert opening(Trace.from_arrays({"write_gate": np.ones((4, 1, 1))})) == {}


def test_what_grows_opens_at_its_last_step() -> None:
    """Where it is drawn; scores without steps have none."""
    weights = np.full((STEPS, 1, 1, SLOTS), 1 / SLOTS)
    _, trace = importance_layout(Trace.from_arrays({"write_weights": weights}))
    assert opening(trace, ["importance"]) == {"time": STEPS - 1}
    assert opening(trace, ["write_weights"]) == {}


def test_a_large_array_is_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a view costs no more than that."""
    trace = memory_of(WRITES)
    monkeypatch.setattr(_opening, "MOST_VALUES", STEPS * SLOTS)
    assert opening(trace) != {}
    monkeypatch.setattr(_opening, "MOST_VALUES", STEPS * SLOTS - 1)
    assert opening(trace) == {}
