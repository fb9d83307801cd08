"""``Trace.from_attentions``: what transformers hand out becomes one array with five named axes."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from nsm_widgets._errors import DtypeError, LabelError, RecordingError, ShapeError
from nsm_widgets.trace._array import NamedArray
from nsm_widgets.trace._convert import ArrayLike, to_numpy, to_readonly
from nsm_widgets.trace._coord import Labels
from nsm_widgets.trace._known import KNOWN
from nsm_widgets.trace._trace import Trace
from nsm_widgets.trace._weights import check_weightings

HOW_TO_GET_THEM = (
    'Load the model with attn_implementation="eager" and call it with output_attentions=True; '
    "other implementations (SDPA, flash) never compute the weights."
)
_HOW_TO_NORMALISE = (
    "Take the weights after the softmax and without dropout (model.eval()); "
    "raw scores go into Trace.from_arrays({'attention': ...}, kinds={'attention': 'content'})."
)


def trace_from_attentions(
    attentions: ArrayLike, tokens: Labels, query_tokens: Labels, key_tokens: Labels, head_names: Labels
) -> Trace:
    """See :meth:`Trace.from_attentions`."""
    values, source_dtype = _stack_layers(attentions)
    entry = KNOWN["attention"]
    dims = entry.dims
    attrs = {"kind": entry.kind, "description": entry.description}
    if source_dtype is not None:
        attrs["source_dtype"] = source_dtype
    check_weightings(values, "attention", "key", _HOW_TO_NORMALISE, source_dtype)
    coords = _token_coords(dict(zip(dims, values.shape, strict=True)), tokens, query_tokens, key_tokens)
    if head_names is not None:
        coords["head"] = head_names
    return Trace(NamedArray("attention", values, dims, coords, attrs))


def _stack_layers(attentions: ArrayLike) -> tuple[NDArray[Any], str | None]:
    """The attentions as (layer, batch, head, query, key), read-only."""
    if attentions is None:
        raise RecordingError(f"attentions must be tensors, got None. {HOW_TO_GET_THEM}")
    if hasattr(attentions, "attentions") or hasattr(attentions, "decoder_attentions"):
        raise ShapeError(
            f"attentions must be the tensors alone, got a whole {type(attentions).__name__}. "
            "Pass outputs.attentions (or .encoder_attentions, .decoder_attentions, .cross_attentions)."
        )
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
    return values, source_dtype


def _is_nested_numbers(value: Any) -> bool:
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


def _check_layer(layer: Any, index: int) -> None:
    if layer is None:
        raise RecordingError(
            f"attentions[{index}] is None: that layer returned no weights. {HOW_TO_GET_THEM}"
        )
    if isinstance(layer, (list, tuple)):
        raise ShapeError(
            f"attentions[{index}] must be one tensor (batch, head, query, key), got a "
            f"{type(layer).__name__} of "
            f"{len(layer)}: this is what generate() returns, a tuple of layers for each new token. "
            "Pass one step's tuple: attentions[0]."
        )
    shape = getattr(layer, "shape", None)
    if shape is None:
        raise DtypeError(f"attentions[{index}] must be a tensor, got {type(layer).__name__}.")
    if len(shape) != 4:
        raise ShapeError(
            f"attentions[{index}] must have axes (batch, head, query, key), got shape {tuple(shape)}. "
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
