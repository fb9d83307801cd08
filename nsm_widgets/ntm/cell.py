"""One time step of the Neural Turing Machine: controller, heads, memory access."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from nsm_widgets.ntm.access import MemoryAccess
from nsm_widgets.ntm.controllers import Controller
from nsm_widgets.ntm.heads import Heads
from nsm_widgets.ntm.initial import InitialMemory
from nsm_widgets.ntm.state import CellState


class NTMCell(nn.Module):
    """The part of the model inside the time loop. Graves et al. 2014, figure 1.

    It takes the input already through the controller's ``input_layer``, and leaves the output layer to its
    caller, because both those layers run once for the whole sequence (see ``NTM``).
    """

    def __init__(self, controller: Controller, heads: Heads, initial_memory: InitialMemory) -> None:
        super().__init__()
        self.controller = controller
        self.heads = heads
        self.initial_memory = initial_memory
        self.access = MemoryAccess()

    def initial_state(self, batch_size: int) -> CellState:
        """The state before the first step, the same for every batch item."""
        return CellState(self.initial_memory(batch_size), self.controller.initial_state(batch_size))

    def forward(
        self, projected: Float[Tensor, "batch projected"], state: CellState
    ) -> tuple[Float[Tensor, "batch controller"], CellState]:
        """One step: the controller sees the input and what was read last, then the heads act.

        Returns:
            The controller's output and the state after the step, this step's read vectors among it.
        """
        hidden, controller = self.controller(
            projected, state.access.read_vectors.flatten(1), state.controller
        )
        read, write = self.heads(hidden)
        return hidden, CellState(self.access(read, write, state.access).state, controller)
