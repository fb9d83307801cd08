"""The neural state machine: router, communication, propagator, manager and memory, over whole sequences."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nsm_widgets._errors import ShapeError
from nsm_widgets._model_checks import (
    check_matches,
    check_positive,
    check_shape,
    check_state,
    check_tensor,
    state_remedy,
    warn_if_batch_leads,
)
from nsm_widgets.nsm._masks import check_mask
from nsm_widgets.nsm.communication import StateCommunication
from nsm_widgets.nsm.config import NSMConfig
from nsm_widgets.nsm.manager import StateManager
from nsm_widgets.nsm.propagator import StatePropagator
from nsm_widgets.nsm.router import TokenToStateRouter
from nsm_widgets.nsm.state import NSMOutput, NSMState, NSMStep
from nsm_widgets.ntm.access import MemoryAccess
from nsm_widgets.ntm.heads import Heads
from nsm_widgets.ntm.initial import InitialMemory


class NeuralStateMachine(nn.Module):
    """A few states that share out the tokens of each step, talk to each other, and drive a memory.

    At every time step comes a *set* of tokens. One step is:

    1. ``router``: each token goes to the states whose keys it is like.
    2. ``communication``: states, with their new tokens, listen to each other.
    3. ``propagator``: each state is renewed from its tokens, its message and what was read last, through the
       gates of a GRU or LSTM.
    4. ``manager``: each state is scored; a state counts by its importance.
    5. ``heads`` and ``access``: all states together read and write a memory, as an NTM's controller does.

    ``NeuralStateMachine(config)`` and ``NeuralStateMachine(token_dim=5, output_size=4, ...)`` are the same;
    the fields of ``NSMConfig`` are the keywords. Without a ``state`` each call starts anew; to go on where a
    sequence stopped, hand the returned state in.

    States pruned by ``manager.prune`` take no tokens, send nothing, hear nothing, and count nothing.

    Example:
        >>> machine = NeuralStateMachine(token_dim=5, output_size=4, num_states=3)
        >>> outputs, state = machine(torch.randn(6, 2, 7, 5))  # (time, batch, token, feature)
        >>> outputs.shape
        torch.Size([6, 2, 4])
        >>> machine.step(torch.randn(2, 7, 5), state).routing_weights.shape
        torch.Size([2, 7, 3])

    Raises:
        UnknownOptionError: If a keyword is unknown, or both a config and keywords are given.
        ShapeError: If a size is not positive.
    """

    def __init__(self, config: NSMConfig | None = None, **keywords: object) -> None:
        super().__init__()
        self.config = c = NSMConfig.choose(config, keywords)
        read_size = c.num_read_heads * c.word_size
        self.router = TokenToStateRouter(c.token_dim, c.state_dim, c.num_states, c.num_routing_heads)
        self.communication = StateCommunication(c.state_dim, c.num_communication_heads)
        self.propagator = StatePropagator(2 * c.state_dim + read_size, c.state_dim, c.gate)
        self.manager = StateManager(c.state_dim, c.num_states)
        self.initial_states = nn.Parameter(0.1 * torch.randn(c.num_states, c.state_dim))
        self.heads = Heads(
            c.num_states * c.state_dim, c.word_size, c.num_read_heads, c.num_write_heads, c.shift_range
        )
        self.initial_memory = InitialMemory(c.memory_size, c.word_size, c.num_read_heads, c.num_write_heads)
        self.access = MemoryAccess()
        self.output_layer = nn.Linear(c.num_states * c.state_dim + read_size, c.output_size)
        nn.init.xavier_uniform_(self.output_layer.weight)
        nn.init.zeros_(self.output_layer.bias)

    def initial_state(self, batch_size: int) -> NSMState:
        """The state before the first step, learned, the same for every batch item.

        Raises:
            ShapeError: If ``batch_size`` is no integer of at least one.
        """
        batch = check_positive("batch_size", batch_size)
        states = self.initial_states.expand(batch, -1, -1)
        cells = torch.zeros_like(states) if self.config.gate == "lstm" else None
        return NSMState(states, cells, self.initial_memory(batch))

    def forward(
        self,
        tokens: Float[Tensor, "time batch token features"],
        state: NSMState | None = None,
        *,
        mask: Bool[Tensor, "time batch token"] | None = None,
    ) -> NSMOutput:
        """Run over a sequence, time leading.

        Args:
            tokens: A set of tokens for each step and batch item, in the model's dtype and on its device.
            state: Where to start; by default ``initial_state(batch)``. It is not changed.
            mask: True where there is a token, False at padding. Default: all are tokens.

        Returns:
            The logits of every step (apply a sigmoid for bits) and the state after the last.

        Raises:
            ShapeError: If rank or size of something do not fit the model.
            DtypeError: If ``tokens`` is no tensor of the model's dtype and device, or the mask not of bools.
        """
        self._check_tokens(tokens)
        warn_if_batch_leads(self, tokens, state, "tokens")
        steps, batch = tokens.shape[:2]
        if mask is not None:
            check_mask("mask", mask, "time, batch, token", tuple(tokens.shape[:3]), tokens)
        if state is None:
            state = self.initial_state(batch)
        else:
            self._check_state(state, tokens)
        masks = [None] * steps if mask is None else mask.unbind(0)
        features = []
        for now, present in zip(tokens.unbind(0), masks, strict=True):
            step = self.step(now, state, mask=present)
            state = step.state
            features.append(step.features)
        return NSMOutput(self.output_layer(torch.stack(features)), state)

    def step(
        self,
        tokens: Float[Tensor, "batch token features"],
        state: NSMState,
        *,
        mask: Bool[Tensor, "batch token"] | None = None,
    ) -> NSMStep:
        """Take one step, and lay open all of it. See the class for its parts."""
        active = None if self.manager.num_active == self.config.num_states else self.manager.active
        routed, routing = self.router(tokens, state.states, mask=mask, active=active)
        messages, communication = self.communication(state.states + routed, active=active)
        read = state.access.read_vectors.flatten(1).unsqueeze(1).expand(-1, routed.shape[1], -1)
        propagated = self.propagator(
            torch.cat([routed, messages, read], dim=-1), state.states, state.cells, active=active
        )
        importance = self.manager(propagated.states)
        counted = (importance.unsqueeze(-1) * propagated.states).flatten(1)
        memory = self.access(*self.heads(counted), state.access)
        return NSMStep(
            state=NSMState(propagated.states, propagated.cells, memory.state),
            features=torch.cat([counted, memory.read_vectors.flatten(1)], dim=-1),
            routed=routed,
            routing_weights=routing,
            messages=messages,
            communication_weights=communication,
            update=propagated.update,
            importance=importance,
            memory=memory,
        )

    def _check_tokens(self, tokens: Tensor) -> None:
        check_tensor("tokens", tokens)
        size = self.config.token_dim
        if tokens.ndim != 4 or tokens.shape[3] != size or 0 in tokens.shape:
            raise ShapeError(
                f"tokens must have axes (time, batch, token, {size} features), none empty, got shape "
                f"{tuple(tokens.shape)}. One token a step? Add its axis: tokens[:, :, None]."
            )
        check_matches("tokens", tokens, self.output_layer.weight, "the model")

    def _check_state(self, state: NSMState, tokens: Tensor) -> None:
        check_state(state, NSMState, "machine")
        remedy = state_remedy(tokens, state.states, "machine")
        fresh = self.initial_state(tokens.shape[1])
        check_shape("state states", state.states, "batch, state, feature", fresh.states.shape, remedy)
        if (state.cells is None) != (fresh.cells is None):
            raise ShapeError(f"state cells must be there with an LSTM gate alone, not with a GRU. {remedy}")
        if state.cells is not None:
            check_shape("state cells", state.cells, "batch, state, feature", fresh.states.shape, remedy)
        for name, part, expected in zip(state.access._fields, state.access, fresh.access, strict=True):
            check_shape(f"state {name}", part, "batch, ...", expected.shape, remedy)
