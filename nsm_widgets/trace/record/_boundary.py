"""Where an iteration begins: at a forward of the watched model that is given no state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from nsm_widgets.trace.record._hooks import Hooks, in_backward
from nsm_widgets.trace.record._recording import Recording

Begins: TypeAlias = "Callable[[tuple[Any, ...], dict[str, Any]], bool]"
"""From a call's arguments: whether it begins an iteration."""


@contextmanager
def watched_calls(model: Any, begins: Begins | None, hooks: Hooks, recording: Recording) -> Iterator[None]:
    """Tell a recording of the calls of the model as a whole.

    What is hung on inside of the ``with`` is told of a call after this has said that it begins, and before
    this says that it is over.

    Args:
        model: The watched model.
        begins: Which of its calls begin an iteration; ``None`` where no call does.
        hooks: Where this hangs.
        recording: What is told.
    """
    if begins is None:
        yield
        return

    def before(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        is_outermost = recording.enter()
        if is_outermost and not in_backward() and begins(args, kwargs):
            recording.begin()

    def after(*_: Any) -> None:
        recording.leave()

    hooks.before(model, before)
    yield
    hooks.after(model, after, always=True)
