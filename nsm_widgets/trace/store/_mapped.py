"""Arrays of a trace file that stay in the file: read-only memory maps at the offsets of its header."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._checksums import BLOCK, CHANGED
from nsm_widgets.trace.arrays._lazy import AxisSelection

_DTYPES = {
    "BOOL": np.dtype("?"),
    **{f"U{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    **{f"I{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}

_BLOCK = 2**24


class MappedArrays:
    """The arrays of one safetensors file by name, as views of one ``np.memmap``.

    Args:
        path: The file; its header's length has been checked.

    Raises:
        ValueError: If a name stands twice in the header: readers differ in which of the two they take.
    """

    def __init__(self, path: Path) -> None:
        self._bytes = np.memmap(path, np.uint8, "r")
        self._start = 8 + int(self._bytes[:8].view("<u8")[0])
        header = self._bytes[8 : self._start].tobytes()
        self._entries: dict[str, Any] = json.loads(header, object_pairs_hook=_unique)

    def __call__(self, name: str) -> NDArray[Any]:
        """The array of that name, nothing of it read.

        Raises:
            TypeError: If NumPy has no type for its values.
            ValueError: If its place in the file does not fit its shape.
        """
        entry = self._entries[name]
        if entry["dtype"] not in _DTYPES:
            raise TypeError(f"values of type {entry['dtype']} cannot be mapped; open it without mmap=True")
        dtype, shape = _DTYPES[entry["dtype"]], tuple(entry["shape"])
        start, end = (self._start + offset for offset in entry["data_offsets"])
        needed = math.prod(shape) * dtype.itemsize
        if not self._start <= start <= end <= len(self._bytes) or end - start != needed:
            raise ValueError(f"bytes {start} to {end} do not fit shape {shape} of {dtype}")
        values: NDArray[Any] = self._bytes[start:end].view(dtype).reshape(shape)
        return values


class CheckedBlocks:
    """What lazy values read from: an array in a file, whose blocks are checked when they are first touched.

    Args:
        values: The array, mapped.
        sums: The checksums of its blocks.
        refuse: Raises, given why.
        name: The array's name, for that.
    """

    place: Final = "file"

    def __init__(
        self, values: NDArray[Any], sums: Sequence[int], refuse: Callable[[str], NoReturn], name: str
    ) -> None:
        self.shape, self.dtype = values.shape, values.dtype
        self._values, self._sums, self._refuse, self._name = values, sums, refuse, name
        self._bytes = values.reshape(-1).view(np.uint8)
        self._unseen = set(range(len(sums)))

    def read(self, axes: tuple[AxisSelection, ...]) -> NDArray[Any]:
        """The chosen values as a new array, once the blocks that they lie in are known to be whole."""
        row_bytes = max(1, len(self._bytes) // self.shape[0])
        rows = [axes[0]] if isinstance(axes[0], int) else axes[0]
        if isinstance(rows, range) and abs(rows.step) * row_bytes <= BLOCK and len(rows):
            self._check(min(rows) * row_bytes, (max(rows) + 1) * row_bytes)
        else:
            for row in rows if self._unseen else ():
                self._check(row * row_bytes, (row + 1) * row_bytes)
        return take_along(self._values, axes)

    def _check(self, start: int, stop: int) -> None:
        for block in self._unseen.intersection(range(start // BLOCK, -(-stop // BLOCK))):
            data = self._bytes[block * BLOCK : (block + 1) * BLOCK]
            if zlib.crc32(data.data) != self._sums[block]:
                self._refuse(f"in block {block} of array {self._name!r} {CHANGED}")
            self._unseen.discard(block)


def take_along(values: NDArray[Any], axes: tuple[AxisSelection, ...]) -> NDArray[Any]:
    """A copy of the chosen values, each list taken along its own axis."""
    for place in reversed(range(values.ndim)):
        chosen = axes[place]
        if isinstance(chosen, range):
            stop = chosen.stop if chosen.stop >= 0 else None
            chosen = slice(chosen.start, stop, chosen.step)  # type: ignore[assignment]
        values = values[(slice(None),) * place + (chosen,)]
    return np.array(values)


def holds_flags(values: NDArray[np.bool_]) -> bool:
    """Whether every byte of a bool array is 0 or 1, block by block: a copy of a mapped one may not fit."""
    flat = values.reshape(-1).view(np.uint8)
    return all(flat[start : start + _BLOCK].max() <= 1 for start in range(0, flat.size, _BLOCK))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in its header")
    return found
