"""From the controller's output to the parameters of every head."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets.ntm.late import SequenceLinear
from nsm_widgets.ntm.state import HeadParameters, WriteParameters


class ReadParameters(HeadParameters):
    """Those of the read heads, which remember what they were split from: joining them again takes time."""

    together: HeadParameters
    """Of all heads, the read heads first."""
    write: WriteParameters
    """The other part of it."""


def side_by_side(read: HeadParameters, write: WriteParameters) -> HeadParameters:
    """The parameters of all heads, the read heads first.

    A hook may have put others in the place of the two that came from one layer: then they are joined.
    """
    if isinstance(read, ReadParameters) and getattr(read, "write", None) is write:
        return read.together
    return HeadParameters(*(torch.cat(pair, dim=1) for pair in zip(read[:5], write[:5], strict=True)))


class Heads(nn.Module):
    """One linear layer for all heads, split once and squashed by range. Graves et al. 2014, section 3.3.

    Keys and add vectors are any real; strength is ``softplus`` (>= 0), sharpening ``1 + softplus`` (>= 1),
    gate and erase ``sigmoid`` (in [0, 1]), shift ``softmax`` over its ``2 * shift_range + 1`` offsets.
    """

    def __init__(
        self,
        controller_size: int,
        word_size: int,
        num_read_heads: int,
        num_write_heads: int,
        shift_range: int,
    ) -> None:
        super().__init__()
        heads = num_read_heads + num_write_heads
        self.word_size = word_size
        self.by_kind = [num_read_heads, num_write_heads]
        self.sizes = [
            heads * word_size,  # keys
            num_write_heads * word_size,  # add vectors
            2 * heads,  # strengths, sharpenings: softplus
            heads + num_write_heads * word_size,  # gates, erase vectors: sigmoid
            heads * (2 * shift_range + 1),  # shifts: softmax
        ]
        self.linear = nn.Linear(controller_size, sum(self.sizes))
        nn.init.xavier_uniform_(self.linear.weight, gain=1.4)
        nn.init.normal_(self.linear.bias, std=0.01)

    def forward(
        self, hidden: Float[Tensor, "batch controller"], linear: SequenceLinear | None = None
    ) -> tuple[HeadParameters, WriteParameters]:
        """The parameters of the read heads and of the write heads.

        ``linear``, if given, is the layer over a sequence.
        """
        batch = hidden.shape[0]
        heads = sum(self.by_kind)
        told = self.linear(hidden) if linear is None else linear(hidden)
        keys, adds, positive, unit, shifts = torch.split_with_sizes(told, self.sizes, dim=-1)
        strengths, sharpenings = functional.softplus(positive).chunk(2, dim=-1)
        gates, erases = torch.split_with_sizes(torch.sigmoid(unit), [heads, self.sizes[1]], dim=-1)

        together = HeadParameters(
            keys.view(batch, heads, self.word_size),
            strengths,
            gates,
            torch.softmax(shifts.view(batch, heads, -1), dim=-1),
            1 + sharpenings,
        )
        read, write = zip(
            *(torch.split_with_sizes(values, self.by_kind, dim=1) for values in together), strict=True
        )
        write_shape = (batch, self.by_kind[1], self.word_size)
        writing = WriteParameters(*HeadParameters(*write), erases.view(write_shape), adds.view(write_shape))
        if torch.compiler.is_compiling():  # which joins and splits for nothing
            return HeadParameters(*read), writing
        reading = ReadParameters(*read)
        reading.together, reading.write = together, writing
        return reading, writing
