"""Which indices of an axis are folded away: slots that nobody uses. ``js/src/panels/fold.ts`` mirrors it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Bool

from nsm_widgets.stats import unused_slots
from nsm_widgets.trace import Trace, is_mask
from nsm_widgets.view.panels import HeatmapPanel, Layout, Panel, Runs

FoldChoice = Literal["unused", "none"]

FOLD_CHOICES = ("unused", "none")

FEWEST_FOLDED, LEAST_SHARE = 8, 0.25
"""Fewer slots than this, or a smaller share of all, are not worth a fold."""


def with_unused(layout: Layout, trace: Trace, keep: Sequence[int] = ()) -> Layout:
    """The panels, told which slots along their axes nobody uses, where these are many; but for some slots.

    Not where the mask of an array speaks of slots.
    """
    unused = unused_slots(trace)
    if unused is None or unused.all():
        return layout
    unused[list(keep)] = False
    if unused.sum() < max(FEWEST_FOLDED, LEAST_SHARE * len(unused)):
        return layout
    runs = runs_of(unused)

    def told(panel: Panel) -> Panel:
        axes = (panel.y, panel.x)
        if not isinstance(panel, HeatmapPanel) or "slot" not in axes:
            return panel
        array = trace[panel.array]
        masked = any("slot" in coord.dims for name, coord in array.coords.items() if is_mask(name))
        fits = array.sizes["slot"] == len(unused) and not masked
        return replace(panel, unused={"slot": runs}) if fits else panel

    return tuple(tuple(told(panel) for panel in row) for row in layout)


def runs_of(flags: Bool[np.ndarray, " index"]) -> Runs:
    """The true ones, as runs.

    >>> runs_of(np.array([True, True, False, True]))
    ((0, 1), (3, 3))
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return tuple((int(first), int(end) - 1) for first, end in edges.reshape(-1, 2))


def shown_indices(panel: Panel, dim: str, size: int, selected: int) -> list[int] | None:
    """The indices of an axis that are shown while the unused ones are folded away; ``None`` for all.

    What is selected is shown always.
    """
    runs = panel.unused.get(dim, ()) if isinstance(panel, HeatmapPanel) else ()
    if not runs:
        return None
    shown = np.ones(size, bool)
    for first, last in runs:
        shown[first : last + 1] = False
    shown[selected] = True
    return [int(index) for index in np.flatnonzero(shown)]
