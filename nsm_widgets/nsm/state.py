"""What flows through a neural state machine from step to step, as named tuples of tensors."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from nsm_widgets.ntm.state import MemoryAccessOutput, NTMState


class NSMState(NamedTuple):
    """All that one step hands to the next: what the states hold, and the memory side."""

    states: Float[Tensor, "batch state features"]
    cells: Float[Tensor, "batch state features"] | None
    """Inner states of an LSTM gate; none with a GRU."""
    access: NTMState
    """The memory, where each head is focused, and what was read last."""

    def detach(self) -> NSMState:
        """The same values, cut off from their graph: for truncated backpropagation through time."""
        cells = None if self.cells is None else self.cells.detach()
        return NSMState(self.states.detach(), cells, self.access.detach())


class NSMStep(NamedTuple):
    """One step, with everything worth looking at."""

    state: NSMState
    """After the step."""
    features: Float[Tensor, "batch features"]
    """What the output layer sees: all states, weighed by importance, and what was read."""
    routed: Float[Tensor, "batch state features"]
    """The tokens of this step, as they arrived at the states."""
    routing_weights: Float[Tensor, "batch token state"]
    """Where each token went; zeros at padding."""
    messages: Float[Tensor, "batch state features"]
    communication_weights: Float[Tensor, "batch head state sender"]
    """Who listened to whom; zeros at states that are not active."""
    update: Float[Tensor, "batch state features"]
    """How far each state was renewed, in [0, 1]."""
    importance: Float[Tensor, "batch state"]
    """In [0, 1]; zero at states that are not active."""
    memory: MemoryAccessOutput
    """How the memory was addressed, read and written."""


class NSMOutput(NamedTuple):
    """A sequence of logits and the state after its last step."""

    outputs: Float[Tensor, "time batch output"]
    state: NSMState
