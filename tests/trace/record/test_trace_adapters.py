"""Modules that the recorder does not know, recorded through the adapters that docs/recording.md shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nsm_widgets import NTMExplorer, stats
from nsm_widgets._errors import AxisError, DtypeError, RecordingError, ShapeError, UnknownOptionError
from nsm_widgets.dnc import DNC
from nsm_widgets.trace import Adapter, TraceRecorder, register_adapter
from nsm_widgets.trace.record.sources import _adapter
from tests.pages import run_page

BATCH, SLOTS, WORD, READS = 2, 6, 3, 2

pytestmark = pytest.mark.usefixtures("seeded", "own_adapters")


def weights(*shape: int) -> torch.Tensor:
    return torch.softmax(torch.rand(*shape), dim=-1)


class Contents(nn.Module):
    """A memory that is kept on the module and written in place."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = torch.zeros(BATCH, SLOTS, WORD)


class Head(nn.Module):
    """Addresses at random."""

    def __init__(self, memory: Contents, reads: bool) -> None:
        super().__init__()
        self.memory, self.reads = memory, reads

    def is_read_head(self) -> bool:
        return self.reads

    def forward(self, word: torch.Tensor) -> Any:
        address = weights(BATCH, SLOTS)
        if self.reads:
            return torch.einsum("bn,bnm->bm", address, self.memory.memory), address
        self.memory.memory += address[:, :, None] * word[:, None]
        return address


class ListedNTM(nn.Module):
    """The memory on a module within, the weights ``[B, N]`` of all heads in one list of the state."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Contents()
        self.heads = nn.ModuleList([Head(self.memory, reads) for reads in (True, False, True)])

    def forward(self, word: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        reads, head_states = [], []
        for head in self.heads:
            out = head(word)
            if head.is_read_head():  # type: ignore[operator]
                reads.append(out[0])
            head_states.append(out[-1] if isinstance(out, tuple) else out)
        return torch.cat(reads, dim=1), (reads, word * 2, head_states)


class ListedHeads(nn.Module):
    """The state a list with the weights of each head."""

    def forward(self, word: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        memory = torch.zeros(BATCH, SLOTS, WORD) if state is None else state[2]
        reads, writes = [weights(BATCH, SLOTS) for _ in range(READS)], [weights(BATCH, SLOTS)]
        memory = memory + writes[0][:, :, None] * word[:, None]
        return word, (reads, writes, memory)


class NestedDNC(nn.Module):
    """The state nested tuples, with usage and precedence."""

    def forward(self, word: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        memory = torch.zeros(BATCH, SLOTS, WORD) if state is None else state[1][0]
        reads, writes = weights(BATCH, READS, SLOTS), weights(BATCH, 1, SLOTS)
        memory = memory + writes[:, 0, :, None] * word[:, None]
        usage, precedence = torch.rand(BATCH, SLOTS), weights(BATCH, 1, SLOTS)
        return word, (word * 2, (memory, (reads, writes), (usage, precedence)))


class Computing(NestedDNC):
    """A DNC whose state is of that layout: its weights sum to less than one, at first to nothing."""

    def __init__(self, dnc: DNC) -> None:
        super().__init__()
        self._parts = [dnc]  # not found by the recorder, as a foreign one would not be

    def forward(self, word: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        output, cell = self._parts[0](word[None], None if state is None else state[0])
        access = cell.access
        writes, precedence = access.write_weights[:, None], access.precedence[:, None]
        return output[0], (cell, (access.memory, (access.read_weights, writes), (access.usage, precedence)))


class Unrolled(nn.Module):
    """Drives a foreign cell over a sequence; keeps what each step returned."""

    def __init__(self, cell: nn.Module, passes_state: bool) -> None:
        super().__init__()
        self.cell, self.passes_state = cell, passes_state
        self.seen: list[Any] = []

    def forward(self, words: torch.Tensor) -> None:
        state = None
        for word in words:
            output = self.cell(word, state) if self.passes_state else self.cell(word)
            state = output[1]
            self.seen.append(_cloned(output))


def _cloned(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else type(value)(map(_cloned, value))


def stacked(values: list[torch.Tensor]) -> np.ndarray:
    joined: np.ndarray = torch.stack(values).numpy()
    return joined


@pytest.fixture
def documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the code of docs/recording.md makes, run in order."""
    monkeypatch.chdir(tmp_path)  # it writes a store
    given = {"ListedNTM": ListedNTM, "ListedHeads": ListedHeads, "NestedDNC": NestedDNC}
    namespace: dict[str, Any] = run_page("docs/recording.md", **given)
    return namespace


def test_what_the_page_says_of_iterations(documented: dict[str, Any]) -> None:
    """The comments beside the code are true."""
    trace = documented["trace"]
    assert trace.iterations == (30, 40, 50)
    assert trace.iteration(40)["memory"].sizes["time"] == 6
    machine = documented["recorder"].trace
    assert machine["routing_weights"].sizes == {"time": 5, "batch": 1, "token": 3, "state": 6}
    assert machine["memory"].sizes == {"time": 5, "batch": 1, "slot": 32, "word": 16}
    assert trace.by_iteration()["memory"].dims == ("iteration", "time", "batch", "slot", "word")
    assert documented["epoch"].trace.iterations == (0, 1)
    assert documented["epoch"].iteration(2)["memory"].sizes["batch"] == 2
    driven = documented["driven"].trace
    assert (driven.iterations, driven.attrs["sequence_starts"]) == ((0, 2), [0, 5])
    told = documented["told"].trace
    assert told["memory"].labels("word") == ("x", "y", "z")
    assert told["memory"].coords["slot_mask"].values.tolist() == [[True, True, True, False]] * 2
    assert set(told) == {"memory", "initial_memory"}
    assert {name for name in documented["rec"].trace if name != "memory"} == {
        f"{side}_{stage}weights"
        for side in ("read", "write")
        for stage in ("", "content_", "gated_", "shifted_")
    }


def test_memory_on_the_module(documented: dict[str, Any]) -> None:
    """Written in place, and yet each step is what it was; heads of one kind get an axis."""
    model = Unrolled(ListedNTM(), passes_state=True)
    words = torch.rand(5, BATCH, WORD)
    with TraceRecorder(model) as rec:
        model(words)
    expected, memory = [], torch.zeros(BATCH, SLOTS, WORD)
    head_states = [state[2] for _, state in model.seen]
    for word, states in zip(words, head_states, strict=True):
        memory = memory + states[1][:, :, None] * word[:, None]
        expected.append(memory)
    np.testing.assert_array_equal(rec.trace["memory"].values, stacked(expected))
    np.testing.assert_array_equal(
        rec.trace["read_weights"].values,
        stacked([torch.stack([states[0], states[2]], dim=1) for states in head_states]),
    )
    np.testing.assert_array_equal(
        rec.trace["write_weights"].values, stacked([states[1][:, None] for states in head_states])
    )
    assert rec.trace["write_weights"].attrs["memory_seen"] == "before_write"
    assert rec.trace.attrs["iterations"]["steps"] == [5]
    NTMExplorer(rec.trace)


def test_lists_of_heads(documented: dict[str, Any]) -> None:
    """One tensor for each head becomes an axis."""
    model = Unrolled(ListedHeads(), passes_state=True)
    with TraceRecorder(model) as rec:
        model(torch.rand(5, BATCH, WORD))
        model(torch.rand(3, BATCH, WORD))
    states = [state for _, state in model.seen]
    assert rec.trace["read_weights"].dims == ("time", "batch", "head", "slot")
    for head in range(READS):
        np.testing.assert_array_equal(
            rec.trace["read_weights"].values[:, :, head], stacked([reads[head] for reads, _, _ in states])
        )
    np.testing.assert_array_equal(rec.trace["memory"].values, stacked([memory for _, _, memory in states]))
    assert rec.trace.attrs["iterations"]["steps"] == [5, 3]


@pytest.mark.parametrize("own", [False, True], ids=["registered", "own"])
def test_nested_tuples(documented: dict[str, Any], own: bool) -> None:
    """Names of its own have the axes that were declared, registered or for one recorder."""
    if own:
        _adapter._REGISTERED.clear()
    model = Unrolled(NestedDNC(), passes_state=True)
    with TraceRecorder(model, adapters=documented["adapters"] if own else None) as rec:
        model(torch.rand(4, BATCH, WORD))
    parts = [state[1] for _, state in model.seen]
    assert rec.trace["usage"].dims == ("time", "batch", "slot")
    np.testing.assert_array_equal(rec.trace["usage"].values, stacked([part[2][0] for part in parts]))
    np.testing.assert_array_equal(rec.trace["precedence"].values, stacked([part[2][1] for part in parts]))
    np.testing.assert_array_equal(rec.trace["read_weights"].values, stacked([part[1][0] for part in parts]))


@pytest.mark.parametrize("own", [False, True], ids=["registered", "own"])
def test_a_dnc_in_nested_tuples_is_judged_as_our_own(documented: dict[str, Any], own: bool) -> None:
    """Its weights are shares that know which memory they saw; what is found of it is found of ours."""
    if own:
        _adapter._REGISTERED.clear()
    dnc = DNC(input_size=WORD, output_size=2, memory_size=SLOTS, word_size=WORD, num_read_heads=READS)
    words = torch.rand(6, BATCH, WORD)
    cell, state = Computing(dnc), None
    with TraceRecorder(cell, adapters=documented["adapters"] if own else None) as rec, torch.no_grad():
        for word in words:
            _, state = cell(word, state)
    with TraceRecorder(dnc) as ours, torch.no_grad():
        given = None
        for word in words:
            _, given = dnc(word[None], given)
    assert rec.trace["read_weights"].values.sum(axis=-1).min() < 0.9
    names = ["memory", "read_weights", "write_weights", "usage"]
    for name in names:
        np.testing.assert_array_equal(rec.trace[name].values, ours.trace[name].values)
    for name, seen in (("read_weights", "after_write"), ("write_weights", "before_write")):
        assert rec.trace[name].attrs["memory_seen"] == ours.trace[name].attrs["memory_seen"] == seen
        assert "sharpening" not in rec.trace[name].attrs["description"]
    assert "memory_seen" not in rec.trace["precedence"].attrs
    found = stats.findings(rec.trace)
    assert "not_weights" not in {finding.kind for finding in found}
    assert found == stats.findings({name: ours.trace[name] for name in ours.trace if name in names})
    assert len(stats.analyze(rec.trace)["name"]) >= len(rec.trace)


class Attends(nn.Module):
    """Returns its attention."""

    def forward(self, size: int = 4) -> torch.Tensor:
        return weights(BATCH, READS, size, size)


class Stack(nn.Module):
    """Three of them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Attends()] * 3)
        self.seen: list[torch.Tensor] = []

    def forward(self) -> None:
        self.seen += [layer() for layer in self.layers]


def attention(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    return {"attention": output}


def test_calls_as_layers() -> None:
    """Repeated calls of one module are layers; iterations get an axis."""
    model = Stack()
    with TraceRecorder(model, adapters={Attends: Adapter(attention, calls="layer")}) as rec:
        model()
        model()
    array = rec.trace["attention"]
    assert array.dims == ("iteration", "layer", "batch", "head", "query", "key")
    np.testing.assert_array_equal(array.values.reshape(6, *array.shape[2:]), stacked(model.seen))


class Blocks(nn.Module):
    """Three modules of one kind, and one of another place."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Attends() for _ in range(3)])
        self.last = Attends()

    def forward(self) -> list[torch.Tensor]:
        return [block() for block in (*self.blocks, self.last)]


LAYERS = {Attends: Adapter(attention, calls="layer")}


def test_modules_of_one_kind_are_layers() -> None:
    """Their paths differ in numbers only; others have arrays of their own."""
    model = Blocks()
    with TraceRecorder(model, adapters=LAYERS) as rec:
        seen = model()
    assert set(rec.trace) == {"blocks.attention", "last.attention"}
    array = rec.trace["blocks.attention"]
    assert array.dims == ("layer", "batch", "head", "query", "key")
    assert array.labels("layer") == ("blocks.0", "blocks.1", "blocks.2")
    np.testing.assert_array_equal(array.values, stacked(seen[:3]))
    np.testing.assert_array_equal(rec.trace["last.attention"].values[0], seen[3])


def test_some_modules_of_one_kind_are_chosen_by_their_paths() -> None:
    """The others are not recorded; a name of an array chooses all."""
    model = Blocks()
    with TraceRecorder(model, adapters=LAYERS, select=["blocks.0", "blocks.2"]) as rec:
        seen = model()
    np.testing.assert_array_equal(rec.trace["blocks.attention"].values, stacked([seen[0], seen[2]]))
    with TraceRecorder(model, adapters=LAYERS, select="last.attention") as rec:
        model()
    assert list(rec.trace) == ["last.attention"]


def test_one_call_an_iteration() -> None:
    """Declared so, a second call is refused."""
    adapter = Adapter(
        lambda *call: {"gain": call[3][0]}, dims={"gain": ("head", "query", "key")}, calls="once"
    )
    module = Attends()
    with TraceRecorder(module, adapters={Attends: adapter}) as rec:
        output = module()
    np.testing.assert_array_equal(rec.trace["gain"].values, output[0])
    with TraceRecorder(Stack(), adapters={Attends: adapter}) as rec:
        rec.model()
    with pytest.raises(RecordingError, match=r"gain was declared with calls='once', got 3 calls"):
        _ = rec.trace


class Sequence(nn.Module):
    """A whole sequence at a call."""

    def forward(self, steps: int) -> torch.Tensor:
        return torch.rand(steps, BATCH, SLOTS)


def test_whole_sequences() -> None:
    """Axes that begin with time say that a call gives many steps; lengths may differ."""
    module = Sequence()
    adapter = Adapter(lambda *call: {"usage": call[3]}, dims={"usage": ("time", "batch", "slot")})
    with TraceRecorder(module, adapters={Sequence: adapter}) as rec:
        outputs = [module(3), module(5)]
    np.testing.assert_array_equal(rec.trace["usage"].values, torch.cat(outputs))
    assert rec.trace.attrs["iterations"]["steps"] == [3, 5]
    assert rec.trace.iteration(1)["usage"].sizes["time"] == 5


class Nearer(Attends):
    """A subclass."""


def test_the_nearest_type_speaks() -> None:
    """Subclasses are found; their own adapter goes first, and a recorder's before a registered one."""
    register_adapter(Attends, dims={"a": ("batch", "head", "query", "key")})(lambda *call: {"a": call[3]})
    module = Nearer()
    with TraceRecorder(module) as rec:
        module()
    assert set(rec.trace) == {"a"}
    register_adapter(Nearer, dims={"b": ("batch", "head", "query", "key")})(lambda *call: {"b": call[3]})
    with TraceRecorder(module) as rec:
        module()
    assert set(rec.trace) == {"b"}
    own = Adapter(lambda *call: {"c": call[3]}, dims={"c": ("batch", "head", "query", "key")})
    with TraceRecorder(module, adapters={Nearer: own}) as rec:
        module()
    assert set(rec.trace) == {"c"}


@pytest.mark.parametrize(
    ("function", "options", "error", "message"),
    [
        (lambda *call: call[3], {}, RecordingError, r"adapter of Attends must return a dict .* got Tensor"),
        (lambda *call: {"spread": call[3]}, {}, AxisError, r"spread is no well-known name.*declared"),
        (
            lambda *call: {"memory": call[3]},
            {},
            ShapeError,
            r"memory must have axes .* got shape \(2, 2, 4, 4\).*"
            r"A whole sequence in one call\? Say so: dims={'memory': \('time', 'batch', 'slot', 'word'\)}",
        ),
        (
            lambda *call: {"read_weights": call[3][0, 0]},
            {},
            ShapeError,
            r"got shape \(4, 4\).*A single head\? Add its axis: read_weights\[:, None\]\.",
        ),
        (lambda *call: {"memory": call[3][0, 0]}, {}, ShapeError, r"Reshape it there, or declare its axes"),
        (lambda *call: {"memory": [call[3]]}, {}, AxisError, r"a list of 1 tensors.*Declare 'head'"),
        (lambda *call: {"memory": 3}, {}, RecordingError, r"must give a tensor, got int"),
    ],
    ids=["tensor", "name", "sequence", "one head", "shape", "list", "number"],
)
def test_wrong_answers_are_refused(function: Any, options: Any, error: type[Exception], message: str) -> None:
    """In the call that gave them, with the adapter's module."""
    module = Attends()
    with (
        TraceRecorder(module, adapters={Attends: Adapter(function, **options)}, strict=True),
        pytest.raises(error, match=message),
    ):
        module()
    assert not module._forward_hooks
    with TraceRecorder(module, adapters={Attends: Adapter(function, **options)}) as rec:
        with pytest.warns(RuntimeWarning, match=f"iteration 0 could not be recorded.*{message}"):
            module()
        module()
    with pytest.raises(RecordingError, match=f"nothing was recorded.*{message}"):
        _ = rec.trace


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Adapter(3), DtypeError, r"an adapter must be a function .* got int"),
        (lambda: Adapter(attention, calls="step"), UnknownOptionError, r"calls .* got 'step'"),
        (lambda: Adapter(attention, kinds={"a": "x"}), UnknownOptionError, r"kinds .* got 'x'"),
        (lambda: Adapter(attention, memory_seen="x"), UnknownOptionError, r"memory_seen .* got 'x'"),
        (lambda: Adapter(attention, dims={"a": ("batch", "time")}), AxisError, r"a: an adapter's axes"),
        (lambda: Adapter(attention, dims={"a": ("my slot",)}), AxisError, r"Did you mean 'my_slot'"),
        (lambda: register_adapter("x"), DtypeError, r"takes the type of a module, got str"),
        (lambda: TraceRecorder(Attends(), adapters=attention), DtypeError, r"adapters must map module types"),
    ],
    ids=["function", "calls", "kinds", "memory-seen", "time", "axis", "type", "mapping"],
)
def test_wrong_adapters_are_refused(make: Any, error: type[Exception], message: str) -> None:
    """When they are made."""
    with pytest.raises(error, match=message):
        make()
