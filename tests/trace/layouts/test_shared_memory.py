"""Layers that share one memory, states that stand on modules: what an adapter tells, what is said without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nsm_widgets import stats
from nsm_widgets._errors import AxisError, DtypeError, RecordingError, UnknownOptionError
from nsm_widgets.trace import Adapter, NamedArray, Trace, TraceRecorder
from tests.trace.layouts import pytorch_dnc, pytorch_ntm, vlgiitr_ntm

BATCH, LAYERS = 2, 3

pytestmark = pytest.mark.usefixtures("seeded")


def dnc() -> Any:
    return pytorch_dnc.DNC(4, 7, "lstm", LAYERS, nr_cells=6, read_heads=2, cell_size=3)


def ntm() -> Any:
    return vlgiitr_ntm.NTM(4, 3, 8, 6, 3, num_heads=1)


@pytest.mark.parametrize("every", [1, 3])
def test_untold_layers_are_steps_and_that_is_said(every: int) -> None:
    """From calls alone layers are no layers: each is a step, with a word on what would help."""
    with TraceRecorder(dnc(), adapters=pytorch_dnc.ADAPTERS).every(every) as rec:
        for _ in range(4):
            rec.model(torch.rand(BATCH, 4, 4))
    assert rec.trace.iteration(3)["memory"].sizes["time"] == 4 * LAYERS
    assert rec.trace.attrs["not_recorded"] == (
        "rnn_layer_memory_shared: its calls follow lstm_layer_0, lstm_layer_1, lstm_layer_2 in turn, and "
        "by layers=1 of its adapter each is a step of time. If these are layers that share it, layers=3 "
        "makes them an axis"
    )
    with TraceRecorder(dnc(), adapters=pytorch_dnc.sharing(2)) as wrong:
        wrong.model(torch.rand(BATCH, 4, 4))  # twelve calls: they would be six whole steps
    assert "by layers=2 of its adapter each 2 are a step" in wrong.trace.attrs["not_recorded"]


def test_told_layers_are_those_steps() -> None:
    """The axis holds what the steps hold, in their order; so does a store."""
    pytest.importorskip("zarr")
    model, inputs = dnc(), torch.rand(BATCH, 4, 4)
    with TraceRecorder(model, adapters=pytorch_dnc.ADAPTERS) as steps:
        model(inputs)
    with TraceRecorder(model, adapters=pytorch_dnc.sharing(LAYERS)) as layers:
        model(inputs)
    assert "not_recorded" not in layers.trace.attrs
    for name, array in layers.trace.items():
        assert array.dims[:2] == ("time", "layer")
        in_turn = array.values.reshape(-1, *array.values.shape[2:])
        assert np.array_equal(in_turn, steps.trace[name].values)


@pytest.mark.parametrize("stored", [False, True], ids=["memory", "store"])
def test_a_number_of_layers_that_does_not_fit_is_said(stored: bool, tmp_path: Path) -> None:
    """What cannot be whole steps is left out, counted and named; the model runs on."""
    if stored:
        pytest.importorskip("zarr")
    model = dnc()
    store = tmp_path / "run.zarr" if stored else None
    recorder = TraceRecorder(model, adapters=pytorch_dnc.sharing(2), store=store)

    def run() -> None:
        for length in (2, 3, 3, 2):  # six or nine calls
            model(torch.rand(BATCH, length, 4))

    with pytest.warns(RuntimeWarning, match="ended after 1 calls of a module") as told, recorder as rec:
        run()
    assert len(told) == 1
    counts = rec.trace.attrs["iterations"]
    assert counts["numbers"] == [0, 3] and counts["left_out"]["could not be recorded"] == 2
    assert "Give it as layers=... how often the module is called" in str(told[0].message)


def test_a_step_that_an_error_cut_short_mixes_no_layers() -> None:
    """The iteration is left out, also where as many calls follow as were missing."""
    model = dnc()
    recorder = TraceRecorder(model, adapters=pytorch_dnc.sharing(LAYERS))

    def run() -> None:
        x = torch.rand(BATCH, 1, 4)
        _, state = model(x)
        broken = model.lstm_layer_1.register_forward_pre_hook(lambda *_: 1 / 0)
        for _ in range(LAYERS):
            with pytest.raises(ZeroDivisionError):
                model(x, state)
        broken.remove()
        model(x, state)
        model(torch.rand(BATCH, 2, 4))

    with (
        pytest.warns(RuntimeWarning, match="memory, read_weights.*a step ended after 1 calls"),
        recorder as rec,
    ):
        run()
    counts = rec.trace.attrs["iterations"]
    assert counts["left_out"] == {"could not be recorded": 1} and counts["steps"] == [2]


def test_the_memory_before_the_first_layer() -> None:
    """It has no layer: what the first one found at the first step of each sequence."""
    model, inputs = dnc(), torch.rand(2, BATCH, 4, 4)
    adapter = Adapter(
        pytorch_dnc.record,
        layers=LAYERS,
        initial=lambda module, args, kwargs: args[1]["memory"],
        **pytorch_dnc.OPTIONS,
    )
    _, hx = model(inputs[0])
    with TraceRecorder(model, adapters={pytorch_dnc.Memory: adapter}) as rec:
        model(inputs[0], hx)
        model(inputs[1])
    before = torch.stack([hx[1]["memory"], torch.zeros(BATCH, 6, 3)]).detach().numpy()
    assert np.array_equal(rec.trace["initial_memories"].values, before)
    assert rec.trace["initial_memories"].dims == ("iteration", "batch", "slot", "word")


class InPlace(nn.Module):
    """A memory that is written in place, by two layers of whoever calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.contents = torch.zeros(BATCH, 6, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.contents += x
        return self.contents


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.memory = InPlace()

    def forward(self, x: Tensor) -> None:
        for each in x:
            self.memory(each)
            self.memory(2 * each)


def test_a_shared_memory_that_is_written_in_place() -> None:
    """Each layer's row is the memory after its own write."""
    model, inputs = Twice(), torch.rand(4, BATCH, 6, 3)
    adapters = {InPlace: Adapter(lambda module, *_: {"memory": module.contents}, layers=2)}
    with TraceRecorder(model, adapters=adapters) as rec:
        model(inputs)
    contents, expected = torch.zeros(BATCH, 6, 3), []
    for each in inputs:
        for write in (each, 2 * each):
            contents = contents + write
            expected.append(contents)
    assert np.array_equal(rec.trace["memory"].values, torch.stack(expected).view(4, 2, BATCH, 6, 3).numpy())


class Keeper(nn.Module):
    """Keeps the state of a memory that layers share between its calls, of which each is one step."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = pytorch_dnc.Memory(5, 6, 3, 2)
        self.layers = nn.ModuleList([nn.Linear(5, 5) for _ in range(LAYERS)])

    def reset(self) -> None:
        self.hidden = self.memory.new(BATCH)

    def forward(self, x: Tensor) -> Tensor:
        hidden = dict(self.hidden)
        for layer in self.layers:
            x = layer(x)
            _, hidden = self.memory(x, dict(hidden))
        self.hidden = hidden
        return x


def test_a_model_that_keeps_a_shared_memory() -> None:
    """A sequence goes on where the first layer is given what the last one returned."""
    model, lengths = Keeper(), [3, 1, 4]
    with TraceRecorder(model, adapters=pytorch_dnc.sharing(LAYERS)) as rec:
        for length in lengths:
            model.reset()
            for _ in range(length):
                model(torch.rand(BATCH, 5))
    assert rec.trace.attrs["iterations"]["steps"] == lengths
    assert list(rec.trace.attrs["sequence_starts"]) == [0, 3, 4]
    assert rec.trace["read_weights"].shape == (8, LAYERS, BATCH, 2, 6)


def one_hot(places: list[list[int]]) -> NamedArray:
    """Weights ``(time, layer, batch, head, slot)`` of one item and one head; -1 is nowhere."""
    values = (np.array(places)[..., None] == np.arange(4)).astype(float)[:, :, None, None]
    attrs = {"kind": "shares", "shared_by": "layer", "memory_seen": "after_write"}
    return NamedArray("read_weights", values, ("time", "layer", "batch", "head", "slot"), attrs=attrs)


def test_slots_follow_the_accesses_of_all_layers_in_their_order() -> None:
    """What one layer writes another one reads or overwrites: tables and findings are of the one memory."""
    reads = one_hot([[-1, 0], [-1, -1], [-1, 3]])
    writes = one_hot([[0, 1], [1, 2], [2, 3]])
    arrays = {
        "read_weights": reads,
        "write_weights": NamedArray("write_weights", writes.values, writes.dims, attrs=writes.attrs),
    }
    trace = Trace(*arrays.values())
    table = stats.analyze_slots(trace)
    assert list(table["slot"]) == [0, 1, 2, 3]
    # slot 1 by the second layer, then by the first; slot 2 likewise; 0 and 3 are read by the other one
    assert list(table["overwritten_before_read"]) == [0, 1, 1, 0]
    assert list(table["never_read"]) == [False, True, True, False]
    assert list(table["first_write"]) == [0, 0, 1, 2]
    assert list(table["steps"]) == [3] * 4
    lost = stats.overwritten_before_read(reads, arrays["write_weights"])
    assert isinstance(lost, NamedArray)
    assert list(zip(*np.nonzero(lost.values), strict=True)) == [(0, 1, 0, 1), (1, 1, 0, 2)]
    (found,) = [each for each in stats.findings(trace) if each.kind == "overwritten_writes"]
    assert dict(found.where) == {"time": 0, "layer": 1, "batch": 0, "slot": 1}
    begins_anew = stats.analyze_slots(trace, sequence_starts=[0, 1])
    assert list(begins_anew["overwritten_before_read"]) == [0, 0, 1, 0]
    assert stats.never_read(reads, arrays["write_weights"]).values.tolist() == [[False, True, True, False]]


def test_layers_with_memories_of_their_own_are_told_apart_in_the_table() -> None:
    """Without the adapter's word they share nothing: a row for each."""
    writes = one_hot([[0, 1], [1, 2]])
    arrays = [
        NamedArray(f"{kind}_weights", writes.values, writes.dims, attrs={"kind": "shares"})
        for kind in ("read", "write")
    ]
    table = stats.analyze_slots(Trace(*arrays))
    assert list(table["layer"]) == [0] * 4 + [1] * 4
    assert list(table["first_write"])[:2] == [0, 1]


def drive(model: Any, lengths: list[int]) -> list[Tensor]:
    seen = []
    for length in lengths:
        model.reset(BATCH)
        for _ in range(length):
            model(torch.rand(BATCH, 4))
            seen.append(model.memory.memory.detach().clone())
    return seen


def test_a_state_on_modules_that_nobody_told_of_is_asked_for() -> None:
    """Each call is an iteration, and that is said; told by rec.sequence(), there is nothing to say."""
    model, untold = ntm(), {vlgiitr_ntm.NTM: vlgiitr_ntm.record}
    with TraceRecorder(model, adapters=untold) as rec:
        drive(model, [3, 2])
    assert rec.trace.attrs["iterations"]["steps"] == [1] * 5
    assert (
        "If they are its state, say so to the adapter, state=lambda module:"
        in rec.trace.attrs["not_recorded"]
    )
    with TraceRecorder(model, adapters=untold) as told:
        for length in (3, 1, 1, 2):
            with told.sequence():
                drive(model, [length])
    assert told.trace.attrs["iterations"]["steps"] == [3, 1, 1, 2]
    assert "not_recorded" not in told.trace.attrs


def test_a_state_that_is_the_whole_models_output_too() -> None:
    """pytorch-ntm's outer model, watched itself: its state is what it keeps."""
    model = pytorch_ntm.EncapsulatedNTM(4, 3, 8, 1, 1, 6, 3)

    def record(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
        return {"memory": module.memory.memory, "read_weights": output[1][2][:1]}

    adapter = Adapter(record, state=lambda module: module.previous_state)
    with TraceRecorder(model, adapters={pytorch_ntm.EncapsulatedNTM: adapter}) as rec:
        for length in (2, 3):
            model.init_sequence(BATCH)
            for _ in range(length):
                model(torch.rand(BATCH, 4))
    assert rec.trace.attrs["iterations"]["steps"] == [2, 3]


class Wrapped(nn.Module):
    """A model around one that keeps its state."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = ntm()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(2 * x)  # type: ignore[no-any-return]


@pytest.mark.parametrize("called", [True, False], ids=["the model", "the part"])
def test_a_part_that_keeps_its_state(called: bool) -> None:
    """Within a model that is called, or that never is."""
    model = Wrapped()
    with TraceRecorder(model, adapters=vlgiitr_ntm.ADAPTERS) as rec:
        seen = []
        for length in (3, 1, 2):
            model.inner.reset(BATCH)
            for _ in range(length):
                (model if called else model.inner)(torch.rand(BATCH, 4))
                seen.append(model.inner.memory.memory.detach().clone())
    assert rec.trace.attrs["iterations"]["steps"] == [3, 1, 2]
    assert np.array_equal(rec.trace["memory"].values, torch.stack(seen).numpy())


def test_a_state_that_cannot_be_told_is_no_fault_of_the_models() -> None:
    """What the function raises is told, the model runs on, and no step is called a sequence of its own."""
    torch.manual_seed(1)
    expected = drive(ntm(), [2])
    torch.manual_seed(1)
    model = ntm()
    adapter = Adapter(vlgiitr_ntm.record, state=lambda module: module.no_such_name)
    recorder = TraceRecorder(model, adapters={vlgiitr_ntm.NTM: adapter})
    with (
        pytest.warns(RuntimeWarning, match="AttributeError: 'NTM' object has no attribute 'no_such_name'"),
        recorder,
    ):
        seen = drive(model, [2])
    assert len(seen) == 2
    for one, other in zip(seen, expected, strict=True):
        assert torch.equal(one, other)
    with pytest.raises(RecordingError, match="'NTM' object has no attribute 'no_such_name'"):
        _ = recorder.trace


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layers": 0}, DtypeError, "layers of an adapter must be a whole number from 1 on, got 0"),
        ({"layers": True}, DtypeError, "whole number from 1 on, got True"),
        ({"layers": 2, "calls": "layer"}, UnknownOptionError, "layers=2 says how many calls are one step"),
        ({"layers": 2, "dims": {"x": ("layer", "slot")}}, AxisError, "Leave 'layer' and 'time' out"),
        ({"layers": 2, "dims": {"x": ("time", "slot")}}, AxisError, "a call is one layer of one step"),
        ({"state": "memory"}, DtypeError, "state of an adapter must be a function of the module, got str"),
    ],
)
def test_wrong_words_are_refused(options: Any, error: type[Exception], message: str) -> None:
    """When the adapter is made."""
    with pytest.raises(error, match=message):
        Adapter(pytorch_dnc.record, **options)


def test_layers_of_different_shapes_are_refused() -> None:
    """An array must have one shape in all layers, and be given by each."""

    class Growing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.memory = Growing()

        def forward(self, x: Tensor) -> None:
            self.memory(x)
            self.memory(x[:, 1:])

    adapters = {Growing: Adapter(lambda *call: {"memory": call[3]}, layers=2)}
    told = pytest.raises(ValueError, match=r"memory: 2 layers that share a module must each give it in one")
    with TraceRecorder(Two(), adapters=adapters, strict=True) as rec, told:
        rec.model(torch.rand(BATCH, 6, 3))
