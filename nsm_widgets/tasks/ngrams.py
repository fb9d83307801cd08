"""The dynamic n-grams task: guess each bit of a sequence whose rule changes from sequence to sequence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from nsm_widgets._errors import ShapeError
from nsm_widgets._model_checks import check_positive
from nsm_widgets.tasks._checks import check_generator, check_sizes, random_bits
from nsm_widgets.tasks.batch import TaskBatch


@dataclass(frozen=True, slots=True)
class NGramTask:
    """Bits drawn from a table that each sequence draws anew: guess the next. Graves et al. 2014, section 4.4.

    A table holds, for each context of ``context_size`` bits, the probability that a one follows; every entry
    comes from Beta(1/2, 1/2). The first ``context_size`` bits of a sequence are fair coins, each later one is
    drawn by its context's entry. At step t the model sees bit t and is to guess bit t + 1, so a sequence of
    ``length`` bits takes ``length - 1`` steps. A guess counts as soon as its whole context was seen.

    The bits cannot be known, only their probabilities: judge by the loss, against that of ``bayes_optimal``.
    The paper uses contexts of 5 bits (6-grams) and 200 bits.

    Example:
        >>> task = NGramTask(length=10)
        >>> inputs, targets, mask = task.batch(3, torch.Generator().manual_seed(0))
        >>> inputs.shape, targets.shape, mask[:, 0].nonzero().flatten().tolist()
        (torch.Size([9, 3, 1]), torch.Size([9, 3, 1]), [4, 5, 6, 7, 8])

    Raises:
        ShapeError: If a size is no integer of at least one, or the length leaves no bit to guess.
    """

    context_size: int = 5
    length: int = 200

    def __post_init__(self) -> None:
        check_sizes(self, "context_size", "length")
        _check_length(self.length, self.context_size)

    @property
    def input_size(self) -> int:
        """The bit."""
        return 1

    @property
    def output_size(self) -> int:
        """The next bit."""
        return 1

    def table(self, batch_size: int, generator: torch.Generator) -> Float[Tensor, "batch context"]:
        """Draw for each sequence and context the probability of a one.

        The context is read as a binary number, its oldest bit first. Beta(1/2, 1/2) is the arcsine law, the
        law of ``sin(pi U / 2)^2`` for U uniform in [0, 1).
        """
        device = check_generator(generator)
        uniform = torch.rand(batch_size, 2**self.context_size, generator=generator, device=device)
        return (uniform * (math.pi / 2)).sin().square()

    def draw(
        self, table: Float[Tensor, "batch context"], generator: torch.Generator, length: int
    ) -> Float[Tensor, "length batch"]:
        """Draw the bits of one sequence from each row of a table."""
        size = self.context_size
        bits = random_bits(length, len(table), generator=generator)
        uniform = torch.rand(length, len(table), generator=generator, device=generator.device)
        context = _context(bits[:size])
        sequence = torch.arange(len(table), device=generator.device)
        for step in range(size, length):
            bits[step] = (uniform[step] < table[sequence, context]).to(bits.dtype)
            context = (2 * context + bits[step].long()) % 2**size  # the oldest bit falls off
        return bits

    def batch(self, batch_size: int, generator: torch.Generator, *, length: int | None = None) -> TaskBatch:
        """Draw sequences, on the generator's device; the global random number generator is never touched.

        Args:
            batch_size: Number of sequences.
            generator: Where every random number comes from; the same state gives the same batch.
            length: Bits in each sequence; by default those of the task.

        Raises:
            ShapeError: If a size is no integer of at least one, or the length leaves no bit to guess.
            DtypeError: If ``generator`` is no ``torch.Generator``.
        """
        check_generator(generator, batch_size)
        length = check_positive("length", self.length if length is None else length)
        _check_length(length, self.context_size)
        bits = self.draw(self.table(batch_size, generator), generator, length)
        mask = torch.zeros(length - 1, batch_size, dtype=torch.bool, device=bits.device)
        mask[self.context_size - 1 :] = True
        targets = bits[1:] * mask
        return TaskBatch(bits[:-1].unsqueeze(-1), targets.unsqueeze(-1), mask)

    def bayes_optimal(self, batch: TaskBatch) -> Float[Tensor, "time batch 1"]:
        """The best possible guess at each step that counts: ``(N1 + 1/2) / (N1 + N0 + 1)``, as a logit.

        N1 and N0 count the ones and zeros that followed the same context earlier in the sequence. Graves et
        al. 2014, eq. 10. Where the mask is false the logit is 0, a probability of one half.

        >>> task = NGramTask()
        >>> batch = task.batch(16, torch.Generator().manual_seed(0))
        >>> from nsm_widgets.tasks import masked_loss
        >>> bool(masked_loss(task.bayes_optimal(batch), batch) < math.log(2))
        True
        """
        size = self.context_size
        seen = batch.inputs[..., 0]
        steps, batch_size = seen.shape
        sequence = torch.arange(batch_size, device=seen.device)
        counts = seen.new_full((batch_size, 2**size, 2), 0.5)  # of zeros and of ones, with the prior's halves
        logits = torch.zeros_like(batch.targets)
        context = _context(seen[:size])
        for step in range(size - 1, steps):
            zeros, ones = counts[sequence, context].unbind(-1)
            logits[step, :, 0] = (ones / zeros).log()
            if step + 1 < steps:
                following = seen[step + 1].long()
                counts[sequence, context, following] += 1
                context = (2 * context + following) % 2**size
        return logits


def _context(bits: Float[Tensor, "bit batch"]) -> Int64[Tensor, " batch"]:
    """Bits read as a binary number, the oldest first."""
    place = 2 ** torch.arange(len(bits) - 1, -1, -1, device=bits.device)
    return (bits.long() * place.unsqueeze(-1)).sum(dim=0)


def _check_length(length: int, context_size: int) -> None:
    if length <= context_size:
        raise ShapeError(
            f"length must exceed context_size, got {length} and {context_size}. No bit has a whole context."
        )
