"""The whole machine: its parts joined as said, its state explicit, its masks kept; and its task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from nsm_widgets._errors import CheckpointError, DtypeError, ShapeError, UnknownOptionError
from nsm_widgets.nsm import NeuralStateMachine, NSMConfig, load_checkpoint, save_checkpoint
from nsm_widgets.tasks import Task
from nsm_widgets.tasks.marked_copy import KINDS, MarkedCopyTask
from nsm_widgets.trace import TraceRecorder


def small(gate: Literal["gru", "lstm"] = "gru", **options: Any) -> NeuralStateMachine:
    """A small machine in float64 with known parameters."""
    torch.manual_seed(0)
    sizes = {
        "token_dim": 5,
        "output_size": 2,
        "num_states": 3,
        "state_dim": 4,
        "memory_size": 6,
        "word_size": 4,
    }
    return NeuralStateMachine(**{**sizes, "gate": gate, **options}).double()


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Normal float64 numbers."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def some(*shape: int, seed: int = 0) -> Tensor:
    """A random mask."""
    return draw(*shape, seed=seed) > -0.5


@pytest.mark.parametrize("gate", ["gru", "lstm"])
def test_a_step_joins_the_parts(gate: Literal["gru", "lstm"]) -> None:
    """Each part called by hand, in the order that the class tells, gives what a step gives."""
    machine, tokens = small(gate, num_read_heads=2), draw(2, 7, 5)
    before = machine(draw(3, 2, 7, 5, seed=1)).state

    step = machine.step(tokens, before)

    routed, routing = machine.router(tokens, before.states)
    messages, heard = machine.communication(before.states + routed)
    read = torch.stack([before.access.read_vectors.flatten(1)] * 3, dim=1)
    propagated = machine.propagator(torch.cat([routed, messages, read], -1), before.states, before.cells)
    importance = machine.manager(propagated.states)
    counted = (importance.unsqueeze(-1) * propagated.states).flatten(1)
    access = machine.access(*machine.heads(counted), before.access)
    for found, expected in (
        (step.routed, routed),
        (step.routing_weights, routing),
        (step.messages, messages),
        (step.communication_weights, heard),
        (step.update, propagated.update),
        (step.importance, importance),
        (step.state.states, propagated.states),
        (step.state.access.memory, access.state.memory),
        (step.features, torch.cat([counted, access.read_vectors.flatten(1)], -1)),
    ):
        assert torch.equal(found, expected)
    assert (step.state.cells is None) == (gate == "gru")


def test_a_machine_begins_with_states_of_its_own_and_empty_cells() -> None:
    """Each batch item has the learned states; an LSTM's inner ones are zero; no output leans to a side."""
    machine = small("lstm")
    state = machine.initial_state(3)

    assert all(torch.equal(item, machine.initial_states) for item in state.states)
    assert state.cells is not None and (state.cells == 0).all()
    assert small("gru").initial_state(3).cells is None
    assert (machine.output_layer.bias == 0).all()


@pytest.mark.parametrize("gate", ["gru", "lstm"])
def test_runs_repeat_and_go_on(gate: Literal["gru", "lstm"]) -> None:
    """The same tokens give the same bits, in one run or in two."""
    machine, tokens, mask = small(gate), draw(6, 2, 7, 5), some(6, 2, 7)

    whole = machine(tokens, mask=mask)
    first = machine(tokens[:4], mask=mask[:4])
    second = machine(tokens[4:], first.state, mask=mask[4:])

    assert torch.equal(whole.outputs, machine(tokens, mask=mask).outputs)
    assert torch.equal(whole.outputs, torch.cat([first.outputs, second.outputs]))
    assert not second.state.detach().states.requires_grad


def test_padding_changes_nothing() -> None:
    """Padded tokens, NaN in them, and more of them leave every output as it is, to rounding."""
    machine, tokens = small(), draw(5, 2, 3, 5)
    padded = torch.cat([tokens, torch.full((5, 2, 4, 5), torch.nan).double()], dim=2)
    mask = torch.arange(7).expand(5, 2, 7) < 3

    torch.testing.assert_close(machine(padded, mask=mask).outputs, machine(tokens).outputs)
    none = machine(padded, mask=torch.zeros_like(mask)).outputs
    assert none.isfinite().all()


def test_the_order_of_tokens_within_a_step_does_not_matter() -> None:
    """Each step's tokens in another order give the same outputs."""
    machine, tokens = small(), draw(5, 2, 7, 5)

    torch.testing.assert_close(machine(tokens.flip(2)).outputs, machine(tokens).outputs)


def test_items_of_a_batch_know_nothing_of_each_other() -> None:
    """An item's outputs are the same alone as beside others, and its gradient reaches no other item."""
    machine, tokens = small(), draw(5, 3, 7, 5).requires_grad_()

    outputs = machine(tokens).outputs
    outputs[:, 1].sum().backward()

    torch.testing.assert_close(outputs[:, 1:2], machine(tokens[:, 1:2]).outputs, rtol=1e-10, atol=1e-12)
    assert tokens.grad is not None
    assert (tokens.grad[:, [0, 2]] == 0).all() and (tokens.grad[:, 1] != 0).any()


@pytest.mark.parametrize("gate", ["gru", "lstm"])
def test_gradients_are_exact_and_reach_everything(gate: Literal["gru", "lstm"]) -> None:
    """Through three steps gradients equal finite differences, and every parameter has one."""
    machine = small(gate, state_dim=2, num_states=2, memory_size=3, word_size=2, num_communication_heads=1)
    tokens = draw(3, 1, 2, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: machine(x).outputs, (tokens,), eps=1e-7, atol=1e-5)

    machine(draw(4, 2, 3, 5)).outputs.square().sum().backward()
    for name, parameter in machine.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name


def test_pruned_states_take_no_part() -> None:
    """A pruned state gets no token, is heard by nobody, stays as it is, and has no say in what comes out."""
    machine, tokens = small(), draw(5, 2, 7, 5)
    machine.manager.prune(torch.tensor([0.9, 0.0, 0.9]).double(), 0.5)
    before = machine.initial_state(2)

    step = machine.step(tokens[0], before)

    assert (step.routing_weights[..., 1] == 0).all() and (step.importance[:, 1] == 0).all()
    assert (step.communication_weights[..., 1] == 0).all()
    assert (step.communication_weights[:, :, 1] == 0).all()
    assert torch.equal(step.state.states[:, 1], before.states[:, 1])
    outputs = machine(tokens).outputs
    other = before._replace(states=before.states.clone())
    other.states[:, 1] += 1
    torch.testing.assert_close(machine(tokens, other).outputs, outputs)
    machine.manager.restore()
    assert not torch.allclose(machine(tokens).outputs, outputs)


@pytest.mark.parametrize("gate", ["gru", "lstm"])
def test_autocast_leaves_states_and_memory_exact(gate: Literal["gru", "lstm"]) -> None:
    """Under autocast layers may round; states and memory stay float32, and outputs near those without."""
    machine, tokens = small(gate).float(), draw(5, 2, 7, 5).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, state = machine(tokens, mask=some(5, 2, 7))
        outputs.float().square().sum().backward()

    assert {state.states.dtype, *(part.dtype for part in state.access)} == {torch.float32}
    plain = machine(tokens, mask=some(5, 2, 7)).outputs
    torch.testing.assert_close(outputs.float(), plain, rtol=0.1, atol=0.05)
    assert all(value.grad is not None and value.grad.isfinite().all() for value in machine.parameters())


def test_a_mask_is_counted_anew_after_it_was_changed() -> None:
    """Whoever changes it in place, or puts another tensor there, is seen at the next step."""
    machine, tokens = small(), draw(2, 7, 5)
    before = machine.initial_state(2)

    def pruned() -> list[bool]:
        importance = machine.step(tokens, before).importance
        return [bool((importance[:, state] == 0).all()) for state in range(3)]

    assert pruned() == [False, False, False]
    machine.manager.active[1] = False
    assert pruned() == [False, True, False] and machine.manager.num_active == 2
    saved = {name: value.clone() for name, value in machine.state_dict().items()}
    machine.manager.restore()
    assert pruned() == [False, False, False] and machine.manager.num_active == 3
    machine.load_state_dict(saved)
    assert pruned() == [False, True, False]
    machine.manager.active = torch.tensor([True, True, False])
    assert pruned() == [False, False, True]
    with torch.inference_mode():
        machine.manager.active = torch.tensor([False, True, True])
        assert pruned() == [True, False, False]
        machine.manager.active[1] = False
        assert pruned() == [True, True, False]


def test_the_recorder_sees_its_memory() -> None:
    """The memory inside is the NTM's own access, which a TraceRecorder knows."""
    machine = small(num_read_heads=2).float()

    with TraceRecorder(machine) as recorder, torch.no_grad():
        machine(draw(5, 1, 3, 5).float())

    assert recorder.trace["read_weights"].sizes == {"time": 5, "batch": 1, "head": 2, "slot": 6}


def test_a_machine_comes_back(tmp_path: Path) -> None:
    """Saved and loaded, outputs are the same to the bit, pruned states among what is kept."""
    machine, path = small(), tmp_path / "m.safetensors"
    machine.manager.prune(torch.tensor([0.9, 0.0, 0.9]).double(), 0.5)
    save_checkpoint(machine, path)

    loaded = load_checkpoint(path)

    assert loaded.config == machine.config and not loaded.training
    assert loaded.manager.active.tolist() == [True, False, True]
    assert torch.equal(loaded(draw(3, 1, 2, 5)).outputs, machine(draw(3, 1, 2, 5)).outputs)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="whole safetensors file"):
        load_checkpoint(path)


def test_the_task_is_what_it_says() -> None:
    """One marked token a step, then a go token, then their bits are due, among noise at any place."""
    task = MarkedCopyTask()
    batch = task.batch(50, torch.Generator().manual_seed(0), length=5)
    tokens, there = task.tokens(batch.inputs)
    kinds = tokens[..., :3].argmax(dim=-1)

    assert isinstance(task, Task)
    assert tokens.shape == (11, 50, 3, task.token_dim) and (tokens[~there] == 0).all()
    assert batch.mask.sum(dim=0).tolist() == [5] * 50 and batch.mask[6:].all()
    assert (batch.targets[:6] == 0).all()
    for item in range(50):
        for step in range(11):
            present = [place for place in range(3) if there[step, item, place]]
            lead = [place for place in present if KINDS[int(kinds[step, item, place])] != "noise"]
            assert len(lead) == (1 if step <= 5 else 0)
            if step < 5:
                assert KINDS[int(kinds[step, item, lead[0]])] == "marked"
                bits = (tokens[step, item, lead[0], 3:] + 1) / 2
                assert bits.tolist() == batch.targets[6 + step, item].tolist()
            if step == 5:
                assert tokens[step, item, lead[0]].tolist() == [0, 1, 0] + [0] * 6
    noise = there & (kinds == KINDS.index("noise"))
    assert set(noise.sum(dim=-1).flatten().tolist()) == {0, 1, 2}
    assert (tokens[noise][:, 3:].abs() == 1).all()
    marked = (there & (kinds == KINDS.index("marked"))).float().mean(dim=(0, 1))
    assert (marked > 0.1).all()  # of 5/11 in all: it may stand anywhere in its step


def test_the_task_draws_from_its_generator_alone() -> None:
    """The same seed gives the same batch, another one another, and the global generator is left alone."""
    task, before = MarkedCopyTask(width=3, max_length=4, max_noise=0), torch.get_rng_state()

    first, again, other = (task.batch(4, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))

    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert first.inputs.shape != other.inputs.shape or not torch.equal(first.inputs, other.inputs)
    assert first.inputs.shape[-1] == task.input_size and task.tokens_per_step == 1


A_NUMBER: Any = 3
BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "rank": (lambda: small()(draw(4, 2, 5)), ShapeError, r"Add its axis: tokens\[:, :, None\]"),
    "width": (lambda: small()(draw(4, 2, 7, 4)), ShapeError, "tokens must have axes .*5 features"),
    "dtype": (lambda: small()(draw(4, 2, 7, 5).float()), DtypeError, "dtype of the model"),
    "mask": (
        lambda: small()(draw(4, 2, 7, 5), mask=some(4, 2, 6)),
        ShapeError,
        r"mask must have shape \(time, batch, token\) = \(4, 2, 7\)",
    ),
    "batch": (
        lambda: small()(draw(4, 2, 7, 5), small().initial_state(1)),
        ShapeError,
        "state states must have shape.*initial_state",
    ),
    "cells": (
        lambda: small("lstm")(draw(4, 2, 7, 5), small("lstm").initial_state(2)._replace(cells=draw(1, 3, 4))),
        ShapeError,
        r"state cells must have shape .* = \(2, 3, 4\), got \(1, 3, 4\)",
    ),
    "state-memory": (
        lambda: small()(
            draw(4, 2, 7, 5), small().initial_state(2)._replace(access=small().initial_state(1).access)
        ),
        ShapeError,
        r"state memory must have shape .* = \(2, 6, 4\), got \(1, 6, 4\)",
    ),
    "gate-state": (
        lambda: small()(draw(4, 1, 7, 5), small("lstm").initial_state(1)),
        ShapeError,
        "state cells must be there with an LSTM gate alone",
    ),
    "state": (lambda: small()(draw(4, 1, 7, 5), A_NUMBER), DtypeError, "state must be an NSMState, got int"),
    "config": (lambda: NeuralStateMachine(A_NUMBER), UnknownOptionError, "config must be an NSMConfig"),
    "both": (
        lambda: NeuralStateMachine(NSMConfig(token_dim=1, output_size=1), num_states=2),
        UnknownOptionError,
        "config or keywords",
    ),
    "unknown": (lambda: small(states=3), UnknownOptionError, "NeuralStateMachine has no option states"),
    "missing": (lambda: NeuralStateMachine(token_dim=1), UnknownOptionError, "needs output_size"),
    "heads": (
        lambda: small(state_dim=5),
        ShapeError,
        "state_dim must be a multiple of num_heads, got 5 and 2",
    ),
    "shift": (lambda: small(shift_range=-1), ShapeError, "shift_range must be an integer of at least 0"),
    "lengths": (lambda: MarkedCopyTask(min_length=11), ShapeError, "min_length must not exceed max_length"),
    "length": (
        lambda: MarkedCopyTask().batch(1, torch.Generator(), length=0),
        ShapeError,
        "length must be an integer of at least 1, got 0",
    ),
    "generator": (
        lambda: MarkedCopyTask().batch(1, A_NUMBER),
        DtypeError,
        "generator must be a torch.Generator",
    ),
    "noise": (lambda: MarkedCopyTask(max_noise=-1), ShapeError, "max_noise must be an integer of at least 0"),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", list(BAD))
def test_misfits_are_refused(case: str) -> None:
    """Wrong rank, size, type or name raises an error that names it and says what to do."""
    call, error, text = BAD[case]
    with pytest.raises(error, match=text):
        call()
