"""A DNC laid out as pytorch-dnc's: layers of controllers, which share one memory or have one each.

A forward takes a whole sequence, batch first, and the state that an earlier one returned, ``(chx, mhx,
last_read)``. The state of a memory is a dict, in which each step puts new tensors.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets.trace import Adapter

NAMES = ("memory", "link_matrix", "precedence", "read_weights", "write_weights", "usage_vector")


class Memory(nn.Module):
    """One step: writes, then reads."""

    identity: Tensor

    def __init__(
        self, input_size: int, nr_cells: int = 512, cell_size: int = 32, read_heads: int = 4
    ) -> None:
        super().__init__()
        self.nr_cells, self.cell_size, self.read_heads = nr_cells, cell_size, read_heads
        self.sizes = {
            "read_keys": cell_size * read_heads,
            "read_strengths": read_heads,
            "write_key": cell_size,
            "write_strength": 1,
            "erase_vector": cell_size,
            "write_vector": cell_size,
            "free_gates": read_heads,
            "allocation_gate": 1,
            "write_gate": 1,
            "read_modes": 3 * read_heads,
        }
        self.interface_weights = nn.Linear(input_size, sum(self.sizes.values()))
        self.register_buffer("identity", 1 - torch.eye(nr_cells)[None])

    def new(self, batch_size: int = 1) -> dict[str, Tensor]:
        b, n, r = batch_size, self.nr_cells, self.read_heads
        shapes = ((b, n, self.cell_size), (b, 1, n, n), (b, 1, n), (b, r, n), (b, 1, n), (b, n))
        return {name: torch.zeros(shape) for name, shape in zip(NAMES, shapes, strict=True)}

    def reset(self, batch_size: int = 1, hidden: Any = None, erase: bool = True) -> dict[str, Tensor]:
        if hidden is None:
            return self.new(batch_size)
        cloned = {name: hidden[name].clone() for name in NAMES}
        return {name: part.zero_() if erase else part for name, part in cloned.items()}

    def write(self, asked: dict[str, Tensor], hidden: dict[str, Tensor]) -> dict[str, Tensor]:
        usage = hidden["usage_vector"]
        usage = usage + (1 - usage) * (1 - torch.prod(1 - hidden["write_weights"], 1))
        freed = asked["free_gates"][:, :, None] * hidden["read_weights"]
        hidden["usage_vector"] = usage * torch.prod(1 - freed, 1)
        content = self.content_weightings(hidden["memory"], asked["write_key"], asked["write_strength"])
        used, order = (1e-6 + (1 - 1e-6) * hidden["usage_vector"]).sort(1)
        before = torch.cat([torch.ones_like(used[:, :1]), used], 1).cumprod(1)[:, :-1]
        alloc = ((1 - used) * before).gather(1, order.argsort(1))[:, None]
        ag, wg = asked["allocation_gate"][:, :, None], asked["write_gate"][:, :, None]
        w = hidden["write_weights"] = wg * (ag * alloc + (1 - ag) * content)
        kept = torch.prod(1 - w[..., None] * asked["erase_vector"][:, :, None], 1)
        hidden["memory"] = hidden["memory"] * kept + torch.bmm(w.transpose(1, 2), asked["write_vector"])
        into, out_of = w[..., :, None], w[..., None, :]
        link = (1 - into - out_of) * hidden["link_matrix"] + into * hidden["precedence"][..., None, :]
        hidden["link_matrix"] = self.identity * link
        hidden["precedence"] = (1 - w.sum(2, keepdim=True)) * hidden["precedence"] + w
        return hidden

    def content_weightings(self, memory: Tensor, keys: Tensor, strengths: Tensor) -> Tensor:
        alike = functional.cosine_similarity(memory[:, None], keys[:, :, None], dim=-1)
        return (alike * strengths[:, :, None]).softmax(2)

    def read(self, asked: dict[str, Tensor], hidden: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        content = self.content_weightings(hidden["memory"], asked["read_keys"], asked["read_strengths"])
        before, link = hidden["read_weights"], hidden["link_matrix"][:, 0]
        after = torch.einsum("bij,brj->bri", link, before)
        backward = torch.einsum("bji,brj->bri", link, before)
        modes = asked["read_modes"][..., None].unbind(2)
        w = hidden["read_weights"] = modes[0] * backward + modes[1] * after + modes[2] * content
        return torch.bmm(w, hidden["memory"]), hidden

    def forward(self, xi: Tensor, hidden: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        b, r = len(xi), self.read_heads
        parts = self.interface_weights(xi).split(list(self.sizes.values()), 1)
        asked = dict(zip(self.sizes, parts, strict=True))
        for name in ("read_keys", "write_key", "write_vector"):
            asked[name] = asked[name].view(b, -1, self.cell_size).tanh()
        asked["erase_vector"] = asked["erase_vector"][:, None].sigmoid()
        for name in ("free_gates", "allocation_gate", "write_gate"):
            asked[name] = asked[name].sigmoid()
        for name in ("read_strengths", "write_strength"):
            asked[name] = functional.softplus(asked[name])
        asked["read_modes"] = asked["read_modes"].view(b, r, 3).softmax(2)
        return self.read(asked, self.write(asked, hidden))


class DNC(nn.Module):
    """Whole sequences ``[B, T, input]``; at each step all layers, one after the other."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        rnn_type: str = "lstm",
        num_layers: int = 1,
        num_hidden_layers: int = 1,
        nr_cells: int = 5,
        read_heads: int = 2,
        cell_size: int = 10,
        share_memory: bool = True,
    ) -> None:
        super().__init__()
        self.num_layers, self.num_hidden_layers = num_layers, num_hidden_layers
        self.hidden_size = hidden_size
        self.share_memory: Any = share_memory  # a method of torch's goes by this name
        self.read_vectors_size = read_heads * cell_size
        sizes = [input_size + self.read_vectors_size] + [hidden_size + self.read_vectors_size] * num_layers
        self.rnns, self.memories = [], []
        for layer in range(num_layers):
            self.rnns.append(nn.LSTM(sizes[layer], hidden_size, num_hidden_layers, batch_first=True))
            setattr(self, f"{rnn_type}_layer_{layer}", self.rnns[layer])
            if not share_memory:
                self.memories.append(Memory(hidden_size, nr_cells, cell_size, read_heads))
                setattr(self, f"rnn_layer_memory_{layer}", self.memories[layer])
        if share_memory:
            self.memories.append(Memory(hidden_size, nr_cells, cell_size, read_heads))
            self.rnn_layer_memory_shared = self.memories[0]
        self.output = nn.Linear(sizes[-1], input_size)

    def _init_hidden(self, hx: Any, batch_size: int, reset_experience: bool) -> Any:
        chx, mhx, last_read = (None, None, None) if hx is None else hx
        if chx is None:
            h = torch.zeros(self.num_hidden_layers, batch_size, self.hidden_size)
            chx = [(h, h) for _ in range(self.num_layers)]
        if last_read is None:
            last_read = torch.zeros(batch_size, self.read_vectors_size)
        if self.share_memory:
            return chx, self.memories[0].reset(batch_size, mhx, erase=reset_experience), last_read
        given = [None] * self.num_layers if mhx is None else mhx
        both = zip(self.memories, given, strict=True)
        return chx, [m.reset(batch_size, h, erase=reset_experience) for m, h in both], last_read

    def _layer_forward(
        self,
        input: Tensor,  # noqa: A002
        layer: int,
        hx: Any,
    ) -> tuple[Tensor, Any]:
        chx, mhx = hx
        output, chx = self.rnns[layer](input[:, None], chx)
        output = output[:, 0].clamp(-20, 20)
        read_vecs, mhx = self.memories[0 if self.share_memory else layer](output, mhx)
        return output, (chx, mhx, read_vecs.reshape(len(input), -1))

    def forward(
        self,
        input: Tensor,  # noqa: A002
        hx: Any = (None, None, None),
        reset_experience: bool = False,
    ) -> tuple[Tensor, Any]:
        controller_hidden, mem_hidden, read_vectors = self._init_hidden(hx, len(input), reset_experience)
        outs = [torch.cat([x, read_vectors], 1) for x in input.unbind(1)]
        for time in range(len(outs)):
            for layer in range(self.num_layers):
                m = mem_hidden if self.share_memory else mem_hidden[layer]
                output, (chx, m, read_vectors) = self._layer_forward(
                    outs[time], layer, (controller_hidden[layer], m)
                )
                if self.share_memory:
                    mem_hidden = m
                else:
                    mem_hidden[layer] = m
                controller_hidden[layer] = chx
                outs[time] = torch.cat([output, read_vectors], 1)
        outputs = torch.stack([self.output(out) for out in outs], 1)
        return outputs, (controller_hidden, mem_hidden, read_vectors)


def record(module: Memory, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """What a user writes: the dict as it is, but for the link, whose write head has no axis elsewhere."""
    _, hidden = output
    given = {name: hidden[name] for name in ("memory", "read_weights", "write_weights", "precedence")}
    return {**given, "usage": hidden["usage_vector"], "link": hidden["link_matrix"][:, 0]}


OPTIONS: dict[str, Any] = {
    "dims": {"precedence": ("batch", "head", "slot")},
    "kinds": {"read_weights": "shares", "write_weights": "shares"},
    "memory_seen": {"write_weights": "before_write", "read_weights": "after_write"},
}
ADAPTERS = {Memory: Adapter(record, **OPTIONS)}


def sharing(layers: int) -> dict[type, Adapter]:
    """The same where so many layers share a memory."""
    return {Memory: Adapter(record, layers=layers, **OPTIONS)}
