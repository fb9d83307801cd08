"""HTML that is nested too deep to be parsed in time: of many tags a parser looks through all open ones."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

import nh3

from nsm_widgets.export.page._allowed import TAGS, VOID, WITHOUT_ELEMENTS

MOST_DEPTH = 512
"""Elements within each other; browsers nest no deeper either."""
_PART = 512
"""Elements in a part that is parsed by itself, and at most twice as many."""

_START = re.compile(r"<([a-zA-Z][^\t\n\f\r />]*)")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\t\n\f\r />]*)(?:\"[^\"]*\"|[^\">])*>")
_PROBE = "nsmw-probe"


def is_too_deep(text: str) -> bool:
    """Whether more than :data:`MOST_DEPTH` elements are open where some part of a text ends.

    Elements within a drawing or a formula are not counted. The text is parsed in parts, each within the
    elements that the parts before it have left open. A part ends where an element put there is one, and so
    not in a comment or an attribute; where that is, chance draws, so that nobody can have made it a bad
    place.
    """
    starts = list(_START.finditer(text))
    if len(starts) <= MOST_DEPTH:
        return False
    names = {*TAGS, _PROBE, *(match[1].lower() for match in starts)} - WITHOUT_ELEMENTS
    path: list[str] = []
    first, begin, size = 0, 0, _PART
    while first < len(starts):
        last = first + size + random.randrange(size)
        end = starts[last].start() if last < len(starts) else len(text)
        opened = "".join(f"<{name}>" for name in path)
        found = _open_at_end(f"{opened}{text[begin:end]}<{_PROBE}>", names)
        if found is None and last < len(starts):
            size *= 2
            continue
        if found is not None and len(found) > MOST_DEPTH:
            return True
        path, first, begin, size = found or [], last, end, _PART
    return False


def _open_at_end(text: str, names: Iterable[str]) -> list[str] | None:
    """The elements that the probe at the end of a text lies in; ``None`` if it is no element there."""
    cleaned = nh3.clean(
        text, tags=set(names), clean_content_tags=set(WITHOUT_ELEMENTS), attributes={}, link_rel=None
    )
    path: list[str] = []
    for closes, name in _TAG.findall(cleaned):
        if name == _PROBE:
            return path
        if closes:
            path.pop()
        elif name not in VOID:
            path.append(name)
    return None
