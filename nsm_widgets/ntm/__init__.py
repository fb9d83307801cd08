"""The reference model: a Neural Turing Machine after Graves et al. 2014. Knows torch, nothing of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.ntm.access import MemoryAccess as MemoryAccess
    from nsm_widgets.ntm.cell import NTMCell as NTMCell
    from nsm_widgets.ntm.config import NTMConfig as NTMConfig
    from nsm_widgets.ntm.foreign import import_weights as import_weights
    from nsm_widgets.ntm.importance import (
        ablation_importance as ablation_importance,
        gradient_importance as gradient_importance,
    )
    from nsm_widgets.ntm.memory import NTMMemory as NTMMemory
    from nsm_widgets.ntm.model import NTM as NTM
    from nsm_widgets.ntm.pretrained import (
        checkpoint_info as checkpoint_info,
        load_checkpoint as load_checkpoint,
        load_pretrained as load_pretrained,
        pretrained_path as pretrained_path,
        save_checkpoint as save_checkpoint,
    )
    from nsm_widgets.ntm.state import (
        AddressingStages as AddressingStages,
        CellState as CellState,
        HeadParameters as HeadParameters,
        MemoryAccessOutput as MemoryAccessOutput,
        NTMOutput as NTMOutput,
        NTMState as NTMState,
        WriteParameters as WriteParameters,
    )
else:
    __getattr__, __dir__ = lazy_face(__name__)
