"""One array of a store up to one commit: what lazy values read from."""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets.trace.arrays._lazy import AxisSelection
from nsm_widgets.trace.store._files import open_inside, read_at, refuse
from nsm_widgets.trace.store._layout import MOST_VALUES, ArrayLayout, Group
from nsm_widgets.trace.store._shard import Shard
from nsm_widgets.trace.store._tail import Segment, segment_name

_CACHE_BYTES = 2**23


class StoredArray:
    """Its first steps lie in shards, the others in segments.

    Args:
        group: Where it lies.
        layout: How it is cut.
        steps: Its length.
        folded: How many of its steps lie in shards.
        tail: The segments with the others.
        column: Its place among the arrays in a segment.
        since: Before which step it was not written: shards of before are not there.
    """

    def __init__(
        self,
        group: Group,
        layout: ArrayLayout,
        steps: int,
        folded: int,
        tail: Sequence[Segment],
        column: int,
        since: int = 0,
    ) -> None:
        self.shape = (steps, *layout.shard[1:])
        self.dtype = layout.dtype
        self._group, self._root = group, group.root
        self._layout, self._folded, self._tail, self._column = layout, folded, tail, column
        self._first = since // layout.shard[0]
        """The first shard that there is."""
        self._cache: OrderedDict[tuple[int, ...], NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()
        if math.prod(self.shape) * self.dtype.itemsize >= MOST_VALUES:
            raise refuse(self._root, f"{self._name()} claims to have {steps} steps")

    def check_last(self) -> None:
        """Refuse an array whose last shard is not there."""
        if self._folded > self._first * self._layout.shard[0]:
            self._with_shard((self._folded - 1) // self._layout.shard[0], lambda shard: None)

    def read(self, axes: tuple[AxisSelection, ...]) -> NDArray[Any]:
        """The chosen values as a new array.

        Raises:
            TraceFileError: If a shard or segment that holds some of them is missing or damaged.
        """
        chosen = [[axis] if isinstance(axis, int) else axis for axis in axes]
        sizes = [len(axis) for axis in chosen]
        in_shards, in_tail = _split(chosen[0], self._folded)
        if math.prod(sizes) * self.dtype.itemsize > _CACHE_BYTES:  # no memory for what is not there
            for index in _shards_of(chosen[0], in_shards, self._layout.shard[0]):
                if index >= self._first:
                    self._with_shard(index, lambda shard: None)
        values: NDArray[Any] = np.empty(sizes, self.dtype)
        if in_shards:
            self._read_shards(chosen, in_shards, values)
        for row in in_tail:
            values[row] = self._segment_step(chosen[0][row])[np.ix_(*chosen[1:])]
        return values.reshape([len(axis) for axis in axes if not isinstance(axis, int)])

    def _read_shards(self, chosen: list[Any], rows: Sequence[int], values: NDArray[Any]) -> None:
        steps = chosen[0][rows.start : rows.stop] if isinstance(rows, range) else [chosen[0][r] for r in rows]
        per_axis = [_by_chunk(steps, rows, self._layout.chunk[0])]
        per_axis += [
            _by_chunk(axis, range(len(axis)), size)
            for axis, size in zip(chosen[1:], self._layout.chunk[1:], strict=True)
        ]
        for parts in product(*per_axis):
            chunk = self._chunk(tuple(place for place, _, _ in parts))
            values[_box([to for _, _, to in parts])] = chunk[_box([inner for _, inner, _ in parts])]

    def _chunk(self, place: tuple[int, ...]) -> NDArray[Any]:
        """One chunk, by its place along each axis of the array, from the cache or the disk."""
        with self._lock:
            if place in self._cache:
                self._cache.move_to_end(place)
                return self._cache[place]
        shard, row = divmod(place[0], self._layout.grid[0])
        if shard < self._first:
            return np.broadcast_to(self._layout.fill, self._layout.chunk)
        chunk: NDArray[Any] = self._with_shard(shard, lambda opened: opened.chunk((row, *place[1:])))
        with self._lock:
            self._cache[place] = chunk
            while len(self._cache) > 1 and sum(kept.nbytes for kept in self._cache.values()) > _CACHE_BYTES:
                self._cache.popitem(last=False)
        return chunk

    def _with_shard(self, index: int, use: Callable[[Shard], Any]) -> Any:
        name = self._layout.shard_name(index)
        where = f"{self._name()}/{name}"
        try:
            descriptor = open_inside(self._root, self._group.rank, self._layout.key, name)
        except FileNotFoundError as error:
            raise refuse(self._root, f"{where} is missing") from error
        try:
            label = self._group.label(self._layout.key, index)
            if index < self._group.plain and read_at(descriptor, 0, 8) != label[:8]:
                label = b""  # written by an earlier version
            return use(Shard(descriptor, self._layout, label, verify=self._group.verify))
        except ValueError as error:
            raise refuse(self._root, f"{where} is damaged: {error}") from error
        finally:
            os.close(descriptor)

    def _segment_step(self, step: int) -> NDArray[Any]:
        segment = next(segment for segment in self._tail if segment.start <= step < segment.stop)
        try:
            return segment.step(self._column, step)
        except ValueError as error:
            name = segment_name(segment.start, segment.stop)
            raise refuse(self._root, f"{self._name()} in the segment {name} is damaged: {error}") from error

    def _name(self) -> str:
        return f"{self._group.rank}/{self._layout.key}"


def _split(steps: Sequence[int], folded: int) -> tuple[Sequence[int], Sequence[int]]:
    """Places among the chosen steps: of those that lie in shards, and of those in segments."""
    if isinstance(steps, range) and steps.step > 0:
        count = len(range(steps.start, min(steps.stop, folded), steps.step))
        return range(count), range(count, len(steps))
    places = range(len(steps))
    return [at for at in places if steps[at] < folded], [at for at in places if steps[at] >= folded]


def _shards_of(steps: Sequence[int], places: Sequence[int], size: int) -> Iterator[int]:
    """The shards that these steps lie in, one after the other: there may be very many."""
    if places and isinstance(steps, range) and 0 < steps.step <= size:
        yield from range(steps[0] // size, steps[places[-1]] // size + 1)
        return
    before = -1
    for place in places:
        if steps[place] // size != before:
            before = steps[place] // size
            yield before


def _by_chunk(chosen: Sequence[int], to: Sequence[int], size: int) -> list[tuple[int, Any, Any]]:
    """Chosen indices by the chunk they lie in: its place, the indices in it, and where they go."""
    found: list[tuple[int, Any, Any]] = []
    if isinstance(chosen, range) and isinstance(to, range) and chosen.step == to.step == 1:
        shift = to.start - chosen.start
        for place in range(chosen.start // size, -(-chosen.stop // size)):
            first, stop = max(chosen.start, place * size), min(chosen.stop, (place + 1) * size)
            inside = slice(first - place * size, stop - place * size)
            found.append((place, inside, slice(first + shift, stop + shift)))
        return found
    start = 0
    for end in range(1, len(chosen) + 1):
        if end == len(chosen) or chosen[end] // size != chosen[start] // size:
            place = chosen[start] // size
            inner = [index - place * size for index in chosen[start:end]]
            found.append((place, _run(inner), _run(to[start:end])))
            start = end
    return found


def _run(indices: Sequence[int]) -> Any:
    """Indices as a slice where they rise by one, which copies faster."""
    first, count = indices[0], len(indices)
    if indices[-1] - first == count - 1 and list(indices) == list(range(first, first + count)):
        return slice(first, first + count)
    return list(indices)


def _box(parts: Sequence[Any]) -> tuple[Any, ...]:
    """An index that takes each part along its own axis."""
    if all(isinstance(part, slice) for part in parts):
        return tuple(parts)
    return np.ix_(*(list(_span(part)) for part in parts))


def _span(part: slice | Sequence[int]) -> Iterator[int]:
    return iter(range(part.start, part.stop) if isinstance(part, slice) else part)
