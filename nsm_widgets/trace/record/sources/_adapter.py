"""Adapters: a few lines that tell the recorder what a foreign module holds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from nsm_widgets._axes import check_dims
from nsm_widgets._errors import AxisError, DtypeError, RecordingError, ShapeError, UnknownOptionError
from nsm_widgets.trace.arrays._array import check_name
from nsm_widgets.trace.arrays._known import KINDS, default_kind, known_array
from nsm_widgets.trace.record._hooks import Found, Hooks, batch_axis, in_backward
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record._select import Select
from nsm_widgets.trace.record.sources._driven import Driven
from nsm_widgets.trace.record.sources._source import Source
from nsm_widgets.trace.record.sources._untold import Untold

CALLS = ("time", "layer", "once")


@dataclass(frozen=True)
class Adapter:
    """A function ``(module, args, kwargs, output) -> {name: tensor}``, called after each call of a module.

    A list or tuple of tensors, one for each head, is stacked along ``head``.

    Args:
        function: What it is.
        dims: Axis names by array name, as each call gives it. Well-known names (``memory``, ``read_weights``,
            ``attention``, ...) need none. Where ``time`` leads them, a call gives a whole sequence.
        calls: What a call is: ``"time"``, one step of a sequence; ``"layer"``, one layer, with the calls of
            modules whose paths differ in numbers only; ``"once"``, all there is of an iteration.
        kinds: Kinds by array name, as in ``Trace.from_arrays``.
        memory_seen: Which memory the weights were applied to: ``"before_write"`` or ``"after_write"``.
        layers: How many layers share the module: so many calls of it, one after the other, are one step of
            time, and its arrays have an axis ``layer``.
        state: Of a module that keeps its state itself: a function from the module to the tensors, nested as
            they are, by which calls that follow each other are known as one sequence.

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

    def __post_init__(self) -> None:
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
        if isinstance(self.layers, bool) or not isinstance(self.layers, int) or self.layers < 1:
            raise DtypeError(f"layers of an adapter must be a whole number from 1 on, got {self.layers!r}.")
        if self.layers > 1 and self.calls != "time":
            raise UnknownOptionError(
                f"layers={self.layers} says how many calls are one step of time, got calls={self.calls!r}. "
                "Leave one of the two out."
            )
        for what, options, names in (
            ("calls", CALLS, [self.calls]),
            ("kinds", KINDS, list(self.kinds.values())),
            ("memory_seen", ("before_write", "after_write", None), [self.memory_seen]),
        ):
            for name in names:
                if name not in options:
                    raise UnknownOptionError(
                        f"{what} of an adapter must be one of {', '.join(map(str, options))}, got {name!r}."
                    )
        for what, mapping in (("dims", self.dims), ("kinds", self.kinds)):
            if not isinstance(mapping, Mapping):
                raise DtypeError(
                    f"{what} of an adapter must map array names to values, got {type(mapping).__name__}. "
                    "Pass {'usage': ...}."
                )
        for name, dims in self.dims.items():
            check_name(name)
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

    def dims_of(self, name: str) -> tuple[str, ...]:
        """The axes that a call gives, ``time`` among them where it gives a whole sequence.

        Raises:
            AxisError: If they were not declared, and the name is not well-known.
        """
        if name in self.dims:
            return tuple(self.dims[name])
        entry = known_array(name)
        if entry is None:
            raise AxisError(
                f"{name} is no well-known name, so its axes must be declared with the adapter: "
                f"dims={{{name!r}: ('batch', ...)}}, as one call gives them."
            )
        added = ("time",) if self.calls == "time" else ("layer",) if self.calls == "layer" else ()
        return tuple(dim for dim in entry.dims if dim not in added)


_REGISTERED: dict[type, Adapter] = {}


def register_adapter(
    module_type: Any,
    *,
    dims: Any = None,
    calls: Any = "time",
    kinds: Any = None,
    memory_seen: Any = None,
    layers: Any = 1,
    state: Any = None,
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
        memory_seen: ``"before_write"`` or ``"after_write"``.
        layers: How many layers share a module.
        state: From a module to what it keeps between its calls.
    """
    if not isinstance(module_type, type):
        raise DtypeError(
            f"register_adapter takes the type of a module, got {type(module_type).__name__}. "
            "Use it as: @register_adapter(Memory, dims={...})."
        )

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _REGISTERED[module_type] = Adapter(
            function, dims or {}, calls, kinds or {}, memory_seen, layers, state
        )
        return function

    return register


def adapter_of(module: Any, own: Mapping[type, Adapter]) -> Adapter | None:
    """The adapter for a module: a recorder's own before a registered one, the nearest type first."""
    for base in type(module).__mro__:
        found = own.get(base) or _REGISTERED.get(base)
        if found is not None:
            return found
    return None


def check_adapters(adapters: Any) -> dict[type, Adapter]:
    """``adapters={Type: function}`` of a recorder, with an :class:`Adapter` where more is to be said."""
    if adapters is None:
        return {}
    if not isinstance(adapters, Mapping) or not all(isinstance(key, type) for key in adapters):
        raise DtypeError(
            f"adapters must map module types to functions, got {type(adapters).__name__}. "
            "Pass adapters={Memory: function} or {Memory: Adapter(function, dims={...})}."
        )
    return {key: value if isinstance(value, Adapter) else Adapter(value) for key, value in adapters.items()}


class AdapterSource(Source):
    """A module that an adapter speaks for, or several whose calls are layers.

    Args:
        path: Its path; of several, what their paths have in common.
        modules: The module by its path, or several in the model's order.
        adapter: Says what it holds.
    """

    is_open = True
    starts_anew = True

    def __init__(self, path: str, modules: Mapping[str, Any], adapter: Adapter) -> None:
        super().__init__(path, next(iter(modules.values())))
        self._modules = dict(modules)
        self._adapter = adapter
        self.is_stepwise = adapter.calls == "time"
        self._untold: Untold | None = None

    def choose(self, select: Select) -> None:
        """Those of several modules that are named are recorded whole, and the others are not."""
        wanted = {path: module for path, module in self._modules.items() if select.wants_module(path, module)}
        self._modules = wanted or self._modules
        self._select = None if wanted else select

    def can_tell(self, model: Any) -> bool:
        """Whether it tells where a sequence begins, as a part of the model that takes single steps."""
        return self.is_stepwise and all(module is not model for module in self._modules.values())

    def names(self) -> Sequence[str]:
        """Those that were declared."""
        return tuple(self._adapter.dims)

    def is_like(self, other: Source) -> bool:
        """One that the same adapter speaks for."""
        return isinstance(other, AdapterSource) and other._adapter is self._adapter

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        for path, module in self._modules.items():
            hooks.after(module, partial(self._on_call, path))
            if self.is_stepwise:
                kept = self.kept_on(module)
                Driven(module, self._recording, kept, self._adapter.layers).install(hooks)
                asks = module is hooks.model and self._adapter.state is None
                self._untold = Untold(module, self._adapter.layers, asks, self._recording)
                self._untold.install(hooks)

    def kept_on(self, model: Any) -> Callable[[], Any] | None:
        """What a module keeps between its calls, if that was told of it."""
        if self._adapter.state is None or all(module is not model for module in self._modules.values()):
            return None
        return partial(self._adapter.state, model)

    def describe(self, name: str, size: int) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
        """As declared, with ``time`` leading, and the layers that share the module."""
        del size
        dims = [dim for dim in self._adapter.dims_of(name) if dim != "time"]
        return ("time", *self._layer, *dims), self._attrs(name), {}

    @property
    def _layer(self) -> tuple[str, ...]:
        """The axis of the layers that share the module."""
        return ("layer",) if self._adapter.layers > 1 else ()

    def batch_axis(self, key: Any) -> int:
        """As declared."""
        name, _ = key
        return batch_axis(self._adapter.dims_of(name), self.prefix + name)

    def num_calls(self, part: Part) -> int:
        """All calls of an iteration make one array."""
        return 1 if part.calls else 0

    def kind(self, part: Part) -> Hashable:
        """As many layers, too."""
        return part.kind if self.is_stepwise else (part.kind, len(part.calls))

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """The calls of an iteration as layers, or the only one."""
        found = {}
        for name in dict.fromkeys(name for (name, _), _ in part.calls):
            calls = [(path, copy) for (called, path), copy in part.calls if called == name]
            copies = [copy for _, copy in calls]
            coords = {}
            attrs = self._attrs(name)
            if copies[0].source_dtype is not None:
                attrs["source_dtype"] = copies[0].source_dtype
            dims = self._adapter.dims_of(name)
            if self._adapter.calls == "once" and len(copies) > 1:
                raise RecordingError(
                    f"{self.prefix}{name} was declared with calls='once', got {len(copies)} calls within one "
                    "iteration. Declare them as calls='time' or calls='layer'."
                )
            values = [copy.values() for copy in copies]
            if self._adapter.calls == "layer":
                dims = ("layer", *dims)
                if len(self._modules) > 1:
                    coords = {"layer": [path for path, _ in calls]}
                if len({value.shape for value in values}) > 1:
                    raise ShapeError(
                        f"{self.prefix}{name}: layers must have one shape, got "
                        f"{', '.join(str(value.shape) for value in values)}. Give each a name of its own."
                    )
            joined = np.stack(values) if self._adapter.calls == "layer" else values[0]
            if timed:
                joined, dims = joined[None], ("time", *dims)
            found[name] = Found([joined], dims, attrs, coords)
        return found

    def _attrs(self, name: str) -> dict[str, Any]:
        entry = known_array(name)
        kind = self._adapter.kinds.get(name, default_kind(name))
        attrs: dict[str, Any] = {} if kind is None else {"kind": kind}
        if entry is not None and name not in self._adapter.dims:
            attrs["description"] = entry.description
        # what is called shares by itself, as allocation weights, is applied to no memory
        applied = kind == "weights" or (kind == "shares" and default_kind(name) != "shares")
        if applied and self._adapter.memory_seen is not None:
            attrs["memory_seen"] = self._adapter.memory_seen
        if self._layer:
            attrs["shared_by"] = "layer"
        return attrs

    def _on_call(
        self, path: str, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        part = None if in_backward() else self._recording.part(self.index)
        if part is None:
            return
        given = self._adapter.function(module, args, kwargs, output)
        if not isinstance(given, Mapping):
            raise RecordingError(
                f"the adapter of {type(module).__name__} must return a dict of tensors by name, got "
                f"{type(given).__name__}."
            )
        steps: dict[str, Any] = {}
        for name, value in given.items():
            if not self.wants(check_name(name)):
                continue
            dims = self._adapter.dims_of(name)
            tensor = self._tensor(name, value, dims)
            if not self.is_stepwise:
                self._recording.call(self.index, (name, path), tensor, self.prefix + name)
            elif dims[:1] == ("time",):
                self._recording.whole(self.index, name, tensor, self.prefix)
            else:
                steps[name] = tensor
        if self._untold is not None and steps:
            before = part.num_steps * self._adapter.layers + len(part.layers)
            self.problem = self._untold.look(given, before)
        if self._layer and not self._is_last_layer(part, steps):
            return
        if self.is_stepwise and (steps or not self._gave_whole(given)):
            self._recording.step(self.index, list(steps), list(steps.values()), self.prefix)

    def _is_last_layer(self, part: Part, steps: dict[str, Any]) -> bool:
        """Take in what one of the layers gave; after the last one ``steps`` are those of all."""
        torch, call = sys.modules["torch"], self._recording.call_number
        if part.layers and part.layers[0][0] != call:
            raise part.cut_short_error()
        with torch.no_grad():
            part.layers.append((call, {name: tensor.detach().clone() for name, tensor in steps.items()}))
            if len(part.layers) < self._adapter.layers:
                return False
            layers, part.layers = [given for _, given in part.layers], []
            for name in dict.fromkeys(name for given in layers for name in given):
                kinds = [(tuple(given[name].shape), given[name].dtype) for given in layers if name in given]
                if len(kinds) < len(layers) or len(set(kinds)) > 1:
                    told = ", ".join(f"{shape} of {dtype}" for shape, dtype in kinds)
                    raise ShapeError(
                        f"{self.prefix}{name}: {len(layers)} layers that share a module must each give it in "
                        f"one shape, got {told}."
                    )
                steps[name] = torch.stack([given[name] for given in layers])
        return True

    def _gave_whole(self, given: Mapping[str, Any]) -> bool:
        return any(self._adapter.dims_of(name)[:1] == ("time",) for name in given)

    def _tensor(self, name: str, value: Any, dims: tuple[str, ...]) -> Any:
        """The value as one tensor with the declared axes."""
        torch = sys.modules["torch"]
        if isinstance(value, (list, tuple)) and value and all(isinstance(v, torch.Tensor) for v in value):
            if "head" not in dims:
                raise AxisError(
                    f"{self.prefix}{name}: the adapter of {type(self.module).__name__} gave a list of "
                    f"{len(value)} tensors, which become an axis 'head', got axes {dims}. Declare 'head' "
                    "among them, or return one tensor."
                )
            with torch.no_grad():
                value = torch.stack(list(value), dim=dims.index("head"))
        if not isinstance(value, torch.Tensor):
            raise RecordingError(
                f"{self.prefix}{name}: the adapter of {type(self.module).__name__} must give a tensor, got "
                f"{type(value).__name__}. Pick the tensor out of it, or leave the name out."
            )
        if value.ndim != len(dims):
            raise ShapeError(
                f"{self.prefix}{name} must have axes {dims} at each call, got shape {tuple(value.shape)} "
                f"from the adapter of {type(self.module).__name__}. Reshape it there, or declare its axes: "
                "dims={...}."
            )
        return value
