"""The thread that brings a writer's steps to the disk, again and again until it succeeds."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets.trace.store._columns import ColumnArray
from nsm_widgets.trace.store._layout import ArrayLayout
from nsm_widgets.trace.store._rank import RankFiles, ShardBuffer

_LONGEST_WAIT_S = 5.0


@dataclass
class Drain:
    """What the caller's thread and the writing one share, all under ``changed``.

    Only ``ShardBuffer.filled`` is changed without: it grows by the caller alone, after the step is there.
    """

    files: RankFiles
    every_s: float
    """Seconds between commits."""
    most_blocks: int
    """Blocks that may be in memory."""
    waiting: list[ShardBuffer]
    """Blocks not yet in shards, oldest first; the caller fills the last one."""
    next_index: int
    """The next block's place in the store."""
    lost: list[tuple[int, int]]
    """Before which step of the store how many are missing."""
    errors: int = 0
    message: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)
    free: list[list[NDArray[Any]]] = field(default_factory=list)
    created: bool = False
    asked: int = 0
    answered: int = 0
    failing: bool = False
    closing: bool = False
    thread: threading.Thread | None = None
    writing: threading.Lock = field(default_factory=threading.Lock)
    """Held while files are written; taken before ``changed``."""

    def create(self) -> None:
        """Make the group now, so that one that is there is told; where the disk fails it is tried again.

        Raises:
            RecordingError: If the rank is there, or has another writer.
        """
        try:
            self.files.create()
            self.created = True
        except OSError as error:
            self._count(error)

    def start(self) -> None:
        """Begin to write."""
        self.thread = threading.Thread(target=self._run, name="nsm_widgets store", daemon=True)
        self.thread.start()

    def new_block(self) -> ShardBuffer | None:
        """Room for the steps of another shard, waited for; None if there is none because writing fails."""
        with self.changed:
            self.changed.notify_all()
            while len(self.waiting) >= self.most_blocks and not self.failing:
                self.changed.wait()
            if len(self.waiting) >= self.most_blocks:
                return None
            values = self.free.pop() if self.free else self._new_values()
            block = ShardBuffer(self.next_index, values)
            self.next_index += 1
            self.waiting.append(block)
            return block

    def add(self, array: ColumnArray) -> ArrayLayout:
        """Have a column more in the blocks that are in memory, and in all that follow."""
        with self.writing, self.changed:
            size, first = self.files.schema.shard_steps, self.next_index
            if self.waiting:  # what lies in shards already may not be handed back yet
                first = max(self.waiting[0].index, self.files.last.folded // size)
            layout = self.files.add(array, first * size)
            for values in (*(block.values for block in self.waiting), *self.free):
                values.append(np.full(layout.shard, layout.fill))
            return layout

    def lose(self, count: int) -> None:
        """Remember before which step of the store so many are missing."""
        with self.changed:
            at = self.next_index * self.files.schema.shard_steps
            if self.lost and self.lost[-1][0] == at:
                count += self.lost.pop()[1]
            self.lost.append((at, count))

    def flush(self) -> None:
        """Have all steps so far written, or tried to be, and wait."""
        with self.changed:
            self.asked += 1
            wanted = self.asked
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.answered >= wanted)

    def close(self) -> int:
        """Write what is left, end the thread, and let another writer come.

        Returns:
            How many steps could not be written.
        """
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        if self.thread is not None:
            self.thread.join()
        self.files.release()
        steps = sum(block.filled for block in self.waiting)
        if not steps:
            return 0
        first = self.waiting[0].index * self.files.schema.shard_steps
        return max(0, first + steps - max(first, self.files.last.steps))

    def _new_values(self) -> list[NDArray[Any]]:
        return [np.empty(layout.shard, layout.dtype) for layout in self.files.schema.growing.values()]

    def _run(self) -> None:
        retry_s, shown, closing = 0.0, time.monotonic(), False
        while not closing:
            with self.changed:
                self.changed.wait_for(self._is_asked if retry_s else self._is_due, retry_s or self.every_s)
                closing, asked = self.closing, self.asked
                blocks = [(block, block.filled) for block in self.waiting if block.filled]
                said = {"lost": tuple(self.lost), "errors": self.errors, "message": self.message[:500]}
            try:
                with self.writing:
                    self._write(blocks, said, closing)
                    if closing or time.monotonic() - shown > self.every_s:
                        self.files.show_length()
                        shown = time.monotonic()
                failed = False
            except Exception as error:  # whatever it is, the training goes on
                self._count(error)
                failed = True
            retry_s = min(_LONGEST_WAIT_S, max(0.05, 2 * retry_s)) if failed else 0.0
            self._hand_back(asked, failed)

    def _is_asked(self) -> bool:
        return self.closing or self.asked > self.answered

    def _is_due(self) -> bool:
        full = self.waiting and self.waiting[0].filled == self.files.schema.shard_steps
        return bool(full or self._is_asked())

    def _write(self, blocks: list[tuple[ShardBuffer, int]], said: dict[str, Any], closing: bool) -> None:
        """Commit what is new, if something is."""
        files = self.files
        if not self.created:
            files.create()
            self.created = files.is_described = True
        end = blocks[-1][0].index * files.schema.shard_steps + blocks[-1][1] if blocks else 0
        news = said["lost"] != files.last.lost or said["errors"] != files.last.errors
        if not files.is_described:
            files.describe()
        if news or end > files.last.steps or (closing and end > files.last.folded):
            files.commit(blocks, close=closing, **said)

    def _hand_back(self, asked: int, failed: bool) -> None:
        """Free the blocks that lie in shards now, and wake who waits."""
        size = self.files.schema.shard_steps
        with self.changed:
            self.failing = failed
            self.answered = asked
            while self.waiting and (self.waiting[0].index + 1) * size <= self.files.last.folded:
                self.free.append(self.waiting.pop(0).values)
            self.changed.notify_all()

    def _count(self, error: Exception) -> None:
        self.errors += 1
        self.message = f"{type(error).__name__}: {error}"
