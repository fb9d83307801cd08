"""DNCs in files, and the one that ships."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from nsm_widgets._model_files import ModelFiles
from nsm_widgets.dnc.config import DNCConfig
from nsm_widgets.dnc.model import DNC

FILES: Final = ModelFiles("nsm_widgets.dnc", version=2, model=DNC, config=DNCConfig)


def save_checkpoint(model: DNC, path: str | os.PathLike[str], info: Mapping[str, Any] | None = None) -> None:
    """Write a model to one safetensors file, whole or not at all; an existing file is replaced.

    Args:
        model: Its parameters are saved, on whatever device they are.
        path: Where to.
        info: Anything JSON can hold: task, seed, figures. ``checkpoint_info`` gives it back.
    """
    FILES.save(model, path, info)


def load_checkpoint(path: str | os.PathLike[str], *, verify: bool = True) -> DNC:
    """Read a model written by ``save_checkpoint``, on the CPU and in eval mode.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is damaged, foreign, or its tensors do not fit its config.
    """
    return FILES.load(path, verify=verify)


def checkpoint_info(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What was saved beside the model: task, seed, training figures.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is damaged or foreign.
    """
    return FILES.info(path)


def load_pretrained(name: str = "copy") -> DNC:
    """Load a trained model that ships with the package, in eval mode.

    ``"copy"`` was trained on the copy task of Graves et al. 2014 (section 4.1) at lengths 1 to 20;
    ``checkpoint_info(pretrained_path("copy"))`` says how it was made.

    Raises:
        UnknownOptionError: If no such model ships.
    """
    return FILES.load(FILES.shipped(name))


def pretrained_path(name: str = "copy") -> Path:
    """Where a shipped checkpoint lies.

    Raises:
        UnknownOptionError: If no such model ships.
    """
    return FILES.shipped(name)
