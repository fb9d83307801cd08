"""Exports of a live notebook: what a view shows, as a page, a picture, a table or a text.

Names load when first used: pictures need Pillow, the others do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.export.page._chunks import Precision
    from nsm_widgets.export.page._content import PageTheme, check_page_options
    from nsm_widgets.export.page._html import html_page, widgets_to_html
    from nsm_widgets.export.page._notebook import notebook_to_html
    from nsm_widgets.export.picture._fallbacks import fallbacks
    from nsm_widgets.export.picture._picture import draw_picture
    from nsm_widgets.export.picture._save import save_picture
    from nsm_widgets.export.text._summary_text import summary_text
    from nsm_widgets.export.text._table import csv_lines, save_csv

__all__ = [
    "PageTheme",
    "Precision",
    "check_page_options",
    "csv_lines",
    "draw_picture",
    "fallbacks",
    "html_page",
    "notebook_to_html",
    "save_csv",
    "save_picture",
    "summary_text",
    "widgets_to_html",
]

__getattr__, __dir__ = lazy_face(
    __name__,
    {
        "page._chunks": ["Precision"],
        "page._content": ["PageTheme", "check_page_options"],
        "page._html": ["html_page", "widgets_to_html"],
        "page._notebook": ["notebook_to_html"],
        "picture._fallbacks": ["fallbacks"],
        "picture._picture": ["draw_picture"],
        "picture._save": ["save_picture"],
        "text._summary_text": ["summary_text"],
        "text._table": ["csv_lines", "save_csv"],
    },
)
