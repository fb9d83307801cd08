"""The copy task: see a sequence of random bits, then say it again from memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nsm_widgets.tasks._checks import check_generator, check_order, check_sizes, drawn_size, random_bits
from nsm_widgets.tasks.batch import TaskBatch


@dataclass(frozen=True, slots=True)
class CopyTask:
    """Random bits, a delimiter, then silence in which to repeat them. Graves et al. 2014, section 4.1.

    A sequence of length L takes ``2 L + 1`` steps: L vectors on the first ``width`` channels, one step with
    only the last channel set, L steps of zeros during which the vectors are due, in order. All sequences of a
    batch have the same length, drawn uniformly from ``min_length`` to ``max_length``.

    Raises:
        ShapeError: If a size is no integer of at least one, or the lengths are in the wrong order.
    """

    width: int = 8
    min_length: int = 1
    max_length: int = 20

    def __post_init__(self) -> None:
        check_sizes(self, "width", "min_length", "max_length")
        check_order(self, "min_length", "max_length")

    @property
    def input_size(self) -> int:
        """The bits and the delimiter's channel."""
        return self.width + 1

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.width

    def batch(self, batch_size: int, generator: torch.Generator, *, length: int | None = None) -> TaskBatch:
        """Draw sequences, on the generator's device; the global random number generator is never touched.

        Args:
            batch_size: Number of sequences.
            generator: Where every random number comes from; the same state gives the same batch.
            length: Vectors in each sequence; by default drawn from ``min_length`` to ``max_length``.

        Raises:
            ShapeError: If a size is no integer of at least one.
            DtypeError: If ``generator`` is no ``torch.Generator``.
        """
        device = check_generator(generator, batch_size)
        length = drawn_size("length", length, self.min_length, self.max_length, generator)
        bits = random_bits(length, batch_size, self.width, generator=generator)

        inputs, targets, mask = batch = TaskBatch.silent(self, 2 * length + 1, batch_size, device)
        inputs[:length, :, : self.width] = bits
        inputs[length, :, self.width] = 1
        targets[length + 1 :] = bits
        mask[length + 1 :] = True
        return batch
