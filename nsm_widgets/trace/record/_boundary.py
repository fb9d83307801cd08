"""Where an iteration begins: at a forward of the watched model that is given no state."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nsm_widgets.trace.record._recording import Recording
from nsm_widgets.trace.record.sources._source import in_backward
from nsm_widgets.trace.record.sources._steps_of import steps_by_type, steps_of

if TYPE_CHECKING:
    from nsm_widgets.trace.record.sources._source import Hooks


class Boundary:
    """Watches the calls of the model as a whole.

    Args:
        model: The watched model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._is_new = _rule_of(model)
        self._depth = 0

    @property
    def is_inside(self) -> bool:
        """Whether the watched model is being called."""
        return self._depth > 0

    def install(self, hooks: Hooks, recording: Recording) -> None:
        """Hang the hooks on, before those of any source."""
        self._recording, self._depth = recording, 0
        if self._is_new is not None:
            hooks.add(self._model.register_forward_pre_hook(self._before, with_kwargs=True))
            hooks.add(self._model.register_forward_hook(self._after, always_call=True))

    def _before(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._depth += 1
        if self._depth == 1 and self._is_new is not None and not in_backward() and self._is_new(args, kwargs):
            self._recording.begin()

    def _after(self, *_: Any) -> None:
        self._depth -= 1


def _rule_of(model: Any) -> Callable[[tuple[Any, ...], dict[str, Any]], bool] | None:
    """From a call's arguments: whether it begins an iteration. ``None`` where no call does."""
    from nsm_widgets.ntm.access import MemoryAccess
    from nsm_widgets.ntm.memory import NTMMemory

    if isinstance(model, MemoryAccess) or steps_of(model, steps_by_type()) is not None:
        return None  # one step of a sequence that somebody else drives: all of them are one iteration
    if isinstance(model, NTMMemory):
        return lambda args, kwargs: model.is_fresh
    found = _place_of_state(model)
    if found is None:
        return lambda args, kwargs: True
    place, name = found
    return lambda args, kwargs: _is_none(args[place] if len(args) > place else kwargs.get(name))


def _is_none(state: Any) -> bool:
    """Whether a state is none, or a cache (of transformers) that is still empty."""
    return state is None or (hasattr(state, "get_seq_length") and state.get_seq_length() == 0)


def _place_of_state(model: Any) -> tuple[int, str] | None:
    """Where among the arguments of a model's forward its state stands, and what it is called."""
    inner = getattr(model, "_orig_mod", getattr(model, "module", model))  # compiled, or distributed
    try:
        parameters = list(inspect.signature(inner.forward).parameters)
    except (TypeError, ValueError):
        return None
    return next(
        ((parameters.index(name), name) for name in ("state", "past_key_values") if name in parameters), None
    )
