"""The table of which head changed most from one trace to another, as texts, and where each row goes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nsm_widgets.trace import NamedArray
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view.panels import Panel, TableOf, TablePanel, TableRow

MOST_TABLE_ROWS = 50
"""A table is made of elements of the page: more rows than this are named by their number."""


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
    least = min(arrays, key=lambda array: array.values.size)  # it is drawn of none, and must name one
    more = len(records) - len(rows)
    return TablePanel(
        id="changed_heads",
        array=least.name,
        y=least.dims[-1],
        x=least.dims[-1],
        title=f"which head changed most from {names[0]} to {names[1]}",
        domain=ColorDomain(0.0, 1.0),
        cmap="ink",
        min_width_px=600,
        table=TableOf(
            tuple(columns[name] for name in told), rows, f"{more} more heads changed less" if more > 0 else ""
        ),
    )


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
