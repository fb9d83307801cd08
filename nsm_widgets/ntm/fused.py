"""One step of memory access as a single node of the autograd graph, its gradients written out by hand.

The values are those of ``addressing``, function by function. What differs is the cost: a step there is some
fifty small nodes, and at the sizes of these models their bookkeeping costs far more than their arithmetic.
Here the backward pass goes through the same stages in reverse, each derivative under the name of its stage.
``d_x`` is the gradient of the loss in ``x``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nsm_widgets._torch_modes import refuse_second_order
from nsm_widgets.ntm.addressing import NORM_EPSILON, WEIGHT_EPSILON


class Accessed(NamedTuple):
    """What a step makes; all heads side by side on axis 1, the read heads first."""

    content_weights: Tensor
    gated_weights: Tensor
    shifted_weights: Tensor
    weights: Tensor
    read_vectors: Tensor
    memory: Tensor


class Kept(NamedTuple):
    """What a step leaves for its backward pass."""

    saved: tuple[Tensor, ...]
    """For ``save_for_backward``: what others see too, and might change."""
    between: tuple[Tensor, ...]
    """Seen by nobody else, so these need none of that care."""
    reads: int
    """How many heads read."""


def access_forward(
    memory: Tensor, previous: Tensor, heads: Sequence[Tensor], erase: Tensor, add: Tensor, reads: int
) -> tuple[Accessed, Kept]:
    """The step itself. ``heads`` are key, strength, gate, shift kernel and sharpening of all heads."""
    key, strength, gate, kernel, sharpening = heads
    # eq. 5 and 6, content
    memory_scale = memory.square().sum(dim=-1, keepdim=True).add_(NORM_EPSILON).rsqrt_()
    key_scale = key.square().sum(dim=-1, keepdim=True).add_(NORM_EPSILON).rsqrt_()
    scale = key_scale * memory_scale.transpose(1, 2)
    similarity = torch.bmm(key, memory.transpose(1, 2)).mul_(scale)
    content = torch.softmax(strength.unsqueeze(-1) * similarity, dim=-1)
    # eq. 7, interpolation
    gated = torch.lerp(previous, content, gate.unsqueeze(-1))
    # eq. 8, shift
    shifted = (windows(gated, kernel.shape[-1]) * kernel.flip(-1).unsqueeze(-1)).sum(dim=-2)
    # eq. 9, sharpening
    floored = shifted + WEIGHT_EPSILON
    logs = floored.log()
    weights = torch.softmax(sharpening.unsqueeze(-1) * logs, dim=-1)
    # eq. 2, reading, and eq. 3 and 4, erasing and adding
    read_vectors = torch.bmm(weights[:, :reads], memory)
    written = write(memory, weights[:, reads:], erase, add)

    saved = memory, key, strength, gate, kernel, sharpening, erase, add, content, gated, weights
    between = memory_scale, key_scale, scale, similarity, previous, floored, logs
    made = Accessed(content, gated, shifted, weights, read_vectors, written)
    return made, Kept(saved, between, reads)


def access_backward(kept: Kept, gradients: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
    """The stages in reverse, from gradients in the fields of ``Accessed``, each of which may be None.

    Returned are those in the memory, the previous weights, key, strength, gate, shift kernel, sharpening,
    erase and add vectors.
    """
    memory, key, strength, gate, kernel, sharpening, erase, add, content, gated, weights = kept.saved
    memory_scale, key_scale, scale, similarity, previous, floored, logs = kept.between
    d_content, d_gated, d_shifted, d_weights, d_read, d_written = gradients
    read_weights, write_weights = weights[:, : kept.reads], weights[:, kept.reads :]
    if d_read is None:
        d_read = torch.zeros_like(key[:, : kept.reads])
    if d_written is None:
        d_written = torch.zeros_like(memory)

    # eq. 3 and 4, erasing and adding, and eq. 2, reading
    d_memory, d_write_weights, d_erase, d_add = write_backward(d_written, memory, write_weights, erase, add)
    d_memory.baddbmm_(read_weights.transpose(1, 2), d_read)
    d_read_weights = torch.bmm(d_read, memory.transpose(1, 2))
    d_weights = _plus(torch.cat([d_read_weights, d_write_weights], dim=1), d_weights)
    # eq. 9, sharpening
    d_power = softmax_backward(d_weights, weights)
    d_sharpening = (d_power * logs).sum(dim=-1)
    d_shifted = _plus((d_power * sharpening.unsqueeze(-1)).div_(floored), d_shifted)
    # eq. 8, shift
    around = windows(d_shifted, kernel.shape[-1])
    d_kernel = (around * gated.unsqueeze(-2)).sum(dim=-1)
    d_gated = _plus((around * kernel.unsqueeze(-1)).sum(dim=-2), d_gated)
    # eq. 7, interpolation
    d_gate = (content - previous).mul_(d_gated).sum(dim=-1)
    from_content = d_gated * gate.unsqueeze(-1)
    d_previous = d_gated.sub_(from_content)
    # eq. 5 and 6, content
    d_logit = softmax_backward(_plus(from_content, d_content), content)
    d_similarity = d_logit * strength.unsqueeze(-1)
    d_strength = d_logit.mul_(similarity).sum(dim=-1)
    along = d_similarity * similarity  # a longer key or slot lowers the similarity by this share
    key_pull = along.sum(dim=2, keepdim=True).mul_(key_scale.square())
    memory_pull = along.sum(dim=1).unsqueeze(-1).mul_(memory_scale.square())
    d_dot = d_similarity.mul_(scale)
    d_key = torch.bmm(d_dot, memory).addcmul_(key, key_pull, value=-1)
    d_memory.baddbmm_(d_dot.transpose(1, 2), key).addcmul_(memory, memory_pull, value=-1)
    return d_memory, d_previous, d_key, d_strength, d_gate, d_kernel, d_sharpening, d_erase, d_add


class AccessStep(torch.autograd.Function):
    """Address with all heads, read, then write. Graves et al. 2014, eq. 5 to 9, 2, 3 and 4.

    Takes the memory, the last read and write weights, then key, strength, gate, shift kernel and sharpening
    of all heads, the read heads first, then erase and add vectors. Gives the fields of ``Accessed``.
    """

    # ctx is torch's, and takes attributes of any name
    @staticmethod
    def forward(
        ctx: Any, memory: Tensor, previous_read: Tensor, previous_write: Tensor, *told: Tensor
    ) -> tuple[Tensor, ...]:
        """The step itself."""
        previous = torch.cat([previous_read, previous_write], dim=1)
        made, kept = access_forward(memory, previous, told[:5], told[5], told[6], previous_read.shape[1])
        ctx.save_for_backward(*kept.saved)
        ctx.kept = kept._replace(saved=())
        ctx.set_materialize_grads(False)  # a gradient that nobody asks for stays None
        return tuple(made)

    @staticmethod  # ctx: as in forward
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor, ...]:
        """The stages in reverse."""
        refuse_second_order()
        kept = ctx.kept._replace(saved=ctx.saved_tensors)
        d_memory, d_previous, *d_told = access_backward(kept, gradients)
        return d_memory, d_previous[:, : kept.reads], d_previous[:, kept.reads :], *d_told


def windows(weights: Tensor, size: int) -> Tensor:
    """(..., slot) to (..., size, slot): row j is rolled so that slot i shows slot ``i + j - size // 2``."""
    slots, reach = weights.shape[-1], size // 2
    if reach == 0:
        return weights.unsqueeze(-2)
    if reach > slots:  # a kernel wider than the memory goes around it more than once
        offsets = torch.arange(-reach, slots + reach, device=weights.device).remainder(slots)
        return weights[..., offsets].unfold(-1, slots, 1)
    ends = weights.narrow(-1, slots - reach, reach), weights.narrow(-1, 0, reach)
    return torch.cat([ends[0], weights, ends[1]], dim=-1).unfold(-1, slots, 1)


def write(memory: Tensor, weights: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """Eq. 3 and 4 for all write heads: all erase, then all add."""
    if weights.shape[1] == 1:  # the same sum with its terms collected
        return torch.addcmul(memory, weights.transpose(1, 2), add - memory * erase)
    kept = reduce(torch.mul, _kept_by_head(weights, erase))
    return torch.baddbmm(memory * kept, weights.transpose(1, 2), add)


def write_backward(
    d_written: Tensor, memory: Tensor, weights: Tensor, erase: Tensor, add: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients in memory, write weights, erase and add vectors."""
    d_add = torch.bmm(weights, d_written)
    d_kept = d_written * memory
    if weights.shape[1] == 1:
        d_memory = torch.addcmul(d_written, d_written, weights.transpose(1, 2) * erase, value=-1)
        d_weights = torch.bmm(add, d_written.transpose(1, 2))
        d_weights.baddbmm_(erase, d_kept.transpose(1, 2), alpha=-1)
        return d_memory, d_weights, torch.bmm(weights, d_kept).neg_(), d_add
    kept = _kept_by_head(weights, erase)
    # The share that all other heads leave; not the product over one's own share, which may be zero.
    before, after = [torch.ones_like(memory)], [torch.ones_like(memory)]
    for head in range(len(kept) - 1):
        before.append(before[-1] * kept[head])
        after.append(after[-1] * kept[-1 - head])
    by_others = torch.stack([b * a for b, a in zip(before, reversed(after), strict=True)], dim=1)
    d_share = by_others.mul_(d_kept.unsqueeze(1))
    d_memory = d_written * (before[-1] * kept[-1])
    d_weights = torch.bmm(add, d_written.transpose(1, 2))
    d_weights -= torch.matmul(d_share, erase.unsqueeze(-1)).squeeze(-1)
    d_erase = torch.matmul(weights.unsqueeze(-2), d_share).squeeze(-2).neg_()
    return d_memory, d_weights, d_erase, d_add


def _kept_by_head(weights: Tensor, erase: Tensor) -> list[Tensor]:
    """The share of each memory cell that each head leaves, ``1 - w e``."""
    return list((1 - weights.unsqueeze(-1) * erase.unsqueeze(-2)).unbind(1))


def softmax_backward(gradient: Tensor, output: Tensor) -> Tensor:
    """Gradient before a softmax over the last axis, from the gradient after it, in one kernel."""
    result: Tensor = torch._softmax_backward_data(gradient, output, -1, output.dtype)
    return result


def _plus(gradient: Tensor, more: Tensor | None) -> Tensor:
    return gradient if more is None else gradient + more
