"""Which states listen to which."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nsm_widgets._errors import ShapeError
from nsm_widgets._model_checks import check_matches, check_positive, check_tensor
from nsm_widgets.nsm._masks import check_mask, check_some_active
from nsm_widgets.nsm.router import check_heads, join_heads, split_heads


class StateCommunication(nn.Module):
    """Multi-head attention among states. Vaswani et al. 2017, section 3.2.

    For each head h, listening state s and sending state r, with ``d = state_dim / num_heads``::

        weights_h[s, r] = softmax over r of (query_h(s) . key_h(r)) / sqrt(d)     (eq. 1)
        message[s]      = output(concat over h of sum over r of weights_h[s, r] * value_h(r))

    A state may listen to itself. States have no order: permuted states give permuted messages.

    Example:
        >>> communication = StateCommunication(state_dim=8, num_heads=2)
        >>> messages, weights = communication(torch.randn(4, 3, 8))
        >>> messages.shape, weights.shape  # weights: (batch, head, state, sender)
        (torch.Size([4, 3, 8]), torch.Size([4, 2, 3, 3]))

    Args:
        state_dim: Features of a state; a multiple of ``num_heads``.
        num_heads: Heads, H.

    Raises:
        ShapeError: If a size is no integer of at least one, or the heads do not share out the features
            evenly.
    """

    def __init__(self, state_dim: int, num_heads: int = 1) -> None:
        super().__init__()
        self.state_dim = check_positive("state_dim", state_dim)
        self.num_heads = check_heads(num_heads, state_dim)
        self.query_key_value = nn.Linear(state_dim, 3 * state_dim)
        self.output = nn.Linear(state_dim, state_dim)

    def forward(
        self, states: Float[Tensor, "batch state features"], *, active: Bool[Tensor, " state"] | None = None
    ) -> tuple[Float[Tensor, "batch state features"], Float[Tensor, "batch head state sender"]]:
        """Let every state hear from the others.

        Args:
            states: B x S x state_dim.
            active: False for states that neither send nor listen: their weights, in row and column, and their
                messages are zero. Default: all are active.

        Returns:
            Messages, B x S x state_dim, and the weights, B x H x S x S: rows listen, columns send.

        Raises:
            ShapeError: If rank or size do not fit.
            DtypeError: If something is no tensor of the module's dtype and device.
        """
        check_tensor("states", states)
        if states.ndim != 3 or states.shape[2] != self.state_dim or 0 in states.shape:
            raise ShapeError(
                f"states must have axes (batch, state, {self.state_dim} features), none empty, got shape "
                f"{tuple(states.shape)}."
            )
        check_matches("states", states, self.output.weight, "the module")
        if active is not None:
            check_mask("active", active, "state", (states.shape[1],), states)
            check_some_active(active)
        queries, keys, values = (
            split_heads(part, self.num_heads) for part in self.query_key_value(states).chunk(3, dim=-1)
        )
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(self.state_dim / self.num_heads)
        if active is None:
            weights = torch.softmax(scores, dim=-1)
            return self.output(join_heads(weights @ values)), weights
        weights = torch.softmax(scores.masked_fill(~active, -torch.inf), dim=-1) * active[:, None]
        return self.output(join_heads(weights @ values)) * active[:, None], weights
