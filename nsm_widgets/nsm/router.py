"""Which states take which tokens."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nsm_widgets._errors import ShapeError
from nsm_widgets._model_checks import check_matches, check_positive, check_shape, check_tensor
from nsm_widgets.nsm._masks import check_mask, check_some_active


class TokenToStateRouter(nn.Module):
    """Sends each token to the states whose keys are like its query, by attention from tokens to states.

    With ``d = state_dim / num_heads`` numbers in each head h, for token t and state s::

        weights_h[t, s] = softmax over s of (query_h(token t) . key_h(state s)) / sqrt(d)     (1)
        routed_h[s]     = sum over t of weights_h[t, s] * value_h(token t)                    (2)

    The softmax runs over the *states*: each token is shared out among them, and a state that no token goes to
    is given nothing. A state's key is a vector of its own, learned, plus a projection of what the state holds
    where ``states`` are given.

    Example:
        >>> router = TokenToStateRouter(token_dim=5, state_dim=8, num_states=3, num_heads=2)
        >>> routed, weights = router(torch.randn(2, 7, 5))
        >>> routed.shape, weights.shape
        (torch.Size([2, 3, 8]), torch.Size([2, 7, 3]))

    Args:
        token_dim: Features of a token.
        state_dim: Features of a state; a multiple of ``num_heads``.
        num_states: States, S.
        num_heads: Heads that route by different features, H.

    Raises:
        ShapeError: If a size is no integer of at least one, or the heads do not share out the features
            evenly.
    """

    def __init__(self, token_dim: int, state_dim: int, num_states: int, num_heads: int = 1) -> None:
        super().__init__()
        self.token_dim = check_positive("token_dim", token_dim)
        self.state_dim = check_positive("state_dim", state_dim)
        self.num_states = check_positive("num_states", num_states)
        self.num_heads = check_heads(num_heads, state_dim)
        self.query = nn.Linear(token_dim, state_dim)
        self.value = nn.Linear(token_dim, state_dim)
        self.state_keys = nn.Parameter(torch.randn(num_states, state_dim))
        self.key = nn.Linear(state_dim, state_dim, bias=False)

    def forward(
        self,
        tokens: Float[Tensor, "batch token features"],
        states: Float[Tensor, "batch state state_features"] | None = None,
        *,
        mask: Bool[Tensor, "batch token"] | None = None,
        active: Bool[Tensor, " state"] | None = None,
    ) -> tuple[Float[Tensor, "batch state state_features"], Float[Tensor, "batch token state"]]:
        """Route one set of tokens; their order does not matter.

        Args:
            tokens: B x T x token_dim.
            states: What the states hold, B x S x state_dim; keys are the learned ones alone without.
            mask: True where there is a token, False at padding, which goes nowhere: its weights are zero, and
                what stands in it does not matter. Default: all are tokens.
            active: False for states that get nothing. Default: all are active.

        Returns:
            Routed tokens, B x S x state_dim, and the weights, B x T x S, the mean over heads: each token's
            sum to one, or are all zero at padding.

        Raises:
            ShapeError: If rank or size do not fit.
            DtypeError: If something is no tensor of the router's dtype and device, or a mask is not of bools.
        """
        self._check_tokens(tokens)
        batch, count = tokens.shape[:2]
        if mask is not None:
            check_mask("mask", mask, "batch, token", (batch, count), tokens)
            tokens = tokens.masked_fill(~mask.unsqueeze(-1), 0.0)
        if active is not None:
            check_mask("active", active, "state", (self.num_states,), tokens)
            check_some_active(active)
        keys: Tensor = self.state_keys
        if states is not None:
            check_shape("states", states, "batch, state, feature", (batch, self.num_states, self.state_dim))
            keys = keys + self.key(states)
        queries = split_heads(self.query(tokens), self.num_heads)
        keys = split_heads(keys.expand(batch, -1, -1), self.num_heads)
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(self.state_dim / self.num_heads)
        if active is not None:
            scores = scores.masked_fill(~active, -torch.inf)
        weights = torch.softmax(scores, dim=-1)  # (batch, head, token, state)
        if mask is not None:
            weights = weights * mask[:, None, :, None]
        routed = weights.transpose(-1, -2) @ split_heads(self.value(tokens), self.num_heads)
        return join_heads(routed), weights.mean(dim=1)

    def _check_tokens(self, tokens: Tensor) -> None:
        check_tensor("tokens", tokens)
        if tokens.ndim != 3 or tokens.shape[2] != self.token_dim or 0 in tokens.shape:
            raise ShapeError(
                f"tokens must have axes (batch, token, {self.token_dim} features), none empty, got shape "
                f"{tuple(tokens.shape)}. A single set of tokens? Add its batch axis: tokens[None]."
            )
        check_matches("tokens", tokens, self.state_keys, "the router")


def check_heads(num_heads: int, state_dim: int) -> int:
    """Return ``num_heads`` if it shares out ``state_dim`` evenly.

    Raises:
        ShapeError: If it does not, or is no integer of at least one.
    """
    check_positive("num_heads", num_heads)
    if state_dim % num_heads:
        raise ShapeError(
            f"state_dim must be a multiple of num_heads, got {state_dim} and {num_heads}. "
            f"{num_heads * (state_dim // num_heads + 1)} features would do."
        )
    return num_heads


def split_heads(values: Float[Tensor, "batch item features"], heads: int) -> Tensor:
    """The features of each head apart: (batch, head, item, features / head)."""
    batch, items, features = values.shape
    return values.view(batch, items, heads, features // heads).transpose(1, 2)


def join_heads(values: Float[Tensor, "batch head item features"]) -> Tensor:
    """The features of all heads side by side: (batch, item, features)."""
    return values.transpose(1, 2).flatten(2)
