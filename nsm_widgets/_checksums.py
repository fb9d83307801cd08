"""Checksums of what lies in files: CRC-32, as gzip and PNG have it, of each block of 16 MiB.

A safetensors file of ours is sealed: its metadata has, as JSON, ``blocks``, for each tensor its type, its
shape and the checksums of its blocks, and ``checksum``, that of all metadata.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

BLOCK: Final = 2**24
CHANGED: Final = "its checksum is wrong: bits were lost or changed"


class Sealed(NamedTuple):
    """What a file says of one of its tensors."""

    dtype: str
    shape: tuple[int, ...]
    sums: list[int]


def block_sums(data: Any) -> list[int]:  # NumPy tells of its buffers in types from Python 3.12 on
    """The checksum of each block of a C-contiguous buffer."""
    view = memoryview(data).cast("B")
    return [zlib.crc32(view[start : start + BLOCK]) for start in range(0, len(view), BLOCK)]


def text_sum(text: str) -> int:
    """The checksum of a text.

    >>> hex(text_sum("123456789"))
    '0xcbf43926'
    """
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def seal(
    metadata: Mapping[str, str], tensors: Iterable[tuple[str, str, tuple[int, ...], Any]]
) -> dict[str, str]:
    """Metadata with the checksums of a file.

    Args:
        metadata: What else it says.
        tensors: Name, type, shape and bytes of each.
    """
    blocks = {name: [dtype, list(shape), block_sums(data)] for name, dtype, shape, data in tensors}
    told = {**metadata, "blocks": json.dumps(blocks)}
    return {**told, "checksum": f"{_sum_of(told):08x}"}


def read_seal(metadata: Mapping[str, str]) -> dict[str, Sealed] | None:
    """What a file says of its tensors; ``None`` of one that is not sealed.

    Raises:
        ValueError: If that is damaged.
    """
    if "checksum" not in metadata and "blocks" not in metadata:
        return None
    told = {name: value for name, value in metadata.items() if name != "checksum"}
    if metadata.get("checksum") != f"{_sum_of(told):08x}" or "blocks" not in told:
        raise ValueError(CHANGED)
    blocks = json.loads(told["blocks"])
    return {name: Sealed(dtype, tuple(shape), sums) for name, (dtype, shape, sums) in blocks.items()}


def check_sealed(sealed: Sealed, dtype: str, shape: tuple[int, ...], data: Any = None) -> None:  # likewise
    """Refuse a tensor that is not the one that was saved; without ``data``, its bytes are looked at later.

    Raises:
        ValueError: If it is another.
    """
    if (sealed.dtype, sealed.shape) != (dtype, shape):
        raise ValueError(f"it has {shape} values of {dtype}, and {sealed.shape} of {sealed.dtype} were saved")
    if data is not None and block_sums(data) != sealed.sums:
        raise ValueError(CHANGED)


def _sum_of(metadata: Mapping[str, str]) -> int:
    return text_sum(json.dumps(dict(metadata), sort_keys=True))
