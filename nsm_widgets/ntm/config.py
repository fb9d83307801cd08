"""The numbers that make an NTM, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Literal, get_args

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets._model_checks import check_either, check_positive
from nsm_widgets._model_config import ModelConfig

ControllerKind = Literal["lstm", "feedforward"]
Dialect = Literal["paper", "pytorch-ntm", "clemkoa-ntm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NTMConfig(ModelConfig):
    """Sizes of an ``NTM``.

    Raises:
        ShapeError: If a size is no integer of at least one (``shift_range``: zero), or more shifts than
            slots.
        UnknownOptionError: If the controller is neither "lstm" nor "feedforward", the dialect is unknown, or
            it is that of another implementation and there is more than one head of a kind or a memory that
            is learned.
    """

    example: ClassVar[str] = "NTM(input_size=9, ...)"

    input_size: int
    """Input channels."""
    output_size: int
    """Output channels (logits)."""
    memory_size: int = 128
    """Slots of the memory, N in the paper."""
    word_size: int = 20
    """Width of a slot, M in the paper."""
    num_read_heads: int = 1
    num_write_heads: int = 1
    controller: ControllerKind = "lstm"
    controller_size: int = 100
    """Hidden units of each controller layer."""
    num_controller_layers: int = 1
    shift_range: int = 1
    """How far a step may move a focus: offsets run from ``-shift_range`` to ``shift_range``. 0: no shifts."""
    learn_initial_memory: bool = False
    """Whether the memory before the first step is learned with the rest; else it stays as it was drawn."""
    dialect: Dialect = "paper"
    """Whose arithmetic: ours, or that of an implementation whose weights were imported (``dialects``)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name not in ("controller", "shift_range", "learn_initial_memory", "dialect"):
                check_positive(field.name, getattr(self, field.name))
        check_positive("shift_range", self.shift_range, 0, "1 is the usual reach.")
        check_either("controller", self.controller, get_args(ControllerKind))
        if not isinstance(self.learn_initial_memory, bool):
            raise UnknownOptionError(
                f"learn_initial_memory must be True or False, got {self.learn_initial_memory!r}."
            )
        if self.dialect not in get_args(Dialect):
            raise UnknownOptionError(
                f"dialect must be one of {', '.join(get_args(Dialect))}, got {self.dialect!r}. "
                "'paper' is the usual one."
            )
        if self.dialect != "paper" and self.learn_initial_memory:
            raise UnknownOptionError(
                f"dialect {self.dialect!r} starts from a memory that is fixed, got "
                "learn_initial_memory=True. Leave it out."
            )
        if self.dialect != "paper" and (self.num_read_heads, self.num_write_heads) != (1, 1):
            raise UnknownOptionError(
                f"dialect {self.dialect!r} takes one read and one write head, got {self.num_read_heads} and "
                f"{self.num_write_heads}. More heads need dialect='paper'."
            )
