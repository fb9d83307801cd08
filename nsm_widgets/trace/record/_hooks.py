"""What hangs on a model while it is recorded, and words on what is found there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple

from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError


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


def in_backward() -> bool:
    """Whether this is a backward pass: a forward hook that runs then sees a checkpoint's second forward."""
    task: int = sys.modules["torch"]._C._current_graph_task_id()
    return task != -1


def without_numbers(path: str) -> str:
    """What the paths of modules of one kind have in common: ``encoder.layers.self_attn``."""
    return ".".join(part for part in path.split(".") if not part.isdigit())


def batch_axis(dims: Sequence[str], name: str) -> int:
    """Along which axis the parts of the batch lie one after the other.

    Raises:
        RecordingError: If there is none.
    """
    if "batch" not in dims:
        raise RecordingError(
            f"{name} has no axis 'batch' along which the parts of several devices could be joined, got axes "
            f"{tuple(dims)}. Record it without DataParallel: TraceRecorder(model.module)."
        )
    return list(dims).index("batch")
