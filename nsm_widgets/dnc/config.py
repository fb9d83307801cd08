"""The numbers that make a DNC, checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.ntm._checks import check_positive


@dataclass(frozen=True, slots=True, kw_only=True)
class DNCConfig:
    """Sizes of a ``DNC``. It has one write head, as in the paper.

    Raises:
        ShapeError: If a size is no integer of at least one.
    """

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

    @classmethod
    def from_keywords(cls, keywords: dict[str, Any]) -> DNCConfig:
        """Build a config, and name what is unknown or missing.

        Raises:
            UnknownOptionError: If a keyword is no field of the config, or a required one is missing.
        """
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(keywords) - set(names))
        if unknown:
            raise UnknownOptionError(f"DNC has no option {', '.join(unknown)}. It knows {', '.join(names)}.")
        missing = [name for name in ("input_size", "output_size") if name not in keywords]
        if missing:
            raise UnknownOptionError(
                f"DNC needs {' and '.join(missing)}, got neither a config nor that keyword."
            )
        return cls(**keywords)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; ``DNCConfig.from_keywords`` is the way back."""
        return asdict(self)
