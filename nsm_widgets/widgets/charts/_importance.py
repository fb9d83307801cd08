"""How much each slot of a memory is used, as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from nsm_widgets._errors import OptionError, ShapeError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import BAR_ORDERS, Layout, importance_layout
from nsm_widgets.view.panels import BarsPanel
from nsm_widgets.widgets._base import refuse_unknown
from nsm_widgets.widgets._options import SendingOptions
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets.charts._bars import BarControls, bars_figure, sorted_by
from nsm_widgets.widgets.charts._figure import Chart, check_height
from nsm_widgets.widgets.live._live import is_running

COORDS_OF_A_TRACE = "coords come with a trace; give them only with the scores themselves."
IMPORTANCE_OPTIONS = (
    "coords",
    "sort",
    "selection",
    "title",
    "height_px",
    "page_arrays",
    "budget_mb",
    "precision",
)


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
        values: A trace with ``importance``, or with ``read_weights`` or ``write_weights`` to compute it from;
            or the scores themselves, one for each slot, as ``memory.get_importance_scores()``. Or a recorder
            whose block runs or is still to run (see :class:`View`).
        coords: Names of the slots, where the scores themselves are given: ``{"slot": [...]}``.
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
        values: object,
        *,
        coords: Mapping[str, Sequence[Any]] | None = None,
        sort: str = "slot",
        selection: Selection | None = None,
        title: str = "",
        height_px: int = 240,
        **options: Unpack[SendingOptions],
    ) -> None:
        refuse_unknown("ImportanceView", options, IMPORTANCE_OPTIONS)
        check_height(height_px)
        if is_running(values):
            _check_what_is_known(coords, sort)

        def build(given: object) -> tuple[Trace, Layout]:
            layout, shown = importance_layout(_as_trace(given, coords), sort=sort, height_px=height_px)
            return shown, layout

        figure = bars_figure(height_px)
        self.bars = figure.marks[2]
        super().__init__(
            figure,
            lambda: BarControls(
                values, build, figure, sort=sort, selection=selection, title=title, **options
            ),
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


def _check_what_is_known(coords: object, sort: str) -> None:
    """Refuse, before anything is recorded, what cannot fit whatever comes."""
    if coords is not None:
        raise TypeError(COORDS_OF_A_TRACE)
    if sort not in BAR_ORDERS:
        raise OptionError(f"sort must be one of {', '.join(BAR_ORDERS)}, got {sort!r}.")


def _as_trace(values: object, coords: Mapping[str, Sequence[Any]] | None) -> Trace:
    """The trace that was given, or one of the scores that were."""
    recorded = getattr(values, "trace", values)
    if isinstance(recorded, Trace):
        if coords is not None:
            raise TypeError(COORDS_OF_A_TRACE)
        return recorded
    if isinstance(values, NamedArray):
        return Trace(NamedArray("importance", values.values, values.dims, values.coords, values.attrs))
    ndim = getattr(values, "ndim", 1)
    if ndim != 1:
        raise ShapeError(
            f"scores must have one value for each slot, got an array with {ndim} axes. Name the axes of more "
            'in a trace: Trace.from_arrays({"importance": scores}, dims={"importance": ("time", "slot")}).'
        )
    return Trace.from_arrays({"importance": values}, dims={"importance": ("slot",)}, coords=coords)
