"""A view's present state in a few lines of text, for terminals, diff tools and saved notebooks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float64, Shaped

from nsm_widgets._text import count, one_line, short_number
from nsm_widgets.export.text._where import panels_of, selection_text
from nsm_widgets.trace import NamedArray, Trace, iterations_text
from nsm_widgets.view import ArraySummary, Layout, summary_of

MOST_ARRAYS = 30
MOST_BARS = 40
MOST_NAMES = 6
_BARS = "▁▂▃▄▅▆▇█"
_BLOCK = 1 << 16

_LINES: WeakKeyDictionary[NamedArray, str] = WeakKeyDictionary()
"""What was said of an array before: it never changes, and reading a large one takes a moment."""


def summary_text(
    name: str,
    trace: Trace,
    layout: Layout,
    indices: Mapping[str, int],
    *,
    title: str = "",
    summaries: Mapping[str, ArraySummary] | None = None,
    not_saved: Mapping[str, int] | None = None,
) -> str:
    """Say what a view shows: its name and place, and each array's axes, type, range, marks and course.

    Where a recorder left iterations out, a line says which were kept. The course is the mean magnitude of the
    finite values along time (else along the first axis), from zero to its largest, in float64 from the
    recorded values.

    Args:
        name: What kind of view it is.
        trace: Holds the arrays of the layout.
        layout: Rows of panels.
        indices: Selected index by axis.
        title: Heading of the view.
        summaries: Of arrays that were counted already, by name.
        not_saved: Bytes, by name, of the arrays that a saved notebook does not carry: a last line says so.

    Example:
        >>> from nsm_widgets.view import heatmap_layout
        >>> trace = Trace.from_arrays({"memory": [[0.0, 1.0], [2.0, 3.0]]}, dims={"memory": ("slot", "word")})
        >>> print(summary_text("Heatmap", trace, heatmap_layout(trace["memory"]), {"slot": 1}))
        Heatmap
        slot 1 of 0-1
        memory (slot: 2, word: 2) float64, 0 to 3, 0 NaN, mean magnitude along slot ▂█
    """
    head = [one_line(f"{name}: {title}" if title else name), selection_text(trace, layout, indices)]
    drawn = list(dict.fromkeys(panel.array for panel in panels_of(layout)))
    lines = [_line(trace[array], (summaries or {}).get(array)) for array in drawn[:MOST_ARRAYS]]
    if len(drawn) > MOST_ARRAYS:
        lines.append(f"and {len(drawn) - MOST_ARRAYS} more arrays")
    note = saved_note(drawn, not_saved or {})
    return "\n".join(filter(None, [*head, one_line(iterations_text(trace)), *lines, note]))


def saved_note(drawn: Sequence[str], not_saved: Mapping[str, int]) -> str:
    """What goes with a saved notebook and what does not, in the words of the page; nothing where all does."""
    left_out = [name for name in drawn if name in not_saved]
    if not left_out:
        return ""
    kept = [name for name in drawn if name not in not_saved]
    size = sum(not_saved[name] for name in left_out) / 1e6
    missing = f"{_names(left_out)} ({short_number(size)} MB)"
    if not kept:
        return f"not saved with the notebook: {missing}"
    return f"saved with the notebook: {_names(kept)} · not saved: {missing}"


def _names(names: Sequence[str]) -> str:
    listed = ", ".join(one_line(name) for name in names[:MOST_NAMES])
    return listed if len(names) <= MOST_NAMES else f"{listed} and {len(names) - MOST_NAMES} more"


def _line(array: NamedArray, summary: ArraySummary | None) -> str:
    if array not in _LINES:
        _LINES[array] = _describe(array, summary or summary_of(array))
    return _LINES[array]


def _describe(array: NamedArray, summary: ArraySummary) -> str:
    sizes = ", ".join(f"{dim}: {size}" for dim, size in array.sizes.items())
    parts = [f"{one_line(array.name)} ({sizes}) {_dtype(array)}"]
    if summary.finite:
        parts.append(f"{summary.low:.6g} to {summary.high:.6g}")
    marks = [(summary.nan, "NaN"), (summary.positive_infinity, "+inf"), (summary.negative_infinity, "-inf")]
    parts += [count(number, word) for number, word in marks if number or word == "NaN"]
    if array.mask is not None:
        parts.append(f"{int((~array.mask).sum()):,} of {array.mask.size:,} do not count")
    along = "time" if "time" in array.dims else array.dims[0]
    if summary.finite:
        largest = max(abs(summary.low), abs(summary.high))
        bars = _sparkline(mean_magnitude(array.values, array.dims.index(along), largest))
        parts.append(f"mean magnitude along {along} {bars}")
    return ", ".join(parts)


def _dtype(array: NamedArray) -> str:
    return one_line(array.attrs.get("source_dtype", array.dtype.name)).removeprefix("torch.")


def mean_magnitude(
    values: Shaped[np.ndarray, "..."], axis: int, largest: float = 1.0
) -> Float64[np.ndarray, " index"]:
    """Mean of ``|v| / largest`` over the finite values at each index of an axis; NaN where there is none.

    Args:
        values: Real numbers.
        axis: The axis that stays.
        largest: The largest magnitude of a finite value: so no sum is past the largest float.
    """
    steps = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    totals, counts = np.zeros(len(steps)), np.zeros(len(steps))
    rows = max(1, _BLOCK // steps.shape[1])
    for row in range(0, len(steps), rows):
        here = slice(row, row + rows)
        for column in range(0, steps.shape[1], _BLOCK):  # as much at a time as a processor's cache holds
            sums, finite = _sums(steps[here, column : column + _BLOCK], largest or 1.0)
            totals[here] += sums
            counts[here] += finite
    with np.errstate(invalid="ignore"):
        means: Float64[np.ndarray, " index"] = totals / counts
    return means


def _sums(
    block: Shaped[np.ndarray, "step value"], largest: float
) -> tuple[Float64[np.ndarray, " step"], Float64[np.ndarray, " step"]]:
    """Sum of the finite values' ``|v| / largest``, and how many there are."""
    share = np.abs(block.astype(np.float64)) / largest
    sums = share.sum(axis=1)
    if np.isfinite(sums).all():
        return sums, np.full(len(block), block.shape[1], dtype=np.float64)
    finite = np.isfinite(share)
    return np.where(finite, share, 0.0).sum(axis=1), finite.sum(axis=1, dtype=np.float64)


def _sparkline(means: Float64[np.ndarray, " index"]) -> str:
    """A bar for each index, or for the mean of each of :data:`MOST_BARS` groups; a dot where nothing is."""
    groups = np.array_split(means, min(len(means), MOST_BARS))
    heights = [float(np.nanmean(g)) if np.isfinite(g).any() else math.nan for g in groups]
    top = max((h for h in heights if h > 0), default=1.0)
    return "".join("·" if math.isnan(h) else _BARS[min(7, int(8 * h / top))] for h in heights)
