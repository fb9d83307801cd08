"""Data in which a block of cells tells the step by its colour: one pixel says which step is on screen."""

from __future__ import annotations

import matplotlib
import numpy as np

LEVELS = 25
"""Colours that are told apart: 4 % of the colour map from one to the next, whatever a tool's rounding."""

STRIDE = 7
"""Neighbouring steps lie so many colours apart; it shares no factor with LEVELS, so all of them are used."""


def make_frames(steps: int, rows: int, columns: int, levels: int = 25, stride: int = 7) -> np.ndarray:
    """Float32 noise in [0, 1), ``(steps, rows, columns)``, its middle third painted with the step's level.

    A notebook runs this function's source, so it needs nothing from around it but ``np``.
    """
    noise = np.random.default_rng(0).random((rows, columns), dtype=np.float32)
    frames = np.empty((steps, rows, columns), np.float32)
    for step in range(steps):
        frames[step] = np.roll(noise, 5 * step, axis=0)
        level = step * stride % levels / (levels - 1)
        frames[step, rows // 3 : rows - rows // 3, columns // 3 : columns - columns // 3] = level
    return frames


def level_of(step: int) -> int:
    """Which colour the block has at a step: an index into ``level_colors()``."""
    return step * STRIDE % LEVELS


def level_colors() -> list[tuple[int, int, int]]:
    """Red, green and blue in [0, 255] of each level in viridis, which every tool is told to use."""
    table = matplotlib.colormaps["viridis"](np.linspace(0, 1, LEVELS))
    return [(int(r), int(g), int(b)) for r, g, b, _ in np.rint(table * 255)]
