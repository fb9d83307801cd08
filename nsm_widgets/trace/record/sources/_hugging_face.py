"""What the recorder knows of Hugging Face's models: the attentions of their outputs, and of which tokens."""

from __future__ import annotations

import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.make._from_attentions import HOW_TO_GET_THEM
from nsm_widgets.trace.make._generate_calls import JoinedCalls, join_calls
from nsm_widgets.trace.make._output_fields import FIELDS, fields_within, tower_of
from nsm_widgets.trace.make._tokens import Side, attention_coords, there_of
from nsm_widgets.trace.record._hooks import Found, Hooks, in_backward
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record.sources._fused import FusedCalls, weights_of
from nsm_widgets.trace.record.sources._source import Source
from nsm_widgets.trace.record.sources._stacks import Stacks

ENTRY = KNOWN["attention"]
_INPUTS = (
    "input_ids",
    "decoder_input_ids",
    "inputs_embeds",
    "pixel_values",
    "input_values",
    "input_features",
)
_SINK = "weights over tokens, the rest of which a learned sink takes"


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
    """How many items the model was given."""


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
        self._tokenizer = tokenizer
        self._recompute = recompute
        config = getattr(module, "config", None)
        self._two_sided = bool(getattr(config, "is_encoder_decoder", False))
        self._parts = dict(module.named_modules())
        self._stacks = Stacks(self._parts, two_sided=self._two_sided)
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
                    hooks.listen(kind, name, _around(hooks.guarded(told)))
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
        state.past = _length(cache)
        of_encoder = given.get("encoder_outputs") is not None and self._is_encoded(given)
        state.fresh = [each for each in state.fresh if of_encoder and each[0][0] == "encoder.attention"]
        same = state.cache is not None and cache is not None and state.cache() is _holder(cache)
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
        fresh.append(((name, layer, repeat), weights_of(**_unpacked(module, arguments)).values))

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
        state.cache, state.length = _reference(cache), state.past if cache is None else _length(cache)
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
        self._note(cache, "until", _length(cache))

    def _on_reorder(self, cache: Any) -> None:
        """A beam search sorts its beams."""
        self._note(cache, "sorted", 0)

    def _note(self, cache: Any, what: str, value: int) -> None:
        state = self._state
        part = state.part
        if part is not None and state.cache is not None and state.cache() is _holder(cache):
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
        return len(_chains(part))

    def kind(self, part: Part) -> Hashable:
        """What the joined arrays look like."""
        found: dict[Any, Any] = {}
        for key, copy in part.calls:
            (batch, heads, queries, keys), dtype = copy.kind
            end = keys if _crosses(key.name) or key.name.startswith("encoder") else key.past + queries
            found[key.name, key.layer, key.repeat] = (batch, heads, end, dtype)
        return frozenset(found.items()), len(_chains(part))

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """The layers of each array, stacked; of several calls, one beside the other."""
        chains = [self._of_chain(part, numbers) for numbers in _chains(part)]
        if not timed:
            return chains[0] if chains else {}
        names = list(dict.fromkeys(name for chain in chains for name in chain))
        return {name: self._in_turn(name, [chain.get(name) for chain in chains]) for name in names}

    def _in_turn(self, name: str, found: Sequence[Found | None]) -> Found:
        shapes = [None if each is None else each.values.shape for each in found]
        if len(set(shapes)) > 1 or any(each is None for each in found):
            told = ", ".join("none" if shape is None else str(shape) for shape in shapes)
            raise RecordingError(
                f"{self.prefix}{name}: calls of a model within one iteration must be alike to lie along "
                f"time, got {told}. Record each with a TraceRecorder of its own."
            )
        first = [each for each in found if each is not None]
        same = {
            dim: c for dim, c in first[0].coords.items() if all(_equal(c, o.coords.get(dim)) for o in first)
        }
        values = np.stack([each.values for each in first])
        return Found(values, ("time", *first[0].dims), first[0].attrs, same)

    def _of_chain(self, part: Part, numbers: Sequence[int]) -> dict[str, Found]:
        """The arrays of calls that go on from each other."""
        calls = [(key, copy) for key, copy in part.calls if key.number in numbers]
        notes = {key[1:]: int(copy.values()) for key, copy in part.coords if key[0] == "cache"}
        if any(what == "sorted" for what, number in notes if number in numbers):
            raise RecordingError(
                f"{self.path or type(self.module).__name__}: a beam search sorts its beams anew at each "
                "step, so that rows of different beams would follow each other. Generate with num_beams=1."
            )
        until = notes.get(("until", numbers[-1]))
        sides = self._sides(part, numbers, until)
        found: dict[str, Found] = {}
        for name in dict.fromkeys(key.name for key, _ in calls):
            of_name = [(key, copy) for key, copy in calls if key.name == name]
            found |= self._arrays(name, of_name, sides.get(name, (Side(), Side())), until)
        return found

    def _arrays(
        self,
        name: str,
        calls: Sequence[tuple[ModelCall, HostCopy]],
        sides: tuple[Side, Side],
        until: int | None,
    ) -> dict[str, Found]:
        """One array of a name; one for each layer where their shapes differ."""
        layers: dict[tuple[int, int], list[tuple[ModelCall, HostCopy]]] = {}
        for key, copy in calls:
            layers.setdefault((key.layer, key.repeat), []).append((key, copy))
        joined = {layer: self._joined(name, pieces, until) for layer, pieces in layers.items()}
        attrs: dict[str, Any] = {"kind": ENTRY.kind, "description": ENTRY.description}
        if name in self._stacks.with_sinks:
            attrs = {"kind": "shares", "description": _SINK}
        if calls[0][1].source_dtype is not None:
            attrs["source_dtype"] = calls[0][1].source_dtype
        together = len({each.values.shape for each in joined.values()}) == 1
        groups = (
            {name: joined}
            if together
            else {f"layer{at[0]}.{name}": {at: each} for at, each in joined.items()}
        )
        found = {}
        for full, group in groups.items():
            values, dims = np.stack([each.values for each in group.values()]), ENTRY.dims
            coords: dict[str, Any] = {}
            batch = calls[0][0].batch
            if batch and values.shape[1] != batch and values.shape[1] % batch == 0:
                values = values.reshape(values.shape[0], batch, -1, *values.shape[2:])
                dims = (*ENTRY.dims[:2], "window", *ENTRY.dims[2:])
            else:
                sizes = dict(zip(dims, values.shape, strict=True))
                there = there_of([each.there for each in group.values()])
                coords = attention_coords(*sides, self._tokenizer, sizes, there)
            coords |= _layer_labels(list(group)) if together else {}
            found[full] = Found(values, dims, attrs, coords)
        return found

    def _joined(
        self, name: str, calls: Sequence[tuple[ModelCall, HostCopy]], until: int | None
    ) -> JoinedCalls:
        crosses = _crosses(name)
        if name.split(".")[-2:-1] == ["encoder"]:
            calls = calls[:1]  # an encoder ran once; each call tells of it again
        pieces = [copy.values() for _, copy in calls]
        pasts = [0 if name.startswith("encoder") else key.past for key, _ in calls]
        if (
            len(calls) == 1
            and (crosses or not pasts[0])
            and pieces[0].shape[2] != pieces[0].shape[3] - pasts[0]
        ):
            return JoinedCalls(pieces[0], None)  # windows, latents, another axis: as they are
        return join_calls(pieces, pasts, crosses=crosses, until=until)

    def _sides(self, part: Part, numbers: Sequence[int], until: int | None) -> dict[str, tuple[Side, Side]]:
        """What stood at queries and keys of each array, as far as the calls told."""
        pasts = {key.number: key.past for key, _ in part.calls}
        told: dict[tuple[str, str], dict[int, NDArray[Any]]] = {}
        for (side, kind, number), copy in part.coords:
            if side != "cache" and (number in numbers or side == "encoder"):
                told.setdefault((side, kind), {})[number] = copy.values()

        def side_of(name: str) -> Side:
            ids = self._ids(told.get((name, "ids"), {}), pasts, name == "encoder", until)
            masks = list(told.get((name, "mask"), {}).values())
            mask = masks[-1].astype(bool) if masks else None
            if mask is not None and until is not None and name != "encoder":
                mask = mask[:, :until]
            if name != "encoder":
                mask = self._until_the_end(ids, mask, told.get((name, "ids"), {}))
            return Side(ids if self._tokenizer is not None else None, self._down_sampled(part, mask))

        one, encoder, decoder = side_of("one"), side_of("encoder"), side_of("decoder")
        sides = {name: (one, one) for name in self._stacks.layers if tower_of(name) in ("", "text")}
        return sides | {
            "attention": (one, one),
            "encoder.attention": (encoder, encoder),
            "decoder.attention": (decoder, decoder) if self._two_sided else (one, one),
            "cross.attention": (decoder, encoder),
        }

    @staticmethod
    def _ids(
        given: Mapping[int, NDArray[Any]], pasts: Mapping[int, int], is_encoder: bool, until: int | None
    ) -> NDArray[Any] | None:
        """The ids at all places, if all are known: each call brings those of its own queries."""
        if not given or len({ids.shape[0] for ids in given.values()}) > 1:
            return None
        joined = next(iter(given.values()))[:, :0]
        for number, ids in given.items():
            past = 0 if is_encoder else pasts.get(number, 0)
            if past > joined.shape[1]:
                return None
            joined = np.concatenate([joined[:, :past], ids], axis=1)
        return joined if until is None or is_encoder else joined[:, :until]

    def _until_the_end(
        self, ids: NDArray[Any] | None, mask: NDArray[np.bool_] | None, given: Mapping[int, NDArray[Any]]
    ) -> NDArray[np.bool_] | None:
        """The mask, without what ``generate`` writes behind the end of a sequence that ended early."""
        config = getattr(self.module, "generation_config", None)
        ends = getattr(config, "eos_token_id", None)
        if ids is None or ends is None or len(given) < 2:
            return mask
        prompt = next(iter(given.values())).shape[1]
        is_end: NDArray[np.bool_] = np.isin(ids, ends)
        is_end[:, :prompt] = False
        after: NDArray[np.bool_] = np.cumsum(is_end, axis=1) > is_end
        if not after.any():
            return mask
        whole = np.ones(ids.shape, bool) if mask is None or mask.shape != ids.shape else mask
        return whole & ~after

    def _down_sampled(self, part: Part, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        """A mask of samples as one of frames, where the model says how it makes them."""
        make = getattr(self.module, "_get_feature_vector_attention_mask", None)
        if mask is None or make is None or not part.calls:
            return mask
        frames = part.calls[0][1].kind[0][3]
        torch = sys.modules["torch"]
        try:
            with torch.no_grad():
                made = make(frames, torch.from_numpy(mask.astype(np.int64)))
            flags: NDArray[np.bool_] = np.asarray(made.cpu()).astype(bool)
        except Exception:  # another model's way: then nothing is said
            return None
        return flags


def _chains(part: Part) -> list[list[int]]:
    """The numbers of calls, those together that go on from each other."""
    goes_on = {key.number: key.goes_on for key, _ in part.calls}
    starts = 0
    chains = []
    for number, on in sorted(goes_on.items()):
        starts += not on
        chains.append((max(starts, 1), number))
    return [[number for _, number in group] for _, group in groupby(chains, key=lambda each: each[0])]


def _around(told: Callable[[Any], None]) -> Any:
    def around(call: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        answer = call(cache, *args, **kwargs)
        told(cache)
        return answer

    return around


def _crosses(name: str) -> bool:
    return name.split(".")[-2:-1] == ["cross"]


def _holder(cache: Any) -> Any:
    """What is kept from call to call: the cache, or the first tensor of one that is a tuple."""
    while isinstance(cache, (tuple, list)) and cache:
        cache = cache[0]
    return cache


def _reference(cache: Any) -> Any:
    try:
        return None if cache is None else weakref.ref(_holder(cache))
    except TypeError:
        return None


def _length(cache: Any) -> int:
    """How many keys a cache holds."""
    if cache is None:
        return 0
    if hasattr(cache, "get_seq_length"):
        return int(cache.get_seq_length())
    holder = _holder(cache)
    return int(holder.shape[-2]) if getattr(holder, "ndim", 0) == 4 else 0


def _layer_labels(layers: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """The numbers of the layers, where they are not 0, 1, 2, ..."""
    if len({layer for layer, _ in layers}) == 1:
        numbers = [repeat for _, repeat in layers] if len(layers) > 1 else [layers[0][0]]
    else:
        numbers = [layer for layer, _ in layers]
    return (
        {} if numbers == list(range(len(numbers))) or len(set(numbers)) < len(numbers) else {"layer": numbers}
    )


def _equal(one: Any, other: Any) -> bool:
    if hasattr(one, "values") and hasattr(other, "values"):
        return one.dims == other.dims and np.array_equal(one.values, other.values)
    return bool(one == other)


def _groups_of(module: Any) -> int:
    groups = getattr(module, "num_key_value_groups", 1)
    return groups if isinstance(groups, int) else 1


def _is_packed(module: Any, query: Any, key: Any) -> bool:
    """Whether the heads of a group lie along the query axis, as transformers packs a single query."""
    groups = _groups_of(module)
    heads = getattr(getattr(module, "config", None), "num_attention_heads", None)
    return groups > 1 and heads == groups * key.shape[1] and query.shape[1] == key.shape[1]


def _unpacked(module: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call of the kernel; of a packed one as of one that is not."""
    call = dict(arguments)
    query, key = call["query"], call["key"]
    if not _is_packed(module, query, key):
        return call
    groups = _groups_of(module)
    call["query"] = query.reshape(query.shape[0], query.shape[1] * groups, -1, query.shape[-1])
    call["key"] = key.repeat_interleave(groups, dim=1)
    mask = call.get("attn_mask")
    if mask is not None and mask.ndim == 4 and mask.shape[1] == key.shape[1] > 1:
        call["attn_mask"] = mask.reshape(mask.shape[0], mask.shape[1] * groups, -1, mask.shape[-1])
    return call


def is_hugging_face(module: Any) -> bool:
    """Whether it is a ``transformers.PreTrainedModel``, without importing transformers."""
    transformers = sys.modules.get("transformers.modeling_utils")
    return transformers is not None and isinstance(module, transformers.PreTrainedModel)
