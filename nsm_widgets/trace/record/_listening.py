"""Functions of others, replaced for a while by ones that call them and let somebody look on.

What runs is what ran before: the function itself, with the arguments that it was given. Several may listen to
one function, each for as long as it likes, in any order; the last one to go puts it back.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch import nn

Around: TypeAlias = "Callable[..., Any]"
"""``around(call, *args, **kwargs)``: calls ``call(*args, **kwargs)`` and hands its answer on."""

Args: TypeAlias = tuple[Any, ...]
Kwargs: TypeAlias = dict[str, Any]
"""What a call is given, by place and by name."""

_LOCK = threading.RLock()
_REPLACED: dict[tuple[int, str], _Replaced] = {}


class _Replaced:
    """A function in its place, which is a module of Python or a class."""

    def __init__(self, place: object, name: str) -> None:
        import torch

        self._place, self._name = place, name
        self._own = vars(place).get(name)
        self.original = original = getattr(place, name)
        self.arounds: tuple[Around, ...] = ()

        is_compiled = torch.compiler.is_compiling

        @functools.wraps(original)
        def listened(*args: object, **kwargs: object) -> Any:
            if is_compiled():  # a compiler that reads this finds the function alone
                return original(*args, **kwargs)
            call = original
            for around in self.arounds:
                call = functools.partial(around, call)
            return call(*args, **kwargs)

        self._listened = listened
        setattr(place, name, listened)

    @property
    def is_in_place(self) -> bool:
        """Whether nobody else has replaced it since."""
        return vars(self._place).get(self._name) is self._listened

    def give_back(self) -> None:
        """Put the function back, unless somebody else has replaced it since: then it stays, unheard."""
        if not self.is_in_place:
            return
        if self._own is None:
            delattr(self._place, self._name)
        else:
            setattr(self._place, self._name, self._own)


def listen(place: object, name: str, around: Around) -> Callable[[], None]:
    """Let ``around`` be called in place of a function.

    >>> class Adder:
    ...     def add(self, a, b):
    ...         return a + b
    >>> seen = []
    >>> def look(call, adder, a, b):
    ...     seen.append((a, b))
    ...     return call(adder, a, b)
    >>> stop = listen(Adder, "add", look)
    >>> Adder().add(1, 2), seen
    (3, [(1, 2)])
    >>> stop()
    >>> Adder().add(3, 4), seen
    (7, [(1, 2)])

    Args:
        place: The class, or the module of Python, that has it.
        name: What it is called there.
        around: Calls it, and looks on.

    Returns:
        Ends it.
    """
    key = (id(place), name)
    with _LOCK:
        if key not in _REPLACED or not _REPLACED[key].is_in_place:  # what others put there may not call it
            _REPLACED[key] = _Replaced(place, name)
        replaced = _REPLACED[key]
        replaced.arounds = (*replaced.arounds, around)

    def stop() -> None:
        with _LOCK:
            replaced.arounds = tuple(each for each in replaced.arounds if each is not around)
            if not replaced.arounds:
                replaced.give_back()
                if _REPLACED.get(key) is replaced:
                    del _REPLACED[key]

    return stop


def original_of(place: object, name: str) -> Any:
    """The function itself, whoever listens to it."""
    replaced = _REPLACED.get((id(place), name))
    return getattr(place, name) if replaced is None else replaced.original


def defined_by(kind: type, name: str) -> type:
    """The class that gives a type its method.

    >>> defined_by(bool, "bit_length")
    <class 'int'>
    """
    return next(base for base in kind.__mro__ if name in vars(base))


class Forwards:
    """Calls of some modules' ``forward``, listened to at their class: no hook hangs on them.

    A hook counts: one anywhere in an ``nn.TransformerEncoderLayer`` shuts its fused path. A replica of
    ``nn.DataParallel`` is known by the dict of its hooks, which it shares with its module.
    """

    def __init__(self) -> None:
        self._arounds: dict[type, dict[int, list[Around]]] = {}
        self._stops: list[Callable[[], None]] = []
        self._modules: list[Any] = []  # kept alive, so that no other one lies where they did

    def listen(self, module: nn.Module, around: Around, kind: type | None = None) -> None:
        """Let ``around(call, module, ...)`` be called in place of this module's forward.

        Args:
            module: The module.
            around: Calls it, and looks on.
            kind: The class whose forward is meant, where a subclass calls it; the module's own if not given.
        """
        kind = defined_by(kind or type(module), "forward")
        if kind not in self._arounds:
            self._arounds[kind] = {}
            self._stops.append(listen(kind, "forward", functools.partial(_one_of, self._arounds[kind])))
        self._modules += [module, module._forward_hooks]
        for known_by in (module, module._forward_hooks):
            self._arounds[kind].setdefault(id(known_by), []).append(around)

    def stop(self) -> None:
        """Listen no more."""
        for stop in self._stops:
            stop()
        self._stops.clear()
        self._arounds.clear()
        self._modules.clear()


def _one_of(
    arounds: dict[int, list[Around]], call: Around, module: nn.Module, *args: object, **kwargs: object
) -> Any:
    known_by = module._forward_hooks if vars(module).get("_is_replica") else module
    for around in arounds.get(id(known_by), ()):
        call = functools.partial(around, call)
    return call(module, *args, **kwargs)
