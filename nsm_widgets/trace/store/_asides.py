"""Masks and labels of a recorder's store of version 1, which only reads them: JSON, cut into pages of bytes.

A store within the store, ``asides``, has one array ``pages``. A message begins a page of its own, the row of
an iteration says where, and how many pages it has. A message is a list of entries: of some arrays what a
coordinate of theirs is from that iteration on. Labels as ``labels``; a mask as ``bits``, its cells in
row-major order, eight to a byte, the first one highest, in base64; with neither, there is none any more::

    [{"arrays": ["attention"], "coord": "key_mask", "dims": ["batch", "key"], "bits": "4A=="}]
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import LabelError, NsmWidgetsError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._coord import Coord, make_coord
from nsm_widgets.trace.arrays._json import load_json
from nsm_widgets.trace.arrays._mask import is_mask, make_mask
from nsm_widgets.trace.store._files import refuse
from nsm_widgets.trace.store._states import MOST_JOINED, Held

FOLDER = "asides"
_MOST_PAGES_BYTES = 2**27
_FORMS = (["arrays", "coord"], ["arrays", "bits", "coord", "dims"], ["arrays", "coord", "dims", "labels"])


class Asides:
    """The messages that are committed.

    Args:
        trace: The store within the store; ``None`` where there is none yet.
        root: The store's folder, for errors.

    Raises:
        TraceFileError: If it holds something else.
    """

    def __init__(self, trace: TraceBase | None, root: Path) -> None:
        self._root = root
        array = None if trace is None else trace.get("pages")
        if trace is not None and (array is None or array.ndim != 2 or array.dtype != np.uint8):
            raise refuse(root, "what asides says of masks and labels is not what a recorder writes")
        self._pages: Any = np.empty((0, 1), np.uint8) if array is None else array.values
        numbers = None if array is None else array.coords.get(array.dims[0])
        self._numbers = np.arange(len(self._pages)) if numbers is None else np.asarray(numbers.values)
        """Of each page, where some could not be written."""

    def count(self, rows: Sequence[list[int]]) -> int:
        """How many iterations there are before the first one whose message is not committed yet."""
        for at, (first, pages, _) in enumerate(rows):
            place = int(np.searchsorted(self._numbers, first))
            if pages and self._numbers[place + pages - 1 : place + pages].tolist() != [first + pages - 1]:
                return at
        return len(rows)

    def states(self, rows: Sequence[list[int]], arrays: Sequence[NamedArray]) -> list[Held]:
        """What held at each iteration.

        Args:
            rows: The first page of the message of each, how many it has, and the steps of the iteration.
            arrays: Those that grow.

        Raises:
            TraceFileError: If a message contradicts the arrays.
        """
        owners = {array.name: array for array in arrays}
        states: list[Held] = []
        state: dict[tuple[str, str], Coord | None] = {}
        taken = 0
        for first, pages, steps in rows:
            if pages:
                state = dict(state)
                new = self._message(first, pages, steps, owners)
                taken += sum(coord.values.nbytes for coord in new.values() if coord is not None)
                if taken > MOST_JOINED:
                    raise refuse(self._root, f"its masks would take more than {MOST_JOINED} bytes")
                state |= new
            states.append(state)
        return states

    def _message(
        self, first: int, pages: int, steps: int, owners: Mapping[str, NamedArray]
    ) -> dict[tuple[str, str], Coord | None]:
        found: dict[tuple[str, str], Coord | None] = {}
        for entry in self._entries(first, pages):
            for name in entry["arrays"]:
                key = name, entry["coord"]
                if name not in owners:
                    raise refuse(self._root, f"asides tells of an array {name[:60]!r}, which does not grow")
                if key in found:
                    raise refuse(self._root, f"a message of asides tells {key[1]} of {name} twice")
                sizes = {
                    dim: steps if dim == "time" else size
                    for dim, size in owners[name].sizes.items()
                    if dim != "iteration"
                }
                try:
                    found[key] = _coord_of(entry, name, sizes)
                except NsmWidgetsError as error:
                    raise refuse(self._root, f"what asides says of {name} does not fit: {error}") from error
        return found

    def _entries(self, first: int, pages: int) -> list[dict[str, Any]]:
        if pages * self._pages.shape[1] > _MOST_PAGES_BYTES:
            raise refuse(self._root, f"a message of asides has {pages * self._pages.shape[1]} bytes")
        place = int(np.searchsorted(self._numbers, first))
        message = np.asarray(self._pages[place : place + pages]).tobytes()
        try:
            entries = load_json(message.decode())
        except ValueError as error:
            raise refuse(self._root, f"a message of asides is no JSON ({error})") from error
        if not isinstance(entries, list) or not all(map(_is_entry, entries)):
            raise refuse(self._root, "a message of asides is not what a recorder writes")
        return entries


def cut(state: Held, steps: NDArray[np.int64]) -> Held:
    """What an iteration has that has only these of its steps left."""
    return {
        key: Coord(coord.dims, coord.values.take(steps, 0))
        if isinstance(coord, Coord) and coord.dims[:1] == ("time",) and len(steps) < len(coord.values)
        else coord
        for key, coord in state.items()
    }


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and sorted(entry) in _FORMS
        and _are_texts(entry["arrays"])
        and isinstance(entry["coord"], str)
        and _are_texts(entry.get("dims", []))
        and isinstance(entry.get("bits", ""), str)
        and isinstance(entry.get("labels", []), list)
        and ("bits" in entry) <= is_mask(entry["coord"])
        and ("labels" in entry) <= (not is_mask(entry["coord"]))
    )


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _coord_of(entry: Mapping[str, Any], array: str, sizes: Mapping[str, int]) -> Coord | None:
    if "dims" not in entry:
        return None
    name, dims = entry["coord"], tuple(entry["dims"])
    if "labels" in entry:
        return make_coord(name, Coord(dims, entry["labels"]), sizes, array)
    return make_mask(name, Coord(dims, _cells(entry["bits"], dims, sizes, f"{array}: {name}")), sizes, array)


def _cells(bits: str, dims: Sequence[str], sizes: Mapping[str, int], what: str) -> NDArray[np.bool_]:
    shape = tuple(sizes.get(dim, 0) for dim in dims)
    count = math.prod(shape)
    packed = -(-count // 8)
    try:
        data = base64.b64decode(bits, validate=True) if len(bits) == 4 * -(-packed // 3) else b""
    except (binascii.Error, ValueError):
        data = b""
    if not count or len(data) != packed:
        raise LabelError(f"{what} must be {count} bits in base64, for axes {dims} of {dict(sizes)}.")
    flags = np.unpackbits(np.frombuffer(data, np.uint8))
    if flags[count:].any():
        raise LabelError(f"{what} has more than {count} bits.")
    return flags[:count].astype(np.bool_).reshape(shape)
