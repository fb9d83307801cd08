"""Pooling to texels, against a slow loop over cells."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nsm_widgets.export._geometry import span, texel_under, ticks
from nsm_widgets.export._raster import rasterize
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


@pytest.mark.parametrize(("pixels", "texels"), [(10, 3), (7, 7), (100, 41), (5, 1)])
def test_a_pixel_shows_the_texel_under_its_middle(pixels: int, texels: int) -> None:
    """And a cell's span is exactly the pixels that show it."""
    under = texel_under(pixels, texels)
    assert under.tolist() == [int((p + 0.5) * texels / pixels) for p in range(pixels)]
    for texel in range(texels):
        start, end = span(texel, texels, pixels)
        assert np.flatnonzero(under == texel).tolist() == list(range(start, end))


@pytest.mark.parametrize("count", [1, 2, 9, 128, 1000, 4096])
@pytest.mark.parametrize("length", [24, 230, 900])
def test_labels_do_not_touch(count: int, length: int) -> None:
    """First and last are labelled where both fit, and any two are a label's size apart."""
    at = ticks(count, length, 20)
    assert at == sorted(set(at)) and at[-1] == count - 1
    assert at[0] == 0 or length < 40
    for a, b in pairwise(at):
        assert (b - a) * length / count >= 20
