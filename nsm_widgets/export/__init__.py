"""Ways out of a live notebook: what a view looks like where no widget runs.

Names load when first used: the picture needs Pillow, the summary does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nsm_widgets.export._fallbacks import fallbacks
    from nsm_widgets.export._html import widgets_to_html
    from nsm_widgets.export._notebook import notebook_to_html
    from nsm_widgets.export._picture import draw_picture
    from nsm_widgets.export._summary_text import summary_text

_FILE_OF = {
    "draw_picture": "_picture",
    "fallbacks": "_fallbacks",
    "notebook_to_html": "_notebook",
    "summary_text": "_summary_text",
    "widgets_to_html": "_html",
}

__all__ = ["draw_picture", "fallbacks", "notebook_to_html", "summary_text", "widgets_to_html"]


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
