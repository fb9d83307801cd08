"""The number of the format in which the state of our widgets is sent to a page, and saved.

It grows by one with every change that an earlier page or exporter would misread. A state without a number was
written before there was one, in format 1. ``js/src/wire/state-format.ts`` has the same number.

Of a state in another format only this is relied on: ``_kind``, ``_format``, ``_leader`` of a part of a group,
and that a view answers the message ``{"type": "picture"}``. What is shown of it is a picture, and one line.
"""

from __future__ import annotations

from typing import Final

STATE_FORMAT: Final = 1


def can_read(state_format: object) -> bool:
    """Whether a state with this number can be read here.

    >>> [can_read(number) for number in (1, STATE_FORMAT, STATE_FORMAT + 1, 0, "1", None)]
    [True, True, False, False, False, False]
    """
    return type(state_format) is int and 1 <= state_format <= STATE_FORMAT
