"""Curves of what was logged in training, for the row above everything else."""

from __future__ import annotations

from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view._coloring import Coloring, drawn
from nsm_widgets.view._summary import summary_of
from nsm_widgets.view.panels import Layout, Panel, ScalarsPanel

SCALAR_PX = 120
"""Height of a curve, in CSS pixels."""

MOST_SCALARS = 8
"""More curves than this would push the arrays off the screen."""

_PAD = 0.05


def scalars_row(trace: Trace) -> Layout:
    """One row with a panel for each logged number; no row where nothing was logged.

    >>> trace = Trace(NamedArray("scalar.loss", [1.0, 0.0], ("logged",), attrs={"kind": "scalar"}))
    >>> [panel.title for panel in scalars_row(trace)[0]]
    ['scalar.loss']
    """
    logged = [array for array in trace.values() if array.dims == ("logged",)]
    if not logged:
        return ()
    panels = [_panel(array) for array in logged[:MOST_SCALARS]]
    more = len(logged) - len(panels)
    if more:
        panels[-1] = _panel(logged[len(panels) - 1], f" ({more} more not drawn)")
    return (tuple(panels),)


def curves_apart(layout: Layout) -> tuple[Layout, Layout]:
    """The rows of curves of what was logged, which stand first, and the others."""
    count = sum(1 for row in layout if row and all(isinstance(panel, ScalarsPanel) for panel in row))
    return layout[:count], layout[count:]


def _panel(array: NamedArray, more: str = "") -> Panel:
    title = str(array.attrs.get("scalar", array.name)) + more
    about = drawn(array, "logged", "logged", title, Coloring(scalar_domain(array), "ink"))
    return ScalarsPanel(**about, height_px=SCALAR_PX, min_width_px=260)


def scalar_domain(array: NamedArray) -> ColorDomain:
    """The range of the finite values, with a little room at both ends.

    >>> scalar_domain(NamedArray("scalar.loss", [1.0, 3.0, float("inf")], ("logged",)))
    ColorDomain(low=0.9, high=3.1, diverging=False)
    """
    summary = summary_of(array)
    pad = _PAD * (summary.high - summary.low) or _PAD * abs(summary.high) or 1.0
    return ColorDomain(summary.low - pad, summary.high + pad)
