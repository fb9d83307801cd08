"""An NTM laid out as pytorch-ntm's: heads in one list, each given the memory when made; state handed on.

The memory itself is no part of the state: it stands on a module, and a write puts a new tensor there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets.trace import Adapter


class Memory(nn.Module):
    """Contents ``[B, N, M]``, set anew by ``reset``."""

    mem_bias: Tensor
    memory: Tensor

    def __init__(self, N: int, M: int) -> None:  # noqa: N803
        super().__init__()
        self.N, self.M = N, M
        self.register_buffer("mem_bias", torch.randn(N, M) / 4)

    def size(self) -> tuple[int, int]:
        return self.N, self.M

    def reset(self, batch_size: int) -> None:
        self.memory = self.mem_bias.repeat(batch_size, 1, 1)

    def read(self, w: Tensor) -> Tensor:
        return torch.matmul(w[:, None], self.memory)[:, 0]

    def write(self, w: Tensor, e: Tensor, a: Tensor) -> None:
        before, self.memory = self.memory, torch.empty_like(self.memory)
        for item in range(len(w)):
            kept = 1 - torch.outer(w[item], e[item])
            self.memory[item] = before[item] * kept + torch.outer(w[item], a[item])

    def address(self, k: Tensor, beta: Tensor, g: Tensor, s: Tensor, gamma: Tensor, w_prev: Tensor) -> Tensor:
        alike = functional.cosine_similarity(self.memory, k[:, None], dim=-1)
        gated = g * (beta * alike).softmax(-1) + (1 - g) * w_prev
        moved = sum(s[:, [i]] * gated.roll(i - 1, 1) for i in range(3))
        sharp = moved**gamma
        return sharp / (sharp.sum(1, keepdim=True) + 1e-16)


class Head(nn.Module):
    """One head; its state is its last weights, ``[B, N]``."""

    def __init__(self, memory: Memory, controller_size: int, lengths: list[int]) -> None:
        super().__init__()
        self.memory = memory
        self.lengths = lengths
        self.fc = nn.Linear(controller_size, sum(lengths))

    def create_new_state(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, self.memory.N)

    def is_read_head(self) -> bool:
        raise NotImplementedError

    def asked(self, embeddings: Tensor, w_prev: Tensor) -> tuple[Tensor, list[Tensor]]:
        k, beta, g, s, gamma, *rest = self.fc(embeddings).split(self.lengths, 1)
        sure = (
            k.tanh(),
            functional.softplus(beta),
            g.sigmoid(),
            s.softmax(1),
            1 + functional.softplus(gamma),
        )
        return self.memory.address(*sure, w_prev), rest


class ReadHead(Head):
    """Returns what it read, and its weights."""

    def __init__(self, memory: Memory, controller_size: int) -> None:
        super().__init__(memory, controller_size, [memory.M, 1, 1, 3, 1])

    def is_read_head(self) -> bool:
        return True

    def forward(self, embeddings: Tensor, w_prev: Tensor) -> tuple[Tensor, Tensor]:
        w, _ = self.asked(embeddings, w_prev)
        return self.memory.read(w), w


class WriteHead(Head):
    """Returns its weights alone."""

    def __init__(self, memory: Memory, controller_size: int) -> None:
        super().__init__(memory, controller_size, [memory.M, 1, 1, 3, 1, memory.M, memory.M])

    def is_read_head(self) -> bool:
        return False

    def forward(self, embeddings: Tensor, w_prev: Tensor) -> Tensor:
        w, (e, a) = self.asked(embeddings, w_prev)
        self.memory.write(w, e.sigmoid(), a.tanh())
        return w


class LSTMController(nn.Module):
    """Time leads inside: a step is a sequence of one."""

    def __init__(self, num_inputs: int, num_outputs: int, num_layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(num_inputs, num_outputs, num_layers)
        self.lstm_h_bias = nn.Parameter(torch.randn(num_layers, 1, num_outputs) * 0.05)
        self.lstm_c_bias = nn.Parameter(torch.randn(num_layers, 1, num_outputs) * 0.05)

    def create_new_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return self.lstm_h_bias.repeat(1, batch_size, 1), self.lstm_c_bias.repeat(1, batch_size, 1)

    def forward(self, x: Tensor, prev_state: Any) -> tuple[Tensor, Any]:
        output, state = self.lstm(x[None], prev_state)
        return output[0], state


class NTM(nn.Module):
    """One step; the state is a tuple of lists and tuples."""

    def __init__(
        self, num_inputs: int, num_outputs: int, controller: Any, memory: Memory, heads: Any
    ) -> None:
        super().__init__()
        self.controller, self.memory, self.heads = controller, memory, heads
        self.init_r: list[Any] = []
        for head in heads:
            if head.is_read_head():
                name = f"read{len(self.init_r)}_bias"
                self.register_buffer(name, torch.randn(1, memory.M) * 0.01)
                self.init_r.append(getattr(self, name))
        self.fc = nn.Linear(controller.lstm.hidden_size + len(self.init_r) * memory.M, num_outputs)

    def create_new_state(self, batch_size: int) -> Any:
        reads = [bias.repeat(batch_size, 1) for bias in self.init_r]
        heads = [head.create_new_state(batch_size) for head in self.heads]
        return reads, self.controller.create_new_state(batch_size), heads

    def forward(self, x: Tensor, prev_state: Any) -> tuple[Tensor, Any]:
        prev_reads, prev_controller_state, prev_heads_states = prev_state
        controller_outp, controller_state = self.controller(
            torch.cat([x, *prev_reads], 1), prev_controller_state
        )
        reads, heads_states = [], []
        for head, prev_head_state in zip(self.heads, prev_heads_states, strict=True):
            given = head(controller_outp, prev_head_state)
            if head.is_read_head():
                reads.append(given[0])
            heads_states.append(given[1] if head.is_read_head() else given)
        o = self.fc(torch.cat([controller_outp, *reads], 1)).sigmoid()
        return o, (reads, controller_state, heads_states)


class EncapsulatedNTM(nn.Module):
    """Keeps the state between its calls, of which each takes one step, or one without an input."""

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        controller_size: int,
        controller_layers: int,
        num_heads: int,
        N: int,  # noqa: N803
        M: int,  # noqa: N803
    ) -> None:
        super().__init__()
        self.num_inputs = num_inputs
        memory = Memory(N, M)
        controller = LSTMController(num_inputs + M * num_heads, controller_size, controller_layers)
        heads = nn.ModuleList()
        for _ in range(num_heads):
            heads += [ReadHead(memory, controller_size), WriteHead(memory, controller_size)]
        self.ntm = NTM(num_inputs, num_outputs, controller, memory, heads)
        self.memory = memory

    def init_sequence(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.memory.reset(batch_size)
        self.previous_state = self.ntm.create_new_state(batch_size)

    def forward(self, x: Tensor | None = None) -> tuple[Tensor, Any]:
        if x is None:
            x = torch.zeros(self.batch_size, self.num_inputs)
        o, self.previous_state = self.ntm(x, self.previous_state)
        return o, self.previous_state


def record(module: NTM, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """What a user writes: heads of one kind in a list, the memory from where it stands."""
    _, (_, _, heads_states) = output
    heads = list(zip(module.heads, heads_states, strict=True))
    return {
        "memory": module.memory.memory,
        "read_weights": [w for head, w in heads if head.is_read_head()],
        "write_weights": [w for head, w in heads if not head.is_read_head()],
    }


ADAPTERS = {NTM: Adapter(record)}  # reads and writes alternate: no memory that all weights were applied to
