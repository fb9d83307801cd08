"""Which weights of which call of a model of transformers were recorded, and what their name tells."""

from __future__ import annotations

from typing import NamedTuple


class ModelCall(NamedTuple):
    """Which weights of which call of a model."""

    name: str
    """The array."""
    layer: int
    repeat: int
    """How often the same module was called before, within the call of the model: a layer that is shared."""
    number: int
    """The call, among those of the iteration."""
    past: int
    """How many keys the cache held before it."""
    goes_on: bool
    """Whether the cache is the one that the call before it left."""
    batch: int
    """How many items the model, or its encoder, was given."""
    images: int = 0
    """How many images it was given, where that is known."""
    is_packed: bool = False
    """Whether what lies along the first axis is no item of the batch, but a piece of a packed sequence."""


def is_of_encoder(name: str) -> bool:
    """Whether an array is of an encoder, or of a tower, that runs once."""
    return name.split(".")[-2:-1] == ["encoder"]


def crosses(name: str) -> bool:
    """Whether an array's keys are those of another side."""
    return name.split(".")[-2:-1] == ["cross"]
