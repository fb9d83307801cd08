"""The repeat copy task: say a sequence again as often as asked, then say that it is over."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nsm_widgets.tasks._checks import check_generator, check_order, check_sizes, drawn_size, random_bits
from nsm_widgets.tasks.batch import TaskBatch


@dataclass(frozen=True, slots=True)
class RepeatCopyTask:
    """Random bits, how often to say them, then silence in which to do so. Graves et al. 2014, section 4.2.

    A sequence of L vectors asked for R times takes ``L + 1 + L R + 1`` steps: L vectors on the first
    ``width`` channels; one step with the delimiter's channel set and the count on the last channel; then
    zeros, during which the vectors are due R times in order, and after them one step with only the end
    marker, the last channel of the targets. Length and count are the same for all sequences of a batch, drawn
    uniformly.

    The count is normalised: over the counts from ``min_repeats`` to ``max_repeats`` it has mean zero and
    variance one. The paper draws lengths and counts from 1 to 10, with 8 bits, and asks for counts and
    lengths up to 20 to see what was learned.

    Example:
        >>> task = RepeatCopyTask(width=2)
        >>> inputs, targets, mask = task.batch(1, torch.Generator().manual_seed(0), length=3, repeats=2)
        >>> inputs.shape, targets.shape, int(mask.sum())
        (torch.Size([11, 1, 4]), torch.Size([11, 1, 3]), 7)

    Raises:
        ShapeError: If a size is no integer of at least one, or two are in the wrong order.
    """

    width: int = 8
    min_length: int = 1
    max_length: int = 10
    min_repeats: int = 1
    max_repeats: int = 10

    def __post_init__(self) -> None:
        check_sizes(self, "width", "min_length", "max_length", "min_repeats", "max_repeats")
        check_order(self, "min_length", "max_length")
        check_order(self, "min_repeats", "max_repeats")

    @property
    def input_size(self) -> int:
        """The bits, the delimiter's channel and the count's."""
        return self.width + 2

    @property
    def output_size(self) -> int:
        """The bits and the end marker's channel."""
        return self.width + 1

    def normalised(self, repeats: int) -> float:
        """The count as the model is told it: mean zero and variance one over the counts of the task.

        >>> RepeatCopyTask().normalised(10)  # (10 - 5.5) / sqrt(99 / 12)
        1.5666989036012806
        """
        counts = self.max_repeats - self.min_repeats + 1
        variance = (counts**2 - 1) / 12 or 1.0  # a single count needs no scale
        return (repeats - (self.min_repeats + self.max_repeats) / 2) / float(variance**0.5)

    def batch(
        self,
        batch_size: int,
        generator: torch.Generator,
        *,
        length: int | None = None,
        repeats: int | None = None,
    ) -> TaskBatch:
        """Draw sequences, on the generator's device; the global random number generator is never touched.

        Args:
            batch_size: Number of sequences.
            generator: Where every random number comes from; the same state gives the same batch.
            length: Vectors in each sequence; by default drawn from ``min_length`` to ``max_length``.
            repeats: How often to say them; by default drawn from ``min_repeats`` to ``max_repeats``.

        Raises:
            ShapeError: If a size is no integer of at least one.
            DtypeError: If ``generator`` is no ``torch.Generator``.
        """
        device = check_generator(generator, batch_size)
        length = drawn_size("length", length, self.min_length, self.max_length, generator)
        repeats = drawn_size("repeats", repeats, self.min_repeats, self.max_repeats, generator)
        bits = random_bits(length, batch_size, self.width, generator=generator)

        steps = length + 1 + length * repeats + 1
        inputs, targets, mask = batch = TaskBatch.silent(self, steps, batch_size, device)
        inputs[:length, :, : self.width] = bits
        inputs[length, :, self.width] = 1
        inputs[length, :, self.width + 1] = self.normalised(repeats)
        targets[length + 1 : -1, :, : self.width] = bits.repeat(repeats, 1, 1)
        targets[-1, :, self.width] = 1
        mask[length + 1 :] = True
        return batch
