"""Names without what all of them begin with; mirrored by ``js/src/panels/thumbnails/names.ts``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

_UP_TO_A_SEPARATOR = re.compile(r".*[\s._/:\-]")


def without_common_prefix(names: Sequence[str]) -> list[str]:
    """Cut what all names begin with, up to a separator: a blank, ``.``, ``_``, ``/``, ``:`` or ``-``.

    Example:
        >>> without_common_prefix(["encoder.layer.0", "encoder.layer.11"])
        ['0', '11']
        >>> without_common_prefix(["read", "repeat"])
        ['read', 'repeat']
    """
    if len(names) < 2:
        return list(names)
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    shared = _UP_TO_A_SEPARATOR.match("".join(letters[0] for letters in same))
    shorter = [name[shared.end() :] for name in names] if shared else list(names)
    return shorter if all(shorter) else list(names)
