"""The priority sort task: vectors come with priorities, and go out in the order of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nsm_widgets._errors import ShapeError
from nsm_widgets._model_checks import check_positive
from nsm_widgets.tasks._checks import check_generator, check_sizes, random_bits
from nsm_widgets.tasks.batch import TaskBatch


@dataclass(frozen=True, slots=True)
class PrioritySortTask:
    """Random vectors with priorities, then the best of them in order. Graves et al. 2014, section 4.5.

    A sequence takes ``num_inputs + 1 + num_outputs`` steps: ``num_inputs`` random vectors of bits on the
    first ``width`` channels, each with its priority, drawn uniformly from [-1, 1), on the next; one step with
    only the delimiter's channel, the last, set; then zeros, during which the ``num_outputs`` vectors of
    highest priority are due, the highest first. A vector moves as a whole: each row of the targets is a row
    of the inputs.

    The paper gives 20 vectors and asks for the 16 of highest priority.

    Example:
        >>> task = PrioritySortTask(width=3, num_inputs=4, num_outputs=2)
        >>> inputs, targets, mask = task.batch(1, torch.Generator().manual_seed(0))
        >>> inputs.shape, targets.shape, int(mask.sum())
        (torch.Size([7, 1, 5]), torch.Size([7, 1, 3]), 2)

    Raises:
        ShapeError: If a size is no integer of at least one, or more outputs are asked for than inputs given.
    """

    width: int = 8
    num_inputs: int = 20
    num_outputs: int = 16

    def __post_init__(self) -> None:
        check_sizes(self, "width", "num_inputs", "num_outputs")
        _check_counts(self.num_inputs, self.num_outputs)

    @property
    def input_size(self) -> int:
        """The bits, the priority's channel and the delimiter's."""
        return self.width + 2

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.width

    def batch(
        self,
        batch_size: int,
        generator: torch.Generator,
        *,
        num_inputs: int | None = None,
        num_outputs: int | None = None,
    ) -> TaskBatch:
        """Draw sequences, on the generator's device; the global random number generator is never touched.

        Args:
            batch_size: Number of sequences.
            generator: Where every random number comes from; the same state gives the same batch.
            num_inputs: Vectors given; by default those of the task.
            num_outputs: Vectors due; by default those of the task.

        Raises:
            ShapeError: If a size is no integer of at least one, or more are due than given.
            DtypeError: If ``generator`` is no ``torch.Generator``.
        """
        device = check_generator(generator, batch_size)
        given = check_positive("num_inputs", self.num_inputs if num_inputs is None else num_inputs)
        due = check_positive("num_outputs", self.num_outputs if num_outputs is None else num_outputs)
        _check_counts(given, due)
        bits = random_bits(given, batch_size, self.width, generator=generator)
        priority = 2 * torch.rand(given, batch_size, generator=generator, device=device) - 1
        order = priority.argsort(dim=0, descending=True)[:due]  # (due, batch): which vector goes there

        inputs, targets, mask = batch = TaskBatch.silent(self, given + 1 + due, batch_size, device)
        inputs[:given, :, : self.width] = bits
        inputs[:given, :, self.width] = priority
        inputs[given, :, self.width + 1] = 1
        targets[given + 1 :] = bits[order, torch.arange(batch_size, device=device)]
        mask[given + 1 :] = True
        return batch


def _check_counts(given: int, due: int) -> None:
    if due > given:
        raise ShapeError(
            f"num_outputs must not exceed num_inputs, got {due} and {given}. "
            "No more vectors can go out than came in."
        )
