"""Values leave a CUDA device without being waited for. There is none here: what is called is counted."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets.trace import _device_copy
from nsm_widgets.trace._device_copy import HostCopy
from nsm_widgets.trace._steps import Block, StepBuffer, StepLayout


class Device:
    """Stands for torch and a device of it; keeps the order of all that is asked of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.float32 = torch.float32
        self.no_grad, self.inference_mode = torch.no_grad, torch.inference_mode
        self.cuda = SimpleNamespace(
            Stream=self._stream,
            Event=self._event,
            stream=lambda stream: nullcontext(),
            current_stream=lambda device: "model's",
        )

    def _stream(self, device: Any) -> Any:
        self.calls.append("new stream")
        return SimpleNamespace(wait_stream=lambda other: self.calls.append(f"wait for {other} stream"))

    def _event(self) -> Any:
        return SimpleNamespace(
            record=lambda stream: self.calls.append("event"),
            synchronize=lambda: self.calls.append("waited"),
        )

    def empty(self, shape: Any, dtype: Any, pin_memory: bool) -> Any:
        assert pin_memory
        target = torch.empty(shape, dtype=dtype)

        def copy(tensor: Any, non_blocking: bool) -> None:
            assert non_blocking
            self.calls.append("copy")
            target.copy_(tensor.values)

        return SimpleNamespace(copy_=copy, cpu=lambda: target)


class OnDevice:
    """A tensor of that device."""

    is_cuda = True

    def __init__(self, device: Device, values: torch.Tensor) -> None:
        self.device, self.values = "cuda:0", values
        self.shape, self.dtype = values.shape, values.dtype
        self.record_stream = lambda stream: device.calls.append("kept for the stream")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    fake = Device()
    monkeypatch.setattr(_device_copy, "_STREAMS", {})
    monkeypatch.setattr(_device_copy, "sys", SimpleNamespace(modules={"torch": fake}))
    return fake


def test_a_copy_is_waited_for_when_it_is_read(device: Device) -> None:
    """It goes out behind the model's own work, on one stream for all, and is waited for once, at the end."""
    first = HostCopy(OnDevice(device, torch.ones(2)))
    second = HostCopy(OnDevice(device, torch.zeros(3)))
    sent = ["wait for model's stream", "copy", "kept for the stream", "event"]
    assert device.calls == ["new stream", *sent, *sent]
    np.testing.assert_array_equal(first.values(), [1, 1])
    np.testing.assert_array_equal(first.values(), [1, 1])
    np.testing.assert_array_equal(second.values(), [0, 0, 0])
    assert device.calls[9:] == ["waited", "waited"]


def test_on_the_cpu_nothing_is_copied() -> None:
    """The recorder's own copy is what is kept."""
    tensor = torch.arange(3.0)
    assert np.shares_memory(HostCopy(tensor).values(), tensor.numpy())


def test_steps_on_a_device_leave_it_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """130 steps leave in blocks of 64, each when the next one begins, and none of them is read on the way."""
    sent: list[tuple[int, ...]] = []

    class Sent(HostCopy):
        def __init__(self, tensor: Any, source_dtype: str | None = None) -> None:
            super().__init__(tensor.clone(), source_dtype)
            sent.append(tuple(tensor.shape))

        def values(self) -> Any:
            assert finished
            return super().values()

    finished = False
    monkeypatch.setattr(sys.modules[StepBuffer.__module__], "HostCopy", Sent)
    layout = StepLayout({"a": torch.zeros(2), "b": torch.zeros(1)}, "")
    layout.on_device = True
    made: list[Block] = []

    def make(layout: StepLayout, steps: int) -> Block:
        made.append(layout.block(steps))
        return made[-1]

    steps = StepBuffer(layout, make, expected=130)
    for step in range(130):
        steps.append([torch.full((2,), float(step)), torch.full((1,), -float(step))])
    assert len(steps) == 130
    assert sent == [(64, 2), (64, 1), (64, 2), (64, 1)]
    steps.finish(reused=False)
    finished = True
    assert [block.capacity for block in made] == [64, 64, 2]
    np.testing.assert_array_equal(np.concatenate(steps.pieces("a"))[:, 0], np.arange(130.0))
    np.testing.assert_array_equal(np.concatenate(steps.pieces("b"))[:, 0], -np.arange(130.0))
