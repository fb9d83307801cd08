"""Line charts by bqplot, fed on the page from the same arrays and selection as the heatmaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import anywidget
import bqplot
import numpy as np
import traitlets

from nsm_widgets._axes import axis_title, clamp
from nsm_widgets._errors import ShapeError
from nsm_widgets._text import one_line
from nsm_widgets.trace import NamedArray, Trace, numbers_of, steps_before
from nsm_widgets.view import (
    MOST_NAMED_LINES,
    Layout,
    Panel,
    count_lines,
    default_coloring,
    line_colors,
    line_names,
    line_values,
    lines_layout,
)
from nsm_widgets.view.panels import LinesPanel
from nsm_widgets.widgets._base import check_options
from nsm_widgets.widgets._given import labelled, named_trace
from nsm_widgets.widgets._options import AxisLabels, SendingOptions, ViewOptions
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets.charts._figure import Chart, FigureControls, check_height, check_names, panel_of_kind
from nsm_widgets.widgets.charts._statistic import StatisticFunction, check_statistic, statistic_panels
from nsm_widgets.widgets.live._live import Build, Running
from nsm_widgets.widgets.plot._figure import (
    CURSOR_COLOR,
    OUT_OF_SIGHT,
    TailedLines,
    figure_of,
    set_ends,
    write_x_axis,
    write_y_axis,
    x_axis,
    y_axis,
)

FAINT = 0.45
"""Opacity of lines that are too many to be told apart."""


class ChartControls(FigureControls):
    """Those of lines and their cursor."""

    _kind = traitlets.Unicode("chart").tag(sync=True)
    _lines = anywidget.WidgetTrait().tag(sync=True)
    _cursor = anywidget.WidgetTrait().tag(sync=True)

    def __init__(
        self,
        given: object,
        build: Build,
        running: Running,
        figure: bqplot.Figure,
        /,
        **options: Unpack[ViewOptions],
    ) -> None:
        super().__init__(given, build, running, figure, **options)
        self._cursor, self._lines = figure.marks

    def _fill(self, trace: Trace, layout: Layout) -> None:
        panel = panel_of_kind(layout, LinesPanel)
        fill_lines(self._figure, trace[panel.array], panel, self.selection)


class LineChart(Chart):
    """Values over time as bqplot lines, with a cursor at the selected step.

    Lines and cursor follow the selection on the page, without a kernel; pressing or dragging in the chart
    selects a step, for all views of the same selection. Where values are NaN or infinite a line is broken;
    the caption counts them.

    With ``statistic``, lines are not of the values but of what one number says of each weighting: a
    statistic of :mod:`nsm_widgets.stats`, in float64 from the array as it was recorded. Where an array has
    queries and they are not what runs across, a value is the mean over them.

    Of a recorder whose block runs or is still to run, it fills as other views do (see :class:`View`). What
    Python has of the marks is then the first iteration of their shape, and at the end all that was recorded.

    Args:
        data: Holds the array: a trace, or a recorder whose block runs or is still to run. Or the array
            itself, a :class:`NamedArray`, a ``DataArray``, ``DataFrame`` or ``Series``, or a tensor or array
            with its ``dims`` named.
        array: Name of an array of the trace that has the axis ``x``; that which there is, where there is one.
            With a statistic of memory, the trace's memory, else its attention, write weights or read
            weights, the first that it holds. Of several arrays of attention one is on show; the reader
            chooses another by its name, and so does ``chart.array``.
        statistic: Name of a statistic, as ``"entropy"``, one of ``STATISTICS`` in ``_statistic``; or a
            function that takes a :class:`NamedArray` and returns one with fewer axes. Default: the values.
        labels: Labels by axis, as ``labels={"time": dates}``: strings, numbers or dates.
        dims: Names of a tensor's axes, as ``("time", "head")``.
        x: Axis across; its labels are written along it, where there are any, as many as there is room for.
            ``"time"`` when not given; of a statistic that leaves none, ``"iteration"``, ``"head"``,
            ``"layer"`` or ``"query"``.
        lines: Axis with one line for each index; ``"head"``, else ``"slot"``, else the last other axis when
            not given.
        picked: Indices of that axis that have a line, as ``[3, 17]``; all when none is named.
        vmin: Value at the foot of the chart; when not given, the array's own range over all times and heads,
            from zero where nothing is negative, and [0, 1] for weights.
        vmax: Value at its top.
        name: What the values are called on screen; the array's name when not given.
        selection: The cursor to follow; a new one when not given.
        title: Heading above the chart.
        height_px: Height of the figure, at least 120.
        **options: See :class:`View`: ``page_arrays``, ``budget_mb``, ``precision``.

    Attributes:
        figure: The :class:`bqplot.Figure`.
        lines: Its :class:`bqplot.Lines` with the values.
        cursor: Its :class:`bqplot.Lines` at the selected step.

    Example:
        >>> import numpy as np
        >>> gates = np.linspace(0, 1, 10).reshape(5, 1, 2)  # (time, batch, head)
        >>> trace = Trace.from_arrays({"write_gate": gates}, dims={"write_gate": ("time", "batch", "head")})
        >>> chart = LineChart(trace, "write_gate")
        >>> chart.lines.y.shape  # a line for each head, a value for each time step
        (2, 5)
        >>> chart.selection.time = 3
        >>> weights = np.full((5, 1, 2, 8), 1 / 8)  # (time, batch, head, slot)
        >>> spread = LineChart({"read_weights": weights}, statistic="effective_slots")
        >>> spread.lines.y.shape
        (2, 5)

    Raises:
        TypeError: If ``data`` holds no arrays, a function returns no array with named axes, or ``selection``
            is no selection.
        ShapeError: If the trace holds no such array, or it has too many values for a chart.
        AxisError: If ``x`` or ``lines`` is no axis of it, or both are the same.
        ValueError: If ``vmin``, ``vmax``, ``height_px`` or one of ``picked`` is out of range.
        WeightsError: If a statistic of weights is asked of an array that holds none.
        UnknownOptionError: If a keyword is no option, or there is no such statistic.
    """

    def __init__(
        self,
        data: object,
        array: str | None = None,
        *,
        statistic: str | StatisticFunction | None = None,
        labels: AxisLabels | None = None,
        dims: Sequence[str] | None = None,
        x: str | None = None,
        lines: str | None = None,
        picked: Sequence[int] = (),
        vmin: float | None = None,
        vmax: float | None = None,
        name: str | None = None,
        selection: Selection | None = None,
        title: str = "",
        height_px: int = 240,
        **options: Unpack[SendingOptions],
    ) -> None:
        check_options(LineChart, options, SendingOptions)
        check_height(height_px)
        check_names(array=array, name=name, x=x)
        if vmin is not None and vmax is not None:
            default_coloring(NamedArray("values", np.zeros(1), ("item",)), vmin=vmin, vmax=vmax)
        if statistic is not None:
            check_statistic(statistic)
        self._wanted, self._statistic = (array or "", x or ""), statistic

        def layout_of(given: object, growing: bool) -> tuple[Trace, Layout]:
            def panel_of(drawn: NamedArray, across: str) -> Panel:
                layout = lines_layout(
                    drawn,
                    x=across,
                    lines=lines,
                    picked=picked,
                    vmin=vmin,
                    vmax=vmax,
                    title=name,
                    height_px=height_px,
                    fewest_points=1 if growing else 2,
                )
                return layout[0][0]

            return self._choose(self._trace_of(given, labels, dims), growing, panel_of)

        figure = lines_figure(height_px)
        self.cursor, self.lines = figure.marks
        super().__init__(
            figure,
            lambda: ChartControls(
                data,
                lambda given: layout_of(given, growing=False),
                lambda given, _: layout_of(given, growing=True),
                figure,
                selection=selection,
                title=title,
                **options,
            ),
        )

    @property
    def array(self) -> str:
        """Name of the array on show, where a trace has several of attention; else empty. Two-way."""
        return str(self.controls.array)

    @array.setter
    def array(self, name: str) -> None:
        self.controls.array = name

    def _trace_of(self, given: object, labels: AxisLabels | None, dims: Sequence[str] | None) -> Trace:
        axes = {1: ("time",)}
        return labelled(named_trace(given, type(self).__name__, axes=axes, dims=dims), labels)

    def _choose(
        self, trace: Trace, growing: bool, panel_of: Callable[[NamedArray, str], Panel]
    ) -> tuple[Trace, Layout]:
        """The trace with what is drawn, and the panels.

        Args:
            trace: What was given, or what of a recording there is.
            growing: Whether there will be more iterations than it holds.
            panel_of: Makes a panel of an array and the axis across.
        """
        if self._statistic is not None:
            return statistic_panels(trace, self._statistic, self._wanted, growing, panel_of)
        alone = next(iter(trace)) if len(trace) == 1 else ""
        array = self._wanted[0] or alone
        if array not in trace:
            raise ShapeError(f"array must be one of the trace ({', '.join(trace)}), got {array!r}.")
        drawn = trace[array]
        across = drawn.dims[0] if alone and drawn.dims and "time" not in drawn.dims else "time"
        return trace, ((panel_of(drawn, self._wanted[1] or across),),)


def lines_figure(height_px: int) -> bqplot.Figure:
    """A chart without any line yet, its marks in the order cursor, lines."""
    across = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
    up = bqplot.LinearScale(min=0.0, max=1.0)
    whole = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
    cursor = bqplot.Lines(
        x=np.array([OUT_OF_SIGHT, OUT_OF_SIGHT]),
        y=np.array([0.0, 1.0]),
        scales={"x": across, "y": whole},
        colors=[CURSOR_COLOR],
        stroke_width=1.5,
        line_style="dashed",
    )
    lines = TailedLines(x=np.array([]), y=np.array([]), scales={"x": across, "y": up})
    return figure_of([cursor, lines], [x_axis(across), y_axis(up)], height_px)


def fill_lines(figure: bqplot.Figure, array: NamedArray, panel: LinesPanel, selection: Selection) -> None:
    """Draw the lines as they are at the selection."""
    at = clamp(selection.indices, array.sizes)
    cursor, lines = figure.marks
    steps = array.sizes[panel.x]
    set_ends(lines.scales["x"], 0.0, float(max(1, steps - 1)))
    set_ends(lines.scales["y"], panel.domain.low, panel.domain.high)
    numbers, named = numbers_of(array.coords, panel.x), panel.x in array.coords
    labels = array.labels(panel.x, batch=at.get("batch", 0)) if named or numbers is not None else None
    across, up = figure.axes
    write_x_axis(across, axis_title(panel.x), steps, labels, 0 if named else steps_before(numbers))
    write_y_axis(up, panel)
    cursor.x = np.full(2, float(at[panel.x]))
    count = count_lines(array, panel)
    named = count <= MOST_NAMED_LINES
    values = line_values(array, panel, at)
    with lines.hold_sync():
        lines.x = np.arange(steps, dtype=np.float64)
        lines.y = values.reshape(-1) if values.size == 1 else values  # a trait of bqplot's squeezes it
        lines.colors = line_colors(count)
        lines.opacities = [1.0 if named else FAINT] * count
        lines.stroke_width = 2.0 if named else 1.0
        lines.labels = [one_line(name) for name in line_names(array, panel, at.get("batch", 0))]
