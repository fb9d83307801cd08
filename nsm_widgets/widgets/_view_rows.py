"""Views and charts in rows below each other, as one: one toolbar, one picture."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

import ipywidgets
import traitlets

from nsm_widgets.view import ColorMap, Layout, Panel, curves_apart
from nsm_widgets.view.settings import OF_GROUP
from nsm_widgets.widgets._clicks import OnClick
from nsm_widgets.widgets._exports import Exportable
from nsm_widgets.widgets._view import View


class ViewRows(Exportable, ipywidgets.VBox):  # type: ignore[misc]
    """Base of what consists of several views.

    Attributes:
        parts: The views and charts, row by row.
    """

    parts: tuple[Any, ...] = ()
    _rows: list[tuple[Any, ...]]

    @property
    def _views(self) -> list[View]:
        """What draws each part, the first part's first."""
        return [view for part in self.parts for view in part._views]

    @property
    def _lead(self) -> View:
        lead: View = self.parts[0]._lead
        return lead

    @property
    def _shown(self) -> Layout:
        """The parts' panels as they stand: rows beside rows, row by row."""
        shown: list[tuple[Panel, ...]] = []
        for row in self._rows:
            curves, first = curves_apart(self._shown_of(row[0]))  # as wide as all, as none stand beside them
            shown += curves
            lines = zip_longest(first, *(self._shown_of(part) for part in row[1:]), fillvalue=())
            shown += [tuple(chain.from_iterable(beside)) for beside in lines]
        return tuple(shown)

    def _shown_of(self, part: Any) -> Layout:  # a view, a chart, a group
        shown: Layout = part._shown
        return shown

    @property
    def cmap(self) -> str:
        """Colour map for the panels of its kind, of all parts; ``"auto"`` gives each its own."""
        return str(self._lead.cmap)

    @cmap.setter
    def cmap(self, cmap: ColorMap) -> None:
        self._lead.cmap = cmap

    @property
    def scale(self) -> str:
        """How values are placed on the colour bars of all parts: linear, log, row-max, rank."""
        return str(self._lead.scale)

    @scale.setter
    def scale(self, scale: str) -> None:
        self._lead.scale = scale

    def on_click(self, handler: OnClick, *, remove: bool = False) -> None:
        """Call a function whenever the reader presses a cell of a heatmap; see :meth:`View.on_click`."""
        for view in self._views:
            view.on_click(handler, remove=remove)

    def _boxed(self, parts: Iterable[ipywidgets.Widget]) -> ipywidgets.HBox:
        box = ipywidgets.HBox(tuple(parts))
        box.add_class("nsmw-group-row")
        return box


def follow_settings(leader: View, view: View) -> list[traitlets.dlink]:
    """Let a part have the colours and the scale of all, so far as they are for it."""

    def for_view(value: str) -> str:
        return value if value != "per-head" or view._has_own_ranges else "shared"

    return [traitlets.dlink((leader, name), (view, name), for_view) for name in OF_GROUP]
