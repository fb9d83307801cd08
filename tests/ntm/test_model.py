"""The whole model against the paper, and the promises of its state."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets._errors import DtypeError, ShapeError, UnknownOptionError
from nsm_widgets.ntm import NTM, CellState, MemoryAccess, NTMConfig, NTMState
from nsm_widgets.ntm.access import address

from . import _reference as reference

SMALL: dict[str, Any] = {
    "input_size": 3,
    "output_size": 2,
    "memory_size": 6,
    "word_size": 4,
    "controller_size": 5,
}


def small(seed: int = 0, **keywords: Any) -> NTM:
    """A small model with known parameters, in float64."""
    torch.manual_seed(seed)
    return NTM(**(SMALL | keywords)).double()


def sequence(steps: int, batch: int, seed: int = 1) -> torch.Tensor:
    """Inputs (time, batch, 3)."""
    return torch.randn(steps, batch, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shift_range", [0, 1, 2])
@pytest.mark.parametrize("heads", [(1, 1), (2, 3)], ids=["1+1", "2+3"])
@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
def test_forward_is_the_papers(controller: str, heads: tuple[int, int], shift_range: int) -> None:
    """Every logit equals the one computed step by step with loops from the paper's equations."""
    model = small(
        controller=controller, num_read_heads=heads[0], num_write_heads=heads[1], shift_range=shift_range
    )
    inputs = sequence(5, 2)
    parameters = {name: value.numpy() for name, value in model.state_dict().items()}

    with torch.no_grad():
        outputs = model(inputs).outputs

    for item in range(2):
        expected = reference.ntm(parameters, inputs[:, item].numpy(), heads=heads, lstm=controller == "lstm")
        np.testing.assert_allclose(outputs[:, item], expected, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
@pytest.mark.parametrize("layers", [1, 2])
def test_batch_items_do_not_meet(controller: str, layers: int) -> None:
    """An item computes the same alone and inside a batch."""
    model = small(controller=controller, num_controller_layers=layers, num_read_heads=2)
    inputs = sequence(6, 4)

    together, state = model(inputs)

    for item in range(4):
        alone, alone_state = model(inputs[:, item : item + 1])
        torch.testing.assert_close(alone[:, 0], together[:, item], rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(alone_state.access.memory[0], state.access.memory[item])


def test_a_gradient_stays_in_its_batch_item() -> None:
    """The loss of one item has no gradient in the inputs of another."""
    inputs = sequence(4, 3).requires_grad_()

    small()(inputs).outputs[:, 1].sum().backward()

    assert inputs.grad is not None
    assert inputs.grad[:, 1].abs().sum() > 0
    assert inputs.grad[:, [0, 2]].abs().sum() == 0


@pytest.mark.parametrize("learned", [False, True], ids=["fixed", "learned"])
def test_gradients_through_time_are_exact(learned: bool) -> None:
    """Analytic gradients of a three-step sequence equal finite differences, for all parameters."""
    model = small(
        memory_size=3, word_size=2, controller_size=2, num_write_heads=2, learn_initial_memory=learned
    )
    names = [name for name, _ in model.named_parameters()]

    def run(inputs: torch.Tensor, *values: torch.Tensor) -> Any:
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (inputs,)).outputs

    values = [value.detach().clone().requires_grad_() for value in model.parameters()]
    assert torch.autograd.gradcheck(run, (sequence(3, 1).requires_grad_(), *values))


def test_every_parameter_learns() -> None:
    """No parameter is left without a gradient, and none of the gradients is zero or NaN."""
    for controller in ("lstm", "feedforward"):
        model = small(controller=controller, num_controller_layers=2, learn_initial_memory=True)
        model(sequence(6, 2)).outputs.square().sum().backward()
        for name, value in model.named_parameters():
            assert value.grad is not None and value.grad.isfinite().all() and value.grad.abs().sum() > 0, name


def test_the_memory_at_first_is_learned_if_asked() -> None:
    """Drawn alike and saved under one name, it is a parameter or none; a step of training then moves it."""
    fixed, learned = small(), small(learn_initial_memory=True)
    name = "cell.initial_memory.bias"
    assert name not in dict(fixed.named_parameters())
    parameter = dict(learned.named_parameters())[name]
    assert torch.equal(fixed.state_dict()[name], parameter)
    assert torch.equal(fixed(sequence(4, 2)).outputs, learned(sequence(4, 2)).outputs)
    before = parameter.detach().clone()
    optimizer = torch.optim.SGD(learned.parameters(), 0.1)
    learned(sequence(4, 2)).outputs.square().sum().backward()
    optimizer.step()
    assert not torch.equal(parameter, before)
    fixed.load_state_dict(learned.state_dict())
    assert torch.equal(fixed(sequence(4, 2)).outputs, learned(sequence(4, 2)).outputs)


def test_a_sequence_can_be_cut() -> None:
    """Handing the state on gives what one uninterrupted call gives; the old state stays as it was."""
    model, inputs = small(), sequence(7, 2)
    whole = model(inputs)

    first = model(inputs[:3])
    kept = first.state.access.memory.clone()
    second = model(inputs[3:], first.state)

    # Not to the bit: a matrix product over three steps may round otherwise than one over seven.
    torch.testing.assert_close(
        torch.cat([first.outputs, second.outputs]), whole.outputs, rtol=1e-12, atol=1e-14
    )
    torch.testing.assert_close(second.state.access.memory, whole.state.access.memory, rtol=1e-12, atol=1e-14)
    assert torch.equal(first.state.access.memory, kept)


def test_the_same_seed_gives_the_same_model() -> None:
    """Construction and forward pass are deterministic, and a call leaves nothing behind on the model."""
    one, other = small(seed=3), small(seed=3)
    inputs = sequence(5, 2)

    first = one(inputs).outputs

    assert torch.equal(first, other(inputs).outputs)
    assert torch.equal(first, one(inputs).outputs)


def test_slots_do_not_stay_equal() -> None:
    """The initial state is no symmetry: slots differ, every head has one focus, reads agree."""
    state = small(num_read_heads=2).initial_state(3).access

    assert state.memory.shape == (3, 6, 4)
    assert len(state.memory[0].unique(dim=0)) == 6
    assert torch.equal(state.read_weights.sum(dim=-1), torch.ones(3, 2, dtype=torch.float64))
    assert torch.equal(state.read_vectors, torch.bmm(state.read_weights, state.memory))
    assert state.memory.abs().max() <= 10**-0.5


def test_heads_together_are_heads_alone() -> None:
    """Addressing all heads in one batch gives what each head gives on its own."""
    model = small(num_read_heads=3, num_write_heads=2)
    state = model(sequence(3, 2)).state
    read, write = model.cell.heads(state.controller[0][0])
    read_stages, write_stages = address(read, write, state.access)

    for head in range(3):
        for other in range(2):
            alone_state = NTMState(
                state.access.memory,
                state.access.read_weights[:, [head]],
                state.access.write_weights[:, [other]],
                state.access.read_vectors[:, [head]],
            )
            alone = address(
                type(read)(*(part[:, [head]] for part in read)),
                type(write)(*(part[:, [other]] for part in write)),
                alone_state,
            )
            for stages, index, expected in ((alone[0], head, read_stages), (alone[1], other, write_stages)):
                for mine, all_heads in zip(stages, expected, strict=True):
                    torch.testing.assert_close(mine[:, 0], all_heads[:, index], rtol=1e-12, atol=1e-14)


def test_a_hook_on_the_access_sees_everything() -> None:
    """A forward hook gets head parameters and the state before, then all stages and the state after."""
    model = small(num_read_heads=2)
    seen: list[tuple[Any, Any]] = []
    [access] = [module for module in model.modules() if isinstance(module, MemoryAccess)]
    access.register_forward_hook(lambda module, inputs, output: seen.append((inputs, output)))

    state = model(sequence(4, 1)).state

    assert len(seen) == 4
    for (_, before), (_, after) in pairwise(seen):
        assert after is not before
    (read, write, before), output = seen[-1]
    assert torch.equal(output.read.key, read.key) and torch.equal(output.write.gate, write.gate)
    assert torch.equal(output.read.weights, output.state.read_weights)
    assert torch.equal(output.read_vectors, torch.bmm(output.read.weights, before.memory))
    assert output.state.memory is state.access.memory
    assert list(access.parameters()) == [] and access.reads_from == "before_write"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_dtypes_are_kept(dtype: torch.dtype) -> None:
    """Outputs and state have the dtype of the model."""
    outputs, state = small().to(dtype)(sequence(2, 1).to(dtype))

    assert outputs.dtype == dtype
    assert {part.dtype for part in state.access} == {dtype}


def test_inputs_need_no_layout() -> None:
    """A non-contiguous or differentiable view works as well as a fresh tensor."""
    inputs = sequence(4, 2)
    twisted = inputs.permute(2, 1, 0).contiguous().permute(2, 1, 0).requires_grad_()

    torch.testing.assert_close(small()(twisted).outputs, small()(inputs).outputs)


def test_nan_flows() -> None:
    """A diverged model can still be looked at: NaN in, NaN out, no error."""
    inputs = sequence(2, 2)
    inputs[0, 0, 0] = torch.nan

    outputs = small()(inputs).outputs

    assert outputs[:, 0].isnan().all() and not outputs[:, 1].isnan().any()


def test_a_state_can_be_detached() -> None:
    """A detached state carries the values and none of the graph."""
    state = small()(sequence(2, 1)).state
    cut = state.detach()

    assert state.access.memory.requires_grad and not cut.access.memory.requires_grad
    assert not cut.controller[0][0].requires_grad
    assert torch.equal(cut.access.memory, state.access.memory)


BAD_INPUTS: dict[str, tuple[Any, type[Exception], str]] = {
    "list": ([[[0.0, 0.0, 0.0]]], DtypeError, r"inputs must be a torch.Tensor, got list"),
    "rank": (torch.zeros(4, 3), ShapeError, r"axes \(time, batch, channel\), got shape \(4, 3\)"),
    "channels": (torch.zeros(4, 1, 9), ShapeError, "inputs must have 3 channels"),
    "no-steps": (torch.zeros(0, 1, 3), ShapeError, "at least one step"),
    "no-items": (torch.zeros(2, 0, 3), ShapeError, "at least one step"),
    "integers": (
        torch.zeros(4, 1, 3, dtype=torch.int64),
        DtypeError,
        "must be float32 or float64, got torch.int64",
    ),
    "complex": (torch.zeros(4, 1, 3, dtype=torch.complex64), DtypeError, "Take its real part"),
    "half": (torch.zeros(4, 1, 3, dtype=torch.bfloat16), DtypeError, "torch.bfloat16"),
    "float32-into-float64": (torch.zeros(4, 1, 3), DtypeError, "dtype of the model, torch.float64"),
    "meta": (torch.zeros(4, 1, 3, device="meta"), DtypeError, "meta device"),
    "sparse": (torch.zeros(4, 1, 3).to_sparse(), DtypeError, "must be dense"),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", list(BAD_INPUTS))
def test_bad_inputs_are_refused(case: str) -> None:
    """Inputs of a wrong kind, rank or size raise one error that says what was wanted."""
    inputs, error, text = BAD_INPUTS[case]
    with pytest.raises(error, match=text):
        small()(inputs)


@pytest.mark.usefixtures("as_in_production")
def test_a_foreign_state_is_refused() -> None:
    """A state of another batch, another model, or no state at all raises instead of being broadcast."""
    model = small()
    with pytest.raises(ShapeError, match=r"state memory must have shape .* = \(2, 6, 4\), got \(1, 6, 4\)"):
        model(sequence(2, 2), model.initial_state(1))
    with pytest.raises(ShapeError, match="state read_weights"):
        model(sequence(2, 1), small(num_read_heads=2).initial_state(1))
    with pytest.raises(ShapeError, match="state controller must have 1 layers, got 0"):
        model(sequence(2, 1), small(controller="feedforward").initial_state(1))
    with pytest.raises(DtypeError, match="state must be a CellState, got NTMState"):
        model(sequence(2, 1), model.initial_state(1).access)
    assert isinstance(model.initial_state(1), CellState)


@pytest.mark.usefixtures("as_in_production")
def test_the_config_is_checked() -> None:
    """Sizes must be positive integers, names known; config and keywords are the same thing said twice."""
    assert NTM(NTMConfig(**SMALL)).config == NTM(**SMALL).config
    assert NTMConfig.from_keywords(NTMConfig(**SMALL).to_dict()) == NTMConfig(**SMALL)
    for name, value in [
        ("memory_size", 0),
        ("word_size", 2.5),
        ("num_read_heads", True),
        ("shift_range", -1),
    ]:
        with pytest.raises(ShapeError, match=f"{name} must be an integer"):
            NTM(**(SMALL | {name: value}))
    with pytest.raises(UnknownOptionError, match="no option memory_sise. It knows input_size"):
        NTM(**SMALL, memory_sise=3)
    with pytest.raises(UnknownOptionError, match="controller must be 'lstm' or 'feedforward', got 'gru'"):
        NTM(**SMALL, controller="gru")
    with pytest.raises(UnknownOptionError, match="learn_initial_memory must be True or False, got 1"):
        NTM(**SMALL, learn_initial_memory=1)
    with pytest.raises(UnknownOptionError, match="starts from a memory that is fixed"):
        NTM(**SMALL, learn_initial_memory=True, dialect="pytorch-ntm")
    with pytest.raises(UnknownOptionError, match="needs input_size and output_size"):
        NTM()
    with pytest.raises(UnknownOptionError, match="a config or keywords, got both"):
        NTM(NTMConfig(**SMALL), word_size=3)
    with pytest.raises(UnknownOptionError, match="config must be an NTMConfig, got dict"):
        NTM(SMALL)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="batch_size must be an integer of at least 1, got 0"):
        small().initial_state(0)
