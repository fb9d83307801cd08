"""What recording costs on this device. It is printed; nothing is asserted of a time."""

from __future__ import annotations

import statistics
import time
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from nsm_widgets.trace import TraceRecorder
from tests.cuda.device import DEVICE, ON_CUDA, RUNS, Run

BLOCKS, STEPS = 20, 5


def block_s(run: Run, optimizer: torch.optim.Optimizer, around: Any) -> float:
    """Seconds that a block of training steps takes, until the device is through with it."""
    _finish()
    start = time.perf_counter()
    with around:
        for _ in range(STEPS):
            optimizer.zero_grad()
            run.outputs().square().mean().backward()
            optimizer.step()
    _finish()
    return time.perf_counter() - start


def _finish() -> None:
    if ON_CUDA:
        torch.cuda.synchronize()


@pytest.mark.parametrize("name", ["ntm", "dnc", "machine-gru"])
def test_the_cost_of_recording_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Blocks with and without a recorder in turn, the ratio of their medians."""
    run = RUNS[name](steps=20).to(DEVICE)
    optimizer = torch.optim.SGD(run.model.parameters(), 1e-4)
    recorder = TraceRecorder(run.model).last(2)
    times: dict[str, list[float]] = {"plain": [], "recorded": []}
    for turn in range(BLOCKS + 2):
        for kind, around in (("plain", nullcontext()), ("recorded", recorder)):
            took = block_s(run, optimizer, around)
            if turn >= 2:  # the first ones warm up
                times[kind].append(took)
    plain, recorded = (statistics.median(times[kind]) / STEPS for kind in ("plain", "recorded"))
    with capsys.disabled():
        print(
            f"\n{name} on {DEVICE}: a training step of 20 time steps takes {plain * 1e3:.2f} ms, recorded "
            f"{recorded * 1e3:.2f} ms, x{recorded / plain:.3f} (medians of {BLOCKS} blocks)"
        )
    assert recorder.trace.iterations == (STEPS - 2, STEPS - 1)
