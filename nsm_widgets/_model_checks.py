"""Checks on tensors handed in from outside. Cheap enough to run at every time step: no value is read."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from nsm_widgets._errors import DtypeError, ShapeError, UnknownOptionError, warn_or_log

SUPPORTED_DTYPES = (torch.float32, torch.float64)


def check_tensor(name: str, value: object) -> Tensor:
    """Return ``value`` if it is a float32 or float64 tensor that holds numbers.

    Raises:
        DtypeError: If it is a list, an array, complex, integer, half precision, sparse, or on the meta
            device.
    """
    if not isinstance(value, Tensor):
        raise DtypeError(
            f"{name} must be a torch.Tensor, got {type(value).__name__}. Convert it: torch.as_tensor({name})."
        )
    if value.dtype not in SUPPORTED_DTYPES:
        remedy = "Take its real part." if value.is_complex() else f"Convert it: {name}.float()."
        raise DtypeError(f"{name} must be float32 or float64, got {value.dtype}. {remedy}")
    if value.is_meta:
        raise DtypeError(
            f"{name} must hold values, got a tensor on the meta device. "
            "Create it on a real device, such as 'cpu'."
        )
    if value.layout is not torch.strided:
        raise DtypeError(f"{name} must be dense, got layout {value.layout}. Convert it: {name}.to_dense().")
    return value


def check_shape(name: str, value: Tensor, axes: str, expected: tuple[int, ...], remedy: str = "") -> None:
    """Raise unless ``value`` has exactly the ``expected`` shape.

    ``axes`` names the axes in order, as in ``"batch, head, slot"``; ``remedy`` replaces the general advice.

    Raises:
        DtypeError: If ``value`` is not a tensor.
        ShapeError: If rank or size differ. Nothing is ever broadcast into place.
    """
    if isinstance(value, Tensor) and value.shape == expected:
        return
    check_tensor(name, value)
    if not remedy:
        missing = len(expected) - value.ndim
        remedy = (
            f"It lacks {missing} of the axes ({axes})."
            if missing > 0
            else f"It has {-missing} axes too many."
            if missing < 0
            else f"Reorder or resize its axes to ({axes})."
        )
    raise ShapeError(
        f"{name} must have shape ({axes}) = {tuple(expected)}, got {tuple(value.shape)}. {remedy}"
    )


def check_matches(name: str, value: Tensor, like: Tensor, like_name: str) -> None:
    """Raise unless ``value`` has the dtype and device of ``like``.

    Raises:
        DtypeError: If one of them differs.
    """
    if value.dtype != like.dtype:
        raise DtypeError(
            f"{name} must have the dtype of {like_name}, {like.dtype}, got {value.dtype}. "
            f"Convert one of them: {name}.to({like.dtype})."
        )
    if value.device != like.device:
        raise DtypeError(
            f"{name} must be on the device of {like_name}, {like.device}, got {value.device}. "
            f"Move one of them: {name}.to('{like.device}')."
        )


def check_sequence(given: object, size: int, like: Tensor) -> None:
    """Raise unless inputs can be run over: ``(time, batch, channel)``, ``size`` channels, none empty.

    ``like`` is a parameter of the model.

    Raises:
        DtypeError: If it is no tensor of the dtype and on the device of ``like``.
        ShapeError: If rank or size do not fit.
    """
    inputs = check_tensor("inputs", given)
    if inputs.ndim != 3:
        raise ShapeError(
            f"inputs must have axes (time, batch, channel), got shape {tuple(inputs.shape)}. "
            "A single sequence? Add its batch axis: inputs[:, None]."
        )
    if inputs.shape[2] != size:
        raise ShapeError(
            f"inputs must have {size} channels on the last axis (time, batch, channel), "
            f"got shape {tuple(inputs.shape)}. The model was built with input_size={size}."
        )
    if 0 in inputs.shape:
        raise ShapeError(
            f"inputs must hold at least one step and one batch item, got shape {tuple(inputs.shape)}. "
            "Leave empty sequences out."
        )
    check_matches("inputs", inputs, like, "the model")


_alone: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()
"""How many calls running a model was given one step of several items and no state; two at most."""


def warn_if_batch_leads(model: nn.Module, inputs: Tensor, state: object, name: str = "inputs") -> None:
    """Warn once of a model whose sequences came with the batch first, where that can be told.

    Told it can be of calls with one step, several items and no state, two of them running: a memory that
    begins anew at each step has nothing to remember. Either sequences were given as ``(batch, time)``, one
    at a time, or the state was not handed on. Of several steps nobody can know which axis is time.
    """
    if torch.compiler.is_compiling():
        return
    before = _alone.get(model, 0)
    if before == 2:
        return
    _alone[model] = before + 1 if state is None and inputs.shape[0] == 1 < inputs.shape[1] else 0
    if _alone[model] == 2:
        warn_or_log(
            f"{name} must have time as their first axis, and twice running came one step of "
            f"{inputs.shape[1]} items without a state, shape {tuple(inputs.shape)}: nothing can be "
            f"remembered. Does the batch lead? Pass {name}.transpose(0, 1). Step by step? Hand on the state."
        )


def state_remedy(inputs: Tensor, memory: object, model: str = "model") -> str:
    """What to do about a state that does not fit: that of another batch, perhaps because the batch leads."""
    remedy = f"Pass the state of the same model and batch, or {model}.initial_state(batch)."
    batch = memory.shape[0] if isinstance(memory, Tensor) and memory.ndim else None
    if inputs.shape[0] == batch != inputs.shape[1]:
        remedy += " Does the batch lead? Time is the first axis: transpose(0, 1)."
    return remedy


def check_state(state: object, kind: type, whole: str = "model") -> None:
    """Refuse what is no state of a model.

    Raises:
        DtypeError: If it is something else.
    """
    if not isinstance(state, kind):
        article = "an" if kind.__name__.startswith("N") else "a"
        raise DtypeError(
            f"state must be {article} {kind.__name__}, got {type(state).__name__}. "
            f"Pass what an earlier call returned, or {whole}.initial_state(batch)."
        )


def check_controller(
    state: Sequence[Sequence[Tensor]], layers: int, expected: tuple[int, int], remedy: str
) -> None:
    """Raise unless the state of a controller has so many layers, each part of shape ``(batch, unit)``.

    Raises:
        DtypeError: If a part is not a tensor.
        ShapeError: If there are more or fewer layers, or a part has another shape.
    """
    if len(state) != layers:
        raise ShapeError(f"state controller must have {layers} layers, got {len(state)}. {remedy}")
    for layer in state:
        for part in layer:
            check_shape("state controller", part, "batch, unit", expected, remedy)


def check_positive(name: str, value: object, least: int = 1, remedy: str = "Pass a positive size.") -> int:
    """Return ``value`` if it is an integer of at least one, or of at least what is said.

    Raises:
        ShapeError: If it is anything else; ``True`` is no size.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ShapeError(f"{name} must be an integer of at least {least}, got {value!r}. {remedy}")
    return value


def check_either(name: str, value: object, words: tuple[str, str]) -> None:
    """Refuse what is none of two words.

    Raises:
        UnknownOptionError: If it is something else.
    """
    if value not in words:
        raise UnknownOptionError(
            f"{name} must be {words[0]!r} or {words[1]!r}, got {value!r}. Choose one of the two."
        )
