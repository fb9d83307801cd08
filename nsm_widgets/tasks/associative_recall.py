"""The associative recall task: shown one item of a list, say the item that came after it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nsm_widgets._errors import ShapeError
from nsm_widgets.tasks._checks import check_generator, check_order, check_sizes, drawn_size, random_bits
from nsm_widgets.tasks.batch import TaskBatch


@dataclass(frozen=True, slots=True)
class AssociativeRecallTask:
    """A list of items, then one of them again: which came next? Graves et al. 2014, section 4.3.

    An item is ``item_length`` random vectors of ``width`` bits. A sequence of n items takes
    ``(n + 1) (item_length + 1) + 1 + item_length`` steps: before each item one step with only the item
    delimiter's channel set; the query, one of the first n - 1 items, between two steps with only the query
    delimiter's channel set; then zeros, during which the item after the queried one is due. The number of
    items is the same for all sequences of a batch, drawn uniformly; each sequence has its own query.

    The paper uses items of 3 vectors of 6 bits, trains on 2 to 6 items and tests on up to 20.

    Example:
        >>> task = AssociativeRecallTask()
        >>> inputs, targets, mask = task.batch(2, torch.Generator().manual_seed(0), num_items=4)
        >>> inputs.shape, targets.shape, mask[:, 0].nonzero().flatten().tolist()
        (torch.Size([24, 2, 8]), torch.Size([24, 2, 6]), [21, 22, 23])

    Raises:
        ShapeError: If a size is no integer of at least one, there are fewer than two items, or the numbers of
            items are in the wrong order.
    """

    width: int = 6
    item_length: int = 3
    min_items: int = 2
    max_items: int = 6

    def __post_init__(self) -> None:
        check_sizes(self, "width", "item_length", "min_items", "max_items")
        _check_items("min_items", self.min_items)
        check_order(self, "min_items", "max_items")

    @property
    def input_size(self) -> int:
        """The bits, the item delimiter's channel and the query delimiter's."""
        return self.width + 2

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.width

    def batch(
        self, batch_size: int, generator: torch.Generator, *, num_items: int | None = None
    ) -> TaskBatch:
        """Draw sequences, on the generator's device; the global random number generator is never touched.

        Args:
            batch_size: Number of sequences.
            generator: Where every random number comes from; the same state gives the same batch.
            num_items: Items in each list, at least two; by default drawn from ``min_items`` to ``max_items``.

        Raises:
            ShapeError: If a size is no integer of at least one, or there are fewer than two items.
            DtypeError: If ``generator`` is no ``torch.Generator``.
        """
        device = check_generator(generator, batch_size)
        count = drawn_size("num_items", num_items, self.min_items, self.max_items, generator)
        _check_items("num_items", count)
        width, length = self.width, self.item_length
        items = random_bits(count, length, batch_size, width, generator=generator)
        query = torch.randint(0, count - 1, (batch_size,), generator=generator, device=device)
        item = torch.arange(batch_size, device=device)

        # a list of blocks of one delimiter and one item each, the query being the last
        blocks = torch.zeros(count + 1, 1 + length, batch_size, self.input_size, device=device)
        blocks[:count, 1:, :, :width] = items
        blocks[count, 1:, :, :width] = items[query, :, item].transpose(0, 1)
        blocks[:count, 0, :, width] = 1
        blocks[count, 0, :, width + 1] = 1
        steps = (count + 1) * (1 + length) + 1 + length
        inputs, targets, mask = batch = TaskBatch.silent(self, steps, batch_size, device)
        inputs[: -1 - length] = blocks.flatten(0, 1)
        inputs[-1 - length, :, width + 1] = 1
        targets[-length:] = items[query + 1, :, item].transpose(0, 1)
        mask[-length:] = True
        return batch


def _check_items(name: str, count: int) -> None:
    if count < 2:
        raise ShapeError(
            f"{name} must be at least 2, got {count}. A list of one item has none after the query."
        )
