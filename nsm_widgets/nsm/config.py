"""The numbers that make a neural state machine, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, get_args

from nsm_widgets._model_checks import check_either, check_positive
from nsm_widgets._model_config import ModelConfig
from nsm_widgets.nsm.propagator import GateKind
from nsm_widgets.nsm.router import check_heads


@dataclass(frozen=True, slots=True, kw_only=True)
class NSMConfig(ModelConfig):
    """Sizes of a ``NeuralStateMachine``.

    Raises:
        ShapeError: If a size is no integer of at least one (``shift_range``: zero), or the heads do not share
            out the features of a state evenly.
        UnknownOptionError: If there is no such gate.
    """

    example: ClassVar[str] = "NeuralStateMachine(token_dim=5, ...)"

    token_dim: int
    """Features of a token."""
    output_size: int
    """Output channels (logits)."""
    num_states: int = 6
    state_dim: int = 16
    """Features of a state; a multiple of both numbers of heads."""
    num_routing_heads: int = 1
    """Heads of ``TokenToStateRouter``."""
    num_communication_heads: int = 2
    """Heads of ``StateCommunication``."""
    gate: GateKind = "gru"
    """Gate of ``StatePropagator``."""
    memory_size: int = 16
    """Slots of the memory."""
    word_size: int = 16
    """Width of a slot."""
    num_read_heads: int = 1
    num_write_heads: int = 1
    shift_range: int = 1
    """How far a step may move a head's focus along the slots."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name not in ("gate", "shift_range"):
                check_positive(field.name, getattr(self, field.name))
        check_heads(self.num_routing_heads, self.state_dim)
        check_heads(self.num_communication_heads, self.state_dim)
        check_positive("shift_range", self.shift_range, 0, "1 is the usual reach.")
        check_either("gate", self.gate, get_args(GateKind))
