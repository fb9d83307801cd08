"""One picture on screen, described: which array, which two axes, which colours. Pure data, no drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nsm_widgets.trace import NamedArray
from nsm_widgets.view._color import CLIP_TOLERANCE, ColorDomain
from nsm_widgets.view._summary import ArraySummary, count_clipped, summary_of


@dataclass(frozen=True, slots=True)
class ScalarReadout:
    """A number shown in a panel's heading: ``array`` at the selection, behind its symbol."""

    symbol: str
    array: str
    description: str


@dataclass(frozen=True, slots=True)
class BarsOf:
    """What belongs to a panel of bars, besides its values."""

    note: str = ""
    """What the values mean, printed under the heading."""
    sort: str = "slot"
    """The order of the bars: the axis' own name, ``"score"``, or one of ``orders``."""
    orders: Mapping[str, str] = field(default_factory=dict)
    """Further orders: what each is called, and the array it ascends by; its value stands beside a bar's."""
    flags: str | None = None
    """An array of codes, an index into ``kinds`` for each bar."""
    kinds: tuple[str, ...] = ()
    """What is said of the bars of each code, behind their number."""

    def to_json(self) -> dict[str, object]:
        """The same, for the wire."""
        return {
            "note": self.note,
            "sort": self.sort,
            "orders": dict(self.orders),
            "flags": self.flags,
            "kinds": list(self.kinds),
        }

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays that are read beside the panel's own."""
        return (*self.orders.values(), *filter(None, [self.flags]))


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence about the indices along ``y`` whose value is ``code``, which are counted and named.

    ``2 of 12 {text}: the, of``. Without a code it is the text alone. An index whose value is negative
    stands for nothing, as padding does: it is not among the 12, unless the note is about it.
    """

    text: str
    code: int | None = None
    always: bool = False
    """Whether it is also said where there is no such index."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table, and where choosing it goes."""

    cells: tuple[str, ...]
    go: Mapping[str, int]
    """Indices by axis; without its time, what the row is about."""


@dataclass(frozen=True, slots=True)
class TableOf:
    """What belongs to a panel that is a table, the same at every selection."""

    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    note: str = ""
    """What is said below."""

    def to_json(self) -> dict[str, object]:
        """The same, for the wire."""
        rows = [{"cells": list(row.cells), "go": dict(row.go)} for row in self.rows]
        return {"columns": list(self.columns), "rows": rows, "note": self.note}


@dataclass(frozen=True, slots=True)
class Panel:
    """A heatmap, a grid of thumbnails, lines, bars, a graph, notes, or a table, of one array.

    Axes that are neither drawn nor in ``fixed`` follow the selection. Of lines, ``x`` runs across, and there
    is one for each index of ``y``; only one where ``y`` is ``x``. Bars have one axis, which is both. In a
    graph, each index of ``y``, which is as long as ``x``, is a node, and each cell an edge from the node
    ``x`` to the node ``y``. Of notes, which are sentences, ``y`` and ``x`` are the axis whose indices they
    name. Scalars are one line over the iterations for which a number was logged, ``y`` and ``x`` alike. A
    table draws nothing of its array.
    """

    id: str
    array: str
    y: str
    x: str
    title: str
    domain: ColorDomain
    cmap: str
    kind: Literal["heatmap", "thumbnails", "lines", "bars", "graph", "notes", "table", "scalars"] = "heatmap"
    fixed: Mapping[str, int] = field(default_factory=dict)
    rows: str | None = None
    """Thumbnails only: the axis that runs down the grid."""
    columns: str | None = None
    """Thumbnails only: the axis that runs across the grid."""
    aspect: Literal["fill", "equal"] = "fill"
    height_px: int = 230
    """Height of the drawn area, without axes, in CSS pixels; for square cells the most it may be."""
    grow: float = 1.0
    """Share of a row's spare width that this panel takes."""
    min_width_px: int = 250
    scalars: tuple[ScalarReadout, ...] = ()
    below: int = 0
    above: int = 0
    picked: tuple[int, ...] = ()
    """Lines only: the indices of ``y`` that are drawn; all where none is named."""
    bars: BarsOf | None = None
    """Bars only."""
    nan_means: str = ""
    """Why a value is NaN, where that is known; stands behind their number."""
    annotate: bool = False
    """Heatmaps only: whether values are printed in the cells, where these are large enough."""
    largest_sum: float = 0.0
    """Graph only: the sum of a column's magnitudes that the largest node stands for, at all times."""
    own_ranges: bool = False
    """Whether the reader may have each picture span the colour bar by itself; see ``View.domain``."""
    unknown: str = ""
    """What is said over a picture in which every value is NaN."""
    flags: str = ""
    """An array along ``y`` (its other axes follow the selection): rows where it is above 0 are marked."""
    notes: tuple[Note, ...] = ()
    """Of kind ``notes``: what is said."""
    table: TableOf | None = None
    """Of kind ``table``: its cells."""
    shown_in: str = ""
    """Of a view that shows one of several things: with which of them; always where empty."""

    @property
    def is_plain(self) -> bool:
        """Whether it shows nothing of its array: a table, or sentences that count nothing."""
        told = self.kind == "notes" and all(note.code is None for note in self.notes)
        return told or self.kind == "table"

    def to_json(self) -> dict[str, object]:
        """The same, for the wire."""
        return {
            "id": self.id,
            "kind": self.kind,
            "array": self.array,
            "y": self.y,
            "x": self.x,
            "title": self.title,
            "domain": [self.domain.low, self.domain.high],
            "diverging": self.domain.diverging,
            "cmap": self.cmap,
            "fixed": dict(self.fixed),
            "rows": self.rows,
            "columns": self.columns,
            "aspect": self.aspect,
            "height_px": self.height_px,
            "grow": self.grow,
            "min_width_px": self.min_width_px,
            "scalars": [[s.symbol, s.array, s.description] for s in self.scalars],
            "below": self.below,
            "above": self.above,
            "picked": list(self.picked),
            "bars": None if self.bars is None else self.bars.to_json(),
            "nan_means": self.nan_means,
            "annotate": self.annotate,
            "largest_sum": self.largest_sum,
            "own_ranges": self.own_ranges,
            "unknown": self.unknown,
            "flags": self.flags,
            "notes": [[note.text, note.code, note.always] for note in self.notes],
            "table": None if self.table is None else self.table.to_json(),
            "shown_in": self.shown_in,
        }


Layout = tuple[tuple[Panel, ...], ...]
"""Rows of panels, top to bottom, left to right. A row wraps where the page is too narrow."""


@dataclass(frozen=True, slots=True)
class Coloring:
    """The colour domain of an array, the map drawn by default, and how many values the domain leaves out."""

    domain: ColorDomain
    cmap: str
    below: int = 0
    above: int = 0


def default_coloring(
    array: NamedArray, *, vmin: float | None = None, vmax: float | None = None, cmap: str | None = None
) -> Coloring:
    """Choose one fixed colour domain for an array, over all times and heads.

    Weightings and attention get [0, 1]; values on both sides of zero a domain centred on zero and a diverging
    map; all others their own range, from zero where they are not negative. What the caller gives wins.

    Raises:
        ValueError: If ``vmin`` or ``vmax`` is not finite, or ``vmin`` is not less than ``vmax``.

    Example:
        >>> array = NamedArray("x", [[-1.0, 3.0]], dims=("slot", "word"))
        >>> default_coloring(array).domain
        ColorDomain(low=-3.0, high=3.0, diverging=True)
    """
    summary = summary_of(array)
    domain = default_domain(array, summary)
    if vmin is not None or vmax is not None:
        low = domain.low if vmin is None else float(vmin)
        high = domain.high if vmax is None else float(vmax)
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(
                f"vmin and vmax must be finite, got vmin={low:g} and vmax={high:g}. "
                "Infinite values are marked on their own."
            )
        if not low < high:
            taken = "" if vmin is not None and vmax is not None else " (the one not given is the data's own)"
            raise ValueError(f"vmin must be less than vmax, got vmin={low:g} and vmax={high:g}{taken}.")
        domain = ColorDomain(low, high, diverging=summary.low < 0 and low == -high)
    inside = domain.low - domain.slack <= summary.low and summary.high <= domain.high + domain.slack
    below, above = (0, 0) if inside else count_clipped(array.values, domain)
    return Coloring(domain, cmap or _default_cmap(array, domain), below, above)


def default_domain(array: NamedArray, summary: ArraySummary) -> ColorDomain:
    """The colour domain that goes with values of an array's kind in this range."""
    if _is_weighting(array) and summary.low >= -CLIP_TOLERANCE:  # not below 0 but by rounding
        return ColorDomain(0.0, 1.0)
    if summary.low < 0:
        largest = max(-summary.low, summary.high)
        return ColorDomain(-largest, largest, diverging=True)
    return ColorDomain(0.0, summary.high or 1.0)


def _default_cmap(array: NamedArray, domain: ColorDomain) -> str:
    """A diverging map only where its centre stands for zero."""
    if domain.diverging:
        return "signed"
    if _is_weighting(array):
        return "writes" if array.name.startswith("write") else "reads"
    return "ink"


def _is_weighting(array: NamedArray) -> bool:
    return array.attrs.get("kind") in ("weights", "shares", "attention")
