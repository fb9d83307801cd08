"""The Differentiable Neural Computer of Graves et al. 2016, as a module over whole sequences."""

from __future__ import annotations

from dataclasses import replace

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
from nsm_widgets.dnc.access import DNCAccess
from nsm_widgets.dnc.config import DNCConfig
from nsm_widgets.dnc.interface import InterfaceLayer
from nsm_widgets.dnc.state import DNCCellState, DNCOutput, DNCState
from nsm_widgets.ntm.controllers import LSTMController


class DNC(nn.Module):
    """An LSTM with an external memory that knows which slots are free and in which order they were written.

    ``DNC(config)`` and ``DNC(input_size=9, output_size=8, ...)`` are the same; the fields of ``DNCConfig``
    are the keywords. Without a ``state`` each call starts anew, from an empty memory; to go on where a
    sequence stopped, hand the returned state in. The steps in between, with usage, allocation, links and
    read modes, are what ``access`` returns: hook it to see them.

    Where it differs from the paper: of several controller layers only the last one feeds the interface and
    the output.

    Example:
        >>> model = DNC(input_size=9, output_size=8, memory_size=16, num_read_heads=2)
        >>> outputs, state = model(torch.zeros(5, 2, 9))  # (time, batch, channel)
        >>> outputs.shape
        torch.Size([5, 2, 8])
        >>> state.access.link.shape  # (batch, slot, slot)
        torch.Size([2, 16, 16])

    Raises:
        UnknownOptionError: If a keyword is unknown, or both a config and keywords are given.
        ShapeError: If a size is not positive.
    """

    def __init__(self, config: DNCConfig | None = None, **keywords: object) -> None:
        super().__init__()
        self.config = config = DNCConfig.choose(config, keywords)
        read_size = config.num_read_heads * config.word_size
        self.controller = LSTMController(
            config.input_size, read_size, config.controller_size, config.num_controller_layers
        )
        self.interface = InterfaceLayer(config.controller_size, config.word_size, config.num_read_heads)
        self.access = DNCAccess()
        self.output_layer = nn.Linear(config.controller_size + read_size, config.output_size)
        nn.init.xavier_uniform_(self.output_layer.weight)
        nn.init.zeros_(self.output_layer.bias)

    def initial_state(self, batch_size: int) -> DNCCellState:
        """The state before the first step: an empty memory, nothing used, nothing linked.

        Raises:
            ShapeError: If ``batch_size`` is no integer of at least one.
        """
        batch = check_positive("batch_size", batch_size)
        zeros = self.output_layer.weight.new_zeros
        slots, word, heads = self.config.memory_size, self.config.word_size, self.config.num_read_heads
        return DNCCellState(
            DNCState(
                memory=zeros(batch, slots, word),
                usage=zeros(batch, slots),
                precedence=zeros(batch, slots),
                link=zeros(batch, slots, slots),
                write_weights=zeros(batch, slots),
                read_weights=zeros(batch, heads, slots),
                read_vectors=zeros(batch, heads, word),
            ),
            self.controller.initial_state(batch),
        )

    def resize_memory(self, memory_size: int) -> DNC:
        """Give the model a memory of another size, in place: it has no parameter that depends on it.

        A state made before no longer fits. Returns ``self``.

        Raises:
            ShapeError: If ``memory_size`` is no integer of at least one.
        """
        self.config = replace(self.config, memory_size=memory_size)
        return self

    def forward(
        self, inputs: Float[Tensor, "time batch input"], state: DNCCellState | None = None
    ) -> DNCOutput:
        """Run over a sequence, time leading. Methods, "Controller network".

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
        if state is None:
            state = self.initial_state(inputs.shape[1])
        else:
            self._check_state(state, inputs)
        features = []
        for projected in self.controller.input_layer(inputs).unbind(0):
            hidden, state = self.step(projected, state)
            features.append(torch.cat([hidden, state.access.read_vectors.flatten(1)], dim=-1))
        return DNCOutput(self.output_layer(torch.stack(features)), state)

    def step(
        self, projected: Float[Tensor, "batch projected"], state: DNCCellState
    ) -> tuple[Float[Tensor, "batch controller"], DNCCellState]:
        """One step: the controller sees the input and what was read last, then the memory is accessed.

        Args:
            projected: The input of the step, already through ``controller.input_layer``.
            state: The state the last step returned.

        Returns:
            The controller's output and the state after the step.
        """
        read = state.access.read_vectors.flatten(1)
        hidden, controller = self.controller(projected, read, state.controller)
        return hidden, DNCCellState(self.access(self.interface(hidden), state.access).state, controller)

    def _check_state(self, state: DNCCellState, inputs: Tensor) -> None:
        check_state(state, DNCCellState)
        batch, remedy = inputs.shape[1], state_remedy(inputs, state.access.memory)
        fresh = self.initial_state(batch)
        for name, part, expected in zip(DNCState._fields, state.access, fresh.access, strict=True):
            check_shape(f"state {name}", part, "batch, ...", expected.shape, remedy)
        layers, units = len(fresh.controller), self.config.controller_size
        check_controller(state.controller, layers, (batch, units), remedy)
