"""One time step of the Neural Turing Machine: controller, heads, memory access."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from nsm_widgets._torch_modes import has_hooks, step_watchers
from nsm_widgets.ntm.access import MemoryAccess
from nsm_widgets.ntm.controllers import Controller, LSTMController
from nsm_widgets.ntm.dialects import FixedInitial
from nsm_widgets.ntm.fused_cell import CellStep, StepPlan
from nsm_widgets.ntm.heads import Heads
from nsm_widgets.ntm.initial import InitialMemory
from nsm_widgets.ntm.late import SequenceLinear
from nsm_widgets.ntm.state import (
    AddressingStages,
    CellState,
    HeadParameters,
    MemoryAccessOutput,
    NTMState,
    WriteParameters,
)


class SequenceLayers(NamedTuple):
    """The layers inside the time loop, over one sequence."""

    plan: StepPlan | None
    """How to take each step as one node of the graph; None if that is not possible."""

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
        linear = self.heads.linear
        first = None if recurrent is None else SequenceLinear(recurrent, projected)
        heads = SequenceLinear(linear, linear.bias.expand(*projected.shape[:2], -1))
        plan = None
        if first is not None and self._is_plain():
            takers = step_watchers(self.access)
            plan = StepPlan(
                recurrent=first,
                heads=heads,
                sizes=self.heads.sizes,
                kinds=self.heads.by_kind,
                watched=takers is None and has_hooks(self.access),
                takers=takers or (),
                taken=None if takers is None else [],
                at_once=not has_hooks(self),
            )
        return SequenceLayers(plan, first, heads)

    def _is_plain(self) -> bool:
        """Whether controller and heads are the ones that ``CellStep`` knows, and nobody looks in between."""
        controller, heads = self.controller, self.heads
        return (
            type(controller) is LSTMController
            and len(controller.layers) == 1
            and type(heads) is Heads
            and type(self.access) is MemoryAccess
            and not any(has_hooks(module) for part in (controller, heads) for module in part.modules())
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
        plan, recurrent, heads = layers or (None, None, None)
        if plan is not None:
            return self._in_one(plan, state)
        late = {} if recurrent is None else {"recurrent": recurrent}
        hidden, controller = self.controller(
            projected, state.access.read_vectors.flatten(1), state.controller, **late
        )
        read, write = self.heads(hidden) if heads is None else self.heads(hidden, heads)
        return hidden, CellState(self.access(read, write, state.access).state, controller)

    def _in_one(self, plan: StepPlan, state: CellState) -> tuple[Tensor, CellState]:
        """The same step as one node; then, if someone watches the access, it is called and has it ready."""
        ((hidden, cell),) = state.controller
        rows = plan.recurrent.row, plan.heads.row
        made = CellStep.apply(plan, *rows, *state.access, hidden, cell)  # type: ignore[no-untyped-call]
        hidden, cell, *after = made[:6]
        access = NTMState(*after)
        if not plan.at_once:
            plan.show(state.access)
        if plan.watched:
            access = self._shown(list(made[6:]), access, state.access)
        return hidden, CellState(access, ((hidden, cell),))

    def _shown(self, told: list[Tensor], after: NTMState, before: NTMState) -> NTMState:
        """Call the access as ``forward`` does, so that hooks see it; they may change what comes of it."""
        read, write = HeadParameters(*told[:5]), WriteParameters(*told[5:12])
        of_read = [*told[:5], *told[12:15], after.read_weights]
        of_write = [*told[5:10], *told[15:18], after.write_weights]
        output = MemoryAccessOutput(
            after.read_vectors,
            after,
            AddressingStages(*of_read),
            AddressingStages(*of_write),
            write.erase,
            write.add,
        )
        self.access.ready = read, write, before, output
        try:
            called: MemoryAccessOutput = self.access(read, write, before)
        finally:
            self.access.ready = None
        return called.state
