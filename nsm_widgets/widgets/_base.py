"""What all widgets of ours share: the bundle, strict keywords, an acknowledged way in from the page."""

from __future__ import annotations

import difflib
import inspect
import threading
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

import anywidget
import ipywidgets
import traitlets

from nsm_widgets._errors import MissingDependencyError, OptionError, UnknownOptionError
from nsm_widgets._state_format import STATE_FORMAT

_STATIC = Path(__file__).parent / "static"


class TraitOptionError(OptionError, traitlets.TraitError):
    """A trait has a value that it cannot have."""


class _Bundle:
    """A file of the bundle, read when a widget first needs it.

    Not a ``Path``: anywidget ties each widget to the file that its class names, and closed ones would stay.
    """

    def __init__(self, name: str) -> None:
        self._path = _STATIC / name
        if not self._path.is_file():
            raise MissingDependencyError(
                f"the widgets' JavaScript ({name}) must lie beside nsm_widgets.widgets, and it does not. "
                "In a checkout, build it with 'make build' (needs Node.js 20 or newer); "
                "an installed wheel carries it."
            )

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return self._path.read_text(encoding="utf-8")


DATA_BUNDLE = _Bundle("data.js")
"""Of page arrays and selections: small, for each model carries its bundle, in saved notebooks too."""


_OF_ALL_WIDGETS = ("layout", "tooltip", "tabbable")
"""Options that ipywidgets gives each widget."""


def widget_references(widgets: Iterable[ipywidgets.Widget], _owner: object) -> list[str]:
    """Widgets on the wire, as :class:`anywidget.WidgetTrait` writes one; without those that are closed."""
    return [f"anywidget:{widget.model_id}" for widget in widgets if widget.comm is not None]


class SyncedWidget(anywidget.AnyWidget):
    """Base of our widgets.

    Python to page goes by traits. Page to Python goes by custom messages that carry the page's id and a
    sequence number, and are acknowledged through ``_ack``: trait synchronisation from the page can stop for
    good while a cell awaits (ipykernel 7.4), custom messages cannot. Messages may arrive in another thread,
    so they are taken one at a time.
    """

    _esm = _Bundle("loader.js")
    _bundle: ClassVar[_Bundle] = _Bundle("index.js")
    _css: ClassVar[_Bundle | str] = _Bundle("style.css")

    _kind = traitlets.Unicode("").tag(sync=True)
    """Which part of the bundle serves this widget."""

    _code = traitlets.Unicode().tag(sync=True)
    """The bundle, which a page evaluates once for all models."""

    _format = traitlets.Int(STATE_FORMAT).tag(sync=True)
    """How this state is written; see :mod:`nsm_widgets._state_format`."""

    _ack = traitlets.Dict().tag(sync=True)
    """The last message taken from a page: ``{"client": id, "seq": number}``."""

    _page_writable: frozenset[str] = frozenset()
    """Traits that the page may set."""

    _moved_by_page = False
    """While a page's message is taken that has moved all that is linked, too."""

    _own_layout: ipywidgets.Layout | None = None
    """Made with the widget, and closed with it."""

    def __init__(self, *, _state: Mapping[str, Any] | None = None, **options: object) -> None:
        refuse_unknown(type(self).__name__, options, self._options())
        self._page_lock = threading.RLock()
        self.users: WeakSet[SyncedWidget] = WeakSet()
        """Views that read from this widget."""
        try:
            super().__init__(_code=str(self._bundle), **options, **(_state or {}))
        except TraitOptionError:
            raise
        except (traitlets.TraitError, ValueError, RuntimeError) as error:  # arrays cannot be compared
            raise TraitOptionError(str(error)) from error
        self._own_layout = None if "layout" in options else self.layout
        self.on_msg(self._on_page_message)

    def close(self) -> None:
        """Take the widget off every page."""
        super().close()
        if self._own_layout is not None:  # ipywidgets would keep it, and a page all that it was for
            self._own_layout.close()

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse what is within one slip of an option: a bare widget would take it, and nothing moves."""
        if not (name.startswith("_") or hasattr(type(self), name)):
            near = difflib.get_close_matches(name, self._options(), n=1, cutoff=0.8)
            if near and near[0] != name:
                raise UnknownOptionError(f"{type(self).__name__} has no {name!r}. Did you mean {near[0]}?")
        try:
            super().__setattr__(name, value)
        except TraitOptionError:
            raise
        except traitlets.TraitError as error:
            raise TraitOptionError(str(error)) from error

    @classmethod
    def _options(cls) -> tuple[str, ...]:
        """Keywords that may be given: our public traits, and the named ones of each ``__init__``."""
        traits = [
            name
            for name, trait in cls.class_traits().items()
            if not name.startswith("_")
            and (issubclass(trait.this_class, SyncedWidget) or name in _OF_ALL_WIDGETS)
        ]
        named = [
            name for owner in cls.__mro__ if issubclass(owner, SyncedWidget) for name in _keywords(owner)
        ]
        return tuple(dict.fromkeys([*named, *traits]))

    def _on_page_message(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, Mapping):
            return
        if content.get("type") == "set" and isinstance(content.get("changes"), Mapping):
            self._take_changes(content)
        else:
            self._take_message(content)

    def notify_change(self, change: traitlets.Bunch) -> None:
        """One update at a time: a page's message may be taken in another thread while a cell sets a trait."""
        with self._page_lock:
            super().notify_change(change)

    def _take_changes(self, content: Mapping[str, Any]) -> None:
        """Set the traits that the page moved; acknowledge in the same update, so that an echo is known."""
        failures: list[Exception] = []
        with self._page_lock, self.hold_sync():
            self._moved_by_page = content.get("linked") is True
            for name, value in content["changes"].items():
                if name in self._page_writable and getattr(self, name) != value:
                    # an observer that raises keeps neither the other changes nor the answer back
                    try:
                        self._set_from_page(name, value)
                    except Exception as failure:
                        failures.append(failure)
            self._moved_by_page = False
            self._ack = {"client": content.get("client"), "seq": content.get("seq")}
        if failures:
            raise failures[0]

    def _set_from_page(self, name: str, value: object) -> None:
        try:
            setattr(self, name, value)
        except traitlets.TraitError as error:
            self.log.warning("%s ignored what the page sent: %s", type(self).__name__, error)

    def _take_message(self, content: Mapping[str, Any]) -> None:
        """Answer any other message; nothing is expected here unless a widget says so."""


def _keywords(owner: type[SyncedWidget]) -> list[str]:
    parameters = inspect.signature(owner.__init__).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and not p.name.startswith("_")]


def refuse_unknown(owner: str, options: Mapping[str, object], known: tuple[str, ...]) -> None:
    """Raise on a keyword that no option carries: a bare widget would swallow the slip."""
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UnknownOptionError(
                f"{owner} has no option {name!r}.{hint} It takes {', '.join(sorted(known))}."
            )


def check_options(owner: type, options: Mapping[str, object], others: type) -> None:
    """Refuse a keyword that neither stands in the signature of a class nor in these options.

    Raises:
        UnknownOptionError: With those that there are.
    """
    own = inspect.signature(owner).parameters.keys() - {"data", "options"}
    refuse_unknown(owner.__name__, options, (*own, *others.__annotations__))
