"""What the memory holds, and where the heads stand, before the first step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nsm_widgets.ntm import addressing
from nsm_widgets.ntm.state import NTMState


class InitialMemory(nn.Module):
    """A random memory, and every head focused on the first slot.

    A constant memory under uniform weights is a symmetry that no gradient can break: all slots stay equal for
    ever. Both parts break it. The memory is drawn once from U(-1/sqrt(N+M), +1/sqrt(N+M)) and saved with the
    model; the first read vectors are what the heads read from it.

    Args:
        memory_size: Slots.
        word_size: Width of a slot.
        num_read_heads: Heads that read.
        num_write_heads: Heads that write.
        learned: Whether the memory is a parameter. Slots can then come to be told apart by what they hold, as
            a task needs it that goes to a place by its content before anything was written there.
    """

    bias: Tensor

    def __init__(
        self,
        memory_size: int,
        word_size: int,
        num_read_heads: int,
        num_write_heads: int,
        *,
        learned: bool = False,
    ) -> None:
        super().__init__()
        self.num_read_heads = num_read_heads
        self.num_write_heads = num_write_heads
        bound = (memory_size + word_size) ** -0.5
        drawn = torch.empty(memory_size, word_size).uniform_(-bound, bound)
        if learned:
            self.bias = nn.Parameter(drawn)
        else:
            self.register_buffer("bias", drawn)

    def forward(self, batch_size: int) -> NTMState:
        """The state before the first step, its own copy for every batch item."""
        memory = self.bias.repeat(batch_size, 1, 1)
        first_slot = memory.new_zeros(self.bias.shape[0])
        first_slot[0] = 1
        read_weights = first_slot.repeat(batch_size, self.num_read_heads, 1)
        write_weights = first_slot.repeat(batch_size, self.num_write_heads, 1)
        return NTMState(memory, read_weights, write_weights, addressing.read(memory, read_weights))
