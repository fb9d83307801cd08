"""What the caller knows of an iteration, and hands over: whole sequences, such as the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nsm_widgets._axes import check_dims, format_dims
from nsm_widgets._errors import AxisError, DtypeError, RecordingError, ShapeError, warn_or_log, words_of
from nsm_widgets.trace.arrays._array import check_name
from nsm_widgets.trace.arrays._known import KNOWN, default_kind
from nsm_widgets.trace.record._hooks import Hooks
from nsm_widgets.trace.record.sources._source import Source

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nsm_widgets.trace.record._recording import Recording


class HandedSource(Source):
    """No module: what :meth:`TraceRecorder.record` is given.

    Args:
        model: The watched model.
        strict: Whether what cannot be kept is raised; else it is left out, and told once.
    """

    follows = True

    def __init__(self, model: nn.Module, *, strict: bool) -> None:
        super().__init__("", model)
        self._strict = strict
        self._dims: dict[str, tuple[str, ...]] = {}

    def begin(self, hooks: Hooks, recording: Recording) -> None:
        """A block begins."""
        self._dims = {}
        super().begin(hooks, recording)

    def install(self, hooks: Hooks) -> None:
        """Nothing hangs on the model."""

    def names(self) -> Sequence[str]:
        """All that was given so far."""
        return tuple(self._dims)

    def describe(self, name: str, size: int) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
        """Axes, attrs and labels of an array."""
        del size
        dims, attrs = self._dims[name], {}
        if dims == (known := KNOWN.get(name, _NOTHING))[0]:
            attrs["description"] = known[2]
        if (kind := default_kind(name)) is not None:
            attrs["kind"] = kind
        return dims, attrs, {}

    def take(self, values: object, dims: object) -> None:
        """Keep arrays by name with the iteration that runs.

        Raises:
            NsmWidgetsError: If ``strict``, and one cannot be kept.
        """
        try:
            if not isinstance(values, Mapping):
                raise DtypeError(
                    f"record takes tensors by name, got {type(values).__name__}. record(target=target)."
                )
            if dims is not None and not isinstance(dims, Mapping):
                raise AxisError(
                    f"dims must map names to axes, got {type(dims).__name__}. "
                    "dims={'reward': ('time', 'batch')}."
                )
            for name, value in values.items():
                self._take(check_name(name), value, (dims or {}).get(name))
        except Exception as error:  # of a foreign tensor any
            if self._strict:
                raise
            if not self.problem:
                self.problem = f"record(...): {words_of(error)}"
                warn_or_log(f"what was handed over is left out, and the training goes on: {words_of(error)}")

    def _take(self, name: str, value: object, dims: object) -> None:
        if self._recording.may_begin:
            raise RecordingError(
                f"{name} belongs to the iteration that runs, and none does yet. Call record(...) after the "
                "model, or inside of sequence()."
            )
        if self._recording.is_passing_by:
            return
        tensor = _tensor(name, value)
        found = _dims_of(name, tensor.shape, dims)
        if self._dims.setdefault(name, found) != found:
            raise AxisError(
                f"{name} must have the axes that it had before, {format_dims(self._dims[name])}, got "
                f"{format_dims(found)}."
            )
        self._recording.whole(self.index, name, tensor, self.prefix)


_NOTHING: tuple[tuple[str, ...], str, str] = ((), "", "")


def _tensor(name: str, value: object) -> Tensor:
    import torch

    if isinstance(value, torch.Tensor):
        return value
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DtypeError(f"{name} must be a tensor of numbers, got {type(value).__name__}.") from error


def _dims_of(name: str, shape: Sequence[int], dims: object) -> tuple[str, ...]:
    """Its axes, as given or as known by its name."""
    known = KNOWN.get(name)
    if dims is not None:
        found = check_dims(dims, len(shape), name)
    elif known is None:
        raise AxisError(
            f"{name} is no well-known name, so its {len(shape)} axes must be named: "
            f"record({name}={name}, dims={{{name!r}: ('time', 'batch', ...)}})."
        )
    else:
        found = known.dims
    if len(found) != len(shape):
        raise ShapeError(f"{name} must have axes {format_dims(found)}, got shape {tuple(shape)}.")
    if found[:1] != ("time",):
        raise AxisError(
            f"{name} must have a step for each of the iteration, so its first axis must be time, got "
            f"{format_dims(found)}."
        )
    return found
