"""Nothing waits for the GPU, and nothing is read before it is there. Elsewhere than on CUDA these fail."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace import Adapter, TraceRecorder
from tests.cuda.device import RUNS, Run, draw, ntm
from tests.cuda.test_cuda_recording import Fused, Scratch, assert_bits, caught

CYCLES = 2_000_000_000
"""About a second of a GPU: far longer than the host takes to queue what is measured."""


@contextmanager
def no_waiting() -> Iterator[None]:
    """Whatever would wait for the device raises."""
    torch.cuda.synchronize()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the mode says of itself that it is a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


class Training:
    """Steps of training of a model on the device."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.optimizer = torch.optim.SGD(run.model.parameters(), 1e-2)
        self.log: Callable[..., None] = lambda **_: None

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.optimizer.zero_grad()
            loss = self.run.outputs().square().mean()
            loss.backward()
            self.optimizer.step()
            self.log(loss=loss)


def test_the_mode_sees_what_waits(cuda: torch.device) -> None:
    """Otherwise the tests below would say nothing."""
    flags = torch.ones(3, device=cuda)
    for wait in (lambda: bool(flags.any()), flags.cpu, lambda: flags.nonzero(), lambda: flags[flags > 0]):
        with pytest.raises(RuntimeError, match="synchroniz"), no_waiting():
            wait()


@pytest.mark.parametrize("name", RUNS)
def test_a_model_waits_for_nothing(name: str, cuda: torch.device) -> None:
    """Forward, backward and update of each model, unrecorded, from the second step on."""
    training = Training(RUNS[name]().to(cuda))
    training.steps(1)
    with no_waiting():
        training.steps(3)


CHOICES: dict[str, Callable[[TraceRecorder], TraceRecorder]] = {
    "all": lambda rec: rec,
    "every-10": lambda rec: rec.every(10),
    "last-2": lambda rec: rec.last(2),
}


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", RUNS)
def test_a_recorded_training_waits_for_nothing(name: str, choice: str, cuda: torch.device) -> None:
    """70 time steps, so that blocks leave in mid-sequence; losses are logged; and what it kept is right."""
    training = Training(RUNS[name](steps=70).to(cuda))
    training.steps(1)
    with caught(training.run.model) as seen, CHOICES[choice](TraceRecorder(training.run.model)) as rec:
        training.log = rec.log
        training.steps(1)  # the first one makes layouts, and the memory of the kernels
        with no_waiting():
            training.steps(11)
    numbers = {"all": range(12), "every-10": (0, 10), "last-2": (10, 11)}[choice]
    assert rec.trace.iterations == tuple(numbers)
    kept = [70 * number + step for number in numbers for step in range(70)]
    assert_bits(rec.trace, {key: [steps[index] for index in kept] for key, steps in seen.items()})
    assert rec.scalars["loss"].values.size == 12


@pytest.mark.parametrize("last", [False, True], ids=["first-kept", "last-kept"])
def test_a_budget_waits_for_nothing(last: bool, cuda: torch.device) -> None:
    """Neither while there is room, nor when it ends, nor afterwards."""
    training = Training(ntm(steps=5).to(cuda))
    with TraceRecorder(training.run.model) as rec:
        training.steps(1)
    recorder = TraceRecorder(training.run.model)
    recorder.budget(3.5 * sum(array.values.nbytes for array in rec.trace.values()) / 1e6)
    if last:
        recorder.last(100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the budget
        with recorder as rec:
            training.steps(1)
            with no_waiting():
                training.steps(7)
    assert rec.trace.iterations == ((5, 6, 7) if last else (0, 1, 2))


def test_recorded_attention_waits_for_nothing(cuda: torch.device) -> None:
    """Weights that a module hides, masks, and weights that the fused kernel never shows."""
    x = draw(2, 7, 16).to(cuda)
    padding = (torch.arange(7) >= 5).repeat(2, 1).to(cuda)
    module = nn.MultiheadAttention(16, 4, batch_first=True).to(cuda)
    fused = Fused(is_causal=True)
    heads = draw(2, 4, 7, 16).to(cuda)
    with TraceRecorder(module) as one, TraceRecorder(fused, recompute=True) as other:
        for turn in range(3):
            with no_waiting() if turn else nullcontext():
                module(x, x, x, need_weights=False, key_padding_mask=padding)
                fused(heads, heads, heads)
    assert one.trace["attention"].sizes["iteration"] == other.trace["attention"].sizes["iteration"] == 3


def busy(stream: torch.cuda.Stream | None = None) -> torch.cuda.Event:
    """Keep a stream, the current one where none is given, busy for a second: the event of its end."""
    with torch.cuda.stream(stream):
        torch.cuda._sleep(CYCLES)
        end: torch.cuda.Event = torch.cuda.current_stream().record_event()
    return end


def test_a_recorded_forward_returns_while_the_device_is_busy(cuda: torch.device) -> None:
    """What was queued before it still runs when it is over: copies were queued behind, not waited for."""
    run = ntm(steps=2).to(cuda)  # few enough operations for the queue of a device
    with torch.no_grad(), caught(run.model) as seen, TraceRecorder(run.model) as rec:
        for _ in range(3):
            run()
        torch.cuda.synchronize()
        end = busy()
        run()
        run()  # so that the one before leaves the device
        assert not end.query(), "the recorded forward waited for the device"
    assert_bits(rec.trace, seen)


def test_leaving_the_block_waits_for_nothing(cuda: torch.device) -> None:
    """The trace does, when it is asked for."""
    run = ntm(steps=3).to(cuda)
    with torch.no_grad():
        with TraceRecorder(run.model) as rec:
            run()
        with caught(run.model) as seen, rec:
            torch.cuda.synchronize()
            end = busy()
            run()
        assert not end.query(), "leaving the block waited for the device"
        trace = rec.trace
    assert end.query()
    assert_bits(trace, seen)


def test_a_model_on_another_stream_is_waited_for(cuda: torch.device) -> None:
    """It runs on a stream that is still busy when the block is left on the default one."""
    run = ntm(steps=70).to(cuda)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.no_grad(), caught(run.model) as seen:
        with TraceRecorder(run.model) as rec:
            busy(side)
            with torch.cuda.stream(side):
                run()
        trace = rec.trace
    torch.cuda.synchronize()
    assert_bits(trace, seen)


def test_a_model_that_changes_streams_is_recorded_in_order(cuda: torch.device) -> None:
    """Two streams in turn write into one block, each busy before; nothing orders them but their own work."""
    scratch = [Scratch().to(cuda) for _ in range(2)]
    streams = [torch.cuda.Stream() for _ in range(2)]
    both = nn.ModuleList(scratch)
    words = draw(8, 1, 64, 32).to(cuda)
    adapter = Adapter(lambda module, args, kwargs, output: {"memory": output})
    torch.cuda.synchronize()
    expected: list[list[Tensor]] = [[], []]
    with torch.no_grad(), TraceRecorder(both, adapters={Scratch: adapter}) as rec:
        for stream in streams:
            busy(stream)
        for number, word in enumerate(words):
            for place, stream in enumerate((streams[number % 2], streams[1 - number % 2])):
                with torch.cuda.stream(stream):
                    stream.wait_stream(streams[0])
                    stream.wait_stream(streams[1])
                    expected[place].append(scratch[place](word).clone())
    trace = rec.trace
    torch.cuda.synchronize()
    for place in range(2):
        assert_bits(trace, {f"{place}.memory": expected[place]})


def test_what_is_overwritten_at_once_stays_recorded(cuda: torch.device) -> None:
    """A tensor is changed right after the call, while its copy still waits behind a busy stream."""
    run = ntm(steps=3).to(cuda)
    with torch.no_grad(), caught(run.model) as seen, TraceRecorder(run.model) as rec:
        run()
        busy()
        outputs, state = run()
        for tensor in (outputs, *state.access):
            tensor.fill_(torch.nan)
        junk = [torch.full((2, 16, 8), torch.nan, device=cuda) for _ in range(200)]  # takes what was freed
    del junk
    assert_bits(rec.trace, seen)


def test_memory_that_goes_round_is_not_filled_too_early(cuda: torch.device) -> None:
    """With last(1) each iteration's memory, on the device and pinned, is soon another's."""
    run = ntm(steps=70).to(cuda)
    with torch.no_grad(), caught(run.model) as seen, TraceRecorder(run.model).last(1) as rec:
        for number in range(40):
            if number % 8 == 0:
                torch.cuda._sleep(CYCLES // 20)
            run()
    assert_bits(rec.trace, {name: steps[-70:] for name, steps in seen.items()})


def test_a_captured_graph_is_refused(cuda: torch.device) -> None:
    """In words, before anything is queued; the model works on, and so does a recorder."""
    run = ntm(steps=3).to(cuda)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.no_grad():
        with torch.cuda.stream(side):
            run()
        torch.cuda.current_stream().wait_stream(side)
        graph: Any = torch.cuda.CUDAGraph()
        refused = pytest.raises(RecordingError, match="captured in a CUDA graph")
        with TraceRecorder(run.model), refused, torch.cuda.graph(graph):
            run()
        torch.cuda.synchronize()
        with caught(run.model) as seen, TraceRecorder(run.model) as rec:
            run()
    assert_bits(rec.trace, seen)


if torch.cuda.device_count() > 1:

    def test_a_device_that_is_not_the_current_one(cuda: torch.device) -> None:
        """The model lies on the second GPU, busy; the first is the current one all the while."""
        del cuda
        run = ntm(steps=70).to("cuda:1")
        with torch.no_grad(), caught(run.model) as seen, TraceRecorder(run.model) as rec:
            run()
            with torch.cuda.device(1):
                end = busy()
            run()
            assert torch.cuda.current_device() == 0
            del end
        assert_bits(rec.trace, seen)
