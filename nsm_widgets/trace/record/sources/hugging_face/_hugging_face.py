"""What the recorder knows of Hugging Face's models: the attentions of their outputs, and of which tokens."""

from __future__ import annotations

import inspect
import sys
import threading
import weakref
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nsm_widgets.trace.make._from_attentions import HOW_TO_GET_THEM
from nsm_widgets.trace.make._output_fields import FIELDS, fields_within, tower_of
from nsm_widgets.trace.record._hooks import Found, Hooks, in_backward
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record._listening import Args, Around, Kwargs, defined_by
from nsm_widgets.trace.record.sources._fused import FusedCalls, weights_of
from nsm_widgets.trace.record.sources._source import Source
from nsm_widgets.trace.record.sources.hugging_face._cache import (
    after_call,
    cache_holder,
    cache_in,
    cache_length,
    cache_reference,
)
from nsm_widgets.trace.record.sources.hugging_face._given import (
    are_copies,
    first_tensor,
    generators,
    num_codebooks,
    num_images,
    num_items,
)
from nsm_widgets.trace.record.sources.hugging_face._handed_out import HandedOut, Placed
from nsm_widgets.trace.record.sources.hugging_face._model_arrays import ModelArrays, chains
from nsm_widgets.trace.record.sources.hugging_face._model_calls import ModelCall, crosses, is_of_encoder
from nsm_widgets.trace.record.sources.hugging_face._packed_heads import unpacked
from nsm_widgets.trace.record.sources.hugging_face._producers import Producers
from nsm_widgets.trace.record.sources.hugging_face._stacks import Stacks

if TYPE_CHECKING:
    from torch import nn


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
        self.batch = self.images = 0
        self.asked_images = 0
        """How many of them ``generate`` was given."""
        self.cache: Any = None
        """What the last call left, by a weak reference,"""
        self.length = 0
        """and how many keys it held."""
        self.given: dict[str, dict[str, Any]] = {}
        """Token ids and masks of the newest call, of ``"one"`` model, or ``"encoder"`` and ``"decoder"``."""
        self.encoded: Any = None
        """What the encoder gave last, by a weak reference."""
        self.kept: Any = None
        """The same, until a decoder was given it or copies of it."""
        self.num_encoded = 0
        self.of_encoder: list[Placed] = []
        """The attentions among it."""
        self.fresh: list[tuple[tuple[str, int, int], list[Any]]] = []
        """What the fused kernel was asked for, by array, layer and repeat, in one call or several."""
        self.is_inside = self.is_early = False
        """Whether the model runs, and whether its first call of ``generate`` is still to come."""
        self.mask: Any = None
        """Of tokens, as ``generate`` knows it: what it gives the model may be a mask of cells."""


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

    def __init__(
        self, path: str, module: nn.Module, tokenizer: object = None, *, recompute: bool = False
    ) -> None:
        super().__init__(path, module)
        self._recompute = recompute
        config = getattr(module, "config", None)
        self._two_sided = bool(getattr(config, "is_encoder_decoder", False))
        self._parts = dict(module.named_modules())
        everywhere = dict(module.named_modules(remove_duplicate=False))
        self._stacks = Stacks(everywhere, two_sided=self._two_sided)
        self._producers = Producers(self._stacks)
        self._outputs = HandedOut(self._stacks, self._producers, two_sided=self._two_sided)
        self._arrays = ModelArrays(path, module, self._stacks, self._two_sided, tokenizer)
        self._callers = [module, *generators(self._parts)]
        """The model, and those within that ``generate`` may call by themselves."""
        self._state = _CallState()

    def names(self) -> Sequence[str]:
        """Those of encoders, decoders and what lies between, and of stacks with names of their own."""
        return tuple(dict.fromkeys([*FIELDS.values(), *self._stacks.layers]))

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        self._state = _CallState()
        for caller in self._callers:
            hooks.before(caller, self._before_caller(caller))
        sides: dict[str, nn.Module | None] = {"one": self.module}
        if self._two_sided:
            getters = {side: getattr(self.module, f"get_{side}", None) for side in ("encoder", "decoder")}
            sides = {side: get() if get is not None else None for side, get in getters.items()}
        for side, part in sides.items():
            if part is not None:
                hooks.before(part, self._before(side, part))
        if (encoder := sides.get("encoder")) is not None:
            hooks.after(encoder, self._after_encoder)
        self._producers.install(hooks)
        if self._recompute:
            FusedCalls(self._parts, self._on_fused).install(hooks)
        caches = sys.modules.get("transformers.cache_utils")
        cache = getattr(caches, "Cache", None)
        for kind in {cache, getattr(caches, "EncoderDecoderCache", None)} - {None}:
            for name, told in (("crop", self._on_crop), ("reorder_cache", self._on_reorder)):
                if name in vars(kind):
                    hooks.listen(kind, name, after_call(hooks.guarded(told)))
        kinds = {type(caller) for caller in self._callers}
        for name, around in (
            ("prepare_inputs_for_generation", self._around_step),
            ("generate", self._around_generate),
        ):
            for kind in {defined_by(kind, name) for kind in kinds if hasattr(kind, name)}:
                hooks.listen(kind, name, around(hooks))
        for caller in self._callers:
            hooks.after(caller, self._after_caller(caller))
        hooks.after(self.module, self._leave, always=True)
        hooks.callback(self._state.forget)

    # --- while the model runs ------------------------------------------------------------------------------

    def _before_caller(self, caller: nn.Module) -> Any:
        signature, tell = inspect.signature(caller.forward), self._before("one", caller)

        def before(module: object, args: Args, kwargs: Kwargs) -> None:
            if caller is self.module:
                self._before_call(self._given(signature, args, kwargs))
                self._state.is_inside = True
            elif not self._state.is_inside:
                self._before_call(self._given(signature, args, kwargs))
                tell(module, args, kwargs)

        return before

    def _after_caller(self, caller: nn.Module) -> Any:
        signature = inspect.signature(caller.forward)

        def after(_: object, args: Args, kwargs: Kwargs, output: object) -> None:
            if caller is self.module or not self._state.is_inside:
                self._on_call(self._given(signature, args, kwargs), output)

        return after

    def _leave(self, *_: object) -> None:
        self._state.is_inside = False

    def _before_call(self, given: Mapping[str, Any]) -> None:
        state, part = self._state, self._recording.part(self.index)
        if part is None or in_backward():
            return
        if state.part is not part:
            state.part, state.number, state.cache = part, 0, None
        cache = cache_in(given)
        state.past = cache_length(cache)
        self._producers.forget()
        of_encoder = given.get("encoder_outputs") is not None and self._is_encoded(given)
        kept = [each for each in state.fresh if of_encoder and each[0][0] == "encoder.attention"]
        state.fresh = state.fresh if state.is_early else kept
        state.is_early = False
        same = state.cache is not None and cache is not None and state.cache() is cache_holder(cache)
        state.goes_on = bool(same and 0 < state.past <= state.length)
        state.batch, state.images = num_items(given), num_images(given) or state.asked_images

    def _before(self, side: str, part: nn.Module) -> Any:
        signature = inspect.signature(part.forward)

        def before(_: object, args: Args, kwargs: Kwargs) -> None:
            if in_backward():
                return
            state, given = self._state, self._given(signature, args, kwargs)
            ids, mask = given.get("input_ids"), given.get("attention_mask")
            if side == "one" and getattr(mask, "ndim", 0) != 2 and state.mask is not None:
                mask = state.mask
            state.mask = None
            state.given[side] = {
                name: tensor
                for name, tensor in (("ids", ids), ("mask", mask))
                if getattr(tensor, "ndim", 0) == 2
            }
            if side == "encoder":
                state.encoded = state.kept = None
                state.of_encoder = []

        return before

    @staticmethod
    def _given(signature: inspect.Signature, args: Args, kwargs: Kwargs) -> dict[str, Any]:
        given = signature.bind_partial(*args, **kwargs).arguments
        return {**given, **given.get("kwargs", {})}

    def _after_encoder(self, _: object, args: Args, kwargs: Kwargs, output: object) -> None:
        del args, kwargs
        state, states = self._state, first_tensor(output)
        if states is not None:
            state.encoded, state.kept = weakref.ref(states), states.detach()
            state.num_encoded = states.shape[0]
        fields = {"encoder.attention": getattr(output, "attentions", None)}
        state.of_encoder = list(self._outputs.placed(fields, state.num_encoded))

    def _on_fused(self, path: str, before: int, arguments: Mapping[str, Any]) -> None:
        module = self._parts[path]
        if self._recording.is_passing_by or isinstance(module, sys.modules["torch"].nn.MultiheadAttention):
            return
        if arguments["query"].is_nested or arguments["query"].ndim != 4:
            return
        name, layer = self._stacks.place(self._producers.path_of(path))
        if not self.wants(name):
            return
        fresh, weights = self._state.fresh, weights_of(**unpacked(module, arguments)).values
        if before and fresh and fresh[-1][0][:2] == (name, layer):
            fresh[-1][1].append(weights)
            return
        repeat = sum(key[:2] == (name, layer) for key, _ in fresh)
        fresh.append(((name, layer, repeat), [weights]))

    def _around_step(self, hooks: Hooks) -> Any:
        """``generate`` makes the inputs of a step of ids and of a mask of tokens."""
        look = hooks.guarded(self._on_step)

        def around(call: Around, module: nn.Module, *args: object, **kwargs: object) -> Any:
            if self._is_caller(module):
                look(kwargs.get("attention_mask"))
            return call(module, *args, **kwargs)

        return around

    def _on_step(self, mask: object) -> None:
        self._state.mask = mask if getattr(mask, "ndim", 0) == 2 else None

    def _around_generate(self, hooks: Hooks) -> Any:
        """What it computes first belongs to its first call; a beam search says which beams it followed."""
        look = hooks.guarded(self._on_generated)

        def around(call: Around, module: nn.Module, *args: object, **kwargs: object) -> Any:
            if not self._is_caller(module):
                return call(module, *args, **kwargs)
            if module is not self.module:
                output = call(module, *args, **kwargs)
            else:
                self._state.fresh, self._state.is_early = [], True
                self._state.asked_images = num_images(kwargs)
                try:
                    with self._recording.before_calls():
                        output = call(module, *args, **kwargs)
                finally:
                    self._state.is_early, self._state.asked_images = False, 0
            look(output)
            return output

        return around

    def _is_caller(self, module: object) -> bool:
        return any(module is caller for caller in self._callers)

    def _on_generated(self, output: object) -> None:
        told: dict[str, Any] = {"beams": getattr(output, "beam_indices", None)}
        told["tokens"] = getattr(output, "sequences", None)
        state = self._state
        if state.part is not None and getattr(told["beams"], "ndim", 0) == 2:
            for what, tensor in told.items():
                self._recording.coord(self.index, ("cache", what, state.number - 1), tensor, f"cache, {what}")

    def _on_call(self, given: Mapping[str, Any], output: object) -> None:
        state, part = self._state, None if in_backward() else self._recording.part(self.index)
        if part is None or state.part is not part:
            return
        before = len(part.calls)
        for key, weights in self._handed_out(output, given):
            if self.wants(key[0]):
                self._take(key, [weights])
        for key, pieces in state.fresh if len(part.calls) == before else ():
            self._take(key, pieces)
        state.fresh, state.kept = [], None
        self._note_hidden({key.name for key, _ in part.calls[before:]})
        self._producers.forget()
        if len(part.calls) > before:
            self._tell_sides(part, given)
        self.problem = self._outputs.problem() or ("" if part.calls else self._why_none(output, given))
        cache = cache_in(output) if isinstance(output, Mapping) else None
        cache = cache_in(given) if cache is None else cache
        state.cache = cache_reference(cache)
        state.length = state.past if cache is None else cache_length(cache)
        state.number += 1

    def _note_hidden(self, shown: set[str]) -> None:
        """Of a call that showed some weights, which modules ran and showed none."""
        hidden = {self._stacks.place(path).name for path in self._producers.ran} if shown else set()
        for name in sorted(filter(self.wants, hidden - shown)):
            self._outputs.left_out.setdefault(name, "modules ran that did not show their weights")

    def _take(self, key: tuple[str, int, int], pieces: Sequence[Any]) -> None:
        name, state, weights = key[0], self._state, pieces[0]
        is_packed = len(pieces) > 1
        if is_packed and self._is_of_text and tower_of(name) not in ("vision", "audio"):
            is_packed = False
            if not all(piece.shape == weights.shape and piece.equal(weights) for piece in pieces):
                self._outputs.left_out[name] = "a module called the fused kernel several times in one call"
                return
        if is_packed:  # images one after the other in one sequence, of which each attends to itself
            if len({piece.shape[1:] for piece in pieces}) > 1:
                self._outputs.left_out[name] = "its pieces are of different sizes: give it images of one size"
                return
            weights = sys.modules["torch"].cat(list(pieces))
        of_encoder = self._two_sided and is_of_encoder(name)
        batch = state.num_encoded if of_encoder else state.batch
        if weights.shape[0] * num_codebooks(self.module) == batch:
            batch = weights.shape[0]  # a row of ids for each codebook
        packed = is_packed or weights.shape[0] == 1 < batch
        made = ModelCall(
            *key, state.number, state.past, state.goes_on, batch, images=state.images, is_packed=packed
        )
        self._recording.call(self.index, made, weights, self.prefix + name)

    @property
    def _is_of_text(self) -> bool:
        return getattr(self.module, "main_input_name", "input_ids") in ("input_ids", "decoder_input_ids")

    def _handed_out(self, output: object, given: Mapping[str, Any]) -> Iterator[Placed]:
        """The weights among an output, and among the outputs that it holds."""
        fields = dict(fields_within(output))
        yield from self._outputs.placed(fields, self._state.batch)
        if self._two_sided and not fields.get("encoder.attention") and self._is_encoded(given):
            yield from self._state.of_encoder  # which some drop where the encoder was called before

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
        given_states, state = given.get("encoder_outputs"), self._state
        if given_states is None:
            return True  # the encoder ran within the call
        states = first_tensor(given_states)
        if states is None or state.encoded is None:
            return False
        if state.encoded() is not states and state.kept is not None and are_copies(states, state.kept):
            state.encoded = weakref.ref(states)
        state.kept = None
        return state.encoded() is states

    def _on_crop(self, cache: object) -> None:
        """A draft was rejected: what came after is taken back."""
        self._note(cache, "until", cache_length(cache))

    def _on_reorder(self, cache: object) -> None:
        """A beam search sorts its beams."""
        self._note(cache, "sorted", 0)

    def _note(self, cache: object, what: str, value: int) -> None:
        state = self._state
        part = state.part
        if part is not None and state.cache is not None and state.cache() is cache_holder(cache):
            number = sys.modules["torch"].tensor(value)
            self._recording.coord(self.index, ("cache", what, state.number - 1), number, f"cache, {what}")

    def _why_none(self, output: object, given: Mapping[str, Any]) -> str:
        if not self._stacks.attention:
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
        if used in ("eager", None) and asked:
            fused = getattr(self.module, "_supports_sdpa", False) and not self._recompute
            helps = (
                'Load it with attn_implementation="sdpa": TraceRecorder(model, recompute=True) computes those'
                if fused
                else "An adapter can say what it holds: adapters={Type: function}"
            )
            return f"it hands out no attentions, though it was asked for them. {helps}"
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
            end = keys if crosses(key.name) or is_of_encoder(key.name) else key.past + queries
            found[key.name, key.layer, key.repeat] = (batch, heads, end, dtype)
        return frozenset(found.items()), len(chains(part))

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """The layers of each array, stacked; of several calls, one beside the other."""
        return self._arrays.collect(part, timed)
