"""The tensors of one time step, copied into buffers all at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace._convert import tensor_view
from nsm_widgets.trace._growing import GrowingArray


class StepBuffer:
    """Growing memory for the same tensors at every step.

    A step's tensors of one dtype are laid side by side into one row: one copy, and from a GPU one transfer,
    where one for each tensor would cost several times as much as the model's own step does.

    Args:
        tensors: The tensors of a first step by name; only their shapes and dtypes are taken.
        prefix: Goes before a name in errors.

    Raises:
        DtypeError: If NumPy cannot hold a tensor's values.
    """

    def __init__(self, tensors: Mapping[str, Any], prefix: str) -> None:
        self._torch = sys.modules["torch"]
        self._prefix = prefix
        self._names = list(tensors)
        self._shapes = [tensor.shape for tensor in tensors.values()]
        self._dtypes = [tensor.dtype for tensor in tensors.values()]
        self.source_dtypes: dict[str, str | None] = {}
        self._groups: list[_Group] = []
        by_row: dict[Any, list[int]] = {}
        for index, (name, tensor) in enumerate(tensors.items()):
            _, self.source_dtypes[name] = tensor_view(tensor, prefix + name)
            by_row.setdefault((tensor.dtype, tensor.device), []).append(index)
        for members in by_row.values():
            self._groups.append(_Group(members, [self._shapes[index] for index in members]))

    def __len__(self) -> int:
        return len(self._groups[0].rows) if self._groups[0].rows is not None else 0

    def append(self, tensors: Mapping[str, Any]) -> None:
        """Copy one step in, all of it or, where a tensor does not fit, none.

        Raises:
            RecordingError: If a shape or dtype is not that of the first step.
        """
        values = list(tensors.values())
        if [value.shape for value in values] != self._shapes or [
            value.dtype for value in values
        ] != self._dtypes:
            self._refuse(values)
        with self._torch.no_grad():
            rows = [self._row([values[index] for index in group.members]) for group in self._groups]
        for group, row in zip(self._groups, rows, strict=True):
            group.append(row)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """A copy of all steps so far by name, time leading, read-only."""
        arrays: dict[str, NDArray[Any]] = {}
        for group in self._groups:
            for index, values in zip(group.members, group.split(), strict=True):
                arrays[self._names[index]] = values
        return arrays

    def _row(self, tensors: list[Any]) -> NDArray[Any]:
        return tensor_view(self._torch.cat([tensor.reshape(-1) for tensor in tensors]), "step")[0]

    def _refuse(self, values: list[Any]) -> None:
        for name, value, shape, dtype in zip(self._names, values, self._shapes, self._dtypes, strict=True):
            check_same(self._prefix + name, (tuple(shape), dtype), (tuple(value.shape), value.dtype))


class _Group:
    """Tensors that share a row: which they are, and where each of them lies in it."""

    def __init__(self, members: list[int], shapes: list[Any]) -> None:
        self.members = members
        self.rows: GrowingArray | None = None
        self._shapes = [tuple(shape) for shape in shapes]
        self._ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes]).tolist()

    def append(self, row: NDArray[Any]) -> None:
        if self.rows is None:
            self.rows = GrowingArray(row)
        self.rows.append(row)

    def split(self) -> list[NDArray[Any]]:
        if self.rows is None:
            return []
        table = self.rows.values()
        parts = []
        for shape, end in zip(self._shapes, self._ends, strict=True):
            part = table[:, end - int(np.prod(shape)) : end].copy()
            part.shape = (len(table), *shape)
            part.flags.writeable = False
            parts.append(part)
        return parts


def check_same(name: str, first: tuple[tuple[int, ...], object], now: tuple[tuple[int, ...], object]) -> None:
    """Refuse a step whose shape (batch first) or dtype is not that of the first step.

    Raises:
        RecordingError: With what it was and what it is.
    """
    (first_shape, first_dtype), (shape, dtype) = first, now
    if dtype != first_dtype:
        raise RecordingError(
            f"{name} must keep its dtype within one recording: it began with {first_dtype}, got {dtype}. "
            "Record each run with a TraceRecorder of its own."
        )
    if shape != first_shape:
        what = "batch size" if shape[1:] == first_shape[1:] else "shape"
        raise RecordingError(
            f"{name} must keep its {what} within one recording: it began with {first_shape} (batch first), "
            f"got {shape}. Record each batch with a TraceRecorder of its own."
        )
