"""Faces of rooms whose names load when first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_face(
    room: str, names_of: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a room, which tell of names in modules that are not loaded yet.

    Type checkers read the same names from imports under ``TYPE_CHECKING``.

    Args:
        room: The room's ``__name__``; it has an ``__all__``.
        names_of: Names, by the module that holds them, as seen from the room: ``text._table``.
    """
    module_of = {name: f"{room}.{module}" for module, names in names_of.items() for name in names}

    def load(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        value: object = getattr(import_module(module_of[name]), name)
        setattr(sys.modules[room], name, value)
        return value

    def names() -> list[str]:
        return sorted(sys.modules[room].__all__)

    return load, names
