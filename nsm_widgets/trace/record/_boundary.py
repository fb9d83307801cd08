"""Where an iteration begins: at a forward of the watched model that is given no state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from nsm_widgets.trace.record._hooks import Hooks, calling_frame, in_backward
from nsm_widgets.trace.record._listening import Args, Kwargs
from nsm_widgets.trace.record._recording import Recording

if TYPE_CHECKING:
    from torch import nn


@runtime_checkable
class Boundary(Protocol):
    """Which calls of a model begin an iteration."""

    waits: bool
    """Whether a call without a state waits for what its parts are given, to see if it begins one."""
    has_other_state: bool
    """Whether the call that begins one was given a state, and it is no former call's."""

    def begins(self, args: Args, kwargs: Kwargs) -> bool:
        """Whether a call does, from its arguments."""

    def returned(self, args: Args, kwargs: Kwargs, output: object) -> None:
        """Called when a call has answered."""


@contextmanager
def watched_calls(
    model: nn.Module, boundary: Boundary | None, hooks: Hooks, recording: Recording
) -> Iterator[None]:
    """Tell a recording of the calls of the model as a whole.

    What is hung on inside of the ``with`` is told of a call after this has said that it begins, and before
    this says that it is over.

    Args:
        model: The watched model.
        boundary: Which of its calls begin an iteration; ``None`` where no call does.
        hooks: Where this hangs.
        recording: What is told.
    """
    if boundary is None:
        yield
        return

    def before(_: object, args: Args, kwargs: Kwargs) -> None:
        if not recording.enter(calling_frame()) or in_backward():
            return
        try:
            begins = boundary.begins(args, kwargs)
        except Exception:
            recording.begin_call(anew=True)  # where it belongs is not known: it is left out by itself
            raise
        if begins:
            if boundary.waits and not boundary.has_other_state:
                recording.wait()
            else:
                recording.begin_call(anew=boundary.has_other_state)

    def after(_: object, args: Args, kwargs: Kwargs, output: object) -> None:
        recording.decide()
        recording.leave()
        if output is not None and not recording.is_inside and not in_backward():
            boundary.returned(args, kwargs, output)

    hooks.before(model, before)
    yield
    hooks.after(model, after, always=True)
