"""Where transformers' outputs hold attentions, and what the array of each is called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

FIELDS = {
    "attentions": "attention",
    "encoder_attentions": "encoder.attention",
    "decoder_attentions": "decoder.attention",
    "cross_attentions": "cross.attention",
}
"""The array that each field of an output becomes."""

TOWERS = {
    "vision": re.compile(r"vision|visual|image"),
    "audio": re.compile(r"audio|speech"),
    "qformer": re.compile(r"q_?former"),
    "text": re.compile(r"text|language|lm\b"),
}


def tower_of(name: str) -> str:
    """Which tower of a model a name speaks of, such as ``vision``; empty where none.

    >>> tower_of("vision_model_output"), tower_of("encoder.attention")
    ('vision', '')
    """
    return next((tower for tower, names in TOWERS.items() if names.search(name)), "")


def fields_within(output: object, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The attentions that an output holds, and those that outputs within it hold, each by its array.

    >>> [name for name, _ in fields_within({"text_model_output": {"attentions": ()}})]
    ['text.attention']
    """
    if not isinstance(output, Mapping):
        return
    own = [
        field
        for field in output
        if isinstance(field, str) and field.endswith("_attentions") and field not in FIELDS
    ]
    for field in (*FIELDS, *own):
        if field in output:
            name = FIELDS.get(field) or field.removesuffix("s").replace("_", ".")
            yield prefix + name, output[field]
    for field, inner in output.items():
        if isinstance(inner, Mapping) and field.endswith(("_output", "_outputs")):
            tower = tower_of(field) or field.removesuffix("s").removesuffix("_output")
            yield from fields_within(inner, f"{prefix}{tower}.")
