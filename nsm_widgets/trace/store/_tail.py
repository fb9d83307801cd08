"""Segments: the newest steps of all arrays, written at a commit, until there are enough for a shard.

A file of a segment, little-endian: ``NSMTAIL1``, its first step and the one after its last (two uint64); the
steps of each array in turn, as they lie in memory; for each step and array a crc32c (uint32, steps first);
and the crc32c of the group's id and the first 24 bytes with all of those.
"""

from __future__ import annotations

import os
import struct
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets.trace.store._codec import crc32c, with_sum, without_sum
from nsm_widgets.trace.store._files import read_at
from nsm_widgets.trace.store._layout import ArrayLayout

_MAGIC = b"NSMTAIL1"
_HEAD = 24


def segment_name(start: int, stop: int) -> str:
    """The file of the steps from ``start`` to before ``stop``."""
    return f"tail-{start:012d}-{stop:012d}.bin"


def pack_segment(group: str, start: int, steps: Sequence[NDArray[Any]]) -> Iterator[bytes]:
    """A segment's bytes.

    Args:
        group: The id of the group.
        start: The first step.
        steps: For each array in order its steps, time leading.
    """
    count = len(steps[0])
    head = _MAGIC + struct.pack("<QQ", start, start + count)
    yield head
    sums: NDArray[np.uint32] = np.empty((count, len(steps)), "<u4")
    for column, values in enumerate(steps):
        little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        rows = little.reshape(count, -1).view(np.uint8)
        sums[:, column] = [crc32c(row) for row in rows]
        yield rows.tobytes()
    table = sums.tobytes()
    before = group.encode() + head
    yield with_sum(before + table)[len(before) :]


class Segment:
    """An open segment. It stays readable when the writer removes it, for as long as this object lives.

    Args:
        descriptor: The open file; this object closes it.
        start: The first step.
        stop: The one after the last.
        layouts: The arrays, in order.
        group: The id of the group.
        verify: Whether checksums are checked.

    Raises:
        ValueError: If the file is not of the length and steps that these give, or its sums are damaged.
    """

    def __init__(
        self,
        descriptor: int,
        start: int,
        stop: int,
        layouts: Sequence[ArrayLayout],
        group: str,
        *,
        verify: bool,
    ) -> None:
        self._verify = verify
        weakref.finalize(self, os.close, descriptor)
        self.start, self.stop = start, stop
        self._descriptor = descriptor
        self._layouts = layouts
        count = stop - start
        table = _HEAD + count * sum(layout.step_bytes for layout in layouts)
        table_bytes = 4 * count * len(layouts) + 4
        if os.fstat(descriptor).st_size != table + table_bytes:
            raise ValueError(f"it has {os.fstat(descriptor).st_size} bytes, not {table + table_bytes}")
        head = read_at(descriptor, 0, _HEAD)
        before = group.encode() + head
        told = before + read_at(descriptor, table, table_bytes)
        sums = without_sum(told, verify=verify)[len(before) :]
        if head != _MAGIC + struct.pack("<QQ", start, stop):
            raise ValueError("it holds other steps than its name says")
        self._sums = np.frombuffer(sums, "<u4").reshape(count, len(layouts))

    def step(self, column: int, step: int) -> NDArray[Any]:
        """One step of one array.

        Raises:
            ValueError: If it is damaged.
        """
        layout = self._layouts[column]
        before = sum(other.step_bytes for other in self._layouts[:column]) * (self.stop - self.start)
        row = step - self.start
        offset = _HEAD + before + row * layout.step_bytes
        data = read_at(self._descriptor, offset, layout.step_bytes)
        if len(data) != layout.step_bytes or (self._verify and crc32c(data) != self._sums[row, column]):
            raise ValueError("its checksum is wrong: bits were lost or changed")
        values = np.frombuffer(data, layout.dtype.newbyteorder("<")).reshape(layout.step_shape)
        return values.astype(layout.dtype, copy=False)
