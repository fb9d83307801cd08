"""The adapters of the parts of a neural state machine. No torch is loaded for them.

The names are well known (``_known.py``) and carry their descriptions; every call gives one time step, its
axes as in ``DIMS_OF_NSM``. The memory inside is a ``MemoryAccess`` of the NTM's, which the recorder knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsm_widgets.trace.record._listening import Args, Kwargs
from nsm_widgets.trace.record.sources._adapter import Adapter

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nsm_widgets.nsm.propagator import Propagated

DIMS_OF_NSM: Final = {
    "routed_tokens": ("batch", "state", "channel"),
    "routing_weights": ("batch", "token", "state"),
    "messages": ("batch", "state", "channel"),
    "communication_weights": ("batch", "head", "state", "sender"),
    "state_vectors": ("batch", "state", "channel"),
    "state_update": ("batch", "state"),
    "state_importance": ("batch", "state"),
}
"""The axes of each array, as one call gives it."""


def router_arrays(
    module: object, args: Args, kwargs: Kwargs, output: tuple[Tensor, Tensor]
) -> dict[str, Any]:
    """After a ``TokenToStateRouter``: the tokens as they arrived, and where each went."""
    routed, weights = output
    return {"routed_tokens": routed, "routing_weights": weights}


def communication_arrays(
    module: object, args: Args, kwargs: Kwargs, output: tuple[Tensor, Tensor]
) -> dict[str, Any]:
    """After a ``StateCommunication``: what each state heard, and from whom."""
    messages, weights = output
    return {"messages": messages, "communication_weights": weights}


def propagator_arrays(module: object, args: Args, kwargs: Kwargs, output: Propagated) -> dict[str, Any]:
    """After a ``StatePropagator``: what each state holds, and the mean share of it that is new."""
    return {"state_vectors": output.states, "state_update": output.update.mean(-1)}


def manager_arrays(module: object, args: Args, kwargs: Kwargs, output: object) -> dict[str, Any]:
    """After a ``StateManager``: the importance of each state."""
    return {"state_importance": output}


def masks_given(module: nn.Module, args: Args, kwargs: Kwargs, output: object) -> dict[str, Any]:
    """What a call of one of the parts leaves out: tokens that are padding, states that take no part.

    All parts are given them by keyword, but the manager, whose own the states' mask is.
    """
    del args, output
    tokens, active = kwargs.get("mask"), kwargs.get("active")
    own, number = getattr(module, "active", None), getattr(module, "num_active", 0)
    if own is not None and number < len(own):
        active = own
    found = {} if tokens is None else {"token_mask": tokens}
    return found if active is None else {**found, "state_mask": active, "sender_mask": active}


def _adapter(function: object, *names: str) -> Adapter:
    return Adapter(function, dims={name: DIMS_OF_NSM[name] for name in names}, coords=masks_given)


ROUTER: Final = _adapter(router_arrays, "routed_tokens", "routing_weights")
COMMUNICATION: Final = _adapter(communication_arrays, "messages", "communication_weights")
PROPAGATOR: Final = _adapter(propagator_arrays, "state_vectors", "state_update")
MANAGER: Final = _adapter(manager_arrays, "state_importance")
