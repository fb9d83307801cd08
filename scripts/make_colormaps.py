"""Write ``nsm_widgets/view/colormaps.json``, the one source of every colour on screen.

Each map is a list of 33 anchors, read by Python and by the JavaScript bundle alike, and interpolated linearly
to 256 colours. A map may have a variant for dark pages, so that "nothing" is always close to the page's own
background.

Our own maps are straight walks in OKLCH (Björn Ottosson, 2020): lightness and chroma change evenly, hue
stays near one value. Reads are blue and writes orange. Signed contents run from violet through the page's
background to yellow-green, equally light on both sides: hue and chroma alone tell the signs apart. They
differ mostly from blue to yellow, and stay strong up to the ends, so that readers with red-green colour
blindness see both signs too: the two ends are 20 or more apart (OKLab delta E x 100) in simulated
deuteranopia and protanopia.
viridis, cividis, magma (CC0) and the ColorBrewer maps RdBu and PuOr (Apache 2.0) come from matplotlib.

Run it from the repository's root: ``python scripts/make_colormaps.py``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl

ANCHORS = 33
OUT = Path(__file__).resolve().parent.parent / "nsm_widgets" / "view" / "colormaps.json"
FROM_MATPLOTLIB = {"viridis": 1, "cividis": 1, "magma": 1, "RdBu": 2, "PuOr": 2}

Rgb = tuple[float, float, float]


def oklch(lightness: float, chroma: float, hue_degrees: float) -> Rgb:
    """sRGB in [0, 1] of an OKLCH colour, each channel clipped to the gamut."""
    a = chroma * math.cos(math.radians(hue_degrees))
    b = chroma * math.sin(math.radians(hue_degrees))
    l_ = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m_ = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        +4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
        -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
        -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
    )

    def gamma(value: float) -> float:
        value = min(max(value, 0.0), 1.0)
        return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055

    r, g, b_ = (gamma(v) for v in linear)
    return r, g, b_


def walk(points: list[tuple[float, float, float, float]]) -> Callable[[float], Rgb]:
    """A piecewise straight path through ``(position, lightness, chroma, hue)``."""

    def at(t: float) -> Rgb:
        for (t0, l0, c0, h0), (t1, l1, c1, h1) in pairwise(points):
            if t <= t1:
                f = (t - t0) / (t1 - t0)
                return oklch(l0 + f * (l1 - l0), c0 + f * (c1 - c0), h0 + f * (h1 - h0))
        return oklch(*points[-1][1:])

    return at


def both_ways(arm_low: Callable[[float], Rgb], arm_high: Callable[[float], Rgb]) -> Callable[[float], Rgb]:
    """A diverging map from two arms that both start at the centre."""
    return lambda t: arm_low(1 - 2 * t) if t < 0.5 else arm_high(2 * t - 1)


def hexes(color_at: Callable[[float], Rgb]) -> list[str]:
    rows = (color_at(i / (ANCHORS - 1)) for i in range(ANCHORS))
    return ["".join(f"{round(255 * channel):02x}" for channel in row) for row in rows]


LIGHT_ZERO, DARK_ZERO = 0.985, 0.215


def on_light(hue: float, hue_end: float) -> Callable[[float], Rgb]:
    return walk([(0, LIGHT_ZERO, 0.004, hue), (0.5, 0.66, 0.155, hue), (1, 0.28, 0.095, hue_end)])


def on_dark(hue: float, hue_end: float) -> Callable[[float], Rgb]:
    return walk([(0, DARK_ZERO, 0.008, hue), (0.55, 0.62, 0.155, hue), (1, 0.95, 0.06, hue_end)])


def signed_on_light(hue: float, chroma: float, chroma_end: float) -> Callable[[float], Rgb]:
    return walk([(0, LIGHT_ZERO, 0.004, hue), (0.55, 0.67, chroma, hue), (1, 0.42, chroma_end, hue)])


def signed_on_dark(hue: float, chroma: float, chroma_end: float) -> Callable[[float], Rgb]:
    return walk([(0, DARK_ZERO, 0.008, hue), (0.55, 0.56, chroma, hue), (1, 0.83, chroma_end, hue)])


def matplotlib_map(name: str) -> Callable[[float], Rgb]:
    table = mpl.colormaps[name]
    return lambda t: tuple(table(t)[:3])  # type: ignore[return-value]


def main() -> None:
    blue, blue_end, orange, orange_end = 248, 262, 58, 40
    violet, green = 302, 122
    maps: dict[str, dict[str, object]] = {
        "reads": {"kind": "sequential", "light": on_light(blue, blue_end), "dark": on_dark(blue, 225)},
        "writes": {"kind": "sequential", "light": on_light(orange, orange_end), "dark": on_dark(orange, 85)},
        "ink": {
            "kind": "sequential",
            "light": walk([(0, LIGHT_ZERO, 0.0, 0), (1, 0.16, 0.0, 0)]),
            "dark": walk([(0, DARK_ZERO, 0.0, 0), (1, 0.97, 0.0, 0)]),
        },
        "signed": {
            "kind": "diverging",
            "light": both_ways(signed_on_light(violet, 0.145, 0.19), signed_on_light(green, 0.15, 0.1)),
            "dark": both_ways(signed_on_dark(violet, 0.17, 0.1), signed_on_dark(green, 0.13, 0.18)),
        },
    }
    for name, kind in FROM_MATPLOTLIB.items():
        color_at = matplotlib_map(name)
        maps[name] = {"kind": "sequential" if kind == 1 else "diverging", "light": color_at}
    text = {
        name: {key: hexes(value) if callable(value) else value for key, value in entry.items()}
        for name, entry in maps.items()
    }
    # low values cold and high values warm
    for name in ("RdBu", "PuOr"):
        text[name]["light"] = text[name]["light"][::-1]  # type: ignore[index]
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in text.items()]
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
