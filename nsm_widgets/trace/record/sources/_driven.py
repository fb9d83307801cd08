"""Sequences of a module within a model: driven step by step by the caller, or by forwards of the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nsm_widgets.trace.record._given_back import GivenBack
from nsm_widgets.trace.record._hooks import Hooks, in_backward
from nsm_widgets.trace.record._listening import Args, Kwargs
from nsm_widgets.trace.record._recording import Recording

if TYPE_CHECKING:
    from torch import nn


class Driven:
    """Tells a recording where a sequence of a module begins, where the watched model's calls do not.

    The caller may drive the module by itself and never call the model. As long as no state is given back, as
    to a memory that is kept on the module, all calls are steps of one iteration.

    Or the model keeps the state of the module between its own calls, of which each takes one step: then they
    are one iteration as long as it gives the state back. Calls that take several steps are one each.

    Args:
        module: The module.
        recording: What is told.
        kept: What the module keeps itself between its calls, if that is known.
        layers: How many calls of it are one step.
    """

    def __init__(
        self, module: nn.Module, recording: Recording, kept: Callable[[], Any] | None = None, layers: int = 1
    ) -> None:
        self._module, self._recording, self._layers = module, recording, layers
        self._boundary = GivenBack(module, kept=kept)
        self._called_in = 0
        self._call = self._calls = 0
        self._looks = False

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on, after those that record."""
        hooks.before(self._module, self._before)
        hooks.after(self._module, self._after)

    def _before(self, _: object, args: Args, kwargs: Kwargs) -> None:
        recording = self._recording
        if in_backward():
            return
        if not recording.is_inside:
            self._looks = True
            begins = self._boundary.begins(args, kwargs) and self._boundary.goes_on
            if begins and self._called_in == recording.seen:  # else another module has begun it
                recording.begin_call(anew=True)
            return
        was_one_step = self._calls == self._layers
        if recording.call_number != self._call:
            self._call, self._calls = recording.call_number, 0
        self._calls += 1
        is_last_layer = 1 < self._calls == self._layers
        self._looks = recording.is_undecided or is_last_layer
        if self._looks and not self._boundary.begins(args, kwargs) and was_one_step:
            recording.go_on()

    def _after(self, _: object, args: Args, kwargs: Kwargs, output: object) -> None:
        if self._looks and not in_backward():
            self._looks = False
            self._called_in = self._recording.seen
            self._boundary.returned(args, kwargs, output)
