"""How a memory changes from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

from nsm_widgets._errors import OptionError
from nsm_widgets.trace import Trace, TraceRecorder
from nsm_widgets.view import NO_SLOTS, Layout, arrays_of, evolution_layouts
from nsm_widgets.view.panels import LinesPanel
from nsm_widgets.widgets._base import check_options
from nsm_widgets.widgets._given import labelled, memory_trace
from nsm_widgets.widgets._group import ViewGroup
from nsm_widgets.widgets._options import AxisLabels, GroupOptions, PartOptions
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets.charts._charts import LineChart
from nsm_widgets.widgets.charts._figure import check_height, panel_of_kind
from nsm_widgets.widgets.live._live import is_running

CHARTS = {"norm": "slot_norm", "mean": "slot_mean", "std": "slot_std"}
"""What each chart draws."""


class MemoryWithLines(ViewGroup):
    """A memory at the step on show, its difference to the step before, and the course of chosen slots.

    Maps of the memory, of ``memory[t] - memory[t - 1]`` and of how far each slot moved at every step stand
    side by side; below them norm, mean and standard deviation of the chosen slots over time, as bqplot lines.
    At the first step the difference is to ``initial_memory``; where that was not recorded it is NaN, marked
    and counted as "no step before".

    Args:
        data: Holds ``memory`` with axes ``time``, ``slot`` and ``word``: a trace, or a recorder whose block
            runs or is still to run (see :class:`View`). Or the memory itself, a tensor or array,
            ``[time, slot, word]`` or ``[time, batch, slot, word]``.
        slots: Slots that have lines, as ``[3, 17]``; the six that changed most when not given. While a
            recorder runs, these are the six of its first iteration; at the end, of all that was recorded.
        labels: Labels by axis, as ``labels={"slot": ["a", "b"]}``: strings, numbers or dates.
        dims: Names of a tensor's axes, where they are others.
        lines_px: Height of the line charts, at least 120.
        **options: See :class:`View`.

    Attributes:
        slots: The slots that have lines; of a recorder, before its first iteration, those that were asked
            for.
        charts: The three line charts, by ``"norm"``, ``"mean"`` and ``"std"``.

    Example:
        >>> import numpy as np
        >>> memory = np.random.default_rng(0).normal(size=(5, 1, 8, 4))  # (time, batch, slot, word)
        >>> view = MemoryWithLines(memory, dims=("time", "batch", "slot", "word"), slots=[2, 5])
        >>> view.charts["norm"].lines.y.shape  # a line for each slot, a value for each time step
        (2, 5)
        >>> view.selection.time = 3

    Raises:
        TypeError: If ``data`` is no memory.
        ShapeError: If there is no such ``memory``.
        ValueError: If a slot does not exist or is named twice, or ``lines_px`` is out of range.
        UnknownOptionError: If a keyword is no option.
    """

    _lines = True

    def __init__(
        self,
        data: object,
        slots: Sequence[int] | None = None,
        *,
        labels: AxisLabels | None = None,
        dims: Sequence[str] | None = None,
        lines_px: int = 200,
        **options: Unpack[GroupOptions],
    ) -> None:
        check_options(MemoryWithLines, options, GroupOptions)
        check_height(lines_px)
        if slots is not None and (isinstance(slots, str) or not len(slots)):
            raise OptionError(NO_SLOTS)
        self._wanted, self._labels = (slots, lines_px), labels
        self.slots = () if slots is None else tuple(slots)
        shown: Any = data
        maps: Layout = ()
        names: Sequence[str] = ()
        lines: Sequence[LinesPanel | None] = (None,) * len(CHARTS)
        if not is_running(data):
            held = memory_trace(data, "MemoryView", None, dims)
            (maps, *layouts), shown = self._layouts(held, slots)
            lines = charts = [panel_of_kind(layout, LinesPanel) for layout in layouts]
            names = [name for layout in (maps, *layouts) for name in arrays_of(layout)]
            self.slots = charts[0].picked
        below = [
            partial(_chart, shown, array, panel, lines_px)
            for array, panel in zip(CHARTS.values(), lines, strict=True)
        ]
        super().__init__(shown, [[partial(_Maps, shown, maps)], below], arrays=names, **options)
        self.charts = dict(zip(CHARTS, self.parts[1:], strict=True))

    def _layouts(self, trace: Trace, slots: Sequence[int] | None) -> tuple[list[Layout], Trace]:
        return evolution_layouts(labelled(trace, self._labels), slots, lines_px=self._wanted[1])

    def _build(self, trace: Trace) -> tuple[Trace, Layout]:
        return self._of_all(trace, self._wanted[0])

    def _build_running(self, trace: Trace, layout: Layout) -> tuple[Trace, Layout]:
        drawn = [panel.picked for row in layout for panel in row if isinstance(panel, LinesPanel)]
        return self._of_all(trace, drawn[0] if drawn else self._wanted[0])

    def _of_all(self, trace: Trace, slots: Sequence[int] | None) -> tuple[Trace, Layout]:
        """What all parts show, computed once for all of them."""
        layouts, shown = self._layouts(trace, slots)
        return self._put_together(shown, [(shown, layout) for layout in layouts])

    def _show(self, trace: Trace, layout: Layout, *, above: Layout = ()) -> None:
        super()._show(trace, layout, above=above)
        self.slots = panel_of_kind(layout, LinesPanel).picked


class _Maps(View):
    """The maps, above the lines."""

    def __init__(self, given: Trace | TraceRecorder, maps: Layout, /, **options: Unpack[PartOptions]) -> None:
        super().__init__(given, lambda trace: (trace, maps), **options)


def _chart(
    given: Trace | TraceRecorder,
    array: str,
    panel: LinesPanel | None,
    height_px: int,
    **shared: Unpack[PartOptions],
) -> LineChart:
    """The chart of a panel; without one, a chart that the group fills."""
    picked, title = (panel.picked, panel.title) if panel is not None else ((), array)
    return LineChart(given, array, lines="slot", picked=picked, name=title, height_px=height_px, **shared)
