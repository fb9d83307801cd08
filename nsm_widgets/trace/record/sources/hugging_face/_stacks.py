"""Which attention a module of a large model is: of which stack, in which layer, to itself or across.

A number in a path is no layer. The layer is the module's own ``layer_idx``, else its place in the nearest
list of blocks above it; that list, and the path below it, are the stack. What tells stacks apart names them:
``text``, ``vision``, ``encoder``, ``decoder``, ``cross``, ``stage0``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from nsm_widgets.trace.make._output_fields import TOWERS
from nsm_widgets.trace.record._hooks import without_numbers
from nsm_widgets.trace.record.sources._blocks import place_of

if TYPE_CHECKING:
    from torch import nn

_CROSSES = re.compile(r"cross|encdec|encoder_decoder|encoder_att|enc_att", re.IGNORECASE)
_NO_SOFTMAX = re.compile(r"linear|lightning|delta|additive", re.IGNORECASE)
"""Attentions by their name, whose keys and values are summed to a state: there are no weights."""
_ANY = re.compile(r"model|transformer|layers?|blocks?|h|encoder|decoder|backbone|attention|attn")
"""Words of a path that tell nothing."""


class LayerPlace(NamedTuple):
    """Where a module's attention belongs."""

    name: str
    """The array."""
    layer: int
    """Its number in the stack."""


@dataclass(frozen=True, slots=True)
class _Stack:
    """One list of modules, and the way from each to its attention."""

    path: str
    rest: str
    tower: str
    side: str
    stage: int | None
    crosses: bool


class Stacks:
    """The attention modules of a model.

    Args:
        modules: All of its modules by path; one that several blocks share, by the path in each of them.
        two_sided: Whether it has an encoder and a decoder.
    """

    def __init__(self, modules: Mapping[str, Any], *, two_sided: bool) -> None:
        self._modules = modules
        self._two_sided = two_sided
        torchs = sys.modules["torch"].nn.MultiheadAttention  # which is recorded by itself
        found = _innermost({path: part for path, part in modules.items() if is_attention(part)})
        attention: list[str] = []
        self.shared: dict[str, str] = {}
        """Of modules that several blocks share: the first path, by that in each block."""
        first: dict[int, list[str]] = {}
        for path in found:
            others = first.setdefault(id(modules[path]), [])
            if isinstance(modules[path], torchs) or any(
                self.block_of(path) is self.block_of(other) for other in others
            ):
                continue
            others.append(path)
            attention.append(path)
        for paths in first.values():
            self.shared |= {path: paths[0] for path in paths if len(paths) > 1}
        self._stacks = list(dict.fromkeys(self._stack_of(path) for path in attention))
        self._places: dict[str, LayerPlace] = {}
        self.attention = {path: modules[path] for path in attention}
        """The attention modules by path."""
        self.layers: dict[str, list[int]] = {}
        """The numbers of the layers, by array, in the model's order."""
        for path in attention:
            place = self.place(path)
            self.layers.setdefault(place.name, []).append(place.layer)
        self.with_sinks = {self.place(path).name for path in attention if hasattr(modules[path], "sinks")}
        """Arrays whose weights sum to less than one: a sink, which is no token, takes the rest."""

    def place(self, path: str) -> LayerPlace:
        """Where what a module attends to belongs."""
        if path not in self._places:
            self._places[path] = self._place(path)
        return self._places[path]

    def block_of(self, path: str) -> Any:
        """The module of the nearest list of blocks that a module lies in."""
        above, number, rest = place_of(path, self._modules)
        return self._modules[f"{above}.{number}" if rest != path else ""]

    def _place(self, path: str) -> LayerPlace:
        own = None if path in self.shared else getattr(self._modules[path], "layer_idx", None)
        _, layer, _ = place_of(path, self._modules)
        if isinstance(own, int) and not isinstance(own, bool) and own >= 0:
            layer = own
        return LayerPlace(self._name(self._stack_of(path)), layer)

    def _stack_of(self, path: str) -> _Stack:
        above, _, rest = place_of(path, self._modules)
        rest = without_numbers(rest)
        words = f"{above}.{rest}".lower().split(".")
        tower = next((t for t, names in TOWERS.items() if any(names.search(word) for word in words[:3])), "")
        side = next((s for w in words for s in ("decoder", "encoder") if s in (w, *_ends(w))), "")
        outer, stage, _ = place_of(above, self._modules) if above else ("", 0, "")
        crosses = getattr(self._modules[path], "is_cross_attention", None)
        if not isinstance(crosses, bool):
            crosses = bool(_CROSSES.search(rest))
        return _Stack(
            above, rest, tower, side, stage if outer else None, crosses or bool(_CROSSES.search(rest))
        )

    def _name(self, stack: _Stack) -> str:
        """What tells a stack from the others, in the words of its path; else all of the path."""
        several = {
            part: len({getattr(s, part) for s in self._stacks}) > 1 for part in ("tower", "side", "stage")
        }
        words = self._words(stack, several)
        same = [other for other in self._stacks if self._words(other, several) == words]
        if stack not in self._stacks:
            words = [re.sub(r"\.+", ".", f"{stack.path}.{stack.rest}").strip(".")]
        elif len(same) > 1 or (not words and any(several.values())):
            own = {other: self._own_words(other) for other in same}
            shared = set.intersection(*map(set, own.values())) if len(same) > 1 else set()
            telling = {other: [word for word in own[other] if word not in shared][:1] for other in same}
            if list(telling.values()).count(telling[stack]) == 1:
                words = [*words, *telling[stack]]
            else:
                words = [re.sub(r"\.+", ".", f"{stack.path}.{stack.rest}").strip(".")]
        return ".".join([*filter(None, words), "attention"])

    def _own_words(self, stack: _Stack) -> list[str]:
        """What a path says besides, the most telling first, such as ``predictor``."""
        whole = getattr(self._modules.get(""), "base_model_prefix", "")
        path = [*reversed(stack.path.split(".")), *reversed(stack.rest.split("."))]
        told = r"attention|attn|cross_" if stack.crosses else r"attention|attn"
        words = [re.sub(told, "", part, flags=re.IGNORECASE) for part in path]
        words = [re.sub("_+", "_", word).strip("_") for word in words]
        return [word for word in words if word and word != whole and not _ANY.fullmatch(word)]

    def _words(self, stack: _Stack, several: Mapping[str, bool]) -> list[str]:
        words = [stack.tower] if several["tower"] and stack.tower else []
        if stack.crosses:
            return [*words, "cross"]
        if self._two_sided or (several["side"] and not words):
            words.append(stack.side)
        if several["stage"] and stack.stage is not None and not self._two_sided:
            words.append(f"stage{stack.stage}")
        return [word for word in words if word]


def is_attention(module: nn.Module) -> bool:
    """Whether a module is called an attention."""
    named = re.search(r"attention|attn", type(module).__name__, re.IGNORECASE)
    if named is None or _NO_SOFTMAX.search(type(module).__name__):
        return False
    return next(module.parameters(), None) is not None


def _ends(word: str) -> Sequence[str]:
    """The first and the last part of a word, such as ``text`` and ``encoder`` of ``text_encoder``."""
    parts = word.split("_")
    return parts[0], parts[-1]


def _innermost(modules: Mapping[str, Any]) -> Sequence[str]:
    """Those in which there is no other one."""
    return [path for path in modules if not any(other.startswith(f"{path}.") for other in modules)]
