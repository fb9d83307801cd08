"""Memories that somebody else drives step by step: an iteration is a sequence."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from nsm_widgets import stats
from nsm_widgets._errors import RecordingError
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Adapter, TraceRecorder

SLOTS, WORD, BATCH = 4, 3, 2

pytestmark = pytest.mark.usefixtures("seeded")


@dataclass
class Held:
    """A state as a dataclass."""

    memory: torch.Tensor
    rest: dict[str, Any]


class Cell(nn.Module):
    """Writes a word into all slots by a gate, and hands on the memory and the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WORD, SLOTS)

    def forward(self, x: torch.Tensor, hidden: Any = None) -> tuple[torch.Tensor, Any]:
        memory = torch.zeros(BATCH, SLOTS, WORD) if hidden is None else hidden[0]
        weights = self.gate(x).softmax(-1)[:, None]
        memory = memory + weights.transpose(1, 2) * x[:, None]
        return memory.mean(1), (memory, weights)


class Previous(Cell):
    """The same, its state by name alone."""

    def forward(self, x: torch.Tensor, *, prev_state: Any = None) -> tuple[torch.Tensor, Any]:  # type: ignore[override]
        return super().forward(x, prev_state)


class Carry(Cell):
    """The same, the state first and returned first."""

    def forward(self, carry: Any, x: torch.Tensor) -> tuple[Any, torch.Tensor]:  # type: ignore[override]
        output, state = super().forward(x, carry)
        return state, output


class Plain(Cell):
    """The same, the state a nested one of a dict within a dataclass."""

    def forward(self, x: torch.Tensor, given: Any = None) -> tuple[torch.Tensor, Any]:
        output, (memory, weights) = super().forward(x, None if given is None else (given.memory, None))
        return output, Held(memory, {"weights": [weights]})


class InPlace(Cell):
    """The same, the memory changed in place and not returned."""

    def forward(self, x: torch.Tensor, mems: Any = None) -> tuple[torch.Tensor, Any]:
        weights = self.gate(x).softmax(-1)[:, None]
        with torch.no_grad():
            mems += weights.transpose(1, 2) * x[:, None]
        return mems.mean(1), None


def record(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """What an adapter of a cell says."""
    memory, weights = output[1]
    return {"memory": memory, "write_weights": weights, "read_weights": weights}


ADAPTERS = {Cell: record}


def drive(cell: nn.Module, steps: int, between: Callable[[Any], Any] = lambda state: state) -> Any:
    """One sequence from a memory of zeros."""
    hidden: Any = (torch.zeros(BATCH, SLOTS, WORD), torch.zeros(BATCH, 1, SLOTS))
    for _ in range(steps):
        _, hidden = cell(torch.rand(BATCH, WORD), between(hidden))
    return hidden


def steps_of(recorder: TraceRecorder) -> list[int]:
    """The steps of each iteration, which begin the sequences."""
    steps = list(recorder.trace.attrs["iterations"]["steps"])
    begins = [sum(steps[:index]) for index in range(len(steps))]
    assert list(recorder.trace.attrs["sequence_starts"]) == begins
    return steps


def _each(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any], Any]:
    return lambda state: tuple(change(part) for part in state)


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(_each(lambda part: part), id="as it is"),
        pytest.param(_each(lambda part: part.detach()), id="detached"),
        pytest.param(_each(lambda part: part.data), id="its data"),
        pytest.param(_each(lambda part: part.detach().clone()), id="cloned"),
        pytest.param(_each(lambda part: part.to(torch.float64).to(torch.float32)), id="moved there and back"),
        pytest.param(_each(lambda part: part.detach().double()), id="of another type"),
        pytest.param(_each(lambda part: torch.from_numpy(part.detach().numpy().copy())), id="through NumPy"),
        pytest.param(_each(lambda part: copy.deepcopy(part.detach())), id="copied"),
        pytest.param(lambda state: [state[0].clone(), state[1]], id="in part"),
        pytest.param(_each(lambda part: part[:]), id="a view"),
    ],
)
def test_a_state_that_is_given_back_goes_on_with_the_sequence(between: Callable[[Any], Any]) -> None:
    """Where a returned state is given back, whatever was done that leaves its values, it goes on."""
    with TraceRecorder(Cell(), adapters=ADAPTERS) as rec:
        for steps in (3, 1, 4):
            drive(rec.model, steps, between)
    assert steps_of(rec) == [3, 1, 4]


def test_a_state_has_any_name_and_any_form() -> None:
    """By keyword, first of the arguments, a dataclass of a dict, changed in place."""
    with TraceRecorder(Previous(), adapters=ADAPTERS) as named:
        for steps in (2, 3):
            state = None
            for _ in range(steps):
                _, state = named.model(torch.rand(BATCH, WORD), prev_state=state)
    carried = {Carry: lambda module, args, kwargs, output: record(module, args, kwargs, (0, output[0]))}
    with TraceRecorder(Carry(), adapters=carried) as first:
        for steps in (2, 3):
            state = (torch.zeros(BATCH, SLOTS, WORD), torch.zeros(BATCH, 1, SLOTS))
            for _ in range(steps):
                state, _ = first.model(state, torch.rand(BATCH, WORD))
    held = {Plain: lambda *call: {"memory": call[3][1].memory}}
    with TraceRecorder(Plain(), adapters=held) as nested:
        for steps in (2, 3):
            state = None
            for _ in range(steps):
                _, state = nested.model(torch.rand(BATCH, WORD), state)
    with TraceRecorder(InPlace(), adapters={InPlace: lambda *call: {"memory": call[1][1]}}) as changed:
        for steps in (2, 3):
            mems = torch.zeros(BATCH, SLOTS, WORD)
            for _ in range(steps):
                changed.model(torch.rand(BATCH, WORD), mems)
    for recorder in (named, first, nested, changed):
        assert steps_of(recorder) == [2, 3]


def test_truncated_back_propagation_is_one_sequence() -> None:
    """The graph is cut every two steps; the sequence is not. What is learnt is as if unrecorded."""

    def train(model: nn.Module) -> list[torch.Tensor]:
        torch.manual_seed(3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            hidden: Any = (torch.zeros(BATCH, SLOTS, WORD), None)
            loss = torch.zeros(())
            for step in range(6):
                output, hidden = model(torch.rand(BATCH, WORD), hidden)
                loss = loss + output.square().mean()
                if step % 2:
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    hidden, loss = tuple(part.detach() for part in hidden), torch.zeros(())
        return [*model.parameters(), torch.rand(3)]

    model = Cell()
    unrecorded = train(copy.deepcopy(model))
    with TraceRecorder(model, adapters=ADAPTERS) as rec:
        recorded = train(model)
    assert steps_of(rec) == [6, 6]
    assert all(torch.equal(one, other) for one, other in zip(recorded, unrecorded, strict=True))


def test_a_state_that_no_call_returned_begins_an_iteration() -> None:
    """Fresh ones, even where the old one lay; the old one set to zero in place; another of the same size."""
    cell = Cell()
    x = torch.rand(BATCH, WORD)
    with TraceRecorder(cell, adapters=ADAPTERS) as rec:
        for _ in range(3):
            drive(cell, 2)  # the memory of the last one is free, and taken for the next one's zeros
        _, hidden = cell(x, (torch.rand(BATCH, SLOTS, WORD), None))
        with torch.no_grad():
            hidden[0].zero_(), hidden[1].zero_()
        _, hidden = cell(x, hidden)
        cell(x, (hidden[0] * 0.5, None))
    assert steps_of(rec) == [2, 2, 2, 1, 1, 1]


def test_zeros_that_were_returned_are_not_taken_for_the_zeros_of_a_start() -> None:
    """Values that are the same all over tell nothing: a state that stays zero, given anew, is a new start."""

    class Still(nn.Module):
        def forward(self, x: torch.Tensor, hx: torch.Tensor) -> torch.Tensor:
            return hx + 0 * x.sum()

    zeros = torch.zeros(BATCH, SLOTS, WORD)
    with TraceRecorder(Still(), adapters={Still: lambda *call: {"memory": call[3]}}) as rec:
        for _ in range(2):
            hidden = rec.model(torch.rand(BATCH, WORD), zeros.clone())
            rec.model(torch.rand(BATCH, WORD), hidden)
    assert steps_of(rec) == [2, 2]


def test_what_a_call_hands_on_as_it_got_it_is_no_state() -> None:
    """A mask that is returned and given again, an output that is the next input: new iterations."""

    class Masked(nn.Module):
        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return x + 1, mask

    class Fed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1

    mask, x = torch.rand(BATCH, 1), torch.rand(BATCH, SLOTS, WORD)
    with TraceRecorder(Masked(), adapters={Masked: lambda *call: {"memory": call[3][0]}}) as masked:
        for _ in range(3):
            x, mask = masked.model(x, mask)
    with TraceRecorder(Fed(), adapters={Fed: lambda *call: {"memory": call[3]}}) as fed:
        for _ in range(3):
            x = fed.model(x)
    assert steps_of(masked) == steps_of(fed) == [1, 1, 1]


def test_an_earlier_sequence_cannot_be_gone_on_with() -> None:
    """A state of a sequence before begins an iteration: what lies between are others' steps."""
    cell = Cell()
    with TraceRecorder(cell, adapters=ADAPTERS) as rec:
        before = drive(cell, 2)
        drive(cell, 3)
        cell(torch.rand(BATCH, WORD), before)
    assert steps_of(rec) == [2, 3, 1]


def test_every_last_when_and_log_speak_of_sequences() -> None:
    """They count sequences, not steps."""
    lengths = [2, 3, 4, 5, 6]

    def run(recorder: TraceRecorder) -> TraceRecorder:
        with recorder as rec:
            for length in lengths:
                drive(rec.model, length, _each(torch.detach))
                rec.log(length=length)
        return rec

    cell = Cell()
    assert steps_of(run(TraceRecorder(cell, adapters=ADAPTERS).every(2))) == [2, 4, 6]
    assert steps_of(run(TraceRecorder(cell, adapters=ADAPTERS).last(2))) == [5, 6]
    assert steps_of(run(TraceRecorder(cell, adapters=ADAPTERS).when(lambda number: number == 3))) == [5]
    recorder = run(TraceRecorder(cell, adapters=ADAPTERS))
    assert recorder.trace.iterations == (0, 1, 2, 3, 4)
    assert recorder.scalars["length"].values.tolist() == lengths
    assert recorder.trace.iteration(2)["memory"].sizes["time"] == 4


@pytest.mark.parametrize("kept", [1, 2])
def test_a_store_has_the_same_sequences(kept: int, tmp_path: Path) -> None:
    """Iterations, their lengths and where sequences begin, on disk as in memory."""
    pytest.importorskip("zarr")
    cell = Cell()
    with TraceRecorder(cell, adapters=ADAPTERS, store=tmp_path / "run.zarr").every(kept) as rec:
        for length in (2, 3, 4):
            drive(cell, length)
    assert steps_of(rec) == [2, 3, 4][::kept]


def test_sequences_can_be_told() -> None:
    """All calls inside are one iteration, whatever state they have; what follows begins another."""
    cell = Cell()
    scaled = _each(lambda part: 0.5 * part)
    with TraceRecorder(cell, adapters=ADAPTERS) as rec:
        for length in (2, 3):
            with rec.sequence():
                rec.log(length=length)
                hidden = drive(cell, length, scaled)
        _, hidden = cell(torch.rand(BATCH, WORD), hidden)
        cell(torch.rand(BATCH, WORD), hidden)
        with pytest.raises(ZeroDivisionError), rec.sequence():
            drive(cell, 1)
            _ = 1 / 0
        with rec.sequence():
            pass
        drive(cell, 4)
    assert steps_of(rec) == [2, 3, 2, 1, 4]
    assert rec.trace.attrs["iterations"]["left_out"] == {"took no step": 1}
    assert rec.scalars["length"].values[:2].tolist() == [2.0, 3.0]


def test_a_told_sequence_is_no_part_of_another() -> None:
    """Within another one, or without a block: refused, and the block goes on."""
    cell = Cell()
    recorder = TraceRecorder(cell, adapters=ADAPTERS)
    with pytest.raises(RecordingError, match=r"sequence\(\) holds calls while a block runs, and none does"):
        recorder.sequence().__enter__()
    with recorder:
        with recorder.sequence():
            drive(cell, 2)
            with (
                pytest.raises(RecordingError, match="no other sequence, got one within another sequence"),
                recorder.sequence(),
            ):
                pass
            drive(cell, 1)
        drive(cell, 2)
    assert steps_of(recorder) == [3, 2]


def test_a_call_that_fails_ends_no_sequence() -> None:
    """A step that an error cut short is done again with the same state."""

    class Failing(Cell):
        def forward(self, x: torch.Tensor, hidden: Any = None) -> tuple[torch.Tensor, Any]:
            if x.isnan().any():
                raise ValueError("no number")
            return super().forward(x, hidden)

    cell = Failing()
    with TraceRecorder(cell, adapters=ADAPTERS) as rec:
        hidden = drive(cell, 2)
        with pytest.raises(ValueError, match="no number"):
            cell(torch.full((BATCH, WORD), torch.nan), hidden)
        cell(torch.rand(BATCH, WORD), hidden)
    assert steps_of(rec) == [3]


def test_nothing_of_a_state_is_kept_alive() -> None:
    """Neither a tensor nor its storage nor its graph: when the caller lets go of a state, it is gone."""
    cell = Cell()
    with TraceRecorder(cell, adapters=ADAPTERS):
        output, hidden = cell(torch.rand(BATCH, WORD), (torch.zeros(BATCH, SLOTS, WORD), None))
        storages = [StorageWeakRef(part.untyped_storage()) for part in (output, *hidden)]
        tensors = [weakref.ref(part) for part in (output, *hidden)]
        del output, hidden
        gc.collect()
        assert all(storage.expired() for storage in storages)
        assert [tensor() for tensor in tensors] == [None] * 3


def test_states_of_inference_tensors_go_on() -> None:
    """They have no versions: they are known by where they lie."""
    cell = Cell()
    with TraceRecorder(cell, adapters=ADAPTERS) as rec, torch.inference_mode():
        drive(cell, 3)
        drive(cell, 2)
    assert steps_of(rec) == [3, 2]


def test_an_ntm_that_is_given_a_state_of_its_own_begins_a_sequence() -> None:
    """A state that is made for it begins one; one that is given back does not, also detached."""
    model = NTM(input_size=3, output_size=2, memory_size=SLOTS, word_size=WORD)
    with TraceRecorder(model, select="memory") as rec, torch.no_grad():
        for _ in range(2):
            state = model.initial_state(BATCH)
            for _ in range(2):
                state = model(torch.rand(3, BATCH, 3), state).state
    assert rec.trace.attrs["iterations"]["steps"] == [6, 6]
    assert list(rec.trace.attrs["sequence_starts"]) == [6]  # of the first, a call before may have begun it


class Pair(nn.Module):
    """Two cells, which the caller drives by a method: the model itself is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = Cell(), Cell()

    def step(self, x: torch.Tensor, states: Any) -> list[Any]:
        return [cell(x, state)[1] for cell, state in zip((self.one, self.other), states, strict=True)]


@pytest.mark.parametrize("every", [1, 2])
def test_sequences_of_parts_that_are_called_by_themselves(every: int) -> None:
    """A part that is called again from no state begins an iteration, with the others' first calls."""
    model = Pair()
    with TraceRecorder(model, adapters=ADAPTERS).every(every) as rec:
        for steps in (2, 3, 4):
            states: Any = [None, None]
            for _ in range(steps):
                states = model.step(
                    torch.rand(BATCH, WORD), [(each and (each[0].clone(), each[1])) for each in states]
                )
    assert steps_of(rec) == [2, 3, 4][::every]
    assert rec.trace["one.memory"].shape == rec.trace["other.memory"].shape


class Encapsulated(nn.Module):
    """Keeps the state of its cell between its calls, of which each takes so many steps."""

    def __init__(self, steps: int = 1) -> None:
        super().__init__()
        self.cell, self.steps = Cell(), steps
        self.previous_state: Any = None

    def init_sequence(self) -> None:
        self.previous_state = (torch.zeros(BATCH, SLOTS, WORD), None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output = x
        for _ in range(self.steps):
            output, self.previous_state = self.cell(x, self.previous_state)
        return output


def test_a_model_that_keeps_the_state_of_its_cell() -> None:
    """Where each forward takes one step, the sequence goes on as long as it gives the state back."""
    model = Encapsulated()

    def run(recorder: TraceRecorder) -> list[int]:
        with recorder as rec:
            for steps in (1, 3, 1, 4):
                model.init_sequence()
                for _ in range(steps):
                    rec.log(step=steps)
                    model(torch.rand(BATCH, WORD))
        return steps_of(rec)

    assert run(TraceRecorder(model, adapters=ADAPTERS)) == [1, 3, 1, 4]
    assert run(TraceRecorder(model, adapters=ADAPTERS).every(3)) == [1, 4]
    assert run(TraceRecorder(model, adapters=ADAPTERS).last(2)) == [1, 4]


def test_whole_forwards_are_iterations_also_where_a_state_is_kept() -> None:
    """A forward of several steps is an iteration, from whatever state."""
    model = Encapsulated(steps=3)
    model.init_sequence()
    with TraceRecorder(model, adapters=ADAPTERS) as rec:
        for _ in range(4):
            model(torch.rand(BATCH, WORD))
    assert steps_of(rec) == [3, 3, 3, 3]


class Written(nn.Module):
    """A memory within a loop: what it is given as weights, it is said to have used."""

    def forward(self, write: torch.Tensor, read: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.zeros(1, SLOTS, WORD), write, read


class Loop(nn.Module):
    """Whole sequences in one forward."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Written()

    def forward(self, writes: list[int], reads: list[int]) -> None:
        eye = torch.eye(SLOTS)
        for write, read in zip(writes, reads, strict=True):
            self.memory(eye[[write]], eye[[read]])


def lists(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """One write head and one read head, in lists."""
    memory, write, read = output
    return {"memory": memory, "write_weights": [write], "read_weights": [read]}


def test_statistics_do_not_look_from_one_sequence_into_the_next() -> None:
    """What is written in one is not overwritten in the next, and use begins anew."""
    loop = Loop()
    with TraceRecorder(loop, adapters={Written: Adapter(lists, memory_seen="before_write")}) as rec:
        loop([3, 0], [2, 2])
        loop([0, 3], [2, 2])
        loop([1, 1], [2, 2])
    trace = rec.trace
    assert trace.attrs["sequence_starts"] == [0, 2, 4]
    table = stats.analyze_slots(trace)
    assert list(table["overwritten_before_read"]) == [0, 1, 0, 0]
    assert list(table["importance"]) == [0, 1, 1, 0]  # of the last one, at its end
    texts = [each.text for each in stats.findings(trace) if each.kind == "overwritten_writes"]
    assert len(texts) == 1
    assert texts[0].startswith("1 of 6 writes are overwritten before anybody reads them, the first at time 4")
    assert list(stats.analyze_slots(trace.isel(time=slice(1, 4)))["overwritten_before_read"]) == [0, 0, 0, 0]


class Kept(nn.Module):
    """Keeps its memory."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = torch.zeros(1, SLOTS, WORD)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.memory, self.calls = self.memory + x, self.calls + 1
        return self.memory.mean(1)


@pytest.mark.parametrize("good", [0, 3])
@pytest.mark.filterwarnings("ignore:iteration .* could not be recorded:RuntimeWarning")
def test_calls_whose_state_is_not_known_are_no_sequences(good: int) -> None:
    """A function that fails tells nothing: what it was asked for is left out, not begun anew."""

    def state(module: Kept) -> torch.Tensor:
        if module.calls >= good:
            raise KeyError("no state")
        return module.memory

    adapter = Adapter(lambda module, args, kwargs, output: {"memory": module.memory}, state=state)
    model = Kept()
    with TraceRecorder(model, adapters={Kept: adapter}) as rec:
        for _ in range(6):
            model(torch.rand(WORD))
    if not good:
        with pytest.raises(RecordingError, match="nothing was recorded: KeyError: 'no state'"):
            _ = rec.trace
        return
    assert rec.trace.attrs["iterations"]["steps"] == [good]
    assert rec.trace.attrs["sequence_starts"] == [0]
    assert rec.trace.attrs["not_recorded"] == "4 iterations could not be recorded: KeyError: 'no state'"
