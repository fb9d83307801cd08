"""Addressing against slow loops, at the edges, and under differentiation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from nsm_widgets._errors import DtypeError, ShapeError
from nsm_widgets.ntm import addressing

from . import _reference as reference

SIZES = [(1, 1, 1, 1), (2, 3, 5, 4), (3, 1, 2, 7), (1, 4, 128, 20)]
SIZE_IDS = ["all-one", "several-heads", "two-slots", "classic"]


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Normal float64 numbers."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def weighting(*shape: int, seed: int = 1) -> Tensor:
    """Random weights that sum to one along the last axis."""
    return torch.softmax(2 * draw(*shape, seed=seed), dim=-1)


def per_head(function: Callable[..., Any], *arrays: Tensor) -> np.ndarray[Any, Any]:
    """Apply a loop-style function to every batch item and head of arrays (batch, head, ...)."""
    batch, heads = arrays[0].shape[:2]
    values = [array.numpy() for array in arrays]
    return np.array([[function(*(v[b, h] for v in values)) for h in range(heads)] for b in range(batch)])


@pytest.mark.parametrize(("batch", "heads", "slots", "word"), SIZES, ids=SIZE_IDS)
def test_content_weights_are_the_papers(batch: int, heads: int, slots: int, word: int) -> None:
    """Content weights equal equations 5 and 6 computed slot by slot."""
    memory, key = draw(batch, slots, word), draw(batch, heads, word, seed=1)
    strength = draw(batch, heads, seed=2).abs() * 5
    per_item = memory.unsqueeze(1).expand(-1, heads, -1, -1)

    weights = addressing.content_weights(memory, key, strength)

    np.testing.assert_allclose(weights, per_head(reference.content, per_item, key, strength), rtol=1e-9)
    similarity = addressing.cosine_similarity(memory, key)
    np.testing.assert_allclose(similarity, per_head(reference.cosine, per_item, key), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("batch", "heads", "slots", "word"), SIZES, ids=SIZE_IDS)
def test_interpolate_is_the_papers(batch: int, heads: int, slots: int, word: int) -> None:
    """Interpolation equals equation 7."""
    content, previous = weighting(batch, heads, slots), weighting(batch, heads, slots, seed=2)
    gate = torch.sigmoid(draw(batch, heads))

    mixed = addressing.interpolate(content, previous, gate)

    np.testing.assert_allclose(mixed, per_head(reference.interpolate, content, previous, gate), rtol=1e-9)


@pytest.mark.parametrize("offsets", [1, 3, 5, 7])
@pytest.mark.parametrize(("batch", "heads", "slots", "word"), SIZES, ids=SIZE_IDS)
def test_shift_is_the_papers(batch: int, heads: int, slots: int, word: int, offsets: int) -> None:
    """Shifting equals the circular convolution of equation 8, also when it wraps around more than once."""
    weights, kernel = weighting(batch, heads, slots), weighting(batch, heads, offsets, seed=2)

    moved = addressing.shift(weights, kernel)

    np.testing.assert_allclose(moved, per_head(reference.shift, weights, kernel), rtol=1e-9)


@pytest.mark.parametrize(("batch", "heads", "slots", "word"), SIZES, ids=SIZE_IDS)
def test_sharpen_is_the_papers(batch: int, heads: int, slots: int, word: int) -> None:
    """Sharpening equals equation 9, and for small exponents its textbook quotient."""
    weights, gamma = weighting(batch, heads, slots), 1 + draw(batch, heads).abs()

    sharp = addressing.sharpen(weights, gamma)

    np.testing.assert_allclose(sharp, per_head(reference.sharpen, weights, gamma), rtol=1e-9)
    powers = weights ** gamma.unsqueeze(-1)
    np.testing.assert_allclose(sharp, powers / powers.sum(dim=-1, keepdim=True), rtol=1e-6)


@pytest.mark.parametrize(("batch", "heads", "slots", "word"), SIZES, ids=SIZE_IDS)
def test_read_and_write_are_the_papers(batch: int, heads: int, slots: int, word: int) -> None:
    """Reading equals equation 2; erasing and adding, with any number of heads, equal equations 3 and 4."""
    memory, weights = draw(batch, slots, word), weighting(batch, heads, slots)
    erase, add = torch.sigmoid(draw(batch, heads, word, seed=3)), draw(batch, heads, word, seed=4)

    vectors = addressing.read(memory, weights)
    written = addressing.erase_and_write(memory, weights, erase, add)

    for item in range(batch):
        arrays = [values[item].numpy() for values in (memory, weights, erase, add)]
        np.testing.assert_allclose(written[item], reference.erase_and_write(*arrays), rtol=1e-9, atol=1e-12)
        expected = [reference.read(arrays[0], arrays[1][head]) for head in range(heads)]
        np.testing.assert_allclose(vectors[item], expected, rtol=1e-9, atol=1e-12)


def test_slots_have_no_order_but_for_the_shift() -> None:
    """Permuting the slots permutes content weights, reads and writes; turning them turns the shift."""
    memory, key, weights = draw(2, 6, 3), draw(2, 2, 3, seed=1), weighting(2, 2, 6)
    erase, add = draw(2, 2, 3, seed=3).sigmoid(), draw(2, 2, 3, seed=4)
    strength, kernel = draw(2, 2).abs(), weighting(2, 2, 3)
    order = torch.tensor([3, 0, 5, 1, 4, 2])

    content = addressing.content_weights(memory, key, strength)
    torch.testing.assert_close(
        addressing.content_weights(memory[:, order], key, strength), content[..., order]
    )
    read = addressing.read(memory, weights)
    torch.testing.assert_close(addressing.read(memory[:, order], weights[..., order]), read)
    written = addressing.erase_and_write(memory, weights, erase, add)
    torch.testing.assert_close(
        addressing.erase_and_write(memory[:, order], weights[..., order], erase, add), written[:, order]
    )
    shifted = addressing.shift(weights, kernel)
    torch.testing.assert_close(addressing.shift(weights.roll(2, -1), kernel), shifted.roll(2, -1))


def test_equal_slots_under_equal_weights_stay_equal() -> None:
    """The trap that a random memory and a first focus avoid: no step, no gradient ever tells slots apart."""
    memory, weights = torch.full((1, 5, 3), 0.1, requires_grad=True), torch.full((1, 1, 5), 0.2)
    key, add = draw(1, 1, 3).float(), draw(1, 1, 3, seed=1).float()
    written = memory
    for step in range(3):
        content = addressing.content_weights(written, key + step, torch.full((1, 1), 5.0))
        weights = addressing.sharpen(
            addressing.interpolate(content, weights, torch.full((1, 1), 0.5)), torch.full((1, 1), 3.0)
        )
        written = addressing.erase_and_write(written, weights, add.sigmoid(), add)
    written.square().sum().backward()

    torch.testing.assert_close(weights, torch.full((1, 1, 5), 0.2))
    assert memory.grad is not None
    for slot in range(1, 5):
        torch.testing.assert_close(written[:, slot], written[:, 0])
        torch.testing.assert_close(memory.grad[:, slot], memory.grad[:, 0])


def test_a_positive_shift_moves_to_the_next_slot() -> None:
    """All the mass on the last offset moves slot 0 to 1, and the last slot to the first."""
    weights = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]])
    kernel = torch.tensor([0.0, 0.0, 1.0]).expand(2, 1, 3)

    assert addressing.shift(weights, kernel).argmax(dim=-1).flatten().tolist() == [1, 0]


def test_an_empty_memory_is_seen_evenly() -> None:
    """Nothing looks like anything in a memory of zeros: content weights are uniform, gradients finite."""
    memory = torch.zeros(1, 4, 3, requires_grad=True)
    key = torch.zeros(1, 2, 3, requires_grad=True)

    weights = addressing.content_weights(memory, key, torch.full((1, 2), 1e4))
    weights[..., 0].sum().backward()

    assert torch.equal(weights, torch.full((1, 2, 4), 0.25))
    assert memory.grad is not None and memory.grad.isfinite().all()
    assert key.grad is not None and key.grad.isfinite().all()


def test_sharpening_keeps_its_mass() -> None:
    """Weights over 128 slots at gamma 10 still sum to one, where the textbook quotient falls to 0.001."""
    weights = torch.softmax(torch.randn(1, 1, 128, generator=torch.Generator().manual_seed(0)), dim=-1)

    total = addressing.sharpen(weights, torch.full((1, 1), 10.0)).sum()

    assert float(total) == pytest.approx(1, abs=1e-5)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    slots=st.integers(1, 40),
    offsets=st.sampled_from([1, 3, 5]),
    scale=st.sampled_from([0.0, 1e-8, 1.0, 1e4]),
    strength=st.sampled_from([0.0, 1.0, 1e4]),
    gate=st.floats(0, 1, width=32),
    gamma=st.sampled_from([1.0, 20.0, 1e4]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 2**31),
)
def test_every_stage_returns_weights(
    slots: int,
    offsets: int,
    scale: float,
    strength: float,
    gate: float,
    gamma: float,
    dtype: torch.dtype,
    seed: int,
) -> None:
    """After every stage the weights are non-negative and sum to one within 1e-5, whatever goes in."""
    generator = torch.Generator().manual_seed(seed)
    memory = scale * torch.randn(2, slots, 6, generator=generator, dtype=dtype)
    key = scale * torch.randn(2, 3, 6, generator=generator, dtype=dtype)
    previous = torch.softmax(scale * torch.randn(2, 3, slots, generator=generator, dtype=dtype), dim=-1)
    kernel = torch.softmax(torch.randn(2, 3, offsets, generator=generator, dtype=dtype), dim=-1)
    per_head = torch.ones(2, 3, dtype=dtype)

    content = addressing.content_weights(memory, key, strength * per_head)
    gated = addressing.interpolate(content, previous, gate * per_head)
    shifted = addressing.shift(gated, kernel)
    sharp = addressing.sharpen(shifted, gamma * per_head)

    for weights in (content, gated, shifted, sharp):
        assert (weights >= 0).all()
        assert (weights.sum(dim=-1) - 1).abs().max() <= 1e-5


def _gradcheck_cases() -> dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...]]]:
    memory, key, weights = draw(2, 4, 3), draw(2, 2, 3, seed=1), weighting(2, 2, 4)
    vectors = draw(2, 2, 3, seed=5)
    return {
        "content": (addressing.content_weights, (memory, key, draw(2, 2, seed=2).abs())),
        "content-empty": (addressing.content_weights, (memory * 0, key, draw(2, 2, seed=2).abs())),
        "interpolate": (addressing.interpolate, (weights, weighting(2, 2, 4, seed=3), draw(2, 2).sigmoid())),
        "shift": (addressing.shift, (weights, weighting(2, 2, 3, seed=4))),
        "sharpen": (addressing.sharpen, (weights, 1 + draw(2, 2).abs())),
        "read": (addressing.read, (memory, weights)),
        "write": (addressing.erase_and_write, (memory, weights, vectors.sigmoid(), vectors)),
        "write-one-head": (
            addressing.erase_and_write,
            (memory, weights[:, :1], vectors[:, :1].sigmoid(), vectors[:, :1]),
        ),
    }


@pytest.mark.parametrize("case", list(_gradcheck_cases()))
def test_gradients_are_exact(case: str) -> None:
    """Analytic gradients equal finite differences in float64."""
    function, arguments = _gradcheck_cases()[case]
    # An empty slot's norm bends within 1e-3, so differences have to be taken well inside that.
    assert torch.autograd.gradcheck(
        function, [a.detach().clone().requires_grad_() for a in arguments], eps=1e-7
    )


def test_erasing_everything_leaves_gradients_finite() -> None:
    """Two heads that both erase a slot completely: the product is zero, its gradient is not NaN."""
    memory = torch.ones(1, 1, 2, requires_grad=True)
    erase = torch.ones(1, 2, 2, requires_grad=True)

    written = addressing.erase_and_write(memory, torch.ones(1, 2, 1), erase, torch.zeros(1, 2, 2))
    written.sum().backward()

    assert torch.equal(written, torch.zeros(1, 1, 2))
    assert erase.grad is not None and erase.grad.isfinite().all()


A_LIST: Any = [[[1.0]]]
INTEGERS = torch.ones(1, 1, 1).int()
BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "memory-rank": (
        lambda: addressing.content_weights(draw(4, 3), draw(2, 2, 3), draw(2, 2)),
        ShapeError,
        "memory",
    ),
    "empty": (
        lambda: addressing.content_weights(draw(2, 0, 3), draw(2, 2, 3), draw(2, 2)),
        ShapeError,
        "none empty",
    ),
    "key-rank": (
        lambda: addressing.content_weights(draw(2, 4, 3), draw(2, 3), draw(2, 2)),
        ShapeError,
        "key must",
    ),
    "key-width": (
        lambda: addressing.cosine_similarity(draw(2, 4, 3), draw(2, 2, 5)),
        ShapeError,
        r"\(2, 2, 3\)",
    ),
    "batch-of-one": (
        lambda: addressing.cosine_similarity(draw(2, 4, 3), draw(1, 2, 3)),
        ShapeError,
        "key must",
    ),
    "strength": (
        lambda: addressing.content_weights(draw(2, 4, 3), draw(2, 2, 3), draw(2)),
        ShapeError,
        "strength",
    ),
    "gate": (lambda: addressing.interpolate(draw(2, 1, 4), draw(2, 1, 4), draw(2)), ShapeError, "gate must"),
    "previous": (
        lambda: addressing.interpolate(draw(2, 1, 4), draw(2, 1, 1), draw(2, 1)),
        ShapeError,
        "previous",
    ),
    "even-kernel": (
        lambda: addressing.shift(draw(2, 1, 4), draw(2, 1, 2)),
        ShapeError,
        "odd number of offsets",
    ),
    "kernel": (lambda: addressing.shift(draw(2, 1, 4), draw(2, 3, 3)), ShapeError, "kernel must"),
    "sharpening": (lambda: addressing.sharpen(draw(2, 1, 4), draw(2, 1, 1)), ShapeError, "1 axes too many"),
    "read": (lambda: addressing.read(draw(2, 4, 3), draw(2, 1, 5)), ShapeError, "weights must"),
    "erase": (
        lambda: addressing.erase_and_write(draw(2, 4, 3), draw(2, 1, 4), draw(2, 1, 1), draw(2, 1, 3)),
        ShapeError,
        "erase must",
    ),
    "integers": (
        lambda: addressing.cosine_similarity(torch.ones(1, 1, 1).int(), draw(1, 1, 1)),
        DtypeError,
        "float32",
    ),
    "list": (
        lambda: addressing.cosine_similarity(A_LIST, draw(1, 1, 1)),
        DtypeError,
        "torch.Tensor, got list",
    ),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", list(BAD))
def test_misfits_are_refused(case: str) -> None:
    """Nothing is broadcast into place: wrong rank, size or type raises an error naming the argument."""
    call, error, text = BAD[case]
    with pytest.raises(error, match=text):
        call()
