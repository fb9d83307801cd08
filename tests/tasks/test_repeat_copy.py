"""The repeat copy task, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets._errors import DtypeError, ShapeError
from nsm_widgets.tasks import RepeatCopyTask, Task
from tests.tasks.draws import generator


@pytest.mark.parametrize(("length", "repeats"), [(1, 1), (3, 2), (10, 10), (2, 20)])
def test_a_sequence_is_bits_count_then_as_many_copies_and_an_end(length: int, repeats: int) -> None:
    """Vector by vector: what is due is the input vector of that place, round after round, then the end."""
    task = RepeatCopyTask(width=3)
    inputs, targets, mask = task.batch(2, generator(), length=length, repeats=repeats)

    steps = length + 1 + length * repeats + 1
    assert inputs.shape == (steps, 2, 5) and targets.shape == (steps, 2, 4) and mask.shape == (steps, 2)
    count = (repeats - 5.5) / np.sqrt(99 / 12)
    for item in range(2):
        for step in range(steps):
            given, due = inputs[step, item].tolist(), targets[step, item].tolist()
            if step < length:
                assert set(given[:3]) <= {0.0, 1.0} and given[3:] == [0, 0]
            elif step == length:
                assert given[:4] == [0, 0, 0, 1] and given[4] == pytest.approx(count)
            else:
                assert given == [0] * 5
            assert bool(mask[step, item]) == (step > length)
            if step <= length:
                assert due == [0] * 4
            elif step < steps - 1:
                place = (step - length - 1) % length
                assert due == [*inputs[place, item, :3].tolist(), 0]
            else:
                assert due == [0, 0, 0, 1]


@pytest.mark.parametrize(("low", "high"), [(1, 10), (2, 5), (4, 4)])
def test_the_count_is_normalised(low: int, high: int) -> None:
    """Over all counts of the task the told number has mean zero and, with more than one, variance one."""
    task = RepeatCopyTask(min_repeats=low, max_repeats=high)
    told = [task.normalised(count) for count in range(low, high + 1)]

    assert np.mean(told) == pytest.approx(0, abs=1e-12)
    assert np.var(told) == pytest.approx(1 if high > low else 0)
    assert told == sorted(told)


def test_lengths_and_counts_are_drawn_evenly() -> None:
    """All lengths and counts of the task occur, and no others; ones are as frequent as zeros."""
    task, random = RepeatCopyTask(max_length=3, min_repeats=2, max_repeats=4), generator()
    seen, ones = [], []
    for _ in range(300):
        batch = task.batch(2, random)
        length = int(batch.inputs[:, 0, 8].argmax())
        seen.append((length, (len(batch.inputs) - length - 2) // length))
        ones.append(float(batch.inputs[:length, :, :8].mean()))

    assert set(seen) == {(length, count) for length in (1, 2, 3) for count in (2, 3, 4)}
    assert np.mean(ones) == pytest.approx(0.5, abs=0.02)


def test_the_seed_alone_decides() -> None:
    """The same seed gives the same batch; the global generator plays no part and is left alone."""
    task: Task = RepeatCopyTask()
    before = torch.get_rng_state()
    first, again = task.batch(4, generator(1)), task.batch(4, generator(1))

    assert all(torch.equal(mine, theirs) for mine, theirs in zip(first, again, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(task, Task) and (task.input_size, task.output_size) == (10, 9)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"max_repeats": 0}, "max_repeats must be an integer of at least 1, got 0"),
        ({"min_repeats": 5, "max_repeats": 4}, "min_repeats must not exceed max_repeats, got 5 and 4"),
        ({"min_length": 11}, "min_length must not exceed max_length, got 11 and 10"),
        ({"width": True}, "width must be an integer of at least 1, got True"),
    ],
    ids=["none", "repeats", "lengths", "width"],
)
def test_sizes_are_checked(keywords: dict[str, Any], text: str) -> None:
    """Sizes are positive integers in order."""
    with pytest.raises(ShapeError, match=text):
        RepeatCopyTask(**keywords)


@pytest.mark.usefixtures("as_in_production")
def test_bad_requests_are_refused() -> None:
    """A batch needs positive sizes and a generator."""
    with pytest.raises(ShapeError, match="repeats must be an integer of at least 1, got 0"):
        RepeatCopyTask().batch(1, generator(), repeats=0)
    with pytest.raises(DtypeError, match=r"generator must be a torch.Generator, got NoneType"):
        RepeatCopyTask().batch(1, None)  # type: ignore[arg-type]
