"""A whole time step, an LSTM controller and all heads, as a single node of the autograd graph.

The values are those of ``LSTMController``, ``Heads`` and ``MemoryAccess`` called one after the other. What
is saved is bookkeeping, see ``fused``. ``d_x`` is the gradient of the loss in ``x``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from nsm_widgets._torch_modes import refuse_second_order
from nsm_widgets.ntm.fused import Kept, access_backward, access_forward, softmax_backward
from nsm_widgets.ntm.late import SequenceLinear
from nsm_widgets.ntm.state import AddressingStages, NTMState

_sigmoid_backward = torch.ops.aten.sigmoid_backward.default
_tanh_backward = torch.ops.aten.tanh_backward.default


class StepTaken(NamedTuple):
    """All that a step made, without gradients; of all heads together, the read heads first."""

    memory: Tensor
    read_vectors: Tensor
    stages: AddressingStages
    erase: Tensor
    add: Tensor
    kinds: list[int]
    """How many heads read, and how many write."""


class StepPlan(NamedTuple):
    """What is the same at every step of a sequence."""

    recurrent: SequenceLinear
    heads: SequenceLinear
    sizes: list[int]
    """Widths of the parts of the heads' layer, as in ``Heads.sizes``."""
    kinds: list[int]
    """How many heads read, and how many write."""
    watched: bool
    """Whether anybody looks at what the heads are told, and at the stages of their addressing."""
    takers: Sequence[Callable[[NTMState, Sequence[StepTaken]], object]] = ()
    """Those that only look: they are shown steps that follow each other, with the state before the first."""
    taken: list[StepTaken] | None = None
    """What they are to be shown."""
    at_once: bool = False
    """Whether they may be shown a sequence when it is over, as nobody else sees the states in it."""

    def show(self, before: NTMState) -> None:
        """Show them what was taken since the last time."""
        if self.taken:
            taken = self.taken[:]
            self.taken.clear()  # kept there, it would keep the graph alive
            for take in self.takers:
                take(before, taken)


class CellStep(torch.autograd.Function):
    """From the last state to the next. Graves et al. 2014, figure 1.

    Takes the plan, the rows of both layers, then memory, read weights, write weights, read vectors, hidden
    and cell values. Gives hidden and cell values, memory, read weights, write weights and read vectors. If
    watched, there follow key, strength, gate, shift kernel and sharpening of the read heads, the same of the
    write heads, erase and add vectors, then content, gated and shifted weights of the read and of the write
    heads.
    """

    # ctx is torch's, and takes attributes of any name
    @staticmethod
    def forward(
        ctx: Any,
        plan: StepPlan,
        row: Tensor,
        heads_row: Tensor,
        memory: Tensor,
        read_weights: Tensor,
        write_weights: Tensor,
        read_vectors: Tensor,
        hidden: Tensor,
        cell: Tensor,
    ) -> tuple[Tensor, ...]:
        """The step itself."""
        inputs = torch.cat([read_vectors.flatten(1), hidden], dim=-1)
        plan.recurrent.inputs.append(inputs)
        hidden, after, lstm = lstm_forward(torch.addmm(row, inputs, plan.recurrent.transposed), cell)
        plan.heads.inputs.append(hidden.detach())
        told = torch.addmm(heads_row, hidden, plan.heads.transposed)
        heads, erase, add, ranges = heads_forward(told, plan)
        previous = torch.cat([read_weights, write_weights], dim=1)
        made, kept = access_forward(memory, previous, heads, erase, add, plan.kinds[0])

        ctx.save_for_backward(cell, *kept.saved)
        ctx.plan, ctx.lstm, ctx.ranges, ctx.kept = plan, lstm, ranges, kept._replace(saved=())
        ctx.set_materialize_grads(False)  # a gradient that nobody asks for stays None
        weights = made.weights.split_with_sizes(plan.kinds, dim=1)
        outputs = hidden, after, made.memory, *weights, made.read_vectors
        if plan.taken is not None:
            stages = AddressingStages._make([*heads, *made[:4]])
            plan.taken.append(StepTaken(made.memory, made.read_vectors, stages, erase, add, plan.kinds))
        if not plan.watched:
            return outputs
        of_read, of_write = _by_kind(heads, plan.kinds)
        stages_read, stages_write = _by_kind(made[:3], plan.kinds)
        return *outputs, *of_read, *of_write, erase, add, *stages_read, *stages_write

    @staticmethod  # ctx: as in forward
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """The stages in reverse."""
        refuse_second_order()
        plan: StepPlan = ctx.plan
        cell, *saved = ctx.saved_tensors
        kept: Kept = ctx.kept._replace(saved=tuple(saved))
        d_hidden, d_after, d_memory, d_read_weights, d_write_weights, d_read, *d_looked_at = gradients
        weights = kept.saved[-1]
        d_weights = _joined((d_read_weights, d_write_weights), weights, plan.kinds)
        d_stages: list[Tensor | None] = [None] * 3
        if plan.watched:
            pairs = zip(d_looked_at[12:15], d_looked_at[15:18], strict=True)
            d_stages = [_joined(pair, weights, plan.kinds) for pair in pairs]
        d_memory, d_previous, *d_told = access_backward(kept, [*d_stages, d_weights, d_read, d_memory])
        if plan.watched:
            d_told = _with_those_looked_at(d_told, d_looked_at[:12], kept, plan.kinds)
        d_heads_row = heads_backward(d_told, kept, ctx.ranges)
        through_heads = torch.mm(d_heads_row, plan.heads.weight)
        d_hidden = through_heads if d_hidden is None else through_heads.add_(d_hidden)
        d_row, d_cell = lstm_backward(d_hidden, d_after, cell, ctx.lstm)
        d_inputs = torch.mm(d_row, plan.recurrent.weight)
        size = cell.shape[-1]
        d_read_vectors, d_hidden = d_inputs.split_with_sizes([d_inputs.shape[-1] - size, size], dim=-1)
        d_read_weights, d_write_weights = d_previous.split_with_sizes(plan.kinds, dim=1)
        return (
            None,
            d_row,
            d_heads_row,
            d_memory,
            d_read_weights,
            d_write_weights,
            d_read_vectors.view(len(cell), plan.kinds[0], -1),
            d_hidden,
            d_cell,
        )


def lstm_forward(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """``lstm_update``, in place of the gates: new hidden and cell values, and what the way back needs."""
    size = cell.shape[-1]
    sigmoids, candidate = gates.split_with_sizes([3 * size, size], dim=-1)
    sigmoids, candidate = torch.sigmoid(sigmoids), torch.tanh(candidate)
    forget, take, show = torch.split(sigmoids, size, dim=-1)
    after = (forget * cell).add_(take * candidate)
    squashed = torch.tanh(after)
    return show * squashed, after, (sigmoids, candidate, forget, take, show, squashed)


def lstm_backward(
    d_hidden: Tensor, d_after: Tensor | None, cell: Tensor, kept: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor]:
    """Gradients in the gates and in the cell values before."""
    sigmoids, candidate, forget, take, show, squashed = kept
    through = _tanh_backward(d_hidden * show, squashed)
    d_after = through if d_after is None else through.add_(d_after)
    d_sigmoids = torch.cat([d_after * cell, d_after * candidate, d_hidden * squashed], dim=-1)
    d_candidate = _tanh_backward(d_after * take, candidate)
    return torch.cat([_sigmoid_backward(d_sigmoids, sigmoids), d_candidate], dim=-1), d_after * forget


def heads_forward(told: Tensor, plan: StepPlan) -> tuple[list[Tensor], Tensor, Tensor, tuple[Tensor, Tensor]]:
    """What ``Heads`` makes of its layer: five parameters of all heads, erase and add; and what it keeps."""
    keys, adds, positive, unit, shifts = told.split_with_sizes(plan.sizes, dim=-1)
    (batch, _), heads, writes = told.shape, sum(plan.kinds), plan.kinds[1]
    strengths, sharpenings = functional.softplus(positive).chunk(2, dim=-1)
    unit = torch.sigmoid(unit)
    gates, erases = unit.split_with_sizes([heads, plan.sizes[1]], dim=-1)
    shift = torch.softmax(shifts.view(batch, heads, -1), dim=-1)
    of_heads = [keys.view(batch, heads, -1), strengths, gates, shift, 1 + sharpenings]
    return of_heads, erases.view(batch, writes, -1), adds.view(batch, writes, -1), (positive, unit)


def heads_backward(d_told: Sequence[Tensor], kept: Kept, ranges: tuple[Tensor, Tensor]) -> Tensor:
    """The gradient in what the layer gave, its parts in their order there."""
    d_key, d_strength, d_gate, d_shift, d_sharpening, d_erase, d_add = d_told
    positive, unit = ranges
    return torch.cat(
        [
            d_key.flatten(1),
            d_add.flatten(1),
            torch.cat([d_strength, d_sharpening], dim=-1).mul_(torch.sigmoid(positive)),
            _sigmoid_backward(torch.cat([d_gate, d_erase.flatten(1)], dim=-1), unit),
            softmax_backward(d_shift, kept.saved[4]).flatten(1),
        ],
        dim=-1,
    )


def _by_kind(parts: Sequence[Tensor], kinds: list[int]) -> tuple[list[Tensor], list[Tensor]]:
    pairs = [part.split_with_sizes(kinds, dim=1) for part in parts]
    return [read for read, _ in pairs], [write for _, write in pairs]


def _joined(pair: tuple[Tensor | None, Tensor | None], like: Tensor, kinds: list[int]) -> Tensor | None:
    """The gradients of read and write heads side by side; a lone None counts as zeros."""
    if pair[0] is None and pair[1] is None:
        return None
    parts = zip(pair, like.split_with_sizes(kinds, dim=1), strict=True)
    return torch.cat([torch.zeros_like(other) if part is None else part for part, other in parts], dim=1)


def _with_those_looked_at(
    d_told: list[Tensor], more: Sequence[Tensor | None], kept: Kept, kinds: list[int]
) -> list[Tensor]:
    """Add what comes back by way of a watcher that has used what the heads are told."""
    told = kept.saved[1:8]
    pairs = zip(more[:5], more[5:10], told[:5], strict=True)
    joined = [_joined((read, write), like, kinds) for read, write, like in pairs]
    return [
        gradient if extra is None else gradient + extra
        for gradient, extra in zip(d_told, [*joined, *more[10:]], strict=True)
    ]
