"""The writer of a recorder's masks and labels: a log beside the steps, only as long as things change.

The log is a store within the store, ``asides``, made with the first message: one array ``pages``, bytes, cut
into pages of one size. A message begins a page of its own. Which message came with an iteration, the row of
the iteration says; it is appended after the message, so that what a reader shows has its masks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from nsm_widgets._errors import RecordingError, warn_or_log
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._mask import is_mask
from nsm_widgets.trace.record.arrays._gather import Gathered
from nsm_widgets.trace.store._coord_log import (
    MOST_JOINED,
    MOST_MESSAGE,
    PAGES,
    State,
    checked_coords,
    joined_bytes,
    page_size,
    pages,
    write_changes,
)
from nsm_widgets.trace.store._writer import StoreWriter


def told_by(one: Gathered) -> State:
    """What one iteration says beside its arrays. It is no axis of theirs."""
    coords = {name: array.coords for name, array in one.arrays.items() if array.coords}
    return checked_coords(coords, {name: one.arrays[name].sizes for name in coords})


class CoordLogWriter:
    """What the iterations of a store said beside their arrays so far.

    Args:
        make: Makes the writer of the log, whose first steps look like this trace.
        path: The store's folder, for messages.
        told: What those say of themselves.
    """

    def __init__(
        self,
        make: Callable[[TraceBase], StoreWriter],
        path: Path,
        told: State,
    ) -> None:
        self.writer: StoreWriter | None = None
        """Of the log, once there is one."""
        self.left_out = 0
        """Iterations whose masks and labels could not be told, so that they cannot be kept."""
        self._make, self._path, self._told = make, path, told
        self._page = self._page_bytes = 0
        self._length = 0
        self._joined: dict[tuple[str, str], set[str]] = {}
        """Masks that differ between iterations, or within one, by the axes that one for all has."""
        self._axes: dict[tuple[str, str], set[str]] = {}
        self._warned = False

    def add(self, one: Gathered) -> tuple[int, int] | None:
        """Write what is new with an iteration.

        Returns:
            The first page of the message, and how many it has: none where nothing is new. ``None`` where it
            could not be told: the iteration is to be left out.

        Raises:
            RecordingError: If it is too much for one iteration.
            LabelError, AxisError: If a mask or labels do not fit their array.
        """
        length = one.rows
        state = told_by(one)
        if not state and not self._told and not self._joined:
            self._length += length
            return 0, 0
        message = write_changes(self._told, state)
        if len(message) > MOST_MESSAGE:
            raise RecordingError(
                f"masks and labels of an iteration must fit into {MOST_MESSAGE} bytes in a store, got "
                f"{len(message)}. Record it in memory, without store=..., or less of it: select=..."
            )
        joined, axes = self._with(state)
        sizes = {name: array.sizes for name, array in one.arrays.items()}
        if joined_bytes(joined, sizes, self._length + length) > MOST_JOINED:
            self._leave_out(f"the masks of all iterations came to {MOST_JOINED} bytes, the most there may be")
            return None
        place = self._append(message)
        if place is None:
            self._leave_out("masks and labels could not be written")
            return None
        self._told, self._joined, self._axes = state, joined, axes
        self._length += length
        return place

    def _with(self, state: State) -> tuple[dict[tuple[str, str], set[str]], dict[tuple[str, str], set[str]]]:
        """Which masks have to be joined from now on, and the axes of each so far."""
        joined, axes = dict(self._joined), dict(self._axes)
        for key in dict.fromkeys((*self._told, *state)):
            new, old = state.get(key), self._told.get(key)
            if not is_mask(key[1]):
                continue
            axes[key] = axes.get(key, set()) | ({*new.dims} - {"time"} if new is not None else set())
            same = new is not None and old is not None and np.array_equal(new.values, old.values)
            if key in joined or (self._length and not same) or (new is not None and "time" in new.dims):
                joined[key] = axes[key]
        return joined, axes

    def _append(self, message: bytes) -> tuple[int, int] | None:
        if not message:
            return 0, 0
        if self.writer is None:
            self._page_bytes = page_size(message)
            empty = np.zeros((1, self._page_bytes), np.uint8)
            self.writer = self._make(TraceBase(NamedArray(PAGES, empty, ("iteration", "channel"))))
        cut = pages(message, self._page_bytes)
        first, lost = self._page, self.writer.lost_steps
        self.writer.append({PAGES: cut})
        self._page += len(cut)
        return None if self.writer.lost_steps > lost else (first, len(cut))

    def _leave_out(self, why: str) -> None:
        self.left_out += 1
        if not self._warned:
            self._warned = True
            warn_or_log(
                f"{why}: iterations are left out of {self._path} for as long, and counted. Record fewer "
                "(every(n)), or less of them (select=...)."
            )
