"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nsm_widgets._errors import FileThereError, MissingFileError
from nsm_widgets._options import check_path


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it lies in, where they are not there.

    Raises:
        FileThereError: If there is a file where a folder must be.
        OSError: What the system says otherwise.
    """
    check_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        raise FileThereError(
            f"{folder} must be a folder or a path of none yet, and {there} is a file. Choose another path."
        ) from error


def check_lies_in_folder(path: Path) -> None:
    """Refuse a path to what is to be written, in a folder that is not there.

    Raises:
        MissingFileError: If there is none, or a file in its place.
    """
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise MissingFileError(
            f"{path} must lie in a folder that is there, and {folder} is none. Make it first."
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file in a hidden folder beside ``path`` that takes its place at the end, all or nothing.

    The older file's permissions are kept, and a symbolic link keeps pointing at it. (A folder, because
    safetensors itself writes to yet another temporary file beside the one it is told.)
    """
    check_path(path)
    target = Path(os.path.realpath(path))
    check_lies_in_folder(path)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name[:80]}.", suffix=".tmp", dir=target.parent))
    temporary = folder / "whole"
    try:
        temporary.touch()
        mode = (target if target.is_file() else temporary).stat().st_mode & 0o777
        yield temporary
        temporary.chmod(mode)
        _sync(temporary)
        temporary.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if os.name == "posix":  # other systems cannot open a folder
        _sync(target.parent)


def _sync(path: Path) -> None:
    """Wait until the file, or the names in the folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() or os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
