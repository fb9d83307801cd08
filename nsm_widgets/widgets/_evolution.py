"""How a memory changes from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from nsm_widgets.trace import Trace
from nsm_widgets.view import Panel, arrays_of, evolution_layouts
from nsm_widgets.widgets._base import refuse_unknown
from nsm_widgets.widgets._charts import LineChart
from nsm_widgets.widgets._figure import check_height
from nsm_widgets.widgets._group import ViewGroup
from nsm_widgets.widgets._store import require_trace
from nsm_widgets.widgets._view import View

EVOLUTION_OPTIONS = (
    *("slots", "lines_px", "selection", "store", "title"),
    *("cmap", "scale", "budget_mb", "precision"),
)


class MemoryEvolutionView(ViewGroup):
    """A memory at the step on show, its difference to the step before, and the course of chosen slots.

    Maps of the memory, of ``memory[t] - memory[t - 1]`` and of how far each slot moved at every step stand
    side by side; below them norm, mean and standard deviation of the chosen slots over time, as bqplot lines.
    At the first step the difference is to ``initial_memory``; where that was not recorded it is NaN, marked
    and counted as "no step before".

    Args:
        trace: Holds ``memory`` with axes ``time``, ``slot`` and ``word``.
        slots: Slots that have lines, as ``[3, 17]``; the six that changed most when not given.
        lines_px: Height of the line charts, at least 120.
        **options: See :class:`ViewGroup`: ``selection``, ``store``, ``title``, ``cmap``, ``scale``,
            ``budget_mb``, ``precision``.

    Attributes:
        slots: The slots that have lines.
        charts: The three line charts, by ``"norm"``, ``"mean"`` and ``"std"``.

    Example:
        >>> import numpy as np
        >>> memory = np.random.default_rng(0).normal(size=(5, 1, 8, 4))  # (time, batch, slot, word)
        >>> view = MemoryEvolutionView(Trace.from_arrays({"memory": memory}), slots=[2, 5])
        >>> view.charts["norm"].lines.y.shape  # a line for each slot, a value for each time step
        (2, 5)
        >>> view.selection.time = 3

    Raises:
        TypeError: If ``trace`` is no trace.
        ShapeError: If there is no such ``memory``.
        ValueError: If a slot does not exist or is named twice, or ``lines_px`` is out of range.
        UnknownOptionError: If a keyword is no option.
    """

    def __init__(
        self, trace: Trace, slots: Sequence[int] | None = None, *, lines_px: int = 200, **options: Any
    ) -> None:
        refuse_unknown("MemoryEvolutionView", options, EVOLUTION_OPTIONS)
        check_height(lines_px)
        (maps, *lines), shown = evolution_layouts(
            require_trace(trace, "MemoryEvolutionView"), slots, lines_px=lines_px
        )
        panels = [layout[0][0] for layout in lines]
        self.slots = panels[0].picked
        names = [name for layout in (maps, *lines) for name in arrays_of(layout)]
        below = [partial(_chart, shown, panel) for panel in panels]
        super().__init__(shown, [[partial(View, shown, maps)], below], arrays=names, **options)
        self.charts = dict(zip(("norm", "mean", "std"), self.parts[1:], strict=True))


def _chart(trace: Trace, panel: Panel, **shared: Any) -> LineChart:
    return LineChart(
        trace,
        panel.array,
        lines=panel.y,
        picked=panel.picked,
        name=panel.title,
        height_px=panel.height_px,
        **shared,
    )
