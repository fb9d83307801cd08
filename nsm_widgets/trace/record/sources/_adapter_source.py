"""What an adapter speaks for: foreign modules, a DNC's memory, the parts of a neural state machine."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from nsm_widgets._errors import AxisError, RecordingError, ShapeError
from nsm_widgets.trace.arrays._array import check_name
from nsm_widgets.trace.arrays._coord import Coord, same_coord
from nsm_widgets.trace.arrays._iterations import INITIAL
from nsm_widgets.trace.arrays._mask import joined_masks, telling
from nsm_widgets.trace.record._hooks import Found, Hooks, Owner, batch_axis, in_backward
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record._listening import Args, Kwargs
from nsm_widgets.trace.record._select import Select
from nsm_widgets.trace.record.sources._adapter import Adapter
from nsm_widgets.trace.record.sources._call_coords import CallCoords, MaskKey, masks_of_calls
from nsm_widgets.trace.record.sources._driven import Driven
from nsm_widgets.trace.record.sources._owned import OwnedSource
from nsm_widgets.trace.record.sources._source import Source
from nsm_widgets.trace.record.sources._untold import Untold


class _Before(threading.local):
    """What a thread saw before the call that runs."""

    memory: Any = None
    """A copy of the memory, where the call may take a first step; or the error that asking for it raised."""


class AdapterSource(OwnedSource):
    """A module that an adapter speaks for, or several whose calls are layers.

    Args:
        path: Its path; of several, what their paths have in common.
        modules: The module by its path, or several in the model's order.
        adapter: Says what it holds.
        is_ours: Whether it is of this package: then it gives what its adapter declares and nothing else, and
            its model, if any, says where sequences begin.
        owner: That model.
        sequences: What this source takes of its whole forwards.
    """

    def __init__(
        self,
        path: str,
        modules: Mapping[str, Any],
        adapter: Adapter,
        *,
        is_ours: bool = False,
        owner: Owner | None = None,
        sequences: Sequence[str] = (),
    ) -> None:
        super().__init__(path, next(iter(modules.values())), owner, tuple(adapter.dims), sequences)
        self._modules = dict(modules)
        self._adapter = adapter
        self._axes = adapter.axes
        self._sequence_names = {name for name, dims in adapter.dims.items() if dims[0] == "time"}
        self.is_stepwise = adapter.calls == "time"
        self.is_open = self.starts_anew = not is_ours
        self._before = _Before()
        self._untold: Untold | None = None

    def choose(self, select: Select) -> None:
        """Those of several modules that are named are recorded whole, and the others are not."""
        super().choose(select)
        wanted = {path: module for path, module in self._modules.items() if select.wants_module(path, module)}
        if wanted:
            self._modules, self._select = wanted, None

    def can_tell(self, model: object) -> bool:
        """Whether it tells where a sequence begins, as a part of the model that takes single steps."""
        if not self.is_open:
            return super().can_tell(model)
        return self.is_stepwise and all(module is not model for module in self._modules.values())

    def kept_on(self, model: object) -> Callable[[], Any] | None:
        """What a module keeps between its calls, if that was told of it."""
        if self._adapter.state is None or all(module is not model for module in self._modules.values()):
            return None
        return partial(self._adapter.state, model)

    def names(self) -> Sequence[str]:
        """Those that were declared."""
        return (*super().names(), *((INITIAL,) if self._adapter.initial and not self.is_open else ()))

    def order(self, names: Sequence[str]) -> list[str]:
        """Of a foreign module as the adapter gives them."""
        return list(names) if self.is_open else super().order(names)

    def is_like(self, other: Source) -> bool:
        """One that the same adapter speaks for."""
        return isinstance(other, AdapterSource) and other._adapter is self._adapter

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        self._dims: dict[str, tuple[str, ...] | None] = {}
        self._coords = CallCoords(self._adapter.coords, self._axes)
        if not self.is_open:
            super().install(hooks)
        else:
            for path, module in self._modules.items():
                hooks.after(module, partial(self._on_call, path))
                if self.is_stepwise:
                    kept = self.kept_on(module)
                    Driven(module, self._recording, kept, self._adapter.layers).install(hooks)
                    asks = module is hooks.model and self._adapter.state is None
                    self._untold = Untold(module, self._adapter.layers, asks, self._recording)
                    self._untold.install(hooks)
        if self._adapter.initial is not None and self.wants(INITIAL):
            hooks.before(self.module, self._before_call)

    def on_step(self, module: object, args: Args, kwargs: Kwargs, output: object) -> None:
        """Forward hook of a module of ours: one time step."""
        self._on_call(self.path, module, args, kwargs, output)

    # --- before and after a call ---------------------------------------------------------------------------

    def _before_call(self, module: object, args: Args, kwargs: Kwargs) -> None:
        """Copy the memory if this may be a first step: what begins an iteration is known after the call."""
        self._before.memory = None
        may_begin = self._recording.may_begin
        if (self._recording.is_passing_by and not may_begin) or in_backward():
            return
        part = None if may_begin else self._recording.part(self.index)
        is_first = part is None or (part.is_empty and not part.layers)
        # within a call of the model, steps of other shapes begin no iteration
        if part is not None and not is_first and (INITIAL not in part.first or self._recording.is_inside):
            return
        try:
            with sys.modules["torch"].no_grad():
                given = self._adapter.initial(module, args, kwargs)
                if given is None:
                    return
                memory = self._tensor(INITIAL, given, self._adapter.dims_of(INITIAL))
                if is_first or part is None or part.first[INITIAL].kind[0] != tuple(memory.shape):
                    self._before.memory = memory.detach().clone()
        except Exception as error:
            self._before.memory = error

    def _take_first(self) -> None:
        memory = self._before.memory
        if isinstance(memory, Exception):
            raise memory
        if memory is not None:
            self._recording.first(self.index, INITIAL, memory, self.prefix)

    def _on_call(self, path: str, module: object, args: Args, kwargs: Kwargs, output: object) -> None:
        part = None if in_backward() else self._recording.part(self.index)
        if part is None:
            return
        with sys.modules["torch"].no_grad():
            given = self._adapter.function(module, args, kwargs, output)
            tensors = self._tensors(module, given)
            coords = self._adapter.coords
            if callable(coords):
                coords = coords(module, args, kwargs, output)
            told = self._coords.told(coords, tensors, self._dims, self.prefix) if coords else {}
        if self.is_stepwise:
            self._take_step(part, given, tensors, told)
        else:
            for name, tensor in tensors.items():
                self._recording.call(self.index, (name, path), tensor, self.prefix + name)
            self._take_told(told)

    def _take_step(
        self,
        part: Part,
        given: Mapping[str, Any],
        tensors: Mapping[str, Any],
        told: Mapping[str, dict[str, Any]],
    ) -> None:
        """Record one step, and whole sequences; a call that gives such alone is no step by itself."""
        if part.is_empty and not part.layers:
            self._take_first()
        steps = dict(tensors)
        for name in self._sequence_names and [name for name in tensors if name in self._sequence_names]:
            self._recording.whole(self.index, name, steps.pop(name), self.prefix)
        if self._untold is not None and steps:
            before = part.num_steps * self._adapter.layers + len(part.layers)
            self.problem = self._untold.look(given, before)
        if self._layer and not self._is_last_layer(part, steps):
            return
        is_step = steps or self._sequence_names.isdisjoint(given)
        if is_step and self._recording.steps(self.index, list(steps), [list(steps.values())], self.prefix):
            self._take_first()
        if told:
            self._take_told(told)

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

    def _tensors(self, module: object, given: object) -> dict[str, Any]:
        """What the function gave, as one tensor for each array that is wanted."""
        if not isinstance(given, Mapping):
            raise RecordingError(
                f"the adapter of {type(module).__name__} must return a dict of tensors by name, got "
                f"{type(given).__name__}."
            )
        found, known, kind = {}, self._dims, sys.modules["torch"].Tensor
        for name, value in given.items():
            if name not in known:
                known[name] = self._adapter.dims_of(name) if self.wants(check_name(name)) else None
            dims = known[name]
            if dims is not None:
                is_it = isinstance(value, kind) and value.ndim == len(dims)
                found[name] = value if is_it else self._tensor(name, value, dims)
        return found

    def _tensor(self, name: str, value: object, dims: tuple[str, ...]) -> Any:
        """The value as one tensor with the declared axes."""
        torch = sys.modules["torch"]
        if isinstance(value, (list, tuple)) and value and all(isinstance(v, torch.Tensor) for v in value):
            if "head" not in dims:
                raise AxisError(
                    f"{self.prefix}{name}: the adapter of {type(self.module).__name__} gave a list of "
                    f"{len(value)} tensors, which become an axis 'head', got axes {dims}. Declare 'head' "
                    "among them, or return one tensor."
                )
            value = torch.stack(list(value), dim=dims.index("head"))
        if not isinstance(value, torch.Tensor):
            raise RecordingError(
                f"{self.prefix}{name}: the adapter of {type(self.module).__name__} must give a tensor, got "
                f"{type(value).__name__}. Pick the tensor out of it, or leave the name out."
            )
        if value.ndim != len(dims):
            is_layer = dims[0] == "layer" and value.ndim == len(dims) - 1
            helps = "Reshape it there, or declare its axes: dims={...}"
            if is_layer:
                helps = f"If a call is a layer, say calls='layer'; if a step, dims={{{name!r}: {dims[1:]}}}"
            elif value.ndim == len(dims) - 1 and dims[1:2] == ("head",):
                helps = f"A single head? Add its axis: {name}[:, None]"
            elif value.ndim == len(dims) + 1 and "time" not in dims:
                helps = f"A whole sequence in one call? Say so: dims={{{name!r}: {('time', *dims)}}}"
            raise ShapeError(
                f"{self.prefix}{name} must have axes {dims} at each call, got shape {tuple(value.shape)} "
                f"from the adapter of {type(self.module).__name__}. "
                f"{helps}."
            )
        return value

    # --- labels and masks ----------------------------------------------------------------------------------

    def _take_told(self, told: Mapping[str, dict[str, Any]]) -> None:
        """Keep what a call, which was just recorded, gave beside its arrays; one mask of several once."""
        copies: dict[int, HostCopy | None] = {}
        for name, of_one in told.items():
            for key, given in of_one.items():
                part = self._recording.part(self.index)
                if part is None:  # there was no room
                    return
                if isinstance(given, Coord):
                    held = part.labels.setdefault((name, key), given)
                    if not same_coord(held, given):
                        part.labels[name, key] = None
                    continue
                dims, values = given
                if id(values) not in copies:
                    copies[id(values)] = self._recording.copy(values, f"{self.prefix}{name}: {key}")
                copy = copies[id(values)]
                if copy is not None:
                    part.coords.append((MaskKey(name, key, self._number(part, name), dims), copy))

    def _number(self, part: Part, name: str) -> int:
        """Of the last call that gave an array."""
        if not self.is_stepwise:
            return [called for (called, _), _ in part.calls].count(name) - 1
        return (len(part.whole[name]) if name in self._sequence_names else part.num_steps) - 1

    def batch_axis_of_coord(self, key: MaskKey, copy: HostCopy) -> int | None:
        """As the mask's axes say."""
        del copy
        dims: tuple[str, ...] = key.dims
        return dims.index("batch") if "batch" in dims else None

    # --- arrays --------------------------------------------------------------------------------------------

    def describe(self, name: str, size: int) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
        """As declared, with ``time`` leading."""
        del size
        dims = tuple(dim for dim in self._adapter.dims_of(name) if dim != "time")
        dims = dims if name == INITIAL else ("time", *self._layer, *dims)
        return dims, self._adapter.attrs_of(name), self._coords.fixed.get(name, {})

    @property
    def _layer(self) -> tuple[str, ...]:
        """The axis of the layers that share the module."""
        return ("layer",) if self._adapter.layers > 1 else ()

    def batch_axis(self, key: tuple[str, str]) -> int:
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
        del timed
        found = {}
        for name in dict.fromkeys(name for (name, _), _ in part.calls):
            calls = [(path, copy) for (called, path), copy in part.calls if called == name]
            dims = self._adapter.dims_of(name)
            values = [copy.values() for _, copy in calls]
            self._check_calls(name, [value.shape for value in values])
            masks = masks_of_calls(name, part)
            coords: dict[str, Any] = {
                axis: coord for (array, axis), coord in part.labels.items() if array == name and coord
            }
            if self._adapter.calls == "layer":
                sizes = dict(zip(dims, values[0].shape, strict=True))
                of_each = [(masks.get(number, {}), sizes) for number in range(len(calls))]
                coords |= telling(joined_masks(of_each, "layer", new=True))
                dims = ("layer", *dims)
                if len(self._modules) > 1:
                    coords["layer"] = [path for path, _ in calls]
            else:
                coords |= telling(masks.get(0, {}))
            attrs = self._adapter.attrs_of(name)
            if calls[0][1].source_dtype is not None:
                attrs["source_dtype"] = calls[0][1].source_dtype
            joined = np.stack(values) if self._adapter.calls == "layer" else values[0]
            found[name] = Found((joined,), dims, attrs, coords, self._coords.fixed.get(name, {}))
        return found

    def _check_calls(self, name: str, shapes: Sequence[tuple[int, ...]]) -> None:
        if self._adapter.calls == "once" and len(shapes) > 1:
            raise RecordingError(
                f"{self.prefix}{name} was declared with calls='once', got {len(shapes)} calls within one "
                "iteration. Declare them as calls='time' or calls='layer'."
            )
        if len(set(shapes)) > 1:
            raise ShapeError(
                f"{self.prefix}{name}: layers must have one shape, got {', '.join(map(str, shapes))}. Give "
                "each a name of its own."
            )
