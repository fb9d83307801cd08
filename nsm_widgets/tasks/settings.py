"""The numbers of a training run, and what it has reached."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, NamedTuple, get_args

from nsm_widgets._errors import ShapeError, UnknownOptionError
from nsm_widgets._model_checks import check_either, check_positive

Judge = Literal["bit_errors", "loss"]
Optimizer = Literal["rmsprop", "adam"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How to train. The defaults teach an NTM the copy task in 20 to 30 thousand sequences.

    Raises:
        ShapeError: If a number is outside its range.
        UnknownOptionError: If ``judged_by`` or ``optimizer`` is none of its names.
    """

    num_steps: int
    """Parameter updates in all."""
    batch_size: int = 8
    seed: int = 0
    """Seed of the training data; the held-out batch has a seed of its own."""
    learning_rate: float = 1e-4
    final_learning_rate: float | None = None
    """Where the learning rate ends, falling linearly over the second half; by default it stays constant."""
    optimizer: Optimizer = "rmsprop"
    """The paper's RMSprop, or Adam, which may need fewer sequences; a usual learning rate of it is 1e-3."""
    momentum: float = 0.9
    """Of RMSprop; Adam has its usual own."""
    alpha: float = 0.95
    """How slowly RMSprop forgets squared gradients, in [0, 1)."""
    clip: float = 10.0
    """Every gradient element is clipped to +-``clip``."""
    clip_norm: float | None = None
    """Then all gradients together are shortened to this Euclidean norm; by default they are not."""
    evaluate_every: int = 100
    """Steps from one look at the held-out batches to the next, and from one saved file to the next."""
    judged_by: Judge = "bit_errors"
    """What makes an evaluation the best: fewest wrong bits or, where bits can only be guessed, least loss."""

    def __post_init__(self) -> None:
        for name in ("num_steps", "batch_size", "evaluate_every"):
            check_positive(name, getattr(self, name), remedy="Pass a positive number.")
        rates = {"learning_rate": self.learning_rate, "clip": self.clip}
        for name in ("final_learning_rate", "clip_norm"):
            if getattr(self, name) is not None:
                rates[name] = getattr(self, name)
        for name, rate in rates.items():
            if not (rate > 0 and math.isfinite(rate)):
                raise ShapeError(
                    f"{name} must be positive and finite, got {rate!r}. Default: see TrainingSettings."
                )
        check_either("judged_by", self.judged_by, get_args(Judge))
        check_either("optimizer", self.optimizer, get_args(Optimizer))
        for name in ("momentum", "alpha"):
            if not 0 <= getattr(self, name) < 1:
                raise ShapeError(
                    f"{name} must lie in [0, 1), got {getattr(self, name)!r}. Default: see the class."
                )

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of update ``step``, counted from zero."""
        if self.final_learning_rate is None:
            return self.learning_rate
        fallen = max(0.0, 2 * step / self.num_steps - 1)  # 0 over the first half, then up to 1
        return self.learning_rate + fallen * (self.final_learning_rate - self.learning_rate)

    def continues(self, earlier: TrainingSettings) -> bool:
        """Whether a run with ``earlier`` settings may go on with these: equal, or longer at constant rate."""
        if self.final_learning_rate is None:
            earlier = replace(earlier, num_steps=self.num_steps)
        return self == earlier

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_keywords(cls, keywords: Mapping[str, Any]) -> TrainingSettings:
        """Build settings, and name what is unknown or missing.

        Raises:
            UnknownOptionError: If a keyword is no setting, or ``num_steps`` is missing.
        """
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(keywords) - set(names))
        if unknown:
            raise UnknownOptionError(
                f"train has no option {', '.join(unknown)}. It knows {', '.join(names)}."
            )
        if "num_steps" not in keywords:
            raise UnknownOptionError(
                "train needs num_steps, got none. 4000 steps at batch 8 teach the copy task."
            )
        return cls(**keywords)


class Evaluation(NamedTuple):
    """One look at the held-out batches."""

    step: int
    """Updates done so far."""
    loss: float
    """Mean cross-entropy over the held-out batches, in nats per bit."""
    bit_errors: float
    """Mean wrong bits of a sequence."""

    def is_better_than(self, other: Evaluation | None, judged_by: Judge = "bit_errors") -> bool:
        """Fewer wrong bits, or as many and a lower loss. A loss that is NaN is never better.

        Judged by the loss, the wrong bits do not matter.
        """
        if math.isnan(self.loss) or other is None:
            return not math.isnan(self.loss)
        if judged_by == "loss":
            return self.loss < other.loss
        return (self.bit_errors, self.loss) < (other.bit_errors, other.loss)


class TrainingResult(NamedTuple):
    """What a training run reached."""

    step: int
    """Updates done."""
    best: Evaluation | None
    """The evaluation whose parameters the model now holds; none if there was no usable one."""
    history: tuple[Evaluation, ...]
    """Every evaluation, oldest first."""
