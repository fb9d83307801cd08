"""An NTM laid out as clemkoa's: one read and one write head as modules, whose weights have no axis of heads.

``get_initial_state`` sets the memory anew, which stands on a module; what a call is given and returns is a
tuple of the rest.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets.trace import Adapter


class Memory(nn.Module):
    """Contents ``[B, N, M]``; what is written is a new tensor each time."""

    initial_state: Tensor
    memory: Tensor

    def __init__(self, memory_size: tuple[int, int]) -> None:
        super().__init__()
        self._memory_size = memory_size
        self.register_buffer("initial_state", torch.full(memory_size, 1e-6))
        self.initial_read = nn.Parameter(torch.randn(1, memory_size[1]) * 0.01)

    def size(self) -> tuple[int, int]:
        return self._memory_size

    def reset(self, batch_size: int) -> None:
        self.memory = self.initial_state.clone().repeat(batch_size, 1, 1)

    def get_initial_read(self, batch_size: int) -> Tensor:
        return self.initial_read.clone().repeat(batch_size, 1)

    def read(self) -> Tensor:
        return self.memory

    def write(self, w: Tensor, e: Tensor, a: Tensor) -> Tensor:
        self.memory = self.memory * (1 - torch.einsum("bn,bm->bnm", w, e))
        self.memory = self.memory + torch.einsum("bn,bm->bnm", w, a)
        return self.memory


class Head(nn.Module):
    """A layer for each thing that a head asks."""

    def __init__(self, memory: Memory, hidden_size: int) -> None:
        super().__init__()
        self.memory = memory
        length, vector_length = memory.size()
        self.k_layer = nn.Linear(hidden_size, vector_length)
        self.beta_layer, self.g_layer, self.gamma_layer = (nn.Linear(hidden_size, 1) for _ in range(3))
        self.s_layer = nn.Linear(hidden_size, 3)
        self.initial = torch.full((1, length), 1 / length)

    def get_initial_state(self, batch_size: int) -> Tensor:
        return self.initial.clone().repeat(batch_size, 1)

    def get_head_weight(self, x: Tensor, previous_state: Tensor, memory_read: Tensor) -> Tensor:
        k, g = self.k_layer(x), self.g_layer(x).sigmoid()
        beta, gamma = functional.softplus(self.beta_layer(x)), 1 + functional.softplus(self.gamma_layer(x))
        s = self.s_layer(x).softmax(1)
        w_c = (beta * functional.cosine_similarity(memory_read, k[:, None], dim=-1)).softmax(1)
        w_g = g * w_c + (1 - g) * previous_state
        w_t = torch.stack([w_g.roll(1, 1), w_g, w_g.roll(-1, 1)], 2) @ s[:, :, None]
        w: Tensor = w_t[..., 0] ** gamma
        return w / w.sum(1, keepdim=True)


class ReadHead(Head):
    """Returns what it read, and its weights."""

    def forward(self, x: Tensor, previous_state: Tensor) -> tuple[Tensor, Tensor]:
        memory_read = self.memory.read()
        w = self.get_head_weight(x, previous_state, memory_read)
        return torch.einsum("bn,bnm->bm", w, memory_read), w


class WriteHead(Head):
    """Returns its weights."""

    def __init__(self, memory: Memory, hidden_size: int) -> None:
        super().__init__(memory, hidden_size)
        self.e_layer, self.a_layer = (nn.Linear(hidden_size, memory.size()[1]) for _ in range(2))

    def forward(self, x: Tensor, previous_state: Tensor) -> Tensor:
        w = self.get_head_weight(x, previous_state, self.memory.read())
        self.memory.write(w, self.e_layer(x).sigmoid(), self.a_layer(x))
        return w


class Controller(nn.Module):
    """An LSTM whose start is learned."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.layer = nn.LSTM(input_size, hidden_size)
        self.h_state, self.c_state = (nn.Parameter(torch.randn(1, 1, hidden_size) * 0.05) for _ in range(2))

    def get_initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        return self.h_state.clone().repeat(1, batch_size, 1), self.c_state.clone().repeat(1, batch_size, 1)

    def forward(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        output, state = self.layer(x[None], state)
        return output[0], state


class NTM(nn.Module):
    """One step; inputs have one channel more than outputs."""

    def __init__(self, vector_length: int, hidden_size: int, memory_size: tuple[int, int]) -> None:
        super().__init__()
        self.controller = Controller(vector_length + 1 + memory_size[1], hidden_size)
        self.memory = Memory(memory_size)
        self.read_head = ReadHead(self.memory, hidden_size)
        self.write_head = WriteHead(self.memory, hidden_size)
        self.fc = nn.Linear(hidden_size + memory_size[1], vector_length)

    def get_initial_state(self, batch_size: int = 1) -> Any:
        self.memory.reset(batch_size)
        return (
            self.memory.get_initial_read(batch_size),
            self.read_head.get_initial_state(batch_size),
            self.write_head.get_initial_state(batch_size),
            self.controller.get_initial_state(batch_size),
        )

    def forward(self, x: Tensor, previous_state: Any) -> tuple[Tensor, Any]:
        previous_read, previous_read_weights, previous_write_weights, previous_controller = previous_state
        hidden, controller_state = self.controller(torch.cat([x, previous_read], 1), previous_controller)
        read, read_weights = self.read_head(hidden, previous_read_weights)
        write_weights = self.write_head(hidden, previous_write_weights)
        state = (read, read_weights, write_weights, controller_state)
        return self.fc(torch.cat([hidden, read], 1)).sigmoid(), state


def record(module: NTM, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """What a user writes: a list of one where a head has no axis."""
    _, (_, read_weights, write_weights, _) = output
    return {
        "memory": module.memory.memory,
        "read_weights": [read_weights],
        "write_weights": [write_weights],
    }


ADAPTERS = {NTM: Adapter(record, memory_seen="before_write")}
