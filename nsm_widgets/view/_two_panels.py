"""Panels of a comparison of two traces: both arrays on the same colours, what differs, how heads changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nsm_widgets.trace import NamedArray, split_name
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view._coloring import Coloring, Drawn, default_coloring, default_domain, drawn
from nsm_widgets.view._summary import summary_of
from nsm_widgets.view.panels import (
    HeatmapPanel,
    Note,
    NotesPanel,
    Panel,
    ScalarReadout,
    TableOf,
    TablePanel,
    TableRow,
)

_SQUARE = {"key", "sender", "predecessor"}
_PICTURE_PX, _SQUARE_PX, _ROW_PX = 210, 320, 22

MOST_TABLE_ROWS = 50
"""A table is made of elements of the page: more rows than this are named by their number."""


def beside(
    name: str,
    pair: tuple[NamedArray, NamedArray],
    axes: tuple[str, str],
    names: tuple[str, str],
    order: NamedArray | None,
) -> tuple[Panel, ...]:
    """Both arrays on the colours that hold the values of either."""
    found = [summary_of(array) for array in pair]
    both = replace(found[0], low=min(s.low for s in found), high=max(s.high for s in found))
    domain = default_domain(pair[0], both)
    writes = split_name(name)[1].startswith("write")
    cmap = "signed" if domain.diverging else default_coloring(pair[0]).cmap
    cmap = "writes" if writes and cmap == "reads" else cmap
    moved = f"the head of {names[1]} that is matched with the head on show"
    scalars = () if order is None else (ScalarReadout("own head", order.name, moved),)
    return tuple(
        _panel(
            array,
            axes,
            f"{words(name)} · {who}",
            default_coloring(array, vmin=domain.low, vmax=domain.high, cmap=cmap),
            "side by side",
            scalars if array is pair[1] else (),
        )
        for array, who in zip(pair, names, strict=True)
    )


def difference_panel(
    name: str, difference: NamedArray, axes: tuple[str, str], names: tuple[str, str], order: NamedArray | None
) -> Panel:
    coloring = default_coloring(difference)
    largest = max(-coloring.domain.low, coloring.domain.high)
    largest = largest if np.any(difference.values) else 1.0
    domain = Coloring(
        ColorDomain(-largest, largest, diverging=True), "signed", coloring.below, coloring.above
    )
    moved = "the head that is matched with the head on show"
    scalars = () if order is None else (ScalarReadout(f"head of {names[1]}", order.name, moved),)
    return _panel(difference, axes, f"{words(name)}: {names[1]} − {names[0]}", domain, "difference", scalars)


def _panel(
    array: NamedArray,
    axes: tuple[str, str],
    title: str,
    coloring: Coloring,
    shown_in: str = "",
    scalars: tuple[ScalarReadout, ...] = (),
) -> Panel:
    square = axes[1] in _SQUARE
    few = array.sizes[axes[0]] * _ROW_PX
    return HeatmapPanel(
        **drawn(array, axes[0], axes[1], title, coloring),
        aspect="equal" if square else "fill",
        height_px=_SQUARE_PX if square else min(max(few, 40), _PICTURE_PX),
        min_width_px=300,
        scalars=scalars,
        shown_in=shown_in,
    )


def change_panel(name: str, change: NamedArray) -> Panel:
    axes = ("head", "time") if {"head", "time"} <= set(change.dims) else (change.dims[-2], change.dims[-1])
    return _panel(change, axes, f"change of {words(name)}", Coloring(ColorDomain(0.0, math.log(2)), "ink"))


def notes_panel(arrays: Sequence[NamedArray], notes: Sequence[str]) -> Panel:
    about = _undrawn(arrays, "compared", "what is compared")
    return NotesPanel(**about, min_width_px=600, height_px=28, notes=tuple(map(Note, notes)))


def _undrawn(arrays: Sequence[NamedArray], panel: str, title: str) -> Drawn:
    """What a panel is told that draws none of the arrays, and must name one: the smallest."""
    least = min(arrays, key=lambda array: array.values.size)
    dim = least.dims[-1]
    return drawn(least, dim, dim, title, Coloring(ColorDomain(0.0, 1.0), "ink"), panel=panel)


def changed_heads_panel(
    arrays: Sequence[NamedArray], records: Sequence[Mapping[str, Any]], names: tuple[str, str]
) -> Panel:
    """The heads that changed most; choosing one selects it, at the step where it changed most."""
    columns = {"array": "array", "layer": "layer", "head": "head", **_NUMBERS, "time": "at time", **_LEFT_OUT}
    told = [name for name in columns if any(record.get(name) not in (None, "") for record in records)]
    told = [name for name in told if name not in _LEFT_OUT or any(record[name] for record in records)]
    rows = tuple(
        TableRow(
            tuple(_cell({**record, **record.get("numbers", {})}, name, names[1]) for name in told),
            {dim: record[dim] for dim in ("layer", "head", "time") if record.get(dim) is not None},
        )
        for record in records[:MOST_TABLE_ROWS]
    )
    more = len(records) - len(rows)
    note = f"{more} more heads changed less" if more > 0 else ""
    about = _undrawn(arrays, "changed_heads", f"which head changed most from {names[0]} to {names[1]}")
    table = TableOf(tuple(columns[name] for name in told), rows, note)
    return TablePanel(**about, min_width_px=600, table=table)


_NUMBERS = {
    "js_divergence": "divergence (nats)",
    "total_variation": "total variation",
    "entropy_change": "entropy change (nats)",
    "focus_change": "focus change",
    "largest_js_divergence": "largest (nats)",
}
_LEFT_OUT = {"masked_rows": "masked rows", "zero_rows": "zero rows", "nan_rows": "NaN rows"}
_SIGNED = ("entropy_change", "focus_change")


def _cell(record: Mapping[str, Any], name: str, second: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if name == "array":
        return words(str(value))
    if name == "head" and record.get("matched_head", value) != value:
        return f"{value} ({record['matched_head']} in {second})"
    if isinstance(value, float):
        return _number(value, signed=name in _SIGNED)
    return str(value)


def _number(value: float, *, signed: bool) -> str:
    """Three digits; nothing that rounds to zero has a sign."""
    if math.isnan(value):
        return "NaN"
    return f"{value:+.3f}" if signed and round(value, 3) != 0 else f"{abs(value):.3f}"


def words(name: str) -> str:
    """An array's name as it is said on screen."""
    return name.replace("_", " ")
