"""Safetensors files: written whole or not at all, read without running anything that is in them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nsm_widgets._checksums import check_sealed, read_seal, seal
from nsm_widgets._errors import CheckpointError, MissingFileError, warn_or_log
from nsm_widgets._options import check_flag, check_path
from nsm_widgets._replacing import replacing


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a file beside ``path`` and move it there in one go: a process that dies leaves the old file.

    Raises:
        CheckpointError: If it cannot be written.
    """
    apart = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    sealed = seal(metadata, (_told(*each) for each in apart.items()))
    with replacing(Path(path)) as temporary:
        try:
            save_file(apart, temporary, metadata=sealed)
        except SafetensorError as error:
            raise CheckpointError(
                f"{path} must have room for the model, and could not be written ({error}). Save it elsewhere."
            ) from error


def _told(name: str, tensor: Tensor) -> tuple[str, str, tuple[int, ...], Any]:
    """What a seal says of a tensor."""
    data = tensor.reshape(-1).view(torch.uint8).numpy()
    return name, str(tensor.dtype), tuple(tensor.shape), data


def read_tensors(
    path: str | os.PathLike[str], *, verify: bool = True
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a file, on the CPU, and its metadata.

    Args:
        path: The file.
        verify: Whether checksums are checked.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is cut short, damaged, or no safetensors file.
    """
    check_path(path)
    check_flag(verify, "verify")
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"checkpoint {str(path)!r} does not exist. Check the path.")
    if not path.is_file():  # opening a pipe would wait for somebody to write
        raise CheckpointError(f"checkpoint {str(path)!r} must be a file, got a folder, a pipe or a device.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            metadata = dict(file.metadata() or {})
            if verify:
                _verify(path, tensors, metadata)
            return tensors, metadata
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"checkpoint {str(path)!r} must be a whole safetensors file, got one that cannot be read "
            f"({error}). Was it cut short? Write or fetch it again."
        ) from error


def check_is_sealed(path: str | os.PathLike[str], metadata: Mapping[str, str], first: str) -> None:
    """Refuse a file without checksums, which all but those of the first format have.

    Raises:
        CheckpointError: If it is one.
    """
    if metadata.get("format") != first and "checksum" not in metadata:
        raise CheckpointError(
            f"checkpoint {os.fspath(path)!r} must be a whole safetensors file, but its checksums are "
            "missing. Write or fetch it again, or pass verify=False."
        )


def _verify(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Refuse what is not as it was saved; a file of an earlier version opens with a word."""
    sealed = read_seal(metadata)
    if sealed is None:
        if not path.is_relative_to(Path(__file__).parent):  # what ships is checked as part of the package
            warn_or_log(
                f"checkpoint {str(path)!r} is of an earlier version and has no checksums: damage to it may "
                "not be seen. Load it and save it anew to have some."
            )
        return
    if sealed.keys() != tensors.keys():
        raise ValueError(f"{sorted(sealed.keys() ^ tensors.keys())[0]!r} is missing, or was not saved")
    for name, tensor in tensors.items():
        check_sealed(sealed[name], *_told(name, tensor)[1:])
