"""What a picture of a large plane costs, and what is said of a large array, against plain NumPy.

Run it by ``python -m benchmarks.raster``. Milliseconds are those of the machine at hand; a ratio is the
peer's time by ours, taken in turns. Where matplotlib is installed, it is a peer, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from benchmarks.kernel.timing import in_turns
from nsm_widgets.raster import Pyramid, rasterize
from nsm_widgets.view import COLOR_SCALES, ColorDomain, count_clipped, paint, rank_thresholds, summarize

ROWS, COLUMNS = 600, 700
DOMAIN = ColorDomain(0.0, 1.0)
Plane = Float32[np.ndarray, "row column"]


OURS = "nsm_widgets"


def numpy_way(plane: Plane) -> UInt16[np.ndarray, "texel_row texel_column"]:
    """Finite values, their largest in each texel, cut into 256 colours."""
    kept = np.where(np.isfinite(plane), plane, -np.inf)
    for axis, texels in enumerate((ROWS, COLUMNS)):
        length = plane.shape[axis]
        first = -(-np.arange(min(texels, length)) * length // min(texels, length))
        kept = np.maximum.reduceat(kept, first, axis=axis)
    return np.digitize(kept, np.linspace(0.0, 1.0, 257)[1:-1]).astype(np.uint16)


def matplotlib_way(plane: Plane) -> UInt8[np.ndarray, "row column 4"]:
    """Every cell a colour, before any is left out."""
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    colors: UInt8[np.ndarray, "row column 4"] = colormaps["viridis"](Normalize(0, 1)(plane), bytes=True)
    return colors


def plain_summary(values: Float32[np.ndarray, "..."]) -> object:
    """The same of an array, each number by a pass over all of it."""
    finite = np.isfinite(values)
    clipped = (finite & (values > 1)).sum(), (finite & (values < 0)).sum()
    return values.min(), values.max(), np.isnan(values).sum(), clipped, np.quantile(values.flat[::97], 0.5)


def our_summary(values: Float32[np.ndarray, "..."]) -> object:
    return summarize(values), count_clipped(values, DOMAIN), rank_thresholds(values, magnitudes=False)


def say(what: str, times: Mapping[str, float]) -> None:
    (_, ours), (peer, theirs) = times.items()
    print(
        f"{what:<52} {ours:8.1f} ms   {theirs / ours:6.1f} x faster than {peer} ({theirs:.1f} ms)", flush=True
    )


def main() -> None:
    runs: dict[str, Callable[[], object]]
    random = np.random.default_rng(0)
    for side in (1024, 4096, 8192):
        plane = random.random((side, side), dtype=np.float32) ** 4
        ranks = rank_thresholds(plane, magnitudes=False)
        repeats = 21 if side == 1024 else 5
        for scale in COLOR_SCALES:

            def ours(plane: Plane = plane, scale: Any = scale, ranks: tuple[float, ...] = ranks) -> object:
                return rasterize(plane, DOMAIN, scale, thresholds=ranks, max_rows=ROWS, max_columns=COLUMNS)

            def plain(plane: Plane = plane) -> object:
                return numpy_way(plane)

            name = f"{side} x {side} to {ROWS} x {COLUMNS}, {scale}"
            say(name, in_turns({OURS: ours, "NumPy": plain}, repeats))
        if find_spec("matplotlib") and side < 8192:

            def painted(plane: Plane = plane) -> object:
                codes = rasterize(plane, DOMAIN, max_rows=ROWS, max_columns=COLUMNS).codes
                return paint(codes, "viridis")

            def colored(plane: Plane = plane) -> object:
                return matplotlib_way(plane)

            runs = {OURS: painted, "Normalize and a colour map": colored}
            say(f"{side} x {side}, painted", in_turns(runs, 5))
    pyramid = Pyramid(plane)
    runs = {
        OURS: lambda: pyramid.rasterize(DOMAIN, max_rows=ROWS, max_columns=COLUMNS),
        "the plane itself": lambda: rasterize(plane, DOMAIN, max_rows=ROWS, max_columns=COLUMNS),
    }
    say("8192 x 8192 from a pyramid", in_turns(runs, 5))
    values = random.random((100, 1024, 1024), dtype=np.float32)
    runs = {OURS: lambda: our_summary(values), "NumPy, a pass for each": lambda: plain_summary(values)}
    say("range, marks, clipped and ranks of 100 x 1024 x 1024", in_turns(runs, 5))


if __name__ == "__main__":
    main()
