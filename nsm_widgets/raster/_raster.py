"""A plane of values to a small grid of colour codes: the same rule as ``js/src/raster/raster.ts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float64, Shaped, UInt16

from nsm_widgets._errors import SelectionError
from nsm_widgets.raster._pool import Edges, LineBlock, across, first_cells, line_blocks, lowest, pool
from nsm_widgets.view import (
    NAN,
    NEGATIVE_INFINITY,
    POSITIVE_INFINITY,
    ColorDomain,
    ColorScale,
    color_codes,
    count_clipped,
)

Window = tuple[int, int, int, int]
"""Whole cells of a plane that are on show: first row, rows, first column, columns."""


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
    max_rows: int,
    max_columns: int,
    window: Window | None = None,
    whole_rows: Shaped[np.ndarray, "row whole_column"] | None = None,
) -> Raster:
    """Code a plane, or the cells of it that are on show, pooled to at most ``max_rows`` by ``max_columns``.

    Values are pooled before they are coded, which costs little and loses nothing: the strongest cell of a
    texel is its largest or its smallest value. They are read a block of lines at a time, whatever the layout
    of the array, which may be larger than memory.

    Args:
        plane: Rows along the array's last axis: what ``row-max`` divides along.
        domain: What the ends of the colour table stand for.
        scale: See :data:`~nsm_widgets.view.ColorScale`.
        thresholds: For ``rank``.
        may_clip: Whether cells past the domain are to be counted, where there are any.
        max_rows: Most texels down.
        max_columns: Most texels across.
        window: Only these cells are read and counted; all where there is none. ``row-max`` still divides by
            the largest of the whole row.
        whole_rows: The same rows with the columns that are folded away, for ``row-max``; the plane when not
            given.

    Raises:
        SelectionError: If the window is not inside the plane.

    Example:
        >>> plane = np.array([[0.0, 0.2, 1.0, 0.0], [0.0, 0.0, 0.0, 0.4]])
        >>> rasterize(plane, ColorDomain(0.0, 1.0), max_rows=1, max_columns=2).codes.tolist()
        [[51, 255]]
    """
    shown = windowed(plane, window)
    rows, columns = min(len(shown), max(1, max_rows)), min(shown.shape[1], max(1, max_columns))
    edges = first_cells(len(shown), rows), first_cells(shown.shape[1], columns)
    if scale == "row-max":
        first = 0 if window is None else window[0]
        extremes = _pooled_shares(
            shown, *edges, domain, (plane if whole_rows is None else whole_rows)[first : first + len(shown)]
        )
    else:
        extremes = pooled_extremes(shown, shown, *edges, domain, scale)
    clips = may_clip and scale in ("linear", "log") and not extremes.inside(domain)
    return Raster(
        extremes.codes(domain, scale, thresholds),
        (-(-shown.shape[0] // rows), -(-shown.shape[1] // columns)),
        nan=0 if extremes.finite else count_cells(np.isnan, shown),
        infinite=0 if extremes.finite else count_cells(np.isinf, shown),
        clipped=sum(count_clipped(shown, domain)) if clips else 0,
    )


def windowed(
    plane: Shaped[np.ndarray, "row column"], window: Window | None
) -> Shaped[np.ndarray, "shown_row shown_column"]:
    if window is None:
        return plane
    row, rows, column, columns = window
    if not (0 <= row < row + rows <= len(plane) and 0 <= column < column + columns <= plane.shape[1]):
        raise SelectionError(
            f"window must be cells inside {len(plane)} x {plane.shape[1]}, got {rows} rows from {row} and "
            f"{columns} columns from {column}. It is (row, rows, column, columns)."
        )
    return plane[row : row + rows, column : column + columns]


@dataclass(frozen=True, slots=True)
class Extremes:
    """Largest and smallest value of each texel: one of them is its strongest cell."""

    high: Shaped[np.ndarray, "line_texel cell_texel"]
    low: Shaped[np.ndarray, "line_texel cell_texel"] | None
    """``None`` where the largest value is the strongest in every texel."""
    least: float
    """The smallest of all values; NaN where any is."""
    most: float
    """The largest of all values; NaN where any is."""
    turned: bool = False
    """Whether lines are columns."""

    @property
    def finite(self) -> bool:
        """Whether all values are."""
        return bool(np.isfinite(self.least) and np.isfinite(self.most))

    def inside(self, domain: ColorDomain) -> bool:
        """Whether no value is past the domain; not known, and so false, where there is a NaN."""
        return self.least >= domain.low - domain.slack and self.most <= domain.high + domain.slack

    def codes(
        self, domain: ColorDomain, scale: ColorScale, thresholds: Sequence[float]
    ) -> UInt16[np.ndarray, "texel_row texel_column"]:
        """The strongest of each texel, coded."""
        codes = np.empty(self.high.shape, dtype=np.uint16)
        for here in line_blocks(self.high):
            value = self._strongest(here, domain, clips=scale in ("linear", "log"))
            if scale == "row-max":
                codes[here] = _share_codes(value, diverging=domain.diverging)
            else:
                codes[here] = color_codes(value, domain, scale, quantiles=thresholds)
        return codes.T if self.turned else codes

    def _strongest(
        self, here: slice, domain: ColorDomain, *, clips: bool
    ) -> Shaped[np.ndarray, "line_texel cell_texel"]:
        high = self.high[here]
        if self.low is None:
            return high
        low = self.low[here]
        if self.finite and high.dtype.kind == "f" and (self.inside(domain) or not clips):
            return np.where(-low > high, low, high) if domain.diverging else high
        top = domain.high + domain.slack if clips else np.inf
        bottom = domain.low - domain.slack if clips else -np.inf
        return _strongest(high, low, top, bottom, diverging=domain.diverging)


def is_turned(plane: Shaped[np.ndarray, "row column"]) -> bool:
    """Whether it is columns whose cells lie together in memory."""
    return abs(plane.strides[0]) < abs(plane.strides[1])


def pooled_extremes(
    largest: Shaped[np.ndarray, "row column"],
    smallest: Shaped[np.ndarray, "row column"],
    rows: Edges,
    columns: Edges,
    domain: ColorDomain,
    scale: ColorScale,
) -> Extremes:
    """Largest and smallest value of each texel, where they are needed.

    Args:
        largest: A plane, or the largest of some of its cells each.
        smallest: The same plane, or the smallest of these.
        rows: First row of each texel, and the end.
        columns: First column of each texel, and the end.
        domain: What the ends of the colour table stand for.
        scale: Any but ``row-max``.
    """
    if is_turned(largest):
        return replace(pooled_extremes(largest.T, smallest.T, columns, rows, domain, scale), turned=True)
    prepare = _widen if largest.dtype == np.float16 else None  # NumPy has no fast maximum of these
    here = slice(rows[0], rows[-1]), slice(columns[0], columns[-1])
    single = largest is smallest and len(rows) + len(columns) - 2 == sum(largest.shape)
    largest, smallest = largest[here], smallest[here]
    rows, columns = rows - rows[0], columns - columns[0]
    with np.errstate(invalid="ignore"):
        high = pool(np.maximum, largest, rows, columns, prepare)
        least = lowest(smallest, prepare)
        bottom = domain.low - domain.slack if scale in ("linear", "log") else -np.inf
        low = None
        if not single and (domain.diverging or not (least >= bottom and least > -np.inf)):
            low = pool(np.minimum, smallest, rows, columns, prepare)
        return Extremes(high, low, least, float(high.max()))


def _pooled_shares(
    shown: Shaped[np.ndarray, "row column"],
    rows: Edges,
    columns: Edges,
    domain: ColorDomain,
    whole_rows: Shaped[np.ndarray, "row whole_column"],
) -> Extremes:
    """The same of shares of a row's largest; cells of a row are pooled before they are divided."""
    largest = largest_of_rows(whole_rows, domain)
    by = np.where(largest > 0, largest, 1.0)
    widen = _widen if shown.dtype == np.float16 else None

    turned = is_turned(shown)

    def shares(ufunc: np.ufunc) -> Float64[np.ndarray, "line_texel cell_texel"]:
        if turned:
            raw = pool(ufunc, shown.T, columns, np.arange(len(shown) + 1), widen)
            return across(ufunc, _shares(raw, by, domain), rows)

        def divided(block: LineBlock, first: int) -> LineBlock:
            wide = block if widen is None else widen(block, first)
            return _shares(across(ufunc, wide, columns), by[first : first + len(block), None], domain)

        return pool(ufunc, shown, rows, np.arange(len(columns)), divided)

    with np.errstate(invalid="ignore"):
        high = shares(np.maximum)
        least = lowest(shown.T if turned else shown, widen)
        needs_low = domain.diverging or not least > -np.inf
        low = shares(np.minimum) if needs_low else None
        return Extremes(high, low, least, float(high.max()), turned)


def _shares(
    values: LineBlock, by: Float64[np.ndarray, "..."], domain: ColorDomain
) -> Float64[np.ndarray, "line cell"]:
    """Values divided by their rows' largest.

    A value below the domain becomes nothing: its share may be past the largest float.
    """
    share: Float64[np.ndarray, "line cell"] = values.astype(np.float64)
    if not domain.diverging:
        share *= domain.unit
        share -= domain.low * domain.unit
        if not share.min() >= 0:
            share[(share < 0) & (share > -np.inf)] = 0.0
    share /= by
    return share


def _strongest(
    high: Shaped[np.ndarray, "*shape"],
    low: Shaped[np.ndarray, "*shape"],
    top: float,
    bottom: float,
    *,
    diverging: bool,
) -> Float64[np.ndarray, "*shape"]:
    """NaN, infinities, what is above, what is below, then what is furthest from nothing.

    Of two equal magnitudes the positive one.
    """
    most, least = high.astype(np.float64), low.astype(np.float64)
    takes_low: Bool[np.ndarray, "*shape"] = (least < bottom) & ~(most > top)
    if diverging:
        takes_low |= (-least > most) & ~(most > top)
    takes_low = (takes_low | (least == -np.inf)) & ~(most == np.inf)
    return np.where(takes_low & ~np.isnan(most), least, most)


def _widen(block: LineBlock, _first: int) -> LineBlock:
    return block.astype(np.float32)


def largest_of_rows(
    plane: Shaped[np.ndarray, "row column"], domain: ColorDomain
) -> Float64[np.ndarray, " row"]:
    """How far the furthest finite value of each row is from nothing; 0 where there is none."""
    turned = is_turned(plane)
    lines = plane.T if turned else plane
    highs, lows = zip(
        *(_finite_ends(lines[here], 0 if turned else 1) for here in line_blocks(lines)), strict=True
    )
    high = np.max(highs, axis=0) if turned else np.concatenate(highs)
    low = np.min(lows, axis=0) if turned else np.concatenate(lows)
    away = np.maximum(high, -low) if domain.diverging else high * domain.unit - domain.low * domain.unit
    largest: Float64[np.ndarray, " row"] = np.maximum(away, 0.0)
    return largest


def _finite_ends(
    block: LineBlock, axis: int
) -> tuple[Float64[np.ndarray, " row"], Float64[np.ndarray, " row"]]:
    """Largest and smallest finite value along an axis; -inf and inf where there is none."""
    if block.dtype == np.float16:
        block = _widen(block, 0)
    with np.errstate(invalid="ignore"):
        high, low = block.max(axis=axis).astype(np.float64), block.min(axis=axis).astype(np.float64)
    if np.isfinite(high).all() and np.isfinite(low).all():
        return high, low
    finite = np.isfinite(block)
    high = np.where(finite, block, -np.inf).max(axis=axis).astype(np.float64)
    return high, np.where(finite, block, np.inf).min(axis=axis).astype(np.float64)


def _share_codes(share: Float[np.ndarray, "*shape"], *, diverging: bool) -> UInt16[np.ndarray, "*shape"]:
    """Codes of shares in [-1, 1] or [0, 1]."""
    plain = np.where(np.isfinite(share), share, 0.0)
    at = 0.5 + 0.5 * plain if diverging else plain
    codes: UInt16[np.ndarray, "*shape"] = np.floor(np.clip(at, 0.0, 1.0) * 255 + 0.5).astype(np.uint16)
    for mark, code in ((np.isnan(share), NAN), (share == np.inf, POSITIVE_INFINITY)):
        codes[mark] = code
    codes[share == -np.inf] = NEGATIVE_INFINITY
    return codes


def count_cells(of: np.ufunc, plane: Shaped[np.ndarray, "row column"]) -> int:
    """How many cells are so."""
    return sum(int(np.count_nonzero(of(plane[here]))) for here in line_blocks(plane))
