"""From a device's memory into the host's, without waiting where that can be done.

What this rests on, all of it CUDA's: a copy between pinned host memory and the device runs beside both when
it is started with ``non_blocking``; copies on one stream keep their order, and streams meet only at events;
memory belongs to the stream on which it was made, and goes to its next user in the order of that stream,
but a tensor marked by ``record_stream`` not before the other stream is through with it, too. Other devices
(mps, xpu) are copied at once, which waits for them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError

if TYPE_CHECKING:
    from torch import Tensor


class HostCopy:
    """The values of a tensor that nobody else writes to, on the host by the time they are asked for.

    On the CPU the tensor itself is kept, and nothing is copied. On a CUDA device the copy is started on a
    stream of its own, behind what the model has queued so far, and is waited for by :meth:`values` alone.

    Args:
        tensor: A detached copy of the recorder's own, dense, of a dtype that NumPy has.
        source_dtype: What its values were widened from.
        written_on: The streams on which it was written; the current one, when not given.
    """

    def __init__(
        self, tensor: Tensor, source_dtype: str | None = None, *, written_on: Sequence[Any] = ()
    ) -> None:
        self.source_dtype = source_dtype
        self._done: Any = None
        if tensor.is_cuda:
            tensor, self._done = _start(tensor, written_on)
        elif not tensor.is_cpu:
            tensor = tensor.cpu()
        self._tensor = tensor

    @property
    def kind(self) -> tuple[tuple[int, ...], str]:
        """Shape and type."""
        return tuple(self._tensor.shape), self.source_dtype or str(self._tensor.dtype)

    def values(self) -> NDArray[Any]:
        """The values, read-only by agreement; waits for the device if they are still on their way."""
        if self._done is not None:
            self._done.synchronize()
            self._done = None
        array: NDArray[Any] = self._tensor.resolve_neg().numpy()
        return array


class Writers:
    """The CUDA streams on which memory of the recorder's own is written.

    A model may run on one stream now and on another later. Who writes to the memory waits until it was free
    for the stream on which it was made, and what leaves it waits for all who wrote.

    Args:
        tensors: The memory, made just now.
    """

    def __init__(self, tensors: Sequence[Any]) -> None:
        self._cuda = sys.modules["torch"].cuda
        self._on: dict[Any, list[Any]] = {}
        for tensor in tensors:
            if tensor.is_cuda:
                self._on.setdefault(tensor.device, []).append(tensor)
        self.streams = [self._cuda.current_stream(device) for device in self._on]
        """Those that wrote."""
        self._made = {stream.device: stream.record_event() for stream in self.streams}

    def come(self) -> None:
        """The current streams are about to write."""
        for device, tensors in self._on.items():
            refuse_capture()
            stream = self._cuda.current_stream(device)
            if stream not in self.streams:
                stream.wait_event(self._made[device])
                for tensor in tensors:
                    tensor.record_stream(stream)
                self.streams.append(stream)


def refuse_capture() -> None:
    """Raise while a CUDA graph is captured: nothing is computed then, and its replays call no hooks.

    Raises:
        RecordingError: If the current stream is being captured.
    """
    if is_capturing():
        raise RecordingError(
            "a recorded model must compute as it is called, got one that is captured in a CUDA graph, whose "
            "replays call no hooks. Capture the graph outside of the block, and record the model without it."
        )


def is_capturing() -> bool:
    """Whether the current stream is being captured into a CUDA graph."""
    cuda = sys.modules["torch"].cuda
    return bool(cuda.is_initialized() and cuda.is_current_stream_capturing())


_STREAMS: dict[Any, Any] = {}
"""The stream on which copies leave a device, by device."""


def _start(tensor: Tensor, written_on: Sequence[Any]) -> tuple[Any, Any]:
    """Queue the copy of a CUDA tensor into pinned memory: the copy, and the event that says it is there."""
    refuse_capture()
    torch, device = sys.modules["torch"], tensor.device
    if device not in _STREAMS:
        _STREAMS[device] = torch.cuda.Stream(device=device)
    stream = _STREAMS[device]
    for writer in written_on or [torch.cuda.current_stream(device)]:
        stream.wait_stream(writer)
    try:
        with torch.inference_mode(False):
            pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    except RuntimeError:  # the system pins no more: then the copy is waited for
        with torch.cuda.stream(stream):
            return tensor.cpu(), None
    with torch.cuda.stream(stream):
        pinned.copy_(tensor, non_blocking=True)
    tensor.record_stream(stream)
    done = torch.cuda.Event()
    done.record(stream)
    return pinned, done
