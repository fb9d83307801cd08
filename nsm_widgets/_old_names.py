"""Old names of ours, in one table, and what each is called now: all still work, and warn with the new way.

Nothing is implemented here: an old name is the new one, with options.
"""

from __future__ import annotations

import inspect
import warnings
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

C = TypeVar("C", bound=type)

OPTIONS = {
    "store": "page_arrays",
}
"""Options of views, where the view has no option of that name now."""

ATTRIBUTES = {"store": "page_arrays"}
"""Attributes of views."""

CLASSES: dict[str, tuple[str, tuple[str, ...], dict[str, object]]] = {
    "TraceStore": ("nsm_widgets.widgets.PageArrays", (), {}),
}
"""Classes: the new one, the options that go without a name, and those that make the new one draw the same."""


def with_old_options(cls: C) -> C:
    """The class, which takes old names of its options, too."""
    own = cls.__dict__.get("__init__")
    if own is None:
        return cls

    @wraps(own)
    def init(self: object, *args: object, **options: object) -> None:
        for old in options.keys() & OPTIONS.keys() - known:
            _warn(f"{cls.__name__}: {old}= is called {OPTIONS[old]}= now.", 3)
            options[OPTIONS[old]] = options.pop(old)
        own(self, *args, **options)

    known = inspect.signature(own).parameters.keys()
    cls.__init__ = init  # type: ignore[misc]
    return cls


def old_attribute(owner: object, name: str) -> Any:
    """What an attribute of a view is called now."""
    if name not in ATTRIBUTES:
        raise AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}")
    _warn(f"{type(owner).__name__}.{name} is called {ATTRIBUTES[name]} now.", 4)
    return getattr(owner, ATTRIBUTES[name])


def old_name(room: str, name: str) -> Any:
    """What a name of the package is called now.

    Raises:
        AttributeError: If it never was one.
    """
    if name not in CLASSES or room not in ("nsm_widgets", "nsm_widgets.widgets"):
        raise AttributeError(f"module {room!r} has no attribute {name!r}")
    path, order, preset = CLASSES[name]
    module, _, now = path.rpartition(".")
    base = getattr(import_module(module), now)
    given = "".join(f", {option}={value!r}" for option, value in preset.items())
    _warn(f"{room}.{name} is called {path} now: {now}(data{given}).", 4)

    def init(self: object, *args: object, **options: object) -> None:
        base.__init__(self, **dict(zip(order, args, strict=False)), **{**preset, **options})

    return base if not (order or preset) else type(name, (base,), {"__init__": init})


def _warn(text: str, level: int) -> None:
    warnings.warn(text, FutureWarning, stacklevel=level)  # it names the line that has the old name
