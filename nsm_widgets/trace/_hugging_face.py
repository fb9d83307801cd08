"""What the recorder knows of Hugging Face's models: the attentions among their outputs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace._attentions import HOW_TO_GET_THEM
from nsm_widgets.trace._known import KNOWN
from nsm_widgets.trace._recording import Part
from nsm_widgets.trace._source import Found, Hooks, Source, in_backward

FIELDS = {
    "attentions": "attention",
    "encoder_attentions": "encoder.attention",
    "decoder_attentions": "decoder.attention",
    "cross_attentions": "cross.attention",
}
"""The array that each field of an output becomes."""


class HuggingFaceSource(Source):
    """The attentions of a ``PreTrainedModel``'s outputs, layer by layer; heads as many as the weights have.

    Within ``generate`` the calls that go on from a cache belong to one iteration: their queries are joined,
    and a key that did not exist yet has the weight 0, as the causal mask gives it to every later key.

    Args:
        path: Its path.
        module: The outermost such model.
    """

    is_stepwise = False

    def names(self) -> Sequence[str]:
        """Those of encoders, decoders and what lies between them."""
        return tuple(FIELDS.values())

    def install(self, hooks: Hooks) -> None:
        """Hang the hook on."""
        hooks.add(self.module.register_forward_hook(self._on_call))

    def num_calls(self, part: Part) -> int:
        """All calls of an iteration make one array."""
        return 1 if part.calls else 0

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """The layers of each field, stacked."""
        found = {}
        for name in FIELDS.values():
            calls = [key[1:] for key, _ in part.calls if key[0] == name]
            if not calls:
                continue
            layers: dict[int, list[NDArray[Any]]] = {}
            source_dtype = None
            for key, copy in part.calls:
                if key[0] == name:
                    layers.setdefault(key[1], []).append(copy.values())
                    source_dtype = copy.source_dtype
            entry = KNOWN["attention"]
            attrs: dict[str, Any] = {"kind": entry.kind, "description": entry.description}
            if source_dtype is not None:
                attrs["source_dtype"] = source_dtype
            joined = [_join_queries(pieces, name.startswith("encoder")) for pieces in layers.values()]
            dims = ("time", *entry.dims) if timed else entry.dims
            if len({values.shape for values in joined}) == 1:
                values = np.stack(joined)
                found[name] = Found(values[None] if timed else values, dims, attrs)
            else:  # layers of different windows
                for index, values in zip(layers, joined, strict=True):
                    own = values[None]
                    found[f"layer{index}.{name}"] = Found(own[None] if timed else own, dims, attrs)
        return found

    def _on_call(self, _: Any, args: tuple[Any, ...], output: Any) -> None:
        del args
        if in_backward() or self._recording.part(self.index) is None:
            return
        given = 0
        for field, name in FIELDS.items():
            layers = output.get(field) if isinstance(output, Mapping) else getattr(output, field, None)
            wanted = layers is not None and self.wants(name)
            for index, weights in enumerate(layers if wanted and layers is not None else ()):
                if weights is not None and not isinstance(weights, (tuple, list)):
                    self._recording.call(self.index, (name, index), weights, self.prefix + name)
                    given += 1
        if not given:
            self.problem = self._why_none(output)

    def _why_none(self, output: Any) -> str:
        if isinstance(output, tuple):
            return (
                "its output is a plain tuple, which does not say what is what. Call it with return_dict=True"
            )
        used = getattr(getattr(self.module, "config", None), "_attn_implementation", None)
        because = f"it runs with attn_implementation={used!r}. " if used not in (None, "eager") else ""
        return f"its outputs hold no attentions: {because}{HOW_TO_GET_THEM.rstrip('.')}"


def is_hugging_face(module: Any) -> bool:
    """Whether it is a ``transformers.PreTrainedModel``, without importing transformers."""
    transformers = sys.modules.get("transformers.modeling_utils")
    return transformers is not None and isinstance(module, transformers.PreTrainedModel)


def _join_queries(pieces: Sequence[NDArray[Any]], is_repeated: bool) -> NDArray[Any]:
    """Weights of the calls of one iteration, ``[batch, head, query, key]`` each, as one."""
    if len(pieces) == 1 or is_repeated:  # the encoder ran once; each call tells of it again
        return pieces[0]
    batch, heads = pieces[0].shape[:2]
    if any(piece.shape[:2] != (batch, heads) for piece in pieces):
        shapes = ", ".join(str(piece.shape) for piece in pieces)
        raise RecordingError(
            f"calls that go on from a cache must keep batch and heads, got shapes {shapes}. "
            "Record each call with a TraceRecorder of its own."
        )
    keys = max(piece.shape[3] for piece in pieces)
    joined = np.zeros((batch, heads, sum(piece.shape[2] for piece in pieces), keys), pieces[0].dtype)
    query = 0
    for piece in pieces:
        joined[:, :, query : query + piece.shape[2], : piece.shape[3]] = piece
        query += piece.shape[2]
    return joined
