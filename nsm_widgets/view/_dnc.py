"""What a DNC knows of its slots: usage, allocation, links, and how its heads chose to read."""

from __future__ import annotations

from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view._coloring import Drawn, default_coloring, drawn
from nsm_widgets.view.panels import HeatmapPanel, Panel, ScalarReadout

USAGE_PX, MODES_PX = 230, 90
"""Heights of the drawn areas, in CSS pixels."""

_SYMBOLS = (
    ("g_w", "writing_gate", "write gate: 0 writes nothing"),
    ("g_a", "allocation_gate", "allocation gate: 1 writes to a free slot, 0 to one with like content"),
    ("f", "free_gate", "free gate: 1 gives back the slots that were just read"),
)


def dnc_rows(trace: Trace) -> list[tuple[Panel, ...]]:
    """Rows of panels of what the trace holds of a DNC; none if it holds nothing of one.

    Usage, allocation and precedence are maps over time and slots. The links, of the step on show, have the
    slot down and its predecessor across: a dark cell says that the slot was written right after the other.
    """
    over_time = [
        HeatmapPanel(**_share(trace[name], "slot", "time", title, cmap), height_px=USAGE_PX)
        for name, title, cmap in (
            ("usage", "usage", "ink"),
            ("allocation_weights", "allocation", "writes"),
            ("precedence", "written last", "writes"),
        )
        if _has(trace, name, "slot", "time")
    ]
    below: list[Panel] = []
    if _has(trace, "link", "slot", "predecessor"):
        title = "links: each slot, and what was written before it"
        link = _share(trace["link"], "slot", "predecessor", title)
        below.append(HeatmapPanel(**link, aspect="equal"))
    if _has(trace, "read_modes", "mode", "time"):
        scalars = tuple(ScalarReadout(symbol, name, text) for symbol, name, text in _SYMBOLS if name in trace)
        modes = _share(trace["read_modes"], "mode", "time", "read modes")
        below.append(HeatmapPanel(**modes, height_px=MODES_PX, scalars=scalars))
    return [tuple(row) for row in (over_time, below) if row]


def _has(trace: Trace, name: str, *dims: str) -> bool:
    return name in trace and set(dims) <= set(trace[name].dims)


def _share(array: NamedArray, y: str, x: str, title: str, cmap: str | None = None) -> Drawn:
    """On one domain, shares and usage alike."""
    return drawn(array, y, x, title, default_coloring(array, vmin=0.0, vmax=1.0, cmap=cmap))
