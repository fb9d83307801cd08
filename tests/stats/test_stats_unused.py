"""Slots that nobody uses, by a loop over every weight."""

from __future__ import annotations

import numpy as np
import pytest

from nsm_widgets import Trace, stats

SLOTS = 6


def weights(seed: int, steps: int = 600, heads: int = 2) -> np.ndarray:
    """Some slots get all, the others some 0.2 % each, or exactly 1 %."""
    values = np.random.default_rng(seed).random((steps, 2, heads, SLOTS)) * 0.004
    values[..., 3] = 0.01
    values[..., 0] += 1 - values.sum(axis=-1)
    return values


def loop(*arrays: np.ndarray) -> list[bool]:
    return [
        all(float(weight) <= stats.UNUSED for array in arrays for weight in array[..., slot].reshape(-1))
        for slot in range(SLOTS)
    ]


def test_a_slot_is_unused_where_no_weight_is_above_one_percent() -> None:
    """In any step, any sample, of any head, read or written; 1 % is not above it."""
    read, write = weights(1), weights(2, heads=1)
    write[599, 1, 0, [4, 0]] = 0.02, 0.0  # one step, one sample
    read[0, 0, 1, [5, 0]] = 0.011, 0.0  # one head
    found = stats.unused_slots({"read_weights": read, "write_weights": write})
    assert found is not None
    assert found.tolist() == loop(read, write) == [False, True, True, True, False, False]
    trace = Trace.from_arrays({"read_weights": read, "write_weights": write}, check_weights=False)
    named = stats.unused_slots(trace)
    assert named is not None and named.tolist() == found.tolist()
    alone = stats.unused_slots({"write_weights": write})
    assert alone is not None and alone.tolist() == loop(write)


def test_what_is_not_known_is_used() -> None:
    """NaN in one weight, and what is not finite in the memory."""
    read, write = weights(1).astype(np.float32), weights(2).astype(np.float32)
    read[300, 1, 1, 2] = np.nan
    memory = np.zeros((600, 2, SLOTS, 3), np.float32)
    memory[599, 1, 1, 2] = -np.inf
    trace = Trace.from_arrays(
        {"read_weights": read, "write_weights": write, "memory": memory}, check_weights=False
    )
    found = stats.unused_slots(trace)
    assert found is not None and np.flatnonzero(found).tolist() == [3, 4, 5]


def test_padding_uses_nothing() -> None:
    """Steps that are padding may hold anything."""
    write = weights(2, steps=4)
    write[3, 0, 0] = 0.2
    trace = Trace.from_arrays({"write_weights": write}, check_weights=False)
    masked = trace["write_weights"]
    found = stats.unused_slots(trace)
    assert found is not None and not found.any()
    counts = np.array([1, 1, 1, 0], bool)[:, None, None, None]
    found = stats.unused_slots({"write_weights": masked}, mask={"write_weights": counts})
    assert found is not None and found.tolist() == loop(write[:3])


def test_nothing_is_said_without_weights_over_slots() -> None:
    """Of none, and of two memories."""
    assert stats.unused_slots({}) is None
    assert stats.unused_slots({"memory": np.zeros((2, 3))}) is None
    assert stats.unused_slots({"read_weights": np.eye(3), "write_weights": np.eye(4)}) is None


@pytest.mark.parametrize("steps", [1, 255, 256, 257])
def test_every_block_of_steps_is_read(steps: int) -> None:
    """Also the last one, of one step."""
    write = weights(2, steps=steps)
    write[-1, 0, 0, [5, 0]] = 0.5
    trace = Trace.from_arrays({"write_weights": write}, check_weights=False)
    found = stats.unused_slots(trace)
    assert found is not None and found.tolist() == loop(write)
