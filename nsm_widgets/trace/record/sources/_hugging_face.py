"""What the recorder knows of Hugging Face's models: the attentions of their outputs, and of which tokens."""

from __future__ import annotations

import inspect
import sys
import threading
import weakref
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from nsm_widgets.trace.make._from_attentions import HOW_TO_GET_THEM
from nsm_widgets.trace.make._output_fields import FIELDS, fields_within
from nsm_widgets.trace.record._hooks import Found, Hooks, in_backward
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record.sources._cache import after_call, cache_holder, cache_length, cache_reference
from nsm_widgets.trace.record.sources._fused import FusedCalls, weights_of
from nsm_widgets.trace.record.sources._model_arrays import ModelArrays, ModelCall, chains, crosses
from nsm_widgets.trace.record.sources._packed_heads import unpacked
from nsm_widgets.trace.record.sources._source import Source
from nsm_widgets.trace.record.sources._stacks import Stacks

_INPUTS = (
    "input_ids",
    "decoder_input_ids",
    "inputs_embeds",
    "pixel_values",
    "input_values",
    "input_features",
)


class _CallState(threading.local):
    """What a thread is in the middle of."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Nothing runs."""
        self.part: Any = None
        """The iteration that the numbers are of, by a weak reference."""
        self.number = 0
        self.past = 0
        self.goes_on = False
        self.batch = 0
        self.cache: Any = None
        """What the last call left, by a weak reference,"""
        self.length = 0
        """and how many keys it held."""
        self.given: dict[str, dict[str, Any]] = {}
        """Token ids and masks of the newest call, of ``"one"`` model, or ``"encoder"`` and ``"decoder"``."""
        self.encoded: Any = None
        """What the encoder gave last, by a weak reference."""
        self.of_encoder: Any = None
        """The attentions among it."""
        self.fresh: list[tuple[tuple[str, int, int], Any]] = []
        """What the fused kernel was asked for, by array, layer and repeat."""


class HuggingFaceSource(Source):
    """The attentions of a ``PreTrainedModel``, layer by layer; heads as many as the weights have.

    Calls that go on from the cache that the one before left are one attention: their queries are joined, what
    a rejected draft brought is taken back, and a key that a query could not see is masked, layer by layer
    where they differ. Two other calls within an iteration are two steps of ``time``. Padding is what the
    attention masks say that the model, or its encoder and its decoder, are called with, and what follows the
    end of a sequence; labels of tokens come from the ids, where the places of an axis are those tokens.

    Args:
        path: Its path.
        module: The outermost such model.
        tokenizer: Names tokens; ``None`` for no labels.
        recompute: Whether to compute weights again that a fused kernel did not show.
    """

    is_stepwise = False

    def __init__(self, path: str, module: Any, tokenizer: Any = None, *, recompute: bool = False) -> None:
        super().__init__(path, module)
        self._recompute = recompute
        config = getattr(module, "config", None)
        self._two_sided = bool(getattr(config, "is_encoder_decoder", False))
        self._parts = dict(module.named_modules())
        self._stacks = Stacks(self._parts, two_sided=self._two_sided)
        self._arrays = ModelArrays(path, module, self._stacks, self._two_sided, tokenizer)
        self._signature = inspect.signature(module.forward)
        self._state = _CallState()

    def names(self) -> Sequence[str]:
        """Those of encoders, decoders and what lies between, and of stacks with names of their own."""
        return tuple(dict.fromkeys([*FIELDS.values(), *self._stacks.layers]))

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        self._state = _CallState()
        hooks.before(self.module, self._before_call)
        sides = {"one": self.module}
        if self._two_sided:
            getters = {side: getattr(self.module, f"get_{side}", None) for side in ("encoder", "decoder")}
            sides = {side: get() if get is not None else None for side, get in getters.items()}
        for side, part in sides.items():
            if part is not None:
                hooks.before(part, self._before(side, part))
        if sides.get("encoder") is not None:
            hooks.after(sides["encoder"], self._after_encoder)
        if self._recompute:
            FusedCalls(self._parts, self._on_fused).install(hooks)
        caches = sys.modules.get("transformers.cache_utils")
        cache = getattr(caches, "Cache", None)
        for kind in {cache, getattr(caches, "EncoderDecoderCache", None)} - {None}:
            for name, told in (("crop", self._on_crop), ("reorder_cache", self._on_reorder)):
                if name in vars(kind):
                    hooks.listen(kind, name, after_call(hooks.guarded(told)))
        hooks.after(self.module, self._on_call)
        hooks.callback(self._state.forget)

    # --- while the model runs ------------------------------------------------------------------------------

    def _before_call(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        del module
        state, part = self._state, self._recording.part(self.index)
        if part is None or in_backward():
            return
        if state.part is not part:
            state.part, state.number, state.cache = part, 0, None
        given = self._given(self._signature, args, kwargs)
        cache = given.get("past_key_values")
        state.past = cache_length(cache)
        of_encoder = given.get("encoder_outputs") is not None and self._is_encoded(given)
        state.fresh = [each for each in state.fresh if of_encoder and each[0][0] == "encoder.attention"]
        same = state.cache is not None and cache is not None and state.cache() is cache_holder(cache)
        state.goes_on = bool(same and 0 < state.past <= state.length)
        inputs = [each for name in _INPUTS if getattr(each := given.get(name), "ndim", 0)]
        state.batch = inputs[0].shape[0] if inputs else 0  # type: ignore[union-attr]

    def _before(self, side: str, part: Any) -> Any:
        signature = inspect.signature(part.forward)

        def before(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if in_backward():
                return
            state, given = self._state, self._given(signature, args, kwargs)
            ids, mask = given.get("input_ids"), given.get("attention_mask")
            state.given[side] = {
                name: tensor
                for name, tensor in (("ids", ids), ("mask", mask))
                if getattr(tensor, "ndim", 0) == 2
            }
            if side == "encoder":
                state.encoded = state.of_encoder = None

        return before

    @staticmethod
    def _given(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        given = signature.bind_partial(*args, **kwargs).arguments
        return {**given, **given.get("kwargs", {})}

    def _after_encoder(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        del args, kwargs
        states = output[0] if isinstance(output, (tuple, Mapping)) and len(output) else None
        self._state.encoded = weakref.ref(states) if states is not None else None
        self._state.of_encoder = getattr(output, "attentions", None)

    def _on_fused(self, path: str, arguments: Mapping[str, Any]) -> None:
        module = self._parts[path]
        if self._recording.is_passing_by or isinstance(module, sys.modules["torch"].nn.MultiheadAttention):
            return
        if arguments["query"].is_nested or arguments["query"].ndim != 4:
            return
        name, layer = self._stacks.place(path)
        if not self.wants(name):
            return
        fresh = self._state.fresh
        repeat = sum(key[:2] == (name, layer) for key, _ in fresh)
        fresh.append(((name, layer, repeat), weights_of(**unpacked(module, arguments)).values))

    def _on_call(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        state, part = self._state, None if in_backward() else self._recording.part(self.index)
        if part is None or state.part is not part:
            return
        given = self._given(self._signature, args, kwargs)
        before = len(part.calls)
        for (name, layer), weights in self._handed_out(output, given):
            self._take(name, layer, 0, weights)
        for (name, layer, repeat), weights in state.fresh if len(part.calls) == before else ():
            self._take(name, layer, repeat, weights)
        state.fresh = []
        if len(part.calls) > before:
            self._tell_sides(part, given)
            self.problem = ""
        elif not part.calls:
            self.problem = self._why_none(output, given)
        cache = output.get("past_key_values") if isinstance(output, Mapping) else None
        cache = given.get("past_key_values") if cache is None else cache
        state.cache = cache_reference(cache)
        state.length = state.past if cache is None else cache_length(cache)
        state.number += 1

    def _take(self, name: str, layer: int, repeat: int, weights: Any) -> None:
        state = self._state
        key = ModelCall(name, layer, repeat, state.number, state.past, state.goes_on, state.batch)
        self._recording.call(self.index, key, weights, self.prefix + name)

    def _handed_out(self, output: Any, given: Mapping[str, Any]) -> Iterator[tuple[tuple[str, int], Any]]:
        """The weights among an output, and among the outputs that it holds, by array and layer."""
        fields = dict(fields_within(output))
        if self._two_sided:
            fields.setdefault("encoder.attention", None)
        for field, layers in fields.items():
            name = self._name_of_field(field)
            if name == "encoder.attention" and not layers and self._is_encoded(given):
                layers = self._state.of_encoder  # which some models drop where the encoder was called before
            if not layers or not self.wants(name):
                continue
            shown = [each for each in layers if each is not None and not isinstance(each, (tuple, list))]
            yield from zip(self._layers_of(name, len(shown)), shown, strict=True)

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

    def _tell_sides(self, part: Part, given: Mapping[str, Any]) -> None:
        """Ids and masks of this call; an encoder's once, and only if what it gave was used."""
        known = {key[:2] for key, _ in part.coords}
        state = self._state
        for side, tensors in state.given.items():
            for kind, tensor in tensors.items():
                if side == "encoder" and ((side, kind) in known or not self._is_encoded(given)):
                    continue
                self._recording.coord(self.index, (side, kind, state.number), tensor, f"{side} {kind}")
        for side in ("one", "decoder"):
            state.given.pop(side, None)

    def _is_encoded(self, given: Mapping[str, Any]) -> bool:
        """Whether the decoder was given what the encoder gave last."""
        states = given.get("encoder_outputs")
        if states is None:
            return True  # the encoder ran within the call
        states = states[0] if isinstance(states, (tuple, list, Mapping)) else states
        return self._state.encoded is not None and self._state.encoded() is states

    def _on_crop(self, cache: Any) -> None:
        """A draft was rejected: what came after is taken back."""
        self._note(cache, "until", cache_length(cache))

    def _on_reorder(self, cache: Any) -> None:
        """A beam search sorts its beams."""
        self._note(cache, "sorted", 0)

    def _note(self, cache: Any, what: str, value: int) -> None:
        state = self._state
        part = state.part
        if part is not None and state.cache is not None and state.cache() is cache_holder(cache):
            number = sys.modules["torch"].tensor(value)
            self._recording.coord(self.index, ("cache", what, state.number - 1), number, f"cache, {what}")

    def _why_none(self, output: Any, given: Mapping[str, Any]) -> str:
        if not self._stacks.has_attention:
            return (
                "it has no attention to record. An adapter can say what it holds: adapters={Type: function}"
            )
        if isinstance(output, tuple):
            return (
                "its output is a plain tuple, which does not say what is what. Call it with return_dict=True"
            )
        config = getattr(self.module, "config", None)
        used = getattr(config, "_attn_implementation", None)
        asked = given.get("output_attentions", getattr(config, "output_attentions", False))
        if used == "eager" and asked:
            return (
                "it hands out no attentions, though it was asked for them. TraceRecorder(model, "
                "recompute=True) computes those that torch's fused kernel made, and an adapter others"
            )
        because = f"it runs with attn_implementation={used!r}. " if used not in (None, "eager") else ""
        return f"its outputs hold no attentions: {because}{HOW_TO_GET_THEM.rstrip('.')}"

    # --- what was recorded ---------------------------------------------------------------------------------

    def num_calls(self, part: Part) -> int:
        """Calls that do not go on from each other."""
        return len(chains(part))

    def kind(self, part: Part) -> Hashable:
        """What the joined arrays look like."""
        found: dict[Any, Any] = {}
        for key, copy in part.calls:
            (batch, heads, queries, keys), dtype = copy.kind
            end = keys if crosses(key.name) or key.name.startswith("encoder") else key.past + queries
            found[key.name, key.layer, key.repeat] = (batch, heads, end, dtype)
        return frozenset(found.items()), len(chains(part))

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """The layers of each array, stacked; of several calls, one beside the other."""
        return self._arrays.collect(part, timed)


def is_hugging_face(module: Any) -> bool:
    """Whether it is a ``transformers.PreTrainedModel``, without importing transformers."""
    transformers = sys.modules.get("transformers.modeling_utils")
    return transformers is not None and isinstance(module, transformers.PreTrainedModel)
