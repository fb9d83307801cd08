"""Where the random numbers of this room's tests come from."""

from __future__ import annotations

import torch


def generator(seed: int = 0) -> torch.Generator:
    """A seeded generator."""
    return torch.Generator().manual_seed(seed)
