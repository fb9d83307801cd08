"""Write the arrays and colour cases that the Python and the JavaScript tests both read.

``build()`` returns the files, ``python -m tests.data.wire.make`` (from the repository's root) writes them.

arrays.json    for each type on the wire: shape, dims, file, and the values as the page must read them
array_*.bin    their bytes
codes.json     for each colour case: domain, scale, thresholds, shape, codes, and where rounding may differ
code_*.bin     the values of a case, float64
rasters.json   planes, windows and sizes, and the codes and marks of their texels
palettes.json  names of the colour maps and themes
palettes.bin   their colours, sRGB bytes (map, theme, code, channel); the last five codes are the marks
"""

from __future__ import annotations

import json
import math
from decimal import Decimal, getcontext
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from nsm_widgets.export.picture.parts._grid import wrapped_grid
from nsm_widgets.raster import rasterize
from nsm_widgets.view import (
    ColorDomain,
    ColorScale,
    Theme,
    as_colormap,
    color_codes,
    colormap_for_page,
    colormap_names,
    own_domain,
    own_thresholds,
    paint,
    rank_thresholds,
)
from nsm_widgets.widgets.page_arrays._wire import wire_array

HERE = Path(__file__).parent
THEMES: tuple[Theme, ...] = ("light", "dark")
SOURCES = (
    ("float64", "float64"),
    ("float32", "float32"),
    ("float16", "float32"),
    ("bool", "uint8"),
    ("int8", "int8"),
    ("int16", "int16"),
    ("int32", "int32"),
    ("uint8", "uint8"),
    ("uint16", "uint16"),
    ("uint32", "uint32"),
    ("int64", "int32"),
    ("uint64", "float64"),
)
"""A type in Python, and the type in which it travels."""

OWN_MAPS = (("white", "crimson"), ("#0000ff", (1, 1, 1), "deeppink", (0.9, 0.0, 0.15)))
"""Lists of colours; those of the second come near the marks."""

LARGEST, SMALLEST = 1.7976931348623157e308, 5e-324
DOMAINS: dict[str, ColorDomain] = {
    "weights": ColorDomain(0.0, 1.0),
    "signed": ColorDomain(-3.0, 3.0, diverging=True),
    "narrow": ColorDomain(0.25, 0.26),
    "below_zero": ColorDomain(-10.0, 5.0),
    "single": ColorDomain(2.0, 2.0),
    "denormal": ColorDomain(0.0, SMALLEST),
    "denormal_signed": ColorDomain(-SMALLEST, SMALLEST, diverging=True),
    "tiny": ColorDomain(0.0, 1e-300),
    "huge": ColorDomain(-LARGEST, LARGEST),
    "huge_signed": ColorDomain(-LARGEST, LARGEST, diverging=True),
}
SCALES: tuple[ColorScale, ...] = ("linear", "log", "row-max", "rank")
LOG_FLOOR = Decimal.from_float(1e-4)
EDGE = Decimal("1e-9")


@cache
def build() -> dict[str, bytes]:
    """Every file's name and bytes; the same on every run."""
    return {**_arrays(), **_codes(), **_own_ranges(), **_rasters(), **_grids(), **_palettes()}


def _arrays() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    entries = []
    for source, wire in SOURCES:
        values = _edges(source)
        sent = wire_array(values, source)
        files[f"array_{source}.bin"] = sent.tobytes()
        entries.append(
            {
                "source": source,
                "dtype": wire,
                "shape": list(sent.shape),
                "dims": ["time", "slot", "word"],
                "file": f"array_{source}.bin",
                "values": [_number(v) for v in sent.reshape(-1).tolist()],
            }
        )
    return {**files, "arrays.json": _json(entries)}


def _edges(source: str) -> np.ndarray:
    """2 x 3 x 4 values of a type: its ends, what is no number, and some in between."""
    dtype = np.dtype(source)
    random = np.random.default_rng(3)
    if dtype.kind == "f":
        info = np.finfo(dtype)
        edges: list[float] = [np.nan, np.inf, -np.inf, -0.0, info.max, info.min, info.smallest_subnormal, 0.1]
        rest = (random.integers(-1000, 1000, 16) / 64).tolist()
    elif dtype.kind == "b":
        edges, rest = [True, False] * 4, random.integers(0, 2, 16).tolist()
    else:
        small = {"int64": (-(2**31), 2**31 - 1), "uint64": (0, 2**53)}
        low, high = small.get(source, (np.iinfo(dtype).min, np.iinfo(dtype).max))
        edges = [low, high, 0, 1, low + 1, high - 1, 2, 3]
        rest = random.integers(0, 100, 16).tolist()
    return np.array([*edges, *rest], dtype=dtype).reshape(2, 3, 4)


def _codes() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    cases = []
    for name, domain in DOMAINS.items():
        values = _around(domain)
        files[f"code_{name}.bin"] = values.astype("<f8").tobytes()
        for scale in SCALES:
            thresholds = rank_thresholds(values, magnitudes=domain.diverging) if scale == "rank" else ()
            codes = color_codes(values, domain, scale, quantiles=thresholds)
            near = [i for i, v in enumerate(values.flat) if scale == "log" and near_edge(float(v), domain)]
            cases.append(
                {
                    "name": f"{name} {scale}",
                    "domain": {"low": domain.low, "high": domain.high, "diverging": domain.diverging},
                    "scale": scale,
                    "thresholds": list(thresholds),
                    "shape": list(values.shape),
                    "values": f"code_{name}.bin",
                    "codes": codes.reshape(-1).tolist(),
                    "near_edge": near,
                }
            )
    return {**files, "codes.json": _json(cases)}


def _around(domain: ColorDomain) -> np.ndarray:
    """7 x 12 values in and around a domain: its ends, just past them, marks, denormals, huge ones."""
    low, high, slack = domain.low, domain.high, domain.slack
    middle = low / 2 + high / 2
    within = np.random.default_rng(11).random((3, 12))
    ends = [low, high, middle, 0.0, -0.0, low / 2, high / 2, low - slack / 2, high + slack / 2]
    past = [low - 2 * slack, high + 2 * slack, np.nextafter(high, -np.inf), np.nextafter(low, np.inf)]
    marks = [np.nan, np.inf, -np.inf]
    extremes = [SMALLEST, -SMALLEST, 1e-300, -1e-300, 1e300, -1e300, LARGEST / 2, -LARGEST / 2]
    special = [*ends, *past, *marks, *extremes]
    decades = [*(high * 10.0**-k for k in range(1, 6)), *(low * 10.0**-k for k in range(1, 6))]
    rows = [
        *(low * (1 - row) + high * row for row in within),
        np.array([low] * 12),
        np.array([np.nan, np.inf, -np.inf] * 4),
        np.array([*special[:12]]),
        np.array([*special[12:], *decades[: 24 - len(special)]]),
    ]
    return np.stack(rows)


def _own_ranges() -> dict[str, bytes]:
    """Domains and thresholds of single pictures; a large one, whose ranks are sampled, is among them."""
    random = np.random.default_rng(5)
    dirichlet = random.dirichlet(np.ones(9), size=7)
    marked = dirichlet.copy()
    marked[0, :3] = np.nan, np.inf, -np.inf
    planes = {
        "weights": (dirichlet, ColorDomain(0.0, 1.0)),
        "marked": (marked, ColorDomain(0.0, 1.0)),
        "one value": (np.full((3, 4), 0.25), ColorDomain(0.0, 1.0)),
        "zeros": (np.zeros((2, 2)), ColorDomain(0.0, 1.0)),
        "nothing finite": (np.full((2, 3), np.nan), ColorDomain(0.0, 1.0)),
        "signed": (random.normal(size=(5, 6)), ColorDomain(-9.0, 9.0, diverging=True)),
        "signed zeros": (np.array([[0.0, -0.0]]), ColorDomain(-9.0, 9.0, diverging=True)),
        "sampled": (np.arange(300.0 * 260).reshape(300, 260) % 977, ColorDomain(0.0, 1000.0)),
    }
    cases = []
    for name, (plane, shared) in planes.items():
        domain = own_domain(plane, shared)
        cases.append(
            {
                "name": name,
                "shape": list(plane.shape),
                "values": [_number(v) for v in plane.reshape(-1).tolist()],
                "shared": {"low": shared.low, "high": shared.high, "diverging": shared.diverging},
                "own": {"low": domain.low, "high": domain.high, "diverging": domain.diverging},
                "thresholds": list(own_thresholds(plane, magnitudes=shared.diverging)),
            }
        )
    del cases[-1]["values"]  # which both sides can compute: row * 260 + column, modulo 977
    return {"own_ranges.json": _json(cases)}


def _rasters() -> dict[str, bytes]:
    """Pooled planes of 11 x 13 float32 values: plain, with equal magnitudes of both signs, with marks."""
    random = np.random.default_rng(17)
    plain = random.random((11, 13))
    signs = np.where(random.random((11, 13)) < 0.5, -1.0, 1.0)
    marked = plain * signs * 1.2
    marked.flat[::19], marked.flat[7::23], marked.flat[11::31] = np.nan, np.inf, -np.inf
    weights, signed = ColorDomain(0.0, 1.0), ColorDomain(-1.0, 1.0, diverging=True)
    planes = {
        "plain": (plain, weights),
        "signed": (plain * signs, signed),
        "ties": (signs, signed),
        "below zero": (plain * signs, weights),
        "marked": (marked, weights),
        "marked, signed": (marked, signed),
    }
    windows: tuple[tuple[int, int, int, int] | None, ...] = (None, (2, 7, 1, 12))
    entries, cases = [], []
    for name, (values, domain) in planes.items():
        plane = values.astype(np.float32)
        thresholds = rank_thresholds(plane, magnitudes=domain.diverging)
        entries.append(
            {
                "name": name,
                "shape": list(plane.shape),
                "values": [_number(v) for v in plane.reshape(-1).tolist()],
                "domain": {"low": domain.low, "high": domain.high, "diverging": domain.diverging},
                "thresholds": list(thresholds),
            }
        )
        for scale, window, (rows, columns) in product(SCALES, windows, ((4, 5), (11, 3))):
            raster = rasterize(
                plane,
                domain,
                scale,
                thresholds=thresholds,
                max_rows=rows,
                max_columns=columns,
                window=window,
            )
            cases.append(
                {
                    "plane": name,
                    "scale": scale,
                    "window": window,
                    "most": [rows, columns],
                    "codes": raster.codes.reshape(-1).tolist(),
                    "marks": [raster.nan, raster.infinite, raster.clipped],
                }
            )
    text = json.dumps({"planes": entries, "cases": cases}, allow_nan=False)
    return {"rasters.json": text.replace("}, {", "},\n{").encode() + b"\n"}


def _grids() -> dict[str, bytes]:
    """How thumbnails are laid out in some rooms."""
    cases = [
        {
            "count": count,
            "room": [width, height],
            "shape": shape,
            "grid": wrapped_grid(count, (width, height), shape),
        }
        for count in (1, 2, 4, 5, 8, 12, 72, 500)
        for width, height in ((400, 520), (1200, 420), (100, 100))
        for shape in (1.0, 0.6, 9.0)
    ]
    return {"grids.json": _json(cases)}


def near_edge(value: float, domain: ColorDomain) -> bool:
    """Whether a value's place on a log scale is so near a rounding edge that log1p's last bit decides."""
    if not math.isfinite(value) or value == 0:
        return False
    getcontext().prec = 400  # 1 + 5e-324 is not 1
    low, high, v = Decimal(domain.low), Decimal(domain.high), Decimal(value)
    if domain.diverging:
        reach, away = high, abs(v)
    else:
        reach, away = high - low or Decimal(1), max(v - low, Decimal(0))
    floor = Decimal(float(LOG_FLOOR * reach)) or Decimal(1)  # as a float: a denormal's share is zero
    share = (1 + away / floor).ln() / (1 + reach / floor).ln()
    at = Decimal("0.5") + share.copy_sign(v) / 2 if domain.diverging else share
    exact = at * 255 + Decimal("0.5")
    return abs(exact - exact.to_integral_value()) / 255 < EDGE


def _palettes() -> dict[str, bytes]:
    codes = np.arange(261, dtype=np.uint16)
    names = [*colormap_names(), *map(as_colormap, OWN_MAPS)]
    colors = np.stack([[paint(codes, name, theme) for theme in THEMES] for name in names])
    index = {
        "maps": [colormap_for_page(name) for name in names],
        "themes": list(THEMES),
        "shape": list(colors.shape),
    }
    return {"palettes.json": _json(index), "palettes.bin": colors.tobytes()}


def _number(value: float) -> float | str:
    """JSON has no word for some numbers; the page's words for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def main() -> None:
    for name, data in build().items():
        (HERE / name).write_bytes(data)


if __name__ == "__main__":
    main()
