"""The memory driven by hand keeps the interface that older notebooks use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from nsm_widgets._errors import DtypeError, ShapeError, WeightsError
from nsm_widgets.ntm import NTMMemory

from . import _reference as reference


def orders(
    memory: NTMMemory, batch: int = 1, seed: int = 0, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    """Random positional arguments, made the way notebooks make them."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(batch, *shape, generator=generator, dtype=dtype)

    reads, writes, word = memory.num_read_heads, memory.num_write_heads, memory.mem_dim
    return [
        draw(reads, word),
        draw(writes, word),
        draw(reads),
        draw(writes),
        torch.sigmoid(draw(writes, word)),
        torch.tanh(draw(writes, word)),
    ]


def simulate_memory_evolution(ntm: Any, steps: int = 5) -> list[Tensor]:
    """The notebook's own helper, as it stands there."""
    memory_states = []
    initial_memory = ntm.get_memory_state()
    memory_states.append(initial_memory)
    for _step in range(steps):
        batch_size = 1
        read_keys = torch.randn(batch_size, ntm.num_read_heads, ntm.mem_dim)
        write_keys = torch.randn(batch_size, ntm.num_write_heads, ntm.mem_dim)
        read_strengths = torch.randn(batch_size, ntm.num_read_heads)
        write_strengths = torch.randn(batch_size, ntm.num_write_heads)
        erase_vectors = torch.sigmoid(torch.randn(batch_size, ntm.num_write_heads, ntm.mem_dim))
        add_vectors = torch.tanh(torch.randn(batch_size, ntm.num_write_heads, ntm.mem_dim))
        _read_vectors, updated_memory = ntm(
            read_keys, write_keys, read_strengths, write_strengths, erase_vectors, add_vectors
        )
        memory_states.append(updated_memory)
    return memory_states


def simulate_read_write_operations(ntm: Any) -> dict[str, Tensor]:
    """The notebook's other helper."""
    batch_size = 1
    read_keys = torch.randn(batch_size, ntm.num_read_heads, ntm.mem_dim)
    write_keys = torch.randn(batch_size, ntm.num_write_heads, ntm.mem_dim)
    read_strengths = torch.randn(batch_size, ntm.num_read_heads)
    write_strengths = torch.randn(batch_size, ntm.num_write_heads)
    erase_vectors = torch.sigmoid(torch.randn(batch_size, ntm.num_write_heads, ntm.mem_dim))
    add_vectors = torch.tanh(torch.randn(batch_size, ntm.num_write_heads, ntm.mem_dim))
    initial_read_weights = ntm.get_read_weights()
    initial_write_weights = ntm.get_write_weights()
    read_vectors, updated_memory = ntm(
        read_keys, write_keys, read_strengths, write_strengths, erase_vectors, add_vectors
    )
    return {
        "initial_read": initial_read_weights,
        "initial_write": initial_write_weights,
        "final_read": ntm.get_read_weights(),
        "final_write": ntm.get_write_weights(),
        "read_vectors": read_vectors,
        "memory": updated_memory,
    }


def test_the_notebooks_helpers_run() -> None:
    """Both helpers of the original notebook run unchanged and give the shapes that its plots expect."""
    torch.manual_seed(42)
    memory = NTMMemory(mem_size=32, mem_dim=16, num_read_heads=2, num_write_heads=1)

    states = simulate_memory_evolution(memory, steps=4)
    result = simulate_read_write_operations(memory)

    assert [tuple(state.shape) for state in states] == [(32, 16)] * 5
    assert len({state.sum().item() for state in states}) == 5
    assert result["initial_read"].shape == result["final_read"].shape == (2, 32)
    assert result["initial_write"].shape == result["final_write"].shape == (1, 32)
    assert result["read_vectors"].shape == (1, 2, 16)
    assert result["memory"].shape == (32, 16)
    for name in ("initial_read", "final_read", "initial_write", "final_write"):
        torch.testing.assert_close(result[name].sum(dim=-1), torch.ones(len(result[name])))
    assert memory.get_importance_scores().shape == (32,)
    assert f"{memory.get_memory_state().min():.3f}"


def test_a_call_is_the_papers() -> None:
    """One call with gate, shift and sharpening equals the equations done head by head in loops."""
    memory = NTMMemory(6, 3, 2, 2).double()
    memory(*orders(memory, dtype=torch.float64))  # so that the weights before are no one-hot
    arguments = orders(memory, seed=1, dtype=torch.float64)
    read_keys, write_keys, read_strengths, write_strengths, erase, add = arguments
    generator = torch.Generator().manual_seed(2)
    gates = torch.rand(2, 1, 2, generator=generator, dtype=torch.float64)
    kernels = torch.softmax(torch.randn(2, 1, 2, 3, generator=generator, dtype=torch.float64), dim=-1)
    gammas = 1 + 3 * torch.rand(2, 1, 2, generator=generator, dtype=torch.float64)
    before = memory.get_memory_state().numpy()
    last = [memory.get_read_weights().numpy(), memory.get_write_weights().numpy()]

    vectors, after = memory(
        *arguments,
        read_gates=gates[0],
        write_gates=gates[1],
        read_shifts=kernels[0],
        write_shifts=kernels[1],
        read_sharpening=gammas[0],
        write_sharpening=gammas[1],
    )

    expected = []
    for kind, (keys, strengths) in enumerate([(read_keys, read_strengths), (write_keys, write_strengths)]):
        for head in range(2):
            content = reference.content(
                before, keys[0, head].numpy(), functional.softplus(strengths[0, head]).item()
            )
            gated = reference.interpolate(content, last[kind][head], gates[kind, 0, head].item())
            shifted = reference.shift(gated, kernels[kind, 0, head].numpy())
            expected.append(reference.sharpen(shifted, gammas[kind, 0, head].item()))
    np.testing.assert_allclose(memory.get_read_weights(), expected[:2], rtol=1e-8)
    np.testing.assert_allclose(memory.get_write_weights(), expected[2:], rtol=1e-8)
    np.testing.assert_allclose(vectors[0], [reference.read(before, w) for w in expected[:2]], rtol=1e-8)
    written = reference.erase_and_write(before, np.array(expected[2:]), erase[0].numpy(), add[0].numpy())
    np.testing.assert_allclose(after, written, rtol=1e-8)


def test_the_optional_stages_default_to_content_alone() -> None:
    """Leaving out gate, shift and sharpening equals gate 1, all shift on 'stay', exponent 1."""
    torch.manual_seed(0)
    memory = NTMMemory()
    arguments = orders(memory)
    memory(*arguments)
    plain = memory.state
    memory.reset()
    stay = torch.tensor([0.0, 1.0, 0.0])

    memory(
        *arguments,
        read_gates=torch.ones(1, 2),
        write_gates=torch.ones(1, 1),
        read_shifts=stay.expand(1, 2, 3),
        write_shifts=stay.expand(1, 1, 3),
        read_sharpening=torch.ones(1, 2),
        write_sharpening=torch.ones(1, 1),
    )

    for mine, theirs in zip(memory.state, plain, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_every_batch_item_has_its_memory() -> None:
    """Items of a batch do not meet: each computes what it computes alone, over several calls."""
    torch.manual_seed(0)
    memory = NTMMemory()
    calls = [orders(memory, batch=3, seed=seed) for seed in range(3)]
    for arguments in calls:
        together, _ = memory(*arguments)
    held = memory.get_memory_state()
    assert held.shape == (3, 32, 16)
    assert memory.get_read_weights().shape == (3, 2, 32)

    for item in range(3):
        memory.reset()
        for arguments in calls:
            alone, _ = memory(*(argument[item : item + 1] for argument in arguments))
        torch.testing.assert_close(alone[0], together[item])
        torch.testing.assert_close(memory.get_memory_state(), held[item])


def test_importance_is_the_share_of_all_weights() -> None:
    """Importance is read plus write mass so far over its maximum; zeros before anything happened."""
    torch.manual_seed(0)
    memory = NTMMemory()
    assert torch.equal(memory.get_importance_scores(), torch.zeros(32))
    used = torch.zeros(32)
    for seed in range(3):
        memory(*orders(memory, seed=seed))
        used += memory.get_read_weights().sum(dim=0) + memory.get_write_weights().sum(dim=0)

    scores = memory.get_importance_scores()

    torch.testing.assert_close(scores, used / used.max())
    assert scores.max() == 1 and scores.min() >= 0
    memory.reset()
    assert torch.equal(memory.get_importance_scores(), torch.zeros(32))


def test_what_is_handed_out_is_a_copy() -> None:
    """Changing a returned tensor in place changes neither the memory nor what was returned before."""
    torch.manual_seed(0)
    memory = NTMMemory()
    _, updated = memory(*orders(memory))
    taken = [updated, memory.get_memory_state(), memory.get_read_weights(), memory.get_write_weights()]
    state = [part.clone() for part in memory.state]
    for tensor in [*taken, memory.get_importance_scores()]:
        tensor.fill_(7)

    for mine, theirs in zip(memory.state, state, strict=True):
        assert torch.equal(mine, theirs)
    assert memory.get_importance_scores().max() == 1
    memory.reset()
    initial = memory.get_memory_state()
    initial.fill_(7)
    assert memory.initial_memory.bias.abs().max() < 1


def test_gradients_cross_calls_until_detached() -> None:
    """What is read now depends on what was written earlier; after ``detach`` no longer."""
    torch.manual_seed(0)
    memory = NTMMemory()
    first = [argument.requires_grad_() for argument in orders(memory)]
    memory(*first)
    vectors, updated = memory(*orders(memory, seed=1))
    assert updated.requires_grad
    vectors.sum().backward()
    assert first[5].grad is not None and first[5].grad.abs().sum() > 0
    assert not memory.get_memory_state().requires_grad

    memory.reset()
    memory(*first)
    assert memory.detach() is memory
    vectors, _ = memory(*orders(memory, seed=1))
    assert not vectors.requires_grad


def test_state_goes_where_the_module_goes() -> None:
    """``double()`` converts the state in use, and a state put back continues exactly from there."""
    torch.manual_seed(0)
    memory = NTMMemory().double()
    memory(*orders(memory, dtype=torch.float64))
    kept = memory.state
    memory(*orders(memory, seed=1, dtype=torch.float64))
    after = memory.get_memory_state()

    memory.state = kept
    memory(*orders(memory, seed=1, dtype=torch.float64))

    assert after.dtype == torch.float64
    assert torch.equal(memory.get_memory_state(), after)
    with pytest.raises(ShapeError, match="state read_weights must have shape"):
        memory.state = kept._replace(read_weights=kept.read_weights[:, :1])


BAD_CALLS: dict[str, tuple[int | str, Any, type[Exception], str]] = {
    "rank": (0, torch.zeros(2, 16), ShapeError, r"read_keys must have axes \(batch, head, word\)"),
    "heads": (
        0,
        torch.zeros(1, 3, 16),
        ShapeError,
        r"read_keys must have shape .* = \(1, 2, 16\), got \(1, 3, 16\)",
    ),
    "width": (1, torch.zeros(1, 1, 15), ShapeError, "write_keys must have shape"),
    "strength-rank": (2, torch.zeros(1, 2, 1), ShapeError, "read_strengths must have shape"),
    "batch": (3, torch.zeros(4, 1), ShapeError, "write_strengths must have shape"),
    "erase-range": (
        4,
        torch.full((1, 1, 16), 1.5),
        WeightsError,
        r"erase_vectors must lie in \[0, 1\].*sigmoid",
    ),
    "add-list": (5, [[[0.0] * 16]], DtypeError, "add_vectors must be a torch.Tensor, got list"),
    "integers": (5, torch.zeros(1, 1, 16).int(), DtypeError, "add_vectors must be float32 or float64"),
    "float64": (
        5,
        torch.zeros(1, 1, 16).double(),
        DtypeError,
        "add_vectors must have the dtype of the memory",
    ),
    "meta": (0, torch.zeros(1, 2, 16, device="meta"), DtypeError, "read_keys must hold values"),
    "gate-range": ("read_gates", torch.full((1, 2), -0.1), WeightsError, "read_gates must lie in"),
    "gate-shape": ("write_gates", torch.ones(1, 2), ShapeError, "write_gates must have shape"),
    "shift-sum": (
        "read_shifts",
        torch.full((1, 2, 3), 0.5),
        WeightsError,
        "read_shifts must sum to one.*softmax",
    ),
    "shift-even": ("read_shifts", torch.full((1, 2, 2), 0.5), ShapeError, "odd number of offsets, got 2"),
    "sharpening": (
        "write_sharpening",
        torch.full((1, 1), 0.5),
        WeightsError,
        "write_sharpening must be at least 1",
    ),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", list(BAD_CALLS))
def test_bad_calls_are_refused(case: str) -> None:
    """A wrong argument raises one error with its name, and leaves the memory as it was."""
    where, value, error, text = BAD_CALLS[case]
    memory = NTMMemory()
    before = memory.get_memory_state()
    arguments: list[Any] = orders(memory)
    keywords = {}
    if isinstance(where, int):
        arguments[where] = value
    else:
        keywords[where] = value

    with pytest.raises(error, match=text):
        memory(*arguments, **keywords)

    assert torch.equal(memory.get_memory_state(), before)


@pytest.mark.usefixtures("as_in_production")
def test_the_batch_is_fixed_by_the_first_call() -> None:
    """A fresh memory takes any batch; later another one needs ``reset``."""
    memory = NTMMemory()
    memory(*orders(memory, batch=4))
    with pytest.raises(ShapeError, match=r"batch size of the state, 4, got 2.*memory.reset\(batch_size=2\)"):
        memory(*orders(memory, batch=2))
    memory.reset(batch_size=2)
    assert memory.get_memory_state().shape == (2, 32, 16)
    memory(*orders(memory, batch=2))


@pytest.mark.usefixtures("as_in_production")
def test_sizes_are_checked() -> None:
    """Sizes are positive integers, and an unknown keyword is an error."""
    with pytest.raises(ShapeError, match="mem_size must be an integer of at least 1, got 0"):
        NTMMemory(mem_size=0)
    with pytest.raises(ShapeError, match="num_read_heads must be an integer of at least 1, got 1.5"):
        NTMMemory(num_read_heads=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="memory_size"):
        NTMMemory(memory_size=3)  # type: ignore[call-arg]
