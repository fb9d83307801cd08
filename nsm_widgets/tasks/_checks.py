"""Checks that every task makes on its sizes and on what it is asked for."""

from __future__ import annotations

import torch

from nsm_widgets._errors import DtypeError, ShapeError
from nsm_widgets._model_checks import check_positive


def check_sizes(task: object, *names: str) -> None:
    """Check the fields of a task that are sizes.

    Raises:
        ShapeError: If one is no integer of at least one.
    """
    for name in names:
        check_positive(name, getattr(task, name))


def check_order(task: object, low: str, high: str) -> None:
    """Raise unless the first field is at most the second.

    Raises:
        ShapeError: If they are in the wrong order.
    """
    if getattr(task, low) > getattr(task, high):
        raise ShapeError(
            f"{low} must not exceed {high}, got {getattr(task, low)} and {getattr(task, high)}. Swap them."
        )


def check_generator(generator: object, batch_size: object = 1) -> torch.device:
    """Return the device on which a generator draws, so many sequences.

    Raises:
        DtypeError: If it is no ``torch.Generator``.
        ShapeError: If the number is no integer of at least one.
    """
    if not isinstance(generator, torch.Generator):
        raise DtypeError(
            f"generator must be a torch.Generator, got {type(generator).__name__}. "
            "Make one: torch.Generator().manual_seed(0)."
        )
    check_positive("batch_size", batch_size)
    return generator.device


def drawn_size(name: str, given: int | None, low: int, high: int, generator: torch.Generator) -> int:
    """``given``, checked, or a size drawn uniformly from ``low`` to ``high``, both included."""
    if given is not None:
        return check_positive(name, given)
    return int(torch.randint(low, high + 1, (), generator=generator, device=generator.device))


def random_bits(*shape: int, generator: torch.Generator) -> torch.Tensor:
    """Fair coins as float32 zeros and ones, on the generator's device."""
    return torch.randint(0, 2, shape, generator=generator, device=generator.device).to(torch.float32)
