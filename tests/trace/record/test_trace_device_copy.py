"""Values leave a CUDA device without being waited for. There is none here: what is called is counted."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.record import _host_copy, _logged
from nsm_widgets.trace.record._host_copy import HostCopy, Writers
from nsm_widgets.trace.record._step_buffer import Block, StepBuffer, StepLayout


class Device:
    """Stands for torch and a device of it; keeps the order of all that is asked of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.float32 = torch.float32
        self.no_grad, self.inference_mode = torch.no_grad, torch.inference_mode
        self.pins, self.capturing = True, False
        self.current = stream_named(self, "model's")
        self.cuda = SimpleNamespace(
            Stream=self._stream,
            Event=self._event,
            stream=lambda stream: nullcontext(),
            current_stream=lambda device: self.current,
            is_initialized=lambda: True,
            is_current_stream_capturing=lambda: self.capturing,
        )

    def _stream(self, device: Any) -> Any:
        self.calls.append("new stream")
        return stream_named(self, "copies'")

    def _event(self) -> Any:
        return SimpleNamespace(
            record=lambda stream: self.calls.append("event"),
            synchronize=lambda: self.calls.append("waited"),
        )

    def empty(self, shape: Any, dtype: Any, pin_memory: bool) -> Any:
        assert pin_memory
        if not self.pins:
            raise RuntimeError("CUDA error: out of memory")
        target = torch.empty(shape, dtype=dtype)

        def copy(tensor: Any, non_blocking: bool) -> None:
            assert non_blocking
            self.calls.append("copy")
            target.copy_(tensor.values)

        return SimpleNamespace(copy_=copy, resolve_neg=lambda: target)


def stream_named(device: Device, name: str) -> Any:
    return SimpleNamespace(
        name=name,
        device="cuda:0",
        wait_stream=lambda other: device.calls.append(f"wait for {other.name} stream"),
        wait_event=lambda event: device.calls.append(f"{name} stream waits for {event}"),
        record_event=lambda: f"what {name} had queued",
    )


class OnDevice:
    """A tensor of that device."""

    is_cuda = True

    def __init__(self, device: Device, values: torch.Tensor) -> None:
        self.device, self.values = "cuda:0", values
        self.shape, self.dtype = values.shape, values.dtype
        self.record_stream = lambda stream: device.calls.append(f"kept for the {stream.name} stream")

    def cpu(self) -> torch.Tensor:
        return self.values


def on_device(device: Device, values: torch.Tensor) -> Any:
    return OnDevice(device, values)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    fake = Device()
    monkeypatch.setattr(_host_copy, "_STREAMS", {})
    monkeypatch.setattr(_host_copy, "sys", SimpleNamespace(modules={"torch": fake}))
    return fake


def test_a_copy_is_waited_for_when_it_is_read(device: Device) -> None:
    """It goes out behind the model's own work, on one stream for all, and is waited for once, at the end."""
    first = HostCopy(on_device(device, torch.ones(2)))
    second = HostCopy(on_device(device, torch.zeros(3)))
    sent = ["wait for model's stream", "copy", "kept for the copies' stream", "event"]
    assert device.calls == ["new stream", *sent, *sent]
    np.testing.assert_array_equal(first.values(), [1, 1])
    np.testing.assert_array_equal(first.values(), [1, 1])
    np.testing.assert_array_equal(second.values(), [0, 0, 0])
    assert device.calls[9:] == ["waited", "waited"]


def test_who_writes_on_another_stream_is_waited_for(device: Device) -> None:
    """Another stream first waits until the memory was free; the copy waits for both, whichever is current."""
    memory = on_device(device, torch.ones(2))
    writers = Writers([memory])
    writers.come()
    assert device.calls == []
    device.current = stream_named(device, "side")
    writers.come()
    writers.come()
    assert device.calls == ["side stream waits for what model's had queued", "kept for the side stream"]
    device.calls.clear()
    device.current = stream_named(device, "another")
    HostCopy(memory, written_on=writers.streams)
    assert device.calls[1:4] == ["wait for model's stream", "wait for side stream", "copy"]


def test_where_no_memory_can_be_pinned_the_copy_is_waited_for(device: Device) -> None:
    """The training goes on, and the values are the same."""
    device.pins = False
    np.testing.assert_array_equal(HostCopy(on_device(device, torch.ones(2))).values(), [1, 1])
    assert device.calls == ["new stream", "wait for model's stream"]


def test_a_graph_that_is_captured_is_refused(device: Device) -> None:
    """Nothing is computed while it is captured: there is nothing to copy."""
    writers = Writers([on_device(device, torch.ones(2))])
    device.capturing = True
    for use in (writers.come, lambda: HostCopy(on_device(device, torch.ones(2)))):
        with pytest.raises(RecordingError, match=r"captured in a CUDA graph.*Capture the graph outside"):
            use()
    assert device.calls == []


def test_other_devices_are_copied_at_once() -> None:
    """What such a device holds afterwards is nothing to the copy."""
    values = torch.ones(2)
    tensor: Any = SimpleNamespace(is_cuda=False, is_cpu=False, cpu=values.clone)
    copy = HostCopy(tensor)
    values.zero_()
    assert copy.values().tolist() == [1, 1]


def test_a_loss_on_a_device_is_not_waited_for(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 64 values are on their way; in the end each is in its place, beside numbers that were here."""

    class Loss:
        """A loss on that device."""

        is_cuda, ndim = True, 0

        def __init__(self, value: float) -> None:
            self.value = value

        def item(self) -> float:
            raise AssertionError("this waits for the device")

        def is_complex(self) -> bool:
            return False

        def detach(self) -> Any:
            return self

        def to(self, dtype: torch.dtype, copy: bool) -> OnDevice:
            assert (dtype, copy) == (torch.float64, True)
            return OnDevice(device, torch.tensor(self.value, dtype=dtype))

    monkeypatch.setattr(_logged, "sys", SimpleNamespace(modules={"torch": torch}))
    scalars = _logged.Scalars()
    for number in range(100):
        scalars.log(number, {"loss": Loss(number / 8)})
        if number == 50:
            scalars.log(number, {"rate": 0.5})
    assert device.calls.count("waited") == 101 - _logged.MOST_WAITING
    assert scalars.series["loss"].values.tolist() == [number / 8 for number in range(100)]
    assert scalars.series["rate"].values.tolist() == [0.5]


def test_on_the_cpu_nothing_is_copied() -> None:
    """The recorder's own copy is what is kept."""
    tensor = torch.arange(3.0)
    assert np.shares_memory(HostCopy(tensor).values(), tensor.numpy())


def test_steps_on_a_device_leave_it_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """130 steps leave in blocks of 64, each when the next one begins, and none of them is read on the way."""
    sent: list[tuple[int, ...]] = []

    class Sent(HostCopy):
        def __init__(self, tensor: Any, source_dtype: str | None = None, **more: Any) -> None:
            super().__init__(tensor.clone(), source_dtype, **more)
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
