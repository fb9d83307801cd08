"""The codecs of a store: little-endian bytes, zstd, crc32c. Sizes are checked before a decoder runs."""

from __future__ import annotations

import os
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import MissingDependencyError

LEVEL = 1
_MAGIC = b"\x28\xb5\x2f\xfd"


def need_codecs() -> tuple[Any, Any]:
    """The modules that pack and sum.

    Raises:
        MissingDependencyError: If they are not installed, or the system is no POSIX one.
    """
    if os.name != "posix":  # files are opened relative to their folders, so that no link is followed
        raise MissingDependencyError(
            "stores need a POSIX system. Trace.save and Trace.open work on every one."
        )
    try:
        import google_crc32c
        from numcodecs import zstd
    except ImportError as error:
        raise MissingDependencyError(
            "stores need the codecs that come with zarr. pip install 'nsm_widgets[zarr]'"
        ) from error
    return zstd, google_crc32c


def crc32c(data: bytes | NDArray[Any]) -> int:
    """The Castagnoli checksum, as Zarr's codec ``crc32c`` has it.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    return int(need_codecs()[1].value(bytes(data)))


def crc32c_on(before: int, data: bytes) -> int:
    """The checksum of what has that one and this after it.

    >>> crc32c_on(crc32c(b"1234"), b"56789") == crc32c(b"123456789")
    True
    """
    return int(need_codecs()[1].extend(before, data))


def with_sum(data: bytes) -> bytes:
    """The data with its checksum after it."""
    return data + struct.pack("<I", crc32c(data))


def without_sum(data: bytes, *, verify: bool = True) -> bytes:
    """The data before its checksum; unchecked only if that is asked for.

    Raises:
        ValueError: If the checksum is another.
    """
    if len(data) < 4 or (verify and crc32c(data[:-4]) != struct.unpack("<I", data[-4:])[0]):
        raise ValueError("its checksum is wrong: bits were lost or changed")
    return data[:-4]


def pack(chunk: NDArray[Any]) -> bytes:
    """One chunk as its three codecs leave it."""
    little = np.ascontiguousarray(chunk, dtype=chunk.dtype.newbyteorder("<"))
    return pack_bytes(little.reshape(-1).view(np.uint8))


def pack_bytes(data: object) -> bytes:
    """Bytes, packed by zstd, with a checksum."""
    return with_sum(need_codecs()[0].compress(data, LEVEL))


def unpack_bytes(data: bytes, most: int) -> bytes:
    """What :func:`pack_bytes` was given.

    Raises:
        ValueError: If the checksum is wrong, or it unpacks to more than so many bytes.
    """
    data = without_sum(data)
    told = content_size(data)
    if told is None or told > most:
        raise ValueError(f"it unpacks to {told} bytes, {most} are the most there may be")
    try:
        return bytes(need_codecs()[0].decompress(data))
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"it does not unpack ({error})") from error


def unpack(data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], *, verify: bool = True) -> NDArray[Any]:
    """The chunk that was packed, as a new array.

    Raises:
        ValueError: If the checksum is wrong, or the data does not say that it unpacks to just this shape.
    """
    data = without_sum(data, verify=verify)
    values: NDArray[Any] = np.empty(shape, dtype.newbyteorder("<"))
    told = content_size(data)
    if told != values.nbytes:
        raise ValueError(f"it unpacks to {told} bytes, its array needs {values.nbytes}")
    try:
        need_codecs()[0].decompress(data, values.reshape(-1).view(np.uint8))
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"it does not unpack ({error})") from error
    if dtype == np.bool_ and values.size and values.view(np.uint8).max() > 1:
        raise ValueError("it is of type bool and holds other bytes than 0 and 1")
    return values.astype(dtype, copy=False)


def most_packed(count: int) -> int:
    """The most bytes that zstd makes of ``count``, with the checksum."""
    return count + (count >> 8) + 512 + 4


def content_size(data: bytes) -> int | None:
    """What a zstd frame says it unpacks to, in bytes, or None if it does not say, or is no plain frame."""
    if len(data) < 6 or data[:4] != _MAGIC:
        return None
    descriptor = data[4]
    single, dictionary, reserved = descriptor >> 5 & 1, descriptor & 3, descriptor >> 3 & 1
    width = (single, 2, 4, 8)[descriptor >> 6]
    start = 5 if single else 6  # the byte between is the window's size
    if dictionary or reserved or not width or len(data) < start + width:
        return None
    return int.from_bytes(data[start : start + width], "little") + (256 if width == 2 else 0)
