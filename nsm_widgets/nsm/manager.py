"""Which states matter, and which of them take part at all."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nsm_widgets._errors import ShapeError
from nsm_widgets._model_checks import check_matches, check_positive, check_shape, check_tensor
from nsm_widgets.nsm._masks import num_true


class StateManager(nn.Module):
    """Scores every state, and keeps the list of those that are active.

    The importance of a state is ``sigmoid(score . state + bias)``, in [0, 1], and zero for a state that is
    not active. Pruning changes the list alone: no parameter is removed, ``restore`` brings a state back,
    and the list is saved with the model.

    Example:
        >>> manager = StateManager(state_dim=8, num_states=4)
        >>> importance = torch.tensor([[0.9, 0.02, 0.5, 0.01]])
        >>> manager.prune(importance, threshold=0.1)
        [1, 3]
        >>> manager.active.tolist()
        [True, False, True, False]
        >>> manager(torch.randn(2, 4, 8))[:, 1]
        tensor([0., 0.], grad_fn=<SelectBackward0>)

    Args:
        state_dim: Features of a state.
        num_states: States, S.

    Raises:
        ShapeError: If a size is no integer of at least one.
    """

    active: Bool[Tensor, " state"]

    def __init__(self, state_dim: int, num_states: int) -> None:
        super().__init__()
        self.state_dim = check_positive("state_dim", state_dim)
        self.num_states = check_positive("num_states", num_states)
        self.score = nn.Linear(state_dim, 1)
        self.register_buffer("active", torch.ones(num_states, dtype=torch.bool))

    def forward(self, states: Float[Tensor, "batch state features"]) -> Float[Tensor, "batch state"]:
        """The importance of each state, in [0, 1].

        Raises:
            ShapeError: If rank or size do not fit.
            DtypeError: If ``states`` is no tensor of the module's dtype and device.
        """
        check_tensor("states", states)
        batch = states.shape[0] if states.ndim else 0
        check_shape("states", states, "batch, state, feature", (batch, self.num_states, self.state_dim))
        check_matches("states", states, self.score.weight, "the manager")
        importance = torch.sigmoid(self.score(states)).squeeze(-1)
        return importance.masked_fill(~self.active, 0.0)

    @torch.no_grad()
    def prune(
        self, importance: Float[Tensor, "*batch state"], threshold: float, *, keep: int = 1
    ) -> list[int]:
        """Take states out whose mean importance is below ``threshold``.

        Args:
            importance: As ``forward`` returned it, of any number of steps or batch items; the mean counts.
            threshold: In [0, 1].
            keep: At least so many of the active states stay: the most important ones, and of equally
                important ones those that come first.

        Returns:
            The states that were taken out by this call, ascending.

        Raises:
            ShapeError: If there is not one value for each state, ``threshold`` lies outside [0, 1], or
                ``keep`` is no integer from 1 to the number of states.
        """
        check_tensor("importance", importance)
        outer = tuple(importance.shape[:-1])
        check_shape("importance", importance, "..., state", (*outer, self.num_states))
        if not 0 <= threshold <= 1:
            raise ShapeError(
                f"threshold must lie in [0, 1], as importance does, got {threshold!r}. 0.1 is a start."
            )
        if check_positive("keep", keep) > self.num_states:
            raise ShapeError(f"keep must be at most {self.num_states}, the number of states, got {keep}.")
        mean = importance.reshape(-1, self.num_states).mean(dim=0).masked_fill(~self.active, -1.0)
        best = torch.sort(mean, descending=True, stable=True).indices[:keep]
        staying = self.active & (mean >= threshold)
        staying[best] = self.active[best]
        pruned = (self.active & ~staying).nonzero().flatten().tolist()
        self.active.copy_(staying)
        return [int(state) for state in pruned]

    def restore(self) -> None:
        """Make all states active again."""
        self.active.fill_(True)

    @property
    def num_active(self) -> int:
        """How many states are active."""
        return num_true(self.active)
