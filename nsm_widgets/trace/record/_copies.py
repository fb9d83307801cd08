"""Copies of a model that is watched: they have no hook of ours, however they are made.

``copy``, ``deepcopy``, ``pickle`` and ``torch.save`` take a module apart by ``__reduce_ex__``; some classes,
as those of ``torch.nn.utils.parametrize``, have a ``__deepcopy__`` of their own. Both are listened to, and
what they hand on is cleared of our hooks; those of others stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import is_
from typing import Any

from nsm_widgets.trace.record._listening import defined_by, listen

_HOOKS = (
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
)
"""What a module keeps of its hooks: dicts by the number of a hook."""

_DEEPEST = 5
"""So far down in what a module was taken apart into its dict is looked for."""

OURS: set[int] = set()
"""The numbers of the hooks that hang on modules now; no other hook has them."""


def keep_from_copies(module: object, into: dict[tuple[type, str], Callable[[], None]]) -> None:
    """See to it that copies of a module have none of our hooks.

    Args:
        module: The module.
        into: What ends it, by class and method: what is in it already is not done again.
    """
    from torch import nn

    kind = type(module)
    reducer = defined_by(kind, "__reduce_ex__")
    places: list[tuple[type, str, Callable[..., Any]]] = [
        (nn.Module if reducer is object else reducer, "__reduce_ex__", _reduced)
    ]
    if hasattr(kind, "__deepcopy__"):
        places.append((defined_by(kind, "__deepcopy__"), "__deepcopy__", _copied))
    for place, name, around in places:
        if (place, name) not in into:
            into[place, name] = listen(place, name, partial(around))  # ending this one ends no other


def _reduced(call: Callable[..., Any], module: object, protocol: object) -> Any:
    return _without_ours(call(module, protocol))


def _copied(call: Callable[..., Any], module: object, memo: object) -> Any:
    with off([module]):
        return call(module, memo)


def _without_ours(state: Any, depth: int = 0) -> Any:  # of a module, pickle makes whatever its class says
    """What a module was taken apart into, with other dicts of hooks where some are ours.

    Its dict may stand deeper, where its class has a ``__getstate__`` of its own.
    """
    if depth > _DEEPEST or type(state) not in (tuple, list, dict):
        return state
    if isinstance(state, dict):
        searched = state.keys() & _HOOKS or state  # deeper in a module's dict are things of its own
        changed = {name: _cleared(name, state[name], depth) for name in searched}
        changed = {name: part for name, part in changed.items() if part is not state[name]}
        return {**state, **changed} if changed else state
    parts = [_without_ours(part, depth + 1) for part in state]
    if len(parts) == 2 and isinstance(parts[0], str):  # perhaps an item of its dict
        parts[1] = _cleared(parts[0], parts[1], depth)
    return state if all(map(is_, parts, state)) else type(state)(parts)


def _cleared(name: object, part: object, depth: int) -> Any:
    """One entry of a dict, which may be that of a module."""
    if name not in _HOOKS or not isinstance(part, dict):
        return _without_ours(part, depth + 1)
    if OURS.isdisjoint(part):
        return part
    return type(part)((number, hook) for number, hook in part.items() if number not in OURS)


@contextmanager
def off(modules: Iterable[Any]) -> Iterator[None]:
    """Our hooks are off modules for as long, and then back in their places."""
    held = [
        (hooks, list(hooks.items()))
        for module in modules
        for name in _HOOKS
        if isinstance(hooks := vars(module).get(name), dict) and not OURS.isdisjoint(hooks)
    ]
    for hooks, items in held:
        for number, _ in items:
            if number in OURS:
                del hooks[number]
    try:
        yield
    finally:
        for hooks, items in held:
            hooks.clear()
            hooks.update(items)
