"""From numbers to colours: codes against a slow loop, tables against what the eye needs."""

from __future__ import annotations

import math
from bisect import bisect_left

import numpy as np
import pytest

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.view import (
    COLOR_SCALES,
    ColorDomain,
    ColorScale,
    Theme,
    color_codes,
    color_table,
    colormap_kind,
    colormap_names,
    paint,
    rank_thresholds,
)
from tests.data.wire import make

THEMES: tuple[Theme, ...] = ("light", "dark")
DOMAINS = {
    "weights": ColorDomain(0.0, 1.0),
    "signed": ColorDomain(-2.0, 2.0, diverging=True),
    "offset": ColorDomain(-4.0, 1.5),
    "single": ColorDomain(3.0, 3.0),
}


def slow_code(row: list[float], index: int, domain: ColorDomain, scale: str, thresholds: list[float]) -> int:
    """The code of one value, as the documentation says it."""
    v, low, high = row[index], domain.low, domain.high
    if math.isnan(v):
        return 256
    if math.isinf(v):
        return 257 if v > 0 else 258
    width = high - low or 1.0
    if scale in ("linear", "log"):
        if v > high + 1e-5 * width:
            return 259
        if v < low - 1e-5 * width:
            return 260
    sign = (v > 0) - (v < 0)
    if scale == "linear":
        place = (v - low) / width
    elif scale == "log" and domain.diverging:
        c = 1e-4 * high
        place = 0.5 + 0.5 * sign * math.log1p(abs(v) / c) / math.log1p(high / c)
    elif scale == "log":
        c = 1e-4 * width
        place = math.log1p(max(v - low, 0) / c) / math.log1p(width / c)
    elif scale == "row-max":
        finite = [u for u in row if math.isfinite(u)]
        largest = max(abs(u) if domain.diverging else u - low for u in finite)
        largest = largest if largest > 0 else 1.0
        place = 0.5 + 0.5 * v / largest if domain.diverging else (v - low) / largest
    elif domain.diverging:
        place = 0.5 + 0.5 * sign * bisect_left(thresholds, abs(v)) / 255
    else:
        place = bisect_left(thresholds, v) / 255
    return math.floor(min(max(place, 0.0), 1.0) * 255 + 0.5)


@pytest.mark.parametrize("scale", COLOR_SCALES)
@pytest.mark.parametrize("name", DOMAINS)
def test_codes_are_those_of_a_slow_loop(name: str, scale: ColorScale) -> None:
    """Every value gets the code that its definition gives it."""
    domain = DOMAINS[name]
    random = np.random.default_rng(0)
    values = random.normal(size=(6, 9)) * 2
    values[1] = 0.0
    values[2] = domain.low - 1
    values[3, :3] = [np.nan, np.inf, -np.inf]
    values[4, :4] = [domain.low, domain.high, domain.high + 0.9e-5, domain.low - 0.9e-5]
    thresholds = list(rank_thresholds(values, magnitudes=domain.diverging))
    codes = color_codes(values, domain, scale, quantiles=thresholds)
    expected = [
        [slow_code(row, i, domain, scale, thresholds) for i in range(len(row))] for row in values.tolist()
    ]
    assert codes.tolist() == expected
    assert codes.dtype == np.uint16


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint16", "bool"])
def test_codes_take_any_real_type(dtype: str) -> None:
    """The code is that of the value in float64, whatever type holds it."""
    values = np.array([0, 1, 0, 1], dtype=dtype)
    assert color_codes(values, ColorDomain(0, 1)).tolist() == [0, 255, 0, 255]


def test_a_row_without_finite_values_has_only_marks() -> None:
    """A row of NaN and infinities divides by nothing."""
    values = np.array([[np.nan, np.inf], [0.0, -0.0]])
    assert color_codes(values, ColorDomain(0, 1), "row-max").tolist() == [[256, 257], [0, 0]]


def test_rounding_is_not_clipping() -> None:
    """Weights a hair above one or below zero keep the end's colour; what is really outside is marked."""
    values = np.array([1 + 1e-6, -1e-6, 1.0001, -0.0001])
    assert color_codes(values, ColorDomain(0, 1)).tolist() == [255, 0, 259, 260]


@pytest.mark.parametrize("diverging", [False, True], ids=["sequential", "diverging"])
@pytest.mark.parametrize("scale", ["linear", "log", "row-max"])
def test_a_domain_wider_than_a_float_still_orders_its_values(scale: ColorScale, diverging: bool) -> None:
    """From the lowest to the highest float the ends get the end colours, and nothing overflows."""
    largest = float(np.finfo(np.float64).max)
    domain = ColorDomain(-largest, largest, diverging)
    codes = color_codes(np.array([[-largest, -largest / 2, 0.0, largest]]), domain, scale)[0].tolist()
    assert codes == sorted(codes)
    assert (codes[0], codes[-1]) == (0, 255)


@pytest.mark.parametrize("scale", ["linear", "log", "row-max"])
def test_the_smallest_domain_still_has_two_ends(scale: ColorScale) -> None:
    """A domain from zero to the smallest float has a colour for each of them."""
    assert color_codes(np.array([[0.0, 5e-324]]), ColorDomain(0.0, 5e-324), scale).tolist() == [[0, 255]]


SIMULATED = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
"""Linear sRGB as seen with a kind of colour vision (Machado, Oliveira and Fernandes 2009, severity 1)."""


def oklab(table: np.ndarray, vision: str = "normal") -> np.ndarray:
    """OKLab (Björn Ottosson, 2020) of sRGB bytes, along the last axis L, a, b."""
    s = table / 255
    linear = np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ SIMULATED[vision].T, 0, 1)
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    lab: np.ndarray = np.cbrt(seen @ to_lms.T) @ to_lab.T
    return lab


def oklab_lightness(table: np.ndarray) -> np.ndarray:
    """How light each colour is, from 0 to 1."""
    lightness: np.ndarray = oklab(table)[..., 0]
    return lightness


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", colormap_names())
def test_every_table_has_256_colours_that_cannot_be_changed(name: str, theme: Theme) -> None:
    """A table is 256 sRGB colours, made once and shared, so read-only."""
    table = color_table(name, theme)
    assert table.shape == (256, 3) and table.dtype == np.uint8
    assert table is color_table(name, theme)
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", colormap_names("sequential"))
def test_sequential_maps_get_steadily_lighter_or_darker(name: str, theme: Theme) -> None:
    """More is always further from nothing to the eye: lightness never turns back, but for byte rounding."""
    lightness = oklab_lightness(color_table(name, theme))
    direction = np.sign(lightness[-1] - lightness[0])
    steps = np.diff(lightness) * direction
    assert steps.min() > -0.004
    assert abs(lightness[-1] - lightness[0]) > 0.5
    assert (np.diff(lightness[::8]) * direction).min() > 0


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", colormap_names("diverging"))
def test_diverging_maps_are_symmetric_around_their_centre(name: str, theme: Theme) -> None:
    """Equal distances from zero look equally strong, and both arms leave the centre steadily."""
    lightness = oklab_lightness(color_table(name, theme))
    tolerance = 0.012 if name == "signed" else 0.2  # the ColorBrewer maps are what they are
    np.testing.assert_allclose(lightness, lightness[::-1], atol=tolerance)
    direction = np.sign(lightness[-1] - lightness[127])
    assert (np.diff(lightness[128::8]) * direction).min() > 0
    assert (np.diff(lightness[127::-8]) * direction).min() > 0


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", SIMULATED)
def test_signs_stay_apart_for_colour_blind_readers(vision: str, theme: Theme) -> None:
    """From half way out to the ends, a value and its opposite differ by OKLab delta E x 100 of 20."""
    colors = oklab(color_table("signed", theme), vision)
    apart = 100 * np.linalg.norm(colors[:64] - colors[:-65:-1], axis=-1)
    assert apart.min() >= 20


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("other", ["reads", "writes"])
def test_ends_of_the_signed_map_are_no_weights(other: str, theme: Theme) -> None:
    """No colour of the weights' maps comes near +max or -max: at least OKLab delta E x 100 of 10."""
    ends = oklab(color_table("signed", theme))[[0, -1]]
    weights = oklab(color_table(other, theme))
    assert 100 * np.linalg.norm(ends[:, None] - weights, axis=-1).min() >= 10


@pytest.mark.parametrize("name", ["reads", "writes", "ink", "signed"])
def test_nothing_is_close_to_the_page(name: str) -> None:
    """Zero of our own maps is near white on a light page and near black on a dark one."""
    zero = 127 if name == "signed" else 0
    assert oklab_lightness(color_table(name, "light"))[zero] > 0.95
    assert oklab_lightness(color_table(name, "dark"))[zero] < 0.3


def test_marks_have_colours_of_their_own() -> None:
    """NaN and infinities look like nothing on the table; clipped cells keep the colour of their end."""
    for name in colormap_names():
        for theme in THEMES:
            colors = paint(np.arange(261, dtype=np.uint16), name, theme)
            assert colors[259].tolist() == colors[255].tolist()
            assert colors[260].tolist() == colors[0].tolist()
            assert len({tuple(c) for c in colors[256:259].tolist()}) == 3


def test_painting_keeps_the_shape() -> None:
    """Codes of any shape become colours with one more axis."""
    assert paint(np.zeros((2, 3), np.uint16), "ink").shape == (2, 3, 3)


def test_an_unknown_map_is_refused_with_the_known_ones() -> None:
    """The error lists what there is, and the nearest of all."""
    for function in (color_table, colormap_kind):
        with pytest.raises(
            UnknownOptionError, match=r"one of reads, .*PuOr, .*got 'jett'. Did you mean 'jet'"
        ):
            function("jett")


def test_kinds_share_out_the_names() -> None:
    """Every map is sequential or diverging."""
    assert {*colormap_names("sequential"), *colormap_names("diverging")} == set(colormap_names())
    assert colormap_kind("signed") == "diverging" and colormap_kind("ink") == "sequential"


@pytest.mark.parametrize("name", sorted(make.build()))
def test_shared_fixtures_have_not_drifted(name: str) -> None:
    """What JavaScript is tested against is what Python does today; else run tests/data/wire/make.py."""
    assert (make.HERE / name).read_bytes() == make.build()[name]


def test_no_fixture_is_left_over() -> None:
    """Every file in the folder is one that is written."""
    files = {path.name for path in make.HERE.iterdir() if path.suffix in (".bin", ".json")}
    assert files == set(make.build())
