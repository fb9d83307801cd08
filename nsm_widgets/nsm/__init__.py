"""A neural state machine: tokens routed to states that talk to each other and drive a memory.

Knows torch and the ``ntm`` room. Each part works alone.
"""

from __future__ import annotations

from nsm_widgets.nsm.communication import StateCommunication
from nsm_widgets.nsm.config import NSMConfig
from nsm_widgets.nsm.machine import NeuralStateMachine
from nsm_widgets.nsm.manager import StateManager
from nsm_widgets.nsm.pretrained import (
    checkpoint_info,
    load_checkpoint,
    load_pretrained,
    pretrained_path,
    save_checkpoint,
)
from nsm_widgets.nsm.propagator import Propagated, StatePropagator
from nsm_widgets.nsm.router import TokenToStateRouter
from nsm_widgets.nsm.state import NSMOutput, NSMState, NSMStep

__all__ = [
    "NSMConfig",
    "NSMOutput",
    "NSMState",
    "NSMStep",
    "NeuralStateMachine",
    "Propagated",
    "StateCommunication",
    "StateManager",
    "StatePropagator",
    "TokenToStateRouter",
    "checkpoint_info",
    "load_checkpoint",
    "load_pretrained",
    "pretrained_path",
    "save_checkpoint",
]
