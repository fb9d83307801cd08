"""What flows through a DNC from step to step, and what one step lays open, as named tuples of tensors."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from nsm_widgets.ntm.state import ControllerState


class DNCState(NamedTuple):
    """The memory and all that is known about its slots after a step. Every step returns a new one."""

    memory: Float[Tensor, "batch slot word"]
    """M_t, after the write."""
    usage: Float[Tensor, "batch slot"]
    """u_t in [0, 1], on which this step's allocation was based; this step's own write counts at the next."""
    precedence: Float[Tensor, "batch slot"]
    """p_t: how far each slot was written to last; sums to at most one."""
    link: Float[Tensor, "batch slot slot"]
    """L_t: ``link[:, i, j]`` says how far slot i was written to right after slot j."""
    write_weights: Float[Tensor, "batch slot"]
    """w^w_t, summing to the write gate at most."""
    read_weights: Float[Tensor, "batch head slot"]
    """w^{r,i}_t, each summing to at most one."""
    read_vectors: Float[Tensor, "batch head word"]
    """r^i_t, read from the memory after the write."""

    def detach(self) -> DNCState:
        """The same values, cut off from the graph that made them."""
        return DNCState(*(part.detach() for part in self))


class Interface(NamedTuple):
    """What the controller tells the memory at one step, in range. Methods, "Interface parameters"."""

    read_keys: Float[Tensor, "batch head word"]
    read_strengths: Float[Tensor, "batch head"]
    """beta^{r,i} >= 1."""
    write_key: Float[Tensor, "batch word"]
    write_strength: Float[Tensor, " batch"]
    """beta^w >= 1."""
    erase: Float[Tensor, "batch word"]
    """e in [0, 1]."""
    add: Float[Tensor, "batch word"]
    """v, the write vector, any real."""
    free_gates: Float[Tensor, "batch head"]
    """f^i in [0, 1]: 1 gives back what the head has just read."""
    allocation_gate: Float[Tensor, " batch"]
    """g^a in [0, 1]: 1 writes to a free slot, 0 to one with like content."""
    write_gate: Float[Tensor, " batch"]
    """g^w in [0, 1]: 0 writes nothing."""
    read_modes: Float[Tensor, "batch head 3"]
    """pi^i: shares of backward, content and forward, summing to one."""


class DNCStep(NamedTuple):
    """One step of memory access, with everything worth looking at."""

    state: DNCState
    """After the step: memory, usage, precedence, link, weights, read vectors."""
    interface: Interface
    """What the controller asked for: keys, gates, read modes."""
    retention: Float[Tensor, "batch slot"]
    """psi_t: what the free gates leave of each slot's usage."""
    allocation_weights: Float[Tensor, "batch slot"]
    """a_t."""
    write_content_weights: Float[Tensor, "batch slot"]
    """c^w_t, from the memory before the write."""
    read_content_weights: Float[Tensor, "batch head slot"]
    """c^{r,i}_t, from the memory after the write."""
    backward_weights: Float[Tensor, "batch head slot"]
    """b^i_t."""
    forward_weights: Float[Tensor, "batch head slot"]
    """f^i_t."""


class DNCCellState(NamedTuple):
    """All that one step hands to the next: the memory side and the controller side."""

    access: DNCState
    controller: ControllerState

    def detach(self) -> DNCCellState:
        """The same values, cut off from their graph: for truncated backpropagation through time."""
        return DNCCellState(self.access.detach(), tuple((h.detach(), c.detach()) for h, c in self.controller))


class DNCOutput(NamedTuple):
    """A sequence of logits and the state after its last step."""

    outputs: Float[Tensor, "time batch output"]
    state: DNCCellState
