"""One step of memory access: address with all heads at once, read, then write."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from nsm_widgets.ntm import addressing
from nsm_widgets.ntm.state import (
    AddressingStages,
    HeadParameters,
    MemoryAccessOutput,
    NTMState,
    WriteParameters,
)


class MemoryAccess(nn.Module):
    """Addresses, reads and writes; holds no parameters and no state.

    Read and write heads both address the memory as the last step left it, M(t-1), and reading takes from it
    too; then the write makes M(t). A forward hook on this class therefore sees everything there is to see:
    its inputs are the head parameters and the state before, its output the stages and the state after.
    """

    reads_from: ClassVar[Literal["before_write"]] = "before_write"

    def forward(self, read: HeadParameters, write: WriteParameters, state: NTMState) -> MemoryAccessOutput:
        """Take one step.

        Args:
            read: Parameters of the read heads, in range (see ``HeadParameters``).
            write: Parameters of the write heads.
            state: The state the last step returned. It is not changed.

        Raises:
            ShapeError: If a size does not fit the memory.
        """
        read_stages, write_stages = address(read, write, state)
        read_vectors = addressing.read(state.memory, read_stages.weights)
        memory = addressing.erase_and_write(state.memory, write_stages.weights, write.erase, write.add)
        return MemoryAccessOutput(
            read_vectors=read_vectors,
            state=NTMState(memory, read_stages.weights, write_stages.weights, read_vectors),
            read=read_stages,
            write=write_stages,
            erase=write.erase,
            add=write.add,
        )


def address(
    read: HeadParameters, write: WriteParameters, state: NTMState
) -> tuple[AddressingStages, AddressingStages]:
    """Run the four addressing stages of figure 2 for read and write heads in one batch of heads."""
    sizes = [state.read_weights.shape[1], state.write_weights.shape[1]]
    key, strength, gate, kernel, sharpening = (
        torch.cat(pair, dim=1) for pair in zip(read[:5], write[:5], strict=True)
    )
    previous = torch.cat([state.read_weights, state.write_weights], dim=1)

    content = addressing.content_weights(state.memory, key, strength)
    gated = addressing.interpolate(content, previous, gate)
    shifted = addressing.shift(gated, kernel)
    weights = addressing.sharpen(shifted, sharpening)

    by_kind: list[tuple[Tensor, ...]] = [
        torch.split_with_sizes(w, sizes, dim=1) for w in (content, gated, shifted, weights)
    ]
    read_weights, write_weights = zip(*by_kind, strict=True)
    return AddressingStages(*read[:5], *read_weights), AddressingStages(*write[:5], *write_weights)
