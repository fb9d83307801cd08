"""Which attention module made the weights that a model hands out: told by the tensors themselves."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from nsm_widgets.trace.record._hooks import Hooks, in_backward
from nsm_widgets.trace.record._listening import Args, Kwargs
from nsm_widgets.trace.record.sources.hugging_face._stacks import Stacks


class Producer(NamedTuple):
    """Where a tensor comes from."""

    path: str
    """The attention module."""
    repeat: int
    """How often it was called before, within a call of the model."""
    is_result: bool = False
    """Whether it is the first of several things that the module gave: what it made of the weights."""


class _Seen(threading.local):
    """What a thread's modules gave, by the number of the object."""

    def __init__(self) -> None:
        self.tensors: dict[int, tuple[weakref.ref[Any], Producer]] = {}
        self.calls: dict[str, int] = {}
        self.paths: dict[str, str] = {}


class Producers:
    """Looks at what attention modules return while a model runs; keeps none of it alive.

    Args:
        stacks: The attention modules of a model.
    """

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._seen = _Seen()

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        self._seen = _Seen()
        for path, module in self._stacks.attention.items():
            if self._stacks.shared.get(path, path) == path:
                hooks.after(module, self._after(path))
        for path, first in self._stacks.shared.items():
            hooks.before(self._stacks.block_of(path), partial(self._enter, first, path))
        hooks.callback(self.forget)

    def forget(self) -> None:
        """A call of the model begins, or is over; an encoder's weights may be handed out again."""
        seen = self._seen
        seen.tensors = {at: each for at, each in seen.tensors.items() if each[0]() is not None}
        seen.calls.clear()

    def of(self, tensor: object) -> Producer | None:
        """The module that returned this very tensor, if one did."""
        reference, producer = self._seen.tensors.get(id(tensor), (None, None))
        return producer if reference is not None and reference() is tensor else None

    @property
    def ran(self) -> Iterable[str]:
        """The paths of the modules that were called, since a call of the model began."""
        return self._seen.calls

    def path_of(self, path: str) -> str:
        """The path of a module that runs, which several blocks may share, in the block that runs."""
        return self._seen.paths.get(path, path)

    def _enter(self, first: str, path: str, *_: object) -> None:
        self._seen.paths[first] = path

    def _after(self, path: str) -> Any:
        def after(_: object, args: Args, kwargs: Kwargs, output: object) -> None:
            del args, kwargs
            if in_backward():
                return
            here = self.path_of(path)
            repeat = self._seen.calls[here] = self._seen.calls.get(here, -1) + 1
            for is_result, each in _tensors(output):
                if getattr(each, "ndim", 0) >= 3:
                    self._seen.tensors[id(each)] = (weakref.ref(each), Producer(here, repeat, is_result))

        return after


def _tensors(output: object, *, is_result: bool = False) -> Iterator[tuple[bool, Any]]:
    """All that an output holds, with what is the first of several in one tuple."""
    parts = list(output.values()) if isinstance(output, Mapping) else output
    if not isinstance(parts, (tuple, list)):
        yield is_result, parts
        return
    for place, each in enumerate(parts):
        yield from _tensors(each, is_result=place == 0 and len(parts) > 1)
