"""The memory of the next iteration, made ready by a thread while this one runs.

New memory costs when it is touched first, page by page: the system finds a page, clears it and maps it. For
an iteration of 5 MB that is more than copying the values takes, and the training need not wait for it.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from nsm_widgets.trace.record._step_buffer import Block, StepLayout

LEAST_BYTES = 1 << 20
"""Less is not worth a thread."""

_PAGE = 4096


class Prefetch:
    """At most one block of each kind that waits to be taken."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._blocks: dict[tuple[int, int], Future[Block]] = {}

    def prepare(self, layout: StepLayout, steps: int) -> None:
        """Begin to make a block of that many steps, unless one waits already."""
        key = (id(layout), steps)
        if key in self._blocks or layout.on_device or steps * layout.step_bytes < LEAST_BYTES:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "nsm_widgets recorder")
        self._blocks[key] = self._thread.submit(_touched, layout, steps)

    def take(self, layout: StepLayout, steps: int) -> Block | None:
        """The block of that many steps, if one is ready; nobody waits for it."""
        key = (id(layout), steps)
        if key not in self._blocks or not self._blocks[key].done():
            return None
        block = self._blocks.pop(key)
        return None if block.exception() is not None else block.result()

    def close(self) -> None:
        """Nothing will be taken any more."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
        self._thread = None
        self._blocks.clear()


def _touched(layout: StepLayout, steps: int) -> Block:
    """A block whose pages are all there; torch and NumPy let other threads run meanwhile."""
    block = layout.block(steps)
    for buffer in block.buffers:
        whole: Any = buffer.reshape(-1).numpy().view("u1")
        whole[::_PAGE] = 0
    return block
