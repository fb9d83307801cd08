"""Views that exist already, laid out as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nsm_widgets._errors import ClosedError, OptionError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import ArraySummary, Layout, arrays_of, curves_apart
from nsm_widgets.widgets._exports import Exportable
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets._view_rows import ViewRows, follow_settings


def compose(rows: object, *, title: str = "") -> Composition:
    """Lay out views that exist already as one: rows below each other, views of a row side by side.

    All of them follow the first one's selection from then on, so that axes of one name move together. One
    toolbar above serves all: sliders for every axis, the player, colours and scale, and the menu that saves a
    picture of all. ``savefig``, ``to_html``, ``to_csv`` and the picture in a saved notebook are of all, too.
    Views of recorders that run fill as they do alone, and compositions may stand in compositions.

    The views stay yours: closing the composition gives each its own toolbar back, and ``close(parts=True)``
    closes them as well. Colours and scale are those of the first view that has any of its own.

    Args:
        rows: A list of rows, each a list of views, charts or compositions from left to right. A row wraps
            where the page is too narrow.
        title: Heading above everything.

    Example:
        >>> import numpy as np
        >>> from nsm_widgets import Trace
        >>> from nsm_widgets.widgets import MemoryView, ReadWriteView
        >>> weights = np.full((5, 1, 2, 8), 1 / 8)
        >>> trace = Trace.from_arrays({"memory": np.zeros((5, 1, 8, 4)), "read_weights": weights})
        >>> memory, reads = MemoryView(trace), ReadWriteView(trace)
        >>> whole = compose([[memory], [reads]], title="One run")
        >>> whole.selection.time = 3
        >>> reads.selection.time
        3

    Raises:
        TypeError: If ``rows`` is no list of lists of views.
        ValueError: If there is no view, one stands in it twice, or in another composition.
        ClosedError: If a view is closed.
    """
    return Composition(rows, title=title)


class Composition(ViewRows):
    """What :func:`compose` gives: views and charts in rows, with one toolbar.

    Attributes:
        parts: The views and charts, row by row.
    """

    _owns = False
    _closed = True
    """Until it is made."""

    def __init__(self, rows: object, *, title: str = "", owns: bool = False) -> None:
        laid_out = _checked_rows(rows)
        self.parts = tuple(part for row in laid_out for part in row)
        self._rows, self._owns = laid_out, owns
        views = self._views
        _check_apart(self.parts, views)
        first = views[0]
        colours = {name: next(_chosen(views, name), first) for name in ("cmap", "scale")}
        self._bar = _Toolbar(first, title, {name: getattr(view, name) for name, view in colours.items()})
        for part in self.parts:
            part.selection = self._bar.selection
        self._before = [(view, view._toolbar, view._leader) for view in views]
        self._joins = [join for view in views for join in self._lead_view(view)]
        self._without_curves = [view for i, view in enumerate(views) if _is_of_one_run(view, views[:i])]
        for view in self._without_curves:
            view._leave_curves()
        for view in views:
            view.observe(self._on_panels, names=["_layout"])
        self._join()
        self._boxes = [self._boxed(row) for row in laid_out]
        super().__init__([self._bar, *self._boxes])
        self.add_class("nsmw-group")
        self._closed = False

    @property
    def _lead(self) -> View:
        """The one with the toolbar, which draws nothing itself."""
        return self._bar

    @property
    def _views(self) -> list[View]:
        """The toolbars of compositions within, too."""
        inner = (part._bar for part in self.parts if isinstance(part, Composition))
        return [*ViewRows._views.fget(self), *inner]  # type: ignore[attr-defined]

    def _lead_view(self, view: View) -> Any:
        with view.hold_sync():
            view._toolbar, view._leader = "none", self._bar
            return follow_settings(self._bar, view)

    def _on_panels(self, change: dict[str, Any]) -> None:
        if change["new"]:  # a view that is drawn anew has none in between
            self._join()

    def _join(self) -> None:
        """Tell the toolbar what it is for."""
        with self._bar.hold_sync():
            self._bar._joined = [view._layout for view in self._views]
            self._bar._joined_stores = [view._store for view in self._views]
            self._bar._generation += 1

    @property
    def _names(self) -> list[dict[str, str]]:
        """For each part, other names for arrays whose names stand for something else in an earlier one."""
        taken: dict[str, NamedArray] = {}
        names: list[dict[str, str]] = []
        for part in self.parts:
            names.append({})
            for name in arrays_of(part._shown):
                array, free, count = part.trace[name], name, 2
                while free in taken and not _same(taken[free], array):
                    free, count = f"{name} ({count})", count + 1
                taken[free] = array
                if free != name:
                    names[-1][name] = free
        return names

    @property
    def trace(self) -> Trace:
        """The arrays on show, of all parts; of two that are called alike, the second is ``"memory (2)"``."""
        arrays: dict[str, NamedArray] = {}
        for part, names in zip(self.parts, self._names, strict=True):
            for name in arrays_of(part._shown):
                free = names.get(name, name)
                arrays.setdefault(free, part.trace[name].renamed(free))
        return _ArraysOfAll(arrays)

    def _shown_of(self, part: Any) -> Layout:  # a view, a chart, a group
        names = self._names[self.parts.index(part)]
        return tuple(tuple(panel.renamed(names) for panel in row) for row in part._shown)

    @property
    def _summaries(self) -> dict[str, ArraySummary]:
        return self._of_parts("_summaries")

    @property
    def _not_saved(self) -> dict[str, int]:
        return self._of_parts("_not_saved")

    def _of_parts(self, what: str) -> dict[str, Any]:
        return {
            names.get(name, name): value
            for part, names in zip(self.parts, self._names, strict=True)
            for name, value in getattr(part, what).items()
        }

    def __repr__(self) -> str:
        """The parts, and where they stand."""
        return f"Composition({', '.join(type(part).__name__ for part in self.parts)}; {self.selection!r})"

    def close(self, *, parts: bool = False) -> None:
        """Take the composition off every page, and give its views their own toolbars back.

        Args:
            parts: Whether to close the views, too.
        """
        if not self._closed:
            self._closed = True
            super().close()
            self._release()
        if parts or self._owns:
            for part in self.parts:
                part.close(**({"parts": True} if isinstance(part, Composition) else {}))

    def _release(self) -> None:
        for join in self._joins:
            join.unlink()
        for view, toolbar, leader in self._before:
            view.unobserve(self._on_panels, names=["_layout"])
            if view.comm is not None:
                with view.hold_sync():
                    view._toolbar, view._leader = toolbar, leader
        for view in self._without_curves:
            if view.comm is not None:
                view._take_curves()
        self._bar.close()
        for box in self._boxes:
            box.close()
            box.layout.close()
        self.layout.close()


class _Toolbar(View):
    """Controls above the views of a composition."""

    def __init__(self, first: View, title: str, looks: dict[str, Any]) -> None:
        super().__init__(
            None,
            lambda _: (Trace(), ()),
            selection=first.selection,
            page_arrays=first.page_arrays,
            title=title,
            **looks,
        )


class _ArraysOfAll(Trace):
    """Arrays of several runs, whose axes may differ in size."""

    __slots__ = ()

    def __init__(self, arrays: dict[str, NamedArray]) -> None:
        super().__init__()
        self._arrays.update(arrays)


def _chosen(views: Sequence[View], name: str) -> Iterator[View]:
    """The views that have a colour map or scale of their own."""
    return (view for view in views if getattr(view, name) != view.traits()[name].default_value)


def _is_of_one_run(view: View, earlier: Sequence[View]) -> bool:
    """Whether an earlier view draws the same numbers that were logged."""
    curves = _logged(view)
    return bool(curves) and any(curves == _logged(other) for other in earlier if other._draws_curves)


def _logged(view: View) -> set[int]:
    """The recorder that is watched, else the arrays of curves that are drawn."""
    if view._feed is not None and (recorder := view._feed.recorder) is not None:
        return {id(recorder)}
    return {id(view.trace[name]) for name in arrays_of(curves_apart(view._layout)[0])}


def _same(a: NamedArray, b: NamedArray) -> bool:
    return a is b or (a.values is b.values and a.dims == b.dims) or a.identical(b)


def _checked_rows(rows: object) -> list[tuple[Any, ...]]:
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in rows):
        got = (
            "a list of " + " and ".join(sorted({type(row).__name__ for row in rows}))
            if isinstance(rows, (list, tuple))
            else type(rows).__name__
        )
        raise TypeError(f"compose takes rows of views, as compose([[a], [b, c]]), got {got}.")
    laid_out = [tuple(row) for row in rows if row]
    if not laid_out:
        raise OptionError("compose takes at least one view, got none: compose([[a], [b, c]]).")
    for part in (part for row in laid_out for part in row):
        if not isinstance(part, Exportable):
            hint = " Call it: it makes a view." if callable(part) else " ipywidgets.VBox takes other widgets."
            raise TypeError(f"compose takes views, got {type(part).__name__}.{hint}")
        if part.comm is None:  # type: ignore[attr-defined]
            raise ClosedError(
                f"compose takes views that are open, got a closed {type(part).__name__}. Make it again."
            )
    return laid_out


def _check_apart(parts: Sequence[Any], views: Sequence[View]) -> None:
    if len({id(view) for view in views}) < len(views):
        raise OptionError("a view must stand in a composition once, got one twice. Make a second one.")
    for part in parts:
        if isinstance(part, Composition) and part._bar._leader is None:
            continue
        taken = part._lead._leader is not None or part._lead._together
        if taken and not isinstance(part, ViewRows):
            raise OptionError(
                f"a view must stand in one composition at a time, got a {type(part).__name__} that is part "
                "of another one. Close that one, or compose the compositions."
            )
