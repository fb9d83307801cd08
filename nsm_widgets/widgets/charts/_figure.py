"""What every bqplot chart of ours is made of: a figure with two axes, and the controls above it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, Unpack

import anywidget
import bqplot
import ipywidgets

from nsm_widgets._errors import OptionError
from nsm_widgets.trace import Trace
from nsm_widgets.view import Layout, chosen_panels
from nsm_widgets.view.panels import PanelBase
from nsm_widgets.widgets._exports import Exportable
from nsm_widgets.widgets._options import ViewOptions
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets.live._live import Build, Running
from nsm_widgets.widgets.plot._figure import close_all, parts_of

P = TypeVar("P", bound=PanelBase)
"""A kind of panel."""

LEAST_HEIGHT_PX = 120


class FigureControls(View):
    """Sliders, caption and legend above a figure; on the page, what feeds the figure's marks."""

    _figure = anywidget.WidgetTrait().tag(sync=True)

    def __init__(
        self,
        given: object,
        build: Build,
        running: Running | None,
        figure: bqplot.Figure,
        /,
        **options: Unpack[ViewOptions],
    ) -> None:
        super().__init__(given, build, running, **options)
        self._figure = figure
        if self._layout:
            self._fill(self.trace, self._shown)

    def _show(self, trace: Trace, layout: Layout, *, above: Layout = ()) -> None:
        self._fill(trace, chosen_panels(layout, self.array))
        super()._show(trace, layout, above=above)

    def _fill(self, trace: Trace, layout: Layout) -> None:
        """Give the marks what they show at the selection."""
        raise NotImplementedError


class Chart(Exportable, ipywidgets.VBox):  # type: ignore[misc]
    """Controls above a figure, as one widget.

    Args:
        figure: The figure, closed where the controls cannot be made.
        make_controls: Makes the view that feeds the figure's marks on the page.

    Attributes:
        figure: The :class:`bqplot.Figure`.
        controls: Sliders, caption and legend above it.
    """

    def __init__(self, figure: bqplot.Figure, make_controls: Callable[[], View]) -> None:
        self.figure = figure
        try:
            self.controls = make_controls()
        except Exception:
            close_all(parts_of(figure))
            raise
        super().__init__([self.controls, figure])
        self.add_class("nsmw-chart-box")

    @property
    def _lead(self) -> View:
        return self.controls

    def close(self) -> None:
        """Take the chart off every page, and all that it made for itself with it."""
        super().close()
        if hasattr(self, "controls"):
            self.controls.close()
            close_all([*parts_of(self.figure), self.controls.layout, self.layout])


def check_names(**names: object) -> None:
    """Refuse what is no text where a name is asked for; None where there is none.

    Raises:
        OptionError: With what it is called.
    """
    for option, name in names.items():
        if name is not None and not isinstance(name, str):
            raise OptionError(f"{option} must be a name, got {type(name).__name__}.")


def check_height(height_px: object) -> None:
    """Refuse what is no height of a chart.

    Raises:
        ValueError: If it is no integer, or less than :data:`LEAST_HEIGHT_PX`.
    """
    if not isinstance(height_px, int) or height_px < LEAST_HEIGHT_PX:
        raise OptionError(f"height_px must be an integer of at least {LEAST_HEIGHT_PX}, got {height_px!r}.")


def panel_of_kind(layout: Layout, kind: type[P]) -> P:
    """The chart's own panel; curves of what was logged may stand above it."""
    return next(panel for row in layout for panel in row if isinstance(panel, kind))
