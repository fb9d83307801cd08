"""Pictures of very large planes, drawn from coarser ones: what is strongest is never lost, nor moved far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from nsm_widgets.raster import Pyramid, rasterize
from nsm_widgets.raster._pyramid import FACTOR
from nsm_widgets.view import COLOR_SCALES, ColorDomain, ColorScale, rank_thresholds

WEIGHTS = ColorDomain(0.0, 1.0)
SIGNED = ColorDomain(-1.0, 1.0, diverging=True)
HOT = {"largest": (1.0, 255), "most negative": (-1.0, 0), "NaN": (np.nan, 256), "inf": (np.inf, 257)}


@st.composite
def windows(draw: st.DrawFn) -> tuple[tuple[int, int, int, int], tuple[int, int], tuple[int, int]]:
    """A window of a plane of 8192 x 8192, a cell in it, and the room for it."""
    parts: list[Any] = []
    for _ in range(2):
        length = draw(st.one_of(st.integers(1, 8192), st.integers(4000, 8192), st.just(8192)))
        start = draw(st.integers(0, 8192 - length))
        parts.append(
            (start, length, draw(st.integers(start, start + length - 1)), draw(st.integers(1, 1500)))
        )
    (row, rows, r, down), (column, columns, c, across) = parts
    return (row, rows, column, columns), (r, c), (down, across)


@pytest.fixture(scope="module")
def hole(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """8192 x 8192 zeros in a file that is a hole."""
    path = Path(tmp_path_factory.mktemp("pyramid")) / "plane"
    return np.memmap(path, np.int8, "w+", shape=(8192, 8192))


@pytest.fixture(scope="module")
def pyramid(hole: np.ndarray) -> Pyramid:
    """Of that plane."""
    return Pyramid(hole)


def heat(pyramid: Pyramid, row: int, column: int, value: int) -> None:
    """Change a cell, and what stands for it on each level."""
    pyramid.plane[row, column] = value
    for level in pyramid._levels:
        level.high[row // level.step, column // level.step] = max(value, 0)
        level.low[row // level.step, column // level.step] = min(value, 0)


def test_levels_are_those_of_a_slow_way() -> None:
    """Each cell is the largest (smallest) of those it stands for, fewer at the ends; turned, too."""
    values = np.random.default_rng(3).normal(size=(301, 273))
    values[17, 5], values[200, 200], values[300, 272] = np.nan, np.inf, -np.inf
    for plane in (values, np.asfortranarray(values), values[::-1, ::2], values.astype(np.float16)):
        levels = Pyramid(plane)._levels
        assert [level.step for level in levels] == [FACTOR, FACTOR**2]
        for level in levels:
            for row in range(level.high.shape[0]):
                for column in range(level.high.shape[1]):
                    here = plane[row * level.step :, column * level.step :][: level.step, : level.step]
                    np.testing.assert_equal(level.high[row, column], here.max())
                    np.testing.assert_equal(level.low[row, column], here.min())


@settings(max_examples=60, deadline=None)
@given(case=windows(), negative=st.booleans())
def test_a_hot_cell_stays_visible_at_every_zoom(
    case: tuple[tuple[int, int, int, int], tuple[int, int], tuple[int, int]], negative: bool, pyramid: Pyramid
) -> None:
    """One cell of 8192 x 8192, wherever it is and whatever is on show: in its texel, or the next one."""
    window, (row, column), (down, across) = case
    heat(pyramid, row, column, -1 if negative else 1)
    try:
        raster = pyramid.rasterize(SIGNED, max_rows=down, max_columns=across, window=window)
    finally:
        heat(pyramid, row, column, 0)
    rows, columns = raster.codes.shape
    assert (rows, columns) == (min(window[1], down), min(window[3], across))
    ((r, c),) = np.argwhere(raster.codes == (0 if negative else 255)).tolist()
    exact = (row - window[0]) * rows // window[1], (column - window[2]) * columns // window[3]
    moved = (0, 0) if pyramid.step(down, across, window) == 1 else (1, 1)
    assert exact[0] <= r <= exact[0] + moved[0]
    assert exact[1] <= c <= exact[1] + moved[1]


@pytest.mark.parametrize("name", HOT)
@pytest.mark.parametrize("place", [(0, 0), (1023, 1023), (517, 3), (4, 700)], ids=str)
def test_every_mark_survives(name: str, place: tuple[int, int]) -> None:
    """On each level, and is counted where it is said that there may be one."""
    value, code = HOT[name]
    plane = np.zeros((1024, 1024), np.float32)
    plane[place] = value
    pyramid = Pyramid(plane)
    for most, step in ((4, 16), (31, 16), (100, 4), (1024, 1)):
        assert pyramid.step(most, most) == step
        raster = pyramid.rasterize(SIGNED, max_rows=most, max_columns=most)
        assert int((raster.codes == code).sum()) == 1
        assert (raster.nan, raster.infinite, raster.clipped) == (name == "NaN", name == "inf", 0)
        uncounted = pyramid.rasterize(WEIGHTS, max_rows=4, max_columns=4, may_mark=False)
        assert (uncounted.nan, uncounted.infinite, uncounted.clipped) == (0, 0, 0)
    clipped = pyramid.rasterize(ColorDomain(0.0, 0.5), max_rows=9, max_columns=9).clipped
    assert clipped == (name in ("largest", "most negative"))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("domain", [WEIGHTS, SIGNED], ids=["weights", "signed"])
@pytest.mark.parametrize("scale", COLOR_SCALES)
def test_texels_of_whole_cells_are_exact(scale: ColorScale, domain: ColorDomain, order: Any) -> None:
    """Where texels end where cells of the level do, and rows by their largest: as without a pyramid."""
    random = np.random.default_rng(1)
    plane = np.asarray(random.uniform(domain.low, domain.high, (768, 1024)), np.float32, order=order)
    thresholds = rank_thresholds(plane, magnitudes=domain.diverging)
    asked: dict[str, Any] = {"thresholds": thresholds, "max_rows": 48, "max_columns": 64}
    window = (64, 384, 128, 512)
    for shown in (None, window):
        expected = rasterize(plane, domain, scale, window=shown, **asked)
        raster = Pyramid(plane).rasterize(domain, scale, window=shown, **asked)
        assert np.array_equal(raster.codes, expected.codes)
        assert raster.cells == expected.cells


def test_levels_are_small(pyramid: Pyramid) -> None:
    """Little more than an eighth of the plane."""
    assert pyramid.plane.nbytes / 8 <= pyramid.nbytes < pyramid.plane.nbytes / 7
