"""A Differentiable Neural Computer after Graves et al. 2016. Knows torch and the ``ntm`` room."""

from __future__ import annotations

from nsm_widgets.dnc.access import DNCAccess
from nsm_widgets.dnc.config import DNCConfig
from nsm_widgets.dnc.model import DNC
from nsm_widgets.dnc.pretrained import (
    checkpoint_info,
    load_checkpoint,
    load_pretrained,
    pretrained_path,
    save_checkpoint,
)
from nsm_widgets.dnc.state import DNCCellState, DNCOutput, DNCState, DNCStep, Interface

__all__ = [
    "DNC",
    "DNCAccess",
    "DNCCellState",
    "DNCConfig",
    "DNCOutput",
    "DNCState",
    "DNCStep",
    "Interface",
    "checkpoint_info",
    "load_checkpoint",
    "load_pretrained",
    "pretrained_path",
    "save_checkpoint",
]
