"""The arrays that have a name everybody knows: their axes, their kind, and a line on what they are."""

from __future__ import annotations

from typing import NamedTuple

KINDS = ("content", "weights", "attention", "vector", "scalar", "signal")
"""What the values are: decides colours, checks and which view shows them."""


class KnownArray(NamedTuple):
    """What a well-known name promises."""

    dims: tuple[str, ...]
    kind: str
    description: str


def _head_arrays(side: str) -> dict[str, KnownArray]:
    weights, vector, scalar = (
        ("time", "batch", "head", "slot"),
        ("time", "batch", "head", "word"),
        ("time", "batch", "head"),
    )
    stages = {
        "weights": (weights, "weights", "after sharpening: the weights that {side}"),
        "content_weights": (weights, "weights", "by likeness of {side} key and slot"),
        "gated_weights": (
            weights,
            "weights",
            "content weights mixed with the last step's weights by the gate",
        ),
        "shifted_weights": (weights, "weights", "gated weights moved by the shift distribution"),
        "key": (vector, "vector", "what the {side} head looks for"),
        "strength": (scalar, "scalar", "{side} key strength, >= 0"),
        "gate": (scalar, "scalar", "{side} gate: 1 trusts the content, 0 stays with the last weights"),
        "shift": ((*scalar, "offset"), "vector", "{side} shift distribution over offsets, sums to 1"),
        "sharpening": (scalar, "scalar", "{side} sharpening exponent, >= 1"),
    }
    return {
        f"{side}_{name}": KnownArray(dims, kind, description.format(side=side))
        for name, (dims, kind, description) in stages.items()
    }


KNOWN: dict[str, KnownArray] = {
    "memory": KnownArray(("time", "batch", "slot", "word"), "content", "memory after the write of that step"),
    "initial_memory": KnownArray(("batch", "slot", "word"), "content", "memory before the first step"),
    "initial_memories": KnownArray(
        ("iteration", "batch", "slot", "word"), "content", "memory before the first step of each iteration"
    ),
    "initial_read_weights": KnownArray(
        ("batch", "head", "slot"), "weights", "read weights before the first step"
    ),
    "initial_write_weights": KnownArray(
        ("batch", "head", "slot"), "weights", "write weights before the first step"
    ),
    "input": KnownArray(("time", "batch", "channel"), "signal", "what the model was given"),
    "output": KnownArray(
        ("time", "batch", "channel"), "signal", "what the model answered, as it came: logits stay logits"
    ),
    **_head_arrays("read"),
    **_head_arrays("write"),
    "read_vectors": KnownArray(
        ("time", "batch", "head", "word"), "vector", "what each read head took from the memory"
    ),
    "write_erase": KnownArray(("time", "batch", "head", "word"), "vector", "write erase vector, in [0, 1]"),
    "write_add": KnownArray(("time", "batch", "head", "word"), "vector", "write add vector"),
    "attention": KnownArray(
        ("layer", "batch", "head", "query", "key"), "attention", "share of each key in what a query takes"
    ),
    "routing_weights": KnownArray(
        ("time", "token", "state"), "weights", "share of each state in where a token goes"
    ),
    "communication_weights": KnownArray(
        ("time", "head", "state", "sender"), "attention", "share of each sender in what a state listens to"
    ),
    "importance": KnownArray(("time", "slot"), "scalar", "importance of each slot, in [0, 1]"),
}
"""Every well-known array by name. With several memories a name has a prefix: ``encoder.read_weights``."""


def known(name: str) -> KnownArray | None:
    """What the name promises, if it is well-known; a prefix up to the last dot does not count.

    >>> known("encoder.read_gate").dims
    ('time', 'batch', 'head')
    """
    return KNOWN.get(name.rpartition(".")[2])


def default_kind(name: str) -> str | None:
    """The kind that goes with a name, also for names like ``usage_weights``."""
    entry = known(name)
    if entry is not None:
        return entry.kind
    return "weights" if name.endswith("_weights") else None
