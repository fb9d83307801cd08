"""A Differentiable Neural Computer after Graves et al. 2016. Knows torch and the ``ntm`` room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.dnc.access import DNCAccess as DNCAccess
    from nsm_widgets.dnc.config import DNCConfig as DNCConfig
    from nsm_widgets.dnc.model import DNC as DNC
    from nsm_widgets.dnc.pretrained import (
        checkpoint_info as checkpoint_info,
        load_checkpoint as load_checkpoint,
        load_pretrained as load_pretrained,
        pretrained_path as pretrained_path,
        save_checkpoint as save_checkpoint,
    )
    from nsm_widgets.dnc.state import (
        DNCCellState as DNCCellState,
        DNCOutput as DNCOutput,
        DNCState as DNCState,
        DNCStep as DNCStep,
        Interface as Interface,
    )
else:
    __getattr__, __dir__ = lazy_face(__name__)
