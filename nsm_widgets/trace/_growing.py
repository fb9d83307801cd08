"""Memory for values that come step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIRST_STEPS = 32


class GrowingArray:
    """One preallocated buffer that doubles when it is full, so that a step costs one copy and no object.

    Example:
        >>> gate = GrowingArray(np.ones((1, 2)))
        >>> gate.append(np.ones((1, 2)))
        >>> gate.append(np.zeros((1, 2)))
        >>> gate.values().shape
        (2, 1, 2)

    Args:
        step: What one step looks like; only its shape and dtype are taken.
    """

    def __init__(self, step: NDArray[Any]) -> None:
        self._buffer: NDArray[Any] = np.empty((_FIRST_STEPS, *step.shape), step.dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def step_shape(self) -> tuple[int, ...]:
        """Shape of one step."""
        return self._buffer.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self._buffer.dtype

    def append(self, step: NDArray[Any]) -> None:
        """Copy one step in."""
        if self._length == len(self._buffer):
            self._grow(self._length + 1)
        self._buffer[self._length] = step
        self._length += 1

    def extend(self, steps: NDArray[Any]) -> None:
        """Copy several steps in, time leading."""
        end = self._length + len(steps)
        if end > len(self._buffer):
            self._grow(end)
        self._buffer[self._length : end] = steps
        self._length = end

    def values(self) -> NDArray[Any]:
        """All steps so far, time leading: a view, to be copied before more are added."""
        return self._buffer[: self._length]

    def _grow(self, needed: int) -> None:
        larger: NDArray[Any] = np.empty((max(needed, 2 * len(self._buffer)), *self.step_shape), self.dtype)
        larger[: self._length] = self._buffer[: self._length]
        self._buffer = larger
