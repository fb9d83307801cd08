"""Pyramids of the very large planes that a page looks at again and again."""

from __future__ import annotations

import threading
from collections.abc import Hashable

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.raster import Pyramid

LEAST_CELLS = 1 << 21
"""Smaller planes are pooled as fast without."""

MOST_BYTES = 256_000_000
"""What the levels of all pyramids of one holder of arrays take together."""


class Pyramids:
    """Made when a plane is drawn for the second time: one that is only passed by is not worth it."""

    def __init__(self) -> None:
        self._held: dict[Hashable, Pyramid] = {}
        self._seen: dict[Hashable, None] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, plane: Shaped[np.ndarray, "row column"]) -> Pyramid | None:
        """The pyramid of a plane, or None where it is not worth one.

        Args:
            key: Names the plane.
            plane: Its values.
        """
        if plane.size < LEAST_CELLS:
            return None
        with self._lock:
            held = self._held.pop(key, None)
            if held is None and key not in self._seen:
                self._seen[key] = None
                return None
            held = held or Pyramid(plane)
            self._held[key] = held
            while len(self._held) > 1 and sum(each.nbytes for each in self._held.values()) > MOST_BYTES:
                self._held.pop(next(iter(self._held)))
            return held
