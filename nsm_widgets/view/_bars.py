"""Bars of a panel: their order, kinds and colours, the same on the page and in a picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64, Int

from nsm_widgets._errors import OptionError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view.panels import BarsPanel

BAR_COLORS = ("#2a7fc1", "#808080", "#d98200")
"""By code: used, dead, saturated; the last two have a symbol as well."""

BY_VALUE = "score"
"""The name of the order by value, the largest first."""

HEADROOM = 0.08
"""Room above the domain for the symbol of a bar that reaches its top, as a share of the domain."""


def bar_values(array: NamedArray, panel: BarsPanel, at: Mapping[str, int]) -> Float64[np.ndarray, " bar"]:
    """The value of each bar, by its index, as doubles.

    Args:
        array: The panel's, or one that has its axis and none that ``at`` does not know.
        panel: What draws them.
        at: An index for each axis that is not drawn.
    """
    values = array.values[tuple(slice(None) if dim == panel.x else at[dim] for dim in array.dims)]
    doubles: Float64[np.ndarray, " bar"] = values.astype(np.float64)
    return doubles


def bar_order(trace: Trace, panel: BarsPanel, at: Mapping[str, int]) -> Int[np.ndarray, " bar"]:
    """Indices of the bars from left to right: by value the largest first, by another array the smallest.

    Equal ones stay by index; NaN comes last.

    Raises:
        ValueError: If the panel's order is none that it offers.
    """
    bars, sort = panel.bars, panel.bars.sort
    count = trace[panel.array].sizes[panel.x]
    if sort == BY_VALUE:
        return np.argsort(-bar_values(trace[panel.array], panel, at), kind="stable")
    if sort in bars.orders:
        return np.argsort(bar_values(trace[bars.orders[sort]], panel, at), kind="stable")
    if sort != panel.x:
        raise OptionError(f"sort must be one of {', '.join(sort_names(panel))}, got {sort!r}.")
    return np.arange(count)


def sort_names(panel: BarsPanel) -> tuple[str, ...]:
    """What the bars can be sorted by."""
    return (panel.x, BY_VALUE, *panel.bars.orders)


def order_text(panel: BarsPanel, array: NamedArray, at: Mapping[str, int]) -> str:
    """What stands along the bars: ``slot, by score at time 7``."""
    sort = panel.bars.sort
    if sort == panel.x:
        return panel.x
    when = f" at time {array.number('time', at['time'])}" if sort == BY_VALUE and "time" in at else ""
    return f"{panel.x}, by {sort}{when}"


def bar_codes(trace: Trace, panel: BarsPanel, at: Mapping[str, int]) -> Int[np.ndarray, " bar"]:
    """The kind of each bar, by its index: an index into the panel's ``kinds``."""
    count = trace[panel.array].sizes[panel.x]
    if panel.bars.flags is None:
        return np.zeros(count, dtype=np.int64)
    return bar_values(trace[panel.bars.flags], panel, at).astype(np.int64)


def bar_domain(domain: ColorDomain) -> ColorDomain:
    """What the foot and the top of the drawn area stand for: the domain, and room for a symbol above it."""
    return ColorDomain(domain.low, domain.high + HEADROOM * (domain.high - domain.low), domain.diverging)
