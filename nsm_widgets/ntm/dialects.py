"""Where other implementations differ from ours in their arithmetic, so that their weights mean the same here.

Both of these read, then write, with one head each, and both address the memory as the last step left it, as
we do. They differ in a few formulas, as read in their sources:

========================  ====================================  ====================================
what                      pytorch-ntm                           clemkoa-ntm
========================  ====================================  ====================================
cosine                    norms held above 1e-8                 the same
sharpening                quotient of powers, + 1e-16           the same
weights before step 1     zero                                  learned, the read head's for both
last weights of a write   its own                               those of the *read* head
read vector before step 1 a fixed vector                        a learned vector
memory before step 1      random, fixed                         1e-6 everywhere
========================  ====================================  ====================================

Sources: github.com/loudinthecloud/pytorch-ntm and github.com/clemkoa/ntm.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets.ntm import addressing
from nsm_widgets.ntm.access import MemoryAccess
from nsm_widgets.ntm.config import Dialect
from nsm_widgets.ntm.fused import Accessed
from nsm_widgets.ntm.state import HeadParameters, NTMState, WriteParameters

TINY: Final = 1e-16
"""What both add to vectors before the cosine, and to the sum of powers."""


class ForeignAccess(MemoryAccess):
    """A step in the arithmetic of another implementation."""

    fused = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__()
        self.write_follows_read = dialect == "clemkoa-ntm"

    def plain(self, heads: HeadParameters, write: WriteParameters, state: NTMState) -> Accessed:
        """See ``MemoryAccess.plain``."""
        last_write = state.read_weights if self.write_follows_read else state.write_weights
        previous = torch.cat([state.read_weights, last_write], dim=1)
        similarity = functional.cosine_similarity(
            state.memory.unsqueeze(1) + TINY, heads.key.unsqueeze(2) + TINY, dim=-1
        )
        content = torch.softmax(heads.strength.unsqueeze(-1) * similarity, dim=-1)
        gated = addressing.interpolate(content, previous, heads.gate)
        shifted = addressing.shift(gated, heads.shift)
        powers = shifted ** heads.sharpening.unsqueeze(-1)
        weights = powers / (powers.sum(dim=-1, keepdim=True) + TINY)

        read_vectors = addressing.read(state.memory, weights[:, :1])
        memory = addressing.erase_and_write(state.memory, weights[:, 1:], write.erase, write.add)
        return Accessed(content, gated, shifted, weights, read_vectors, memory)


class FixedInitial(nn.Module):
    """A state before the first step of which every part is given, and stays as it is."""

    bias: Tensor
    read_weights: Tensor
    write_weights: Tensor
    read_vectors: Tensor

    def __init__(self, memory_size: int, word_size: int) -> None:
        super().__init__()
        bound = (memory_size + word_size) ** -0.5
        self.register_buffer("bias", torch.empty(memory_size, word_size).uniform_(-bound, bound))
        self.register_buffer("read_weights", torch.zeros(1, memory_size))
        self.register_buffer("write_weights", torch.zeros(1, memory_size))
        self.register_buffer("read_vectors", torch.zeros(1, word_size))

    def forward(self, batch_size: int) -> NTMState:
        """The state before the first step, its own copy for every batch item."""
        parts = (self.bias, self.read_weights, self.write_weights, self.read_vectors)
        return NTMState(*(part.repeat(batch_size, 1, 1) for part in parts))
