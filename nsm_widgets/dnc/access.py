"""One step of a DNC's memory: free, allocate, write, link, read."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import nn

from nsm_widgets._torch_modes import is_autocast
from nsm_widgets.dnc import addressing
from nsm_widgets.dnc.state import DNCState, DNCStep, Interface
from nsm_widgets.ntm.addressing import content_weights, erase_and_write, read


class DNCAccess(nn.Module):
    """Writes, then reads; holds no parameters and no state. Methods, "Memory addressing".

    Under autocast a step is taken in the memory's own precision: half of it would lose small weights.

    The write head addresses the memory as the last step left it, M(t-1), and makes M(t); the read heads
    address, and read from, M(t). A forward hook on this class therefore sees everything there is to see: its
    input is the interface and the state before, its output all that follows from them.
    """

    writes_to: ClassVar[Literal["before_write"]] = "before_write"
    reads_from: ClassVar[Literal["after_write"]] = "after_write"

    def forward(self, interface: Interface, state: DNCState) -> DNCStep:
        """Take one step.

        Args:
            interface: What the controller asks for, in range (see ``Interface``).
            state: The state the last step returned. It is not changed.

        Raises:
            ShapeError: If a size does not fit the memory.
        """
        memory = state.memory
        if not is_autocast(memory.device):
            return self._step(interface, state)
        with torch.autocast(memory.device.type, enabled=False):
            return self._step(
                Interface(*(part.to(memory.dtype) for part in interface)),
                DNCState(*(part.to(memory.dtype) for part in state)),
            )

    def _step(self, interface: Interface, state: DNCState) -> DNCStep:
        retained = addressing.retention(interface.free_gates, state.read_weights)
        usage = addressing.usage(state.usage, state.write_weights, retained)
        allocation = addressing.allocation_weights(usage)
        write_content = content_weights(
            state.memory, interface.write_key.unsqueeze(1), interface.write_strength.unsqueeze(1)
        ).squeeze(1)
        write_weights = addressing.write_weights(
            write_content, allocation, interface.allocation_gate, interface.write_gate
        )
        memory = erase_and_write(
            state.memory, write_weights.unsqueeze(1), interface.erase.unsqueeze(1), interface.add.unsqueeze(1)
        )

        link = addressing.link(state.link, write_weights, state.precedence)
        precedence = addressing.precedence(state.precedence, write_weights)
        backward, forward = addressing.directional_weights(link, state.read_weights)
        read_content = content_weights(memory, interface.read_keys, interface.read_strengths)
        read_weights = addressing.read_weights(backward, read_content, forward, interface.read_modes)
        return DNCStep(
            state=DNCState(
                memory, usage, precedence, link, write_weights, read_weights, read(memory, read_weights)
            ),
            interface=interface,
            retention=retained,
            allocation_weights=allocation,
            write_content_weights=write_content,
            read_content_weights=read_content,
            backward_weights=backward,
            forward_weights=forward,
        )
