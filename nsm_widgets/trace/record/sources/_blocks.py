"""Which list of blocks a module lies in: the layers of a model are the blocks of one list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where a module lies."""

    above: str
    """The path of the list of blocks; empty where it is in none."""
    number: int
    """The block."""
    rest: str
    """The path within the block."""

    @property
    def stack(self) -> str:
        """The same for the modules of one list that lie alike in its blocks."""
        return ".".join(filter(None, (self.above, self.rest)))


def place_of(path: str, modules: Mapping[str, Any]) -> Place:
    """The nearest list above whose blocks are of one kind; else the nearest one.

    A list of an attention and what follows it is a block, and no list of them.
    """
    parts = path.split(".")
    places = [at for at in reversed(range(len(parts))) if parts[at].isdigit()]
    lists = {at: modules.get(".".join(parts[:at])) for at in places}
    found = [at for at in places if hasattr(lists[at], "__len__")]
    of_one_kind = [at for at in found if len({type(block) for block in lists[at] or ()}) == 1]
    at = next(iter(of_one_kind or found), None)
    if at is None:
        return Place("", 0, path)
    return Place(".".join(parts[:at]), int(parts[at]), ".".join(parts[at + 1 :]))
