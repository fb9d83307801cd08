"""Whether a call is given a state that a former call returned: then it goes on with that one's sequence."""

from __future__ import annotations

import dataclasses
import inspect
import math
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from nsm_widgets.trace.record._host_copy import is_capturing
from nsm_widgets.trace.record._listening import Args, Kwargs

if TYPE_CHECKING:
    from torch import Tensor, nn

_LIMIT = 4096
"""Values of a tensor that are compared at most."""
_MOST_PARTS = 1024
"""Parts of an argument that are looked at."""
_DEEPEST = 6
_INPUTS = ("hidden_states",)
"""What sounds like a state, and is what transformers call an input."""
_STATE_LIKE = ("hidden", "state", "carry", "mem", "cache", "past")
_STATES = ("h", "hx", "hc", "hs", "h0", "h_prev", "prev_h")
_NO_VERSION = -1

_StorageVersion: TypeAlias = tuple[int, int]
_Leaf: TypeAlias = "tuple[Tensor, _StorageVersion]"


class GivenBack(threading.local):
    """What the calls of a model returned, in the iteration that runs; each thread has its own.

    A tensor is known again by its storage, as views and detached ones share it, and by its version, which an
    operation in place counts up. One in another storage (a clone, a tensor moved to another device) is known
    by its values. Nothing is kept alive: of a storage there is a weak reference, of values a sample.

    Args:
        model: The model, whose signature tells which argument is the input. All others may hold a state.
        waits: See :class:`Boundary`.
        kept: What the model keeps itself between its calls, if that is known: a state, too.
    """

    def __init__(
        self, model: nn.Module, *, waits: bool = False, kept: Callable[[], Any] | None = None
    ) -> None:
        self.waits = waits
        self._kept = kept
        self._input = _place_of_input(model)
        self.has_other_state = False
        """Whether the running call was given a state, and it is no former call's."""
        self.goes_on = False
        """Whether some call was given back a state."""
        self._is_first = True
        """Whether no call was seen: then its state may be of a call that was before."""
        self._storages: dict[int, tuple[Any, set[int]]] = {}
        """By the address of a storage, which is no other's while there is the weak reference: that, and the
        versions that were returned."""
        self._most = 64
        """So many of them make it worth while to look which are gone."""
        self._samples: list[tuple[tuple[int, ...], Any]] = []
        """Of what the last call returned: shapes, and some values."""
        self._given: set[_StorageVersion] = set()
        """What the running call was given."""
        self._shapes: set[tuple[int, ...]] = set()
        """Of the states that it was given."""
        self._may_change = False
        """Whether it was given anything that may be a state, and may change it."""

    def begins(self, args: Args, kwargs: Kwargs) -> bool:
        """Whether a call is given nothing that a former call of this iteration returned."""
        chosen = self._states(args, kwargs)
        states = [_leaves(state) for state in chosen]
        begins = not any(map(self._is_known, states)) and not any(map(self._is_equal, states))
        self.has_other_state = begins and any(states) and not self._is_first
        self._is_first = False
        self.goes_on = self.goes_on or not begins
        if begins:
            self._storages, self._samples = {}, []
        others = [arg for arg in (*args, *kwargs.values()) if all(arg is not state for state in chosen)]
        self._given = {key for leaves in (*states, _leaves(others)) for _, key in leaves}
        self._shapes = {tensor.shape for leaves in states for tensor, _ in leaves}
        self._may_change = bool(chosen)
        return begins

    def returned(self, args: Args, kwargs: Kwargs, output: object) -> None:
        """Remember what a call returned, or changed of the states that it was given.

        What it hands on as it got it, such as a mask, is no state.
        """
        self._prune()
        self._samples = []
        can_look = _can_look()
        returned = (_telling(output), self._states(args, kwargs) if self._may_change else ())
        leaves = [leaf for leaf in _leaves(returned) if self._is_made(leaf[1])]
        versions: dict[int, set[int]] = {}
        with sys.modules["torch"].no_grad():
            for tensor, (address, version) in leaves:
                versions.setdefault(address, set()).add(version)
                if address not in self._storages:
                    self._storages[address] = _reference(tensor), set()
                if can_look and (not self._shapes or tensor.shape in self._shapes) and _has_values(tensor):
                    self._samples.append((tensor.shape, _sample(tensor).clone()))
        for address, known in versions.items():
            self._storages[address] = self._storages[address][0], known

    def _is_made(self, key: _StorageVersion) -> bool:
        """Whether the running call made a tensor, as far as is known."""
        return key[1] == _NO_VERSION or key not in self._given

    def _prune(self) -> None:
        """Forget storages that are gone, once they may be half of all."""
        if len(self._storages) >= self._most:
            self._storages = {key: each for key, each in self._storages.items() if not each[0].expired()}
            self._most = max(64, 2 * len(self._storages))

    def _is_known(self, state: Sequence[_Leaf]) -> bool:
        """Whether one of a state's tensors lies where a returned one does, unchanged."""
        return any(
            address in self._storages and version in self._storages[address][1]
            for _, (address, version) in state
        )

    def _is_equal(self, state: Sequence[_Leaf]) -> bool:
        """Whether all of a state's tensors equal some of what the last call returned.

        Tensors of one value all over (zeros, as at a start) or of whole numbers tell nothing by themselves.
        """
        torch = sys.modules["torch"]
        shapes = {shape for shape, _ in self._samples}
        if not state or any(tensor.shape not in shapes or not _has_values(tensor) for tensor, _ in state):
            return False
        if not _can_look():
            return False
        told = False
        with torch.no_grad():
            for tensor, _ in state:
                values = _sample(tensor)
                like = [kept for shape, kept in self._samples if shape == tensor.shape]
                if not any(_are_equal(values, kept.to(values.device, values.dtype)) for kept in like):
                    return False
                is_number = tensor.is_floating_point() or tensor.is_complex()
                told = told or bool(is_number and (values != values.reshape(-1)[0]).any())
        return told

    def _states(self, args: Args, kwargs: Kwargs) -> list[Any]:
        """What may hold a state: what the model keeps, and arguments; where there is only one, its parts."""
        kept = [] if self._kept is None else [self._kept()]
        return [*kept, *self._given_states(args, kwargs)]

    def _given_states(self, args: Args, kwargs: Kwargs) -> list[Any]:
        if len(args) + len(kwargs) == 1:
            (only,) = (*args, *kwargs.values())
            if isinstance(only, Mapping):
                first = next((key for key in only if not is_state_like(str(key))), None)
                return [value for key, value in only.items() if key != first]
            if isinstance(only, (tuple, list)):
                return list(only[1:])
        place, name = self._input
        given = [
            *(arg for index, arg in enumerate(args) if index != place),
            *(value for key, value in kwargs.items() if key != name),
        ]
        return [_telling(state) for state in given]


def _telling(value: object) -> Any:
    """What is enough to know a state, or an output, again: of our own models' the memory, of others' all."""
    state = getattr(value, "state", value) if isinstance(value, tuple) else None
    memory = getattr(getattr(state, "access", None), "memory", None)
    return value if memory is None else memory


def is_state_like(name: str) -> bool:
    """Whether an argument is called as states are.

    >>> is_state_like("prev_state"), is_state_like("hx"), is_state_like("inputs")
    (True, True, False)
    """
    name = name.lower()
    return name not in _INPUTS and (name in _STATES or any(part in name for part in _STATE_LIKE))


def _place_of_input(model: nn.Module) -> tuple[int, str]:
    """Which argument of a model's forward is its input: the first that is not called as states are."""
    inner = getattr(model, "_orig_mod", getattr(model, "module", model))  # compiled, or distributed
    try:
        parameters = list(inspect.signature(inner.forward).parameters)
    except (TypeError, ValueError):
        return 0, ""
    found = ((place, name) for place, name in enumerate(parameters) if not is_state_like(name))
    nothing = (-1, "") if len(parameters) > 1 else (0, "".join(parameters))
    return next(found, nothing)


def _leaves(value: object) -> list[_Leaf]:
    """The tensors in nested tuples, lists, dicts, dataclasses and other plain objects, and where they lie."""
    found: list[_Leaf] = []
    _walk(value, sys.modules["torch"].Tensor, found, [_MOST_PARTS], 0)
    return found


def _walk(item: object, kind: type[Tensor], found: list[_Leaf], left: list[int], depth: int) -> None:
    """Append them, of so many parts that are left to be looked at."""
    if isinstance(item, kind):
        key = _key(item)
        if key is not None:
            found.append((item, key))
    elif item is not None and depth < _DEEPEST:
        parts = _parts(item)[: left[0]]
        left[0] -= len(parts)
        for part in parts:
            _walk(part, kind, found, left, depth + 1)


def _parts(item: object) -> Sequence[Any]:
    if isinstance(item, (tuple, list)):
        return item
    if isinstance(item, (str, bytes, int, float, complex, type)):
        return []
    if isinstance(item, Mapping):
        return list(item.values())
    if dataclasses.is_dataclass(item):
        return [getattr(item, each.name, None) for each in dataclasses.fields(item)]
    if isinstance(item, sys.modules["torch"].nn.Module) or callable(item):
        return []
    return list(getattr(item, "__dict__", {}).values())


def _can_look() -> bool:
    """Whether values can be computed with now, and nobody writes down that they are."""
    torch = sys.modules["torch"]
    return not (
        torch.jit.is_tracing()
        or torch.compiler.is_compiling()
        or is_capturing()
        or torch._C._are_functorch_transforms_active()
    )


def _has_values(tensor: Tensor) -> bool:
    """Whether a tensor is a plain one, with values."""
    torch = sys.modules["torch"]
    is_plain = type(tensor) in (torch.Tensor, torch.nn.Parameter) and not tensor.is_quantized
    return is_plain and not tensor.is_meta and tensor.numel() > 0


def _key(tensor: Tensor) -> _StorageVersion | None:
    """Where a tensor lies, and how often it was changed there; ``None`` where it has no storage."""
    try:
        address = tensor.untyped_storage()._cdata
    except (RuntimeError, NotImplementedError):  # sparse, or within a transform
        return None
    return address, _NO_VERSION if tensor.is_inference() else tensor._version


def _reference(tensor: Tensor) -> Any:
    """A weak reference to a tensor's storage."""
    from torch.multiprocessing.reductions import StorageWeakRef

    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]


def _sample(tensor: Tensor) -> Any:
    """Some values of a tensor, spread over all axes; to be called without gradients."""
    return tensor[_places(tuple(tensor.shape))] if tensor.numel() > _LIMIT else tensor


@lru_cache(maxsize=256)
def _places(shape: tuple[int, ...]) -> tuple[slice, ...]:
    steps = [1] * len(shape)

    def sizes() -> list[int]:
        return [-(-size // step) for size, step in zip(shape, steps, strict=True)]

    while math.prod(sizes()) > _LIMIT:
        counts = sizes()
        steps[counts.index(max(counts))] *= 2
    return tuple(slice(None, None, step) for step in steps)


def _are_equal(one: Tensor, other: Tensor) -> bool:
    """To the bit, with NaN like NaN."""
    same = one == other
    return bool((same | ((one != one) & (other != other))).all())
