"""One time step of the Neural Turing Machine: controller, heads, memory access."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from nsm_widgets.ntm.access import MemoryAccess
from nsm_widgets.ntm.controllers import Controller
from nsm_widgets.ntm.dialects import FixedInitial
from nsm_widgets.ntm.heads import Heads
from nsm_widgets.ntm.initial import InitialMemory
from nsm_widgets.ntm.late import SequenceLinear
from nsm_widgets.ntm.state import CellState


class SequenceLayers(NamedTuple):
    """The layers inside the time loop, over one sequence."""

    recurrent: SequenceLinear | None
    """None if the controller does not know how."""
    heads: SequenceLinear


class NTMCell(nn.Module):
    """The part of the model inside the time loop. Graves et al. 2014, figure 1.

    It takes the input already through the controller's ``input_layer``, and leaves the output layer to its
    caller, because both those layers run once for the whole sequence (see ``NTM``).
    """

    def __init__(
        self,
        controller: Controller,
        heads: Heads,
        initial_memory: InitialMemory | FixedInitial,
        access: MemoryAccess | None = None,
    ) -> None:
        super().__init__()
        self.controller = controller
        self.heads = heads
        self.initial_memory = initial_memory
        self.access = access or MemoryAccess()

    def initial_state(self, batch_size: int) -> CellState:
        """The state before the first step, the same for every batch item."""
        return CellState(self.initial_memory(batch_size), self.controller.initial_state(batch_size))

    def over_sequence(self, projected: Float[Tensor, "time batch projected"]) -> SequenceLayers:
        """Both layers, ready to be called step by step; their weights' gradients are computed at the end."""
        recurrent = getattr(
            self.controller, "recurrent_layer", None
        )  # any module may stand in for one of ours
        heads = self.heads.linear
        return SequenceLayers(
            None if recurrent is None else SequenceLinear(recurrent, projected),
            SequenceLinear(heads, heads.bias.expand(*projected.shape[:2], -1)),
        )

    def forward(
        self,
        projected: Float[Tensor, "batch projected"],
        state: CellState,
        layers: SequenceLayers | None = None,
    ) -> tuple[Float[Tensor, "batch controller"], CellState]:
        """One step: the controller sees the input and what was read last, then the heads act.

        Args:
            projected: ``controller.input_layer`` of the step's input.
            state: The state after the last step.
            layers: What ``over_sequence`` made, on the way through a whole sequence.

        Returns:
            The controller's output and the state after the step, this step's read vectors among it.
        """
        recurrent, heads = layers or (None, None)
        late = {} if recurrent is None else {"recurrent": recurrent}
        hidden, controller = self.controller(
            projected, state.access.read_vectors.flatten(1), state.controller, **late
        )
        read, write = self.heads(hidden) if heads is None else self.heads(hidden, heads)
        return hidden, CellState(self.access(read, write, state.access).state, controller)
