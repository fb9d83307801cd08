"""The associative recall task, read back from its inputs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from nsm_widgets._errors import DtypeError, ShapeError
from nsm_widgets.tasks import AssociativeRecallTask, Task
from tests.tasks.draws import generator


def parse(inputs: Tensor, width: int) -> tuple[list[Any], list[Any], int]:
    """Items, query and steps of silence, read from the inputs of one sequence as a reader would."""
    items: list[Any] = []
    query: list[Any] = []
    reading: list[Any] | None = None
    silence = 0
    queries = 0
    for row in inputs.tolist():
        bits, item_mark, query_mark = row[:width], row[width], row[width + 1]
        assert (item_mark, query_mark) in {(0, 0), (1, 0), (0, 1)} and set(bits) <= {0.0, 1.0}
        if item_mark:
            assert bits == [0] * width and queries == 0
            items.append(reading := [])
        elif query_mark:
            assert bits == [0] * width
            queries += 1
            reading = query if queries == 1 else None
        elif reading is not None:
            reading.append(bits)
        else:
            assert bits == [0] * width
            silence += 1
    assert queries == 2
    return items, query, silence


@pytest.mark.parametrize(("width", "item_length", "num_items"), [(6, 3, 2), (6, 3, 6), (6, 3, 12), (4, 1, 5)])
def test_what_is_due_is_the_item_after_the_query(width: int, item_length: int, num_items: int) -> None:
    """The query is one of the items but the last; the answer is the next one, in the steps of silence."""
    task = AssociativeRecallTask(width=width, item_length=item_length)
    inputs, targets, mask = task.batch(8, generator(), num_items=num_items)

    assert len(inputs) == (num_items + 1) * (item_length + 1) + 1 + item_length
    for sequence in range(8):
        items, query, silence = parse(inputs[:, sequence], width)
        assert [len(item) for item in items] == [item_length] * num_items and silence == item_length
        answer = targets[-item_length:, sequence].tolist()
        assert any(item == query and after == answer for item, after in pairwise(items))
        assert mask[:, sequence].tolist() == [False] * (len(inputs) - item_length) + [True] * item_length
        assert not targets[:-item_length, sequence].any()


def test_every_place_is_asked_for() -> None:
    """Queries fall evenly on all items but the last, each sequence having its own."""
    inputs, _, _ = AssociativeRecallTask().batch(3000, generator(), num_items=4)
    items = inputs[:16].reshape(4, 4, 3000, 8)[:, 1:, :, :6]
    query = inputs[17:20, :, :6]
    counts = [int((items[place] == query).flatten(0, 0).all(dim=2).all(dim=0).sum()) for place in range(4)]

    assert counts[3] < 20  # by chance alone: 18 bits agree once in 262,144
    assert all(900 < count < 1100 for count in counts[:3])


def test_all_numbers_of_items_occur() -> None:
    """From the fewest to the most, as drawn by the generator."""
    task, random = AssociativeRecallTask(min_items=2, max_items=5), generator()
    steps = {len(task.batch(1, random).inputs) for _ in range(100)}
    assert steps == {(count + 1) * 4 + 4 for count in (2, 3, 4, 5)}


def test_the_seed_alone_decides() -> None:
    """The same seed gives the same batch; the global generator plays no part and is left alone."""
    task: Task = AssociativeRecallTask()
    before = torch.get_rng_state()
    first, again = task.batch(4, generator(1)), task.batch(4, generator(1))

    assert all(torch.equal(mine, theirs) for mine, theirs in zip(first, again, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(task, Task) and (task.input_size, task.output_size) == (8, 6)


@pytest.mark.usefixtures("as_in_production")
def test_bad_requests_are_refused() -> None:
    """A list has two items at least; sizes are positive and in order; a batch needs a generator."""
    with pytest.raises(ShapeError, match="min_items must be at least 2, got 1"):
        AssociativeRecallTask(min_items=1)
    with pytest.raises(ShapeError, match="min_items must not exceed max_items, got 7 and 6"):
        AssociativeRecallTask(min_items=7)
    with pytest.raises(ShapeError, match="item_length must be an integer of at least 1, got 0"):
        AssociativeRecallTask(item_length=0)
    with pytest.raises(ShapeError, match="num_items must be at least 2, got 1"):
        AssociativeRecallTask().batch(1, generator(), num_items=1)
    with pytest.raises(DtypeError, match="generator must be a torch.Generator, got int"):
        AssociativeRecallTask().batch(1, 3)  # type: ignore[arg-type]
