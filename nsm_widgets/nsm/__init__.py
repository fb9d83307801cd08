"""A neural state machine: tokens routed to states that talk to each other and drive a memory.

Knows torch and the ``ntm`` room. Each part works alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.nsm.communication import StateCommunication as StateCommunication
    from nsm_widgets.nsm.config import NSMConfig as NSMConfig
    from nsm_widgets.nsm.machine import NeuralStateMachine as NeuralStateMachine
    from nsm_widgets.nsm.manager import StateManager as StateManager
    from nsm_widgets.nsm.pretrained import (
        checkpoint_info as checkpoint_info,
        load_checkpoint as load_checkpoint,
        load_pretrained as load_pretrained,
        pretrained_path as pretrained_path,
        save_checkpoint as save_checkpoint,
    )
    from nsm_widgets.nsm.propagator import Propagated as Propagated, StatePropagator as StatePropagator
    from nsm_widgets.nsm.router import TokenToStateRouter as TokenToStateRouter
    from nsm_widgets.nsm.state import NSMOutput as NSMOutput, NSMState as NSMState, NSMStep as NSMStep
else:
    __getattr__, __dir__ = lazy_face(__name__)
