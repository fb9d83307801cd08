"""The attentions that a model of transformers hands out, where they belong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from nsm_widgets.trace.record.sources.hugging_face._producers import Producers
from nsm_widgets.trace.record.sources.hugging_face._stacks import Stacks

Placed: TypeAlias = "tuple[tuple[str, int, int], Any]"
"""Weights with their array, layer and repeat."""


class HandedOut:
    """Finds the place of each tensor among a model's outputs.

    Args:
        stacks: The attention modules of the model.
        producers: Which of them returned what.
        two_sided: Whether it has an encoder and a decoder.
    """

    def __init__(self, stacks: Stacks, producers: Producers, *, two_sided: bool) -> None:
        self._stacks = stacks
        self._producers = producers
        self._two_sided = two_sided
        self.left_out: dict[str, str] = {}
        """Why something is no weights, by array."""

    def placed(self, fields: Mapping[str, Any]) -> Iterator[Placed]:
        """Weights where the modules belong that gave them; where none did, as many as there are layers."""
        seen: set[int] = set()
        taken: set[tuple[str, int, int]] = set()
        for field, layers in fields.items():
            name = self._name_of_field(field)
            shown = [each for each in layers or () if each is not None and id(each) not in seen]
            seen.update(map(id, shown))
            usable = [each for each in shown if _is_weights(each)]
            if len(usable) < len(shown):
                other = next(each for each in shown if not _is_weights(each))
                self.left_out[name] = (
                    f"what the model hands out as {field} has {_shape_of(other)}, and weights have axes "
                    "(batch, head, query, key)"
                )
            if not usable:
                continue
            made_by = [self._producers.of(each) for each in usable]
            if any(made_by):
                keys = [(*self._stacks.place(by.path), by.repeat) if by else None for by in made_by]
            else:
                keys = [(*place, 0) for place in self._layers_of(name, len(usable))]
            for key, weights in zip(keys, usable, strict=True):
                if key is None:
                    self.left_out[name] = "a part of it is of modules that give no weights"
                    continue
                if key in taken:  # a module that gives several
                    key = (name, *key[1:])
                taken.add(key)
                yield key, weights

    def _layers_of(self, name: str, count: int) -> list[tuple[str, int]]:
        """Which layers a model means that hands out so many, by array: all that it has, or the first ones."""
        known = self._stacks.layers
        if len(known.get(name, ())) == count:
            return [(name, number) for number in known[name]]
        stages = [(stage, number) for stage in known if stage.startswith("stage") for number in known[stage]]
        if name == "attention" and name not in known and len(stages) == count:
            return stages
        return [(name, number) for number in range(count)]

    def _name_of_field(self, name: str) -> str:
        """The plain attention of a model with several stacks is that of its text, or of its encoder."""
        if name != "attention" or name in self._stacks.layers or self._two_sided:
            return name
        others = ("text.attention", "encoder.attention")
        return next((other for other in others if other in self._stacks.layers), name)


def _is_weights(value: Any) -> bool:
    return getattr(value, "ndim", 0) == 4 and value.is_floating_point()


def _shape_of(value: Any) -> str:
    return f"shape {tuple(value.shape)}" if hasattr(value, "shape") else f"type {type(value).__name__}"
