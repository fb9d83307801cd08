"""What flows through the model from step to step, as named tuples of tensors.

Nothing here is hidden on a module: every step takes a state and returns a new one, so a state kept by a
caller never changes behind their back.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from jaxtyping import Float
from torch import Tensor

ControllerState: TypeAlias = tuple[tuple[Tensor, Tensor], ...]
"""One ``(hidden, cell)`` pair of ``(batch, controller)`` tensors per LSTM layer; empty for feed-forward."""


class NTMState(NamedTuple):
    """The memory, where each head is focused, and what was read last."""

    memory: Float[Tensor, "batch slot word"]
    read_weights: Float[Tensor, "batch read_head slot"]
    write_weights: Float[Tensor, "batch write_head slot"]
    read_vectors: Float[Tensor, "batch read_head word"]

    def detach(self) -> NTMState:
        """The same values, cut off from the graph that made them."""
        return NTMState(*(part.detach() for part in self))


class CellState(NamedTuple):
    """All that one step hands to the next: the memory side and the controller side."""

    access: NTMState
    controller: ControllerState

    def detach(self) -> CellState:
        """The same values, cut off from their graph: for truncated backpropagation through time."""
        return CellState(self.access.detach(), tuple((h.detach(), c.detach()) for h, c in self.controller))


class HeadParameters(NamedTuple):
    """What the controller tells all heads of one kind, already in range. Graves et al. 2014, section 3.3."""

    key: Float[Tensor, "batch head word"]
    """What to look for, any real."""
    strength: Float[Tensor, "batch head"]
    """Key strength beta, >= 0."""
    gate: Float[Tensor, "batch head"]
    """Interpolation gate g in [0, 1]: 1 trusts the content, 0 stays with the last weights."""
    shift: Float[Tensor, "batch head offset"]
    """Shift distribution s, sums to one; an odd number of offsets, from ``-(K // 2)`` to ``K // 2``."""
    sharpening: Float[Tensor, "batch head"]
    """Sharpening exponent gamma, >= 1."""


class WriteParameters(NamedTuple):
    """``HeadParameters`` of the write heads, with what they erase and add."""

    key: Float[Tensor, "batch head word"]
    strength: Float[Tensor, "batch head"]
    gate: Float[Tensor, "batch head"]
    shift: Float[Tensor, "batch head offset"]
    sharpening: Float[Tensor, "batch head"]
    erase: Float[Tensor, "batch head word"]
    """Erase vector e in [0, 1]."""
    add: Float[Tensor, "batch head word"]
    """Add vector a, any real."""


class AddressingStages(NamedTuple):
    """How the heads of one kind came to their weights: the inputs, then the four stages of figure 2."""

    key: Float[Tensor, "batch head word"]
    strength: Float[Tensor, "batch head"]
    gate: Float[Tensor, "batch head"]
    shift: Float[Tensor, "batch head offset"]
    sharpening: Float[Tensor, "batch head"]
    content_weights: Float[Tensor, "batch head slot"]
    gated_weights: Float[Tensor, "batch head slot"]
    shifted_weights: Float[Tensor, "batch head slot"]
    weights: Float[Tensor, "batch head slot"]
    """After sharpening: the weights that read or write."""


class ReadStages(AddressingStages):
    """Those of the read heads, which remember what they were split from: one tensor is copied, not two."""

    together: AddressingStages
    """Of all heads, the read heads first; ``read`` and ``write`` are views of it."""
    write: AddressingStages
    """The other part of it."""


class MemoryAccessOutput(NamedTuple):
    """One step of memory access, with everything worth looking at."""

    read_vectors: Float[Tensor, "batch read_head word"]
    state: NTMState
    read: AddressingStages
    write: AddressingStages
    erase: Float[Tensor, "batch write_head word"]
    add: Float[Tensor, "batch write_head word"]


class NTMOutput(NamedTuple):
    """A sequence of logits and the state after its last step."""

    outputs: Float[Tensor, "time batch output"]
    state: CellState
