"""``Trace.from_attentions``: what transformers hand out becomes arrays with five named axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import DtypeError, LabelError, RecordingError, ShapeError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._convert import ArrayLike, to_numpy, to_readonly
from nsm_widgets.trace.arrays._coord import Labels
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.arrays._mask import as_flags
from nsm_widgets.trace.arrays._weights import check_weightings
from nsm_widgets.trace.make._generate_calls import join_calls
from nsm_widgets.trace.make._output_fields import FIELDS, fields_within
from nsm_widgets.trace.make._tokens import Side, as_ids, attention_coords, check_tokenizer, there_of

HOW_TO_GET_THEM = (
    'Load the model with attn_implementation="eager" and call it with output_attentions=True; '
    "other implementations (SDPA, flash) never compute the weights. "
    "TraceRecorder(model, recompute=True) computes those of SDPA again."
)
_HOW_TO_NORMALISE = (
    "Take the weights after the softmax and without dropout (model.eval()); "
    "raw scores go into Trace.from_arrays({'attention': ...}, kinds={'attention': 'content'}), "
    "weights of which a learned sink takes the rest (gpt-oss) with kinds={'attention': 'shares'}."
)


@dataclass(frozen=True, slots=True)
class AttentionOptions:
    """What :meth:`Trace.from_attentions` is told besides the weights."""

    tokens: Labels = None
    query_tokens: Labels = None
    key_tokens: Labels = None
    head_names: Labels = None
    tokenizer: Any = None
    input_ids: Any = None
    decoder_input_ids: Any = None
    mask: Any = None
    decoder_mask: Any = None


class _Layers(NamedTuple):
    values: NDArray[Any]
    """``(layer, batch, head, query, key)``, read-only."""
    source_dtype: str | None
    there: NDArray[np.bool_] | None = None
    """Which keys there were, ``(query, key)``, or ``(layer, query, key)`` where layers differ."""
    is_joined: bool = False
    """Whether it is of several calls."""


def trace_from_attentions(attentions: object, options: AttentionOptions) -> TraceBase:
    """See :meth:`Trace.from_attentions`."""
    fields = _fields_of(attentions)
    check_tokenizer(options.tokenizer)
    found = {name: _stack_layers(layers, crosses=name.startswith("cross")) for name, layers in fields.items()}
    sides = _sides(attentions, found, options)
    none = (Side(), Side())
    return TraceBase(
        *(_array(name, layers, sides.get(name, none), options) for name, layers in found.items())
    )


def _array(name: str, layers: _Layers, sides: tuple[Side, Side], options: AttentionOptions) -> NamedArray:
    entry = KNOWN["attention"]
    attrs = {"kind": entry.kind, "description": entry.description}
    if layers.source_dtype is not None:
        attrs["source_dtype"] = layers.source_dtype
    check_weightings(layers.values, name, "key", _HOW_TO_NORMALISE, layers.source_dtype)
    sizes = dict(zip(entry.dims, layers.values.shape, strict=True))
    # a mask, and what was generated, may tell of more tokens than there are places yet
    more = sizes["query"] + sizes["key"] if layers.is_joined else 0
    coords = attention_coords(*sides, options.tokenizer, sizes, layers.there, strict=True, more=more)
    coords |= _token_coords(sizes, options.tokens, options.query_tokens, options.key_tokens)
    if options.head_names is not None:
        coords["head"] = options.head_names
    return NamedArray(name, layers.values, entry.dims, coords, attrs)


def _fields_of(attentions: object) -> dict[str, Any]:
    """The weights by the name that each array will have: of a model's whole output, or the weights alone."""
    if attentions is None:
        raise RecordingError(f"attentions must be tensors, got None. {HOW_TO_GET_THEM}")
    if isinstance(attentions, (list, tuple)) or hasattr(attentions, "shape"):
        return {"attention": attentions}
    given = attentions
    if not isinstance(given, Mapping):
        given = {field: getattr(attentions, field) for field in FIELDS if hasattr(attentions, field)}
    found = {name: given[field] for field, name in FIELDS.items() if field in given}
    if not found:
        inner = {name: layers for name, layers in fields_within(attentions) if layers}
        return inner or {"attention": attentions}
    for name, layers in found.items():
        if layers is not None and not isinstance(layers, Sized):
            raise DtypeError(f"{name} must be a tensor or one for each layer, got {type(layers).__name__}.")
    held = {name: layers for name, layers in found.items() if layers is not None and len(layers)}
    if not held:
        raise RecordingError(
            f"the {type(attentions).__name__} must hold attentions, got none. {HOW_TO_GET_THEM}"
        )
    if getattr(attentions, "beam_indices", None) is not None:
        raise ShapeError(
            "attentions must be of calls that go on from each other, and a beam search sorts its beams "
            "anew at each step. Generate with num_beams=1, or pass one step: outputs.attentions[0]."
        )
    return held


def _sides(
    attentions: object, found: Mapping[str, _Layers], options: AttentionOptions
) -> dict[str, tuple[Side, Side]]:
    """What stood at queries and keys of each array. Encoders and decoders each have their own."""
    two_sided = not {"encoder.attention", "decoder.attention", "cross.attention"}.isdisjoint(found)
    ids, decoder_ids = (
        as_ids(options.input_ids, "input_ids"),
        as_ids(options.decoder_input_ids, "decoder_input_ids"),
    )
    generated = as_ids(getattr(attentions, "sequences", None), "sequences")
    if generated is not None:  # what was given, and what came of it
        ids, decoder_ids = (ids, generated) if two_sided else (generated, decoder_ids)
    if not two_sided and (decoder_ids is not None or options.decoder_mask is not None):
        raise LabelError(
            "decoder_input_ids and decoder_mask are of an encoder and a decoder, and these are of one "
            "model. Pass input_ids and mask."
        )
    one = Side(ids, _mask(options.mask, "mask", found.get("attention")))
    other = Side(decoder_ids, _mask(options.decoder_mask, "decoder_mask", found.get("decoder.attention")))
    return {
        "attention": (one, one),
        "text.attention": (one, one),
        "encoder.attention": (one, one),
        "decoder.attention": (other, other),
        "cross.attention": (other, one),
    }


def _mask(given: object, name: str, layers: _Layers | None) -> NDArray[np.bool_] | None:
    """A tokenizer's mask ``[batch, token]``; what was generated afterwards is tokens."""
    if given is None:
        return None
    flags = as_flags(given, name)
    flags = flags[None] if flags.ndim == 1 else flags
    if flags.ndim != 2:
        raise LabelError(
            f"{name} must have axes (batch, token), True or 1 for a token, got shape {flags.shape}. Of "
            "single cells? Trace.from_arrays({'attention': ...}, coords={'attention': {'mask': ...}})."
        )
    keys = layers.values.shape[-1] if layers is not None and layers.is_joined else 0
    return np.pad(flags, ((0, 0), (0, max(0, keys - flags.shape[1]))), constant_values=True)


def _is_nested(layers: object) -> bool:
    """Whether there is a tuple of layers for each call, as ``generate`` returns them."""
    if not isinstance(layers, (list, tuple)) or not layers:
        return False
    return isinstance(layers[0], (list, tuple)) and not _is_nested_numbers(layers)


def _stack_layers(attentions: ArrayLike, *, crosses: bool = False) -> _Layers:
    """The attentions as (layer, batch, head, query, key), read-only."""
    if _is_nested(attentions):
        return _stack_calls(attentions, crosses)
    if isinstance(attentions, (list, tuple)) and not _is_nested_numbers(attentions):
        values, source_dtype = _stack_tuple(attentions)
    else:
        values, source_dtype = to_readonly(attentions, "attentions")
    if not 2 <= values.ndim <= 5:
        raise ShapeError(
            "attentions must have axes (layer, batch, head, query, key) or the last 2, 3 or 4 of them, "
            f"got shape {values.shape}. Take the part that is meant, or one tensor per layer as a tuple."
        )
    values = values[(None,) * (5 - values.ndim)]
    values.flags.writeable = False
    return _Layers(values, source_dtype)


def _stack_calls(calls: Sequence[Any], crosses: bool) -> _Layers:
    """A tuple of layers for each call, joined along ``query``."""
    source_dtype = None
    by_layer: list[list[NDArray[Any]]] = [[] for _ in calls[0]]
    for step, layers in enumerate(calls):
        if not isinstance(layers, (list, tuple)) or len(layers) != len(by_layer):
            raise ShapeError(
                f"attentions[{step}] must hold {len(by_layer)} layers, as those of the first call, got "
                f"{len(layers) if isinstance(layers, (list, tuple)) else type(layers).__name__}."
            )
        for index, layer in enumerate(layers):
            _check_layer(layer, index, f"attentions[{step}]")
            values, source_dtype = to_numpy(layer, f"attentions[{step}][{index}]")
            by_layer[index].append(values)
    joined = [join_calls(pieces, crosses=crosses) for pieces in by_layer]
    if not joined:
        raise RecordingError(f"attentions are empty: the model returned none. {HOW_TO_GET_THEM}")
    shapes = [layer.values.shape for layer in joined]
    if len(set(shapes)) > 1:
        raise ShapeError(
            f"all layers must have one shape (batch, head, query, key), got {', '.join(map(str, shapes))}. "
            "Pass the layers that agree, in traces of their own."
        )
    stacked = np.stack([layer.values for layer in joined])
    stacked.flags.writeable = False
    there = there_of([layer.there for layer in joined])
    return _Layers(stacked, source_dtype, there, is_joined=True)


def _is_nested_numbers(value: object) -> bool:
    """Whether lists hold numbers all the way down, as ``tensor.tolist()`` makes them."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, (bool, int, float))


def _stack_tuple(layers: list[Any] | tuple[Any, ...]) -> tuple[NDArray[Any], str | None]:
    """One tensor per layer, stacked."""
    if len(layers) == 0:
        raise RecordingError(f"attentions are empty: the model returned none. {HOW_TO_GET_THEM}")
    for index, layer in enumerate(layers):
        _check_layer(layer, index)
        if tuple(layer.shape) != tuple(layers[0].shape):
            raise ShapeError(
                "all layers must have one shape (batch, head, query, key): layer 0 has "
                f"{tuple(layers[0].shape)}, "
                f"layer {index} has {tuple(layer.shape)}. Pass the layers that agree, in traces of their own."
            )
    return to_numpy(layers, "attentions")


def _check_layer(layer: object, index: int, of: str = "attentions") -> None:
    if layer is None:
        raise RecordingError(f"{of}[{index}] is None: that layer returned no weights. {HOW_TO_GET_THEM}")
    shape = getattr(layer, "shape", None)
    if shape is None:
        raise DtypeError(f"{of}[{index}] must be a tensor, got {type(layer).__name__}.")
    if len(shape) != 4:
        raise ShapeError(
            f"{of}[{index}] must have axes (batch, head, query, key), got shape {tuple(shape)}. "
            "Add the missing axis: layer[None] for the batch, layer[:, None] for the head. "
            "One stacked tensor is passed as it is, not in a tuple."
        )


def _token_coords(
    sizes: dict[str, int], tokens: Labels, query_tokens: Labels, key_tokens: Labels
) -> dict[str, Any]:
    if tokens is not None:
        if query_tokens is not None or key_tokens is not None:
            raise LabelError(
                "tokens labels queries and keys, so query_tokens and key_tokens must be left out."
            )
        if sizes["query"] != sizes["key"]:
            raise LabelError(
                f"tokens needs as many queries as keys, got {sizes['query']} queries and {sizes['key']} "
                "keys. "
                "Pass query_tokens=... and key_tokens=..."
            )
        query_tokens = key_tokens = tokens
    named = {"query": query_tokens, "key": key_tokens}
    return {dim: labels for dim, labels in named.items() if labels is not None}
