"""A DNC laid out as Csordas': heads and links are modules that keep their own state.

The write head's weights have no axis of heads, those of the read heads have.

A forward takes a whole sequence, time or batch first, begins everything anew and returns outputs alone.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets.trace import Adapter


def oneplus(t: Tensor) -> Tensor:
    return functional.softplus(t) + 1


class ContentAddressGenerator(nn.Module):
    """One head or several, as the keys have an axis of heads or not."""

    def forward(self, memory: Tensor, keys: Tensor, betas: Tensor) -> Tensor:
        single_head = keys.dim() == 2
        keys = keys[:, None] if single_head else keys
        scores = torch.einsum("bnw,bhw->bhn", memory, keys)
        norms = memory.norm(dim=-1)[:, None] * keys.norm(dim=-1)[..., None]
        found: Tensor = (scores / (norms + 1e-6) * betas[..., None]).softmax(-1)
        return found[:, 0] if single_head else found


class AllocationManager(nn.Module):
    """Keeps the usages, ``None`` before the first step."""

    def __init__(self) -> None:
        super().__init__()
        self.usages: Any = None

    def new_sequence(self) -> None:
        self.usages = None

    def forward(
        self, prev_write_distribution: Any, prev_read_distributions: Tensor, free_gates: Tensor
    ) -> tuple[Tensor, Tensor]:
        phi = (1 - free_gates[..., None] * prev_read_distributions).prod(-2)
        if self.usages is None:
            self.usages = torch.zeros_like(phi)
        else:
            self.usages = (self.usages + prev_write_distribution.detach() * (1 - self.usages)) * phi
        usage, free_list = (self.usages * (1 - 1e-6) + 1e-6).sort(-1)
        before = torch.cat([torch.ones_like(usage[:, :1]), usage[:, :-1].cumprod(-1)], -1)
        scores = (1 - usage) * before
        return scores.clone().scatter_(-1, free_list, scores), phi


class WriteHead(nn.Module):
    """Keeps its last write in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.write_content_generator = ContentAddressGenerator()
        self.allocation_manager = AllocationManager()
        self.new_sequence()

    def new_sequence(self) -> None:
        self.last_write: Any = None
        self.allocation_manager.new_sequence()

    def forward(
        self,
        memory: Tensor,
        write_content_key: Tensor,
        write_beta: Tensor,
        erase_vector: Tensor,
        write_vector: Tensor,
        alloc_gate: Tensor,
        write_gate: Tensor,
        free_gates: Tensor,
        prev_read_dist: Tensor,
    ) -> Tensor:
        last = None if self.last_write is None else self.last_write["write_dist"]
        content = self.write_content_generator(memory, write_content_key, write_beta)
        alloc, phi = self.allocation_manager(last, prev_read_dist, free_gates)
        write_dist = write_gate * (alloc_gate * alloc + (1 - alloc_gate) * content)
        self.last_write = {"write_dist": write_dist, "erase_vector": erase_vector, "phi": phi}
        kept: Tensor = (1 - torch.einsum("bn,bw->bnw", write_dist, erase_vector)) * phi[..., None]
        added: Tensor = torch.einsum("bn,bw->bnw", write_dist, write_vector)
        return memory * kept + added


class RawWriteHead(nn.Module):
    """Takes a controller's numbers apart for the head."""

    def __init__(self, n_read_heads: int, word_length: int) -> None:
        super().__init__()
        self.write_head = WriteHead()
        self.sizes = [word_length] * 3 + [n_read_heads, 1, 1, 1]

    def new_sequence(self) -> None:
        self.write_head.new_sequence()

    def forward(self, memory: Tensor, nn_output: Tensor, prev_read_dist: Tensor) -> Tensor:
        key, erase, vector, free, beta, alloc, write = nn_output.split(self.sizes, -1)
        gates = (alloc.sigmoid(), write.sigmoid(), free.sigmoid())
        return self.write_head(  # type: ignore[no-any-return]
            memory, key, oneplus(beta), erase.sigmoid(), vector, *gates, prev_read_dist
        )


class TemporalMemoryLinkage(nn.Module):
    """Keeps links ``[B, N, N]`` and precedence ``[B, N]``."""

    def __init__(self) -> None:
        super().__init__()
        self.new_sequence()

    def new_sequence(self) -> None:
        self.temp_link_mat: Any = None
        self.precedence_weighting: Any = None

    def forward(self, w_dist: Tensor, prev_r_dists: Tensor) -> tuple[Tensor, Tensor]:
        if self.temp_link_mat is None:
            self.temp_link_mat = w_dist.new_zeros(*w_dist.shape, w_dist.shape[-1])
            self.precedence_weighting = torch.zeros_like(w_dist)
        into, out_of = w_dist[..., None], w_dist[:, None]
        links = (1 - into - out_of) * self.temp_link_mat + into * self.precedence_weighting[:, None]
        self.temp_link_mat = links * (1 - torch.eye(w_dist.shape[-1]))
        self.precedence_weighting = (1 - w_dist.sum(-1, keepdim=True)) * self.precedence_weighting + w_dist
        after = torch.einsum("bij,bhj->bhi", self.temp_link_mat, prev_r_dists)
        return after, torch.einsum("bij,bhi->bhj", self.temp_link_mat, prev_r_dists)


class ReadHead(nn.Module):
    """All read heads; keeps what they read last."""

    def __init__(self) -> None:
        super().__init__()
        self.content_addr_generator = ContentAddressGenerator()
        self.new_sequence()

    def new_sequence(self) -> None:
        self.read_dist: Any = None
        self.read_data: Any = None

    def forward(
        self,
        memory: Tensor,
        keys: Tensor,
        betas: Tensor,
        forward_dist: Tensor,
        backward_dist: Tensor,
        gates: Tensor,
    ) -> Tensor:
        content = self.content_addr_generator(memory, keys, betas)
        found = backward_dist * gates[..., :1] + content * gates[..., 1:2] + forward_dist * gates[..., 2:]
        data: Tensor = torch.einsum("bhn,bnw->bhw", found, memory)
        self.read_dist, self.read_data = found, data
        return data


class RawReadHead(nn.Module):
    """Takes a controller's numbers apart for the heads."""

    def __init__(self, n_heads: int, word_length: int) -> None:
        super().__init__()
        self.read_head = ReadHead()
        self.n_heads, self.word_length = n_heads, word_length
        self.sizes = [n_heads * word_length, n_heads, n_heads * 3]

    def get_prev_dist(self, memory: Tensor) -> Any:
        none = memory.new_zeros(len(memory), self.n_heads, memory.shape[1])
        return none if self.read_head.read_dist is None else self.read_head.read_dist

    def get_prev_data(self, memory: Tensor) -> Any:
        none = memory.new_zeros(len(memory), self.n_heads, memory.shape[-1])
        return none if self.read_head.read_data is None else self.read_head.read_data

    def new_sequence(self) -> None:
        self.read_head.new_sequence()

    def forward(
        self, memory: Tensor, nn_output: Tensor, forward_dist: Tensor, backward_dist: Tensor
    ) -> Tensor:
        keys, betas, gates = nn_output.split(self.sizes, -1)
        keys = keys.view(-1, self.n_heads, self.word_length)
        gates = gates.view(-1, self.n_heads, 3).softmax(-1)
        return self.read_head(memory, keys, oneplus(betas), forward_dist, backward_dist, gates)  # type: ignore[no-any-return]


class FeedforwardController(nn.Module):
    """Made without its input's size, which the DNC tells."""

    def __init__(self, layer_sizes: list[int]) -> None:
        super().__init__()
        self.layer_sizes = layer_sizes

    def init(self, input_size: int) -> None:
        sizes = [input_size, *self.layer_sizes]
        pairs = itertools.pairwise(sizes)
        self.model = nn.Sequential(*[part for a, b in pairs for part in (nn.Linear(a, b), nn.ReLU())])

    def new_sequence(self) -> None:
        """Nothing is kept."""

    def forward(self, data: Tensor) -> Tensor:
        return self.model(data)  # type: ignore[no-any-return]


class DNC(nn.Module):
    """Whole sequences."""

    def __init__(
        self,
        input_size: int,
        output_size: int,
        word_length: int,
        cell_count: int,
        n_read_heads: int,
        controller: FeedforwardController,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self.read_head = RawReadHead(n_read_heads, word_length)
        self.write_head = RawWriteHead(n_read_heads, word_length)
        self.temporal_link = TemporalMemoryLinkage()
        self.controller = controller
        controller.init(input_size + n_read_heads * word_length)
        hidden = controller.layer_sizes[-1]
        self.sizes = [sum(self.write_head.sizes), sum(self.read_head.sizes)]
        self.controller_to_controls = nn.Linear(hidden, sum(self.sizes))
        self.controller_to_out = nn.Linear(hidden, output_size)
        self.read_to_out = nn.Linear(word_length * n_read_heads, output_size)
        self.cell_count, self.word_length, self.batch_first = cell_count, word_length, batch_first
        self.memory: Any = None
        self.zero_mem_tensor: Any = None

    def _step(self, in_data: Tensor) -> Tensor:
        before = self.read_head.get_prev_data(self.memory).flatten(1)
        control_data = self.controller(torch.cat([in_data, before], -1))
        controls = self.controller_to_controls(control_data).clamp(-20, 20)
        write_control, read_control = controls.split(self.sizes, -1)
        prev_read_dist = self.read_head.get_prev_dist(self.memory)
        self.memory = self.write_head(self.memory, write_control, prev_read_dist)
        last_write = self.write_head.write_head.last_write
        forward_dist, backward_dist = self.temporal_link(last_write["write_dist"], prev_read_dist)
        read_data = self.read_head(self.memory, read_control, forward_dist, backward_dist)
        return self.controller_to_out(control_data) + self.read_to_out(read_data.flatten(1))  # type: ignore[no-any-return]

    def _mem_init(self, batch_size: int) -> None:
        if self.zero_mem_tensor is None or len(self.zero_mem_tensor) != batch_size:
            self.zero_mem_tensor = torch.zeros(batch_size, self.cell_count, self.word_length)
        self.memory = self.zero_mem_tensor

    def _new_sequence(self, batch_size: int) -> None:
        for part in (self.write_head, self.read_head, self.temporal_link, self.controller):
            part.new_sequence()
        self._mem_init(batch_size)

    def forward(self, in_data: Tensor) -> Tensor:
        self._new_sequence(in_data.shape[0 if self.batch_first else 1])
        time = 1 if self.batch_first else 0
        return torch.stack([self._step(each) for each in in_data.unbind(time)], time)


def record_write(module: RawWriteHead, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """What a user writes of the write head, which returns the memory."""
    head = module.write_head
    usages = head.allocation_manager.usages
    return {"memory": output, "write_weights": [head.last_write["write_dist"]], "usage": usages}


def record_read(module: RawReadHead, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """And of the read heads, which return what they read."""
    return {"read_weights": module.read_head.read_dist, "read_vectors": output}


def record_links(module: TemporalMemoryLinkage, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """And of the links."""
    forward_dist, backward_dist = output
    return {
        "link": module.temp_link_mat,
        "precedence": module.precedence_weighting,
        "forward_weights": forward_dist,
        "backward_weights": backward_dist,
    }


ADAPTERS = {
    RawWriteHead: Adapter(record_write, kinds={"write_weights": "shares"}, memory_seen="before_write"),
    RawReadHead: Adapter(record_read, kinds={"read_weights": "shares"}, memory_seen="after_write"),
    TemporalMemoryLinkage: Adapter(record_links),
}
