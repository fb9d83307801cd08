"""From a device's memory into the host's, without waiting where that can be done.

What this rests on, all of it CUDA's: a copy between pinned host memory and the device runs beside both when
it is started with ``non_blocking``; copies on one stream keep their order, and streams meet only at events; a
tensor marked by ``record_stream`` is not handed out again before that stream is through with it. Other
devices (mps, xpu) are copied at once, which waits for them.
"""

from __future__ import annotations

import sys
from typing import Any

from numpy.typing import NDArray


class HostCopy:
    """The values of a tensor that nobody else writes to, on the host by the time they are asked for.

    On the CPU the tensor itself is kept, and nothing is copied. On a CUDA device the copy is started on a
    stream of its own, behind what the model has queued so far, and is waited for by :meth:`values` alone.

    Args:
        tensor: A detached copy of the recorder's own, dense, of a dtype that NumPy has.
        source_dtype: What its values were widened from.
    """

    def __init__(self, tensor: Any, source_dtype: str | None = None) -> None:
        self.source_dtype = source_dtype
        self._done: Any = None
        if tensor.is_cuda:
            tensor, self._done = _start(sys.modules["torch"], tensor)
        self._tensor = tensor

    def values(self) -> NDArray[Any]:
        """The values, read-only by agreement; waits for the device if they are still on their way."""
        if self._done is not None:
            self._done.synchronize()
            self._done = None
        array: NDArray[Any] = self._tensor.cpu().resolve_neg().numpy()
        return array


_STREAMS: dict[Any, Any] = {}
"""The stream on which copies leave a device, by device."""


def _start(torch: Any, tensor: Any) -> tuple[Any, Any]:
    """Queue the copy of a CUDA tensor into pinned memory: the copy, and the event that says it is there."""
    device = tensor.device
    if device not in _STREAMS:
        _STREAMS[device] = torch.cuda.Stream(device=device)
    stream = _STREAMS[device]
    with torch.inference_mode(False):
        pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        pinned.copy_(tensor, non_blocking=True)
    tensor.record_stream(stream)
    done = torch.cuda.Event()
    done.record(stream)
    return pinned, done
