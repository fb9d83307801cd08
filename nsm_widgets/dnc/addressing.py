"""How a Differentiable Neural Computer finds its places, as pure functions.

Source: Graves, Wayne, Reynolds et al., "Hybrid computing using a neural network with dynamic external
memory", Nature 538 (2016), Methods. A docstring names the section of the Methods and the symbol that a
function computes. Every function works on all read heads of all batch items at once. Content-based
addressing and the memory write are those of the Neural Turing Machine (``nsm_widgets.ntm.addressing``).

Weightings here are *shares*: each entry is in [0, 1], and their sum is at most one. What is missing to one is
given to no slot.
"""

from __future__ import annotations

from functools import reduce

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from nsm_widgets._model_checks import check_shape


def retention(
    free_gates: Float[Tensor, "batch head"], read_weights: Float[Tensor, "batch head slot"]
) -> Float[Tensor, "batch slot"]:
    """How much of each slot the free gates do not give back. "Dynamic memory allocation", psi_t.

    ``psi[i] = prod_heads (1 - free_gate * read_weights[i])``, with the read weights of the step before. The
    product is taken factor by factor: the gradient of ``torch.prod`` is exact as well, but looks for zeros at
    every step.
    """
    check_shape("free_gates", free_gates, "batch, head", read_weights.shape[:2])
    kept = 1 - free_gates.unsqueeze(-1) * read_weights
    return reduce(torch.mul, kept.unbind(1))


def usage(
    previous: Float[Tensor, "batch slot"],
    write_weights: Float[Tensor, "batch slot"],
    retained: Float[Tensor, "batch slot"],
) -> Float[Tensor, "batch slot"]:
    """How much each slot is in use, in [0, 1]. "Dynamic memory allocation", u_t.

    ``u = (u' + w - u' * w) * psi``, with the usage u' and the write weights w of the step before. It is
    computed as ``u' + (1 - u') * w``, which rounding cannot carry past one.
    """
    check_shape("write_weights", write_weights, "batch, slot", previous.shape)
    check_shape("retained", retained, "batch, slot", previous.shape)
    return (previous + (1 - previous) * write_weights) * retained


def allocation_weights(usage: Float[Tensor, "batch slot"]) -> Float[Tensor, "batch slot"]:
    """Where to write something new: on the least used slot. "Dynamic memory allocation", a_t.

    Slots are put in order of ascending usage, phi; then ``a[phi[j]] = (1 - u[phi[j]]) * prod_{i<j}
    u[phi[i]]``. If every slot is used up (usage one) nothing is allocated, and the weights are zero.

    The order itself has no gradient, as in the paper. Slots of equal usage keep their order in the memory (a
    stable sort), so that a fresh memory fills from slot 0 and runs repeat. At usage exactly 0 or 1 value and
    gradient are exact: the products are differentiated through zeros, so no epsilon is added.
    """
    ascending, order = torch.sort(usage, dim=-1, stable=True)
    products = products_before if usage.device.type == "cpu" else products_by_doubling
    return torch.zeros_like(usage).scatter(-1, order, (1 - ascending) * products(ascending))


def products_before(values: Float[Tensor, "batch slot"]) -> Float[Tensor, "batch slot"]:
    """The product of all values before each one; 1 before the first."""
    return torch.cat([torch.ones_like(values[:, :1]), values[:, :-1].cumprod(dim=-1)], dim=-1)


def products_by_doubling(values: Float[Tensor, "batch slot"]) -> Float[Tensor, "batch slot"]:
    """The same by about ``log2(slot)`` products of all values at once. Hillis & Steele 1986.

    The gradient of ``torch.cumprod`` asks whether there are zeros, and waits for a device to tell; that of a
    product does not.
    """
    products = functional.pad(values[:, :-1], (1, 0), value=1.0)
    reach = 1
    while reach < values.shape[-1]:
        products = products * functional.pad(products[:, :-reach], (reach, 0), value=1.0)
        reach *= 2
    return products


def write_weights(
    content: Float[Tensor, "batch slot"],
    allocation: Float[Tensor, "batch slot"],
    allocation_gate: Float[Tensor, " batch"],
    write_gate: Float[Tensor, " batch"],
) -> Float[Tensor, "batch slot"]:
    """Write to a free slot or to one with like content, or not at all. "Dynamic memory allocation", w^w_t.

    ``w = g_write * (g_alloc * a + (1 - g_alloc) * c)``, both gates in [0, 1].
    """
    check_shape("allocation", allocation, "batch, slot", content.shape)
    check_shape("allocation_gate", allocation_gate, "batch", content.shape[:1])
    check_shape("write_gate", write_gate, "batch", content.shape[:1])
    return write_gate.unsqueeze(-1) * torch.lerp(content, allocation, allocation_gate.unsqueeze(-1))


def precedence(
    previous: Float[Tensor, "batch slot"], write_weights: Float[Tensor, "batch slot"]
) -> Float[Tensor, "batch slot"]:
    """How far each slot was the last one written to. "Temporal memory linkage", p_t.

    ``p = (1 - sum w) * p' + w``.
    """
    check_shape("write_weights", write_weights, "batch, slot", previous.shape)
    return (1 - write_weights.sum(dim=-1, keepdim=True)) * previous + write_weights


def link(
    previous: Float[Tensor, "batch slot slot"],
    write_weights: Float[Tensor, "batch slot"],
    previous_precedence: Float[Tensor, "batch slot"],
) -> Float[Tensor, "batch slot slot"]:
    """``L[i, j]``: how far slot i was written to right after slot j. "Temporal memory linkage", L_t.

    ``L[i, j] = (1 - w[i] - w[j]) * L'[i, j] + w[i] * p'[j]``, zero on the diagonal. Rows and columns sum to
    at most one.
    """
    batch, slots = write_weights.shape
    check_shape("previous link", previous, "batch, slot, slot", (batch, slots, slots))
    check_shape("previous_precedence", previous_precedence, "batch, slot", (batch, slots))
    later, earlier = write_weights.unsqueeze(2), write_weights.unsqueeze(1)
    updated = (1 - later - earlier) * previous + later * previous_precedence.unsqueeze(1)
    itself = torch.eye(slots, dtype=torch.bool, device=updated.device)
    return updated.masked_fill(itself, 0.0)


def directional_weights(
    link: Float[Tensor, "batch slot slot"], read_weights: Float[Tensor, "batch head slot"]
) -> tuple[Float[Tensor, "batch head slot"], Float[Tensor, "batch head slot"]]:
    """Where one step back and one on lead to, in the order of writing. "Temporal memory linkage", b and f.

    Args:
        link: L_t of this step.
        read_weights: Where the heads read the step before.

    Returns:
        Backward weights ``b = L^T w`` and forward weights ``f = L w`` of every read head.
    """
    batch, slots = link.shape[0], link.shape[1]
    check_shape("link", link, "batch, slot, slot", (batch, slots, slots))
    check_shape("read_weights", read_weights, "batch, head, slot", (batch, read_weights.shape[1], slots))
    return torch.bmm(read_weights, link), torch.bmm(read_weights, link.transpose(1, 2))


def read_weights(
    backward: Float[Tensor, "batch head slot"],
    content: Float[Tensor, "batch head slot"],
    forward: Float[Tensor, "batch head slot"],
    modes: Float[Tensor, "batch head 3"],
) -> Float[Tensor, "batch head slot"]:
    """Mix the three ways to read. "Temporal memory linkage", w^{r,i}_t.

    ``w = modes[0] * b + modes[1] * c + modes[2] * f``; the modes of a head sum to one.
    """
    check_shape("content", content, "batch, head, slot", backward.shape)
    check_shape("forward", forward, "batch, head, slot", backward.shape)
    check_shape("modes", modes, "batch, head, mode", (*backward.shape[:2], 3))
    back, same, on = modes.unsqueeze(-1).unbind(2)
    return back * backward + same * content + on * forward
