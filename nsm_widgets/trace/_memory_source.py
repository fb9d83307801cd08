"""What the recorder knows of ``nsm_widgets.ntm``: a memory's steps, and the NTM around it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from nsm_widgets.trace._known import KNOWN
from nsm_widgets.trace._select import Select
from nsm_widgets.trace._source import Hooks, Source, in_backward

_STAGES = (
    "key",
    "strength",
    "gate",
    "shift",
    "sharpening",
    "content_weights",
    "gated_weights",
    "shifted_weights",
    "weights",
)  # AddressingStages' fields, in its order; a test holds them equal

NAMES = (
    "memory",
    "read_vectors",
    *(f"read_{stage}" for stage in _STAGES),
    *(f"write_{stage}" for stage in _STAGES),
    "write_erase",
    "write_add",
)
"""What is recorded of each step of a ``MemoryAccess``."""


class MemorySource(Source):
    """The steps of one ``MemoryAccess``, and the input and output of the NTM around it.

    Args:
        path: The path that its names begin with: that of the ``NTM`` where it is the only memory in it.
        access: The ``MemoryAccess``.
        owner: The ``NTM`` that it belongs to, if any.
    """

    def __init__(self, path: str, access: Any, owner: Any) -> None:
        super().__init__(path, access)
        self._owner = owner
        self._signature = inspect.signature(access.forward)
        self._picked: list[int] | None = None

    def choose(self, select: Select) -> None:
        """Take in what is to be recorded; the type of the ``NTM`` around it counts as its own."""
        if self._owner is not None and select.wants_module(self.path, self._owner):
            return
        super().choose(select)

    def names(self) -> Sequence[str]:
        """All of the table that a step gives, and the sequences of the NTM."""
        return (*NAMES, "initial_memory", *(("input", "output") if self._owner is not None else ()))

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        picked = [index for index, name in enumerate(NAMES) if self.wants(name)]
        self._picked = None if len(picked) == len(NAMES) else picked
        self._step_names = [NAMES[index] for index in picked]
        self._step_hook: Any = None
        self._listen(True)
        hooks.callback(lambda: self._listen(False))
        self._recording.listen.append(self._listen)
        if self._owner is not None:
            hooks.add(self._owner.register_forward_pre_hook(self.on_sequence_start, with_kwargs=True))
            hooks.add(self._owner.register_forward_hook(self.on_sequence_end, with_kwargs=True))

    def _listen(self, recorded: bool) -> None:
        """Hang on the hook of the steps, or take it off while an iteration passes by."""
        if recorded and self._step_hook is None:
            self._step_hook = self.module.register_forward_hook(self.on_step, with_kwargs=True)
        elif not recorded and self._step_hook is not None:
            self._step_hook.remove()
            self._step_hook = None

    def on_step(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Forward hook of ``MemoryAccess``: one time step."""
        if self._recording.is_passing_by or in_backward():
            return
        part = self._recording.part(self.index)
        if part is None:
            return
        if not part.num_steps and self.wants("initial_memory"):
            state = self._signature.bind(*args, **kwargs).arguments["state"]
            self._recording.first(self.index, "initial_memory", state.memory, self.prefix)
        memory = output.state.memory
        values: Sequence[Any] = (
            memory,
            output.read_vectors,
            *output.read,
            *output.write,
            output.erase,
            output.add,
        )
        if self._picked is not None:
            values = [values[index] for index in self._picked]
        self._recording.step(self.index, self._step_names, values, self.prefix)

    def on_sequence_start(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Forward pre-hook of ``NTM``: a forward from no state, its second argument, starts a sequence."""
        state = args[1] if len(args) > 1 else kwargs.get("state")
        if state is not None or in_backward():
            return
        if not self._boundary.is_inside:  # called by itself, not by the model that is watched
            self._recording.begin()
        part = self._recording.part(self.index)
        if part is not None:
            part.starts.append(part.num_steps)

    def on_sequence_end(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Forward hook of ``NTM``: input and output of all steps of a sequence."""
        if self._recording.is_passing_by or in_backward():
            return
        inputs = args[0] if args else kwargs["inputs"]
        for name, tensor in (("input", inputs), ("output", output.outputs)):
            if self.wants(name):
                self._recording.whole(self.index, name, tensor, self.prefix)

    def order(self, names: Sequence[str]) -> list[str]:
        """In the order of the table, whatever the order of the hooks."""
        return [name for name in KNOWN if name in names]

    def describe(self, name: str, size: int) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
        """Axes, attrs and labels of an array, whose last axis has this size."""
        entry = KNOWN[name]
        attrs: dict[str, Any] = {"kind": entry.kind, "description": entry.description}
        if entry.kind == "weights":
            attrs["memory_seen"] = self.module.reads_from
        coords = {"offset": [offset - size // 2 for offset in range(size)]} if "offset" in entry.dims else {}
        return entry.dims, attrs, coords
