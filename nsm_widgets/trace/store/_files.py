"""Files of a store: written whole, read without ever leaving the store."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nsm_widgets._errors import TraceFileError
from nsm_widgets._text import printable
from nsm_widgets.trace.arrays._json import load_json

MOST_JSON = 2**20
"""Bytes of a JSON file in a store; a longer one is refused unread."""

_LONGEST_REASON = 600


hook: Callable[[str], None] | None = None
"""Called at each stage of writing; tests put here what ends the process."""


def stage(name: str) -> None:
    """Tell that writing has come so far."""
    if hook is not None:
        hook(name)


def refuse(
    path: Path, why: str, whole: str = "store", remedy: str = "Use another copy, or record the run again."
) -> TraceFileError:
    """The error that a damaged store, or file, is told with; it may hold any name, of any length."""
    why = why if len(why) <= _LONGEST_REASON else why[: _LONGEST_REASON - 1] + "…"
    return TraceFileError(printable(f"{path} must be a whole {whole}, but {why.rstrip('.')}. {remedy}"))


def write_whole(folder: Path, name: str, parts: Iterable[Any], *, scratch: str = "") -> None:
    """Write a file beside its place, bring it to the disk, then give it its name: all or nothing.

    The name itself is on the disk once the folder is, see :func:`sync_folder`. What a kill leaves behind is
    one hidden file that the next writer of the same name writes over.
    """
    temporary = folder / f".{name}{scratch}.tmp"
    stage(f"{name}: begin")
    try:
        with temporary.open("wb", buffering=0) as file:
            for part in parts:
                _write_all(file.fileno(), part)
                stage(f"{name}: partly written")
            os.fsync(file.fileno())
        stage(f"{name}: synced")
        os.replace(temporary, folder / name)  # noqa: PTH105 - tests watch the calls of os
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    stage(f"{name}: named")


def _write_all(descriptor: int, part: Any) -> None:  # of a buffer: see block_sums
    view = memoryview(part).cast("B")
    while len(view):
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; systems other than POSIX cannot open one."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file that nobody needs any more; if that fails it only takes room."""
    with suppress(OSError):
        path.unlink()


def open_inside(root: Path, *parts: str) -> int:
    """A descriptor of a plain file below ``root``; no link is followed on the way.

    Raises:
        FileNotFoundError: If there is none.
        TraceFileError: If it, or a folder on the way, is a link, or it is no plain file.
    """
    here = os.open(root, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        for place, part in enumerate(parts):
            last = place == len(parts) - 1
            flags = os.O_RDONLY | os.O_NOFOLLOW | (os.O_NONBLOCK if last else os.O_DIRECTORY)
            inner = os.open(part, flags, dir_fd=here)
            os.close(here)
            here = inner
        if not stat.S_ISREG(os.fstat(here).st_mode):
            raise refuse(root, f"{'/'.join(parts)} is no plain file")
        descriptor, here = here, -1
        return descriptor
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise refuse(
                root, f"{'/'.join(parts)} leads over a link, or over a file as if a folder"
            ) from error
        raise refuse(root, f"{'/'.join(parts)} cannot be opened ({error.strerror})") from error
    finally:
        if here >= 0:
            os.close(here)


def read_inside(root: Path, *parts: str, most: int = MOST_JSON) -> bytes:
    """All bytes of a plain file below ``root``.

    Raises:
        FileNotFoundError: If there is none.
        TraceFileError: If it is larger than ``most``, or as :func:`open_inside` says.
    """
    descriptor = open_inside(root, *parts)
    try:
        size = os.fstat(descriptor).st_size
        if size > most:
            raise refuse(root, f"{'/'.join(parts)} has {size} bytes, more than {most}")
        return read_at(descriptor, 0, size)
    finally:
        os.close(descriptor)


def read_at(descriptor: int, offset: int, count: int) -> bytes:
    """That many bytes from there on, fewer where the file ends."""
    data = os.pread(descriptor, count, offset)
    while 0 < len(data) < count:  # a signal, or more than a read takes at once
        more = os.pread(descriptor, count - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def read_json(root: Path, *parts: str) -> dict[str, Any]:
    """A JSON object below ``root``.

    Raises:
        FileNotFoundError: If there is none.
        TraceFileError: If it is too long, or no JSON object.
    """
    try:
        value = load_json(read_inside(root, *parts).decode())
    except ValueError as error:
        if isinstance(error, TraceFileError):
            raise
        raise refuse(root, f"{'/'.join(parts)} is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise refuse(root, f"{'/'.join(parts)} must hold a JSON object")
    return value
