"""Masks and labels of a recorder's iterations, as messages: what is new with an iteration, and only that.

A message is a list of entries in JSON. An entry says of some arrays what a coordinate of theirs is from that
iteration on: labels, as ``labels``; a mask, as ``bits``, its cells in row-major order, eight to a byte, the
first one highest, in base64; or, with neither, that there is none any more::

    [{"arrays": ["attention"], "coord": "key_mask", "dims": ["batch", "key"], "bits": "4A=="}]

A mask may have the axis ``time``, as long as its iteration; never ``iteration``.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import LabelError
from nsm_widgets.trace.arrays._coord import Coord, make_coord
from nsm_widgets.trace.arrays._json import dump_json, load_json
from nsm_widgets.trace.arrays._mask import is_mask, make_mask

PAGES = "pages"
"""The one array of a log: messages, cut into pages of one size."""
MOST_MESSAGE = 2**26
"""Bytes of what one iteration may tell anew."""
MOST_JOINED = 2**30
"""Bytes of the masks of all iterations, a byte for each cell, as a trace has them."""

State = dict[tuple[str, str], Coord]
"""What holds at an iteration: by array and coordinate."""


def checked_coords(coords: Mapping[str, Mapping[str, Any]], sizes: Mapping[str, Mapping[str, int]]) -> State:
    """Labels and masks as a source gave them, checked against the sizes of the arrays' axes."""
    return {
        (array, name): (make_mask if is_mask(name) else make_coord)(name, given, sizes[array], array)
        for array, of_one in coords.items()
        for name, given in of_one.items()
    }


def write_changes(before: State, now: State) -> bytes:
    """The message that leads from one state to the next; empty where nothing changed."""
    entries: dict[tuple[Any, ...], dict[str, Any]] = {}
    for array, name in dict.fromkeys((*now, *before)):
        old, new = before.get((array, name)), now.get((array, name))
        if new is None:
            entry: dict[str, Any] = {"coord": name}
            content: Any = None
        elif old is not None and old.dims == new.dims and np.array_equal(old.values, new.values):
            continue
        elif is_mask(name):
            content = base64.b64encode(np.packbits(new.values).tobytes()).decode()
            entry = {"coord": name, "dims": list(new.dims), "bits": content}
        else:
            labels = new.values.tolist()
            content = dump_json(labels)
            entry = {"coord": name, "dims": list(new.dims), "labels": labels}
        key = (name, None if new is None else new.dims, content)
        entries.setdefault(key, {"arrays": [], **entry})["arrays"].append(array)
    return dump_json(list(entries.values())).encode() if entries else b""


def read_changes(message: bytes) -> list[dict[str, Any]]:
    """The entries of a message, their form checked.

    Raises:
        LabelError: If it is none.
    """
    try:
        entries = load_json(message.decode())
    except ValueError as error:
        raise LabelError(f"what is told of masks and labels is no JSON ({error})") from error
    forms = (["arrays", "coord"], ["arrays", "bits", "coord", "dims"], ["arrays", "coord", "dims", "labels"])
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict)
        and sorted(entry) in forms
        and _are_texts(entry["arrays"])
        and isinstance(entry["coord"], str)
        and _are_texts(entry.get("dims", []))
        and isinstance(entry.get("bits", ""), str)
        and isinstance(entry.get("labels", []), list)
        and ("bits" in entry) <= is_mask(entry["coord"])
        and ("labels" in entry) <= (not is_mask(entry["coord"]))
        for entry in entries
    ):
        raise LabelError("what is told of masks and labels is not what a recorder writes")
    return entries


def coord_of(entry: Mapping[str, Any], array: str, sizes: Mapping[str, int]) -> Coord | None:
    """The coordinate of an entry, for an array whose axes have these sizes; ``None`` if there is none.

    Raises:
        LabelError, AxisError: If it does not fit.
    """
    if "dims" not in entry:
        return None
    name, dims = entry["coord"], tuple(entry["dims"])
    if "labels" in entry:
        return make_coord(name, Coord(dims, entry["labels"]), sizes, array)
    return make_mask(name, Coord(dims, _cells(entry["bits"], dims, sizes, f"{array}: {name}")), sizes, array)


def joined_bytes(masks: Mapping[tuple[str, str], set[str]], sizes: Any, length: int) -> int:
    """What masks take that were joined along an axis of that length, by the axes that they have besides."""
    return sum(
        length * math.prod(size for dim, size in sizes[array].items() if dim in dims)
        for (array, _), dims in masks.items()
    )


def _cells(bits: str, dims: Sequence[str], sizes: Mapping[str, int], what: str) -> NDArray[np.bool_]:
    shape = tuple(sizes.get(dim, 0) for dim in dims)
    count = math.prod(shape)
    packed = -(-count // 8)
    try:
        data = base64.b64decode(bits, validate=True) if len(bits) == 4 * -(-packed // 3) else b""
    except (binascii.Error, ValueError):
        data = b""
    if not count or len(data) != packed:
        raise LabelError(f"{what} must be {count} bits in base64, for axes {tuple(dims)} of {dict(sizes)}.")
    flags = np.unpackbits(np.frombuffer(data, np.uint8))
    if flags[count:].any():
        raise LabelError(f"{what} has more than {count} bits.")
    return flags[:count].astype(np.bool_).reshape(shape)


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def pages(message: bytes, page_bytes: int) -> NDArray[np.uint8]:
    """A message cut into pages, ``[page, byte]``, the last one filled up with spaces, which JSON takes."""
    count = -(-len(message) // page_bytes)
    return np.frombuffer(message.ljust(count * page_bytes), np.uint8).reshape(count, page_bytes)


def page_size(message: bytes) -> int:
    """Bytes of a page where the first message is this one: a power of two, so that few are needed."""
    return min(max(2**8, 1 << (len(message) - 1).bit_length()), 2**16)


def each_array(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Each array of each entry, with the entry's place."""
    for place, entry in enumerate(entries):
        for array in entry["arrays"]:
            yield place, array, entry
