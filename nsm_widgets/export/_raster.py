"""A plane of values to a small grid of colour codes: the same rule as ``js/src/heatmap/raster.ts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from jaxtyping import Int, Int32, Shaped, UInt16

from nsm_widgets.view import ColorDomain, ColorScale, color_codes, count_clipped
from nsm_widgets.view._color import ABOVE, BELOW, NAN, NEGATIVE_INFINITY, POSITIVE_INFINITY

_CODE_BITS = 9
Keys = Int32[np.ndarray, "row texel_column"]
"""Codes with their strengths above them, so that the larger key is the stronger code."""


@dataclass(frozen=True, slots=True)
class Raster:
    """One texel for each cell, or fewer where there is no room for all."""

    codes: UInt16[np.ndarray, "texel_row texel_column"]
    cells: tuple[int, int]
    """How many cells, down and across, share a texel at most. The strongest is shown, marks first."""
    nan: int = 0
    infinite: int = 0
    clipped: int = 0
    """Cells of this plane past the colour domain, where the scale clips."""

    @property
    def pooled(self) -> bool:
        """Whether any texel stands for several cells."""
        return self.cells != (1, 1)

    def transposed(self) -> Raster:
        """The same picture with its axes exchanged."""
        return Raster(self.codes.T, self.cells[::-1], self.nan, self.infinite, self.clipped)


def rasterize(
    plane: Shaped[np.ndarray, "row column"],
    domain: ColorDomain,
    scale: ColorScale = "linear",
    *,
    thresholds: Sequence[float] = (),
    may_clip: bool = True,
    window: tuple[int, int, int, int] | None = None,
    max_rows: int,
    max_columns: int,
) -> Raster:
    """Code a plane, pooled to at most ``max_rows`` by ``max_columns``.

    Values are pooled before they are coded, which costs little and loses nothing: the strongest cell of a
    texel is its largest or its smallest value. Only rows divided by their own largest must be coded first.

    Args:
        plane: Rows along the array's last axis: what ``row-max`` divides along.
        domain: What the ends of the colour table stand for.
        scale: See :data:`~nsm_widgets.view.ColorScale`.
        thresholds: For ``rank``.
        may_clip: Whether the array holds any value past the domain.
        max_rows: Most texels down.
        max_columns: Most texels across.
    """
    if window is not None:
        plane = plane[window[0] : window[0] + window[1], window[2] : window[2] + window[3]]
    if plane.dtype == np.float16:  # NumPy has no fast maximum of these
        plane = plane.astype(np.float32)
    rows, columns = min(plane.shape[0], max(1, max_rows)), min(plane.shape[1], max(1, max_columns))
    with np.errstate(invalid="ignore"):
        all_finite = bool(np.isfinite(plane.max()) and np.isfinite(plane.min()))

    def keys_of(high: Shaped[np.ndarray, "row column"], low: Shaped[np.ndarray, "row column"]) -> Keys:
        """The strongest of each row's texels, as keys."""
        parts = [_pool_columns(np.maximum, high, columns), _pool_columns(np.minimum, low, columns)]
        if scale == "row-max" and not all_finite:
            parts += _row_ends(high)
        codes = color_codes(np.concatenate(parts, axis=1), domain, scale, quantiles=thresholds)
        keys = _strengths(diverging=domain.diverging)[codes[:, : 2 * columns]]
        strongest: Keys = np.maximum(keys[:, :columns], keys[:, columns:])
        return strongest

    with np.errstate(invalid="ignore"):
        groups = list(pairwise([*_first_cells(plane.shape[0], rows), plane.shape[0]]))
        if rows == plane.shape[0]:
            strongest = keys_of(plane, plane)
        elif scale == "row-max":
            strongest = np.stack([keys_of(plane[a:b], plane[a:b]).max(axis=0) for a, b in groups])
        else:
            high = np.stack([plane[a:b].max(axis=0) for a, b in groups])
            low = np.stack([plane[a:b].min(axis=0) for a, b in groups])
            strongest = keys_of(high, low)
    return Raster(
        (strongest & (2**_CODE_BITS - 1)).astype(np.uint16),
        (-(-plane.shape[0] // rows), -(-plane.shape[1] // columns)),
        nan=0 if all_finite else int(np.isnan(plane).sum()),
        infinite=0 if all_finite else int(np.isinf(plane).sum()),
        clipped=sum(count_clipped(plane, domain)) if may_clip and scale in ("linear", "log") else 0,
    )


def _pool_columns(
    ufunc: np.ufunc, values: Shaped[np.ndarray, "row column"], columns: int
) -> Shaped[np.ndarray, "row texel_column"]:
    """Reduce neighbouring cells of each row to one value."""
    if columns == values.shape[1]:
        return values
    pooled: Shaped[np.ndarray, "row texel_column"] = ufunc.reduceat(
        values, _first_cells(values.shape[1], columns), axis=1
    )
    return pooled


def _first_cells(cells: int, texels: int) -> Int[np.ndarray, " texel"]:
    """The first cell of each texel; cell ``c`` lies in texel ``floor(c * texels / cells)``."""
    return -(-np.arange(texels) * cells // texels)


def _row_ends(plane: Shaped[np.ndarray, "row column"]) -> list[Shaped[np.ndarray, "row 1"]]:
    """Largest and smallest finite value of each row, which a mark in the same texel would hide."""
    finite = np.isfinite(plane)
    return [
        np.where(finite, plane, -np.inf).max(axis=1, keepdims=True),
        np.where(finite, plane, np.inf).min(axis=1, keepdims=True),
    ]


@cache
def _strengths(*, diverging: bool) -> Int32[np.ndarray, " code"]:
    """A key for each code, larger where it wins a shared texel; its last bits are the code itself.

    NaN, infinities, clipped cells, then what is furthest from nothing.
    """
    code = np.arange(BELOW + 1, dtype=np.int32)
    strength = np.abs(2 * code - 255) if diverging else code.copy()
    for rank, mark in enumerate((BELOW, ABOVE, NEGATIVE_INFINITY, POSITIVE_INFINITY, NAN)):
        strength[mark] = 1000 + rank
    keys: Int32[np.ndarray, " code"] = (strength << _CODE_BITS) | code
    return keys
