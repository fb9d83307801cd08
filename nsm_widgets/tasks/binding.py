"""The binding task: be told values by their keys, among noise, then answer questions about them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from nsm_widgets._errors import DtypeError, ShapeError
from nsm_widgets.tasks.batch import TaskBatch

KINDS = ("key", "value", "question", "noise")
"""What a token is; the first features of a token say which."""


@dataclass(frozen=True, slots=True)
class BindingTask:
    """Key and value of a pair come together in one step; later a step asks for a key, and its value is due.

    A sequence with P pairs takes ``2 P`` steps: P tell one pair each, all keys different, then P ask for each
    key once, in another order. A step is a set of tokens in no order: a key and a value token, or a question
    token, and up to ``max_noise`` noise tokens that look like keys and values but are of kind "noise"; the
    places left over are padding. All orders, keys, values and noise are drawn anew for every sequence, so
    nothing but a memory of the sequence itself can answer: guessing is right once in ``2 ** value_bits``.

    A token has ``token_dim`` features: its kind (4, one-hot), a key (``num_keys``, one-hot) and a value
    (``value_bits``, each -1 or 1); what a kind does not have is 0, and noise has both.

    Raises:
        ShapeError: If a size is no integer of at least one (``max_noise``: zero), or there are more pairs
            than keys.
    """

    num_keys: int = 8
    value_bits: int = 4
    min_pairs: int = 1
    max_pairs: int = 6
    max_noise: int = 2

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_size(field.name, getattr(self, field.name), 0 if field.name == "max_noise" else 1)
        if not self.min_pairs <= self.max_pairs <= self.num_keys:
            raise ShapeError(
                "min_pairs must not exceed max_pairs, nor that num_keys, got "
                f"{self.min_pairs}, {self.max_pairs} and {self.num_keys}. Each pair needs a key of its own."
            )

    @property
    def token_dim(self) -> int:
        """Features of a token."""
        return len(KINDS) + self.num_keys + self.value_bits

    @property
    def tokens_per_step(self) -> int:
        """Places for tokens in a step, padding included."""
        return 2 + self.max_noise

    @property
    def input_size(self) -> int:
        """Channels of a step: all its tokens side by side, each with one more channel: is it there at all."""
        return self.tokens_per_step * (1 + self.token_dim)

    @property
    def output_size(self) -> int:
        """The bits of a value."""
        return self.value_bits

    def tokens(
        self, inputs: Float[Tensor, "time batch channel"]
    ) -> tuple[Float[Tensor, "time batch token features"], Bool[Tensor, "time batch token"]]:
        """The tokens of a batch's inputs, and the mask that is true where there is one."""
        places = inputs.view(*inputs.shape[:2], self.tokens_per_step, 1 + self.token_dim)
        return places[..., 1:], places[..., 0] > 0

    def batch(
        self, batch_size: int, generator: torch.Generator, *, num_pairs: int | None = None
    ) -> TaskBatch:
        """Draw sequences, on the generator's device; the global random number generator is never touched.

        Args:
            batch_size: Number of sequences.
            generator: Where every random number comes from; the same state gives the same batch.
            num_pairs: Pairs in each sequence; by default drawn from ``min_pairs`` to ``max_pairs``.

        Raises:
            ShapeError: If a size is no integer of at least one, or there are more pairs than keys.
            DtypeError: If ``generator`` is no ``torch.Generator``.
        """
        if not isinstance(generator, torch.Generator):
            raise DtypeError(
                f"generator must be a torch.Generator, got {type(generator).__name__}. "
                "Make one: torch.Generator().manual_seed(0)."
            )
        _check_size("batch_size", batch_size, 1)
        if num_pairs is None:
            num_pairs = int(_integers(self.min_pairs, self.max_pairs + 1, (), generator))
        _check_size("num_pairs", num_pairs, 1)
        if num_pairs > self.num_keys:
            raise ShapeError(
                f"num_pairs must be at most {self.num_keys}, the number of keys, got {num_pairs}."
            )
        pairs, width = (num_pairs, batch_size), self.value_bits
        keys = _orders((batch_size, self.num_keys), generator)[:, :num_pairs].T  # (pair, batch)
        values = _integers(0, 2, (*pairs, width), generator).float()
        asked = _orders((batch_size, num_pairs), generator).T  # which pair each question is about
        asked_keys = keys.gather(0, asked)
        answers = values.gather(0, asked.unsqueeze(-1).expand(-1, -1, width))

        told = torch.stack(
            [self._tokens("key", keys, None), self._tokens("value", None, 2 * values - 1)], dim=2
        )
        question = self._tokens("question", asked_keys, None)
        questions = torch.stack([question, torch.zeros_like(question)], dim=2)
        steps = torch.cat([told, questions])
        steps = torch.cat([steps, self._noise((2 * num_pairs, batch_size), generator)], dim=2)
        order = _orders(tuple(steps.shape[:3]), generator)
        steps = steps.gather(2, order.unsqueeze(-1).expand_as(steps))
        mask = torch.zeros(2 * num_pairs, batch_size, dtype=torch.bool, device=generator.device)
        mask[num_pairs:] = True
        return TaskBatch(steps.flatten(2), torch.cat([torch.zeros_like(answers), answers]), mask)

    def _tokens(self, kind: str, keys: Tensor | None, values: Tensor | None) -> Tensor:
        """Tokens of a kind, as (..., there + features)."""
        like = keys.unsqueeze(-1) if keys is not None else values
        assert like is not None  # every kind has one of the two
        outer = like.shape[:-1]
        no_key = torch.zeros(*outer, self.num_keys, device=like.device)
        no_value = torch.zeros(*outer, self.value_bits, device=like.device)
        kinds = torch.tensor([float(name == kind) for name in KINDS], device=like.device)
        return torch.cat(
            [
                torch.ones(*outer, 1, device=like.device),
                kinds.expand(*outer, -1),
                no_key if keys is None else functional.one_hot(keys, self.num_keys).float(),
                no_value if values is None else values,
            ],
            dim=-1,
        )

    def _noise(self, outer: tuple[int, int], generator: torch.Generator) -> Tensor:
        """Up to ``max_noise`` noise tokens for each step, as (..., place, there + features)."""
        shape = (*outer, self.max_noise)
        keys = _integers(0, self.num_keys, shape, generator)
        values = 2 * _integers(0, 2, (*shape, self.value_bits), generator).float() - 1
        count = _integers(0, self.max_noise + 1, (*outer, 1), generator)
        there = torch.arange(self.max_noise, device=generator.device) < count
        return self._tokens("noise", keys, values) * there.unsqueeze(-1)


def _integers(low: int, high: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(low, high, shape, generator=generator, device=generator.device)


def _orders(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """A random order of the last axis, for each of the others."""
    return torch.rand(shape, generator=generator, device=generator.device).argsort(dim=-1)


def _check_size(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ShapeError(f"{name} must be an integer of at least {least}, got {value!r}.")
