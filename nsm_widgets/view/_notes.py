"""Sentences that count and name some indices of an axis; mirrored by ``js/src/panels/notes/lines.ts``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nsm_widgets._text import one_line
from nsm_widgets.trace import NamedArray
from nsm_widgets.view.panels import NotesPanel

MOST_NAMED = 20


def note_lines(panel: NotesPanel, array: NamedArray, at: Mapping[str, int]) -> list[str]:
    """What a panel of notes says, line by line.

    Args:
        panel: Its ``y`` is the axis whose indices are named.
        array: A code for each of them.
        at: An index for every other axis.

    Example:
        >>> from nsm_widgets.view import ColorDomain
        >>> from nsm_widgets.view.panels import Note
        >>> notes = (Note("tokens undecided", 1, always=True), Note("tokens not known", 2))
        >>> panel = NotesPanel("x", "x", "token", "token", "", ColorDomain(0, 1), "ink", notes=notes)
        >>> note_lines(panel, NamedArray("x", [1, 0, 1], ("token",), {"token": ["the", "cat", "of"]}), {})
        ['2 of 3 tokens undecided: the, of']
    """
    lines = []
    for note in panel.notes:
        if note.code is None:
            lines.append(one_line_each(note.text))
            continue
        codes = array.values[tuple(slice(None) if dim == panel.y else at[dim] for dim in array.dims)]
        found = np.flatnonzero(codes == note.code).tolist()
        if found or note.always:
            labels = array.labels(panel.y, batch=at.get("batch", 0))
            named = ", ".join(one_line(labels[index]) for index in found[:MOST_NAMED])
            more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
            whole = len(labels) if note.code < 0 else int((codes >= 0).sum())
            lines.append(f"{len(found)} of {whole} {note.text}{': ' if found else ''}{named}{more}")
    return lines


def one_line_each(text: str) -> str:
    """A long text with what does not print as escapes; it is wrapped, not cut."""
    return "".join(one_line(text[start : start + 100]) for start in range(0, len(text), 100))
