"""The colour bar: which values its labels stand for, and where."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from nsm_widgets.export.picture._scene import Look, Scene
from nsm_widgets.view import color_table


def bar_labels(look: Look, scene: Scene) -> list[tuple[float, float]]:
    """Position (0 at the low end, 1 at the high one) and value of each label: the ends, and zero between."""
    low, high, signed = look.domain.low, look.domain.high, look.domain.diverging
    if scene.settings.scale == "row-max":
        low, high = (-1.0 if signed else 0.0), 1.0
    elif scene.settings.scale == "rank":
        high = look.thresholds[-1]
        low = -high if signed else look.thresholds[0]
    middle = [(0.5, 0.0)] if signed else []
    return [(0.0, low), *middle, (1.0, high)]


def bar_pixels(cmap: str, scene: Scene, height: int) -> UInt8[np.ndarray, "row 1 3"]:
    """All colours of a map, the high end on top."""
    table = color_table(cmap, scene.theme)
    code = 255 - np.arange(height) * 256 // height
    pixels: UInt8[np.ndarray, "row 1 3"] = table[code][:, None]
    return pixels
