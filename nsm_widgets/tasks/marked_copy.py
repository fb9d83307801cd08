"""Copy among noise: of the tokens of each step repeat, later and in order, those that were marked."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nsm_widgets._model_checks import check_positive
from nsm_widgets.tasks._checks import check_generator, check_order, check_sizes, drawn_size, random_bits
from nsm_widgets.tasks.batch import TaskBatch

KINDS = ("marked", "go", "noise")
"""What a token is; the first features of a token say which."""


@dataclass(frozen=True, slots=True)
class MarkedCopyTask:
    """One marked token a step, among noise; then a sign to go; then the marked tokens' bits, in order.

    A sequence of length L takes ``2 L + 1`` steps. A step is a *set* of tokens in no order: the marked
    token (in the first L steps) or the go token (in the next one), and up to ``max_noise`` noise tokens,
    which look like marked ones but for their kind. Places left over are padding; all tokens stand at random
    places. While the answer is due there is nothing but noise. All sequences of a batch have the same
    length, drawn uniformly from ``min_length`` to ``max_length``; all else is drawn anew for each.

    A token has ``token_dim`` features: its kind (3, one-hot) and its bits (``width``, each -1 or 1; 0 for the
    go token). Guessing gets a bit right every other time, and a vector once in ``2 ** width``.

    Raises:
        ShapeError: If a size is no integer of at least one (``max_noise``: zero), or the lengths are in the
            wrong order.
    """

    width: int = 6
    min_length: int = 1
    max_length: int = 10
    max_noise: int = 2

    def __post_init__(self) -> None:
        check_sizes(self, "width", "min_length", "max_length")
        check_positive("max_noise", self.max_noise, 0, "0: no noise.")
        check_order(self, "min_length", "max_length")

    @property
    def token_dim(self) -> int:
        """Features of a token."""
        return len(KINDS) + self.width

    @property
    def tokens_per_step(self) -> int:
        """Places for tokens in a step, padding included."""
        return 1 + self.max_noise

    @property
    def input_size(self) -> int:
        """Channels of a step: all its tokens side by side, each with one more channel: is it there at all."""
        return self.tokens_per_step * (1 + self.token_dim)

    @property
    def output_size(self) -> int:
        """The bits of a token."""
        return self.width

    def tokens(
        self, inputs: Float[Tensor, "time batch channel"]
    ) -> tuple[Float[Tensor, "time batch token features"], Bool[Tensor, "time batch token"]]:
        """The tokens of a batch's inputs, and the mask that is true where there is one."""
        places = inputs.view(*inputs.shape[:2], self.tokens_per_step, 1 + self.token_dim)
        return places[..., 1:], places[..., 0] > 0

    def batch(self, batch_size: int, generator: torch.Generator, *, length: int | None = None) -> TaskBatch:
        """Draw sequences, on the generator's device; the global random number generator is never touched.

        Args:
            batch_size: Number of sequences.
            generator: Where every random number comes from; the same state gives the same batch.
            length: Marked tokens in each sequence; by default drawn from ``min_length`` to ``max_length``.

        Raises:
            ShapeError: If a size is no integer of at least one.
            DtypeError: If ``generator`` is no ``torch.Generator``.
        """
        device = check_generator(generator, batch_size)
        length = drawn_size("length", length, self.min_length, self.max_length, generator)
        bits = random_bits(length, batch_size, self.width, generator=generator)
        noise = random_bits(2 * length + 1, batch_size, self.max_noise, self.width, generator=generator)
        count = torch.randint(
            0, self.max_noise + 1, (2 * length + 1, batch_size, 1), generator=generator, device=device
        )

        steps = torch.zeros(
            2 * length + 1, batch_size, self.tokens_per_step, 1 + self.token_dim, device=device
        )
        steps[:length, :, 0] = _tokens("marked", 2 * bits - 1)
        steps[length, :, 0] = _tokens("go", torch.zeros_like(bits[0]))
        there = torch.arange(self.max_noise, device=device) < count
        steps[:, :, 1:] = _tokens("noise", 2 * noise - 1) * there.unsqueeze(-1)
        places = torch.rand(steps.shape[:3], generator=generator, device=device).argsort(dim=-1)
        steps = steps.gather(2, places.unsqueeze(-1).expand_as(steps))

        _, targets, mask = TaskBatch.silent(self, 2 * length + 1, batch_size, device)
        targets[length + 1 :] = bits
        mask[length + 1 :] = True
        return TaskBatch(steps.flatten(2), targets, mask)


def _tokens(kind: str, bits: Float[Tensor, "*outer width"]) -> Float[Tensor, "*outer channels"]:
    """Tokens of a kind: that they are there, their kind, their bits."""
    head = torch.tensor([1.0, *(float(name == kind) for name in KINDS)], device=bits.device)
    return torch.cat([head.expand(*bits.shape[:-1], -1), bits], dim=-1)
