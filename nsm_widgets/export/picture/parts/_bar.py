"""The colour bar: which values its labels stand for, and where. Mirrored in ``js/src/color/bar.ts``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from jaxtyping import UInt8

from nsm_widgets.export.picture._scene import Look, Scene
from nsm_widgets.view import ColorDomain, bar_positions, color_table, tick_values

MOST_LEVELS = 5
"""Round values along a linear bar, besides its ends."""
MOST_DECADES = 5
"""Decades that a log bar is labelled at, on each side of zero."""
APART_PX = 19.5
"""Labels are at least so far apart."""

BarTick = tuple[float, float]
"""Position, 0 at the low end and 1 at the high one, and value."""


def bar_ticks(look: Look, scale: str) -> list[BarTick]:
    """Every place that may be labelled; :func:`spread` leaves those that have room."""
    domain, signed = look.domain, look.domain.diverging
    if scale == "row-max":
        return [(0.5 + v / 2 if signed else v, v) for v in ((-1, -0.5, 0, 0.5, 1) if signed else _SHARES)]
    if scale == "rank":
        ranks = [(share, look.thresholds[max(0, math.floor(share * 255 + 0.5) - 1)]) for share in _SHARES]
        if not signed:
            return ranks
        halves = [(0.5 + sign * share / 2, sign * v) for share, v in ranks[1:] for sign in (1, -1)]
        return [(0.5, 0.0), *halves]
    levels = tick_values(domain, MOST_LEVELS)
    if scale == "log":
        levels = [v for v in _decades(domain) if domain.low < v < domain.high] or levels
    values = [domain.low, *levels, domain.high]
    at = bar_positions(values, domain, "log" if scale == "log" else "linear")
    return list(zip(at.tolist(), values, strict=True))


_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def _decades(domain: ColorDomain) -> list[float]:
    """Powers of ten on both sides of zero, from the largest that the domain reaches, and zero."""
    reach = max(abs(domain.low), abs(domain.high))
    if reach == 0:
        return []
    top = Decimal(reach).adjusted()
    powers = [float(f"1e{top - i}") for i in range(MOST_DECADES)]
    return [0.0, *powers, *(-power for power in powers)]


def spread(ticks: Sequence[BarTick], length_px: float) -> list[BarTick]:
    """Labels that have room beside each other: the ends first, then zero, then from the ends inwards."""

    def rank(tick: BarTick) -> float:
        from_ends = 0.5 - abs(tick[0] - 0.5)
        return -2.0 if from_ends < 1e-9 else -1.0 if tick[1] == 0 else from_ends

    kept: list[BarTick] = []
    for position, value in sorted(ticks, key=rank):
        inside = abs(position - 0.5) <= 0.5 + 1e-9
        if inside and all(abs(other - position) * length_px >= APART_PX for other, _ in kept):
            kept.append((position, value))
    return sorted(kept)


def bar_pixels(cmap: str, scene: Scene, height: int) -> UInt8[np.ndarray, "row 1 3"]:
    """All colours of a map, the high end on top."""
    table = color_table(cmap, scene.theme)
    code = 255 - np.arange(height) * 256 // height
    pixels: UInt8[np.ndarray, "row 1 3"] = table[code][:, None]
    return pixels
