"""Writing a file all or nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file beside its place and then give it its name: a reader sees the old one or the new one.

    Raises:
        OSError: If it cannot be written; an older file of that name is then untouched.
    """
    target = Path(path)
    real = Path(os.path.realpath(target))
    descriptor, name = tempfile.mkstemp(prefix=f".{real.name[:80]}.", suffix=".tmp", dir=real.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(real.stat().st_mode & 0o777 if real.exists() else 0o666 & ~umask)
        temporary.replace(real)
    finally:
        temporary.unlink(missing_ok=True)
    return target
