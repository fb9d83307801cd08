"""The addressing mechanism of the Neural Turing Machine, as pure functions.

Source: Graves, Wayne, Danihelka, "Neural Turing Machines", arXiv:1410.5401 (2014), sections 3.1 to 3.3. Every
function works on all heads of all batch items at once and keeps a weighting a weighting: non-negative, sum
one.
"""

from __future__ import annotations

from functools import reduce
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from nsm_widgets._errors import ShapeError
from nsm_widgets._model_checks import check_shape, check_tensor

NORM_EPSILON: Final = 1e-6
"""Added to a squared norm before its root: the gradient of a plain root is infinite at an empty slot."""

WEIGHT_EPSILON: Final = 1e-16
"""Added to a weight before its logarithm, so that an untouched slot has a finite one."""


def cosine_similarity(
    memory: Float[Tensor, "batch slot word"], key: Float[Tensor, "batch head word"]
) -> Float[Tensor, "batch head slot"]:
    """How alike each key is to each slot, in [-1, 1]; 0 for an empty slot. Graves et al. 2014, eq. 6.

    Each norm is ``sqrt(sum of squares + 1e-6)``, so value and gradient stay finite at zero.
    """
    check_sizes(memory, key)
    memory_scale = (memory.square().sum(dim=-1) + NORM_EPSILON).rsqrt()
    key_scale = (key.square().sum(dim=-1) + NORM_EPSILON).rsqrt()
    dot = torch.bmm(key, memory.transpose(1, 2))
    return dot * memory_scale.unsqueeze(1) * key_scale.unsqueeze(2)


def content_weights(
    memory: Float[Tensor, "batch slot word"],
    key: Float[Tensor, "batch head word"],
    strength: Float[Tensor, "batch head"],
) -> Float[Tensor, "batch head slot"]:
    """Focus on slots like the key, the sharper the larger ``strength`` >= 0. Graves et al. 2014, eq. 5."""
    similarity = cosine_similarity(memory, key)
    check_shape("strength", strength, "batch, head", key.shape[:2])
    return torch.softmax(strength.unsqueeze(-1) * similarity, dim=-1)


def interpolate(
    content: Float[Tensor, "batch head slot"],
    previous: Float[Tensor, "batch head slot"],
    gate: Float[Tensor, "batch head"],
) -> Float[Tensor, "batch head slot"]:
    """Mix content with previous weights: ``g * content + (1 - g) * previous``. Graves et al. 2014, eq. 7.

    ``gate`` lies in [0, 1]; 1 is content alone, 0 the previous weights alone.
    """
    check_shape("previous", previous, "batch, head, slot", content.shape)
    check_shape("gate", gate, "batch, head", content.shape[:2])
    return torch.lerp(previous, content, gate.unsqueeze(-1))


def shift(
    weights: Float[Tensor, "batch head slot"], kernel: Float[Tensor, "batch head offset"]
) -> Float[Tensor, "batch head slot"]:
    """Move the focus along the slots, the last being next to the first. Graves et al. 2014, eq. 8.

    ``kernel[..., k]`` is the share that moves by ``k - K // 2`` slots; its K entries sum to one and K is odd.
    With K = 3 the offsets are -1, 0, +1, and all the mass on the last entry moves slot 0 to slot 1.

    Raises:
        ShapeError: If the kernel has an even number of offsets, or other sizes disagree.
    """
    check_kernel(kernel, weights.shape[:2])
    reach = kernel.shape[-1] // 2
    shares = kernel.unsqueeze(-1).unbind(dim=2)  # one (batch, head, 1) per offset
    moved = weights * shares[reach]
    for offset in range(1, reach + 1):
        moved = moved + weights.roll(-offset, dims=-1) * shares[reach - offset]
        moved = moved + weights.roll(offset, dims=-1) * shares[reach + offset]
    return moved


def sharpen(
    weights: Float[Tensor, "batch head slot"], sharpening: Float[Tensor, "batch head"]
) -> Float[Tensor, "batch head slot"]:
    """Raise weights to the power ``sharpening`` >= 1 and normalise. Graves et al. 2014, eq. 9.

    Computed as ``softmax(gamma * log(w + eps))``: the quotient of powers underflows, and with 128 slots and
    gamma = 10 its "weights" sum to 0.001.
    """
    check_shape("sharpening", sharpening, "batch, head", weights.shape[:2])
    return torch.softmax(sharpening.unsqueeze(-1) * (weights + WEIGHT_EPSILON).log(), dim=-1)


def read(
    memory: Float[Tensor, "batch slot word"], weights: Float[Tensor, "batch head slot"]
) -> Float[Tensor, "batch head word"]:
    """Each head's mixture of slots, ``r = sum_i w(i) M(i)``. Graves et al. 2014, eq. 2."""
    check_shape("weights", weights, "batch, head, slot", (memory.shape[0], weights.shape[1], memory.shape[1]))
    return torch.bmm(weights, memory)


def erase_and_write(
    memory: Float[Tensor, "batch slot word"],
    weights: Float[Tensor, "batch head slot"],
    erase: Float[Tensor, "batch head word"],
    add: Float[Tensor, "batch head word"],
) -> Float[Tensor, "batch slot word"]:
    """All writes, ``M(i) * prod_h (1 - w_h(i) e_h) + sum_h w_h(i) a_h``. Graves et al. 2014, eq. 3 and 4.

    Erasing comes first for all heads, then adding, so the order of the heads does not matter. ``erase`` lies
    in [0, 1].
    """
    heads = weights.shape[1]
    check_shape("weights", weights, "batch, head, slot", (memory.shape[0], heads, memory.shape[1]))
    check_shape("erase", erase, "batch, head, word", (memory.shape[0], heads, memory.shape[2]))
    check_shape("add", add, "batch, head, word", erase.shape)
    if heads == 1:  # the same sum with its terms collected: half the time
        return torch.addcmul(memory, weights.transpose(1, 2), add - memory * erase)
    # factor by factor: the gradient of torch.prod looks for zeros, for which it waits for the device
    kept = reduce(torch.mul, (1 - weights.unsqueeze(-1) * erase.unsqueeze(-2)).unbind(1))
    return torch.baddbmm(memory * kept, weights.transpose(1, 2), add)


def check_sizes(memory: Tensor, key: Tensor) -> None:
    """Raise unless ``memory`` is (batch, slot, word) and ``key`` (batch, head, word), of one batch and word.

    Raises:
        DtypeError: If one of them is no tensor of float32 or float64.
        ShapeError: If rank or size differ, or a size is zero.
    """
    if check_tensor("memory", memory).ndim != 3 or 0 in memory.shape:
        raise ShapeError(
            f"memory must have axes (batch, slot, word), none empty, got shape {tuple(memory.shape)}. "
            "One memory alone? Add its batch axis: memory[None]."
        )
    if check_tensor("key", key).ndim != 3:
        raise ShapeError(
            f"key must have axes (batch, head, word), got shape {tuple(key.shape)}. "
            "A single head? Add its axis: key[:, None]."
        )
    check_shape("key", key, "batch, head, word", (memory.shape[0], key.shape[1], memory.shape[2]))


def check_kernel(kernel: Tensor, per_head: tuple[int, ...]) -> None:
    """Raise unless ``kernel`` is (batch, head, offset) with an odd number of offsets.

    Raises:
        ShapeError: If it is not.
    """
    num_offsets = kernel.shape[-1]
    if num_offsets % 2 == 0:
        raise ShapeError(
            f"kernel must have an odd number of offsets, got {num_offsets}. Its middle one means 'stay'."
        )
    check_shape("kernel", kernel, "batch, head, offset", (*per_head, num_offsets))
