"""What a recorder leaves on a model."""

from __future__ import annotations

from torch import nn


def num_hooks(model: nn.Module) -> int:
    """How many hooks hang on the model and its parts."""
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())
