"""What stands in a saved notebook beside the widget; whatever goes wrong here, the widget is shown."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Unpack

from nsm_widgets.trace import Trace
from nsm_widgets.view import ArraySummary, Layout
from nsm_widgets.view.settings import SettingOptions

_LOG = logging.getLogger(__name__)


def fallbacks(
    name: str,
    trace: Trace,
    layout: Layout,
    indices: Mapping[str, int],
    *,
    title: str = "",
    summaries: Mapping[str, ArraySummary] | None = None,
    not_saved: Mapping[str, int] | None = None,
    **options: Unpack[SettingOptions],
) -> dict[str, str]:
    """A view's present state as ``text/plain`` and, in base64, ``image/png``.

    One that cannot be made is left out, and a warning is logged: neither cell nor widget may fail for it.

    Args:
        name: What kind of view it is.
        trace: Holds the arrays of the layout.
        layout: Rows of panels.
        indices: Selected index by axis.
        title: Heading of the view.
        summaries: See :func:`summary_text`.
        not_saved: See :func:`summary_text`.
        **options: See :func:`draw_picture`.
    """

    def text() -> str:
        from nsm_widgets.export.text._summary_text import summary_text

        return summary_text(
            name, trace, layout, indices, title=title, summaries=summaries, not_saved=not_saved
        )

    def picture() -> str:
        from nsm_widgets.export.picture._picture import draw_picture  # loads Pillow

        png = draw_picture(trace, layout, indices, title=title, **options)
        return b64encode(png).decode("ascii")

    makers: dict[str, Callable[[], str]] = {"text/plain": text, "image/png": picture}
    made = {kind: _made_or_none(kind, name, make) for kind, make in makers.items()}
    return {kind: content for kind, content in made.items() if content is not None}


def _made_or_none(kind: str, name: str, make: Callable[[], str]) -> str | None:
    try:
        return make()
    except Exception as error:
        _LOG.warning(
            "%s is shown without its %s for readers that run no widgets: %s: %s",
            name,
            kind,
            type(error).__name__,
            error,
            exc_info=_LOG.isEnabledFor(logging.DEBUG),
        )
        return None
