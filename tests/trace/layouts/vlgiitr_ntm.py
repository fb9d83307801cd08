"""An NTM laid out as vlgiitr's: all of the state stands on modules, and ``reset`` begins a sequence.

A call is given one row of inputs and returns one of outputs, nothing else. Heads say by ``mode`` what they
are, and are handed the memory when called.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets.trace import Adapter


class NTMMemory(nn.Module):
    """Contents ``[B, n, m]``; what is added is what is erased."""

    def __init__(self, memory_units: int, memory_unit_size: int) -> None:
        super().__init__()
        self.n, self.m = memory_units, memory_unit_size
        self.memory_bias_fc = nn.Linear(1, self.n * self.m)
        self.reset()

    def reset(self, batch_size: int = 1) -> None:
        bias = self.memory_bias_fc(torch.ones(1, 1)).tanh()
        self.memory = bias.view(1, self.n, self.m).repeat(batch_size, 1, 1)

    def content_addressing(self, key: Tensor, key_strength: Tensor) -> Tensor:
        alike = functional.cosine_similarity(key.view(-1, 1, self.m), self.memory, dim=-1)
        return (key_strength * alike).softmax(1)

    def read(self, weights: Tensor) -> Tensor:
        return torch.bmm(weights.view(-1, 1, self.n), self.memory).view(-1, self.m)

    def write(self, weights: Tensor, data: Tensor) -> None:
        weights = weights.view(-1, self.n, 1)
        self.memory = weights * data.view(-1, 1, self.m) + (1 - weights) * self.memory


class NTMHead(nn.Module):
    """Reads or writes, as its mode is ``"r"`` or ``"w"``."""

    def __init__(self, mode: str, controller_size: int, key_size: int) -> None:
        super().__init__()
        self.mode = mode
        self.key_fc, self.write_data_fc = (nn.Linear(controller_size, key_size) for _ in range(2))
        self.key_strength_fc, self.interpolation_gate_fc, self.sharpen_factor_fc = (
            nn.Linear(controller_size, 1) for _ in range(3)
        )
        self.shift_weighting_fc = nn.Linear(controller_size, 3)

    def forward(
        self, controller_state: Tensor, prev_weights: Tensor, memory: NTMMemory, data: Any = None
    ) -> tuple[Tensor, Any]:
        b = functional.softplus(self.key_strength_fc(controller_state))
        content = memory.content_addressing(self.key_fc(controller_state), b)
        g = self.interpolation_gate_fc(controller_state).sigmoid()
        gated = g * content + (1 - g) * prev_weights
        s = self.shift_weighting_fc(controller_state).softmax(1)
        padded = torch.cat([gated[:, -1:], gated, gated[:, :1]], 1)
        shifted = torch.einsum("bnk,bk->bn", padded.unfold(1, 3, 1), s)
        y = 1 + functional.softplus(self.sharpen_factor_fc(controller_state))
        weights = shifted**y / (shifted**y).sum(1, keepdim=True)
        if self.mode == "r":
            return weights, memory.read(weights)
        memory.write(weights, self.write_data_fc(controller_state).tanh())
        return weights, data


class NTMController(nn.Module):
    """Keeps its own state, too."""

    def __init__(self, input_size: int, controller_size: int, output_size: int, read_data_size: int) -> None:
        super().__init__()
        self.controller_net = nn.LSTMCell(input_size, controller_size)
        self.out_net = nn.Linear(read_data_size, output_size)
        self.h_bias_fc, self.c_bias_fc = (nn.Linear(1, controller_size) for _ in range(2))
        self.reset()

    def reset(self, batch_size: int = 1) -> None:
        one = torch.ones(1, 1)
        self.h_state = self.h_bias_fc(one).repeat(batch_size, 1)
        self.c_state = self.c_bias_fc(one).repeat(batch_size, 1)

    def forward(self, in_data: Tensor, prev_reads: list[Tensor]) -> tuple[Tensor, Tensor]:
        x = torch.cat([in_data, *prev_reads], -1)
        self.h_state, self.c_state = self.controller_net(x, (self.h_state, self.c_state))
        return self.h_state, self.c_state

    def output(self, read_data: list[Tensor]) -> Tensor:
        return self.out_net(torch.cat([self.h_state, *read_data], -1)).sigmoid()  # type: ignore[no-any-return]


class NTM(nn.Module):
    """One step; begin a sequence by ``reset``."""

    def __init__(
        self,
        input_size: int,
        output_size: int,
        controller_size: int,
        memory_units: int,
        memory_unit_size: int,
        num_heads: int,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        reads = num_heads * memory_unit_size
        self.controller = NTMController(
            input_size + reads, controller_size, output_size, read_data_size=controller_size + reads
        )
        self.memory = NTMMemory(memory_units, memory_unit_size)
        self.heads = nn.ModuleList()
        for _ in range(num_heads):
            self.heads += [NTMHead(mode, controller_size, key_size=memory_unit_size) for mode in "rw"]
        self.reset()

    def reset(self, batch_size: int = 1) -> None:
        self.memory.reset(batch_size)
        self.controller.reset(batch_size)
        self.prev_head_weights = [torch.zeros(batch_size, self.memory.n) for _ in self.heads]
        self.prev_reads = [torch.zeros(batch_size, self.memory.m) for _ in range(self.num_heads)]

    def forward(self, in_data: Tensor) -> Tensor:
        _, controller_c_state = self.controller(in_data, self.prev_reads)
        read_data, head_weights = [], []
        for head, prev_head_weight in zip(self.heads, self.prev_head_weights, strict=True):
            weights, data = head(controller_c_state, prev_head_weight, self.memory)
            head_weights.append(weights)
            if head.mode == "r":
                read_data.append(data)
        output = self.controller.output(read_data)
        self.prev_head_weights, self.prev_reads = head_weights, read_data
        return output


def record(module: NTM, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """What a user writes: everything from where it stands."""
    heads = list(zip(module.heads, module.prev_head_weights, strict=True))
    return {
        "memory": module.memory.memory,
        "read_weights": [weights for head, weights in heads if head.mode == "r"],
        "write_weights": [weights for head, weights in heads if head.mode == "w"],
    }


def state(module: NTM) -> Any:
    """What it keeps between its calls."""
    return module.memory.memory, module.prev_head_weights


ADAPTERS = {NTM: Adapter(record, state=state)}
