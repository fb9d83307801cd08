"""DNCs in files, and the one that ships."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nsm_widgets._model_files import ModelFiles
from nsm_widgets.dnc.config import DNCConfig
from nsm_widgets.dnc.model import DNC

FILES: Final = ModelFiles("nsm_widgets.dnc", version=2, model=DNC, config=DNCConfig)

save_checkpoint, load_checkpoint, checkpoint_info = FILES.save, FILES.load, FILES.info


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
