"""Dynamic n-grams: bits follow their table, and nothing guesses better than the optimal estimator."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from nsm_widgets._errors import DtypeError, ShapeError
from nsm_widgets.tasks import NGramTask, Task, masked_loss
from tests.tasks.draws import generator


def test_bits_follow_their_table() -> None:
    """After each context, ones are as frequent as its entry says; the first bits are fair."""
    task = NGramTask(context_size=2, length=5000)
    table = torch.tensor([[0.9, 1.0, 0.25, 0.0]]).repeat(40, 1)
    bits = task.draw(table, generator(), 5000).long().tolist()

    following: dict[int, list[int]] = {0: [], 1: [], 2: [], 3: []}
    for sequence in range(40):
        for step in range(2, 5000):
            context = 2 * bits[step - 2][sequence] + bits[step - 1][sequence]  # the older bit counts double
            following[context].append(bits[step][sequence])
    assert set(following[1]) == {1} and set(following[3]) == {0}
    assert np.mean(following[0]) == pytest.approx(0.9, abs=0.01)
    assert np.mean(following[2]) == pytest.approx(0.25, abs=0.01)
    assert 25 <= sum(bits[0]) + sum(bits[1]) <= 55  # of 80


def test_tables_come_from_beta_one_half() -> None:
    """Mean 1/2, variance 1/8, and a third of all entries below sin(pi/6)^2 = 1/4; each sequence its own."""
    table = NGramTask().table(2000, generator())

    assert table.shape == (2000, 32) and table.min() >= 0 and table.max() <= 1
    assert float(table.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(table.var()) == pytest.approx(0.125, abs=0.005)
    assert float((table < 0.25).double().mean()) == pytest.approx(1 / 3, abs=0.01)
    assert len(table[:, 0].unique()) > 1900


def test_the_target_is_the_next_input() -> None:
    """At each step the next bit is due; it counts once the whole context was seen."""
    inputs, targets, mask = NGramTask(context_size=3, length=12).batch(4, generator())

    assert inputs.shape == targets.shape == (11, 4, 1) and set(inputs.flatten().tolist()) == {0.0, 1.0}
    for step in range(10):
        assert mask[step].all() if step >= 2 else not mask[step].any()
        if step >= 2:
            assert torch.equal(targets[step], inputs[step + 1])
    assert not targets[:2].any()


def test_the_estimator_counts_what_followed() -> None:
    """At every step it is (N1 + 1/2) / (N1 + N0 + 1), counted anew by a loop over the bits so far."""
    task = NGramTask(context_size=2, length=60)
    batch = task.batch(3, generator(4))
    guesses = torch.sigmoid(task.bayes_optimal(batch))[..., 0]

    for sequence in range(3):
        bits = batch.inputs[:, sequence, 0].tolist()
        for step in range(1, 59):
            context, ones, zeros = bits[step - 1 : step + 1], 0, 0
            for earlier in range(1, step):
                if bits[earlier - 1 : earlier + 1] == context:
                    ones += bits[earlier + 1] == 1
                    zeros += bits[earlier + 1] == 0
            expected = (ones + 0.5) / (ones + zeros + 1)
            assert float(guesses[step, sequence]) == pytest.approx(expected, rel=1e-5)
        assert float(guesses[0, sequence]) == 0.5


def test_no_other_count_guesses_better() -> None:
    """On many sequences the optimum's loss is below that of other constants, of chance, and of no memory."""
    task = NGramTask()
    batch = task.batch(800, generator(7))
    best = float(masked_loss(task.bayes_optimal(batch), batch))

    odds = torch.exp(task.bayes_optimal(batch))
    for constant in (0.1, 1.0, 3.0):  # the same counts with another prior: only the size of a guess changes
        other = torch.log((odds + constant) / (1 + constant * odds))
        assert best < float(masked_loss(other, batch))
    assert best < float(masked_loss(torch.zeros_like(odds), batch)) == pytest.approx(math.log(2))


def test_nothing_is_known_of_what_comes() -> None:
    """The estimator's guess at a step does not depend on any later bit."""
    task = NGramTask()
    batch = task.batch(2, generator())
    changed = batch._replace(inputs=torch.cat([batch.inputs[:100], 1 - batch.inputs[100:]]))

    assert torch.equal(task.bayes_optimal(batch)[:100], task.bayes_optimal(changed)[:100])
    assert not torch.equal(task.bayes_optimal(batch)[100:], task.bayes_optimal(changed)[100:])


def test_the_cost_of_the_optimum_is_that_of_its_definition() -> None:
    """The loss of a whole sequence is the sum of -log p over its bits, a few steps worked by hand."""
    task = NGramTask(context_size=1, length=5)
    bits = torch.tensor([1.0, 1.0, 1.0, 0.0])  # guesses: 1/2, then 3/4 that 1 follows 1, then 5/6
    batch = task.batch(1, generator())._replace(
        inputs=bits.reshape(4, 1, 1), targets=torch.tensor([1.0, 1.0, 0.0, 1.0]).reshape(4, 1, 1)
    )
    loss = functional.binary_cross_entropy_with_logits(task.bayes_optimal(batch)[:3], batch.targets[:3])

    assert float(loss) * 3 == pytest.approx(-math.log(1 / 2) - math.log(3 / 4) - math.log(1 / 6), rel=1e-5)


def test_the_seed_alone_decides() -> None:
    """The same seed gives the same batch; the global generator plays no part and is left alone."""
    task: Task = NGramTask()
    before = torch.get_rng_state()
    first, again = task.batch(4, generator(1)), task.batch(4, generator(1))

    assert all(torch.equal(mine, theirs) for mine, theirs in zip(first, again, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(task, Task) and (task.input_size, task.output_size) == (1, 1)


@pytest.mark.usefixtures("as_in_production")
def test_bad_requests_are_refused() -> None:
    """A sequence must be longer than its context; sizes are positive; a batch needs a generator."""
    with pytest.raises(ShapeError, match="length must exceed context_size, got 5 and 5"):
        NGramTask(length=5)
    with pytest.raises(ShapeError, match="context_size must be an integer of at least 1, got 0"):
        NGramTask(context_size=0)
    with pytest.raises(ShapeError, match="length must exceed context_size, got 3 and 5"):
        NGramTask().batch(1, generator(), length=3)
    with pytest.raises(DtypeError, match="generator must be a torch.Generator, got int"):
        NGramTask().batch(1, 3)  # type: ignore[arg-type]
