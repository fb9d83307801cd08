"""Modules of ours that say by a function what a call of theirs gives: a DNC's memory, parts of a machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.record._hooks import Owner, in_backward
from nsm_widgets.trace.record.sources import _dnc, _nsm
from nsm_widgets.trace.record.sources._owned import OwnedSource


@dataclass(frozen=True)
class StepsOf:
    """What each call of a module says: as well-known arrays (``_known.py``), but for what stands here."""

    function: Callable[..., dict[str, Any]]
    """From module, args, kwargs and output to tensors by name, batch leading."""
    names: tuple[str, ...]
    initial: Callable[..., dict[str, Any]] | None = None
    """From module, args and kwargs to ``initial_memory``."""
    dims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Axes of one call."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    memory_seen: Mapping[str, str] = field(default_factory=dict)
    coords: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Labels by axis."""
    masks: Callable[..., dict[str, Any]] | None = None
    """From module, args and kwargs to the masks that a call was given, True where a value counts."""


def steps_by_type() -> dict[type, StepsOf]:
    """What there is of this sort; the models are loaded here."""
    from nsm_widgets.dnc import DNCAccess
    from nsm_widgets.nsm import StateCommunication, StateManager, StatePropagator, TokenToStateRouter

    parts: dict[type, tuple[Callable[..., dict[str, Any]], tuple[str, ...]]] = {
        TokenToStateRouter: (_nsm.router_arrays, ("routed_tokens", "routing_weights")),
        StateCommunication: (_nsm.communication_arrays, ("messages", "communication_weights")),
        StatePropagator: (_nsm.propagator_arrays, ("state_vectors", "state_update")),
        StateManager: (_nsm.manager_arrays, ("state_importance",)),
    }
    dnc = StepsOf(
        _dnc.dnc_access_arrays,
        _dnc.NAMES_OF_DNC,
        initial=_dnc.dnc_initial_arrays,
        kinds=_dnc.KINDS_OF_DNC,
        descriptions=_dnc.SAID_OF_DNC,
        memory_seen=_dnc.SEEN_BY_DNC,
        coords={"mode": _dnc.READ_MODES},
    )
    machine = {
        kind: StepsOf(function, names, dims=_nsm.DIMS_OF_NSM, masks=_nsm.masks_given)
        for kind, (function, names) in parts.items()
    }
    return {DNCAccess: dnc, **machine}


def steps_of(module: Any, table: Mapping[type, StepsOf]) -> StepsOf | None:
    """The entry for a module, the nearest type first."""
    return next((table[base] for base in type(module).__mro__ if base in table), None)


class StepSource(OwnedSource):
    """The steps of one such module.

    Args:
        path: Its path.
        module: The module.
        said: What a call of it says.
        owner: The model that it belongs to, if any.
        sequences: What this source takes of the owner's whole forwards.
    """

    def __init__(
        self, path: str, module: Any, said: StepsOf, owner: Owner | None, sequences: Sequence[str] = ()
    ) -> None:
        super().__init__(path, module, owner, said.names, sequences)
        self._said = said

    def names(self) -> Sequence[str]:
        """All that a step gives, what was before the first, and the sequences of the owner."""
        return (*super().names(), *(("initial_memory",) if self._said.initial else ()))

    def on_step(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Forward hook of the module: one time step."""
        if self._recording.is_passing_by or in_backward():
            return
        part = self._recording.part(self.index)
        if part is None:
            return
        with sys.modules["torch"].no_grad():
            if not part.num_steps:
                self._take_first(module, args, kwargs)
            named = self._said.function(module, args, kwargs, output)
        if self._said.masks is not None:
            for mask, given in self._said.masks(module, args, kwargs).items():
                self._recording.coord(self.index, (mask, part.num_steps), given, self.prefix + mask)
        values = [named[name] for name in self._step_names]
        if self._recording.step(self.index, self._step_names, values, self.prefix):
            self._take_first(module, args, kwargs)

    def _take_first(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The memory before the first step."""
        if self._said.initial is not None and self.wants("initial_memory"):
            with sys.modules["torch"].no_grad():
                for name, tensor in self._said.initial(module, args, kwargs).items():
                    self._recording.first(self.index, name, tensor, self.prefix)

    def describe(self, name: str, size: int) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
        """Axes, attrs and labels of an array: those of the table, and what is otherwise here."""
        del size
        entry, said = KNOWN[name], self._said
        dims = ("time", *said.dims[name]) if name in said.dims else entry.dims
        attrs: dict[str, Any] = {
            "kind": said.kinds.get(name, entry.kind),
            "description": said.descriptions.get(name, entry.description),
        }
        if name in said.memory_seen:
            attrs["memory_seen"] = said.memory_seen[name]
        return dims, attrs, {dim: list(labels) for dim, labels in said.coords.items() if dim in dims}
