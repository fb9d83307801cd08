"""Arrays that views compute from a trace, whatever its length."""

from __future__ import annotations

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets.view import _derived
from nsm_widgets.view._derived import memory_change


def test_a_long_memory_is_worked_on_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the length of a block, the changes are those of the whole; later sequences begin unknown."""
    memory = np.random.default_rng(3).normal(size=(11, 2, 4, 3))
    trace = Trace.from_arrays(
        {"memory": memory, "initial_memory": np.zeros((2, 4, 3))}, attrs={"sequence_starts": [0, 5, 6]}
    )
    before = np.concatenate([np.zeros((1, 2, 4, 3)), memory[:-1]])
    expected = np.sqrt(((memory - before) ** 2).sum(axis=-1))
    expected[[5, 6]] = np.nan
    for values in (1, 24, 5 * 24, 10**6):
        monkeypatch.setattr(_derived, "BLOCK_VALUES", values)
        np.testing.assert_allclose(memory_change(trace).values, expected, rtol=1e-6)


def test_the_change_of_a_cropped_memory_is_known_where_its_step_before_is() -> None:
    """The initial memory is not what was there before step 5, nor step 2 what was before step 9."""
    memory = np.random.default_rng(0).normal(size=(12, 3, 2))
    trace = Trace.from_arrays(
        {"memory": memory, "initial_memory": np.zeros((3, 2))},
        dims={"memory": ("time", "slot", "word"), "initial_memory": ("slot", "word")},
    )
    whole = memory_change(trace).values
    for cut in (slice(5, 9), slice(0, 4), [0, 1, 2, 9, 10], slice(None, None, -1)):
        change = memory_change(trace.isel(time=cut))
        steps = change.numbers("time")
        for place, step in enumerate(steps):
            known = step == 0 if place == 0 else steps[place - 1] == step - 1
            expected = whole[step] if known else np.full(3, np.nan)
            np.testing.assert_array_equal(change.values[place], expected)
