"""The Neural Turing Machine as one would write it from the paper: one head, one sequence at a time.

Source: Graves, Wayne, Danihelka, "Neural Turing Machines", arXiv:1410.5401 (2014), section 3. Every head has
its own linear layers, and heads and batch items are looped over. It takes its parameters from an ``NTM`` of
ours, and its outputs are the same to 1e-5, so that nothing but the way of computing is compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets import NTM
from nsm_widgets.ntm import NTMState


class TextbookHead(nn.Module):
    """One head: its parameters from the controller's output, then the four stages of addressing."""

    def __init__(self, controller_size: int, word_size: int, shift_range: int, *, writes: bool) -> None:
        super().__init__()
        self.key = nn.Linear(controller_size, word_size)
        self.strength = nn.Linear(controller_size, 1)
        self.gate = nn.Linear(controller_size, 1)
        self.shift = nn.Linear(controller_size, 2 * shift_range + 1)
        self.sharpening = nn.Linear(controller_size, 1)
        if writes:
            self.erase = nn.Linear(controller_size, word_size)
            self.add = nn.Linear(controller_size, word_size)

    def address(self, hidden: Tensor, memory: Tensor, previous: Tensor) -> Tensor:
        """Weights ``(slot,)`` from ``hidden`` ``(controller,)``, ``memory`` ``(slot, word)``. Eq. 5 to 9."""
        key = self.key(hidden)
        strength = functional.softplus(self.strength(hidden))
        gate = torch.sigmoid(self.gate(hidden))
        shift = torch.softmax(self.shift(hidden), dim=0)
        sharpening = 1 + functional.softplus(self.sharpening(hidden))

        content = torch.softmax(strength * cosine(memory, key), dim=0)
        gated = gate * content + (1 - gate) * previous
        shifted = rotate(gated, shift)
        powers = shifted**sharpening
        return powers / powers.sum()


def cosine(memory: Tensor, key: Tensor) -> Tensor:
    """Eq. 6, with something small in each root, without which an empty slot has no gradient."""
    norms = torch.sqrt((memory**2).sum(dim=1) + 1e-6) * torch.sqrt((key**2).sum() + 1e-6)
    return memory @ key / norms


def rotate(weights: Tensor, shift: Tensor) -> Tensor:
    """Eq. 8: the circular convolution, on a vector that is wrapped at both ends."""
    reach = len(shift) // 2
    if reach == 0:
        return weights
    wrapped = torch.cat([weights[-reach:], weights, weights[:reach]])
    return functional.conv1d(wrapped[None, None], shift.flip(0)[None, None])[0, 0]


class TextbookNTM(nn.Module):
    """Computes what an ``NTM`` with one LSTM layer does, with the parameters of that model.

    Example:
        >>> model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
        >>> TextbookNTM(model)(torch.zeros(5, 2, 3)).shape
        torch.Size([5, 2, 2])
    """

    def __init__(self, model: NTM) -> None:
        super().__init__()
        config = model.config
        read_size = config.num_read_heads * config.word_size
        size = config.controller_size

        def heads(count: int, *, writes: bool) -> nn.ModuleList:
            sizes = size, config.word_size, config.shift_range
            return nn.ModuleList(TextbookHead(*sizes, writes=writes) for _ in range(count))

        self.controller = nn.LSTMCell(config.input_size + read_size, size)
        self.read_heads = heads(config.num_read_heads, writes=False)
        self.write_heads = heads(config.num_write_heads, writes=True)
        self.output_layer = nn.Linear(size + read_size, config.output_size)
        access, ((hidden, cell),) = model.initial_state(1)
        self.access = NTMState(*(part[0].clone() for part in access))
        self.hidden, self.cell = (nn.Parameter(part[0].detach().clone()) for part in (hidden, cell))
        copy_parameters(model, self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits ``(time, batch, output)`` for ``inputs`` ``(time, batch, input)``."""
        return torch.stack([self.run(inputs[:, item]) for item in range(inputs.shape[1])], dim=1)

    def run(self, sequence: Tensor) -> Tensor:
        """Logits ``(time, output)`` of one sequence ``(time, input)``. Figure 1."""
        memory, hidden, cell = self.access.memory, self.hidden, self.cell
        read_weights, write_weights = list(self.access.read_weights), list(self.access.write_weights)
        reads = list(self.access.read_vectors)
        outputs = []
        for values in sequence:
            hidden, cell = self.controller(torch.cat([values, *reads]), (hidden, cell))
            read_weights = addressed(self.read_heads, hidden, memory, read_weights)
            write_weights = addressed(self.write_heads, hidden, memory, write_weights)
            reads = [weights @ memory for weights in read_weights]  # eq. 2
            memory = self.written(memory, hidden, write_weights)
            outputs.append(self.output_layer(torch.cat([hidden, *reads])))
        return torch.stack(outputs)

    def written(self, memory: Tensor, hidden: Tensor, write_weights: list[Tensor]) -> Tensor:
        """Eq. 3 for all heads, then eq. 4 for all heads."""
        for head, weights in zip(self.write_heads, write_weights, strict=True):
            memory = memory * (1 - torch.outer(weights, torch.sigmoid(head.erase(hidden))))  # type: ignore[operator]
        for head, weights in zip(self.write_heads, write_weights, strict=True):
            memory = memory + torch.outer(weights, head.add(hidden))  # type: ignore[operator]
        return memory


def addressed(
    heads: nn.ModuleList, hidden: Tensor, memory: Tensor, previous: Sequence[Tensor]
) -> list[Tensor]:
    """The weights of every head."""
    pairs = zip(heads, previous, strict=True)
    return [head.address(hidden, memory, before) for head, before in pairs]  # type: ignore[operator]


@torch.no_grad()
def copy_parameters(model: NTM, book: TextbookNTM) -> None:
    """Take apart the one layer of all heads, and put the LSTM's gates into torch's order."""
    controller = model.cell.controller
    inputs, (recurrent,) = controller.input_layer, controller.layers  # type: ignore[misc]
    size, reads = model.config.controller_size, recurrent.in_features - model.config.controller_size

    def gates(of: Tensor) -> Tensor:
        forget, take, show, candidate = of.split(size)
        return torch.cat([take, forget, candidate, show])

    book.controller.weight_ih.copy_(gates(torch.cat([inputs.weight, recurrent.weight[:, :reads]], dim=1)))
    book.controller.weight_hh.copy_(gates(recurrent.weight[:, reads:]))
    book.controller.bias_ih.copy_(gates(inputs.bias))
    book.controller.bias_hh.zero_()
    book.output_layer.load_state_dict(model.output_layer.state_dict())

    linear, all_heads = model.cell.heads.linear, [*book.read_heads, *book.write_heads]
    rows = iter(zip(linear.weight, linear.bias, strict=True))
    layers = [
        [head.key for head in all_heads],
        [head.add for head in book.write_heads],
        [head.strength for head in all_heads],
        [head.sharpening for head in all_heads],
        [head.gate for head in all_heads],
        [head.erase for head in book.write_heads],
        [head.shift for head in all_heads],
    ]
    for layer in (layer for kind in layers for layer in kind):
        for row in range(layer.out_features):
            weight, bias = next(rows)
            layer.weight[row], layer.bias[row] = weight, bias
