"""A mouse that holds a slider's handle."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Page

MOVES_PER_S = 60


@dataclass(frozen=True, slots=True)
class Handle:
    """A slider's handle in the mouse's grip."""

    page: Page
    left: float
    right: float
    y: float
    steps: int

    def move(self, step: int) -> None:
        """Pull it to a step, in one movement."""
        share = step / max(1, self.steps - 1)
        self.page.mouse.move(self.left + share * (self.right - self.left), self.y)

    def scrub(self, start: int, seconds: float) -> int:
        """Pull it on by a step sixty times a second, and back from the ends; returns where it is left.

        Where the page is too slow to take every event, the mouse goes on to where it should be by then.
        """
        path = list(itertools.islice(to_and_fro(self.steps, start), int(seconds * MOVES_PER_S) + 1))
        began = time.monotonic()
        last = taken = 0
        while (taken := int((time.monotonic() - began) * MOVES_PER_S)) < len(path):
            if taken == last:
                time.sleep(0.001)
                continue
            self.move(path[taken])
            last = taken
        return path[last]


def to_and_fro(steps: int, start: int = 0) -> Iterator[int]:
    """0, 1, 2, ... to the last step and back, for ever, from ``start`` upwards.

    Example:
        >>> list(itertools.islice(to_and_fro(3, 1), 6))
        [1, 2, 1, 0, 1, 2]
    """
    if steps == 1:
        yield from itertools.repeat(0)
    period = 2 * (steps - 1)
    for at in itertools.count(start):
        at %= period
        yield min(at, period - at)


@contextmanager
def hold(page: Page, track: dict[str, float], *, steps: int, at: int = 0) -> Iterator[Handle]:
    """Press the mouse on the handle, which stands at a step, and let go at the end."""
    handle = Handle(page, track["left"], track["right"], track["y"], steps)
    handle.move(at)
    page.mouse.down()
    try:
        yield handle
    finally:
        page.mouse.up()
