"""What every source of a recorder has: hooks that it hangs on, and words on what it found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nsm_widgets.trace._boundary import Boundary
    from nsm_widgets.trace._recording import Recording


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


class Source:
    """One thing that is watched. Subclasses say which hooks, and what the arrays are.

    Args:
        index: Its place among the sources of a recorder.
        prefix: Begins the name of each array, such as ``"encoder."``; empty where there is one source.
    """

    def __init__(self, index: int, prefix: str) -> None:
        self.index = index
        self.prefix = prefix
        self._recording: Recording
        self._boundary: Boundary

    def install(self, hooks: Hooks, recording: Recording, boundary: Boundary) -> None:
        """Hang the hooks on."""
        raise NotImplementedError

    def order(self, names: Sequence[str]) -> list[str]:
        """The names of its arrays in the order in which they are told."""
        return list(names)

    def describe(self, name: str, size: int) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
        """Axes, attrs and labels of an array, whose last axis has this size."""
        raise NotImplementedError


def in_backward() -> bool:
    """Whether this is a backward pass: a forward hook that runs then sees a checkpoint's second forward."""
    task: int = sys.modules["torch"]._C._current_graph_task_id()
    return task != -1
