"""Shards: 64 steps of an array in one file, cut into chunks, with an index at the end (Zarr v3 sharding)."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets.trace.arrays._lazy import HeldValues
from nsm_widgets.trace.store._codec import most_packed, pack, unpack, with_sum, without_sum
from nsm_widgets.trace.store._files import read_at
from nsm_widgets.trace.store._layout import ArrayLayout

_NONE = 2**64 - 1


def pack_shard(values: HeldValues, layout: ArrayLayout, label: bytes) -> Iterator[bytes]:
    """A shard's bytes: its label, chunk by chunk, then its index.

    Args:
        values: Steps of the array from the shard's first, as many as there are; in memory, in a file or in
            a store.
        layout: How the array is cut. Steps that are missing at the end are filled with NaN or zero.
        label: What no other shard begins with.
    """
    index: list[int] = []
    end = len(label)
    yield label
    for place in np.ndindex(*layout.grid):
        starts = [at * size for at, size in zip(place, layout.chunk, strict=True)]
        if starts[0] >= len(values):
            index += [_NONE, _NONE]
            continue
        part = np.asarray(values[tuple(slice(a, a + n) for a, n in zip(starts, layout.chunk, strict=True))])
        packed = pack(_filled(part, layout))
        yield packed
        index += [end, len(packed)]
        end += len(packed)
    yield with_sum(struct.pack(f"<{len(index)}Q", *index))


def _filled(part: NDArray[Any], layout: ArrayLayout) -> NDArray[Any]:
    if part.shape == layout.chunk:
        return part
    whole: NDArray[Any] = np.full(layout.chunk, layout.fill)
    whole[: len(part)] = part
    return whole


class Shard:
    """An open shard, of which chunks are read one at a time.

    Args:
        descriptor: The open file; it is the caller's to close.
        layout: How the array is cut.
        label: What it must begin with.
        verify: Whether that, and checksums, are checked.

    Raises:
        ValueError: If the file is shorter than an index, the index is damaged, or it is another shard.
    """

    def __init__(self, descriptor: int, layout: ArrayLayout, label: bytes, *, verify: bool) -> None:
        self._verify = verify
        self._descriptor = descriptor
        self._layout = layout
        index_bytes = 16 * math.prod(layout.grid) + 4
        self._end = os.fstat(descriptor).st_size - index_bytes
        if self._end < 0:
            raise ValueError("it is cut short")
        if verify and read_at(descriptor, 0, len(label)) != label:
            raise ValueError("it is another shard than its name says, or another program wrote it")
        index = without_sum(read_at(descriptor, self._end, index_bytes), verify=verify)
        self._index = np.frombuffer(index, "<u8").reshape(*layout.grid, 2)

    def chunk(self, place: tuple[int, ...]) -> NDArray[Any]:
        """One chunk, by its place in the grid.

        Raises:
            ValueError: If it is not there, damaged, or not what its array says.
        """
        offset, count = map(int, self._index[place])
        layout = self._layout
        if (offset, count) == (_NONE, _NONE):
            raise ValueError("a part of it was never written")
        needed = math.prod(layout.chunk) * layout.dtype.itemsize
        if count > min(self._end, most_packed(needed)) or offset > self._end - count:
            raise ValueError(f"its index leads to {count} bytes at {offset}, of {self._end}")
        data = read_at(self._descriptor, offset, count)
        return unpack(data, layout.chunk, layout.dtype, verify=self._verify)
