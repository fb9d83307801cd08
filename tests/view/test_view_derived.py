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
