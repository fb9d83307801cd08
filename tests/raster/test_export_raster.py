"""Pooling to texels, against a slow loop over cells."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from nsm_widgets._errors import SelectionError
from nsm_widgets.raster import rasterize
from nsm_widgets.view import COLOR_SCALES, ColorDomain, ColorScale, color_codes, rank_thresholds

DOMAINS = {"sequential": ColorDomain(0.0, 1.0), "diverging": ColorDomain(-1.0, 1.0, diverging=True)}
MARK_STRENGTHS = {256: 1005, 257: 1004, 258: 1003, 259: 1002, 260: 1001}
PLANES = ("plain", "marked", "clipped", "float16")


def plane_of(kind: str, domain: ColorDomain) -> np.ndarray:
    """A plane whose sizes are prime, so that texels hold unequal numbers of cells."""
    random = np.random.default_rng(5)
    values = random.uniform(domain.low, domain.high, (23, 31))
    if kind == "clipped":
        values *= 1.2
    if kind == "marked":
        marked = random.random(values.shape)
        values[marked < 0.03], values[marked > 0.98] = np.nan, np.inf
        values[(marked > 0.5) & (marked < 0.52)] = -np.inf
        values[4] = np.nan
    return values.astype(np.float16) if kind == "float16" else values


def strength(code: int, domain: ColorDomain) -> int:
    """Which code wins: NaN, infinities, clipped cells, then what is furthest from nothing."""
    return MARK_STRENGTHS.get(code, abs(2 * code - 255) if domain.diverging else code)


@pytest.mark.parametrize("rows_columns", [(23, 31), (7, 31), (23, 10), (7, 10), (1, 1), (99, 99)], ids=str)
@pytest.mark.parametrize("scale", COLOR_SCALES)
@pytest.mark.parametrize("domain_name", DOMAINS)
@pytest.mark.parametrize("kind", PLANES)
def test_texels_show_the_strongest_cell(
    kind: str, domain_name: str, scale: ColorScale, rows_columns: tuple[int, int]
) -> None:
    """Cell c lies in texel floor(c n / cells); the strongest of a texel's codes is shown."""
    domain = DOMAINS[domain_name]
    plane = plane_of(kind, domain)
    thresholds = rank_thresholds(plane, magnitudes=domain.diverging)
    rows, columns = min(rows_columns[0], 23), min(rows_columns[1], 31)
    raster = rasterize(
        plane, domain, scale, thresholds=thresholds, max_rows=rows_columns[0], max_columns=rows_columns[1]
    )
    codes = color_codes(plane, domain, scale, quantiles=thresholds)
    strongest = np.full((rows, columns), -1)
    for row in range(23):
        for column in range(31):
            texel = row * rows // 23, column * columns // 31
            strongest[texel] = max(strongest[texel], strength(int(codes[row, column]), domain))
    got = [[strength(int(code), domain) for code in line] for line in raster.codes]
    assert got == strongest.tolist()
    assert raster.cells == (-(-23 // rows), -(-31 // columns))
    assert raster.pooled == ((rows, columns) != (23, 31))
    assert raster.nan == int((codes == 256).sum())
    assert raster.infinite == int(((codes == 257) | (codes == 258)).sum())
    assert raster.clipped == int((codes >= 259).sum())


@pytest.mark.parametrize("layout", ["rows", "columns", "every second", "memmap"])
@pytest.mark.parametrize("scale", COLOR_SCALES)
@pytest.mark.parametrize("domain_name", DOMAINS)
@pytest.mark.parametrize("kind", PLANES)
def test_a_window_shows_its_cells_alone(
    kind: str, domain_name: str, scale: ColorScale, layout: str, tmp_path: Path
) -> None:
    """As a plane of these cells would be, but that rows are divided by the largest of the whole row."""
    domain = DOMAINS[domain_name]
    values = plane_of(kind, domain)
    row, rows, column, columns = window = 3, 17, 5, 24
    thresholds = rank_thresholds(values, magnitudes=domain.diverging)
    codes = color_codes(values, domain, scale, quantiles=thresholds)[row : row + rows, column:][:, :columns]
    for max_rows, max_columns in ((17, 24), (5, 24), (17, 7), (4, 7), (11, 13)):
        raster = rasterize(
            laid_out(values, layout, tmp_path),
            domain,
            scale,
            thresholds=thresholds,
            max_rows=max_rows,
            max_columns=max_columns,
            window=window,
        )
        strongest = np.full((max_rows, max_columns), -1)
        for r in range(rows):
            for c in range(columns):
                texel = r * max_rows // rows, c * max_columns // columns
                strongest[texel] = max(strongest[texel], strength(int(codes[r, c]), domain))
        assert [[strength(int(code), domain) for code in line] for line in raster.codes] == strongest.tolist()
        assert raster.nan == int((codes == 256).sum())
        assert raster.infinite == int(((codes == 257) | (codes == 258)).sum())
        assert raster.clipped == int((codes >= 259).sum())


def laid_out(values: np.ndarray, layout: str, folder: Path) -> np.ndarray:
    """The same plane, elsewhere in memory or in a file."""
    if layout == "columns":
        return np.asfortranarray(values)
    if layout == "every second":
        wide = np.zeros((2 * values.shape[0], 3 * values.shape[1]), values.dtype)
        wide[::2, ::3] = values
        return wide[::2, ::3]
    if layout == "memmap":
        values.tofile(folder / "plane")
        return np.memmap(folder / "plane", values.dtype, "r", shape=values.shape)
    return values


@pytest.mark.parametrize("scale", COLOR_SCALES)
def test_of_equal_magnitudes_the_positive_one_is_shown(scale: ColorScale) -> None:
    """In whichever order they lie."""
    plane = np.array([[1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], np.float32)
    domain = DOMAINS["diverging"]
    thresholds = (np.arange(255) / 255).tolist()
    raster = rasterize(plane, domain, scale, thresholds=thresholds, max_rows=3, max_columns=1)
    signs = np.array([[1.0, -1.0]])
    positive, negative = color_codes(signs, domain, scale, quantiles=thresholds)[0].tolist()
    assert raster.codes[:, 0].tolist() == [positive, positive, negative]
    assert positive > 250 and negative < 5


def test_a_share_past_the_largest_float_is_nothing() -> None:
    """A value far below the domain, in a row whose largest is tiny, is no infinity."""
    plane = np.array([[-1e300, 1e-300, np.inf]])
    raster = rasterize(plane, DOMAINS["sequential"], "row-max", max_rows=1, max_columns=3)
    assert raster.codes.tolist() == [[0, 255, 257]]


@pytest.mark.parametrize("window", [(-1, 2, 0, 2), (0, 4, 0, 2), (0, 1, 3, 2), (0, 0, 0, 2)], ids=str)
def test_a_window_that_is_none_is_refused(window: tuple[int, int, int, int]) -> None:
    """It must hold cells of the plane, and these alone."""
    with pytest.raises(SelectionError, match="window must be cells inside 3 x 4"):
        rasterize(np.zeros((3, 4)), DOMAINS["sequential"], max_rows=9, max_columns=9, window=window)


@pytest.mark.parametrize("shape", [(900, 500), (500, 900), (1, 300_000), (300_000, 1)], ids=str)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int16", "uint8", "bool"])
def test_blocks_join(shape: tuple[int, int], order: Literal["C", "F"], dtype: str) -> None:
    """A plane of several blocks is pooled as one, for any type of values."""
    values = (np.random.default_rng(2).random(shape) * 100).astype(dtype).astype(dtype, order=order)
    domain = ColorDomain(0.0, 100.0)
    rows, columns = (min(length, most) for length, most in zip(shape, (90, 411), strict=True))
    raster = rasterize(values, domain, max_rows=rows, max_columns=columns)
    expected = np.zeros((rows, columns), values.dtype)
    at = np.arange(shape[0])[:, None] * rows // shape[0], np.arange(shape[1]) * columns // shape[1]
    np.maximum.at(expected, at, values)
    assert np.array_equal(raster.codes, color_codes(expected, domain))
