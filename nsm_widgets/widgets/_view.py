"""What every view is: a store, a selection, a layout of panels, and the controls around them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anywidget
import traitlets

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.trace._coord import clean_label
from nsm_widgets.view import (
    COLOR_SCALES,
    DOMAIN_CHOICES,
    ArraySummary,
    ColorScale,
    DomainChoice,
    Layout,
    Theme,
    arrays_of,
    colormap_kind,
)
from nsm_widgets.widgets._base import SyncedWidget
from nsm_widgets.widgets._selection import SELECTABLE, Selection
from nsm_widgets.widgets._store import DEFAULT_BUDGET_MB, TraceStore

if TYPE_CHECKING:
    from nsm_widgets.export._chunks import Precision
    from nsm_widgets.export._content import PageTheme


class View(SyncedWidget):
    """Base of the views. Usable alone; views that are given the same ``selection`` move together.

    Beside the widget, a cell's output keeps a picture and a summary of the view as it was when the cell
    showed it; run the cell again to save another moment. A notebook that is saved with its widgets' state
    opens where the view stood when it was saved.

    Args:
        selection: The cursor to follow; a new one when not given.
        cmap: A colour map for the panels of its kind (sequential or diverging), or ``"auto"``.
        scale: ``"linear"``, ``"log"``, ``"row-max"`` or ``"rank"``.
        domain: ``"shared"``, or, of attention, ``"per-head"``.
        title: Heading above the panels.
        store: A :class:`TraceStore` to read from, so that several views share one copy of the bytes.
        budget_mb: Largest array, in 10**6 bytes, that crosses to the page whole (see :class:`TraceStore`).
    """

    _kind = traitlets.Unicode("view").tag(sync=True)

    cmap = traitlets.Unicode("auto").tag(sync=True)
    """Colour map for the panels of its kind; ``"auto"`` gives each its own. Two-way. Default: ``"auto"``."""

    scale = traitlets.Unicode("linear").tag(sync=True)
    """How values are placed on the colour bar: linear, log, row-max, rank. Two-way. Default: ``"linear"``."""

    domain = traitlets.Unicode("shared").tag(sync=True)
    """What the ends of the colour bar stand for: ``"shared"``, the same for all heads, or, of attention,
    ``"per-head"``, the range of the head on show (each thumbnail's own). Two-way. Default: ``"shared"``."""

    title = traitlets.Unicode("").tag(sync=True, to_json=lambda title, _view: clean_label(title))
    """Heading above the panels; none when empty."""

    _store = anywidget.WidgetTrait().tag(sync=True)
    _selection = anywidget.WidgetTrait().tag(sync=True)
    _layout: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _sizes = traitlets.Dict().tag(sync=True)
    _page_writable = frozenset({"cmap", "scale", "domain"})
    _shared: tuple[SyncedWidget, ...] = ()
    _made: tuple[SyncedWidget, ...] = ()
    """What is closed with the view, unless another view uses it; empty while the view is being made."""

    def __init__(
        self,
        trace: Trace,
        layout: Layout,
        /,
        *,
        selection: Selection | None = None,
        store: TraceStore | None = None,
        budget_mb: float = DEFAULT_BUDGET_MB,
        **options: Any,
    ) -> None:
        names = arrays_of(layout)
        if selection is not None and not isinstance(selection, Selection):
            raise TypeError(
                f"selection must be a Selection, got {type(selection).__name__}. "
                "Give two views the same Selection() to move them together."
            )
        sizes = selectable_sizes(trace, names)
        self._given_layout = layout
        self._given_store = (
            _checked_store(store, trace, names)
            if store is not None
            else TraceStore(trace, only=names, budget_mb=budget_mb)
        )
        self._given_selection = selection if selection is not None else Selection()
        state = {
            "_store": self._given_store,
            "_selection": self._given_selection,
            "_layout": [[panel.to_json() for panel in row] for row in layout],
            "_sizes": sizes,
        }
        super().__init__(_state=state, **options)
        self._given_selection.attach(sizes)
        self._shared = (self._given_selection, self._given_store)
        self._made = tuple(
            made for made, given in zip(self._shared, (selection, store), strict=True) if given is None
        )
        for shared in self._shared:
            shared.users.add(self)

    @property
    def selection(self) -> Selection:
        """The cursor this view follows; ``view.selection.time = 7`` moves every view that shares it."""
        return self._given_selection

    @property
    def store(self) -> TraceStore:
        """The arrays on the page's side; pass it to another view to share them."""
        return self._given_store

    @property
    def trace(self) -> Trace:
        """What is shown, as recorded."""
        return self._given_store.trace

    def __repr__(self) -> str:
        """The view, its data and where it stands."""
        names = ", ".join(self._given_store.arrays)
        return f"{type(self).__name__}({names}; {self._given_selection!r})"

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str | None = None,
        precision: Precision = "exact",
        max_bytes: int = 100_000_000,
        theme: PageTheme = "auto",
    ) -> Path | str:
        """Write the view as one self-contained page that stays alive without kernel and network.

        See :func:`nsm_widgets.export.widgets_to_html`, which also takes several widgets.

        Args:
            path: File to write; the page is returned as text when not given.
            title: Heading of the page; the view's own when not given.
            precision: ``"exact"``, ``"float16"`` or ``"display"`` (colours only).
            max_bytes: What the arrays may take in the page.
            theme: ``"auto"``, ``"light"`` or ``"dark"``.

        Raises:
            ExportError: If the arrays take more than ``max_bytes``.
        """
        from nsm_widgets.export import widgets_to_html

        return widgets_to_html(self, path, title=title, precision=precision, max_bytes=max_bytes, theme=theme)

    def savefig(
        self, path: str | os.PathLike[str], *, theme: Theme = "light", width_px: int = 960, dpi: float = 192
    ) -> Path:
        """Save a picture of what the view shows now: a PNG, SVG or PDF, by the ending of ``path``.

        Text and axes are vectors in SVG and PDF, cells are exact pixels in all three. PDF needs matplotlib:
        ``pip install "nsm_widgets[plot]"``.

        Args:
            path: Where to; an older file is replaced, whole or not at all.
            theme: ``"light"`` or ``"dark"``.
            width_px: Width of the page in CSS pixels (96 to the inch), 320 to 4096.
            dpi: Pixels per inch of a PNG, and of the cells in SVG and PDF; 48 to 600.

        Returns:
            The path.

        Raises:
            ValueError: If the ending is another one, or a number is out of range.
            UnknownOptionError: If the theme is unknown.
            MissingDependencyError: For PDF, without matplotlib.
        """
        from nsm_widgets.export import save_picture  # loads Pillow

        return save_picture(
            path,
            self.trace,
            self._given_layout,
            self._indices(),
            cmap=self.cmap,
            scale=cast(ColorScale, self.scale),
            domain=cast(DomainChoice, self.domain),
            theme=theme,
            width_px=width_px,
            dpi=dpi,
            title=self.title,
        )

    def to_csv(self, path: str | os.PathLike[str] | None = None, *, panel: str | None = None) -> str | Path:
        """Every value that the view shows now, one line for each cell, as CSV in UTF-8.

        Columns are ``panel``, ``array``, an index for each axis, ``<axis>_label`` where there are labels, and
        ``value``, which reads back as the very same number. Labels that a spreadsheet would take for a
        formula have a single quote before them.

        Args:
            path: Where to; whole or not at all, in little memory. Without it the text is returned.
            panel: Name of one panel, as ``"memory"``; all when not given.

        Returns:
            The path, or the text.

        Raises:
            UnknownOptionError: If there is no such panel.
        """
        from nsm_widgets.export import csv_lines, save_csv

        shown = self.trace, self._given_layout, self._indices()
        return (
            "".join(csv_lines(*shown, panel=panel)) if path is None else save_csv(path, *shown, panel=panel)
        )

    def _indices(self) -> dict[str, int]:
        """The selected index of every axis."""
        return {dim: getattr(self.selection, dim) for dim in SELECTABLE}

    def close(self) -> None:
        """Take the view off every page. What it made for itself and no other view uses is closed with it."""
        super().close()
        for shared in self._shared:
            shared.users.discard(self)
        for made in self._made:
            if not made.users:
                made.close()

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget, and beside it a picture and a summary of its state now, for readers that run none.

        They stay as they are when the view moves on: a front end that is sent another output under the same
        ``display_id`` draws the widget anew, in the middle of a drag.
        """
        bundle: Any = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        self.store.shown()
        return {**data, **self._fallbacks(type(self).__name__)}, metadata

    def _fallbacks(self, name: str) -> dict[str, str]:
        """Text and picture of the present state, under this name."""
        from nsm_widgets.export import fallbacks  # Pillow is loaded where a view is shown, not before

        return fallbacks(
            name,
            self.trace,
            self._given_layout,
            self._indices(),
            cmap=self.cmap,
            scale=cast(ColorScale, self.scale),
            domain=cast(DomainChoice, self.domain),
            title=self.title,
            summaries={meta["name"]: ArraySummary(**meta["summary"]) for meta in self.store._meta},
            not_saved=self.store.not_saved,
        )

    @traitlets.validate("cmap")
    def _validate_cmap(self, proposal: dict[str, Any]) -> str:
        name = str(proposal["value"])
        if name != "auto":
            try:
                colormap_kind(name)
            except UnknownOptionError as error:
                raise traitlets.TraitError(f"{error} Or 'auto', for each panel's own.") from None
        return name

    @traitlets.validate("scale")
    def _validate_scale(self, proposal: dict[str, Any]) -> str:
        scale = str(proposal["value"])
        if scale not in COLOR_SCALES:
            raise traitlets.TraitError(f"scale must be one of {', '.join(COLOR_SCALES)}, got {scale!r}.")
        return scale

    @traitlets.validate("domain")
    def _validate_domain(self, proposal: dict[str, Any]) -> str:
        domain = str(proposal["value"])
        if domain not in DOMAIN_CHOICES:
            raise traitlets.TraitError(f"domain must be one of {', '.join(DOMAIN_CHOICES)}, got {domain!r}.")
        if domain != "shared" and not any(p.own_ranges for row in self._given_layout for p in row):
            raise traitlets.TraitError(
                f"domain must be 'shared' in a {type(self).__name__}, got {domain!r}: "
                "only attention has colours per head."
            )
        return domain


def selectable_sizes(trace: Trace, names: Sequence[str]) -> dict[str, int]:
    """Length of each axis over the arrays drawn; the longest, where reads and writes differ in heads."""
    sizes: dict[str, int] = {}
    for name in names:
        for dim, size in trace[name].sizes.items():
            if dim in SELECTABLE:
                sizes[dim] = max(sizes.get(dim, 0), size)
    return sizes


def _checked_store(store: TraceStore, trace: Trace, names: Sequence[str]) -> TraceStore:
    """The store that was given, if it holds what the view draws."""
    if not isinstance(store, TraceStore):
        raise TypeError(
            f"store must be a TraceStore, got {type(store).__name__}. TraceStore(trace) makes one."
        )
    missing = [name for name in names if name not in store.arrays]
    other = [name for name in names if name not in missing and not _same(store.trace[name], trace[name])]
    if missing or other:
        raise ValueError(
            f"store must hold the arrays of the trace that is drawn: {', '.join(missing or other)} "
            f"{'missing' if missing else 'not the same'}. TraceStore(trace) holds all that its views need."
        )
    return store


def _same(held: NamedArray, drawn: NamedArray) -> bool:
    """Whether two arrays are one; what views compute is computed anew by each, and compared by value."""
    return held is drawn or held.identical(drawn)
