"""Old names, in one table, and what each is called now: all still work, and warn with the new way."""

from __future__ import annotations

import inspect
import warnings
from functools import partial, wraps
from pkgutil import resolve_name
from typing import Any, TypeVar

C = TypeVar("C", bound=type)
_warn = partial(warnings.warn, category=FutureWarning)

OPTIONS = {"trace": "data", "values": "data", "weights": "data", "trace_or_weights": "data"}
OPTIONS |= {"patterns": "data", "coords": "labels", "x_labels": "labels.key", "y_labels": "labels.query"}
OPTIONS |= {"head_names": "labels.head", "memory_slots": "labels.slot", "store": "page_arrays"}
OPTIONS |= {"token_labels": "labels.token", "state_labels": "labels.state"}  # of views that lack these
ORDER = {"RoutingView": ("data", "token_labels", "state_labels")}  # options that went without their names
ATTRIBUTES = {"store": "page_arrays"}  # of views

CLASSES: dict[str, tuple[str, tuple[str, ...], dict[str, object]]] = {
    "TraceStore": ("nsm_widgets.widgets.PageArrays", (), {}),
    "MemoryEvolutionView": ("nsm_widgets.widgets.MemoryView", ("data", "slots"), {"lines": True}),
    "OperationsView": ("nsm_widgets.widgets.ReadWriteView", ("data",), {"by": "slot"}),
    "StatisticChart": ("nsm_widgets.widgets.LineChart", ("data", "statistic", "array"), {"statistic": ...}),
}
CLASSES |= {name: (f"nsm_widgets.trace.{name}", (), {}) for name in ("NamedArray", "StoreWriter")}
_MOVED = "CommunicationView ComparisonView ImportanceView LineChart MemoryView ReadWriteView RoutingView"
_MOVED += " Selection TraceComparison ViewGroup"
CLASSES |= {name: (f"nsm_widgets.widgets.{name}", (), {}) for name in _MOVED.split()}
"""The class of now, the options that went without their names, and those that draw the same now."""


def with_old_options(cls: C) -> C:
    """The class, which takes old names of its options, too."""
    if (own := cls.__dict__.get("__init__")) is None:
        return cls

    @wraps(own)  # with the options of any view
    def init(self: object, *args: object, **options: Any) -> None:
        if len(args) > 1 and cls.__name__ in ORDER:
            args, options = (), {**dict(zip(ORDER[cls.__name__], args, strict=False)), **options}
        for old in options.keys() & OPTIONS.keys() - inspect.signature(own).parameters.keys():
            new, _, axis = OPTIONS[old].partition(".")
            how = f"{new}={{{axis!r}: ...}}" if axis else f"{new}="
            _warn(f"{cls.__name__}: {old}= is called {how} now.", stacklevel=2)
            value = options.pop(old)
            options[new] = {**(options.get(new) or {}), axis: value} if axis else value
        own(self, *args, **options)

    cls.__init__ = init  # type: ignore[misc]
    return cls


def old_attribute(owner: object, name: str) -> Any:
    """What an attribute of a view is called now."""
    if name not in ATTRIBUTES:
        raise AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}")
    _warn(f"{type(owner).__name__}.{name} is called {ATTRIBUTES[name]} now.", stacklevel=3)
    return getattr(owner, ATTRIBUTES[name])


def old_name(room: str, name: str) -> Any:
    """What a name of the package is called now."""
    if name not in CLASSES or room not in ("nsm_widgets", "nsm_widgets.widgets"):
        raise AttributeError(f"module {room!r} has no attribute {name!r}")
    path, order, preset = CLASSES[name]
    base = resolve_name(path)
    how = "".join(f", {option}={value!r}" for option, value in preset.items()).replace("Ellipsis", "...")
    _warn(f"{room}.{name} is {path} now{f': {base.__name__}(data{how})' if how else ''}.", stacklevel=3)

    def new(_cls: object, *args: object, **options: object) -> Any:
        return base(**{**preset, **dict(zip(order, args, strict=False)), **options})

    def is_one(_cls: object, view: object) -> bool:
        held = [(value, getattr(view, f"_{option}", None)) for option, value in preset.items()]
        return all(bool(now) if value is ... else now == value for value, now in held)

    kind = type(name, (type(base),), {"__instancecheck__": is_one})
    return kind(name, (base,), {"__new__": new}) if order else base
