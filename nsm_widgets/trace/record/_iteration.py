"""One iteration of a recording: what each of its sources gave."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._step_buffer import Block, StepBuffer, StepLayout

NO_STEP = "took no step"
FAILED = "could not be recorded"
OTHER_SHAPE = "of another shape"
OUT_OF_TURN = "over before an earlier one of another thread"


class OverBudgetError(Exception):
    """There is no room for another step; never leaves the recorder."""


@dataclass(slots=True)
class Part:
    """What one source of an iteration gave: its steps, whole sequences, and values before the first step."""

    steps: StepBuffer | None = None
    whole: dict[str, list[HostCopy]] = field(default_factory=dict)
    first: dict[str, HostCopy] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)
    calls: list[tuple[Any, HostCopy]] = field(default_factory=list)
    """What single calls gave, with a key of the source's own."""
    coords: list[tuple[Any, HostCopy]] = field(default_factory=list)
    """What belongs to calls or steps and is no array by itself, such as masks, with keys as above."""
    labels: dict[tuple[str, str], Coord | None] = field(default_factory=dict)
    """By array and axis; ``None`` where calls gave different ones."""
    num_steps: int = 0
    """How many steps were taken."""
    layers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """What some of the layers that share a module gave of a step that is not whole: in which call of the
    model, and tensors by name."""

    def cut_short_error(self) -> RecordingError:
        """The error where no other layer follows."""
        return RecordingError(
            f"{', '.join(self.layers[0][1])}: a step ended after {len(self.layers)} calls of a module whose "
            "adapter says that more layers share it. Give it as layers=... how often the module is called "
            "in one step."
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing came of it."""
        return not (self.num_steps or self.whole or self.calls)

    @property
    def kind(self) -> Hashable:
        """Names, shapes and types of its arrays: parts of one kind can lie beside each other."""
        if self.steps is not None:
            return self.steps.layout.kind
        if self.calls:
            return frozenset((key, copy.kind) for key, copy in self.calls)
        wholes = {name: copies[0].kind for name, copies in self.whole.items()}
        return frozenset((name, shape[1:], dtype) for name, (shape, dtype) in wholes.items())


@dataclass(slots=True)
class Left:
    """What a recording leaves to the next one of its recorder: touching new memory takes time."""

    layouts: dict[tuple[int, int], list[StepLayout]]
    """By source and replica."""
    blocks: list[tuple[StepLayout, Block]] = field(default_factory=list)


class Iteration:
    """One whole forward of the watched model, from no state: what each of its sources gave.

    Args:
        number: Its place among all iterations of the block, kept or not.
        num_sources: How many sources there are.
        is_anew: Whether it is known to begin a sequence, whatever state its first call was given.
    """

    def __init__(self, number: int, num_sources: int, *, is_anew: bool = False) -> None:
        self.number = number
        self.parts = [Part() for _ in range(num_sources)]
        self.more: dict[int, list[Part]] = {}
        """The parts of replicas but the first, where several run at the same time."""
        self.num_bytes = 0
        self.is_anew = is_anew
        self.thread = threading.current_thread()
        """Whose iteration it is."""

    def of_replica(self, number: int) -> list[Part]:
        """The parts of one of the replicas that run at the same time."""
        if number == 0:
            return self.parts
        return self.more.setdefault(number, [Part() for _ in self.parts])

    def of_source(self, source: int) -> list[Part]:
        """What all replicas gave of one source, in their order."""
        return [self.parts[source], *(self.more[number][source] for number in sorted(self.more))]

    def all_parts(self) -> Iterator[tuple[tuple[int, int], Part]]:
        """Each part by its source and replica."""
        for number, parts in ((0, self.parts), *self.more.items()):
            yield from (((source, number), part) for source, part in enumerate(parts))

    def cut_short(self) -> RecordingError | None:
        """The error where its last step is not whole."""
        return next((part.cut_short_error() for _, part in self.all_parts() if part.layers), None)

    @property
    def kind(self) -> Hashable:
        """Names, shapes and types of its arrays, by source and replica."""
        return tuple(part.kind for _, part in self.all_parts())

    @property
    def is_empty(self) -> bool:
        """Whether nothing came of it."""
        return all(part.is_empty for _, part in self.all_parts())
