"""Several views and charts as one: one copy of the arrays, one selection, one toolbar, one picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from itertools import accumulate, chain
from typing import Any

import ipywidgets

from nsm_widgets._errors import OptionError
from nsm_widgets.trace import Trace, TraceRecorder
from nsm_widgets.view import ColorMap, Layout, Panel, arrays_of, curves_apart, scalars_row
from nsm_widgets.widgets._given import named_trace
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets._view_rows import ViewRows, follow_settings
from nsm_widgets.widgets.live._live import LiveFeed, Plan, is_running, selectable_sizes
from nsm_widgets.widgets.page_arrays._page_arrays import DEFAULT_BUDGET_MB, PageArrays
from nsm_widgets.widgets.page_arrays._wire import ValuePrecision

MakePart = Callable[..., Any]
"""Makes a view or a chart; called with ``selection`` and ``page_arrays``."""


class ViewGroup(ViewRows):
    """Views and charts that share one copy of the arrays and one selection, in rows below each other.

    Above the first part stands the one toolbar: sliders for the axes of all parts, colours and scale of all,
    and a menu that saves the picture of all.

    Numbers that were logged in training are drawn once, by the first part.

    Args:
        data: What the parts are made of: a trace, or arrays by name. Or a recorder whose block runs or is
            still to run, of which every part is made, too: then all of them fill while it does, from the one
            copy.
        rows: For each row, what makes its parts from left to right: functions that return a view or a chart
            and take the keywords ``selection`` and ``page_arrays``. A row wraps where the page is too narrow.
        arrays: Names of the arrays that the parts draw; when not given, they are found out.
        selection: The cursor to follow; a new one when not given.
        page_arrays: A :class:`PageArrays` to read from; a new one when not given.
        title: Heading above the first part.
        cmap: A colour map for the panels of its kind, or ``"auto"`` (see :class:`View`).
        scale: ``"linear"``, ``"log"``, ``"row-max"`` or ``"rank"``.
        budget_mb: Largest array, in 10**6 bytes, that crosses to the page whole (see :class:`PageArrays`).
        precision: How near the recorded values are that cross when they are needed (see :class:`PageArrays`).

    Attributes:
        parts: The views and charts, row by row.

    Example:
        >>> from functools import partial
        >>> import numpy as np
        >>> from nsm_widgets.widgets import MemoryView, ReadWriteView
        >>> weights = np.full((5, 1, 2, 8), 1 / 8)
        >>> trace = Trace.from_arrays({"memory": np.zeros((5, 1, 8, 4)), "read_weights": weights})
        >>> group = ViewGroup(trace, [[partial(MemoryView, trace)], [partial(ReadWriteView, trace)]])
        >>> group.selection.time = 3
        >>> len(group.parts)
        2

    Raises:
        ValueError: If there is no part, or two parts draw different arrays of one name.
        TypeError: If ``selection`` is no selection, or ``page_arrays`` no such; of a recorder that runs, if
            page arrays are given, or a part is not made of the recorder.
    """

    def __init__(
        self,
        data: object,
        rows: Sequence[Sequence[MakePart]],
        *,
        arrays: Sequence[str] | None = None,
        selection: Selection | None = None,
        page_arrays: PageArrays | None = None,
        title: str = "",
        cmap: ColorMap = "auto",
        scale: str = "linear",
        budget_mb: float = DEFAULT_BUDGET_MB,
        precision: ValuePrecision = "exact",
    ) -> None:
        if not isinstance(rows, (list, tuple)):
            raise OptionError(f"rows of a group must be a list of lists of parts, got {type(rows).__name__}.")
        if not any(isinstance(row, Sized) and len(row) for row in rows):
            raise OptionError("a group must have at least one part, got none.")
        watched = data if isinstance(data, TraceRecorder) and is_running(data) else None
        if watched is not None and page_arrays is not None:
            raise TypeError(
                "a group of a recorder that runs has page arrays of its own, got page_arrays=... as well. "
                "Leave it out."
            )
        if page_arrays is not None and not isinstance(page_arrays, PageArrays):
            raise OptionError(f"page_arrays must be a PageArrays, got {type(page_arrays).__name__}.")
        sending: dict[str, Any] = {"budget_mb": budget_mb, "precision": precision}
        held = Trace() if watched is not None else named_trace(data, type(self).__name__)
        names = (
            ()
            if watched is not None
            else (*arrays_of(scalars_row(held)), *(() if arrays is None else arrays))
        )
        selection = selection if selection is not None else self._own(Selection())
        if page_arrays is None:
            page_arrays = self._own(self._new_page_arrays(held, names, sending))
            page_arrays.joining = "watches" if watched is not None else "gathers" if arrays is None else ""
        try:
            boxes = [
                self._row(makers, {"selection": selection, "page_arrays": page_arrays}) for makers in rows
            ]
            self._rows = [box.children for box in boxes]
            lead, *others = self._views
            lead.title, lead.cmap, lead.scale = title, cmap, scale
            self._join(lead, others)
            if watched is not None:
                self._watch(watched)
        except Exception:
            self._close_all()
            raise
        finally:
            if page_arrays in self._made:
                page_arrays.joining = ""
        super().__init__(boxes)
        self.add_class("nsmw-group")

    def close(self) -> None:
        """Take the group off every page, with its parts and all else that it made and no other view uses."""
        was_open = self.comm is not None
        super().close()
        self._close_all()
        if was_open:
            self.layout.close()

    def _own(self, made: object) -> Any:
        self._made = (*self._made, made)
        return made

    def _new_page_arrays(self, trace: Trace, arrays: Sequence[str], sending: dict[str, Any]) -> PageArrays:
        try:
            return PageArrays(trace, only=tuple(dict.fromkeys(arrays)), **sending)
        except Exception:
            self._close_all()
            raise

    def _row(self, makers: Sequence[MakePart], shared: dict[str, Any]) -> Any:
        parts = []
        for make in makers:
            part = make(**shared)
            parts.append(part)
            self.parts = (*self.parts, part)
        return self._own(self._boxed(parts))

    def _join(self, lead: View, others: Sequence[View]) -> None:
        """One toolbar, one set of colours; every part steps along the axes of all."""
        for view in others:
            view._leave_curves()
        arrays = dict.fromkeys(name for view in self._views for name in arrays_of(view._layout))
        sizes = selectable_sizes(self.trace, tuple(arrays))
        lead._together = tuple(row for view in others for row in view._layout)
        for view in (lead, *others):
            view._sizes = sizes
        for view in others:
            view._toolbar = "none"
            view._leader = lead
            follow_settings(lead, view)

    def _watch(self, recorder: TraceRecorder) -> None:
        """Fill all parts while the recorder's block runs."""
        self._lead._feed = LiveFeed(self, recorder, Plan(self._build, self._build_running))

    def _to_hold(self, trace: Trace, layout: Layout) -> tuple[str, ...]:
        del trace
        return arrays_of(layout)

    def _build(self, trace: Trace) -> tuple[Trace, Layout]:
        return self._put_together(trace, [plan.build(trace) for plan in self._plans])

    def _build_running(self, trace: Trace, layout: Layout) -> tuple[Trace, Layout]:
        shares = self._shares(layout) if layout else [()] * len(self.parts)
        built = [plan.running(trace, share) for plan, share in zip(self._plans, shares, strict=True)]
        return self._put_together(trace, built)

    @property
    def _plans(self) -> list[Plan]:
        return [view._plan for view in self._views if view._plan is not None]

    def _put_together(self, trace: Trace, built: Sequence[tuple[Trace, Layout]]) -> tuple[Trace, Layout]:
        """What all parts show, as if it were one view."""
        shown = trace
        for made, _ in built:
            shown = shown.assign(*(array for name, array in made.items() if array is not trace.get(name)))
        self._counts = [len(layout) for _, layout in built]
        whole = tuple(row for _, layout in built for row in layout)
        known: dict[str, Panel] = {}
        for panel in chain.from_iterable(whole):
            if known.setdefault(panel.id, panel) != panel:
                raise OptionError(
                    f"parts that draw the same array while a recorder runs must draw it alike, got two of "
                    f"{panel.id} that differ. Give them the same options, or make two groups."
                )
        return shown, whole

    def _shares(self, layout: Layout) -> list[Layout]:
        """What of a layout each part draws; curves of what was logged go to the first."""
        curves, rest = curves_apart(layout)
        ends = list(accumulate(self._counts))
        lead, *others = [rest[end - count : end] for end, count in zip(ends, self._counts, strict=True)]
        return [(*curves, *lead), *others]

    def _show(self, trace: Trace, layout: Layout, *, above: Layout = ()) -> None:
        """Draw other panels in all parts."""
        sizes = selectable_sizes(trace, arrays_of(layout))
        shares = self._shares(layout)
        for view, share in zip(self._views, shares, strict=True):
            leads = view is self._lead
            with view._page_lock, view.hold_sync():
                view._show(trace, share, above=above if leads else ())
                view._sizes = sizes
                if leads:
                    view._together = tuple(row for rows in shares[1:] for row in rows)

    def _keep(self, layout: Layout) -> None:
        for view, share in zip(self._views, self._shares(layout), strict=True):
            view._keep(share)

    def _at_first(self, trace: Trace) -> None:
        for view in self._views:
            view._at_first(trace)

    def _close_all(self) -> None:
        for part in self.parts:
            part.close()
        for made in reversed(self._made):
            if isinstance(made, ipywidgets.Box):
                made.layout.close()
            if not getattr(made, "users", None):
                made.close()
