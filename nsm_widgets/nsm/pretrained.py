"""Neural state machines in files, and the one that ships."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nsm_widgets._model_files import ModelFiles
from nsm_widgets.nsm.config import NSMConfig
from nsm_widgets.nsm.machine import NeuralStateMachine

FILES: Final = ModelFiles("nsm_widgets.nsm", version=2, model=NeuralStateMachine, config=NSMConfig)

save_checkpoint, load_checkpoint, checkpoint_info = FILES.save, FILES.load, FILES.info


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
