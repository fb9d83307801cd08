"""Safetensors files: written whole or not at all, read without running anything that is in them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nsm_widgets._errors import CheckpointError


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a file beside ``path`` and move it there in one go: a process that dies leaves the old file."""
    path = Path(path)
    apart = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        save_file(apart, temporary, metadata=dict(metadata))
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # the name must not arrive on disk before the content
        temporary.chmod(0o644)  # mkstemp's 0600 would lock out everybody else
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a file, on the CPU, and its metadata.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is cut short, damaged, or no safetensors file.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"checkpoint {str(path)!r} does not exist. Check the path.")
    if not path.is_file():  # opening a pipe would wait for somebody to write
        raise CheckpointError(f"checkpoint {str(path)!r} must be a file, got a folder, a pipe or a device.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            return tensors, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"checkpoint {str(path)!r} must be a whole safetensors file, got one that cannot be read "
            f"({error}). Was it cut short? Write or fetch it again."
        ) from error
