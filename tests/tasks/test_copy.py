"""The copy task, step by step, and the counting of wrong bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets._errors import DtypeError, ShapeError
from nsm_widgets.tasks import CopyTask, TaskBatch, bit_errors, masked_loss
from tests.tasks.draws import generator


@pytest.mark.parametrize("length", [1, 2, 20, 120])
def test_a_sequence_is_bits_delimiter_silence(length: int) -> None:
    """First the bits, then only the delimiter, then zeros while the same bits are due, in order."""
    inputs, targets, mask = CopyTask(width=3).batch(2, generator(), length=length)

    assert inputs.shape == (2 * length + 1, 2, 4) and targets.shape == (2 * length + 1, 2, 3)
    assert mask.shape == (2 * length + 1, 2) and mask.dtype == torch.bool
    for item in range(2):
        for step in range(2 * length + 1):
            row = inputs[step, item].tolist()
            if step < length:
                assert set(row) <= {0.0, 1.0} and row[3] == 0
                assert row[:3] == targets[length + 1 + step, item].tolist()
            else:
                assert row == [0, 0, 0, 1 if step == length else 0]
            assert bool(mask[step, item]) == (step > length)
            if step <= length:
                assert not targets[step, item].any()


def test_the_seed_alone_decides() -> None:
    """The same seed gives the same batch, another seed another; the global generator plays no part."""
    task = CopyTask()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = task.batch(4, generator(1))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    again, other = task.batch(4, generator(1)), task.batch(4, generator(2))

    assert all(torch.equal(mine, theirs) for mine, theirs in zip(first, again, strict=True))
    assert other.inputs.shape != first.inputs.shape or not torch.equal(other.inputs, first.inputs)


def test_lengths_and_bits_are_fair() -> None:
    """All lengths from the first to the last occur, and ones are as frequent as zeros."""
    task, random = CopyTask(min_length=2, max_length=6), generator()
    batches = [task.batch(4, random) for _ in range(200)]
    lengths = [(len(batch.inputs) - 1) // 2 for batch in batches]
    ones = np.mean([float(batch.targets[batch.mask].mean()) for batch in batches])

    assert set(lengths) == {2, 3, 4, 5, 6}
    assert abs(ones - 0.5) < 0.02


def test_wrong_bits_are_counted_where_they_count() -> None:
    """Wrong bits equal a count by hand, sequence by sequence; what the model says before its turn is free."""
    batch = CopyTask(width=3).batch(5, generator(), length=4)
    logits = torch.randn(9, 5, 3, generator=generator(1))
    expected = [0] * 5
    for item in range(5):
        for step in range(5, 9):
            for bit in range(3):
                said = 1.0 if logits[step, item, bit] > 0 else 0.0
                expected[item] += said != batch.targets[step, item, bit].item()

    assert bit_errors(logits, batch).tolist() == expected
    assert bit_errors(2 * batch.targets - 1, batch).tolist() == [0] * 5


def test_the_loss_is_the_mean_over_bits_that_count() -> None:
    """The loss equals the cross-entropy summed bit by bit over the answer, divided by its bits."""
    batch = CopyTask(width=2).batch(3, generator(), length=2)
    logits = torch.randn(5, 3, 2, generator=generator(1), dtype=torch.float64)
    total, count = 0.0, 0
    for step in range(3, 5):
        for item in range(3):
            for bit in range(2):
                p = 1 / (1 + np.exp(-logits[step, item, bit].item()))
                total -= np.log(p if batch.targets[step, item, bit] == 1 else 1 - p)
                count += 1

    assert float(masked_loss(logits, batch.to(logits))) == pytest.approx(total / count, rel=1e-12)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"width": 0}, "width must be an integer of at least 1, got 0"),
        ({"min_length": 1.5}, "min_length must be an integer"),
        ({"min_length": 5, "max_length": 4}, "min_length must not exceed max_length, got 5 and 4"),
    ],
    ids=["width", "fraction", "order"],
)
def test_sizes_are_checked(keywords: dict[str, Any], text: str) -> None:
    """Sizes are positive integers in order."""
    with pytest.raises(ShapeError, match=text):
        CopyTask(**keywords)


@pytest.mark.usefixtures("as_in_production")
def test_bad_requests_are_refused() -> None:
    """A batch needs positive sizes and a generator; scores need logits of the targets' shape."""
    task = CopyTask()
    with pytest.raises(ShapeError, match="batch_size must be an integer of at least 1, got 0"):
        task.batch(0, generator())
    with pytest.raises(ShapeError, match="length must be an integer of at least 1, got -3"):
        task.batch(1, generator(), length=-3)
    with pytest.raises(DtypeError, match="generator must be a torch.Generator, got int"):
        task.batch(1, 0)  # type: ignore[arg-type]
    batch: TaskBatch = task.batch(2, generator(), length=3)
    for score in (bit_errors, masked_loss):
        with pytest.raises(
            ShapeError, match=r"logits must have the shape of the targets .*\(7, 2, 8\), got \(3, 2, 8\)"
        ):
            score(torch.zeros(3, 2, 8), batch)
