"""The adapter of a DNC's memory. No torch is loaded for it.

The names are well known (``_known.py``) and carry their axes and descriptions; what is otherwise than with an
NTM stands in ``KINDS_OF_DNC``, ``SAID_OF_DNC`` and ``SEEN_BY_DNC``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.record._listening import Args, Kwargs
from nsm_widgets.trace.record.sources._adapter import Adapter

if TYPE_CHECKING:
    from nsm_widgets.dnc import DNCStep

READ_MODES: Final = ("backward", "content", "forward")
"""Labels of the axis ``mode``."""

KINDS_OF_DNC: Final = {"read_weights": "shares", "write_weights": "shares"}
"""A DNC's weights sum to 1 at most: writing is shut off by the write gate, and links may lead nowhere."""

SAID_OF_DNC: Final = {
    "read_weights": "backward, content and forward weights, mixed by the read modes",
    "write_weights": "allocation and content weights, mixed by the allocation gate, times the write gate",
    "read_strength": "read key strength, >= 1",
    "write_strength": "write key strength, >= 1",
}
"""Descriptions of what an NTM has by the same name, and comes to otherwise."""

SEEN_BY_DNC: Final = {
    "write_weights": "before_write",
    "write_content_weights": "before_write",
    "read_weights": "after_write",
    "read_content_weights": "after_write",
}
"""The memory that each weighting was applied to: a DNC writes first, then reads."""


def memory_before(module: object, args: Args, kwargs: Kwargs) -> Any:
    """The memory before a step, from what a ``DNCAccess`` is called with."""
    state = args[1] if len(args) > 1 else kwargs["state"]
    return state.memory


def dnc_access_arrays(module: object, args: Args, kwargs: Kwargs, output: DNCStep) -> dict[str, Any]:
    """The tensors of one step, batch leading; to be called after a ``nsm_widgets.dnc.DNCAccess``.

    The one write head has an axis of its own, ``head``, as views expect it of weights.

    Args:
        module: The access.
        args: What it was called with.
        kwargs: Likewise.
        output: The ``DNCStep`` that it returned.
    """
    state, interface = output.state, output.interface
    return {
        "memory": state.memory,
        "read_weights": state.read_weights,
        "read_content_weights": output.read_content_weights,
        "read_key": interface.read_keys,
        "read_strength": interface.read_strengths,
        "write_weights": state.write_weights[:, None],
        "write_content_weights": output.write_content_weights[:, None],
        "write_key": interface.write_key[:, None],
        "write_strength": interface.write_strength[:, None],
        "read_vectors": state.read_vectors,
        "write_erase": interface.erase[:, None],
        "write_add": interface.add[:, None],
        "usage": state.usage,
        "retention": output.retention,
        "allocation_weights": output.allocation_weights,
        "precedence": state.precedence,
        "link": state.link,
        "backward_weights": output.backward_weights,
        "forward_weights": output.forward_weights,
        "read_modes": interface.read_modes,
        "free_gate": interface.free_gates,
        "allocation_gate": interface.allocation_gate[:, None],
        "writing_gate": interface.write_gate[:, None],
    }


NAMES_OF_DNC: Final = (
    *("memory", "read_weights", "read_content_weights", "read_key", "read_strength"),
    *("write_weights", "write_content_weights", "write_key", "write_strength"),
    *("read_vectors", "write_erase", "write_add", "usage", "retention", "allocation_weights", "precedence"),
    *("link", "backward_weights", "forward_weights", "read_modes"),
    *("free_gate", "allocation_gate", "writing_gate"),
)
"""What :func:`dnc_access_arrays` gives, in its order; a test holds them equal."""

DNC_ADAPTER: Final = Adapter(
    dnc_access_arrays,
    dims={name: KNOWN[name].dims[1:] for name in NAMES_OF_DNC},
    kinds=KINDS_OF_DNC,
    memory_seen=SEEN_BY_DNC,
    initial=memory_before,
    coords={"mode": READ_MODES},
    descriptions=SAID_OF_DNC,
)
