"""How steps get into memory: heads that share a tensor are copied at once, and memory is made ahead."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nsm_widgets._errors import RecordingError
from nsm_widgets.ntm import NTM, MemoryAccessOutput
from nsm_widgets.trace import Trace, TraceRecorder
from nsm_widgets.trace.record import _prefetch
from nsm_widgets.trace.record._prefetch import Prefetch
from nsm_widgets.trace.record._step_buffer import Joined, StepBuffer, StepLayout

STAGES = ("key", "strength", "gate", "shift", "sharpening", "content_weights", "gated_weights", "weights")


def small_ntm() -> NTM:
    """Two read heads and three write heads."""
    torch.manual_seed(0)
    return NTM(
        input_size=5,
        output_size=4,
        memory_size=6,
        word_size=3,
        controller_size=7,
        num_read_heads=2,
        num_write_heads=3,
    )


Change = Callable[[int, MemoryAccessOutput], MemoryAccessOutput | None]


def recorded(model: NTM, change: Change | None, select: Any = None) -> tuple[Trace, dict[str, np.ndarray]]:
    """A trace of a run in which another hook has its hands in every step, and what hooks after it see."""
    seen: dict[str, list[np.ndarray]] = {}
    count = 0

    def meddle(_: nn.Module, args: object, output: MemoryAccessOutput) -> MemoryAccessOutput | None:
        nonlocal count
        count += 1
        return None if change is None else change(count - 1, output)

    def look(_: nn.Module, args: object, output: MemoryAccessOutput) -> None:
        for side in ("read", "write"):
            for stage in STAGES:
                value = getattr(getattr(output, side), stage)
                seen.setdefault(f"{side}_{stage}", []).append(value.detach().numpy().copy())

    access = model.cell.access
    with (
        access.register_forward_hook(meddle),
        access.register_forward_hook(look),
        TraceRecorder(model, select=select) as rec,
        torch.no_grad(),
    ):
        model(torch.rand(5, 4, 5))
    return rec.trace, {name: np.stack(values) for name, values in seen.items()}


def replace_read(step: int, output: MemoryAccessOutput) -> MemoryAccessOutput:
    """New tensors in the place of those of the read heads, from the third step on."""
    if step < 2:
        return output
    return output._replace(read=output.read._replace(weights=output.read.weights.flip(-1)))


def replace_write_at_first(step: int, output: MemoryAccessOutput) -> MemoryAccessOutput:
    """New tensors in the place of those of the write heads, at the first step only."""
    if step > 0:
        return output
    return output._replace(write=output.write._replace(gate=1 - output.write.gate))


def change_in_place(step: int, output: MemoryAccessOutput) -> None:
    """Another weight in the tensors themselves."""
    output.read.weights[..., 0] = step
    output.write.key.mul_(2)


@pytest.mark.parametrize("change", [None, replace_read, replace_write_at_first, change_in_place])
def test_heads_are_recorded_as_they_come_out_of_the_access(change: Change | None) -> None:
    """Whatever other hooks put in the place of the heads' tensors, that is recorded, bit for bit."""
    trace, seen = recorded(small_ntm(), change)
    for name, values in seen.items():
        assert trace[name].values.tobytes() == values.tobytes(), name


def test_some_of_the_stages() -> None:
    """A choice of arrays gives the values of a recording of all of them."""
    trace, seen = recorded(small_ntm(), None, select=["read_weights", "write_key"])
    assert set(trace) == {"read_weights", "write_key"}
    for name in trace:
        assert trace[name].values.tobytes() == seen[name].tobytes()


def test_a_joined_tensor_is_several_arrays() -> None:
    """Its second axis is cut by the sizes, and an error names them all."""
    layout = StepLayout({Joined(("a", "b"), (1, 2)): torch.zeros(2, 3), "c": torch.zeros(1)}, "in.")
    buffer = StepBuffer(layout, StepLayout.block, 2)
    for step in range(2):
        buffer.append([torch.tensor([[1.0, 2, 3], [4, 5, 6]]) + 10 * step, torch.ones(1)])
    assert np.concatenate(buffer.pieces("a")).tolist() == [[[1], [4]], [[11], [14]]]
    assert np.concatenate(buffer.pieces("b")).tolist() == [[[2, 3], [5, 6]], [[12, 13], [15, 16]]]
    with pytest.raises(RecordingError, match=r"in\.a and b must keep its batch size .* \(2, 3\)"):
        buffer.append([torch.zeros(4, 3), torch.zeros(1)])


def test_finished_steps_keep_no_objects_for_each_step() -> None:
    """What is over is some arrays, however many steps it has: collecting garbage must not go through them."""
    model = small_ntm()

    def count() -> int:
        return sum(type(thing) is torch.Tensor for thing in gc.get_objects())

    with TraceRecorder(model) as rec, torch.no_grad():
        model(torch.rand(50, 4, 5))
        model(torch.rand(50, 4, 5))
        before = count()
        for _ in range(4):
            model(torch.rand(50, 4, 5))
        assert count() - before < 4 * 50
    assert rec.trace.sizes["time"] == 300


def test_memory_is_made_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third of equal iterations takes what a thread made ready; the values are those of a bare run."""
    monkeypatch.setattr(_prefetch, "LEAST_BYTES", 0)
    taken: list[bool] = []
    take = Prefetch.take

    def watched(self: Prefetch, layout: StepLayout, steps: int) -> Any:
        for future in self._blocks.values():
            future.exception(timeout=60)  # the thread may not have come to it yet
        taken.append((block := take(self, layout, steps)) is not None)
        return block

    monkeypatch.setattr(Prefetch, "take", watched)
    model, sequences = small_ntm(), [torch.rand(7, 4, 5) for _ in range(5)]
    with torch.no_grad():
        expected = [recorded_memory(model, sequence) for sequence in sequences]
        taken.clear()
        with TraceRecorder(model) as rec:
            for sequence in sequences:
                model(sequence)
    assert taken == [False, False, True, True, True]
    assert rec.trace["memory"].values.tobytes() == np.concatenate(expected).tobytes()
    assert not [thread for thread in threading.enumerate() if "nsm_widgets recorder" in thread.name]


def recorded_memory(model: NTM, sequence: torch.Tensor) -> np.ndarray:
    """The memory after each step, by a recorder of its own."""
    with TraceRecorder(model, select="memory") as rec:
        model(sequence)
    return rec.trace["memory"].values


def test_no_memory_is_made_ahead_beyond_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the next iteration would not fit, nothing is prepared for it."""
    monkeypatch.setattr(_prefetch, "LEAST_BYTES", 0)
    model = small_ntm()
    with TraceRecorder(model) as whole, torch.no_grad():
        model(torch.rand(7, 4, 5))
    size = whole.trace.nbytes / 1e6
    with TraceRecorder(model).budget(2.5 * size) as rec, torch.no_grad():
        for _ in range(2):
            model(torch.rand(7, 4, 5))
        assert rec._recording is not None and not rec._recording.kept._prefetch._blocks


@pytest.mark.parametrize("read_first", [True, False], ids=["trace read", "trace not read"])
def test_the_next_block_fills_the_memory_of_the_last_one(read_first: bool) -> None:
    """A second block of a recorder has its own values, the first one's trace keeps its own."""
    model, places = small_ntm(), []
    first, second = torch.rand(7, 4, 5), torch.rand(7, 4, 5)
    with torch.no_grad():
        expected = [recorded_memory(model, sequence) for sequence in (first, second)]
        rec = TraceRecorder(model)
        traces = []
        for sequence in (first, second):
            with rec:
                model(sequence)
                assert rec._recording is not None
                part = rec._recording.part(0)
                assert part is not None and part.steps is not None
                places.append(part.steps.blocks[0].buffers[0].data_ptr())
            if read_first:
                traces.append(rec.trace)
    assert places[0] == places[1]
    assert rec.trace["memory"].values.tobytes() == expected[1].tobytes()
    for trace, values in zip(traces, expected, strict=False):
        assert trace["memory"].values.tobytes() == values.tobytes()


def test_the_next_block_may_look_different() -> None:
    """Another batch size in a second block is recorded as in the first."""
    model = small_ntm()
    rec = TraceRecorder(model)
    for batch in (4, 2, 4):
        with rec, torch.no_grad():
            model(torch.rand(7, batch, 5))
        assert rec.trace["memory"].shape == (7, batch, 6, 3)


def test_what_a_caller_does_with_the_state_is_not_seen() -> None:
    """Steps are copied at the end of a sequence: before anybody has its state to write to."""
    model, inputs = small_ntm(), torch.rand(7, 4, 5)
    expected = recorded_memory(model, inputs)
    with TraceRecorder(model) as rec:
        answer = model(inputs)
        with torch.no_grad():
            answer.state.access.memory.zero_()
            answer.state.access.read_vectors.fill_(7.0)
    np.testing.assert_array_equal(rec.trace["memory"].values, expected)
    assert (rec.trace["read_vectors"].values != 7.0).any()


def test_a_state_that_is_changed_in_place_while_its_sequence_runs_is_there_as_it_was() -> None:
    """A hook between the steps that writes to the memory: each step's is the one that the step made."""
    model, made = small_ntm(), []

    def spoil(module: Any, args: Any, output: Any) -> None:
        with torch.no_grad():
            made.append(output[1].access.memory.detach().clone())
            output[1].access.memory.mul_(0.5)

    with TraceRecorder(model) as rec:
        model(torch.rand(7, 4, 5))
        with model.cell.register_forward_hook(spoil):
            model(torch.rand(7, 4, 5)).outputs.sum()
        model(torch.rand(7, 4, 5))
    assert rec.trace.iterations == (0, 1, 2)
    np.testing.assert_array_equal(rec.iteration(1)["memory"].values, torch.stack(made))


def test_steps_before_an_error_in_the_middle_of_a_sequence_are_there() -> None:
    """What was taken until then is handed over when the forward fails."""
    model, inputs = small_ntm(), torch.rand(7, 4, 5)
    expected, calls = recorded_memory(model, inputs), []

    def fail(module: Any, args: Any) -> None:
        calls.append(args)
        if len(calls) == 4:
            raise ValueError("in the middle")

    rec = TraceRecorder(model)
    with pytest.raises(ValueError, match="in the middle"), rec, model.cell.register_forward_pre_hook(fail):
        model(inputs)
    np.testing.assert_array_equal(rec.trace["memory"].values, expected[:3])
