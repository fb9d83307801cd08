"""The exports of a view, a chart or a group: pictures, tables, pages, and what a notebook keeps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from nsm_widgets._old_names import old_attribute, with_old_options
from nsm_widgets.export import pictured
from nsm_widgets.trace import Trace
from nsm_widgets.view import ArraySummary, Layout, Theme
from nsm_widgets.view.settings import settings_of
from nsm_widgets.widgets._at_cell_end import forget, is_shown
from nsm_widgets.widgets._help import describe_options, public_names
from nsm_widgets.widgets._selection import Selection, check_selection
from nsm_widgets.widgets.page_arrays._page_arrays import PageArrays

if TYPE_CHECKING:
    from nsm_widgets.export import PageTheme, Precision


class Shown(Protocol):
    """A view, as far as its exports need to know it."""

    title: str
    _selection: Selection
    _store: PageArrays

    @property
    def _shown(self) -> Layout: ...

    def _follow(self, selection: Selection) -> None: ...


class Exportable:
    """Goes before a widget class, which says what view leads, and all that is shown where that is more."""

    _shared_options: ClassVar[str | None] = None
    """The docstring that says what options all views have."""
    _made: tuple[Any, ...] = ()
    """What is closed with it, unless others use it."""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        with_old_options(cls)
        describe_options(cls, Exportable._shared_options)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            return old_attribute(self, name)

    def __dir__(self) -> list[str]:
        """Of ipywidgets' own names only those that are of use with a view."""
        return public_names(self)

    @property
    def _lead(self) -> Shown:
        """The view whose page arrays, selection, title and colours are those of the whole."""
        raise NotImplementedError

    @property
    def _views(self) -> Sequence[Any]:
        """What it is drawn by, the first part first."""
        return (self._lead,)

    @property
    def _shown(self) -> Layout:
        """All that is on show."""
        return self._lead._shown

    @property
    def selection(self) -> Selection:
        """The cursor that is followed; ``view.selection.time = 7`` moves every view that shares it.

        ``view.selection = other.selection`` lets a view that exists, on a page or not, follow another one's.
        """
        return self._lead._selection

    @selection.setter
    def selection(self, selection: object) -> None:
        check_selection(selection)
        before = self.selection
        for view in self._views:
            view._follow(selection)
        self._let_go(before)

    def _let_go(self, selection: Selection) -> None:
        """Close a selection that was made here and that nothing follows any more."""
        if selection in self._made and not selection.users:
            self._made = tuple(made for made in self._made if made is not selection)
            selection.close()

    @property
    def page_arrays(self) -> PageArrays:
        """The arrays on the page's side; pass it to another view to share them."""
        return self._lead._store

    @property
    def trace(self) -> Trace:
        """What is shown, as recorded."""
        return self._lead._store.trace

    @property
    def title(self) -> str:
        """Heading above the panels; none when empty."""
        return str(self._lead.title)

    @title.setter
    def title(self, title: str) -> None:
        self._lead.title = title

    def __repr__(self) -> str:
        """The view, its data and where it stands."""
        names = ", ".join(self.page_arrays.arrays)
        return f"{type(self).__name__}({names}; {self.selection!r})"

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
        """Save a picture of what is on show now: a PNG, SVG or PDF, by the ending of ``path``.

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
            self._shown,
            self.selection.indices,
            theme=theme,
            width_px=width_px,
            dpi=dpi,
            title=self.title,
            **settings_of(self._lead),
        )

    def to_csv(self, path: str | os.PathLike[str] | None = None, *, panel: str | None = None) -> str | Path:
        """Every value that is on show now, one line for each cell, as CSV in UTF-8.

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

        shown = self.trace, self._shown, self.selection.indices
        return (
            "".join(csv_lines(*shown, panel=panel)) if path is None else save_csv(path, *shown, panel=panel)
        )

    def close(self) -> None:
        """Take it off every page."""
        was_open = self.comm is not None  # type: ignore[attr-defined]
        super().close()  # type: ignore[misc]
        if was_open:
            forget(self)

    def _repr_mimebundle_(self, **options: object) -> Any:
        """The widget, and beside it a picture and a summary of its state now, for readers that run none.

        They stay as they are when the view moves on: a front end that is sent another output under the same
        ``display_id`` draws the widget anew, in the middle of a drag.
        """
        bundle: Any = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        if bundle is None:
            return None
        data: Mapping[str, Any] = bundle[0] if isinstance(bundle, tuple) else bundle
        for page_arrays in {view._store for view in self._views}:
            page_arrays.shown()
        is_shown(self)
        whole = {**data, **self._fallbacks(type(self).__name__)}
        return (whole, bundle[1]) if isinstance(bundle, tuple) else whole

    def _fallbacks(self, name: str) -> dict[str, str]:
        """Text and picture of the present state, under this name."""
        if self.page_arrays.comm is None:
            return {"text/plain": f"{name}: its page arrays were closed"}
        if not self._shown:  # a recorder's first iteration is still to come
            return {"text/plain": f"{name}: waiting for the first iteration"}
        from nsm_widgets.export import fallbacks  # Pillow is loaded where a view is shown, not before

        return fallbacks(
            name,
            self.trace,
            self._shown,
            self.selection.indices,
            title=self.title,
            summaries=self._summaries,
            not_saved=self._not_saved,
            **settings_of(self._lead),
        )

    @property
    def _summaries(self) -> dict[str, ArraySummary]:
        """What is known of the values of each array."""
        return {meta["name"]: ArraySummary(**meta["summary"]) for meta in self.page_arrays._meta}

    @property
    def _not_saved(self) -> dict[str, int]:
        """Bytes, by name, of arrays that a saved notebook does not carry."""
        return self.page_arrays.not_saved


@pictured.register
def _pictured(view: Exportable) -> Mapping[str, Any]:
    """As a saved notebook keeps it; an export shows nothing."""
    return view._fallbacks(type(view).__name__)
