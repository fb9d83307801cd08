"""The arrays that have a name everybody knows: their axes, their kind, and a line on what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nsm_widgets._errors import DtypeError
from nsm_widgets.trace.arrays._array import NamedArray

KINDS = ("content", "weights", "shares", "attention", "vector", "scalar", "signal")
"""What the values are: decides colours, checks and which view shows them. Shares are weights that sum to at
most 1: what is missing goes nowhere."""


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
        "weights": (weights, "weights", "the weights that {side}, after the last stage of addressing"),
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


def _dnc_arrays() -> dict[str, KnownArray]:
    """Of a Differentiable Neural Computer (Graves et al. 2016, Methods)."""
    slots, heads = ("time", "batch", "slot"), ("time", "batch", "head")
    return {
        "usage": KnownArray(slots, "scalar", "how much each slot is in use, in [0, 1]"),
        "retention": KnownArray(slots, "scalar", "how much of each slot the free gates do not give back"),
        "allocation_weights": KnownArray(
            slots, "shares", "free slots to write to, the least used ones first"
        ),
        "precedence": KnownArray(slots, "shares", "how far each slot was the last one written to"),
        "link": KnownArray(
            ("time", "batch", "slot", "predecessor"),
            "shares",
            "how far each slot was written right after another, its predecessor",
        ),
        "backward_weights": KnownArray((*heads, "slot"), "shares", "one step back in the order of writing"),
        "forward_weights": KnownArray((*heads, "slot"), "shares", "one step on in the order of writing"),
        "read_modes": KnownArray(
            (*heads, "mode"), "weights", "shares of backward, content and forward in a read head's weights"
        ),
        "free_gate": KnownArray(heads, "scalar", "free gate: 1 gives back the slots that were just read"),
        "allocation_gate": KnownArray(
            heads, "scalar", "allocation gate: 1 writes to a free slot, 0 to one with like content"
        ),
        "writing_gate": KnownArray(heads, "scalar", "write gate of a DNC: 0 writes nothing"),
    }


def _nsm_arrays() -> dict[str, KnownArray]:
    """Of a neural state machine, besides its routing and communication weights."""
    states = ("time", "batch", "state")
    return {
        "state_vectors": KnownArray((*states, "channel"), "content", "what each state holds"),
        "routed_tokens": KnownArray((*states, "channel"), "vector", "tokens as they arrived at each state"),
        "messages": KnownArray((*states, "channel"), "vector", "what each state heard from the others"),
        "state_update": KnownArray(states, "scalar", "share of each state that was renewed, in [0, 1]"),
        "state_importance": KnownArray(states, "scalar", "importance of each state, in [0, 1]"),
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
    "target": KnownArray(("time", "batch", "channel"), "signal", "what the model should have answered"),
    "target_mask": KnownArray(("time", "batch"), "signal", "whether an answer is asked for"),
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
    **_dnc_arrays(),
    **_nsm_arrays(),
}
"""Every well-known array by name. With several memories a name has a prefix: ``encoder.read_weights``."""


def known_array(name: str) -> KnownArray | None:
    """What the name promises, if it is well-known; a prefix up to the last dot does not count.

    >>> known_array("encoder.read_gate").dims
    ('time', 'batch', 'head')
    """
    return KNOWN.get(split_name(name)[1])


def split_name(name: str) -> tuple[str, str]:
    """The memory or module that an array belongs to, with its dot, and the array's own name.

    >>> split_name("encoder.read_weights"), split_name("memory")
    (('encoder.', 'read_weights'), ('', 'memory'))
    """
    if not isinstance(name, str):
        raise DtypeError(f"the name of an array must be a text, got {type(name).__name__}.")
    prefix, dot, base = name.rpartition(".")
    return prefix + dot, base


def default_kind(name: str) -> str | None:
    """The kind that goes with a name, also for names like ``usage_weights``."""
    entry = known_array(name)
    if entry is not None:
        return entry.kind
    return "weights" if name.endswith("_weights") else None


def array_kind(array: NamedArray) -> str | None:
    """What an array says of its values, or its name does."""
    kind: str | None = array.attrs.get("kind", default_kind(array.name))
    return kind


def attention_names(trace: Mapping[str, NamedArray]) -> tuple[str, ...]:
    """The arrays of a trace that say what each query attends to, such as ``encoder.attention``.

    >>> weights = NamedArray("cross.attention", [[0.5, 0.5]], ("query", "key"), attrs={"kind": "attention"})
    >>> attention_names({"cross.attention": weights})
    ('cross.attention',)
    """
    return tuple(
        name
        for name, array in trace.items()
        if {"query", "key"} <= set(array.dims)
        and (name == "attention" or array.attrs.get("kind") in ("attention", "weights", "shares"))
    )
