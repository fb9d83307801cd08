"""The attentions that a model of transformers hands out, where they belong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from nsm_widgets.trace.record.sources.hugging_face._producers import Producer, Producers
from nsm_widgets.trace.record.sources.hugging_face._stacks import Stacks

if TYPE_CHECKING:
    from torch import Tensor, nn

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

    def problem(self) -> str:
        """What was left out, and why, in words."""
        names: dict[str, list[str]] = {}
        for name, why in self.left_out.items():
            names.setdefault(why, []).append(name)
        return "; ".join(f"{', '.join(of_one)}: {why}" for why, of_one in names.items())

    def placed(self, fields: Mapping[str, Any], batch: int) -> Iterator[Placed]:
        """Weights where the modules belong that gave them; where none did, as many as there are layers.

        Args:
            fields: The outputs that hold attentions, by array.
            batch: How many items the model was given.
        """
        seen: set[int] = set()
        taken: set[tuple[str, int, int]] = set()
        for field, layers in fields.items():
            name = self._name_of_field(field)
            once = {id(each): each for each in _flat(layers)}
            shown = [each for at, each in once.items() if at not in seen]
            seen.update(once)
            usable: list[tuple[Producer | None, Any]] = []
            for each in shown:
                by = self._producers.of(each)
                weights = each if by is None else _with_heads(each, self._stacks.attention[by.path], batch)
                why = self._why_no_weights(field, weights, by)
                if why:
                    self.left_out[self._name_of(by, name)] = why
                else:
                    usable.append((by, weights))
            of_modules = any(by for by, _ in usable)
            numbers = [] if of_modules or not usable else self._layers_of(name, len(usable))
            for place, (by, weights) in enumerate(usable):
                if of_modules and by is None:
                    self.left_out[name] = "a part of it is of modules that give no weights"
                    continue
                key = (*(self._stacks.place(by.path) if by else numbers[place]), by.repeat if by else 0)
                key = next(each for each in _free_keys(key) if each not in taken)
                taken.add(key)
                yield key, weights

    def _name_of(self, by: Producer | None, name: str) -> str:
        return name if by is None else self._stacks.place(by.path).name

    def _why_no_weights(self, field: str, value: Tensor, by: Producer | None) -> str:
        """Why something that is handed out as attention is none, if so."""
        told = f"what the model hands out as {field}"
        if by is not None and hasattr(self._stacks.attention[by.path], "sampling_offsets"):
            return f"{told} weighs points that its modules sample, and no keys"
        if getattr(value, "ndim", 0) != 4 or not value.is_floating_point():
            return f"{told} has {_shape_of(value)}, and weights have axes (batch, head, query, key)"
        if by is not None and by.is_result:
            return f"{told} is what its modules made of their weights"
        return ""

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


def _flat(layers: Iterable[Any] | None) -> Iterator[Any]:
    """What tuples hold, also those within them: a model may hand out its layers by stages or by kinds."""
    for each in layers or ():
        if isinstance(each, (tuple, list)):
            yield from _flat(each)
        elif each is not None:
            yield each


def _with_heads(value: Tensor, module: nn.Module, batch: int) -> Any:
    """Weights whose heads lie along the batch, with an axis of heads."""
    heads = getattr(module, "num_attention_heads", getattr(module, "num_heads", None))
    if getattr(value, "ndim", 0) != 3 or not isinstance(heads, int) or not batch:
        return value
    items, left = divmod(value.shape[0], heads)
    return value if left or items % batch else value.reshape(items, heads, *value.shape[1:])


def _free_keys(key: tuple[str, int, int]) -> Iterator[tuple[str, int, int]]:
    """Where weights may lie; of a module that gives several, those after the first are numbered."""
    yield key
    for number in count(1):
        yield (f"{key[0].removesuffix('attention')}{number}.attention", *key[1:])


def _shape_of(value: object) -> str:
    return f"shape {tuple(value.shape)}" if hasattr(value, "shape") else f"type {type(value).__name__}"
