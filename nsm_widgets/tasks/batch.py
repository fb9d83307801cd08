"""What a task hands to a model, and how an answer is scored."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from nsm_widgets._errors import ShapeError


class TaskBatch(NamedTuple):
    """Sequences of one batch, time leading."""

    inputs: Float[Tensor, "time batch channel"]
    targets: Float[Tensor, "time batch width"]
    """The right bits, 0 or 1; zero where ``mask`` is false."""
    mask: Bool[Tensor, "time batch"]
    """True where the answer counts."""

    @classmethod
    def silent(cls, task: Task, steps: int, batch_size: int, device: torch.device) -> TaskBatch:
        """Sequences of zeros in which nothing is due, for a task to fill."""
        return cls(
            torch.zeros(steps, batch_size, task.input_size, device=device),
            torch.zeros(steps, batch_size, task.output_size, device=device),
            torch.zeros(steps, batch_size, dtype=torch.bool, device=device),
        )

    def to(self, like: Tensor) -> TaskBatch:
        """The same batch in the dtype and on the device of ``like``."""
        return TaskBatch(self.inputs.to(like), self.targets.to(like), self.mask.to(like.device))


@runtime_checkable
class Task(Protocol):
    """What the training loop asks of a task."""

    @property
    def input_size(self) -> int:
        """Input channels."""
        ...

    @property
    def output_size(self) -> int:
        """Output channels."""
        ...

    def batch(self, batch_size: int, generator: torch.Generator) -> TaskBatch:
        """Draw a batch; every random number comes from ``generator``."""
        ...


def bit_errors(logits: Float[Tensor, "time batch width"], batch: TaskBatch) -> Int64[Tensor, " batch"]:
    """Wrong bits of each sequence, counted where the mask is true; a logit above zero says 1.

    Raises:
        ShapeError: If ``logits`` and the targets differ in shape.
    """
    _check_logits(logits, batch)
    wrong = (logits > 0) != (batch.targets > 0.5)
    return (wrong & batch.mask.unsqueeze(-1)).sum(dim=(0, 2))


def masked_loss(logits: Float[Tensor, "time batch width"], batch: TaskBatch) -> Float[Tensor, ""]:
    """Mean cross-entropy of the bits that count, in nats per bit.

    Raises:
        ShapeError: If ``logits`` and the targets differ in shape.
    """
    _check_logits(logits, batch)
    return functional.binary_cross_entropy_with_logits(logits[batch.mask], batch.targets[batch.mask])


def _check_logits(logits: Tensor, batch: TaskBatch) -> None:
    if logits.shape != batch.targets.shape:
        raise ShapeError(
            f"logits must have the shape of the targets (time, batch, width) = {tuple(batch.targets.shape)}, "
            f"got {tuple(logits.shape)}. Pass the outputs of the whole sequence."
        )
