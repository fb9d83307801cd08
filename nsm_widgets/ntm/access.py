"""One step of memory access: address with all heads at once, read, then write."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import nn

from nsm_widgets._model_checks import check_shape
from nsm_widgets._torch_modes import is_autocast, is_eager
from nsm_widgets.ntm import addressing
from nsm_widgets.ntm.fused import Accessed, AccessStep
from nsm_widgets.ntm.heads import side_by_side
from nsm_widgets.ntm.state import (
    AddressingStages,
    HeadParameters,
    MemoryAccessOutput,
    NTMState,
    ReadStages,
    WriteParameters,
)


class MemoryAccess(nn.Module):
    """Addresses, reads and writes; holds no parameters and no state.

    Read and write heads both address the memory as the last step left it, M(t-1), and reading takes from it
    too; then the write makes M(t). A forward hook on this class therefore sees everything there is to see:
    its inputs are the head parameters and the state before, its output the stages and the state after.
    """

    reads_from: ClassVar[Literal["before_write"]] = "before_write"

    fused: bool = True
    """Take the step as one node with hand-written gradients, where that works. The values are the same."""

    ready: tuple[HeadParameters, WriteParameters, NTMState, MemoryAccessOutput] | None = None
    """The arguments of the next call and what it is to return, where the cell has already done the work."""

    def forward(self, read: HeadParameters, write: WriteParameters, state: NTMState) -> MemoryAccessOutput:
        """Take one step.

        Args:
            read: Parameters of the read heads, in range (see ``HeadParameters``).
            write: Parameters of the write heads.
            state: The state the last step returned. It is not changed.

        Raises:
            ShapeError: If a size does not fit the memory.
        """
        if self.ready is not None:
            *expected, output = self.ready
            if expected[0] is read and expected[1] is write and expected[2] is state:
                return output  # no hook has put others in their place
        heads = side_by_side(read, write)
        if self.fused and is_eager(state.memory.device):
            made = access_fused(heads, write, state)
        elif is_autocast(state.memory.device):
            made = self._plain_exactly(heads, write, state)
        else:
            made = self.plain(heads, write, state)
        sizes = [state.read_weights.shape[1], state.write_weights.shape[1]]
        stages: tuple[torch.Tensor, ...] = made[:4]
        by_kind = [torch.split_with_sizes(weights, sizes, dim=1) for weights in stages]
        read_weights, write_weights = zip(*by_kind, strict=True)
        reading = AddressingStages(*read[:5], *read_weights)
        writing = AddressingStages(*write[:5], *write_weights)
        if heads is getattr(read, "together", None):  # one tensor was split: copied, it is one, not two
            reading = ReadStages(*reading)
            reading.together, reading.write = AddressingStages(*heads[:5], *stages), writing
        return MemoryAccessOutput(
            read_vectors=made.read_vectors,
            state=NTMState(made.memory, read_weights[3], write_weights[3], made.read_vectors),
            read=reading,
            write=writing,
            erase=write.erase,
            add=write.add,
        )

    def plain(self, heads: HeadParameters, write: WriteParameters, state: NTMState) -> Accessed:
        """The step by plain functions; ``heads`` are all heads, the read heads first."""
        return access_plain(heads, write, state)

    def _plain_exactly(self, heads: HeadParameters, write: WriteParameters, state: NTMState) -> Accessed:
        """Under autocast, in the memory's own precision: a weight of 1e-16 is nothing to half precision."""
        memory = state.memory
        with torch.autocast(memory.device.type, enabled=False):
            return self.plain(
                HeadParameters(*(part.to(memory.dtype) for part in heads)),
                WriteParameters(*(part.to(memory.dtype) for part in write)),
                NTMState(*(part.to(memory.dtype) for part in state)),
            )


def access_plain(heads: HeadParameters, write: WriteParameters, state: NTMState) -> Accessed:
    """One step by the functions of ``addressing``: figure 2, then eq. 2 to 4. ``heads`` are all of them."""
    previous = torch.cat([state.read_weights, state.write_weights], dim=1)
    content = addressing.content_weights(state.memory, heads.key, heads.strength)
    gated = addressing.interpolate(content, previous, heads.gate)
    shifted = addressing.shift(gated, heads.shift)
    weights = addressing.sharpen(shifted, heads.sharpening)

    reads = state.read_weights.shape[1]
    read_vectors = addressing.read(state.memory, weights[:, :reads])
    memory = addressing.erase_and_write(state.memory, weights[:, reads:], write.erase, write.add)
    return Accessed(content, gated, shifted, weights, read_vectors, memory)


def access_fused(heads: HeadParameters, write: WriteParameters, state: NTMState) -> Accessed:
    """The same values, as one node of the graph. See ``fused``."""
    _check_sizes(heads, write, state)
    arguments = (state.memory, state.read_weights, state.write_weights, *heads, write.erase, write.add)
    return Accessed(*AccessStep.apply(*arguments))  # type: ignore[no-untyped-call]


def _check_sizes(heads: HeadParameters, write: WriteParameters, state: NTMState) -> None:
    """What the functions of ``addressing`` check one by one."""
    addressing.check_sizes(state.memory, heads.key)
    batch, slots, word = state.memory.shape
    count = heads.key.shape[1]
    writes = state.write_weights.shape[1]
    reads = count - writes
    per_head = (batch, count)
    check_shape("strength", heads.strength, "batch, head", per_head)
    check_shape("read_weights", state.read_weights, "batch, head, slot", (batch, reads, slots))
    check_shape("write_weights", state.write_weights, "batch, head, slot", (batch, writes, slots))
    check_shape("gate", heads.gate, "batch, head", per_head)
    addressing.check_kernel(heads.shift, per_head)
    check_shape("sharpening", heads.sharpening, "batch, head", per_head)
    check_shape("erase", write.erase, "batch, head, word", (batch, writes, word))
    check_shape("add", write.add, "batch, head, word", (batch, writes, word))


def address(
    read: HeadParameters, write: WriteParameters, state: NTMState
) -> tuple[AddressingStages, AddressingStages]:
    """The four addressing stages of figure 2 for read and write heads, without reading or writing."""
    heads = side_by_side(read, write)
    made = access_plain(heads, write, state)
    reads = state.read_weights.shape[1]
    return (
        AddressingStages(*read[:5], *(stage[:, :reads] for stage in made[:4])),
        AddressingStages(*write[:5], *(stage[:, reads:] for stage in made[:4])),
    )
