"""The step with hand-written gradients: the same numbers as the plain functions, whatever looks at it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from nsm_widgets.ntm import NTM, HeadParameters, NTMState, WriteParameters
from nsm_widgets.ntm.access import access_fused, access_plain
from nsm_widgets.ntm.fused import AccessStep
from nsm_widgets.trace import TraceRecorder

Arguments = tuple[HeadParameters, WriteParameters, NTMState]

# heads that read, heads that write, slots, offsets
CASES = [(1, 1, 6, 3), (2, 3, 5, 5), (1, 2, 2, 7), (1, 1, 1, 3), (3, 1, 4, 1)]
CASE_IDS = ["1+1", "2+3-wider", "kernel-around-the-memory", "one-slot", "no-shift"]


def draw(reads: int, writes: int, slots: int, offsets: int, seed: int = 0) -> list[Tensor]:
    """The arguments of ``AccessStep`` at random, in float64, with gradients."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(2, *shape, dtype=torch.float64, generator=generator)

    heads, word = reads + writes, 3
    values = [
        normal(slots, word),
        torch.softmax(normal(reads, slots), dim=-1),
        torch.softmax(normal(writes, slots), dim=-1),
        normal(heads, word),
        normal(heads).abs() * 3,
        normal(heads).sigmoid(),
        torch.softmax(normal(heads, offsets), dim=-1),
        1 + normal(heads).abs(),
        normal(writes, word).sigmoid(),
        normal(writes, word),
    ]
    return [value.requires_grad_() for value in values]


def as_parts(values: list[Tensor]) -> Arguments:
    """The same, as what ``MemoryAccess`` takes."""
    memory, read_weights, write_weights, *heads, erase, add = values
    reads = read_weights.shape[1]
    read = HeadParameters(*(part[:, :reads] for part in heads))
    write = WriteParameters(*HeadParameters(*(part[:, reads:] for part in heads)), erase=erase, add=add)
    return read, write, NTMState(memory, read_weights, write_weights, torch.zeros_like(heads[0][:, :reads]))


def gradients_of(values: list[Tensor], outputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Gradients of one number that every output has its own part in."""
    generator = torch.Generator().manual_seed(9)
    total = sum(
        (output * torch.randn(output.shape, dtype=output.dtype, generator=generator)).sum()
        for output in outputs
    )
    return list(torch.autograd.grad(total, values))  # type: ignore[arg-type]


@pytest.mark.parametrize(("reads", "writes", "slots", "offsets"), CASES, ids=CASE_IDS)
def test_it_is_the_plain_step(reads: int, writes: int, slots: int, offsets: int) -> None:
    """Every stage, the read vectors, the memory, and all gradients equal those of the plain functions."""
    values = draw(reads, writes, slots, offsets)
    _, write, state = as_parts(values)
    heads = HeadParameters(*values[3:8])

    plain, fused = access_plain(heads, write, state), access_fused(heads, write, state)

    for name, mine, theirs in zip(plain._fields, fused, plain, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-14, msg=name)
    for mine, theirs in zip(gradients_of(values, fused), gradients_of(values, plain), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("reads", "writes", "slots", "offsets"), CASES[:3], ids=CASE_IDS[:3])
def test_its_gradients_are_exact(reads: int, writes: int, slots: int, offsets: int) -> None:
    """All gradients of all outputs equal finite differences."""
    assert torch.autograd.gradcheck(AccessStep.apply, draw(reads, writes, slots, offsets), eps=1e-7)


@pytest.mark.parametrize("used", range(6))
def test_outputs_that_nobody_uses_cost_nothing(used: int) -> None:
    """With any single output in the loss, the others' gradients are zeros, not errors."""
    values = draw(1, 2, 4, 3)
    plain = access_plain(HeadParameters(*values[3:8]), *as_parts(values)[1:])[used]
    [*mine] = torch.autograd.grad(AccessStep.apply(*values)[used].sum(), values, allow_unused=True)
    [*theirs] = torch.autograd.grad(plain.sum(), values, allow_unused=True)

    for one, other in zip(mine, theirs, strict=True):
        expected = torch.zeros_like(one) if other is None else other
        torch.testing.assert_close(one, expected, rtol=1e-9, atol=1e-11)


def test_two_heads_may_erase_the_same_slot_completely() -> None:
    """Where both leave nothing the product is zero; its gradients are those of the plain product."""
    values = [value.detach() for value in draw(1, 2, 3, 1)]
    values[8].fill_(1.0)  # erase all of it
    values[5].zero_()  # gate: stay where the last weights were
    values[2] = torch.eye(3, dtype=torch.float64)[[0, 0]].repeat(2, 1, 1)  # both on slot 0
    values = [value.requires_grad_() for value in values]
    _, write, state = as_parts(values)
    heads = HeadParameters(*values[3:8])

    plain, fused = access_plain(heads, write, state), access_fused(heads, write, state)

    assert float(fused.memory[:, 0].detach().abs().max()) > 0  # what was added is all there is
    for mine, theirs in zip(gradients_of(values, fused), gradients_of(values, plain), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 10.0, 100.0, 1e4, 1e8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_weights_keep_their_mass_at_any_sharpening(gamma: float, dtype: torch.dtype) -> None:
    """Over 128 slots of nearly the same weight they sum to one, and every gradient is finite."""
    values = [value.detach().to(dtype) for value in draw(1, 2, 128, 3)]
    values[7].fill_(gamma)
    values = [value.requires_grad_() for value in values]

    stages = AccessStep.apply(*values)
    found = torch.autograd.grad(stages[4].sum() + stages[5].sum(), values)

    for weights in stages[:4]:
        assert (weights >= 0).all() and (weights.sum(dim=-1) - 1).abs().max() <= 1e-5
    assert all(gradient.isfinite().all() for gradient in found)


def small(**keywords: Any) -> NTM:
    """A small model with known parameters, in float64."""
    torch.manual_seed(0)
    sizes = {"input_size": 3, "output_size": 2, "memory_size": 6, "word_size": 4, "controller_size": 5}
    return NTM(**(sizes | keywords)).double()


def sequence(steps: int = 5, batch: int = 2) -> Tensor:
    """Inputs (time, batch, 3)."""
    return torch.randn(steps, batch, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def parameter_gradients(model: NTM, inputs: Tensor) -> dict[str, Tensor]:
    """Gradients of a loss over all logits."""
    model.zero_grad()
    model(inputs).outputs.square().sum().backward()
    return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("heads", [(1, 1), (2, 3)], ids=["1+1", "2+3"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
def test_a_model_learns_the_same(controller: str, layers: int, heads: tuple[int, int]) -> None:
    """Outputs and all parameters' gradients are those of the plain functions, step by step."""
    model = small(
        controller=controller,
        num_controller_layers=layers,
        num_read_heads=heads[0],
        num_write_heads=heads[1],
    )
    fused, outputs = parameter_gradients(model, sequence()), model(sequence()).outputs
    model.fused = False
    plain = parameter_gradients(model, sequence())

    torch.testing.assert_close(outputs, model(sequence()).outputs, rtol=1e-12, atol=1e-14)
    assert fused.keys() == plain.keys() == dict(model.named_parameters()).keys()
    for name, value in plain.items():
        torch.testing.assert_close(fused[name], value, rtol=1e-9, atol=1e-12, msg=name)


def test_a_graph_can_be_walked_twice() -> None:
    """Two backward passes through one kept graph add up; frozen weights get no gradient."""
    model = small()
    loss = model(sequence()).outputs.square().sum()
    loss.backward(retain_graph=True)
    once = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
    loss.backward()
    for name, value in model.named_parameters():
        torch.testing.assert_close(value.grad, 2 * once[name])

    model.cell.heads.linear.weight.requires_grad_(False)
    frozen = parameter_gradients(model, sequence())
    assert "cell.heads.linear.weight" not in frozen
    torch.testing.assert_close(frozen["cell.heads.linear.bias"], once["cell.heads.linear.bias"])


def test_gradients_of_gradients_are_exact_or_refused() -> None:
    """Differentiating a gradient raises and says what to do; with the plain functions it is right."""
    model, inputs = small(memory_size=3, word_size=2, controller_size=2), sequence(2, 1).requires_grad_()
    with pytest.raises(RuntimeError, match="gradients of gradients need the plain functions.*fused = False"):
        torch.autograd.grad(model(inputs).outputs.sum(), inputs, create_graph=True)
    with pytest.raises(RuntimeError, match="gradients of gradients"):
        values = draw(1, 1, 3, 3)
        torch.autograd.grad(AccessStep.apply(*values)[0].sum(), values[0], create_graph=True)

    model.fused = False
    assert torch.autograd.gradgradcheck(lambda x: model(x).outputs, (inputs,))


def test_transforms_of_torch_func_work() -> None:
    """``torch.func.grad``, and ``vmap`` over sequences, give what plain calls give."""
    model, inputs = small(), sequence(4, 3)
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(parameters: dict[str, Tensor], inputs: Tensor) -> Tensor:
        outputs: Tensor = torch.func.functional_call(model, parameters, (inputs,)).outputs
        return outputs.square().sum()

    expected = parameter_gradients(model, inputs)
    for name, value in torch.func.grad(loss)(parameters, inputs).items():
        torch.testing.assert_close(value, expected[name], rtol=1e-9, atol=1e-12, msg=name)

    one_by_one = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 1))(parameters, inputs.unsqueeze(2))
    for name, values in one_by_one.items():
        assert len(values) == 3
        torch.testing.assert_close(values.sum(dim=0), expected[name], rtol=1e-9, atol=1e-12, msg=name)


def test_autocast_leaves_the_memory_exact() -> None:
    """Under autocast the layers may round; memory and weights stay float32, weights still sum to one."""
    model = small().float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, state = model(sequence().float())
        outputs.float().square().sum().backward()

    assert {part.dtype for part in state.access} == {torch.float32}
    torch.testing.assert_close(state.access.read_weights.sum(dim=-1), torch.ones(2, 1))
    torch.testing.assert_close(outputs.float(), model(sequence().float()).outputs, rtol=0.1, atol=0.05)
    assert all(value.grad is not None and value.grad.isfinite().all() for value in model.parameters())


def test_a_hook_may_change_the_heads() -> None:
    """Parameters that a forward pre-hook puts in the place of the model's are those that count."""
    model = small()

    def stay(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        read, write, state = args
        return (
            read._replace(
                gate=torch.zeros_like(read.gate), shift=torch.eye(3).double()[1].expand(read.shift.shape)
            ),
            write,
            state,
        )

    model.cell.access.register_forward_pre_hook(stay)
    state = model(sequence()).state

    assert state.access.read_weights[..., 0].tolist() == [[pytest.approx(1)], [pytest.approx(1)]]
    assert state.access.write_weights[..., 0].max() < 0.99


def test_the_recorder_sees_the_same() -> None:
    """A trace holds the same arrays with the same values, whichever way the step was taken."""
    model = small(num_read_heads=2)
    traces = []
    for fused in (True, False):
        model.fused = fused
        with TraceRecorder(model) as recorder:
            model(sequence()).outputs.sum().backward()
        traces.append(recorder.trace)

    assert list(traces[0]) == list(traces[1])
    for name in traces[0]:
        mine, theirs = (torch.from_numpy(trace[name].values.copy()) for trace in traces)
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-14, msg=name)


COMPILED = """
import torch
from nsm_widgets.ntm import NTM

torch.manual_seed(0)
model = NTM(input_size=3, output_size=2, memory_size=6, word_size=4, controller_size=5, num_write_heads=2)
inputs = torch.randn(3, 2, 3)
found = []
for run in (model, torch.compile(model, backend="aot_eager", fullgraph=True)):
    model.zero_grad()
    outputs = run(inputs).outputs
    outputs.square().sum().backward()
    found.append([outputs, *(value.grad.clone() for value in model.parameters())])
for mine, theirs in zip(*found, strict=True):
    torch.testing.assert_close(mine, theirs)
"""


@pytest.mark.slow
def test_the_compiler_takes_it_whole() -> None:
    """``torch.compile`` traces a sequence without a break, and gives the same numbers and gradients.

    In a process of its own, for there the annotations' checks are off, as they are for users.
    """
    process = subprocess.run([sys.executable, "-c", COMPILED], check=False, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


def watch(model: NTM, what: str) -> None:
    """Look at a part of the model, in a way that changes no value."""

    def look(*_: Any) -> None:
        """A hook that does nothing."""

    cell: Any = model.cell
    if what == "access":
        cell.access.register_forward_hook(look)
    elif what == "heads":
        cell.heads.register_forward_hook(look)
    elif what == "controller":
        cell.controller.register_forward_pre_hook(look)
    elif what == "layer":
        cell.controller.layers[0].register_forward_hook(look)
    elif what == "patched":
        cell.heads.forward = cell.heads.forward


@pytest.mark.parametrize("what", ["access", "heads", "controller", "layer", "patched"])
def test_who_looks_changes_nothing(what: str) -> None:
    """A hook on any part of the cell, or a patched part, leaves every output bit and all gradients alone."""
    model = small(num_read_heads=2)
    alone, outputs = parameter_gradients(model, sequence()), model(sequence()).outputs

    watch(model, what)

    assert torch.equal(outputs, model(sequence()).outputs)
    for name, value in parameter_gradients(model, sequence()).items():
        torch.testing.assert_close(value, alone[name], rtol=1e-9, atol=1e-12, msg=name)


@pytest.mark.parametrize("what", ["access", "heads"])
def test_hooks_see_every_step(what: str) -> None:
    """A hook is called once a step, whether or not the step was taken as one node."""
    calls: list[None] = []
    model = small()
    model.get_submodule(f"cell.{what}").register_forward_hook(lambda *_: calls.append(None))

    model(sequence(5))

    assert len(calls) == 5
    assert model.cell.access.ready is None


def test_what_a_hook_sees_has_its_gradients() -> None:
    """A loss over everything that a hook is shown has the gradients of the plain functions."""
    model, seen = small(num_read_heads=2), []

    def keep(_: Any, args: tuple[Any, ...], output: Any) -> None:
        seen.extend([*args[0], *args[1], *output.read, *output.write, output.erase, output.add])

    model.cell.access.register_forward_hook(keep)
    found = []
    for fused in (True, False):
        model.fused = fused
        model.zero_grad()
        seen.clear()
        outputs = model(sequence()).outputs
        (outputs.sum() + sum((1 + index) * part.square().sum() for index, part in enumerate(seen))).backward()
        found.append({name: value.grad for name, value in model.named_parameters()})

    for name, value in found[1].items():
        torch.testing.assert_close(found[0][name], value, rtol=1e-9, atol=1e-11, msg=name)


def test_a_hook_that_raises_leaves_nothing_behind() -> None:
    """After an error in a hook the next call computes anew."""
    model = small()

    def fail(*_: Any) -> None:
        raise ValueError("no")

    handle = model.cell.access.register_forward_hook(fail)
    with pytest.raises(ValueError, match="no"):
        model(sequence())

    handle.remove()
    assert model.cell.access.ready is None


def test_a_weight_that_changed_since_is_noticed() -> None:
    """A weight overwritten between forward and backward pass raises, as it does in any layer of torch."""
    model = small()
    outputs = model(sequence()).outputs
    with torch.no_grad():
        model.cell.heads.linear.weight.add_(1)

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()


class OnlyLooks:
    """A hook that may be shown a step's tensors as they are."""

    def __init__(self) -> None:
        self.steps: list[list[torch.Tensor]] = []
        self.calls = 0

    def takes_steps(self, before: Any, steps: Any) -> None:
        """The memory before each, and all that it made, by kind of heads."""
        memory = before.memory
        for step in steps:
            pairs = [part.split_with_sizes(step.kinds, dim=1) for part in step.stages]
            stages = [pair[kind] for kind in (0, 1) for pair in pairs]
            made = [memory, step.memory, step.read_vectors, *stages, step.erase, step.add]
            self.steps.append([tensor.detach().clone() for tensor in made])
            memory = step.memory

    def __call__(self, _: Any, args: tuple[Any, ...], output: Any) -> None:
        self.calls += 1
        made = [args[2].memory, output.state.memory, output.read_vectors]
        made += [*output.read, *output.write, output.erase, output.add]
        self.steps.append([tensor.detach().clone() for tensor in made])


def test_who_only_looks_is_shown_the_same() -> None:
    """As a hook is, step by step and bit for bit; where another hook watches as well, it is a hook again."""
    model, alone, among_others = small(num_read_heads=2), OnlyLooks(), OnlyLooks()
    handle = model.cell.access.register_forward_hook(alone)
    outputs = model(sequence(5)).outputs
    handle.remove()
    watch(model, "access")
    model.cell.access.register_forward_hook(among_others)

    assert torch.equal(model(sequence(5)).outputs, outputs)
    assert (alone.calls, among_others.calls) == (0, 5)
    for taken, hooked in zip(alone.steps, among_others.steps, strict=True):
        assert len(taken) == len(hooked) == 23
        assert all(torch.equal(one, other) for one, other in zip(taken, hooked, strict=True))
