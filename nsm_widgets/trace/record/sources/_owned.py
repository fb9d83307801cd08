"""Sources of steps that belong to a whole model: its forwards are sequences, with an input and an output."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.record._hooks import Hooks, Observer, Owner, in_backward
from nsm_widgets.trace.record._listening import Args, Kwargs
from nsm_widgets.trace.record._select import Select
from nsm_widgets.trace.record.sources._driven import Driven
from nsm_widgets.trace.record.sources._source import Source

if TYPE_CHECKING:
    from torch import nn

    from nsm_widgets.dnc import DNCOutput
    from nsm_widgets.nsm import NSMOutput
    from nsm_widgets.ntm import NTMOutput


class OwnedSource(Source):
    """One step at each call of a module, and the start, input and output of the sequences of its owner.

    Args:
        path: The path of the module, for messages and for ``select``.
        module: What takes a step at each call.
        owner: The model that it belongs to, if any: its path begins the names, where they need a beginning.
        steps: The names of the arrays that a call gives.
        sequences: What this source takes of the owner's whole forwards.
    """

    def __init__(
        self,
        path: str,
        module: nn.Module,
        owner: Owner | None,
        steps: Sequence[str],
        sequences: Sequence[str] = (),
    ) -> None:
        super().__init__(path, module)
        self.owner = owner
        self.scope = path if owner is None else owner.path
        self.leads = True
        """Whether it is the one that says where a sequence of the owner starts; one of its sources does."""
        self._steps = tuple(steps)
        self._sequences = tuple(sequences)

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.module.forward)

    def choose(self, select: Select) -> None:
        """Take in what is to be recorded; path and type of the owner count as its own."""
        if self.owner is not None and select.wants_module(self.owner.path, self.owner.module):
            return
        super().choose(select)

    def names(self) -> Sequence[str]:
        """All that a step gives, and the sequences of the owner."""
        return (*self._steps, *self._sequences)

    def can_tell(self, model: object) -> bool:
        """Whether it is given its state by somebody else than a model of ours."""
        return self.owner is None and self.module is not model and "state" in self._signature.parameters

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        if self.can_tell(hooks.model):
            Driven(self.module, self._recording).install(hooks)
        self._step_names = [name for name in self._steps if self.wants(name)]
        switch = hooks.switched(self.module, self.step_hook())
        switch(True)
        self._recording.listen.append(switch)  # it is off while an iteration passes by
        if self.owner is not None and self.leads:
            hooks.before(self.owner.module, self.on_sequence_start)
        if self.owner is not None and self._sequences:
            hooks.after(self.owner.module, self.on_sequence_end)

    def step_hook(self) -> Observer:
        """What is hung on the module."""
        return self._recording.guarded(self.on_step)

    def on_step(self, module: object, args: Args, kwargs: Kwargs, output: Any) -> None:  # of any module
        """Forward hook of the module: one time step."""
        raise NotImplementedError

    def on_sequence_start(self, _: object, args: Args, kwargs: Kwargs) -> None:
        """Forward pre-hook of the owner: a forward from no state, its second argument, starts a sequence."""
        state = args[1] if len(args) > 1 else kwargs.get("state")
        if state is not None or in_backward():
            return
        if not self._recording.is_inside:  # called by itself, not by the model that is watched
            self._recording.begin()
        part = self._recording.part(self.index)
        if part is not None:
            part.starts.append(part.num_steps)

    def on_sequence_end(
        self, _: object, args: Args, kwargs: Kwargs, output: NTMOutput | DNCOutput | NSMOutput
    ) -> None:
        """Forward hook of the owner: what it gives of all steps of a sequence."""
        if self._recording.is_passing_by or in_backward():
            return
        for name in self._sequences:
            if not self.wants(name):
                continue
            tensor = output.outputs if name == "output" else args[0] if args else kwargs["inputs"]
            self._recording.whole(self.index, name, tensor, self.prefix)

    def order(self, names: Sequence[str]) -> list[str]:
        """In the order of the table, whatever the order of the hooks."""
        return [name for name in KNOWN if name in names]
