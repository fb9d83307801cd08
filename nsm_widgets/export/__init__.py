"""Ways out of a live notebook: what a view shows, as a picture, a table or a text, where no widget runs.

Names load when first used: pictures need Pillow, the others do not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nsm_widgets.export.page._html import widgets_to_html
    from nsm_widgets.export.page._notebook import notebook_to_html
    from nsm_widgets.export.picture._fallbacks import fallbacks
    from nsm_widgets.export.picture._picture import draw_picture
    from nsm_widgets.export.picture._save import save_picture
    from nsm_widgets.export.text._summary_text import summary_text
    from nsm_widgets.export.text._table import csv_lines, save_csv

_FILE_OF = {
    "csv_lines": "text._table",
    "draw_picture": "picture._picture",
    "fallbacks": "picture._fallbacks",
    "notebook_to_html": "page._notebook",
    "save_csv": "text._table",
    "save_picture": "picture._save",
    "summary_text": "text._summary_text",
    "widgets_to_html": "page._html",
}

__all__ = [
    "csv_lines",
    "draw_picture",
    "fallbacks",
    "notebook_to_html",
    "save_csv",
    "save_picture",
    "summary_text",
    "widgets_to_html",
]


def __getattr__(name: str) -> object:
    """Load a public name from its file on first use."""
    if name not in _FILE_OF:
        raise AttributeError(f"module 'nsm_widgets.export' has no attribute {name!r}")
    value = getattr(import_module(f"nsm_widgets.export.{_FILE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Every public name, loaded or not."""
    return sorted(__all__)
