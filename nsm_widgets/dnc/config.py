"""The numbers that make a DNC, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from nsm_widgets._model_checks import check_positive
from nsm_widgets._model_config import ModelConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DNCConfig(ModelConfig):
    """Sizes of a ``DNC``. It has one write head, as in the paper.

    Raises:
        ShapeError: If a size is no integer of at least one.
    """

    example: ClassVar[str] = "DNC(input_size=9, ...)"

    input_size: int
    """Input channels."""
    output_size: int
    """Output channels (logits)."""
    memory_size: int = 128
    """Slots of the memory, N in the paper. No parameter depends on it: a trained model takes another."""
    word_size: int = 20
    """Width of a slot, W in the paper."""
    num_read_heads: int = 1
    """Read heads, R in the paper."""
    controller_size: int = 100
    """Hidden units of each LSTM layer."""
    num_controller_layers: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            check_positive(field.name, getattr(self, field.name))
