"""Views as one self-contained page, from a live kernel."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nsm_widgets._errors import ExportWarning, OptionError
from nsm_widgets._replacing import replacing
from nsm_widgets.export.page._chunks import Precision
from nsm_widgets.export.page._content import (
    DEFAULT_MAX_BYTES,
    PageContent,
    PageTheme,
    check_page_options,
    page_content,
)
from nsm_widgets.export.page._described import pictured
from nsm_widgets.export.page._live import live_arrays, live_models
from nsm_widgets.export.page._page import Fallback, place, place_of_picture, standalone_page

if TYPE_CHECKING:
    from ipywidgets import Widget


def widgets_to_html(
    widgets: Widget | Iterable[Widget],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    precision: Precision = "exact",
    max_bytes: int = DEFAULT_MAX_BYTES,
    theme: PageTheme = "auto",
) -> Path | str:
    """Write one page in which widgets stay alive: sliders, keys, hover and play, without kernel or network.

    The page holds the widgets that are given, one below the other, and all that they refer to: views of ours,
    containers and controls of ipywidgets, links between them, bqplot figures. It asks no other address for
    anything, and forbids itself to.

    Args:
        widgets: A widget, or several.
        path: File to write, all or nothing; the page is returned as text when not given.
        title: Heading of the page; the first view's own title when not given.
        precision: How values are kept. ``"exact"``: as they are. ``"float16"``: rounded to 11 significant
            bits, or to a billionth of the largest; half the size. ``"display"``: only the colours on the
            scale chosen now, at most 512 × 512 a picture. The page names it, and so does every panel.
        max_bytes: What the arrays may take in the page.
        theme: ``"auto"`` follows the reader's system; or ``"light"``, ``"dark"``.

    Returns:
        The path, or the page as text.

    Raises:
        ExportError: If the arrays take more than ``max_bytes``, with what to choose instead.
        ValueError: If an option is unknown.
        TypeError: If something is no widget.

    Example:
        >>> import numpy as np
        >>> from nsm_widgets import Heatmap
        >>> page = widgets_to_html(Heatmap(np.eye(4), dims=("query", "key")))
        >>> page[:15]
        '<!DOCTYPE html>'
    """
    from ipywidgets import Widget

    check_title(title)
    shown: Sequence[Widget] = [widgets] if isinstance(widgets, Widget) else list(widgets)
    for widget in shown:
        if not isinstance(widget, Widget):
            raise TypeError(
                f"a page holds widgets, got {type(widget).__name__}. Give it a view, or a list of views."
            )
    if not shown:
        raise OptionError("a page must hold at least one widget, got none.")
    heading = title if title is not None else next(filter(None, (getattr(w, "title", "") for w in shown)), "")
    page = html_page(shown, title=heading, precision=precision, max_bytes=max_bytes, theme=theme)
    if path is None:
        return page
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(page.encode())
    return Path(path)


def html_page(
    parts: Sequence[Widget | str],
    *,
    title: str,
    precision: Precision,
    max_bytes: int,
    theme: PageTheme,
    selection: Widget | None = None,
) -> str:
    """A page of live widgets, and of HTML between them.

    Args:
        parts: Widgets, and texts that are HTML already.
        title: Heading of the page.
        precision: How values are kept.
        max_bytes: What the arrays may take.
        theme: ``"auto"``, ``"light"`` or ``"dark"``.
        selection: What links in the HTML move: ``<a data-nsmw-go='{"time": 7}'>``. A widget among the parts
            must follow it.
    """
    check_title(title)
    check_page_options(precision, max_bytes, theme)
    shown = [part for part in parts if not isinstance(part, str)]
    content = page_content(
        live_models(shown),
        [widget.model_id for widget in shown],
        live_arrays,
        precision=precision,
        max_bytes=max_bytes,
    )
    for why in dict.fromkeys(content.strangers.values()):
        warnings.warn(f"a widget of the page is a picture: {why}.", ExportWarning, stacklevel=3)
    places = [part if isinstance(part, str) else _place(part, content) for part in parts]
    if selection is not None:
        places = [f'<div data-nsmw-selection="{content.names[selection.model_id]}">', *places, "</div>"]
    titles_view = bool(title) and [getattr(widget, "title", "") for widget in shown] == [title]
    return standalone_page(
        places, content, title=title or "nsm_widgets", theme=theme, titles_view=titles_view
    )


def _place(widget: Widget, content: PageContent) -> str:
    why = content.strangers.get(widget.model_id)
    if why is not None:
        return place_of_picture(f"Not live: {why}.", _fallback(widget))
    return place(content.names[widget.model_id], _fallback(widget))


def _fallback(widget: Widget) -> Fallback:
    """Picture and summary of a widget, as a saved notebook keeps them."""
    name, data = type(widget).__name__, pictured(widget)
    if data is None:
        raise TypeError(f"a page holds widgets that can be seen, got {name}, which has no view of its own.")
    return Fallback(data.get("image/png"), str(data.get("text/plain", name)))


def check_title(title: object) -> None:
    """Refuse a title that is no text.

    Raises:
        OptionError: If it is none.
    """
    if title is not None and not isinstance(title, str):
        raise OptionError(f"title must be a text, got {type(title).__name__}.")
