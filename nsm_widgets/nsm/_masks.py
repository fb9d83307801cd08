"""Checks on masks: which tokens are there, which states take part."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from nsm_widgets._errors import DtypeError, ShapeError

_COUNTED = WeakTensorKeyDictionary()
"""Of each mask that was counted, its version then, and how many are True."""


def num_true(mask: Tensor) -> int:
    """How many of a mask are True, counted again only after the mask was changed.

    Counting waits for the device where the mask lies on one, and the same mask comes at every time step.

    Example:
        >>> active = torch.tensor([True, False, True])
        >>> num_true(active), num_true(active.fill_(True))
        (2, 3)
    """
    if torch.compiler.is_compiling() or mask.is_inference():  # there versions are not told
        return int(mask.sum())
    known: tuple[int, int] | None = _COUNTED.get(mask)  # type: ignore[no-untyped-call]
    if known is None or known[0] != mask._version:
        known = mask._version, int(mask.sum())
        _COUNTED[mask] = known
    return known[1]


def check_mask(name: str, mask: object, axes: str, expected: tuple[int, ...], like: Tensor) -> None:
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
    if not num_true(active):
        raise ShapeError(
            f"active must name at least one state, got none of {len(active)}. StateManager.restore() brings "
            "all back."
        )
