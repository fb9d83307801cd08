"""NTMs in files, and those that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nsm_widgets._model_files import ModelFiles
from nsm_widgets.ntm.config import NTMConfig
from nsm_widgets.ntm.model import NTM

FILES: Final = ModelFiles("nsm_widgets.ntm", version=2, model=NTM, config=NTMConfig)

save_checkpoint, load_checkpoint, checkpoint_info = FILES.save, FILES.load, FILES.info


def load_pretrained(name: str = "copy") -> NTM:
    """Load a trained model that ships with the package, in eval mode.

    The tasks are those of Graves et al. 2014, section 4; each model has the paper's memory of 128 x 20, an
    LSTM of 100 units, one read and one write head, but for ``"priority-sort"`` (feed-forward, 4 + 4 heads).
    ``"copy"`` was trained at lengths 1 to 20 and copies 120 vectors; ``"repeat-copy"`` was trained at lengths
    and counts 1 to 10, and says ten vectors ten times; ``"associative-recall"`` was trained on 2 to 6 items
    and recalls from 12, and mostly from 20; ``"ngrams"`` guesses nearly as well as can be.
    ``"priority-sort"`` has learned part of its task: ``docs/models.md`` says how much.
    ``checkpoint_info(pretrained_path(name))`` says how a model was made.

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
