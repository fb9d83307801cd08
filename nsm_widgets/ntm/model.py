"""The Neural Turing Machine of Graves et al. 2014, as a module over whole sequences."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nsm_widgets._model_checks import (
    check_controller,
    check_positive,
    check_sequence,
    check_shape,
    check_state,
    state_remedy,
    warn_if_batch_leads,
)
from nsm_widgets._torch_modes import is_eager
from nsm_widgets.ntm.access import MemoryAccess
from nsm_widgets.ntm.cell import NTMCell
from nsm_widgets.ntm.config import NTMConfig
from nsm_widgets.ntm.controllers import FeedForwardController, LSTMController
from nsm_widgets.ntm.dialects import FixedInitial, ForeignAccess
from nsm_widgets.ntm.heads import Heads
from nsm_widgets.ntm.initial import InitialMemory
from nsm_widgets.ntm.state import CellState, NTMOutput


class NTM(nn.Module):
    """A controller with an external memory, run over a sequence.

    ``NTM(config)`` and ``NTM(input_size=9, output_size=8, ...)`` are the same; the fields of ``NTMConfig``
    are the keywords. Without a ``state`` each call starts anew; to go on where a sequence stopped, hand the
    returned state in.

    Example:
        >>> model = NTM(input_size=9, output_size=8, memory_size=128, word_size=20)
        >>> outputs, state = model(torch.zeros(5, 2, 9))  # (time, batch, channel)
        >>> outputs.shape
        torch.Size([5, 2, 8])

    Raises:
        UnknownOptionError: If a keyword is unknown, or both a config and keywords are given.
        ShapeError: If a size is not positive.
    """

    def __init__(self, config: NTMConfig | None = None, **keywords: object) -> None:
        super().__init__()
        self.config = config = NTMConfig.choose(config, keywords)
        read_size = config.num_read_heads * config.word_size
        make_controller = LSTMController if config.controller == "lstm" else FeedForwardController
        self.cell = NTMCell(
            make_controller(
                config.input_size, read_size, config.controller_size, config.num_controller_layers
            ),
            Heads(
                config.controller_size,
                config.word_size,
                config.num_read_heads,
                config.num_write_heads,
                config.shift_range,
            ),
            InitialMemory(
                config.memory_size,
                config.word_size,
                config.num_read_heads,
                config.num_write_heads,
                learned=config.learn_initial_memory,
            )
            if config.dialect == "paper"
            else FixedInitial(config.memory_size, config.word_size),
            MemoryAccess() if config.dialect == "paper" else ForeignAccess(config.dialect),
        )
        self.output_layer = nn.Linear(config.controller_size + read_size, config.output_size)
        nn.init.xavier_uniform_(self.output_layer.weight)
        nn.init.zeros_(self.output_layer.bias)

    @property
    def fused(self) -> bool:
        """Whether steps go through hand-written gradients: faster, same values. True unless set to False.

        Only gradients of gradients need False. Under ``torch.compile``, ``torch.func`` and autocast the plain
        functions are taken in any case.
        """
        return self.cell.access.fused

    @fused.setter
    def fused(self, fused: bool) -> None:
        self.cell.access.fused = fused

    def initial_state(self, batch_size: int) -> CellState:
        """The state before the first step.

        Raises:
            ShapeError: If ``batch_size`` is no integer of at least one.
        """
        return self.cell.initial_state(check_positive("batch_size", batch_size))

    def forward(self, inputs: Float[Tensor, "time batch input"], state: CellState | None = None) -> NTMOutput:
        """Run over a sequence, time leading.

        Args:
            inputs: One row of channels per time step and batch item, in the model's dtype and on its device.
            state: Where to start; by default ``initial_state(batch)``. It is not changed.

        Returns:
            The logits of every step (apply a sigmoid for bits) and the state after the last.

        Raises:
            ShapeError: If rank or size of ``inputs`` or ``state`` do not fit the model.
            DtypeError: If ``inputs`` is no tensor of the model's dtype and device.
        """
        check_sequence(inputs, self.config.input_size, self.output_layer.weight)
        warn_if_batch_leads(self, inputs, state)
        batch = inputs.shape[1]
        if state is None:
            state = self.initial_state(batch)
        else:
            self._check_state(state, inputs)
        controller_outputs, reads = [], []
        projected = self.cell.controller.input_layer(inputs)
        late = self.fused and torch.is_grad_enabled() and is_eager(inputs.device)
        layers = self.cell.over_sequence(projected) if late else None
        first = state.access
        try:
            for step in projected.unbind(0):
                hidden, state = self.cell(step, state, layers)
                controller_outputs.append(hidden)
                reads.append(state.access.read_vectors)
        finally:
            if layers is not None and layers.plan is not None:
                layers.plan.show(first)
        features = torch.cat([torch.stack(controller_outputs), torch.stack(reads).flatten(2)], dim=-1)
        return NTMOutput(self.output_layer(features), state)

    def _check_state(self, state: CellState, inputs: Tensor) -> None:
        check_state(state, CellState)
        config = self.config
        slots, word = config.memory_size, config.word_size
        reads, writes = config.num_read_heads, config.num_write_heads
        batch, remedy = inputs.shape[1], state_remedy(inputs, state.access.memory)
        check_shape("state memory", state.access.memory, "batch, slot, word", (batch, slots, word), remedy)
        weights, axes = (batch, reads, slots), "batch, head, slot"
        check_shape("state read_weights", state.access.read_weights, axes, weights, remedy)
        check_shape("state write_weights", state.access.write_weights, axes, (batch, writes, slots), remedy)
        check_shape("state read_vectors", state.access.read_vectors, axes, (batch, reads, word), remedy)
        layers, units = len(self.cell.initial_state(1).controller), self.config.controller_size
        check_controller(state.controller, layers, (batch, units), remedy)
