"""What every view is: arrays on the page, a selection, a layout of panels, and the controls around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import anywidget
import traitlets

from nsm_widgets._errors import OptionError, UnknownOptionError
from nsm_widgets._text import replace_surrogates
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import (
    Layout,
    arrays_of,
    as_colormap,
    choices_of,
    chosen_panels,
    colormap_for_page,
    curves_apart,
    opening,
    scalars_row,
)
from nsm_widgets.view.panels import PaintedPanel
from nsm_widgets.view.settings import SETTINGS, check_setting
from nsm_widgets.widgets._base import SyncedWidget, TraitOptionError, widget_references
from nsm_widgets.widgets._clicks import Clicks, OnClick
from nsm_widgets.widgets._exports import Exportable
from nsm_widgets.widgets._options import Looks
from nsm_widgets.widgets._selection import Selection, check_selection
from nsm_widgets.widgets.live._live import Build, LiveFeed, Plan, Running, is_running, selectable_sizes
from nsm_widgets.widgets.page_arrays._page_arrays import DEFAULT_BUDGET_MB, PageArrays
from nsm_widgets.widgets.page_arrays._wire import ValuePrecision
from nsm_widgets.widgets.plot._panel_figures import PanelFigures


def _panels_as_json(layout: Layout, _view: object) -> list[list[dict[str, Any]]]:
    return [[panel.to_json() for panel in row] for row in layout]


class ColorMapTrait(traitlets.TraitType[str, Any]):
    """The name of a colour map, or its colours as text; lists of colours become that."""

    def validate(self, obj: object, value: object) -> str:
        """See :func:`nsm_widgets.view.as_colormap`."""
        del obj
        try:
            return value if isinstance(value, str) and value == "auto" else as_colormap(value)
        except (OptionError, UnknownOptionError) as error:
            raise TraitOptionError(f"{error} Or 'auto', for each panel's own.") from None


class View(Exportable, SyncedWidget):
    """Base of the views. Usable alone; views that are given the same ``selection`` move together.

    Beside the widget, a cell's output keeps a picture and a summary of the view as it was when the cell
    showed it; run the cell again to save another moment. A notebook that is saved with its widgets' state
    opens where the view stood when it was saved.

    A view that is given a recorder whose block runs or is still to run fills while it does, iteration by
    iteration, and when the block is over holds what ``rec.trace.by_iteration()`` has. Numbers that were
    logged (``rec.log``) are drawn as curves above. What a page has meanwhile is bounded by ``budget_mb``, and
    what it has not is counted there.

    Args:
        selection: The cursor to follow. Default: a new one. The first view on one in which nothing was chosen
            moves it to where something happens: to the last write of a memory, the last step of what grows.
        cmap: A colour map for the panels of its kind, sequential or diverging: one of
            :func:`nsm_widgets.view.colormap_names`; any name of matplotlib's where that is installed; or a
            list of colours at even steps from low to high (``"#1a9850"``, ``"crimson"``, ``(1, 0.5, 0)``).
            These are diverging where the middle has little hue and is lighter or darker than both ends.
            Default: ``"auto"``, each panel's own.
        scale: ``"linear"``, ``"log"``, ``"row-max"`` or ``"rank"``. Default: ``"linear"``.
        domain: ``"shared"``, one range of colours for all heads, or, of attention, ``"per-head"``. Default:
            ``"shared"``.
        fold: ``"unused"``: slots that nobody uses (no read or write weight above 1 % in any step, sample or
            head, and no NaN) are folded away in maps of a memory and its weights, where they are at least 8
            and a quarter of all; a line says how many, and shows them. Or ``"none"``. Default: ``"unused"``.
        array: Name of the array on show at first, in a view that shows one of several. Default: the first.
        title: Heading above the panels. Default: none.
        page_arrays: A :class:`PageArrays` to read from, so that several views share one copy of the bytes.
            Default: one of its own.
        budget_mb: Largest array, in 10**6 bytes, that crosses to the page whole. Default: 64.
        precision: How near the recorded values are that cross when they are needed: ``"exact"``,
            ``"float32"`` or ``"float16"`` (see :class:`PageArrays`). Default: ``"exact"``.
        layout: Size of the widget on the page, an ``ipywidgets.Layout``. Default: as wide as its cell.
    """

    _kind = traitlets.Unicode("view").tag(sync=True)
    _beside: tuple[str, ...] = ()
    """Arrays that its page arrays hold for others that share them, besides those that it draws."""

    cmap = ColorMapTrait("auto").tag(sync=True, to_json=lambda cmap, _view: colormap_for_page(cmap))
    """Colour map for the panels of its kind; ``"auto"`` gives each its own; a list of colours reads as its
    text, ``"#ffffff,#dc143c"``. Two-way. Default: ``"auto"``."""

    scale = traitlets.Unicode("linear").tag(sync=True)
    """How values are placed on the colour bar: linear, log, row-max, rank. Two-way. Default: ``"linear"``."""

    domain = traitlets.Unicode("shared").tag(sync=True)
    """What the ends of the colour bar stand for: ``"shared"``, the same for all heads, or, of attention,
    ``"per-head"``, the range of the head on show (each thumbnail's own). Two-way. Default: ``"shared"``."""

    fold = traitlets.Unicode("unused").tag(sync=True)
    """Whether ``"unused"`` slots are folded away, or ``"none"``. Two-way. Default: ``"unused"``."""

    array = traitlets.Unicode("").tag(sync=True)
    """Name of the array on show, in a view that shows one of several, and empty in others. Two-way. Default:
    the first one."""

    title = traitlets.Unicode("").tag(sync=True, to_json=lambda title, _view: replace_surrogates(title))
    """Heading above the panels; none when empty."""

    _note = traitlets.Unicode("").tag(sync=True, to_json=lambda note, _view: replace_surrogates(note))
    """What is said under the toolbar."""

    _toolbar = traitlets.Enum(("full", "none"), "full").tag(sync=True)
    """Whether controls stand above the panels; of the parts of a group, only the first has them."""

    _leader = anywidget.WidgetTrait().tag(sync=True)
    """The part of a group whose colours and scale this one follows."""

    _together = traitlets.Any(()).tag(sync=True, to_json=_panels_as_json)
    """Panels of the other parts of a group, for the one toolbar that serves them all."""

    _joined = traitlets.Any(()).tag(
        sync=True, to_json=lambda layouts, view: [_panels_as_json(layout, view) for layout in layouts]
    )
    """Panels of the views of a composition, a layout of each, for the one toolbar that serves them all."""

    _joined_stores = traitlets.Any(()).tag(sync=True, to_json=widget_references)
    """Where the arrays of each are."""

    _store = anywidget.WidgetTrait().tag(sync=True)
    _selection = anywidget.WidgetTrait().tag(sync=True)
    _layout = traitlets.Any(()).tag(sync=True, to_json=_panels_as_json)
    """The panels, row by row; those of all choices, where there are some."""

    _sizes = traitlets.Dict().tag(sync=True)
    _generation = traitlets.Int(0).tag(sync=True)
    """Grows with each change of panels: pages then draw the view anew."""

    _figures: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    """Figures of the curves of what was logged, by panel."""

    _page_writable = frozenset({*SETTINGS, "array"})
    _hears_clicks = traitlets.Bool(False).tag(sync=True)
    """Whether the page is to tell of cells that are pressed."""

    _feed: LiveFeed | None = None
    _plan: Plan | None = None
    """Of a recorder that runs, or was still to run: how the view is made of what is recorded."""

    _draws_curves = True
    """Whether it draws numbers that were logged; of several views of one run, only the first does."""

    _above = 0
    """So many rows, the first ones, are for pages alone."""

    _shared: tuple[SyncedWidget, ...] = ()

    def __init__(
        self,
        given: Any,  # what the builder takes: a trace, a recorder, tensors
        build: Build,
        running: Running | None = None,
        /,
        *,
        selection: Selection | None = None,
        page_arrays: PageArrays | None = None,
        budget_mb: float = DEFAULT_BUDGET_MB,
        precision: ValuePrecision = "exact",
        **options: Unpack[Looks],
    ) -> None:
        if selection is not None:
            check_selection(selection)
        watched = is_running(given)
        _check_place(type(self).__name__, page_arrays, watched=watched)
        plan = Plan(build, running or (lambda trace, _: build(trace)))
        trace: Trace
        layout: Layout
        if watched:  # it fills when something is recorded
            self._plan, trace, layout = plan, Trace(), ()
        else:
            trace, layout = build(given)
            curves = scalars_row(trace)
            layout = (*curves, *layout) if _holds(page_arrays, curves) else layout
        names, sizes = arrays_of(layout), selectable_sizes(trace, arrays_of(layout))
        choices = self._choices_in(layout)
        if choices:
            options.setdefault("array", choices[0])
        self._panel_figures, self._clicks = PanelFigures(), Clicks()
        held = (
            _checked_page_arrays(page_arrays, trace, names)
            if page_arrays is not None
            else PageArrays(
                trace, only=self._to_hold(trace, layout), budget_mb=budget_mb, precision=precision
            )
        )
        self._shared = (selection if selection is not None else Selection(), held)
        state = {
            "_store": held,
            "_selection": self._shared[0],
            "_layout": layout,
            "_sizes": sizes,
            "_figures": self._panel_figures.of(trace, layout),
        }
        super().__init__(_state=state, **options)
        self._selection.attach(sizes)
        if not watched:
            self._selection.open_at(opening(trace, names))
        self._made = tuple(  # empty while the view is being made
            made for made, given in zip(self._shared, (selection, page_arrays), strict=True) if given is None
        )
        for shared in self._shared:
            shared.users.add(self)
        if not watched:
            self._at_first(trace)
        elif page_arrays is None:  # else the group does it, for all its parts
            self._feed = LiveFeed(self, given, plan)

    def _take_message(self, content: Mapping[str, Any]) -> None:
        """Send a picture to a page that cannot read this state, and asks for one."""
        if content.get("type") == "picture":
            png = self._fallbacks(type(self).__name__).get("image/png")
            self.send({"type": "picture", "png": png})
        elif content.get("type") == "click":
            self._clicks.tell(content, self.trace, self._layout)

    def on_click(self, handler: OnClick, *, remove: bool = False) -> None:
        """Call a function whenever the reader presses a cell of a heatmap, or chooses one with Enter.

        It hears of the same cell again, too, of which ``selection.observe`` is silent; not of cells that were
        dragged over. What it raises is shown, and ends nothing.

        Args:
            handler: Called with a :class:`Click`: panel, array, indices, labels, value.
            remove: Call it no more.

        Example:
            >>> import numpy as np
            >>> from nsm_widgets import Heatmap
            >>> view = Heatmap(np.eye(3), dims=("query", "key"))
            >>> view.on_click(lambda click: print(click.indices, click.value))
        """
        self._clicks.register(handler, remove=remove)
        self._hears_clicks = bool(self._clicks)

    def _follow(self, selection: Selection) -> None:
        """Follow another selection, on every page."""
        before = self._selection
        if selection is before:
            return
        selection.attach(self._sizes)
        selection.users.add(self)
        before.users.discard(self)
        self._shared = (selection, *self._shared[1:])
        self._selection = selection
        self._let_go(before)

    def _to_hold(self, trace: Trace, layout: Layout) -> tuple[str, ...]:
        """The arrays that are drawn, and those that are held beside them."""
        names = arrays_of(layout)
        return (*names, *(name for name in self._beside if name in trace and name not in names))

    def _at_first(self, trace: Trace) -> None:
        """Settle what depends on the first trace of a recorder that is shown."""

    def _keep(self, layout: Layout) -> None:
        """Note how the panels on show stand now; the page knows."""
        self._trait_values["_layout"] = (*self._layout[: self._above], *layout)

    def _show(self, trace: Trace, layout: Layout, *, above: Layout = ()) -> None:
        """Draw other panels, of what the page arrays hold now; ``above`` on pages alone."""
        if not self._draws_curves:
            above, layout = (), curves_apart(layout)[1]
        sizes = selectable_sizes(trace, arrays_of(layout))
        self._selection.attach(sizes)
        with self._page_lock, self.hold_sync():
            self._draw(trace, (*above, *layout))
            self._above = len(above)
            if self.array not in self._choices:
                self.array = next(iter(self._choices), "")
            self._sizes = sizes
            self._generation += 1

    def _draw(self, trace: Trace, layout: Layout) -> None:
        with self.hold_sync():
            self._figures = self._panel_figures.of(trace, layout)
            self._layout = ()  # what was kept is not on the page: panels are sent, too, that are the same
            self._layout = layout

    def _leave_curves(self) -> None:
        """Draw no numbers that were logged: another view does."""
        self._draws_curves = False
        curves, rest = curves_apart(self._layout)
        if curves:
            self._above = 0
            self._draw(self.trace, rest)
            self._panel_figures.close()

    def _take_curves(self) -> None:
        """Draw them again."""
        self._draws_curves = True
        watched = self._feed.recorder if self._feed is not None else None
        curves = scalars_row(self.trace) if watched is None or watched.is_over else ()
        if curves and self._layout and _holds(self.page_arrays, curves):
            self._draw(self.trace, (*curves, *self._layout))
            self._generation += 1

    @property
    def _lead(self) -> View:
        return self

    def _choices_in(self, layout: Layout) -> tuple[str, ...]:
        """Names of the arrays of which one is on show."""
        return choices_of(layout)

    @property
    def _choices(self) -> tuple[str, ...]:
        return self._choices_in(self._layout)

    @property
    def _shown(self) -> Layout:
        """The panels that are on show now, and that pictures draw."""
        return chosen_panels(self._layout[self._above :], self.array)

    def close(self) -> None:
        """Take the view off every page.

        What it made for itself is closed with it, or with the last view that uses it.
        """
        if self._feed is not None:
            self._feed.close()
        super().close()
        if hasattr(self, "_panel_figures"):  # else the view could not be made
            self._panel_figures.close()
        for shared in self._shared:
            shared.users.discard(self)
        for made in self._made:
            if heir := next(iter(made.users), None):
                heir._made = (*heir._made, made)
            else:
                made.close()
        self._made = ()

    @traitlets.validate(*SETTINGS)
    def _validate_setting(self, proposal: dict[str, Any]) -> str:
        name, value = proposal["trait"].name, str(proposal["value"])
        try:
            check_setting(name, value)
        except UnknownOptionError as error:
            raise TraitOptionError(str(error)) from None
        if name == "domain" and value != "shared" and not self._has_own_ranges:
            raise TraitOptionError(
                f"domain must be 'shared' in a {type(self).__name__}, got {value!r}: "
                "only attention has colours per head."
            )
        return value

    @property
    def _has_own_ranges(self) -> bool:
        """Whether the colours of any panel may be each picture's own."""
        panels = (panel for layout in (self._layout, *self._joined) for row in layout for panel in row)
        return any(isinstance(panel, PaintedPanel) and panel.own_ranges for panel in panels)

    @traitlets.validate("array")
    def _validate_array(self, proposal: dict[str, Any]) -> str:
        name, choices = str(proposal["value"]), self._choices
        if self._layout and name not in (choices or ("",)):  # nothing is known before a recorder's first
            only = f"one of {', '.join(choices)}" if choices else "empty, as there is one view of all arrays"
            raise TraitOptionError(f"array must be {only}, got {name!r}.")
        return name


Exportable._shared_options = View.__doc__


def _check_place(owner: str, page_arrays: object, *, watched: bool) -> None:
    """Refuse a view of a recorder that runs where it cannot be filled, and any other where all are."""
    joins = isinstance(page_arrays, PageArrays) and page_arrays.joining == "watches"
    if joins and not watched:
        raise TypeError(
            "every part of a group of a recorder that runs must be made of the recorder, got a "
            f"{owner} of something else. partial(MemoryView, recorder) makes one of it."
        )
    if watched and page_arrays is not None and not joins:
        raise TypeError(
            "a view of a recorder that runs has page arrays of its own, got page_arrays=... as well. "
            "Leave it out; selection=... moves several views together."
        )


def _holds(page_arrays: object, layout: Layout) -> bool:
    """Whether the page arrays that were given, if any, have what these panels draw."""
    return not isinstance(page_arrays, PageArrays) or all(
        name in page_arrays.arrays for name in arrays_of(layout)
    )


def _checked_page_arrays(page_arrays: PageArrays, trace: Trace, names: Sequence[str]) -> PageArrays:
    """The page arrays that were given, if they hold what the view draws, or may take it."""
    if not isinstance(page_arrays, PageArrays):
        raise TypeError(
            f"page_arrays must be a PageArrays, got {type(page_arrays).__name__}. "
            "PageArrays(trace) makes one."
        )
    missing = [name for name in names if name not in page_arrays.arrays]
    if missing and page_arrays.joining == "gathers":
        page_arrays.hold(
            page_arrays.trace.assign(*(trace[name] for name in missing)), (*page_arrays.arrays, *missing)
        )
        missing = []
    other = [
        name for name in names if name not in missing and not _same(page_arrays.trace[name], trace[name])
    ]
    if missing or other:
        raise OptionError(
            f"page_arrays must hold the arrays of the trace that is drawn: {', '.join(missing or other)} "
            f"{'missing' if missing else 'not the same'}. PageArrays(trace) holds all that its views need."
        )
    return page_arrays


def _same(held: NamedArray, drawn: NamedArray) -> bool:
    """Whether two arrays are one; what views compute is computed anew by each, and compared by value."""
    return held is drawn or held.identical(drawn)
