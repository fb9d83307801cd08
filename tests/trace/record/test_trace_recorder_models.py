"""A DNC, a neural state machine and its parts, which the recorder knows by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nsm_widgets._errors import RecordingError
from nsm_widgets.dnc import DNC, DNCAccess
from nsm_widgets.nsm import (
    NeuralStateMachine,
    StateCommunication,
    StateManager,
    StatePropagator,
    TokenToStateRouter,
)
from nsm_widgets.ntm import NTM
from nsm_widgets.ntm.heads import Heads
from nsm_widgets.trace import Adapter, TraceRecorder
from nsm_widgets.trace.record.sources._dnc import NAMES_OF_DNC, dnc_access_arrays
from nsm_widgets.trace.record.sources._find import own_adapters
from nsm_widgets.trace.record.sources._nsm import DIMS_OF_NSM
from nsm_widgets.trace.record.sources._ntm import NAMES
from tests.dnc import recorded as dnc
from tests.nsm import recorded as nsm
from tests.trace.hooks import num_hooks
from tests.trace.same import assert_same_arrays

STEPS, BATCH = 5, 2
OF_A_MACHINE = {*DIMS_OF_NSM, *NAMES, "initial_memory", "output"}


def small_dnc() -> DNC:
    torch.manual_seed(0)
    return DNC(input_size=3, output_size=2, memory_size=6, word_size=4, controller_size=5, num_read_heads=2)


def small_machine(**options: Any) -> NeuralStateMachine:
    torch.manual_seed(0)
    sizes = {"token_dim": 5, "output_size": 2, "num_states": 3, "state_dim": 4, "memory_size": 6}
    return NeuralStateMachine(**{**sizes, "word_size": 4, **options})


def rows(steps: int = STEPS) -> Tensor:
    return torch.randn(steps, BATCH, 3, generator=torch.Generator().manual_seed(1))


def tokens(steps: int = STEPS) -> Tensor:
    return torch.randn(steps, BATCH, 4, 5, generator=torch.Generator().manual_seed(1))


def test_a_dnc_is_recorded_as_by_hand() -> None:
    """Names, bits, axes, labels, kinds, descriptions and the memory that was seen."""
    model = small_dnc()
    assert_same_arrays(dnc.trace_of(model, rows()), dnc.trace_by_hand(model, rows()))
    assert num_hooks(model) == 0


@pytest.mark.parametrize(
    "options", [{}, {"gate": "lstm", "num_read_heads": 2, "num_write_heads": 2}], ids=str
)
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "padded"])
def test_a_machine_is_recorded_as_by_hand(options: dict[str, Any], masked: bool) -> None:
    """Also with padding and pruned states."""
    machine = small_machine(**options)
    mask = torch.rand(STEPS, BATCH, 4, generator=torch.Generator().manual_seed(2)) > 0.3 if masked else None
    if masked:
        machine.manager.prune(torch.tensor([[0.9, 0.1, 0.8]]), threshold=0.5)
    trace = nsm.trace_of(machine, tokens(), mask)
    assert_same_arrays(trace, nsm.trace_by_hand(machine, tokens(), mask))
    assert set(trace) == OF_A_MACHINE
    given = {name: set(array.coords) for name, array in trace.items() if array.mask is not None}
    if mask is None:
        assert not given
    else:
        routing, heard = trace["routing_weights"], trace["communication_weights"]
        active = np.broadcast_to([True, False, True], routing.shape)
        np.testing.assert_array_equal(routing.mask, mask.numpy()[..., None] & active)
        np.testing.assert_array_equal(heard.mask, np.outer([1, 0, 1], [1, 0, 1]) & np.ones(heard.shape, bool))
        assert given["state_importance"] == given["state_vectors"] == {"state_mask"}
    assert num_hooks(machine) == 0


def test_the_names_told_before_a_call_are_those_given() -> None:
    """The recorder selects by them."""
    given: list[list[str]] = []
    hooked = small_dnc()
    hooked.access.register_forward_hook(
        lambda *call: given.append(list(dnc_access_arrays(call[0], call[1], {}, call[2])))
    )
    hooked(rows(1))
    assert given == [list(NAMES_OF_DNC)]
    of_parts = [list(adapter.dims) for kind, adapter in own_adapters().items() if kind is not DNCAccess]
    assert sorted(name for names in of_parts for name in names) == sorted(DIMS_OF_NSM)


@pytest.mark.parametrize(
    ("make", "inputs"), [(small_dnc, rows), (small_machine, tokens)], ids=["dnc", "machine"]
)
def test_a_forward_from_no_state_begins_an_iteration(make: Any, inputs: Any) -> None:
    """One that is given a state goes on with the sequence; initial memories are those of each iteration."""
    model = make()
    with TraceRecorder(model) as rec, torch.no_grad():
        first = model(inputs(3))
        model(inputs(2), first.state)
        model(inputs(4), state=None)
    trace = rec.trace
    assert trace.attrs["sequence_starts"] == [0, 5]
    assert trace.attrs["iterations"]["steps"] == [5, 4]
    assert trace["output"].sizes["time"] == 9
    np.testing.assert_array_equal(trace["output"].values[:3], first.outputs)
    start = model.initial_state(BATCH).access.memory.detach()
    np.testing.assert_array_equal(trace["initial_memories"].values, torch.stack([start, start]))
    assert trace.iteration(1).attrs["sequence_starts"] == [0]


class Around(nn.Module):
    """Calls a model twice within one forward."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        self.inner(inputs)
        outputs: Tensor = self.inner(inputs).outputs
        return outputs


@pytest.mark.parametrize(
    ("make", "inputs"), [(small_dnc, rows), (small_machine, tokens)], ids=["dnc", "machine"]
)
def test_within_a_larger_model(make: Any, inputs: Any) -> None:
    """Names stay without prefix; sequences start within an iteration, and called alone it begins one."""
    model = Around(make())
    with TraceRecorder(model) as rec, torch.no_grad():
        model(inputs())
        model.inner(inputs())
    assert rec.trace.attrs["sequence_starts"] == [0, STEPS, 2 * STEPS]
    assert rec.trace.attrs["iterations"]["steps"] == [2 * STEPS, STEPS]
    assert rec.trace.attrs["iterations"]["left_out"] == {}
    assert {"memory", "output"} <= set(rec.trace)


def test_starts_are_told_whatever_is_selected() -> None:
    """One of the chosen parts tells them; no more than what was asked for is recorded."""
    machine = small_machine()
    for select, names in {
        "routing_weights": {"routing_weights"},
        "manager": {"state_importance"},
        "access": {*NAMES, "initial_memory", "output"},
        "output": {"output"},
        StateCommunication: {"messages", "communication_weights"},
        NeuralStateMachine: OF_A_MACHINE,
    }.items():
        with TraceRecorder(machine, select=select) as rec, torch.no_grad():
            machine(tokens())
            machine(tokens())
        assert {name for name in rec.trace if name != "initial_memories"} == names, select
        assert rec.trace.attrs["sequence_starts"] == [0, STEPS], select
        assert num_hooks(machine) == 0


def test_steps_that_somebody_else_drives_are_one_iteration() -> None:
    """``machine.step`` passes the model's forward by; there is no output then."""
    machine = small_machine()
    state = machine.initial_state(BATCH)
    with TraceRecorder(machine) as rec, torch.no_grad():
        for now in tokens():
            state = machine.step(now, state).state
    assert set(rec.trace) == OF_A_MACHINE - {"output"}
    assert rec.trace.attrs["iterations"]["steps"] == [STEPS]


PARTS = {
    "router": (TokenToStateRouter(5, 4, 3), (torch.ones(BATCH, 4, 5),), ["routed_tokens", "routing_weights"]),
    "communication": (
        StateCommunication(4, 2),
        (torch.ones(BATCH, 3, 4),),
        ["messages", "communication_weights"],
    ),
    "propagator": (
        StatePropagator(5, 4),
        (torch.ones(BATCH, 3, 5), torch.ones(BATCH, 3, 4)),
        ["state_vectors", "state_update"],
    ),
    "manager": (StateManager(4, 3), (torch.ones(BATCH, 3, 4),), ["state_importance"]),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_alone(part: str) -> None:
    """Calls of a part by itself are steps of one sequence."""
    module, args, names = PARTS[part]
    with TraceRecorder(module) as rec, torch.no_grad():
        for _ in range(3):
            module(*args)
    assert list(rec.trace) and set(rec.trace) == set(names)
    for name in names:
        assert rec.trace[name].dims == ("time", *DIMS_OF_NSM[name])
        assert rec.trace[name].sizes["time"] == 3
    assert rec.trace.attrs["iterations"]["steps"] == [3]


class Both(nn.Module):
    """Two models that run on the same number of steps."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, first: Tensor, second: Tensor) -> None:
        self.first(first)
        self.second(second)


def test_two_machines_have_prefixes() -> None:
    """Each array is named by the path of its machine, not of the part."""
    model = Both(small_machine(), small_machine())
    with TraceRecorder(model) as rec, torch.no_grad():
        model(tokens(), tokens())
    assert set(rec.trace) == {f"{part}.{name}" for part in ("first", "second") for name in OF_A_MACHINE}
    with TraceRecorder(model, select="second") as rec, torch.no_grad():
        model(tokens(), tokens())
    assert set(rec.trace) == {f"second.{name}" for name in OF_A_MACHINE}


def test_a_machine_beside_a_dnc_has_prefixes() -> None:
    """Both have a memory, so all of both get one."""
    model = Both(small_machine(), small_dnc())
    with TraceRecorder(model) as rec, torch.no_grad():
        model(tokens(), rows())
    assert {name.partition(".")[0] for name in rec.trace} == {"first", "second"}
    assert {"first.routing_weights", "first.memory", "second.link", "second.memory"} <= set(rec.trace)
    assert rec.trace["second.read_weights"].attrs["kind"] == "shares"
    assert rec.trace["second.read_modes"].labels("mode") == ("backward", "content", "forward")


def test_a_router_beside_an_ntm_needs_no_prefix() -> None:
    """Their names do not collide; two routers' do."""
    sequence = torch.ones(1, BATCH, 3)
    ntm = NTM(input_size=3, output_size=2, memory_size=6, word_size=4)
    model = Both(TokenToStateRouter(5, 4, 3), ntm)
    with TraceRecorder(model) as rec, torch.no_grad():
        model(torch.ones(BATCH, 4, 5), sequence)
    assert {"routing_weights", "memory", "read_gate", "output"} <= set(rec.trace)
    assert not any("." in name for name in rec.trace)
    model = Both(TokenToStateRouter(5, 4, 3), TokenToStateRouter(5, 4, 3))
    with TraceRecorder(model) as rec, torch.no_grad():
        model(torch.ones(BATCH, 4, 5), torch.ones(BATCH, 4, 5))
    assert {"first.routing_weights", "second.routing_weights"} <= set(rec.trace)


def test_an_adapter_takes_the_place_of_what_is_known() -> None:
    """For a part of a machine too; none of its names is one of the machine's, so there is no prefix."""
    model = Both(small_machine(), nn.Identity())
    adapter = Adapter(lambda *call: {"gain": call[3]}, dims={"gain": ("batch", "state")})
    with TraceRecorder(model, adapters={StateManager: adapter}) as rec, torch.no_grad():
        model(tokens(), tokens())
    assert {"gain", "memory"} <= set(rec.trace)
    assert not any("." in name for name in rec.trace)
    assert not any(name.endswith("state_importance") for name in rec.trace)


def test_an_error_within_a_step_keeps_the_steps_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step that some parts took and others did not is left out; a snapshot within one is whole too."""
    machine = small_machine()
    snapshots = []
    calls = iter(range(100))
    real = Heads.forward

    def failing(self: Heads, *args: Any) -> Any:
        if next(calls) == 3:
            snapshots.append(rec.trace)
            raise RuntimeError("out of memory")
        return real(self, *args)

    monkeypatch.setattr(Heads, "forward", failing)
    with TraceRecorder(machine) as rec, torch.no_grad():
        with pytest.raises(RuntimeError, match="out of memory"):
            machine(tokens())
        machine(tokens(2))
    assert num_hooks(machine) == 0
    assert {array.sizes["time"] for name, array in snapshots[0].items() if "time" in array.dims} == {3}
    assert rec.trace.attrs["iterations"]["steps"] == [3, 2]
    expected = nsm.trace_by_hand(small_machine(), tokens())
    for name in ("state_vectors", "routing_weights", "memory", "state_importance"):
        np.testing.assert_array_equal(rec.trace[name].values[:3], expected[name].values[:3])
        np.testing.assert_array_equal(rec.trace[name].values[3:], expected[name].values[:2])
    assert rec.trace.attrs["not_recorded"].startswith("output: the memory took steps outside whole forwards")


def test_an_error_within_the_first_step_leaves_nothing() -> None:
    """There is no whole step then."""
    machine = small_machine()

    def fail(*_: Any) -> None:
        raise RuntimeError("out of memory")

    machine.heads.register_forward_pre_hook(fail)
    with TraceRecorder(machine) as rec, pytest.raises(RuntimeError, match="out of memory"):
        machine(tokens())
    with pytest.raises(RecordingError, match="took no step"):
        _ = rec.trace


@pytest.mark.parametrize(
    ("make", "inputs"), [(small_dnc, rows), (small_machine, tokens)], ids=["dnc", "machine"]
)
def test_in_training(make: Any, inputs: Any) -> None:
    """Gradients are what they are without a recorder, to the bit; iterations are chosen as with an NTM."""
    grads = []
    for recorded in (False, True):
        model = make()
        rec = TraceRecorder(model).every(2)
        if recorded:
            with rec:
                for _ in range(5):
                    model(inputs()).outputs.square().sum().backward()
        else:
            for _ in range(5):
                model(inputs()).outputs.square().sum().backward()
        grads.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))
    assert rec.trace.iterations == (0, 2, 4)
    assert rec.trace.attrs["sequence_starts"] == [0, STEPS, 2 * STEPS]
    assert rec.trace.attrs["iterations"]["left_out"] == {"not chosen by every(2)": 2}
