"""Checks on masks: which tokens are there, which states take part."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nsm_widgets._errors import DtypeError, ShapeError


def check_mask(name: str, mask: Any, axes: str, expected: tuple[int, ...], like: Tensor) -> None:
    """Raise unless ``mask`` is a tensor of bools of the expected shape, on the device of ``like``.

    Raises:
        DtypeError: If it is no tensor of bools, or elsewhere.
        ShapeError: If rank or size differ.
    """
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        got = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise DtypeError(
            f"{name} must be a torch.Tensor of bools, True where something counts, got {got}. "
            f"Compare: {name} != 0."
        )
    if mask.shape != expected:
        raise ShapeError(
            f"{name} must have shape ({axes}) = {expected}, got {tuple(mask.shape)}. "
            f"Reorder or resize its axes to ({axes})."
        )
    if mask.device != like.device:
        raise DtypeError(
            f"{name} must be on the device of the rest, {like.device}, got {mask.device}. "
            f"Move it: {name}.to('{like.device}')."
        )


def check_some_active(active: Tensor) -> None:
    """Raise if no state takes part: a softmax over nothing is NaN.

    Raises:
        ShapeError: If all are False.
    """
    if not active.any():
        raise ShapeError(
            f"active must name at least one state, got none of {len(active)}. StateManager.restore() brings "
            "all back."
        )
