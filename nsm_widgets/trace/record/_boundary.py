"""Where an iteration begins: at a forward of the watched model that is given no state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from nsm_widgets.trace.record._hooks import Hooks, in_backward
from nsm_widgets.trace.record._recording import Recording

Begins: TypeAlias = "Callable[[tuple[Any, ...], dict[str, Any]], bool]"
"""From a call's arguments: whether it begins an iteration."""


class Boundary:
    """Watches the calls of the model as a whole.

    Args:
        model: The watched model.
        begins: Which of its calls begin an iteration; ``None`` where no call does.
    """

    def __init__(self, model: Any, begins: Begins | None) -> None:
        self._model = model
        self._begins = begins
        self._depth = 0

    @property
    def is_inside(self) -> bool:
        """Whether the watched model is being called."""
        return self._depth > 0

    def install(self, hooks: Hooks, recording: Recording) -> None:
        """Hang the hooks on, before those of any source."""
        self._recording, self._depth = recording, 0
        if self._begins is not None:
            hooks.add(self._model.register_forward_pre_hook(self._before, with_kwargs=True))
            hooks.add(self._model.register_forward_hook(self._after, always_call=True))

    def _before(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._depth += 1
        if self._depth == 1 and self._begins is not None and not in_backward() and self._begins(args, kwargs):
            self._recording.begin()

    def _after(self, *_: Any) -> None:
        self._depth -= 1
