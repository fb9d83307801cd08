"""Faces of rooms whose names load when first used."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec

from nsm_widgets._old_names import old_name


def lazy_face(room: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a module whose names load when first used; it gets its ``__all__``.

    The names are those that the module itself imports under ``TYPE_CHECKING``, where type checkers read them,
    too: each with ``as``, which says that it is exported; or with ``*`` all of another such face.

    Args:
        room: The module's ``__name__``.
    """
    module_of = dict(_names(room))

    def load(name: str) -> object:
        if name not in module_of:
            inside = f"{room}.{name}"
            known = not name.startswith("_") and find_spec(inside)
            return import_module(inside) if known else old_name(room, name)
        value: object = getattr(import_module(module_of[name]), name)
        setattr(sys.modules[room], name, value)
        return value

    exported = sorted(module_of)
    vars(sys.modules[room])["__all__"] = exported  # a type checker that saw it would take it for all there is
    return load, exported.copy


def _names(room: str) -> Iterator[tuple[str, str]]:
    """Each name that is imported for type checkers, and the module that has it."""
    for block in ast.parse(_source(room)).body:
        if not (isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"):
            continue
        for node in block.body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    names = import_module(node.module).__all__ if alias.name == "*" else [alias.name]
                    yield from ((name, node.module) for name in names)


def _source(room: str) -> str:
    """That of a module that is being imported."""
    spec = find_spec(room)
    source: str | None = None if spec is None else spec.loader.get_source(room)  # type: ignore[union-attr]
    if source is None:
        raise ImportError(
            f"the source of {room} must be there: its names stand in it. Reinstall the package."
        )
    return source
