"""From a number to a colour: the one place in Python that knows how, mirrored by ``js/src/color``.

A value becomes a *code*: 0 to 255 index the colour table, the codes above mark what is no plain value. The
same rules run in the browser; ``tests/data/wire`` holds cases that both sides must answer alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int16, Int32, Shaped, UInt8, UInt16

from nsm_widgets.view.colormaps._tables import MARKS, Rgb, Theme, color_table, mark_colors

ColorScale = Literal["linear", "log", "row-max", "rank"]
"""How a value is placed on its colour bar:

``linear``: evenly over the domain. ``log``: by ``log1p(|v| / c)`` with ``c`` a :data:`LOG_FLOOR` share of the
domain, so that zero stays zero. ``row-max``: each row (along the array's last axis) divided by its own
largest magnitude. ``rank``: by the share of all values of the array that are smaller.
"""
COLOR_SCALES: tuple[str, ...] = get_args(ColorScale)

_BLOCK = 1 << 15
_ALIKE_BITS = 13
"""Bits of a float32 that are dropped to find values nearly alike: sign, exponent and 10 bits are left."""

LOG_FLOOR = 1e-4
"""``c`` of the log scale, as a share of the domain's width: below it the scale is nearly linear."""

CLIP_TOLERANCE = 1e-5
"""A value past its domain by less than this share of the domain's width is rounding, not clipping."""

NAN, POSITIVE_INFINITY, NEGATIVE_INFINITY, ABOVE, BELOW = 256, 257, 258, 259, 260
"""Codes of cells that are no plain value: drawn as marks of their own and counted in the legend."""

MARK_COLORS: dict[int, Rgb] = dict(zip((NAN, POSITIVE_INFINITY, NEGATIVE_INFINITY), MARKS, strict=True))
"""Ground colours of marked cells. Cells outside the domain keep the colour of that end of the table."""


@dataclass(frozen=True, slots=True)
class ColorDomain:
    """The values that the two ends of a colour bar stand for, fixed over all times and heads."""

    low: float
    high: float
    diverging: bool = False

    @property
    def unit(self) -> float:
        """1; 1/2 where ``high - low`` is past the largest float, so that differences stay finite."""
        return 1.0 if math.isfinite(self.high - self.low) else 0.5

    @property
    def width(self) -> float:
        """``high - low`` times :attr:`unit`; 1 for a single value, so that nothing divides by zero."""
        return (self.high * self.unit - self.low * self.unit) or 1.0

    @property
    def slack(self) -> float:
        """How far past the domain a value may be before it counts as clipped."""
        return CLIP_TOLERANCE * self.width / self.unit

    def merged(self, other: ColorDomain) -> ColorDomain:
        """The domain that holds two; centred on zero where one of them is."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        if not (self.diverging or other.diverging):
            return ColorDomain(low, high)
        most = max(-low, high)
        return ColorDomain(-most, most, diverging=True)


def color_codes(
    values: Shaped[np.ndarray, "*shape"],
    domain: ColorDomain,
    scale: ColorScale = "linear",
    *,
    quantiles: Sequence[float] = (),
) -> UInt16[np.ndarray, "*shape"]:
    """The code of each value: 0 to 255 on the colour table, above that a mark.

    Args:
        values: Real numbers; for ``row-max`` the last axis is the row.
        domain: What the ends of the table stand for.
        scale: See :data:`ColorScale`.
        quantiles: For ``rank``: ascending thresholds (of magnitudes, where the domain is diverging).

    Example:
        >>> color_codes(np.array([0.0, 0.5, 1.0, np.nan]), ColorDomain(0.0, 1.0)).tolist()
        [0, 128, 255, 256]
    """
    values = np.asarray(values)
    ranks = _Ranks(np.asarray(quantiles, dtype=np.float64)) if scale == "rank" else None
    codes = np.empty(values.shape, dtype=np.uint16)
    if scale == "row-max":
        rows = np.atleast_1d(values)
        codes[...] = _block_codes(rows, domain, scale, ranks).reshape(values.shape)
        return codes
    flat, out = values.reshape(-1), codes.reshape(-1)
    for start in range(0, flat.size, _BLOCK):  # as much at a time as a processor's cache holds
        here = slice(start, start + _BLOCK)
        out[here] = _block_codes(flat[here], domain, scale, ranks)
    return codes


def _block_codes(
    values: Shaped[np.ndarray, "*shape"], domain: ColorDomain, scale: ColorScale, ranks: _Ranks | None
) -> UInt16[np.ndarray, "*shape"]:
    v = values.astype(np.float64)
    finite = np.isfinite(v)
    plain = bool(finite.all())
    safe = v if plain else np.where(finite, v, 0.0)
    with np.errstate(over="ignore"):
        position = _position(safe, finite, domain, scale, ranks)
    np.clip(position, 0.0, 1.0, out=position)
    position *= 255
    position += 0.5
    codes: UInt16[np.ndarray, "*shape"] = position.astype(np.uint16)
    if scale in ("linear", "log"):
        above, below = domain.high + domain.slack, domain.low - domain.slack
        if v.size and not (safe.max() <= above and safe.min() >= below):
            codes[finite & (v > above)] = ABOVE
            codes[finite & (v < below)] = BELOW
    if not plain:
        codes[np.isnan(v)] = NAN
        codes[v == np.inf] = POSITIVE_INFINITY
        codes[v == -np.inf] = NEGATIVE_INFINITY
    return codes


def paint(
    codes: UInt16[np.ndarray, "*shape"], cmap: str, theme: Theme = "light"
) -> UInt8[np.ndarray, "*shape 3"]:
    """The sRGB colour of each code: the ground on which a cell's mark, if it has one, is drawn."""
    table = np.zeros((BELOW + 1, 3), dtype=np.uint8)
    table[:256] = color_table(cmap, theme)
    table[ABOVE], table[BELOW] = table[255], table[0]
    table[NAN : NEGATIVE_INFINITY + 1] = mark_colors(cmap)
    colors: UInt8[np.ndarray, "*shape 3"] = table[codes]
    return colors


def bar_positions(
    values: Sequence[float], domain: ColorDomain, scale: Literal["linear", "log"]
) -> Float[np.ndarray, " value"]:
    """Where finite values lie on a colour bar, 0 at its low end.

    >>> bar_positions([0.0, 5.0, 10.0], ColorDomain(0.0, 10.0), "linear").tolist()
    [0.0, 0.5, 1.0]
    """
    v = np.asarray(values, dtype=np.float64)
    return _position(v, np.ones(v.shape, bool), domain, scale, None)


def _position(
    v: Float[np.ndarray, "*shape"],
    finite: Shaped[np.ndarray, "*shape"],
    domain: ColorDomain,
    scale: ColorScale,
    ranks: _Ranks | None,
) -> Float[np.ndarray, "*shape"]:
    """Where each finite value lies on the colour bar, in [0, 1] unless it is outside the domain."""
    signed = domain.diverging
    above_low = v * domain.unit - domain.low * domain.unit
    at: Float[np.ndarray, "*shape"]
    if scale == "linear":
        at = above_low / domain.width
    elif scale == "log" and signed:
        floor = LOG_FLOOR * domain.high or 1.0
        at = 0.5 + 0.5 * np.sign(v) * np.log1p(np.abs(v) / floor) / np.log1p(domain.high / floor or 1.0)
    elif scale == "log":
        floor = LOG_FLOOR * domain.width or 1.0
        at = np.log1p(np.maximum(above_low, 0.0) / floor) / np.log1p(domain.width / floor)
    elif scale == "row-max":
        away = np.where(finite, np.abs(v) if signed else above_low, 0.0)
        largest = away.max(axis=-1, keepdims=True, initial=0.0)
        share = (v if signed else above_low) / np.where(largest > 0, largest, 1.0)
        at = 0.5 + 0.5 * share if signed else share
    else:
        assert ranks is not None
        rank = ranks.of(np.abs(v) if signed else v) / 255
        at = 0.5 + 0.5 * np.sign(v) * rank if signed else rank
    return at


class _Ranks:
    """How many of some ascending thresholds are smaller than a value, for many values.

    A search for each value is slow. Values that share sign, exponent and the first 10 bits of a float32 are
    taken together: where no threshold is among them, all have as many below them. Rounding to float32 changes
    no order, so what is smaller by these bits is smaller.
    """

    def __init__(self, thresholds: Float[np.ndarray, " threshold"]) -> None:
        self.thresholds = thresholds
        groups = _groups(thresholds)
        self.first = int(groups[0]) - 1
        self.last = int(groups[-1]) + 1
        steps = np.diff(groups, prepend=self.first, append=self.last + 1)
        self.below = np.repeat(np.arange(len(groups) + 1, dtype=np.int16), steps)
        self.below[groups - self.first] = -1

    def of(self, v: Float[np.ndarray, " value"]) -> Int16[np.ndarray, " value"]:
        """The number for each of these."""
        counts: Int16[np.ndarray, " value"] = self.below[
            np.clip(_groups(v), self.first, self.last) - self.first
        ]
        unsure = np.flatnonzero(counts < 0)
        counts[unsure] = np.searchsorted(self.thresholds, v[unsure], side="left")
        return counts


def _groups(v: Float[np.ndarray, " value"]) -> Int32[np.ndarray, " value"]:
    """Ascending numbers of groups of values that are nearly alike."""
    with np.errstate(over="ignore"):
        word = v.astype(np.float32).view(np.int32)
    ascending = word ^ ((word >> 31) & np.int32(0x7FFFFFFF))  # negative numbers descend as their bits ascend
    groups: Int32[np.ndarray, " value"] = ascending >> _ALIKE_BITS
    return groups
