"""The network that drives the heads: an LSTM or a feed-forward net.

The inputs are known for the whole sequence in advance, what is read is not. So the first layer is split in
two: the share of the inputs (``input_layer``) is computed once for all steps, outside the time loop, and only
the share of the read vectors, and of the last hidden state, is added at each step.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nsm_widgets.ntm.late import SequenceLinear
from nsm_widgets.ntm.state import ControllerState


class Controller(nn.Module):
    """What the cell asks of a controller."""

    input_layer: nn.Linear
    """The share of the inputs in the first layer, its bias included."""

    @property
    def recurrent_layer(self) -> nn.Linear | None:
        """The rest of the first layer: what is computed at each step and added to the share of the inputs.

        A controller that names one takes it as ``recurrent`` too; None is always right.
        """
        return None

    def initial_state(self, batch_size: int) -> ControllerState:
        """The state before the first step."""
        raise NotImplementedError

    def forward(
        self,
        projected: Float[Tensor, "batch projected"],
        read: Float[Tensor, "batch read"],
        state: ControllerState,
        recurrent: SequenceLinear | None = None,
    ) -> tuple[Float[Tensor, "batch controller"], ControllerState]:
        """One step: ``projected`` is ``input_layer`` of the input, ``read`` all read vectors side by side.

        ``recurrent``, if given, is the recurrent layer over a sequence; it brings ``projected`` itself.
        """
        raise NotImplementedError


class LSTMController(Controller):
    """One or more LSTM layers; forget biases start at one, the state before the first step is learned."""

    def __init__(self, input_size: int, read_size: int, controller_size: int, num_layers: int = 1) -> None:
        super().__init__()
        gates = 4 * controller_size
        self.controller_size = controller_size
        self.input_layer = nn.Linear(input_size, gates)
        self.layers = nn.ModuleList(
            nn.Linear((read_size if layer == 0 else controller_size) + controller_size, gates, bias=layer > 0)
            for layer in range(num_layers)
        )
        self.initial = nn.Parameter(0.05 * torch.randn(2, num_layers, controller_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform weights in +-1/sqrt(fan-in of the whole layer), zero biases, forget biases one."""
        size = self.controller_size
        layers = _linears(self.layers)
        first_fan_in = self.input_layer.in_features + layers[0].in_features
        for layer in [self.input_layer, *layers]:
            fan_in = first_fan_in if layer in (self.input_layer, layers[0]) else layer.in_features
            bound = 1 / math.sqrt(fan_in)
            nn.init.uniform_(layer.weight, -bound, bound)
        for bias in [self.input_layer.bias, *(layer.bias for layer in layers[1:])]:
            nn.init.zeros_(bias)
            nn.init.ones_(bias[:size])

    @property
    def recurrent_layer(self) -> nn.Linear:
        """From what was read last and the last hidden values to the gates of the first layer."""
        return _linears(self.layers)[0]

    def initial_state(self, batch_size: int) -> ControllerState:
        """The learned hidden and cell values, the same for every batch item."""
        hidden, cell = self.initial.unsqueeze(2).expand(-1, -1, batch_size, -1).unbind(0)
        return tuple(zip(hidden.unbind(0), cell.unbind(0), strict=True))

    def forward(
        self,
        projected: Float[Tensor, "batch projected"],
        read: Float[Tensor, "batch read"],
        state: ControllerState,
        recurrent: SequenceLinear | None = None,
    ) -> tuple[Float[Tensor, "batch controller"], ControllerState]:
        """One step. See ``Controller``."""
        below = read
        after = []
        for index, (layer, (hidden, cell)) in enumerate(zip(_linears(self.layers), state, strict=True)):
            inputs = torch.cat([below, hidden], dim=-1)
            if index == 0 and recurrent is not None:
                gates = recurrent(inputs)
            else:
                gates = torch.addmm(projected if index == 0 else layer.bias, inputs, layer.weight.t())
            below, cell = lstm_update(gates, cell)
            after.append((below, cell))
        return below, tuple(after)


def lstm_update(
    gates: Float[Tensor, "batch four_controller"], cell: Float[Tensor, "batch controller"]
) -> tuple[Float[Tensor, "batch controller"], Float[Tensor, "batch controller"]]:
    """New hidden and cell state; ``gates`` holds forget, input, output gate and candidate, in this order."""
    size = cell.shape[-1]
    sigmoids, candidate = torch.split_with_sizes(gates, [3 * size, size], dim=-1)
    forget, take, show = torch.sigmoid(sigmoids).chunk(3, dim=-1)
    cell = forget * cell + take * torch.tanh(candidate)
    return show * torch.tanh(cell), cell


class FeedForwardController(Controller):
    """One or more layers of ``tanh`` units: no state of its own, all memory is in the memory."""

    def __init__(self, input_size: int, read_size: int, controller_size: int, num_layers: int = 1) -> None:
        super().__init__()
        self.input_layer = nn.Linear(input_size, controller_size)
        self.read_layer = nn.Linear(read_size, controller_size, bias=False)
        self.layers = nn.ModuleList(
            nn.Linear(controller_size, controller_size) for _ in range(num_layers - 1)
        )

    @property
    def recurrent_layer(self) -> nn.Linear:
        """From what was read last to the first layer."""
        return self.read_layer

    def initial_state(self, batch_size: int) -> ControllerState:
        """Empty: there is nothing to carry over."""
        return ()

    def forward(
        self,
        projected: Float[Tensor, "batch projected"],
        read: Float[Tensor, "batch read"],
        state: ControllerState,
        recurrent: SequenceLinear | None = None,
    ) -> tuple[Float[Tensor, "batch controller"], ControllerState]:
        """One step. See ``Controller``."""
        if recurrent is None:
            hidden = torch.tanh(torch.addmm(projected, read, self.read_layer.weight.t()))
        else:
            hidden = torch.tanh(recurrent(read))
        for layer in _linears(self.layers):
            hidden = torch.tanh(layer(hidden))
        return hidden, state


def _linears(layers: nn.ModuleList) -> list[nn.Linear]:
    return [layer for layer in layers if isinstance(layer, nn.Linear)]
