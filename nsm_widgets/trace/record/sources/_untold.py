"""What calls of a module leave open, and its adapter could tell: layers that share it, a state it keeps."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from nsm_widgets.trace.record._hooks import Hooks, in_backward
from nsm_widgets.trace.record._recording import Recording


class Untold:
    """Looks on, and says what would help; nothing is made of it.

    Args:
        module: A module whose calls are steps of time.
        is_whole: Whether it is all of the watched model.
        recording: Knows of the iterations.
    """

    def __init__(self, module: Any, is_whole: bool, recording: Recording) -> None:
        self._module, self._is_whole, self._recording = module, is_whole, recording
        self._turns: list[_Turns] = []
        self._alone = 0
        """How many iterations there were, as long as each has one step; negative from then on."""

    def install(self, hooks: Hooks) -> None:
        """Hang hooks on modules beside it that differ in numbers: each may be a layer that calls it."""
        around = (part for part in hooks.model.modules() if any(c is self._module for c in part.children()))
        self._turns = [_Turns(names) for names in _numbered(next(around, None), self._module)]
        for turns in self._turns:
            for index, beside in enumerate(turns.modules):
                hooks.after(beside, partial(turns.note, index))

    def look(self, given: Mapping[str, Any], num_steps: int) -> str:
        """Called with what a call gave after so many steps; says what is left open."""
        said = [turns.look(num_steps) for turns in self._turns]
        return next(filter(None, said), "") or (self._of_state(given, num_steps) if self._is_whole else "")

    def _of_state(self, given: Mapping[str, Any], num_steps: int) -> str:
        self._alone = -1 if num_steps or self._alone < 0 or self._recording.is_told else self._alone + 1
        if self._alone < 2 or "memory" not in given or not _keeps_tensors(self._module):
            return ""
        return (
            "each call is an iteration by itself, as none is given what another returned, and the model "
            "keeps tensors between its calls. If they are its state, say so to the adapter, "
            "state=lambda module: ..., or write each sequence as: with rec.sequence(): ..."
        )


class _Turns:
    """Whether each call of a module follows one of several others, in turn.

    Args:
        modules: Those others by their names, in their order.
    """

    def __init__(self, modules: dict[str, Any]) -> None:
        self.modules = list(modules.values())
        self._names = list(modules)
        self._ran: list[int] = []
        self._calls = 0
        self._is_in_turn = True

    def note(self, index: int, *_: Any) -> None:
        """One of them was called."""
        if not in_backward():
            self._ran.append(index)

    def look(self, num_steps: int) -> str:
        """The module is called, after so many steps of its iteration."""
        ran, self._ran = self._ran, []
        several = len(self._names)
        self._is_in_turn = self._is_in_turn and ran == [num_steps % several]
        self._calls += 1
        if not self._is_in_turn or self._calls < several:
            return ""
        return (
            f"each call is a step of time by itself, and its calls follow {', '.join(self._names)} in turn. "
            f"If these are layers that share it, say so to its adapter: layers={several} makes them an axis"
        )


def _numbered(around: Any, module: Any) -> list[dict[str, Any]]:
    """The parts of a module beside one of them, by their names, where names differ in numbers alone."""
    groups: dict[str, dict[str, Any]] = {}
    for name, part in [] if around is None else _parts(around):
        groups.setdefault(re.sub(r"\d+", "#", name), {})[name] = part
    return [
        group
        for group in groups.values()
        if len(group) > 1 and not any(each is module for part in group.values() for each in part.modules())
    ]


def _parts(around: Any) -> list[tuple[str, Any]]:
    """The children of a module, and those in its lists."""
    found = []
    for name, child in around.named_children():
        inner = child.named_children() if isinstance(child, sys.modules["torch"].nn.ModuleList) else ()
        found += [(name, child), *((f"{name}.{place}", part) for place, part in inner)]
    return found


def _keeps_tensors(module: Any) -> bool:
    """Whether a module or a part has tensors that are neither parameters nor buffers, or lists of them."""
    kind = sys.modules["torch"].Tensor

    def is_kept(value: Any) -> bool:
        return isinstance(value, kind) or (
            isinstance(value, (list, tuple)) and any(isinstance(each, kind) for each in value)
        )

    return any(is_kept(value) for part in module.modules() for value in vars(part).values())
