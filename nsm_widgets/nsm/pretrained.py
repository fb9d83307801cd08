"""Neural state machines in files, and the one that ships."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from nsm_widgets._model_files import ModelFiles
from nsm_widgets.nsm.config import NSMConfig
from nsm_widgets.nsm.machine import NeuralStateMachine

FILES: Final = ModelFiles("nsm_widgets.nsm", version=2, model=NeuralStateMachine, config=NSMConfig)


def save_checkpoint(
    model: NeuralStateMachine, path: str | os.PathLike[str], info: Mapping[str, Any] | None = None
) -> None:
    """Write a model to one safetensors file, whole or not at all; an existing file is replaced.

    Args:
        model: Its parameters, its initial memory and which states are active are saved.
        path: Where to.
        info: Anything JSON can hold: task, seed, figures. ``checkpoint_info`` gives it back.
    """
    FILES.save(model, path, info)


def load_checkpoint(path: str | os.PathLike[str], *, verify: bool = True) -> NeuralStateMachine:
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


def load_pretrained(name: str = "marked_copy") -> NeuralStateMachine:
    """Load a trained model that ships with the package, in eval mode.

    ``"marked_copy"`` was trained on ``MarkedCopyTask()``: of the tokens of each step it repeats, later and in
    order, those that were marked; ``checkpoint_info(pretrained_path("marked_copy"))`` says how it was made.

    Raises:
        UnknownOptionError: If no such model ships.
    """
    return FILES.load(FILES.shipped(name))


def pretrained_path(name: str = "marked_copy") -> Path:
    """Where a shipped checkpoint lies.

    Raises:
        UnknownOptionError: If no such model ships.
    """
    return FILES.shipped(name)
