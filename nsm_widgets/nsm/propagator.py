"""How states change from step to step: through the gates of a GRU or an LSTM."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nsm_widgets._errors import ShapeError, UnknownOptionError
from nsm_widgets._model_checks import check_either, check_matches, check_positive, check_shape, check_tensor
from nsm_widgets.nsm._masks import check_mask
from nsm_widgets.ntm.controllers import lstm_update

GateKind = Literal["gru", "lstm"]


class Propagated(NamedTuple):
    """States after a step, and how far they were renewed."""

    states: Float[Tensor, "batch state features"]
    cells: Float[Tensor, "batch state features"] | None
    """The LSTM's inner states; none with a GRU."""
    update: Float[Tensor, "batch state features"]
    """Share of the new in each number, in [0, 1]: ``1 - z`` of a GRU, the input gate of an LSTM. Zero where a
    state is not active."""


class StatePropagator(nn.Module):
    """One gated cell that all states share, each with what comes in for it.

    ``"gru"`` (Cho et al. 2014, eq. 5 to 8, in the form of ``torch.nn.GRUCell``)::

        r, z = sigmoid(W x + U h)
        n    = tanh(W_n x + r * (U_n h))
        h'   = (1 - z) * n + z * h

    ``"lstm"`` (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000)::

        f, i, o = sigmoid(W x + U h),  g = tanh(W_g x + U_g h)
        c' = f * c + i * g,            h' = o * tanh(c')

    Example:
        >>> propagator = StatePropagator(input_dim=5, state_dim=8, gate="gru")
        >>> propagator(torch.randn(2, 3, 5), torch.zeros(2, 3, 8)).states.shape
        torch.Size([2, 3, 8])

    Args:
        input_dim: Features of what comes in for a state.
        state_dim: Features of a state.
        gate: ``"gru"`` or ``"lstm"``.

    Raises:
        ShapeError: If a size is no integer of at least one.
        UnknownOptionError: If there is no such gate.
    """

    def __init__(self, input_dim: int, state_dim: int, gate: GateKind = "gru") -> None:
        super().__init__()
        check_either("gate", gate, get_args(GateKind))
        self.input_dim = check_positive("input_dim", input_dim)
        self.state_dim = check_positive("state_dim", state_dim)
        self.gate = gate
        gates = (3 if gate == "gru" else 4) * state_dim
        self.from_input = nn.Linear(input_dim, gates)
        self.from_state = nn.Linear(state_dim, gates, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform weights in +-1/sqrt(fan-in), zero biases; the gates that keep the old state begin open."""
        bound = 1 / math.sqrt(self.input_dim + self.state_dim)
        for layer in (self.from_input, self.from_state):
            nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.zeros_(self.from_input.bias)
        keeping = slice(self.state_dim, 2 * self.state_dim) if self.gate == "gru" else slice(self.state_dim)
        nn.init.ones_(self.from_input.bias[keeping])

    def forward(
        self,
        inputs: Float[Tensor, "batch state input_features"],
        states: Float[Tensor, "batch state features"],
        cells: Float[Tensor, "batch state features"] | None = None,
        *,
        active: Bool[Tensor, " state"] | None = None,
    ) -> Propagated:
        """Take one step.

        Args:
            inputs: What comes in for each state, B x S x input_dim.
            states: What they hold, B x S x state_dim.
            cells: The LSTM's inner states, zeros when not given; a GRU has none.
            active: False for states that stay as they are. Default: all are active.

        Raises:
            ShapeError: If rank or size do not fit.
            DtypeError: If something is no tensor of the module's dtype and device.
            UnknownOptionError: If a GRU is given inner states.
        """
        self._check(inputs, states, cells, active)
        if self.gate == "gru":
            after = self._gru(inputs, states)
        else:
            after = self._lstm(inputs, states, torch.zeros_like(states) if cells is None else cells)
        if active is None:
            return after
        on = active.unsqueeze(-1)
        kept = None if after.cells is None else torch.where(on, after.cells, 0.0 if cells is None else cells)
        return Propagated(torch.where(on, after.states, states), kept, after.update * on)

    def _gru(self, inputs: Tensor, states: Tensor) -> Propagated:
        size = self.state_dim
        gates_in, candidate_in = torch.split_with_sizes(self.from_input(inputs), [2 * size, size], dim=-1)
        gates_held, candidate_held = torch.split_with_sizes(self.from_state(states), [2 * size, size], dim=-1)
        reset, keep = torch.sigmoid(gates_in + gates_held).chunk(2, dim=-1)
        candidate = torch.tanh(candidate_in + reset * candidate_held)
        candidate, keep = candidate.to(states.dtype), keep.to(states.dtype)  # under autocast they are halves
        return Propagated(torch.lerp(candidate, states, keep), None, 1 - keep)

    def _lstm(self, inputs: Tensor, states: Tensor, cells: Tensor) -> Propagated:
        gates = self.from_input(inputs) + self.from_state(states)
        hidden, after = lstm_update(gates.flatten(0, 1), cells.flatten(0, 1))
        take = torch.sigmoid(gates[..., self.state_dim : 2 * self.state_dim])
        return Propagated(hidden.view_as(states), after.view_as(states), take)

    def _check(self, inputs: Tensor, states: Tensor, cells: Tensor | None, active: Tensor | None) -> None:
        check_tensor("states", states)
        if states.ndim != 3 or states.shape[2] != self.state_dim or 0 in states.shape:
            raise ShapeError(
                f"states must have axes (batch, state, {self.state_dim} features), none empty, got shape "
                f"{tuple(states.shape)}."
            )
        check_matches("states", states, self.from_input.weight, "the module")
        check_shape("inputs", inputs, "batch, state, feature", (*states.shape[:2], self.input_dim))
        if cells is not None:
            if self.gate == "gru":
                raise UnknownOptionError("cells belong to an LSTM, and this gate is 'gru'. Leave them out.")
            check_shape("cells", cells, "batch, state, feature", tuple(states.shape))
        if active is not None:
            check_mask("active", active, "state", (states.shape[1],), states)
