"""What every source of a recorder has: hooks that it hangs on, and words on what it found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

if TYPE_CHECKING:
    from nsm_widgets.trace.record._boundary import Boundary
    from nsm_widgets.trace.record._recording import Part, Recording
    from nsm_widgets.trace.record._select import Select


class Owner(NamedTuple):
    """The model that a watched module is a part of, such as the ``NTM`` around a ``MemoryAccess``."""

    path: str
    module: Any
    sequences: tuple[str, ...]
    """What of ``input`` and ``output`` its whole forwards give."""


class Hooks:
    """Hooks that are given back together: at the end of a ``with``, also after an error."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def add(self, handle: Any) -> None:
        """Take what a ``register_..._hook`` gave."""
        self._stack.callback(handle.remove)

    def callback(self, undo: Any) -> None:
        """Take something else to undo."""
        self._stack.callback(undo)

    def close(self) -> None:
        """Remove all of them, the last one first."""
        self._stack.close()

    def __enter__(self) -> Hooks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@dataclass(slots=True)
class Found:
    """An array that a source gives for one iteration."""

    values: NDArray[Any]
    dims: tuple[str, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    coords: dict[str, Any] = field(default_factory=dict)


class Source:
    """One thing that is watched. Subclasses say which hooks, and what the arrays are.

    Some give one step at a call (``is_stepwise``): those steps are laid out along ``time``, and
    :meth:`describe` says what they are. Others give something whole at a call, and :meth:`collect` makes an
    iteration's arrays of it.

    Args:
        path: The path of the module, as the model's ``named_modules`` tells it.
        module: What is watched.
    """

    is_stepwise = True
    is_open = False
    """Whether it may give more names than it tells before a call."""

    def __init__(self, path: str, module: Any) -> None:
        self.path = path
        self.module = module
        self.index = 0
        """Its place among the sources of a recorder."""
        self.scope = path
        """The path that names begin with where they need a beginning: its own, or that of its model."""
        self.owner: Owner | None = None
        """The model that it is a part of, where that has forwards over whole sequences."""
        self.prefix = ""
        """Begins the name of each array, such as ``"encoder."``; empty where no other has its names."""
        self.problem = ""
        """Why a call gave nothing."""
        self._recording: Recording
        self._boundary: Boundary
        self._select: Select | None = None

    def choose(self, select: Select) -> None:
        """Take in what is to be recorded."""
        self._select = None if select.wants_module(self.path, self.module) else select

    def wants(self, name: str) -> bool:
        """Whether an array is to be recorded; its name without the prefix."""
        return self._select is None or self._select.wants_array(self.prefix + name)

    def begin(self, hooks: Hooks, recording: Recording, boundary: Boundary) -> None:
        """Hang the hooks on."""
        self._recording, self._boundary, self.problem = recording, boundary, ""
        self.install(hooks)

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        raise NotImplementedError

    def names(self) -> Sequence[str]:
        """The names of its arrays, without the prefix, as far as they are known before a call."""
        raise NotImplementedError

    def order(self, names: Sequence[str]) -> list[str]:
        """The names of its arrays in the order in which they are told."""
        return list(names)

    def describe(self, name: str, size: int) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
        """Axes, attrs and labels of a stepwise array, whose last axis has this size."""
        raise NotImplementedError

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """The arrays of one iteration; ``timed`` asks for a leading axis ``time``, one step a call."""
        raise NotImplementedError

    def batch_axis(self, key: Any) -> int:
        """Where the batch lies in what a call gave, by the key that it was handed over with."""
        del key
        return 0

    def num_calls(self, part: Part) -> int:
        """How often each of its modules was called in an iteration; more than once asks for ``time``."""
        raise NotImplementedError


def in_backward() -> bool:
    """Whether this is a backward pass: a forward hook that runs then sees a checkpoint's second forward."""
    task: int = sys.modules["torch"]._C._current_graph_task_id()
    return task != -1


def without_numbers(path: str) -> str:
    """What the paths of modules of one kind have in common: ``encoder.layers.self_attn``."""
    return ".".join(part for part in path.split(".") if not part.isdigit())
