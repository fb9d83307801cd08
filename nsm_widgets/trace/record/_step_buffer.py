"""The tensors of one time step, copied into memory that waits for them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import NDArray

from nsm_widgets.trace.arrays._convert import check_same, held_dtype, tensor_view
from nsm_widgets.trace.record._host_copy import HostCopy, Writers

FIRST_STEPS = 32
"""Steps that the first block holds, as long as nothing is known of the length,"""

FIRST_BYTES = 4 << 20
"""and so many bytes at most, if that is more than one step."""

DEVICE_STEPS = 64
"""At most so many steps wait on a device before they leave it together."""


class Joined(NamedTuple):
    """The name of a tensor that is several arrays side by side along its second axis, the one of heads."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    """How much of the axis belongs to each."""

    def __str__(self) -> str:
        return " and ".join(self.names)


class StepLayout:
    """What every step of one module looks like: names, shapes, dtypes and devices of its tensors.

    Args:
        tensors: The tensors of a first step by name; only their shapes and dtypes are taken.
        prefix: Goes before a name in errors.

    Raises:
        DtypeError: If NumPy cannot hold a tensor's values.
    """

    def __init__(self, tensors: Mapping[str | Joined, Any], prefix: str) -> None:
        self._torch = sys.modules["torch"]
        self.prefix = prefix
        self._told = [str(name) for name in tensors]
        self.columns = _columns(list(tensors))
        self.shapes = [tensor.shape for tensor in tensors.values()]
        self.dtypes = [tensor.dtype for tensor in tensors.values()]
        self.devices = [tensor.device for tensor in tensors.values()]
        self.kind = (tuple(self._told), tuple(map(tuple, self.shapes)), tuple(map(str, self.dtypes)))
        """Equal for steps whose arrays can follow each other."""
        self.source_dtypes: dict[str, str | None] = {}
        self.held_dtypes = []
        for name, tensor in tensors.items():
            full = f"{prefix}{name}"
            held, source_dtype = held_dtype(tensor, full)
            tensor_view(tensor[:0], full)  # of a torch.func transform there are no values
            self.held_dtypes.append(held)
            self.source_dtypes |= dict.fromkeys(
                name.names if isinstance(name, Joined) else [name], source_dtype
            )
        self.step_bytes = sum(
            tensor.numel() * held.itemsize
            for tensor, held in zip(tensors.values(), self.held_dtypes, strict=True)
        )
        self.on_device = any(device.type != "cpu" for device in self.devices)

    def is_like(self, names: Sequence[str | Joined], values: Sequence[Any]) -> bool:
        """Whether a step of these tensors would be laid out alike."""
        return (
            [str(name) for name in names] == self._told
            and [value.shape for value in values] == self.shapes
            and [value.dtype for value in values] == self.dtypes
            and [value.device for value in values] == self.devices
        )

    def check(self, values: Sequence[Any]) -> None:
        """Refuse a step that differs from the first one.

        Raises:
            RecordingError: If a shape or dtype is not that of the first step.
        """
        if [value.shape for value in values] != self.shapes or [
            value.dtype for value in values
        ] != self.dtypes:
            for name, value, shape, dtype in zip(self._told, values, self.shapes, self.dtypes, strict=True):
                check_same(self.prefix + name, (tuple(shape), dtype), (tuple(value.shape), value.dtype))

    def block(self, capacity: int) -> Block:
        """Memory for so many steps, on the devices of the tensors."""
        torch = self._torch
        with torch.inference_mode(False):  # memory made in inference mode could not be written outside of it
            buffers = [
                torch.empty((capacity, *shape), dtype=dtype, device=device)
                for shape, dtype, device in zip(self.shapes, self.held_dtypes, self.devices, strict=True)
            ]
        return Block(buffers, capacity)


def _columns(names: Sequence[str | Joined]) -> dict[str, tuple[int, slice | None]]:
    """By array name: in which tensor it lies, and where along its second axis, if it shares it."""
    columns: dict[str, tuple[int, slice | None]] = {}
    for index, name in enumerate(names):
        if not isinstance(name, Joined):
            columns[name] = index, None
            continue
        start = 0
        for part, size in zip(name.names, name.sizes, strict=True):
            columns[part] = index, slice(start, start + size)
            start += size
    return columns


@dataclass(slots=True)
class Block:
    """Memory for a number of steps: a buffer for each tensor, time leading."""

    buffers: list[Any]
    capacity: int
    """How many steps it holds."""
    _rows: list[tuple[Any, ...]] = field(default_factory=list)
    _arrays: list[NDArray[Any]] = field(default_factory=list)

    def rows(self) -> list[tuple[Any, ...]]:
        """Each step's places in the buffers, made once."""
        if not self._rows:
            self._rows = list(zip(*[buffer.unbind(0) for buffer in self.buffers], strict=True))
        return self._rows

    def arrays(self) -> list[NDArray[Any]]:
        """Each buffer as NumPy sees it, made once: views where it lies on the host."""
        if not self._arrays:
            self._arrays = [HostCopy(buffer).values() for buffer in self.buffers]
        return self._arrays

    def forget_rows(self) -> None:
        """The places are known no more: hundreds of objects, which Python's collector would go through."""
        self._rows = []


class StepBuffer:
    """The steps of one module in one iteration.

    A step is one call that copies all its tensors, to places that were made before; memory that is full is
    not copied to a larger one, more is put beside it. Steps on a device wait there in blocks, and leave it
    without being waited for.

    Args:
        layout: What each step looks like.
        make: Makes or finds a block of so many steps, or of fewer; it may refuse by an error of its own.
        expected: How many steps there will be, as far as that is known.
    """

    def __init__(self, layout: StepLayout, make: Callable[[StepLayout, int], Block], expected: int) -> None:
        torch = sys.modules["torch"]
        self._no_grad = torch.no_grad
        self._copy = getattr(torch, "_foreach_copy_", _copy_each)  # one call for all, where torch has it
        self.layout = layout
        self._make = make
        self._expected = expected
        self.blocks: list[Block] = []
        self._left: list[list[HostCopy]] = []  # what has left the device, block by block
        self._before = 0  # steps in blocks that are full
        self._rows: list[tuple[Any, ...]] = []
        self._row = self._capacity = 0  # of the last block
        self._writers: Writers | None = None
        """Those of the last block, where it lies on a device."""

    def __len__(self) -> int:
        return self._before + self._row

    @property
    def spare_steps(self) -> int:
        """Steps that the last block could still take."""
        return self._capacity - self._row

    def append(self, values: Sequence[Any]) -> None:
        """Copy one step in, all of it or, where a tensor does not fit, none.

        Raises:
            RecordingError: If a shape or dtype is not that of the first step.
        """
        self._check(values)
        if self._row == self._capacity:
            self._add_block()
        if not self._rows:
            self._rows = self.blocks[-1].rows()
        if self._writers is not None:
            self._writers.come()
        with self._no_grad():
            self._copy(self._rows[self._row], values)
        self._row += 1

    def extend(self, steps: Sequence[Sequence[Any]]) -> None:
        """Copy steps that look alike and follow each other in, which costs half of one by one.

        Raises:
            RecordingError: If a shape or dtype is not that of the first step.
        """
        if len(steps) == 1 or self.layout.on_device or self.layout.dtypes != self.layout.held_dtypes:
            for values in steps:
                self.append(values)
            return
        self._check(steps[0])
        stack = sys.modules["torch"].stack
        while steps:
            if self._row == self._capacity:
                self._add_block(len(steps))
            fit, steps = steps[: self._capacity - self._row], steps[self._capacity - self._row :]
            with self._no_grad():
                for values, buffer in zip(zip(*fit, strict=True), self.blocks[-1].buffers, strict=True):
                    stack(values, out=buffer[self._row : self._row + len(fit)])
            self._row += len(fit)

    def _check(self, values: Sequence[Any]) -> None:
        layout = self.layout
        if [value.shape for value in values] != layout.shapes or [
            value.dtype for value in values
        ] != layout.dtypes:
            layout.check(values)

    def finish(self, *, reused: bool) -> None:
        """Nothing more will come: send off what still waits on a device.

        Args:
            reused: Whether the memory will be filled again.
        """
        if self.layout.on_device and self.blocks:
            self._send_off()
        self._rows = []
        if not reused:
            for block in self.blocks:
                block.forget_rows()

    def pieces(self, name: str) -> list[NDArray[Any]]:
        """The steps of one array, in one or several pieces: views, to be copied before more are added."""
        index, part = self.layout.columns[name]
        found = [copies[index].values() for copies in self._left]
        for place, block in enumerate(self.blocks):
            steps = self._row if place == len(self.blocks) - 1 else block.capacity
            if self.layout.on_device:
                copy = HostCopy(block.buffers[index][:steps], written_on=self._written_on)
                found.append(copy.values())
            else:
                found.append(block.arrays()[index][:steps])
        return found if part is None else [piece[:, :, part] for piece in found]

    def _add_block(self, least: int = 1) -> None:
        stored = self._before + self._row
        wanted = self._expected - stored
        if wanted < 1:
            first = min(FIRST_STEPS, FIRST_BYTES // max(self.layout.step_bytes, 1))
            wanted = max(stored, first)
        wanted = max(wanted, least)
        if self.layout.on_device:
            wanted = min(wanted, DEVICE_STEPS)
        block = self._make(self.layout, wanted)
        if self.layout.on_device and self.blocks:
            self._send_off()
        self._before += self._row
        self.blocks.append(block)
        self._rows, self._row, self._capacity = [], 0, block.capacity
        if self.layout.on_device:
            self._writers = Writers(block.buffers)

    def _send_off(self) -> None:
        """Start the way of the last block to the host."""
        block = self.blocks.pop()
        self._left.append(
            [HostCopy(buffer[: self._row], written_on=self._written_on) for buffer in block.buffers]
        )
        self._before, self._rows, self._row, self._capacity = self._before + self._row, [], 0, 0

    @property
    def _written_on(self) -> Sequence[Any]:
        """The streams on which the last block was written."""
        return () if self._writers is None else self._writers.streams


def _copy_each(targets: Sequence[Any], sources: Sequence[Any]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)
