"""What ``help`` and ``dir`` show of views: every option that they take, and nothing else."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

_SHARED = re.compile(r"(?m)^        \*\*options: See :class:`View`(?:[^\n]*\n(?:            [^\n]*\n)*)")
_ENTRY = re.compile(r"(?m)^        (\w+): (?:[^\n]*\n(?:            [^\n]*\n)*)")
FROM_IPYWIDGETS = frozenset({"add_class", "layout", "observe", "remove_class", "unobserve"})
"""Names of ipywidgets' that are of use with a view."""


def option_names(cls: Any) -> list[str]:
    """Every option that a class takes, those that it takes by ``**options`` too."""
    names = []
    for name, parameter in cls.__signature__.parameters.items():
        if parameter.kind is not parameter.VAR_KEYWORD:
            names.append(name)
        elif told := re.fullmatch(r"Unpack\[(\w+)\]", str(parameter.annotation)):
            names += getattr(vars(sys.modules[cls.__module__]).get(told[1]), "__annotations__", ())
    return names


def describe_options(cls: Any, shared: str | None) -> None:
    """Put the options that views share into the docstring of one, in place of a word of where they stand.

    Args:
        cls: A view, a chart or a group.
        shared: The docstring that describes them.
    """
    cls.__signature__ = inspect.signature(cls.__init__.__get__(object()))  # not that of __new__
    if cls.__doc__ is None or shared is None or not (told := _SHARED.search(cls.__doc__)):
        return
    known = {entry[1]: entry[0] for entry in _ENTRY.finditer(shared)}
    own = {entry[1] for entry in _ENTRY.finditer(cls.__doc__)}
    entries = [known[name] for name in option_names(cls) if name in known and name not in own]
    cls.__doc__ = cls.__doc__[: told.start()] + "".join(entries) + cls.__doc__[told.end() :]


def public_names(view: object) -> list[str]:
    """What a view has of its own, and what of ipywidgets is of use with it."""
    foreign = ("anywidget.", "ipywidgets.", "traitlets.", "builtins")
    own = [owner for owner in type(view).__mro__ if not f"{owner.__module__}.".startswith(foreign)]
    names = {name for owner in own for name in vars(owner)} | vars(view).keys() | FROM_IPYWIDGETS
    return sorted(name for name in names if not name.startswith("_"))
