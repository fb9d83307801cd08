"""How much of our arrays a saved notebook carries: one room, shared by all page arrays of a kernel."""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from IPython import get_ipython

from nsm_widgets._environment import STATE_MB_VARIABLE

STATE_MB = 8.0
"""The most, in 10**6 bytes of the notebook's file, that the arrays of all its views take together."""


class Run(NamedTuple):
    """One execution of one cell."""

    cell: str
    execution: str


class StateRoom:
    """Who has how much of the limit. First come, first served; what a cell showed before it ran again leaves.

    ipywidgets keeps every widget until it is closed, and a notebook saves them all, also those that no
    output shows any more. So the front end's name of a cell decides: a holder that was made or shown only in
    cells which have run again since is replaced.

    Args:
        limit_mb: In 10**6 bytes of base64, as the notebook's file holds it: four bytes for three.
    """

    def __init__(self, limit_mb: float) -> None:
        self.limit_mb = limit_mb
        self._lock = threading.RLock()
        self._taken: WeakKeyDictionary[Hashable, int] = WeakKeyDictionary()
        self._runs: WeakKeyDictionary[Hashable, dict[str, str]] = WeakKeyDictionary()

    def take(self, holder: Hashable, sizes: Mapping[str, int]) -> list[str]:
        """Room for the first of these arrays, as many as fit beside what others hold.

        Args:
            holder: Who keeps it, until :meth:`give_back`.
            sizes: Raw bytes of each array, by name.
        """
        taken = []
        with self._lock:
            room = self.limit_mb * 1e6 - sum(self._taken.values())
            for name, size in sizes.items():
                if base64_bytes(size) <= room:
                    taken.append(name)
                    room -= base64_bytes(size)
                    self._taken[holder] = self._taken.get(holder, 0) + base64_bytes(size)
        return taken

    def give_back(self, holder: Hashable) -> None:
        """All that it took is free again."""
        with self._lock:
            self._taken.pop(holder, None)

    def stand(self, holder: Hashable, run: Run | None) -> list[Hashable]:
        """Note that a cell makes or shows this holder now; returns those that it thereby replaces."""
        if run is None:
            return []
        replaced = []
        with self._lock:
            for other, runs in list(self._runs.items()):
                if other is not holder and runs.get(run.cell, run.execution) != run.execution:
                    del runs[run.cell]
                    if not runs:
                        replaced.append(other)
                        del self._runs[other]
            self._runs.setdefault(holder, {})[run.cell] = run.execution
        return replaced


@functools.cache
def state_room() -> StateRoom:
    """The room of this kernel.

    Raises:
        ValueError: If the environment variable is no number of at least 0.
    """
    return StateRoom(limit_from(os.environ.get(STATE_MB_VARIABLE)))


def limit_from(text: str | None) -> float:
    """The limit that the environment asks for, else :data:`STATE_MB`.

    Raises:
        ValueError: If it is no number of at least 0.
    """
    if text is None or not text.strip():
        return STATE_MB
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not 0 <= limit < math.inf:
        raise ValueError(
            f"the environment variable {STATE_MB_VARIABLE} must be a number of at least 0, in megabytes, "
            f"got {text!r}. Unset it for the default of {STATE_MB:g}."
        )
    return limit


def base64_bytes(size: int) -> int:
    """How long so many bytes are in a notebook's file.

    >>> [base64_bytes(size) for size in (0, 1, 3, 4)]
    [0, 4, 4, 8]
    """
    return 4 * -(-size // 3)


def current_run() -> Run | None:
    """The cell that is running, as the front end names it; None outside of cells, or where it does not."""
    parent: Mapping[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    cell = parent.get("metadata", {}).get("cellId")
    execution = parent.get("header", {}).get("msg_id")
    return Run(cell, execution) if isinstance(cell, str) and isinstance(execution, str) else None
