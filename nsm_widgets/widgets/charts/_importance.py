"""How much each slot of a memory is used, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from nsm_widgets._errors import OptionError
from nsm_widgets.trace import Trace
from nsm_widgets.view import BAR_ORDERS, Layout, importance_layout
from nsm_widgets.view.panels import BarsPanel
from nsm_widgets.widgets._base import check_options
from nsm_widgets.widgets._given import labelled, named_trace
from nsm_widgets.widgets._options import AxisLabels, SendingOptions
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets.charts._bars import BarControls, bars_figure, sorted_by
from nsm_widgets.widgets.charts._figure import Chart, check_height
from nsm_widgets.widgets.live._live import is_running


class ImportanceView(Chart):
    """The importance of every slot, as bqplot bars that follow the selection on the page, without a kernel.

    The definition stands under the heading: the read and write weights on a slot, summed over heads and over
    all steps up to the one on show, relative to the slot with the largest sum. This is
    ``NTMMemory.get_importance_scores`` for each item of the batch by itself.

    Bars are sorted by slot, by score at the step on show, or by first write: the first step at which a write
    head's weight on the slot reaches 0.1. Dead slots (a score below 0.001 at the last step) have a grey × at
    their foot, a saturated one (of four or more slots, the one with half or more of all scores together at
    the last step) an orange ▲; both are counted in the legend. Pressing a bar selects its slot for all views
    of the same selection; so do the arrow keys in the line below the legend.

    Args:
        data: Holds ``importance``, or ``read_weights`` or ``write_weights`` to compute it from: a trace, or a
            recorder whose block runs or is still to run (see :class:`View`). Or the scores themselves, a
            tensor, array or ``Series``, ``[slot]``, as ``memory.get_importance_scores()``.
        labels: Labels by axis, as ``labels={"slot": names}``: strings, numbers or dates.
        dims: Names of a tensor's axes, where it has several: ``("time", "slot")``.
        sort: ``"slot"``, ``"score"`` or, where there are write weights, ``"first write"``. Two-way.
        selection: The cursor to follow; a new one when not given.
        title: Heading above the chart.
        height_px: Height of the figure, at least 120.
        **options: See :class:`View`: ``page_arrays``, ``budget_mb``, ``precision``.

    Attributes:
        figure: The :class:`bqplot.Figure`.
        bars: Its :class:`bqplot.Bars`, from left to right as they are sorted.

    Example:
        >>> import numpy as np
        >>> view = ImportanceView(np.array([0.2, 1.0, 0.0]), sort="score")
        >>> view.bars.y.tolist()
        [1.0, 0.2, 0.0]

    Raises:
        ShapeError: If there is nothing to draw, or more than 1,024 slots.
        ValueError: If there is no such order, or ``height_px`` is out of range.
        TypeError: If ``selection`` is no selection.
        UnknownOptionError: If a keyword is no option.
    """

    def __init__(
        self,
        data: object,
        *,
        labels: AxisLabels | None = None,
        dims: Sequence[str] | None = None,
        sort: str = "slot",
        selection: Selection | None = None,
        title: str = "",
        height_px: int = 240,
        **options: Unpack[SendingOptions],
    ) -> None:
        check_options(ImportanceView, options, SendingOptions)
        check_height(height_px)
        if is_running(data) and sort not in BAR_ORDERS:  # before anything is recorded
            raise OptionError(f"sort must be one of {', '.join(BAR_ORDERS)}, got {sort!r}.")

        def build(given: object) -> tuple[Trace, Layout]:
            trace = named_trace(given, "ImportanceView", alone="importance", axes={1: ("slot",)}, dims=dims)
            layout, shown = importance_layout(labelled(trace, labels), sort=sort, height_px=height_px)
            return shown, layout

        figure = bars_figure(height_px)
        self.bars = figure.marks[2]
        super().__init__(
            figure,
            lambda: BarControls(data, build, figure, sort=sort, selection=selection, title=title, **options),
        )

    @property
    def sort(self) -> str:
        """What the bars are sorted by; the page sets it too."""
        return str(self._bar_controls.sort)

    @sort.setter
    def sort(self, sort: str) -> None:
        self._bar_controls.sort = sort

    @property
    def _bar_controls(self) -> BarControls:
        assert isinstance(self.controls, BarControls)
        return self.controls

    @property
    def _shown(self) -> Layout:
        """The bars in the order that was chosen."""
        return tuple(
            tuple(sorted_by(panel, self.sort) if isinstance(panel, BarsPanel) else panel for panel in row)
            for row in super()._shown
        )
