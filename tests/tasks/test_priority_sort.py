"""The priority sort task: whole vectors, in the order of their priorities."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nsm_widgets._errors import DtypeError, ShapeError
from nsm_widgets.tasks import PrioritySortTask, Task
from tests.tasks.draws import generator


@pytest.mark.parametrize(("given", "due"), [(20, 16), (5, 5), (4, 1), (1, 1)])
def test_the_targets_are_the_inputs_sorted(given: int, due: int) -> None:
    """Python's own sort of (priority, vector) pairs gives the targets, row by row."""
    task = PrioritySortTask(width=4)
    inputs, targets, mask = task.batch(3, generator(), num_inputs=given, num_outputs=due)

    assert inputs.shape == (given + 1 + due, 3, 6) and targets.shape == (given + 1 + due, 3, 4)
    for item in range(3):
        rows = [(inputs[step, item, 4].item(), inputs[step, item, :4].tolist()) for step in range(given)]
        expected = [bits for _, bits in sorted(rows, key=lambda row: row[0], reverse=True)][:due]
        assert targets[given + 1 :, item].tolist() == expected
        assert all(row in [bits for _, bits in rows] for row in targets[given + 1 :, item].tolist())
        assert inputs[given, item].tolist() == [0, 0, 0, 0, 0, 1]
        assert not inputs[given + 1 :, item].any() and not inputs[:given, item, 5].any()
        assert mask[:, item].tolist() == [False] * (given + 1) + [True] * due
        assert not targets[: given + 1, item].any()


def test_priorities_are_uniform() -> None:
    """Between -1 and 1, all over, and they have nothing to do with the bits."""
    inputs, _, _ = PrioritySortTask().batch(500, generator())
    priority, bits = inputs[:20, :, 8].flatten(), inputs[:20, :, 0].flatten()

    assert -1 <= float(priority.min()) < -0.99 and 0.99 < float(priority.max()) < 1
    assert float(priority.mean()) == pytest.approx(0, abs=0.02)
    assert float(priority.var()) == pytest.approx(1 / 3, abs=0.02)
    assert abs(np.corrcoef(priority, bits)[0, 1]) < 0.03


def test_the_seed_alone_decides() -> None:
    """The same seed gives the same batch; the global generator plays no part and is left alone."""
    task: Task = PrioritySortTask()
    before = torch.get_rng_state()
    first, again = task.batch(4, generator(1)), task.batch(4, generator(1))

    assert all(torch.equal(mine, theirs) for mine, theirs in zip(first, again, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(task, Task) and (task.input_size, task.output_size) == (10, 8)


@pytest.mark.usefixtures("as_in_production")
def test_bad_requests_are_refused() -> None:
    """No more can be due than given; sizes are positive; a batch needs a generator."""
    with pytest.raises(ShapeError, match="num_outputs must not exceed num_inputs, got 5 and 4"):
        PrioritySortTask(num_inputs=4, num_outputs=5)
    with pytest.raises(ShapeError, match="num_outputs must not exceed num_inputs, got 16 and 8"):
        PrioritySortTask().batch(1, generator(), num_inputs=8)
    with pytest.raises(ShapeError, match="num_inputs must be an integer of at least 1, got 0"):
        PrioritySortTask().batch(1, generator(), num_inputs=0)
    with pytest.raises(DtypeError, match="generator must be a torch.Generator, got int"):
        PrioritySortTask().batch(1, 3)  # type: ignore[arg-type]
