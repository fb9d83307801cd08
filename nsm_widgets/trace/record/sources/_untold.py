"""What calls of a module leave open, and its adapter could tell: layers that share it, a state it keeps."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from nsm_widgets.trace.record._hooks import Hooks, in_backward
from nsm_widgets.trace.record._recording import Recording

if TYPE_CHECKING:
    from torch import nn


class Untold:
    """Looks on, and says what would help; nothing is made of it.

    Args:
        module: A module of which so many calls are a step of time.
        layers: How many.
        asks_for_state: Whether it is all of the watched model, and nobody told of a state that it keeps.
        recording: Knows of the iterations.
    """

    def __init__(self, module: nn.Module, layers: int, asks_for_state: bool, recording: Recording) -> None:
        self._module, self._layers, self._recording = module, layers, recording
        self._asks_for_state = asks_for_state
        self._turns: list[_Turns] = []
        self._alone = 0
        """How many iterations there were, as long as each has one step; negative from then on."""
        self._keeps = False

    def install(self, hooks: Hooks) -> None:
        """Hang hooks on modules beside it that differ in numbers: each may be a layer that calls it."""
        around = (part for part in hooks.model.modules() if any(c is self._module for c in part.children()))
        beside = _numbered(next(around, None), self._module)
        self._turns = [_Turns(names, self._layers) for names in beside if len(names) != self._layers]
        for turns in self._turns:
            for index, each in enumerate(turns.modules):
                hooks.after(each, partial(turns.note, index))

    def look(self, given: Mapping[str, Any], before: int) -> str:
        """Called with what a call gave, the one after so many of its iteration; says what is left open."""
        said = [turns.look(before) for turns in self._turns]
        return next(filter(None, said), "") or (self._of_state(given, before) if self._asks_for_state else "")

    def _of_state(self, given: Mapping[str, Any], before: int) -> str:
        self._alone = -1 if before or self._alone < 0 or self._recording.is_told else self._alone + 1
        if self._alone == 2:
            self._keeps = "memory" in given and _keeps_tensors(self._module)
        if self._alone < 2 or not self._keeps:
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
        layers: How many calls are said to be a step.
    """

    def __init__(self, modules: dict[str, Any], layers: int) -> None:
        self.modules = list(modules.values())
        self._names, self._layers = list(modules), layers
        self._ran: deque[int] = deque(maxlen=2)
        """Since the module was called; more are never asked for, and many may be while iterations pass by."""
        self._calls = 0
        self._is_in_turn = True

    def note(self, index: int, *_: object) -> None:
        """One of them was called."""
        if not in_backward():
            self._ran.append(index)

    def look(self, before: int) -> str:
        """The module is called, after so many calls of its iteration."""
        several = len(self._names)
        ran = list(self._ran)[0 if before else -1 :]  # before the first call others may have run that pass by
        self._ran.clear()
        self._is_in_turn = self._is_in_turn and ran == [before % several]
        self._calls += 1
        if not self._is_in_turn or self._calls < several:
            return ""
        step = "each is" if self._layers == 1 else f"each {self._layers} are"
        return (
            f"its calls follow {', '.join(self._names)} in turn, and by layers={self._layers} of its adapter "
            f"{step} a step of time. If these are layers that share it, layers={several} makes them an axis"
        )


def _numbered(around: nn.Module | None, module: object) -> list[dict[str, Any]]:
    """The parts of a module beside one of them, by their names, where names differ in numbers alone."""
    groups: dict[str, dict[str, Any]] = {}
    for name, part in [] if around is None else _parts(around):
        groups.setdefault(re.sub(r"\d+", "#", name), {})[name] = part
    return [
        group
        for group in groups.values()
        if len(group) > 1 and not any(each is module for part in group.values() for each in part.modules())
    ]


def _parts(around: nn.Module) -> list[tuple[str, Any]]:
    """The children of a module, and those in its lists."""
    found = []
    for name, child in around.named_children():
        inner = child.named_children() if isinstance(child, sys.modules["torch"].nn.ModuleList) else ()
        found += [(name, child), *((f"{name}.{place}", part) for place, part in inner)]
    return found


def _keeps_tensors(module: nn.Module) -> bool:
    """Whether a module or a part has tensors that are neither parameters nor buffers, or lists of them."""
    kind = sys.modules["torch"].Tensor

    def is_kept(value: object) -> bool:
        return isinstance(value, kind) or (
            isinstance(value, (list, tuple)) and any(isinstance(each, kind) for each in value)
        )

    return any(is_kept(value) for part in module.modules() for value in vars(part).values())
