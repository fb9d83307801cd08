"""Usage, allocation, links and reads against slow loops, at the edges, and under differentiation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nsm_widgets._errors import ShapeError
from nsm_widgets.dnc import addressing
from tests.dnc import _reference as reference


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Normal float64 numbers."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def unit(*shape: int, seed: int = 0) -> Tensor:
    """Numbers in (0, 1)."""
    return draw(*shape, seed=seed).sigmoid()


def shares(*shape: int, seed: int = 1) -> Tensor:
    """Random weights that sum to less than one along the last axis."""
    return 0.8 * torch.softmax(2 * draw(*shape, seed=seed), dim=-1)


def links(batch: int, slots: int, seed: int = 3) -> Tensor:
    """A link matrix with a zero diagonal, rows and columns summing to less than one."""
    values = unit(batch, slots, slots, seed=seed) / slots
    return values * (1 - torch.eye(slots, dtype=torch.float64))


SIZES = [(1, 1, 1), (2, 3, 5), (3, 2, 12)]
SIZE_IDS = ["all-one", "several-heads", "larger"]


@pytest.mark.parametrize(("batch", "heads", "slots"), SIZES, ids=SIZE_IDS)
def test_every_stage_is_the_papers(batch: int, heads: int, slots: int) -> None:
    """Retention, usage, allocation, writes, precedence, links and reads equal the paper's in loops."""
    free, before = unit(batch, heads), shares(batch, heads, slots)
    used, write, precede = (
        unit(batch, slots, seed=2),
        shares(batch, slots, seed=4),
        shares(batch, slots, seed=5),
    )
    content, gates = shares(batch, slots, seed=6), unit(2, batch, seed=7)
    link, modes = links(batch, slots), torch.softmax(draw(batch, heads, 3, seed=8), dim=-1)
    read_content = shares(batch, heads, slots, seed=9)

    retained = addressing.retention(free, before)
    usage = addressing.usage(used, write, retained)
    allocation = addressing.allocation_weights(usage)
    written = addressing.write_weights(content, allocation, gates[0], gates[1])
    linked = addressing.link(link, write, precede)
    preceding = addressing.precedence(precede, write)
    backward, forward = addressing.directional_weights(link, before)
    read = addressing.read_weights(backward, read_content, forward, modes)

    def check(found: Tensor, expected: Any) -> None:
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)

    for b in range(batch):
        check(retained[b], reference.retention(free[b].numpy(), before[b].numpy()))
        check(usage[b], reference.usage(used[b].numpy(), write[b].numpy(), retained[b].numpy()))
        check(allocation[b], reference.allocation(usage[b].numpy()))
        expected = reference.write_weights(
            content[b].numpy(), allocation[b].numpy(), float(gates[0, b]), float(gates[1, b])
        )
        check(written[b], expected)
        check(linked[b], reference.link(link[b].numpy(), write[b].numpy(), precede[b].numpy()))
        check(preceding[b], reference.precedence(precede[b].numpy(), write[b].numpy()))
        for h in range(heads):
            check(forward[b, h], reference.forward(link[b].numpy(), before[b, h].numpy()))
            check(backward[b, h], reference.backward(link[b].numpy(), before[b, h].numpy()))
            mixed = sum(
                float(modes[b, h, k]) * way[b, h] for k, way in enumerate((backward, read_content, forward))
            )
            check(read[b, h], mixed)


def test_allocation_by_hand() -> None:
    """Usage 0.5, 0.2, 0.9: the free list is 1, 0, 2, so the weights are 0.8, 0.5 x 0.2, 0.1 x 0.2 x 0.5."""
    allocation = addressing.allocation_weights(torch.tensor([[0.5, 0.2, 0.9]]))

    torch.testing.assert_close(allocation, torch.tensor([[0.1, 0.8, 0.01]]))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ([0.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
        ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]),
        ([1.0, 1.0, 0.0], [0.0, 0.0, 1.0]),
        ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]),
        ([0.5, 0.5, 0.5], [0.5, 0.25, 0.125]),
    ],
    ids=["empty", "one-used", "one-free", "full", "alike"],
)
def test_allocation_at_the_edges(usage: list[float], expected: list[float]) -> None:
    """A fresh memory fills from slot 0, a used slot is passed over, a full memory gives nothing."""
    given = torch.tensor([usage], requires_grad=True)

    allocation = addressing.allocation_weights(given)
    (allocation * torch.tensor([1.0, 2.0, 3.0])).sum().backward()

    assert allocation.tolist() == [expected]
    assert given.grad is not None and given.grad.isfinite().all()


@pytest.mark.parametrize("slots", [1, 2, 3, 5, 8, 13])
def test_products_by_doubling_are_those_one_by_one(slots: int) -> None:
    """Values and gradients equal a loop's and ``cumprod``'s, where some values are zero as well."""
    values = torch.rand(2, slots, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    values[1, slots // 2] = 0
    weights = torch.arange(1.0, 2 * slots + 1).view(2, slots).double()
    gradients = []
    for products in (addressing.products_before, addressing.products_by_doubling):
        given = values.clone().requires_grad_()
        found = products(given)
        expected = [[math.prod(row[:slot]) for slot in range(slots)] for row in values.tolist()]
        np.testing.assert_allclose(found.detach(), expected, rtol=1e-12)
        (found * weights).sum().backward()
        gradients.append(given.grad)
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_the_gradient_through_zeros_is_exact() -> None:
    """With usage exactly 0 in two slots, each derivative is the one worked out by hand."""
    usage = torch.tensor([[0.0, 0.0, 0.5]], dtype=torch.float64, requires_grad=True)

    addressing.allocation_weights(usage)[0, 1].backward()

    # a[1] = (1 - u[1]) u[0], as slot 0 comes first in the free list: the derivatives at zero are 1, 0, 0
    assert usage.grad is not None and usage.grad.tolist() == [[1.0, 0.0, 0.0]]


def test_ties_keep_the_order_of_the_slots() -> None:
    """A thousand slots of equal usage are allocated in their order, so the sort is stable."""
    allocation = addressing.allocation_weights(torch.full((1, 1000), 0.99))

    assert (allocation.diff(dim=-1) <= 0).all()
    assert int(allocation.argmax()) == 0


def test_usage_never_leaves_its_range() -> None:
    """Over 3,000 random steps in float32, with weights of one among them, usage stays in [0, 1] exactly."""
    generator = torch.Generator().manual_seed(0)
    usage = torch.zeros(4, 8)
    for _ in range(3000):
        weights = torch.softmax(30 * torch.rand(4, 8, generator=generator), dim=-1)
        retained = torch.rand(4, 8, generator=generator).round()
        usage = addressing.usage(usage, weights, torch.maximum(retained, usage))
        assert (usage >= 0).all() and (usage <= 1).all()
    full = addressing.usage(torch.full((1, 1), 1 - 2**-24), torch.ones(1, 1), torch.ones(1, 1))
    assert float(full) == 1.0


def test_links_remember_the_order_of_writing() -> None:
    """After whole writes to slots 2, 0, 3 the links lead 2 to 0 to 3, and back the other way."""
    link, precedence = torch.zeros(1, 4, 4), torch.zeros(1, 4)
    for slot in (2, 0, 3):
        write = torch.nn.functional.one_hot(torch.tensor([slot]), 4).float()
        link, precedence = addressing.link(link, write, precedence), addressing.precedence(precedence, write)

    assert link[0].nonzero().tolist() == [[0, 2], [3, 0]]
    assert precedence.tolist() == [[0, 0, 0, 1]]
    at_zero = torch.tensor([[[1.0, 0, 0, 0]]])
    backward, forward = addressing.directional_weights(link, at_zero)
    assert int(backward.argmax()) == 2 and int(forward.argmax()) == 3


def _gradcheck_cases() -> dict[str, tuple[Callable[..., Any], tuple[Tensor, ...]]]:
    content = shares(2, 4)
    return {
        "retention": (addressing.retention, (unit(2, 3), shares(2, 3, 4))),
        "usage": (addressing.usage, (unit(2, 4), shares(2, 4), unit(2, 4, seed=2))),
        "allocation": (addressing.allocation_weights, (unit(2, 6),)),
        "write": (addressing.write_weights, (content, shares(2, 4, seed=2), unit(2), unit(2, seed=1))),
        "precedence": (addressing.precedence, (shares(2, 4), shares(2, 4, seed=2))),
        "link": (addressing.link, (links(2, 4), shares(2, 4), shares(2, 4, seed=2))),
        "directions": (addressing.directional_weights, (links(2, 4), shares(2, 3, 4))),
        "read": (
            addressing.read_weights,
            (shares(2, 3, 4), shares(2, 3, 4, seed=2), shares(2, 3, 4, seed=3), unit(2, 3, 3)),
        ),
    }


@pytest.mark.parametrize("case", list(_gradcheck_cases()))
def test_gradients_are_exact(case: str) -> None:
    """Analytic gradients equal finite differences in float64."""
    function, arguments = _gradcheck_cases()[case]
    assert torch.autograd.gradcheck(function, [a.detach().clone().requires_grad_() for a in arguments])


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "free": (lambda: addressing.retention(draw(2, 1), shares(2, 3, 4)), "free_gates must have shape"),
    "usage": (
        lambda: addressing.usage(unit(2, 4), shares(1, 4), unit(2, 4)),
        "write_weights must have shape",
    ),
    "gate": (
        lambda: addressing.write_weights(shares(2, 4), shares(2, 4), unit(1), unit(2)),
        "allocation_gate must have shape",
    ),
    "link": (
        lambda: addressing.link(links(2, 3), shares(2, 4), shares(2, 4)),
        r"previous link must have shape \(batch, slot, slot\) = \(2, 4, 4\)",
    ),
    "directions": (
        lambda: addressing.directional_weights(links(2, 3), shares(2, 1, 4)),
        "read_weights must have shape",
    ),
    "modes": (
        lambda: addressing.read_weights(shares(2, 1, 4), shares(2, 1, 4), shares(2, 1, 4), unit(2, 1, 2)),
        r"modes must have shape \(batch, head, mode\) = \(2, 1, 3\)",
    ),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", list(BAD))
def test_misfits_are_refused(case: str) -> None:
    """Nothing is broadcast into place: a wrong size raises an error naming the argument."""
    call, text = BAD[case]
    with pytest.raises(ShapeError, match=text):
        call()
