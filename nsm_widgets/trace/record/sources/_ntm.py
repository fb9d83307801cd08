"""What the recorder knows of ``nsm_widgets.ntm``: a memory's steps, and the model around it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.record._hooks import Hooks, Observer, Owner, in_backward
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record._listening import Args, Kwargs
from nsm_widgets.trace.record._step_buffer import Joined
from nsm_widgets.trace.record.sources._owned import OwnedSource

if TYPE_CHECKING:
    from torch import Tensor

    from nsm_widgets.ntm import MemoryAccess, MemoryAccessOutput, NTMState
    from nsm_widgets.ntm.fused_cell import StepTaken

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


class _StepHook:
    """A forward hook of ``MemoryAccess`` that only looks, so that the model may show it what it has as it is.

    See ``nsm_widgets._torch_modes.step_watchers``.
    """

    def __init__(self, on_step: Observer, take_steps: Observer) -> None:
        self._on_step = on_step
        self.takes_steps = take_steps

    def __call__(self, module: object, args: Args, kwargs: Kwargs, output: object) -> None:
        self._on_step(module, args, kwargs, output)


class MemorySource(OwnedSource):
    """The steps of one ``MemoryAccess``, and the sequences of the model around it.

    Args:
        path: Its path; that of the ``NTM`` where it is the only memory in it.
        access: The ``MemoryAccess``.
        owner: The model that it belongs to, if any: an ``NTM`` or a ``NeuralStateMachine``.
    """

    def __init__(self, path: str, access: MemoryAccess, owner: Owner | None) -> None:
        super().__init__(path, access, owner, NAMES, () if owner is None else owner.sequences)
        self._picked: list[int] | None = None
        self._joined: Sequence[str | Joined] | None = None

    def names(self) -> Sequence[str]:
        """All of the table that a step gives, and the sequences of the model."""
        return (*super().names(), "initial_memory")

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        picked = [index for index, name in enumerate(NAMES) if self.wants(name)]
        self._picked = None if len(picked) == len(NAMES) else picked
        self._joined = None
        super().install(hooks)

    def step_hook(self) -> Any:
        """One that may be shown a step's tensors as they are."""
        guarded = self._recording.guarded
        return _StepHook(guarded(self.on_step), guarded(self.take_steps))

    def on_step(self, module: object, args: Args, kwargs: Kwargs, output: MemoryAccessOutput) -> None:
        """Forward hook of ``MemoryAccess``: one time step."""
        del module
        part = self._wanted_part()
        if part is None:
            return
        if not part.num_steps:
            self._take_first(self._before(args, kwargs))
        if self._joined is None:  # how the first step is recorded, all are
            self._joined = () if self._picked is not None else _joined_names(output)
        beside = (output.erase, output.add)
        if self._joined:
            values = [output.state.memory, output.read_vectors, *_together(output), *beside]
            began = self._recording.steps(self.index, self._joined, [values], self.prefix)
        else:
            values = [output.state.memory, output.read_vectors, *output.read, *output.write, *beside]
            if self._picked is not None:
                values = [values[index] for index in self._picked]
            began = self._recording.steps(self.index, self._step_names, [values], self.prefix)
        if began:
            self._take_first(self._before(args, kwargs))

    def take_steps(self, before: NTMState, steps: Sequence[StepTaken]) -> None:
        """The same of each ``StepTaken``, whose heads are still together, from the state before the first."""
        part = self._wanted_part()
        if part is None:
            return
        if not part.num_steps:
            self._take_first(before)
        kinds = steps[0].kinds
        if self._joined is None:
            self._joined = () if self._picked is not None else _names_of(kinds)
        if self._joined:
            values = [[step.memory, step.read_vectors, *step.stages, step.erase, step.add] for step in steps]
            self._recording.steps(self.index, self._joined, values, self.prefix)
            return
        values = []
        for step in steps:
            parts = [stage.split_with_sizes(kinds, dim=1) for stage in step.stages]
            of_read, of_write = zip(*parts, strict=True)
            made = [step.memory, step.read_vectors, *of_read, *of_write, step.erase, step.add]
            values.append(made if self._picked is None else [made[index] for index in self._picked])
        self._recording.steps(self.index, self._step_names, values, self.prefix)

    def _before(self, args: Args, kwargs: Kwargs) -> Any:
        """The state before a step."""
        return self._signature.bind(*args, **kwargs).arguments["state"]

    def _wanted_part(self) -> Part | None:
        """Where this step goes, if it is recorded."""
        if self._recording.is_passing_by or in_backward():
            return None
        return self._recording.part(self.index)

    def _take_first(self, before: NTMState) -> None:
        """The memory before the first step."""
        if self.wants("initial_memory"):
            self._recording.first(self.index, "initial_memory", before.memory, self.prefix)

    def describe(self, name: str, size: int) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
        """Axes, attrs and labels of an array, whose last axis has this size."""
        entry = KNOWN[name]
        attrs: dict[str, Any] = {"kind": entry.kind, "description": entry.description}
        if entry.kind == "weights":
            attrs["memory_seen"] = self.module.reads_from
        coords = {"offset": [offset - size // 2 for offset in range(size)]} if "offset" in entry.dims else {}
        return entry.dims, attrs, coords


def _joined_names(output: MemoryAccessOutput) -> Sequence[str | Joined]:
    """The names of what a step copies where read and write heads share their tensors; none where not."""
    if not _are_together(output):
        return ()
    return _names_of([output.read.key.shape[1], output.write.key.shape[1]])


def _names_of(kinds: Sequence[int]) -> Sequence[str | Joined]:
    """The names of a step's tensors, of which so many heads read and so many write."""
    sizes = tuple(kinds)
    stages = [Joined((f"read_{stage}", f"write_{stage}"), sizes) for stage in _STAGES]
    return ("memory", "read_vectors", *stages, "write_erase", "write_add")


def _are_together(output: MemoryAccessOutput) -> bool:
    """Whether both kinds of heads are what one tensor was split into; another hook may have put others."""
    return getattr(output.read, "write", None) is output.write


def _together(output: MemoryAccessOutput) -> Sequence[Any]:
    """The stages of all heads, the read heads first."""
    if _are_together(output):
        stages: Sequence[Tensor] = getattr(output.read, "together", ())
        return stages
    torch = sys.modules["torch"]
    with torch.no_grad():
        return [torch.cat(pair, dim=1) for pair in zip(output.read, output.write, strict=True)]
