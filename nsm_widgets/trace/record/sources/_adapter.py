"""Adapters: a few lines that tell the recorder what a module holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nsm_widgets._axes import check_dims
from nsm_widgets._errors import AxisError, DtypeError, UnknownOptionError
from nsm_widgets.trace.arrays._array import check_name
from nsm_widgets.trace.arrays._iterations import INITIAL
from nsm_widgets.trace.arrays._known import KINDS, KNOWN, default_kind, known_array
from nsm_widgets.trace.record.sources._call_coords import by_array

CALLS = ("time", "layer", "once")
_ADDED = {"time", "iteration", "layer"}


def _told(dims: Sequence[str]) -> list[str]:
    """The axes that make an array what its name says: of one call and of one item it is the same."""
    return [dim for dim in dims if dim not in ("time", "layer", "batch")]


@dataclass(frozen=True)
class Adapter:
    """A function ``(module, args, kwargs, output) -> {name: tensor}``, called after each call of a module.

    A list or tuple of tensors, one for each head, is stacked along ``head``.

    Example:
        >>> import torch
        >>> from nsm_widgets.trace import TraceRecorder
        >>> class Cell(torch.nn.Module):
        ...     def forward(self, word, memory, there):
        ...         return memory + word * there[:, :, None]
        >>> adapter = Adapter(
        ...     lambda module, args, kwargs, output: {"memory": output},
        ...     initial=lambda module, args, kwargs: args[1],
        ...     coords=lambda module, args, kwargs, output: {"slot": ["a", "b"], "slot_mask": args[2]},
        ... )
        >>> cell, memory, there = Cell(), torch.zeros(1, 2, 3), torch.tensor([[True, False]])
        >>> with TraceRecorder(cell, adapters={Cell: adapter}) as rec:
        ...     for _ in range(5):
        ...         memory = cell(torch.rand(3), memory, there)
        >>> rec.trace["memory"].sizes, rec.trace["initial_memory"].values.tolist()
        ({'time': 5, 'batch': 1, 'slot': 2, 'word': 3}, [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
        >>> rec.trace["memory"].labels("slot"), rec.trace["memory"].coords["slot_mask"].values.tolist()
        (('a', 'b'), [[True, False]])

    Args:
        function: What it is.
        dims: Axis names by array name, as each call gives it. Well-known names (``memory``, ``read_weights``,
            ``attention``, ...) need none. Where ``time`` leads them, a call gives a whole sequence.
        calls: What a call is: ``"time"``, one step of a sequence; ``"layer"``, one layer, with the calls of
            modules whose paths differ in numbers only; ``"once"``, all there is of an iteration.
        kinds: Kinds by array name, as in ``Trace.from_arrays``.
        memory_seen: Which memory the weights were applied to: ``"before_write"`` or ``"after_write"``; or
            that by array name.
        layers: How many layers share the module: so many calls of it, one after the other, are one step of
            time, and its arrays have an axis ``layer``.
        state: Of a module that keeps its state itself: a function from the module to the tensors, nested as
            they are, by which calls that follow each other are known as one sequence.
        initial: A function ``(module, args, kwargs) -> tensor``, called before a call: the memory that it
            finds, or ``None`` where that is not known. At the first step it is ``initial_memory``.
        coords: Labels and masks, as in ``Trace.from_arrays``: by axis for each array that has it, by array
            name for one alone. The same for all calls, or a function like the first one. A mask is True
            where a value counts; each call may have another. Where calls differ in their labels, the
            iteration has none.
        descriptions: What an array is, in a line, by its name.

    Raises:
        DtypeError, AxisError, UnknownOptionError: If one of them is something else.
    """

    function: Any
    dims: Any = field(default_factory=dict)
    calls: Any = "time"
    kinds: Any = field(default_factory=dict)
    memory_seen: Any = None
    layers: Any = 1
    state: Any = None
    initial: Any = None
    coords: Any = None
    descriptions: Any = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_functions()
        self._check_layers()
        seen = self.memory_seen.values() if isinstance(self.memory_seen, Mapping) else [self.memory_seen]
        for what, mapping in (
            ("dims", self.dims),
            ("kinds", self.kinds),
            ("descriptions", self.descriptions),
        ):
            if not isinstance(mapping, Mapping):
                raise DtypeError(
                    f"{what} of an adapter must map array names to values, got {type(mapping).__name__}. "
                    "Pass {'usage': ...}."
                )
        for what, options, names in (
            ("calls", CALLS, [self.calls]),
            ("kinds", KINDS, list(self.kinds.values())),
            ("memory_seen", ("before_write", "after_write", None), list(seen)),
        ):
            for name in names:
                if not (name is None or isinstance(name, str)) or name not in options:
                    raise UnknownOptionError(
                        f"{what} of an adapter must be one of {', '.join(map(str, options))}, got {name!r}."
                    )
        for name, dims in self.dims.items():
            check_name(name)
            if not isinstance(dims, (tuple, list)):
                raise AxisError(f"axes of {name} must be a tuple of names, got {type(dims).__name__}.")
            check_dims(dims, len(dims), name)
            leads = dims[:1] == ("time",) or list(dims[:1]) == ["time"]
            if "iteration" in dims or ("time" in dims and not (leads and self.calls == "time")):
                raise AxisError(
                    f"{name}: an adapter's axes are those of one call, got {tuple(dims)}. Leave 'iteration' "
                    "out, and 'time' unless it leads and a call gives a whole sequence (calls='time')."
                )
            if self.layers > 1 and {"layer", "time"} & set(dims):
                raise AxisError(
                    f"{name}: with layers={self.layers} a call is one layer of one step, got axes "
                    f"{tuple(dims)}. Leave 'layer' and 'time' out: they are added."
                )
        if self.coords is not None and not callable(self.coords):
            by_array(self.coords, {}, self.axes)

    def _check_functions(self) -> None:
        if not callable(self.function):
            raise DtypeError(
                f"an adapter must be a function (module, args, kwargs, output), got "
                f"{type(self.function).__name__}."
            )
        if self.state is not None and not callable(self.state):
            raise DtypeError(
                f"state of an adapter must be a function of the module, got {type(self.state).__name__}. "
                "Pass lambda module: module.memory, or whatever it keeps between its calls."
            )
        if self.initial is not None and not (callable(self.initial) and self.calls == "time"):
            raise DtypeError(
                "initial of an adapter must be a function (module, args, kwargs), and calls='time', got "
                f"{type(self.initial).__name__} with calls={self.calls!r}. A memory at hand? "
                "initial=lambda module, args, kwargs: module.memory."
            )

    def _check_layers(self) -> None:
        if isinstance(self.layers, bool) or not isinstance(self.layers, int) or self.layers < 1:
            raise DtypeError(f"layers of an adapter must be a whole number from 1 on, got {self.layers!r}.")
        if self.layers > 1 and self.calls != "time":
            raise UnknownOptionError(
                f"layers={self.layers} says how many calls are one step of time, got calls={self.calls!r}. "
                "Leave one of the two out."
            )
        if self.layers > 1 and callable(self.coords):
            raise DtypeError(
                f"coords must be the same for all calls where layers={self.layers} calls are one step, got a "
                "function. Pass a mapping: coords={'slot': [...]}."
            )

    @property
    def axes(self) -> frozenset[str]:
        """Those that arrays of a call may have, and that may be labelled."""
        given = {dim for dims in self.dims.values() for dim in dims}
        added = {"time", "iteration"} if self.calls != "layer" and self.layers == 1 else _ADDED
        return frozenset({*given, *(dim for entry in KNOWN.values() for dim in entry.dims)} - added)

    def dims_of(self, name: str) -> tuple[str, ...]:
        """The axes that a call gives, ``time`` among them where it gives a whole sequence.

        Raises:
            AxisError: If they were not declared, and the name is not well-known.
        """
        if name in self.dims:
            return tuple(self.dims[name])
        if name == INITIAL:
            return self.dims_of("memory")
        entry = known_array(name)
        if entry is None:
            raise AxisError(
                f"{name} is no well-known name, so its axes must be declared with the adapter: "
                f"dims={{{name!r}: ('batch', ...)}}, as one call gives them."
            )
        added = ("time",) if self.calls == "time" else ("layer",) if self.calls == "layer" else ()
        return tuple(dim for dim in entry.dims if dim not in added)

    def attrs_of(self, name: str) -> dict[str, Any]:
        """What an array says of itself."""
        entry = known_array(name)
        kind = self.kinds.get(name, default_kind(name))
        attrs: dict[str, Any] = {} if kind is None else {"kind": kind}
        if name in self.descriptions:
            attrs["description"] = self.descriptions[name]
        elif entry is not None and _told(self.dims_of(name)) == _told(entry.dims):
            attrs["description"] = entry.description
        # what is called shares by itself, as allocation weights, is applied to no memory
        applied = kind == "weights" or (kind == "shares" and default_kind(name) != "shares")
        if isinstance(self.memory_seen, Mapping):
            seen = self.memory_seen.get(name)
        else:
            seen = self.memory_seen if applied else None
        if seen is not None:
            attrs["memory_seen"] = seen
        return attrs if self.layers == 1 or name == INITIAL else {**attrs, "shared_by": "layer"}


_REGISTERED: dict[type, Adapter] = {}


def register_adapter(
    module_type: object,
    *,
    dims: object = None,
    calls: object = "time",
    kinds: object = None,
    memory_seen: object = None,
    layers: object = 1,
    state: object = None,
    initial: object = None,
    coords: object = None,
    descriptions: object = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Tell every recorder what modules of a type hold; a decorator of a function, see :class:`Adapter`.

    Subclasses are found too, the nearest type first; a later registration of a type replaces the earlier one.

    Example:
        >>> import torch
        >>> from nsm_widgets.trace import TraceRecorder
        >>> class Memory(torch.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.contents = torch.zeros(1, 4, 3)
        ...     def forward(self, word):
        ...         self.contents = self.contents + word
        ...         return self.contents.mean(1)
        >>> @register_adapter(Memory, state=lambda memory: memory.contents)
        ... def record_memory(module, args, kwargs, output):
        ...     return {"memory": module.contents}
        >>> memory = Memory()
        >>> with TraceRecorder(memory) as rec:
        ...     for _ in range(5):
        ...         _ = memory(torch.rand(3))
        >>> rec.trace["memory"].sizes
        {'time': 5, 'batch': 1, 'slot': 4, 'word': 3}

    Args:
        module_type: A subclass of ``torch.nn.Module``.
        dims: See :class:`Adapter`, as all that follow.
        calls: ``"time"``, ``"layer"`` or ``"once"``.
        kinds: Kinds by array name.
        memory_seen: ``"before_write"`` or ``"after_write"``, for all weights or by array name.
        layers: How many layers share a module.
        state: From a module to what it keeps between its calls.
        initial: ``(module, args, kwargs) -> tensor``: the memory before a call.
        coords: Labels and masks.
        descriptions: A line on what an array is, by its name.
    """
    if not isinstance(module_type, type):
        raise DtypeError(
            f"register_adapter takes the type of a module, got {type(module_type).__name__}. "
            "Use it as: @register_adapter(Memory, dims={...})."
        )

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _REGISTERED[module_type] = Adapter(
            function,
            dims or {},
            calls,
            kinds or {},
            memory_seen,
            layers,
            state,
            initial,
            coords,
            descriptions or {},
        )
        return function

    return register


def adapter_of(module: object, own: Mapping[type, Adapter]) -> Adapter | None:
    """The adapter for a module: a recorder's own before a registered one, the nearest type first."""
    return nearest(module, own, _REGISTERED)


def nearest(module: object, *tables: Mapping[type, Adapter]) -> Adapter | None:
    """The entry for a module, the nearest type first."""
    kinds = type(module).__mro__
    return next((table[kind] for kind in kinds for table in tables if kind in table), None)


def check_adapters(adapters: object) -> dict[type, Adapter]:
    """``adapters={Type: function}`` of a recorder, with an :class:`Adapter` where more is to be said."""
    if adapters is None:
        return {}
    if not isinstance(adapters, Mapping) or not all(isinstance(key, type) for key in adapters):
        raise DtypeError(
            f"adapters must map module types to functions, got {type(adapters).__name__}. "
            "Pass adapters={Memory: function} or {Memory: Adapter(function, dims={...})}."
        )
    return {key: value if isinstance(value, Adapter) else Adapter(value) for key, value in adapters.items()}
