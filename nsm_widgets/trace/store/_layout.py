"""How arrays lie in a store, as Zarr v3 says it in ``zarr.json``; what a reader allows there."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nsm_widgets.trace.arrays._lazy import HeldValues
from nsm_widgets.trace.store._files import refuse

FORMAT = "nsm_widgets.store"
VERSION = 2
"""What is written. Version 1, which is read, had masks and labels as text, and no checksum over names."""
SHARD_STEPS = 64
"""Steps in a shard; fewer, by halves, where so many would be more than ``MOST_SHARD`` bytes."""
MOST_SHARD = 2**27
MOST_SHARD_STEPS = 1024
"""So many steps at most where more are asked for."""
MOST_CHUNK = 2**26
"""Bytes of a chunk that a reader takes."""
MOST_CHUNKS = 2**20
"""Chunks in a shard, each with 16 bytes in its index, that a reader takes."""
MOST_AXES = 8
MOST_VALUES = 2**62
"""Values of an array that a reader takes: their count and bytes still fit into 64 bits."""

_CHUNK = 2**20
_DTYPES = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)))
DTYPES = (*_DTYPES, "float16", "float32", "float64")
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}(?<!\.)\Z")
_TAKEN = ("zarr.json", "steps", "vocabulary", "c", "con", "prn", "aux", "nul")


@dataclass(frozen=True, slots=True)
class Group:
    """Where a rank lies, and what its files carry that they are its."""

    root: Path
    rank: str
    id: str = ""
    """Drawn when the group is made; none in version 1."""
    plain: int = -1
    """How many shards may have no label, as an earlier version began the group; -1 where it did not."""
    verify: bool = True
    """Whether checksums are checked."""

    def label(self, key: str, index: int) -> bytes:
        """What a shard begins with, so that no other one can lie in its place: nothing in version 1."""
        told = f"{self.id} {self.rank} {key} {index}".encode()
        return b"NSMSHARD" + f"{zlib.crc32(told):08x}".encode() if self.id else b""


@dataclass(frozen=True, slots=True)
class ArrayLayout:
    """Where one array lies, and how it is cut into pieces."""

    key: str
    """Its folder."""
    dims: tuple[str, ...]
    dtype: np.dtype[Any]
    shard: tuple[int, ...]
    """Shape of a shard, one file: so many steps, and every other axis whole."""
    chunk: tuple[int, ...]
    """Shape of a chunk, what is packed as one; divides the shard."""
    absent: int = 0
    """What stands in integers and booleans where nothing was written; NaN in floats."""

    @property
    def grid(self) -> tuple[int, ...]:
        """Chunks of a shard along each axis."""
        return tuple(whole // part for whole, part in zip(self.shard, self.chunk, strict=True))

    @property
    def step_shape(self) -> tuple[int, ...]:
        """Shape of one step."""
        return self.shard[1:]

    @property
    def step_bytes(self) -> int:
        """Bytes of one step."""
        return math.prod(self.shard[1:]) * self.dtype.itemsize

    @property
    def fill(self) -> Any:
        """What stands where nothing was written."""
        return np.array(np.nan if self.dtype.kind == "f" else self.absent, self.dtype)

    def shard_name(self, index: int) -> str:
        """The file of a shard, in the array's folder."""
        return ".".join(["c", str(index), *["0"] * (len(self.shard) - 1)])


def choose_key(name: str, taken: Sequence[str]) -> str:
    """The folder for an array: its own name where every file system takes that, else a number.

    >>> choose_key("read_weights", []), choose_key("../Köpfe", ["read_weights"])
    ('read_weights', 'array-1')
    """
    if is_key(name) and name not in taken:
        return name
    key = f"array-{len(taken)}"
    while key in taken:
        key += "_"
    return key


def is_key(key: object) -> bool:
    """Whether this is the name of an array's folder: never a path, never one of the store's own files."""
    return isinstance(key, str) and _KEY.match(key) is not None and key not in _TAKEN


def make_layout(
    key: str, dims: tuple[str, ...], like: HeldValues, steps: int = 0, absent: int = 0
) -> ArrayLayout:
    """How an array with the shape and type of ``like`` is cut, so many steps in a shard; 0 for all."""
    shard = (steps or like.shape[0], *like.shape[1:]) if dims else (1,)
    chunk = choose_chunk(shard, dims or ("item",), like.dtype.itemsize)
    return ArrayLayout(key, dims or ("item",), like.dtype, shard, chunk, absent)


def choose_chunk(shard: tuple[int, ...], dims: Sequence[str], itemsize: int) -> tuple[int, ...]:
    """The shape of a chunk: all steps of one batch item where that is 1 MiB at most.

    Where it is more, fewer steps, then less of the longest axis; where it is less, several batch items.

    >>> choose_chunk((64, 8, 128, 20), ("time", "batch", "slot", "word"), 4)
    (64, 1, 128, 20)
    >>> choose_chunk((64, 8, 4, 20), ("time", "batch", "head", "slot"), 4)
    (64, 8, 4, 20)
    >>> choose_chunk((64, 8, 1024, 64), ("time", "batch", "slot", "word"), 4)
    (4, 1, 1024, 64)
    """
    chunk = list(shard)
    batch = dims.index("batch") if "batch" in dims else None
    if batch is not None:
        chunk[batch] = 1
    while math.prod(chunk) * itemsize > _CHUNK and max(chunk) > 1:
        axis = 0 if chunk[0] > 1 else chunk.index(max(chunk))
        chunk[axis] //= _smallest_factor(chunk[axis])
    if batch is not None:
        alone = math.prod(chunk) * itemsize
        sizes = (size for size in range(shard[batch], 0, -1) if shard[batch] % size == 0)
        chunk[batch] = next((size for size in sizes if size * alone <= _CHUNK), 1)
    return tuple(chunk)


def _smallest_factor(number: int) -> int:
    return next((factor for factor in range(2, math.isqrt(number) + 1) if number % factor == 0), number)


def group_sum(rank: str, ours: Mapping[str, Any], arrays: Mapping[str, tuple[ArrayLayout, Any]]) -> str:
    """The checksum over all that a group says of itself and its arrays, but for how long they are.

    Args:
        rank: The group's name.
        ours: What it says under our name.
        arrays: Layout and attributes of each array, by its folder.
    """
    told = {
        key: [layout.dims, layout.dtype.name, layout.shard, layout.chunk, layout.absent, attrs]
        for key, (layout, attrs) in arrays.items()
    }
    named = {name: value for name, value in ours.items() if name != "checksum"}
    return f"{zlib.crc32(json.dumps([rank, named, told], sort_keys=True).encode()):08x}"


def array_metadata(layout: ArrayLayout, length: int, attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The ``zarr.json`` of an array of that length along its first axis."""
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    plain = {"name": "bytes"} if layout.dtype.itemsize == 1 else little
    inner = [plain, {"name": "zstd", "configuration": {"level": 1, "checksum": False}}, {"name": "crc32c"}]
    sharding = {
        "chunk_shape": list(layout.chunk),
        "codecs": inner,
        "index_codecs": [little, {"name": "crc32c"}],
        "index_location": "end",
    }
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [length, *layout.shard[1:]],
        "data_type": layout.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(layout.shard)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": "NaN" if layout.dtype.kind == "f" else layout.fill.item(),
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "dimension_names": list(layout.dims),
        "attributes": dict(attrs),
    }


TEXTS = ("string", "", {"name": "vlen-utf8"})
"""Type, fill value and first codec of an array of texts."""


def plain_metadata(
    shape: Sequence[int], chunk: Sequence[int], dims: Sequence[str], kind: tuple[str, Any, dict[str, Any]]
) -> dict[str, Any]:
    """The ``zarr.json`` of an array without shards, for its type, fill value and first codec."""
    data_type, fill, first = kind
    zstd = {"name": "zstd", "configuration": {"level": 1, "checksum": False}}
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": fill,
        "codecs": [first, zstd, {"name": "crc32c"}],
        "dimension_names": list(dims),
        "attributes": {},
    }


def read_layout(
    root: Path, where: str, key: str, found: Mapping[str, Any], absent: int = 0
) -> tuple[ArrayLayout, dict[str, Any]]:
    """An array's layout and attributes from its ``zarr.json``.

    What is written there must be what :func:`array_metadata` writes, but for the length, the attributes and
    zstd's level: nothing else is ever handed to a decoder.

    Raises:
        TraceFileError: If it is anything else.
    """

    def check(holds: bool, what: str) -> None:
        if not holds:
            raise refuse(root, f"{where}/zarr.json {what}")

    dtype_name, dims, attrs = (found.get(name) for name in ("data_type", "dimension_names", "attributes"))
    check(dtype_name in DTYPES, f"has data_type {str(dtype_name)[:60]!r}, allowed are {', '.join(DTYPES)}")
    check(isinstance(attrs, dict), "must have attributes, an object")
    shape = _sizes(found.get("shape"))
    shard = _sizes(_inside(found, "chunk_grid", "configuration", "chunk_shape"))
    chunk = _sizes(_inside(found, "codecs", 0, "configuration", "chunk_shape"))
    check(shape is not None and shard is not None and chunk is not None, "must have sizes above 0")
    check(0 not in (*(shard or ()), *(chunk or ())), "must have sizes above 0")
    assert shape is not None and shard is not None and chunk is not None and isinstance(attrs, dict)
    check(len(shape) == len(shard) == len(chunk) <= MOST_AXES, f"must have 1 to {MOST_AXES} axes")
    check(isinstance(dims, list) and len(dims) == len(shape), "must name each axis")
    assert isinstance(dims, list)
    check(all(isinstance(dim, str) for dim in dims), "must name each axis")
    layout = ArrayLayout(key, tuple(dims), np.dtype(str(dtype_name)), shard, chunk, absent)
    check(shape[1:] == shard[1:], "must have shards that are whole in every axis but the first")
    check(
        all(whole % part == 0 for whole, part in zip(shard, chunk, strict=True)), "has chunks that do not fit"
    )
    chunk_bytes = math.prod(chunk) * layout.dtype.itemsize
    check(chunk_bytes <= MOST_CHUNK, f"has chunks of {chunk_bytes} bytes, more than {MOST_CHUNK}")
    check(math.prod(layout.grid) <= MOST_CHUNKS, f"has shards of more than {MOST_CHUNKS} chunks")
    check(math.prod(shape) * layout.dtype.itemsize < MOST_VALUES, "has more values than can be counted")
    expected = array_metadata(layout, shape[0], attrs)
    for name in sorted({*expected, *found}):
        check(
            _alike(name, found.get(name), expected.get(name)),
            f"has {name} = {str(found.get(name))[:200]}, which no store of ours has",
        )
    return layout, attrs


def _alike(name: str, found: object, expected: object) -> bool:
    """Whether a part of the metadata is the one expected, as other programs may write it."""
    if name == "storage_transformers":
        return found in (None, [])
    if name == "codecs":
        found, expected = _without_level(found), _without_level(expected)
    return bool(found == expected)


def _without_level(codecs: Any) -> Any:  # of JSON
    """The codecs, but for zstd's level and the byte order of single bytes, which change nothing."""
    inner = _inside(codecs, 0, "configuration", "codecs")
    level = _inside(inner, 1, "configuration", "level")
    if not isinstance(inner, list) or type(level) is not int:
        return codecs
    zstd = {**inner[1], "configuration": {**inner[1]["configuration"], "level": 1}}
    configuration = {**codecs[0]["configuration"], "codecs": [inner[0], zstd, *inner[2:]]}
    return [{**codecs[0], "configuration": configuration}, *codecs[1:]]


def _inside(value: object, *keys: str | int) -> Any:
    """What lies there in a JSON value, or None."""
    for key in keys:
        if isinstance(key, int) and isinstance(value, list) and key < len(value):
            value = value[key]
        elif isinstance(key, str) and isinstance(value, dict):
            value = value.get(key)
        else:
            return None
    return value


def _sizes(value: object) -> tuple[int, ...] | None:
    """Sizes of 1 to 2^40, 1 to 8 of them, the first one perhaps 0, or None."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_AXES:
        return None
    if not all(type(size) is int and 0 <= size <= 2**40 for size in value) or 0 in value[1:]:
        return None
    return tuple(value)
