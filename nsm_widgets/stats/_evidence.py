"""What tells heads, slots and states apart: weightings, and what slots hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nsm_widgets.stats._belonging import PLACE_AXES, tells
from nsm_widgets.trace import NamedArray, array_kind, split_name


@dataclass(frozen=True, slots=True)
class Places:
    """What tells slots, or states, apart."""

    dim: str
    weightings: tuple[str, ...]
    contents: tuple[str, ...]

    @classmethod
    def of(cls, group: str, arrays: Sequence[NamedArray]) -> Places:
        dim = split_name(group)[1]
        partner = next(other for other, counts in PLACE_AXES.items() if counts == dim and other != dim)
        plain = [array for array in arrays if dim in array.dims and partner not in array.dims]
        weightings = _finals([array for array in plain if array.dims[-1] == dim and tells(array)])
        contents = [array.name for array in plain if array_kind(array) == "content" and array.dims[-1] != dim]
        if not weightings and not contents:
            contents = [array.name for array in plain or arrays]
        return cls(dim, weightings, tuple(contents))


def _finals(weightings: Sequence[NamedArray]) -> tuple[str, ...]:
    """Of weightings over slots, reads and writes alone where there are any."""
    names = [array.name for array in weightings]
    final = [name for name in names if split_name(name)[1] in ("read_weights", "write_weights")]
    return tuple(final or names)


def head_evidence(arrays: Sequence[NamedArray]) -> tuple[str, ...]:
    """The weightings that heads are told apart by."""
    return _finals([array for array in arrays if array.dims[-1] != "head" and tells(array)])
