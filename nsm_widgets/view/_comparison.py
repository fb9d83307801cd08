"""Several named attention matrices, their differences to one of them, and how far each row diverges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Float64

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view._coloring import default_coloring, drawn
from nsm_widgets.view.panels import HeatmapPanel, Layout, Note, NotesPanel, Panel, ThumbnailsPanel

MOST_SIDE_BY_SIDE = 6
"""More patterns than this are shown as a grid of small pictures to pick from, and the picked one large."""

MOST_DIFFERENCE_BYTES = 64_000_000
"""Of the differences of all patterns to all patterns; with more, one reference is compared with."""

DIVERGENCE_MOST = math.log(2)
"""The Jensen-Shannon divergence, in nats, of two rows that share no key."""

_TOLERANCE, _HALF_PRECISION_TOLERANCE = 1e-3, 1e-2
_PICTURE_PX, _MAP_ROW_PX = 210, 22
_MOST_ACROSS = 3


def comparison_layout(patterns: NamedArray, reference: int | None = None) -> tuple[Layout, Trace]:
    """All patterns on one colour domain, the difference of each to the reference, the divergence per row.

    The reference is chosen live along the axis ``reference``. Where the differences of all to all would take
    more than :data:`MOST_DIFFERENCE_BYTES`, they are those to the reference given, once and for all.

    Args:
        patterns: ``(pattern, query, key)`` with labels on ``pattern``.
        reference: Index of a pattern.

    Returns:
        The layout, and a trace with ``patterns``, ``difference`` and, where all rows are distributions,
        ``row_divergence``.

    Raises:
        ShapeError: If the differences are too many, and no reference is given.
    """
    count = patterns.sizes["pattern"]
    references = range(count)
    if patterns.values.size * count * 8 > MOST_DIFFERENCE_BYTES:
        if reference is None:
            raise ShapeError(
                f"the differences of all to all of {count} patterns ({patterns.sizes['query']} x "
                f"{patterns.sizes['key']}) must take at most {MOST_DIFFERENCE_BYTES / 1e6:.0f} MB, and take "
                f"{patterns.values.size * count * 8 / 1e6:,.0f} MB. Compare fewer patterns, or choose the "
                "one to compare with: reference='name'."
            )
        references = range(reference, reference + 1)
    difference = pattern_difference(patterns, references)
    trace = Trace(patterns, difference)
    wrong = first_invalid_row(patterns)
    last: Panel
    if wrong is None:
        divergence = row_divergence(patterns, references)
        trace = trace.assign(divergence)
        last = _divergence_panel(divergence, _name_of_reference(divergence))
    else:
        last = _left_out_panel(patterns, wrong)
    return (*_picture_rows(patterns, difference), (last,)), trace


def pattern_difference(patterns: NamedArray, references: Sequence[int]) -> NamedArray:
    """``pattern - reference``, cell by cell, in float64: ``difference`` (reference, pattern, query, key)."""
    values = patterns.values.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, and drawn so
        difference = np.stack([values - values[index] for index in references])
    return NamedArray(
        "difference",
        difference,
        ("reference", *patterns.dims),
        {**patterns.coords, "reference": _names(patterns, references)},
        {"kind": "content", "description": "what the pattern has more than the reference, cell by cell"},
    )


def row_divergence(patterns: NamedArray, references: Sequence[int]) -> NamedArray:
    """The Jensen-Shannon divergence of each row to the reference's, in nats, in [0, log 2].

    NaN where one of the two rows is unknown (NaN), all zero or padding; masked keys count for nothing.

    Returns:
        ``row_divergence`` (reference, pattern, query), computed in float64 from rows that sum to 1.
    """
    values = np.maximum(patterns.values.astype(np.float64), 0.0)
    if patterns.mask is not None:
        values = np.where(patterns.mask, values, 0.0)
    total = values.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        rows = values / total  # 0 / 0 is NaN: a row that is not used is like none
    divergence = np.stack([_jensen_shannon(rows, rows[index]) for index in references])
    return NamedArray(
        "row_divergence",
        divergence,
        ("reference", "pattern", "query"),
        {
            "reference": _names(patterns, references),
            **{name: coord for name, coord in patterns.coords.items() if "key" not in (name, *coord.dims)},
        },
        {
            "kind": "scalar",
            "description": "Jensen-Shannon divergence to the reference's row, in nats: 0 alike, 0.693 apart",
        },
    )


def first_invalid_row(patterns: NamedArray) -> tuple[int, int, float] | None:
    """The first row that is no distribution over keys: its pattern, its query, its sum; ``None`` if all are.

    A row of zeros counts as not used and one with a NaN as not known; both pass.
    """
    values = patterns.values
    half = values.dtype == np.float16 or "source_dtype" in patterns.attrs
    tolerance = _HALF_PRECISION_TOLERANCE if half else _TOLERANCE
    total: Float64[np.ndarray, "pattern query"] = values.sum(axis=-1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        wrong: Bool[np.ndarray, "pattern query"] = (np.abs(total - 1) > tolerance) & (
            (total != 0) | (values != 0).any(axis=-1)
        )
        wrong |= (values < -1e-6).any(axis=-1)
    if not wrong.any():
        return None
    pattern, query = (int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
    return pattern, query, float(total[pattern, query])


def _jensen_shannon(
    rows: Float[np.ndarray, "pattern query key"], other: Float[np.ndarray, "query key"]
) -> Float[np.ndarray, "pattern query"]:
    middle = (rows + other) / 2

    def to_the_middle(from_rows: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*outer"]:
        shares = np.broadcast_to(from_rows, middle.shape)
        used = (shares > 0) & (middle > 0)  # half of the smallest number is none
        ratio = np.where(used, shares, 1.0) / np.where(used, middle, 1.0)
        parts: Float[np.ndarray, "*shape"] = np.where(
            np.isnan(middle), np.nan, np.where(used, shares, 0.0) * np.log(ratio)
        )
        summed: Float[np.ndarray, "*outer"] = parts.sum(axis=-1)
        return summed

    with np.errstate(invalid="ignore"):
        divergence = (to_the_middle(rows) + to_the_middle(other)) / 2
    inside: Float[np.ndarray, "pattern query"] = np.clip(divergence, 0.0, DIVERGENCE_MOST)  # but for rounding
    return inside


def _names(patterns: NamedArray, references: Sequence[int]) -> list[str]:
    return [patterns.labels("pattern")[index] for index in references]


def _picture_rows(patterns: NamedArray, difference: NamedArray) -> tuple[tuple[Panel, ...], ...]:
    """Patterns side by side, below each its difference; of many, a grid to pick from and the picked one."""
    names = patterns.labels("pattern")
    if len(names) > MOST_SIDE_BY_SIDE:
        grid = ThumbnailsPanel(
            **drawn(patterns, "query", "key", "all patterns", panel="pattern_grid"),
            aspect="equal",
            columns="pattern",
            height_px=420,
        )
        large, apart = (
            HeatmapPanel(
                **drawn(array, "query", "key", title), aspect="equal", height_px=420, min_width_px=340
            )
            for array, title in (
                (patterns, "pattern"),
                (difference, f"difference to {_name_of_reference(difference)}"),
            )
        )
        return ((grid,), (large, apart))

    def each(array: NamedArray, end: str) -> tuple[Panel, ...]:
        coloring = default_coloring(array)
        return tuple(
            HeatmapPanel(
                **drawn(array, "query", "key", f"{name}{end}", coloring, panel=f"{array.name}_{index}"),
                aspect="equal",
                fixed={"pattern": index},
                height_px=_PICTURE_PX,
            )
            for index, name in enumerate(names)
        )

    shown = each(patterns, ""), each(difference, f" − {_name_of_reference(difference)}")
    return tuple(row for panels in shown for row in _in_rows(panels))


def _in_rows(panels: tuple[Panel, ...]) -> list[tuple[Panel, ...]]:
    """Rows of much the same length, none too long for its pictures to be seen."""
    rows = -(-len(panels) // _MOST_ACROSS)
    across = -(-len(panels) // rows)
    return [panels[start : start + across] for start in range(0, len(panels), across)]


def _name_of_reference(array: NamedArray) -> str:
    """What is compared with: where it cannot be chosen, nothing else on screen names it."""
    names = array.labels("reference")
    return "the reference" if len(names) > 1 else names[0]


def _divergence_panel(divergence: NamedArray, reference: str) -> Panel:
    height = min(max(_MAP_ROW_PX * divergence.sizes["pattern"], 60), 420)
    domain = ColorDomain(0.0, DIVERGENCE_MOST)
    coloring = replace(default_coloring(divergence), domain=domain, below=0, above=0)
    return HeatmapPanel(
        **drawn(divergence, "pattern", "query", f"divergence of each row to {reference}", coloring),
        height_px=height,
    )


def _left_out_panel(patterns: NamedArray, wrong: tuple[int, int, float]) -> Panel:
    pattern, query, total = wrong
    name = patterns.labels("pattern")[pattern]
    negative = bool((patterns.values[pattern, query] < 0).any())
    why = "holds a negative value" if negative else f"sums to {total:.4g}"
    return NotesPanel(
        **drawn(patterns, "pattern", "pattern", "divergence of each row", panel="row_divergence"),
        notes=(
            Note(
                f"left out: rows must be distributions over keys, and row {query} of {name} {why}. "
                "Pass weights after the softmax to have it."
            ),
        ),
        height_px=28,
    )
