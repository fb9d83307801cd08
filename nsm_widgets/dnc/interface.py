"""From the controller's output to the interface vector, and from that to parameters in range."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets.dnc.state import Interface


class InterfaceLayer(nn.Module):
    """One linear layer, split into the ``W R + 3 W + 5 R + 3`` numbers of the interface vector xi_t.

    Methods, "Interface parameters": strengths are ``oneplus`` (>= 1), erase vector, free gates and both other
    gates ``sigmoid``, read modes ``softmax``; keys and write vector are any real.
    """

    def __init__(self, controller_size: int, word_size: int, num_read_heads: int) -> None:
        super().__init__()
        self.word_size = word_size
        self.num_read_heads = num_read_heads
        self.sizes = [
            num_read_heads * word_size,  # read keys
            num_read_heads,  # read strengths
            word_size,  # write key
            1,  # write strength
            word_size,  # erase vector
            word_size,  # write vector
            num_read_heads,  # free gates
            1,  # allocation gate
            1,  # write gate
            3 * num_read_heads,  # read modes
        ]
        self.linear = nn.Linear(controller_size, sum(self.sizes))
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, hidden: Float[Tensor, "batch controller"]) -> Interface:
        """The parameters of one step."""
        parts = torch.split_with_sizes(self.linear(hidden), self.sizes, dim=-1)
        keys, strengths, write_key, write_strength, erase, add, free, allocation, write, modes = parts
        batch, heads = hidden.shape[0], self.num_read_heads
        return Interface(
            read_keys=keys.view(batch, heads, self.word_size),
            read_strengths=oneplus(strengths),
            write_key=write_key,
            write_strength=oneplus(write_strength).squeeze(-1),
            erase=torch.sigmoid(erase),
            add=add,
            free_gates=torch.sigmoid(free),
            allocation_gate=torch.sigmoid(allocation).squeeze(-1),
            write_gate=torch.sigmoid(write).squeeze(-1),
            read_modes=torch.softmax(modes.view(batch, heads, 3), dim=-1),
        )


def oneplus(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """``1 + log(1 + exp(x))``, in [1, inf). Methods, "Interface parameters"."""
    return 1 + functional.softplus(values)
