"""Several views and charts as one: one store, one selection, one toolbar, one picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

import ipywidgets
import traitlets

from nsm_widgets.trace import Trace
from nsm_widgets.view import Layout, Panel
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets._store import DEFAULT_BUDGET_MB, TraceStore
from nsm_widgets.widgets._view import View, selectable_sizes
from nsm_widgets.widgets._ways_out import WaysOut
from nsm_widgets.widgets._wire import ValuePrecision

MakePart = Callable[..., Any]
"""Makes a view or a chart; called with ``selection`` and ``store``."""


class ViewGroup(WaysOut, ipywidgets.VBox):  # type: ignore[misc]
    """Views and charts that share one store and one selection, in rows below each other.

    Above the first part stands the one toolbar: sliders for the axes of all parts, colours and scale of all,
    and a menu that saves the picture of all.

    Args:
        trace: Holds every array that a part draws.
        rows: For each row, what makes its parts from left to right: functions that return a view or a chart
            and take the keywords ``selection`` and ``store``. A row wraps where the page is too narrow.
        arrays: Names of the arrays that the parts draw.
        selection: The cursor to follow; a new one when not given.
        store: A :class:`TraceStore` to read from; a new one when not given.
        title: Heading above the first part.
        cmap: A colour map for the panels of its kind, or ``"auto"``.
        scale: ``"linear"``, ``"log"``, ``"row-max"`` or ``"rank"``.
        budget_mb: Largest array, in 10**6 bytes, that crosses to the page whole (see :class:`TraceStore`).
        precision: How near the recorded values are that cross when they are needed (see :class:`TraceStore`).

    Attributes:
        parts: The views and charts, row by row.

    Example:
        >>> from functools import partial
        >>> import numpy as np
        >>> from nsm_widgets import MemoryView, ReadWriteView
        >>> from nsm_widgets.view import memory_change
        >>> weights = np.full((5, 1, 2, 8), 1 / 8)
        >>> trace = Trace.from_arrays({"memory": np.zeros((5, 1, 8, 4)), "read_weights": weights})
        >>> trace = trace.assign(memory_change(trace))
        >>> rows = [[partial(MemoryView, trace)], [partial(ReadWriteView, trace)]]
        >>> group = ViewGroup(trace, rows, arrays=tuple(trace))
        >>> group.selection.time = 3
        >>> len(group.parts)
        2

    Raises:
        ValueError: If there is no part.
        TypeError: If ``selection`` is no selection, or ``store`` no store.
    """

    parts: tuple[Any, ...] = ()
    _made: tuple[ipywidgets.Widget, ...] = ()

    def __init__(
        self,
        trace: Trace,
        rows: Sequence[Sequence[MakePart]],
        *,
        arrays: Sequence[str],
        selection: Selection | None = None,
        store: TraceStore | None = None,
        title: str = "",
        cmap: str = "auto",
        scale: str = "linear",
        budget_mb: float = DEFAULT_BUDGET_MB,
        precision: ValuePrecision = "exact",
    ) -> None:
        if not any(rows):
            raise ValueError("a group must have at least one part, got none.")
        sending: dict[str, Any] = {"budget_mb": budget_mb, "precision": precision}
        shared = {
            "selection": selection if selection is not None else self._own(Selection()),
            "store": store if store is not None else self._own(self._new_store(trace, arrays, sending)),
        }
        try:
            boxes = [self._row(makers, shared) for makers in rows]
            self._rows = [box.children for box in boxes]
            views: list[View] = [part._lead for part in self.parts]
            views[0].title, views[0].cmap, views[0].scale = title, cmap, scale
            self._join(views[0], views[1:])
        except Exception:
            self._close_all()
            raise
        super().__init__(boxes)
        self.add_class("nsmw-group")

    @property
    def _lead(self) -> View:
        lead: View = self.parts[0]._lead
        return lead

    @property
    def _shown(self) -> Layout:
        """The parts' panels as they stand: rows beside rows, row by row."""
        shown: list[tuple[Panel, ...]] = []
        for row in self._rows:
            lines = zip_longest(*(part._shown for part in row), fillvalue=())
            shown += [tuple(chain.from_iterable(beside)) for beside in lines]
        return tuple(shown)

    @property
    def cmap(self) -> str:
        """Colour map for the panels of its kind, of all parts; ``"auto"`` gives each its own."""
        return str(self._lead.cmap)

    @cmap.setter
    def cmap(self, cmap: str) -> None:
        self._lead.cmap = cmap

    @property
    def scale(self) -> str:
        """How values are placed on the colour bars of all parts: linear, log, row-max, rank."""
        return str(self._lead.scale)

    @scale.setter
    def scale(self, scale: str) -> None:
        self._lead.scale = scale

    def close(self) -> None:
        """Take the group off every page, with its parts and all else that it made and no other view uses."""
        was_open = self.comm is not None
        super().close()
        self._close_all()
        if was_open:
            self.layout.close()

    def _own(self, made: Any) -> Any:
        self._made = (*self._made, made)
        return made

    def _new_store(self, trace: Trace, arrays: Sequence[str], sending: dict[str, Any]) -> TraceStore:
        try:
            return TraceStore(trace, only=tuple(dict.fromkeys(arrays)), **sending)
        except Exception:
            self._close_all()
            raise

    def _row(self, makers: Sequence[MakePart], shared: dict[str, Any]) -> ipywidgets.Box:
        parts = []
        for make in makers:
            part = make(**shared)
            parts.append(part)
            self.parts = (*self.parts, part)
        box = ipywidgets.HBox(parts)
        box.add_class("nsmw-group-row")
        return self._own(box)

    def _join(self, lead: View, others: Sequence[View]) -> None:
        """One toolbar, one set of colours; every part steps along the axes of all."""
        views = (lead, *others)
        arrays = dict.fromkeys(name for view in views for name in _names(view))
        sizes = selectable_sizes(self.trace, tuple(arrays))
        lead._together = [row for view in others for row in view._layout]
        for view in views:
            view._sizes = sizes
        for view in others:
            view._toolbar = "none"
            view._leader = lead
            for name in ("cmap", "scale"):
                traitlets.dlink((lead, name), (view, name))

    def _close_all(self) -> None:
        for part in self.parts:
            part.close()
        for made in reversed(self._made):
            if isinstance(made, ipywidgets.Box):
                made.layout.close()
            if not getattr(made, "users", None):
                made.close()


def _names(view: View) -> Iterator[str]:
    return (panel.array for row in view._given_layout for panel in row)
