"""Exports of a live notebook: what a view shows, as a page, a picture, a table or a text.

Names load when first used: pictures need Pillow, the others do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.export.page._chunks import Precision as Precision
    from nsm_widgets.export.page._content import (
        PageTheme as PageTheme,
        check_page_options as check_page_options,
    )
    from nsm_widgets.export.page._described import held_arrays as held_arrays, pictured as pictured
    from nsm_widgets.export.page._html import html_page as html_page, widgets_to_html as widgets_to_html
    from nsm_widgets.export.page._notebook import notebook_to_html as notebook_to_html
    from nsm_widgets.export.picture._fallbacks import fallbacks as fallbacks
    from nsm_widgets.export.picture._picture import draw_picture as draw_picture
    from nsm_widgets.export.picture._save import save_picture as save_picture
    from nsm_widgets.export.text._summary_text import summary_text as summary_text
    from nsm_widgets.export.text._table import csv_lines as csv_lines, save_csv as save_csv
else:
    __getattr__, __dir__ = lazy_face(__name__)
