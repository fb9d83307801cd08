"""The reference model: a Neural Turing Machine after Graves et al. 2014. Knows torch, nothing of ours."""

from __future__ import annotations

from nsm_widgets.ntm.access import MemoryAccess
from nsm_widgets.ntm.cell import NTMCell
from nsm_widgets.ntm.config import NTMConfig
from nsm_widgets.ntm.foreign import import_weights
from nsm_widgets.ntm.importance import ablation_importance, gradient_importance
from nsm_widgets.ntm.memory import NTMMemory
from nsm_widgets.ntm.model import NTM
from nsm_widgets.ntm.pretrained import (
    checkpoint_info,
    load_checkpoint,
    load_pretrained,
    pretrained_path,
    save_checkpoint,
)
from nsm_widgets.ntm.state import (
    AddressingStages,
    CellState,
    HeadParameters,
    MemoryAccessOutput,
    NTMOutput,
    NTMState,
    WriteParameters,
)

__all__ = [
    "NTM",
    "AddressingStages",
    "CellState",
    "HeadParameters",
    "MemoryAccess",
    "MemoryAccessOutput",
    "NTMCell",
    "NTMConfig",
    "NTMMemory",
    "NTMOutput",
    "NTMState",
    "WriteParameters",
    "ablation_importance",
    "checkpoint_info",
    "gradient_importance",
    "import_weights",
    "load_checkpoint",
    "load_pretrained",
    "pretrained_path",
    "save_checkpoint",
]
