"""The whole DNC against slow loops, and what it promises of state, batch and invariants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nsm_widgets._errors import DtypeError, ShapeError, UnknownOptionError
from nsm_widgets.dnc import DNC, DNCAccess, DNCConfig, DNCState, DNCStep, Interface
from tests.dnc import _reference as reference


def small(seed: int = 0, **options: Any) -> DNC:
    """A small model in float64 with known parameters."""
    torch.manual_seed(seed)
    sizes = {"input_size": 3, "output_size": 2, "memory_size": 6, "word_size": 4, "controller_size": 5}
    return DNC(**{**sizes, **options}).double()


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Normal float64 numbers."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def steps_of(model: DNC, inputs: Tensor) -> list[DNCStep]:
    """What each step of a run lays open."""
    seen: list[DNCStep] = []
    handle = model.access.register_forward_hook(lambda _module, _args, output: seen.append(output))
    with torch.no_grad():
        model(inputs)
    handle.remove()
    return seen


@pytest.mark.parametrize("heads", [1, 3])
def test_a_run_is_the_papers(heads: int) -> None:
    """Over nine steps, longer than the memory, logits equal those of the paper's equations in loops."""
    model = small(num_read_heads=heads)
    inputs = 3 * draw(9, 2, 3)
    parameters = {name: value.numpy() for name, value in model.state_dict().items()}

    with torch.no_grad():
        outputs = model(inputs).outputs

    for item in range(2):
        expected = reference.dnc(parameters, inputs[:, item].numpy(), heads=heads, slots=6, word=4)
        np.testing.assert_allclose(outputs[:, item], expected, rtol=1e-8, atol=1e-10)


def test_all_that_a_step_shows_can_be_learned_from() -> None:
    """Nothing of it is cut off from the graph: a loss may be taken of any part."""
    model = small(num_read_heads=2)
    seen: list[DNCStep] = []
    handle = model.access.register_forward_hook(lambda _module, _args, output: seen.append(output))
    model(draw(3, 2, 3))
    handle.remove()
    state, interface, *others = seen[-1]
    assert all(part.requires_grad for part in (*state, *interface, *others))


def test_autocast_leaves_the_memory_exact() -> None:
    """Under autocast layers may round; the memory's side stays float32, and outputs near those without."""
    model, inputs = small(num_read_heads=2).float(), draw(9, 2, 3).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, state = model(inputs)
        outputs.float().square().sum().backward()

    assert {part.dtype for part in state.access} == {torch.float32}
    torch.testing.assert_close(outputs.float(), model(inputs).outputs, rtol=0.1, atol=0.05)
    assert all(value.grad is not None and value.grad.isfinite().all() for value in model.parameters())


def test_everything_a_step_shows_is_the_papers() -> None:
    """From a state in mid-run, each array of a step equals the paper's, computed in loops."""
    model = small(num_read_heads=2)
    steps = steps_of(model, 3 * draw(7, 2, 3))
    before, after = steps[-2].state, steps[-1]

    for item in range(2):
        asked = {name: part[item].numpy() for name, part in after.interface._asdict().items()}
        state = {name: part[item].numpy() for name, part in before._asdict().items()}
        for name, expected in reference.step(asked, state).items():
            found = getattr(after.state, name) if name in DNCState._fields else getattr(after, name)
            np.testing.assert_allclose(found[item], expected, rtol=1e-8, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("scale", [0.1, 10.0, 1000.0])
def test_invariants_hold_whatever_comes_in(scale: float) -> None:
    """In float32, over 60 steps of any size: usage in [0, 1], masses at most one, links bounded."""
    model = small(num_read_heads=3).float()
    steps = steps_of(model, scale * draw(60, 2, 3).float())

    for step in steps:
        state = step.state
        assert (state.usage >= 0).all() and (state.usage <= 1).all()
        for weights in (
            state.write_weights,
            state.read_weights,
            state.precedence,
            step.allocation_weights,
            step.forward_weights,
            step.backward_weights,
            state.link,
            state.link.transpose(1, 2),
        ):
            assert (weights >= -1e-6).all()
            assert (weights.sum(dim=-1) <= 1 + 1e-5).all()
        assert (state.link.diagonal(dim1=1, dim2=2) == 0).all()
        mass = state.write_weights.sum(dim=-1)
        assert (mass <= step.interface.write_gate + 1e-5).all()
        torch.testing.assert_close(step.interface.read_modes.sum(dim=-1), torch.ones(2, 3))
        assert (step.interface.read_strengths >= 1).all() and (step.interface.write_strength >= 1).all()


def test_items_of_a_batch_know_nothing_of_each_other() -> None:
    """An item's outputs are the same alone as beside others, and its gradient reaches no other item."""
    model = small(num_read_heads=2)
    inputs = draw(8, 3, 3).requires_grad_()

    outputs = model(inputs).outputs
    outputs[:, 1].sum().backward()

    alone = model(inputs[:, 1:2]).outputs
    torch.testing.assert_close(outputs[:, 1:2], alone, rtol=1e-10, atol=1e-12)
    assert inputs.grad is not None
    assert (inputs.grad[:, [0, 2]] == 0).all() and (inputs.grad[:, 1] != 0).any()


def test_runs_repeat_and_go_on() -> None:
    """The same inputs give the same bits, in one run or in two; a state that is given is not changed."""
    model, inputs = small(), draw(6, 2, 3)

    whole = model(inputs)
    first = model(inputs[:4])
    kept = [part.clone() for part in first.state.access]
    second = model(inputs[4:], first.state)

    assert torch.equal(whole.outputs, model(inputs).outputs)
    assert torch.equal(whole.outputs, torch.cat([first.outputs, second.outputs]))
    assert all(torch.equal(now, then) for now, then in zip(first.state.access, kept, strict=True))
    assert not second.state.detach().access.memory.requires_grad


def test_gradients_are_exact_through_time() -> None:
    """Through four steps of the whole model, analytic gradients equal finite differences in float64."""
    model = small(num_read_heads=2, memory_size=3, word_size=2, controller_size=3)
    inputs = draw(4, 1, 3).requires_grad_()

    assert torch.autograd.gradcheck(lambda x: model(x).outputs, (inputs,), eps=1e-7, atol=1e-5)


def test_every_parameter_learns() -> None:
    """The gradient of a loss reaches every parameter, and is finite, from an empty memory on."""
    model = small(num_read_heads=2)
    model(draw(6, 2, 3)).outputs.square().sum().backward()

    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name


def test_an_access_at_saturated_gates_is_finite() -> None:
    """With gates at exactly 0 and 1, strengths of 1e4 and a full memory, values and gradients are finite."""
    ones, zeros = torch.ones, torch.zeros
    interface = Interface(
        read_keys=zeros(1, 2, 3),
        read_strengths=1e4 * ones(1, 2),
        write_key=zeros(1, 3),
        write_strength=1e4 * ones(1),
        erase=ones(1, 3),
        add=ones(1, 3),
        free_gates=torch.tensor([[0.0, 1.0]]),
        allocation_gate=ones(1),
        write_gate=ones(1),
        read_modes=torch.tensor([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]]),
    )
    state = DNCState(
        memory=zeros(1, 4, 3),
        usage=torch.tensor([[0.0, 1.0, 1.0, 0.0]]),
        precedence=zeros(1, 4),
        link=zeros(1, 4, 4),
        write_weights=torch.tensor([[0.0, 1.0, 0.0, 0.0]]),
        read_weights=torch.tensor([[[0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]]]),
        read_vectors=zeros(1, 2, 3),
    )
    given = [part.clone().requires_grad_() for part in (*interface, *state)]
    access = DNCAccess()

    step = access(Interface(*given[:10]), DNCState(*given[10:]))
    sum(part.square().sum() for part in step.state).backward()

    assert step.state.usage.tolist() == [[0.0, 0.0, 1.0, 0.0]]
    assert step.state.write_weights.tolist() == [[1.0, 0.0, 0.0, 0.0]]
    assert all(part.isfinite().all() for part in step.state)
    assert all(tensor.grad is None or tensor.grad.isfinite().all() for tensor in given)


def test_the_memory_may_have_another_size() -> None:
    """No parameter depends on the memory's size: a trained model takes another."""
    model = small(memory_size=6)
    parameters = [parameter.shape for parameter in model.parameters()]

    model.resize_memory(9)

    assert [parameter.shape for parameter in model.parameters()] == parameters
    assert model(draw(2, 1, 3)).state.access.link.shape == (1, 9, 9)
    assert model.config == DNCConfig(
        input_size=3, output_size=2, memory_size=9, word_size=4, controller_size=5
    )
    with pytest.raises(ShapeError, match="memory_size must be an integer of at least 1, got 0"):
        model.resize_memory(0)


A_NUMBER: Any = 3
BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "rank": (lambda: small()(draw(4, 3)), ShapeError, r"inputs must have axes \(time, batch, channel\)"),
    "channels": (lambda: small()(draw(4, 1, 5)), ShapeError, "3 channels on the last axis"),
    "empty": (lambda: small()(draw(0, 1, 3)), ShapeError, "at least one step"),
    "dtype": (lambda: small()(draw(4, 1, 3).float()), DtypeError, "inputs must have the dtype of the model"),
    "list": (lambda: small()([[[1.0]]]), DtypeError, "inputs must be a torch.Tensor, got list"),
    "batch": (
        lambda: small()(draw(4, 1, 3), small().initial_state(2)),
        ShapeError,
        "state memory must have shape.*initial_state",
    ),
    "state": (
        lambda: small()(draw(4, 1, 3), draw(1)),
        DtypeError,
        "state must be a DNCCellState, got Tensor",
    ),
    "layers": (
        lambda: small()(draw(4, 1, 3), small(num_controller_layers=2).initial_state(1)),
        ShapeError,
        "state controller must have 1 layers, got 2",
    ),
    "both": (
        lambda: DNC(DNCConfig(input_size=1, output_size=1), word_size=3),
        UnknownOptionError,
        "config or keywords",
    ),
    "unknown": (
        lambda: DNC(input_size=1, output_size=1, mem=3),
        UnknownOptionError,
        "DNC has no option mem",
    ),
    "missing": (lambda: DNC(input_size=1), UnknownOptionError, "DNC needs output_size"),
    "size": (
        lambda: DNC(input_size=0, output_size=1),
        ShapeError,
        "input_size must be an integer of at least 1",
    ),
    "config": (lambda: DNC(A_NUMBER), UnknownOptionError, "config must be a DNCConfig, got int"),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", list(BAD))
def test_misfits_are_refused(case: str) -> None:
    """Wrong rank, size, type or name raises an error that names it and says what to do."""
    call, error, text = BAD[case]
    with pytest.raises(error, match=text):
        call()
