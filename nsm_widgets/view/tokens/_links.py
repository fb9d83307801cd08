"""The strongest links of a token, in both directions; mirrored by ``js/src/panels/links/strongest.ts``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from nsm_widgets.trace import NamedArray
from nsm_widgets.view._masked import left_out_codes
from nsm_widgets.view.panels import LinksPanel

MOST_LINKS = 8
DIRECTIONS = ("attends to", "is attended by")


class StrongLink(NamedTuple):
    """Where a link leads, an index along the other axis, and how strong it is."""

    to: int
    weight: float


def strongest_links(
    panel: LinksPanel, array: NamedArray, at: Mapping[str, int]
) -> tuple[list[StrongLink], list[StrongLink]]:
    """Those from the selected index of ``y`` along ``x``, and those to that of ``x`` along ``y``.

    The strongest first, of equal ones the first; not NaN, nor what does not count.

    Args:
        panel: Its ``y`` attends to its ``x``.
        array: The weights.
        at: An index for every axis.

    Example:
        >>> from nsm_widgets.view import ColorDomain
        >>> panel = LinksPanel("x", "x", "query", "key", "", ColorDomain(0, 1), "ink")
        >>> array = NamedArray("x", [[0.1, 0.9], [0.5, 0.5]], ("query", "key"))
        >>> strongest_links(panel, array, {"query": 0, "key": 1})[0]
        [StrongLink(to=1, weight=0.9), StrongLink(to=0, weight=0.1)]
    """
    values = array.values[tuple(slice(None) if dim in (panel.y, panel.x) else at[dim] for dim in array.dims)]
    plane = values.T if array.dims.index(panel.x) < array.dims.index(panel.y) else values
    left_out = left_out_codes(array, panel.y, panel.x, at)
    counts = ~np.isnan(plane) if left_out is None else ~np.isnan(plane) & (left_out == 0)
    row, column = at[panel.y], at[panel.x]
    return _strongest(plane[row], counts[row]), _strongest(plane[:, column], counts[:, column])


def _strongest(weights: np.ndarray, counts: np.ndarray) -> list[StrongLink]:
    order = np.argsort(-weights.astype(np.float64), kind="stable")
    return [StrongLink(int(index), float(weights[index])) for index in order if counts[index]][:MOST_LINKS]
