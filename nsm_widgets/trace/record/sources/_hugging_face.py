"""What the recorder knows of Hugging Face's models: the attentions of their outputs, and of which tokens."""

from __future__ import annotations

import inspect
import re
import sys
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.make._from_attentions import FIELDS, HOW_TO_GET_THEM
from nsm_widgets.trace.make._generate_calls import join_calls
from nsm_widgets.trace.make._tokens import Side, attention_coords
from nsm_widgets.trace.record._hooks import Found, Hooks, in_backward
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record.sources._fused import FusedCalls, weights_of
from nsm_widgets.trace.record.sources._source import Source

ENTRY = KNOWN["attention"]
_CROSSES = re.compile(r"cross|encdec|encoder_att", re.IGNORECASE)


class HuggingFaceSource(Source):
    """The attentions of a ``PreTrainedModel``'s outputs, layer by layer; heads as many as the weights have.

    Within ``generate`` the calls that go on from a cache belong to one iteration: their queries are joined,
    and a key that did not exist yet has the weight 0 and is masked. Padding is what the attention masks say
    that the model, or its encoder and its decoder, are called with; labels of tokens come from the ids.

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
        self._given: dict[str, dict[str, Any]] = {}
        """Token ids and masks of the newest call, of ``"one"`` model, or ``"encoder"`` and ``"decoder"``."""
        self._encoded: Any = None
        """What the encoder gave last, by a weak reference."""
        self._of_encoder: Any = None
        """The attentions among it."""
        self._fresh: list[tuple[tuple[str, int], Any]] = []

    def names(self) -> Sequence[str]:
        """Those of encoders, decoders and what lies between them."""
        return tuple(FIELDS.values())

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        self._given, self._fresh = {}, []
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
            modules = dict(self.module.named_modules())
            FusedCalls(modules, self._on_fused).install(hooks)
        hooks.after(self.module, self._on_call)
        hooks.callback(self._forget)

    def num_calls(self, part: Part) -> int:
        """All calls of an iteration make one array."""
        return 1 if part.calls else 0

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """The layers of each field, stacked."""
        found = {}
        sides = self._sides(part)
        for name in dict.fromkeys(key[0] for key, _ in part.calls):
            layers: dict[int, list[NDArray[Any]]] = {}
            source_dtype = None
            for key, copy in part.calls:
                if key[0] == name:
                    layers.setdefault(key[1], []).append(copy.values())
                    source_dtype = copy.source_dtype
            attrs: dict[str, Any] = {"kind": ENTRY.kind, "description": ENTRY.description}
            if source_dtype is not None:
                attrs["source_dtype"] = source_dtype
            crosses, repeats = name.startswith("cross"), name.startswith("encoder")
            # an encoder ran once; each call tells of it again
            joined = [join_calls(p[:1] if repeats else p, crosses=crosses) for p in layers.values()]
            queries, keys = sides.get(name, (Side(), Side()))
            dims = ("time", *ENTRY.dims) if timed else ENTRY.dims
            together = len({each.values.shape for each in joined}) == 1
            groups = (
                {name: joined}
                if together
                else {f"layer{index}.{name}": [each] for index, each in zip(layers, joined, strict=True)}
            )  # layers of different windows are apart
            for full, group in groups.items():
                values = np.stack([each.values for each in group])
                sizes = dict(zip(ENTRY.dims, values.shape, strict=True))
                coords = attention_coords(queries, keys, self._tokenizer, sizes, group[0].there)
                found[full] = Found(values[None] if timed else values, dims, attrs, coords)
        return found

    def _sides(self, part: Part) -> dict[str, tuple[Side, Side]]:
        """What stood at queries and keys of each array, as far as the calls told."""
        told: dict[tuple[str, str], list[NDArray[Any]]] = {}
        for key, copy in part.coords:
            told.setdefault(key, []).append(copy.values())

        def side(name: str) -> Side:
            ids, masks = told.get((name, "ids"), []), told.get((name, "mask"), [])
            batches = {values.shape[0] for values in ids}
            # each call brings the ids of its own queries; its mask is of all keys so far
            joined = np.concatenate(ids, axis=1) if len(batches) == 1 else None
            return Side(joined, masks[-1].astype(bool) if masks else None)

        one, encoder, decoder = side("one"), side("encoder"), side("decoder")
        return {
            "attention": (one, one),
            "encoder.attention": (encoder, encoder),
            "decoder.attention": (decoder, decoder),
            "cross.attention": (decoder, encoder),
        }

    def _before(self, side: str, part: Any) -> Any:
        signature = inspect.signature(part.forward)

        def before(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if in_backward():
                return
            given = signature.bind_partial(*args, **kwargs).arguments
            given = {**given, **given.get("kwargs", {})}
            ids, mask = given.get("input_ids"), given.get("attention_mask")
            self._given[side] = {
                name: tensor
                for name, tensor in (("ids", ids), ("mask", mask))
                if getattr(tensor, "ndim", 0) == 2 and (name == "mask" or self._tokenizer is not None)
            }
            if side == "encoder":
                self._encoded = self._of_encoder = None
            # of a call that failed; what an encoder showed belongs to the call that comes
            kept = "encoder.attention" if side == "decoder" else None
            self._fresh = [each for each in self._fresh if each[0][0] == kept]

        return before

    def _after_encoder(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        del args, kwargs
        states = output[0] if isinstance(output, (tuple, Mapping)) and len(output) else None
        self._encoded = weakref.ref(states) if states is not None else None
        self._of_encoder = getattr(output, "attentions", None)

    def _on_fused(self, path: str, arguments: Mapping[str, Any]) -> None:
        if self._recording.is_passing_by or arguments["query"].is_nested:
            return
        name = self._name_of(path)
        if self.wants(name):
            index = re.search(r"\d+", path)
            layer = int(index[0]) if index else len(self._fresh)
            self._fresh.append(((name, layer), weights_of(**arguments).values))

    def _name_of(self, path: str) -> str:
        """The array to which what this module attends to belongs."""
        if not self._two_sided:
            return "attention"
        if "encoder" in path.split("."):
            return "encoder.attention"
        return "cross.attention" if _CROSSES.search(path.rpartition(".")[2]) else "decoder.attention"

    def _on_call(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        del args
        part = None if in_backward() else self._recording.part(self.index)
        if part is None:
            return
        given = 0
        for field, name in FIELDS.items():
            layers = output.get(field) if isinstance(output, Mapping) else getattr(output, field, None)
            if not layers and field == "encoder_attentions" and self._is_encoded(kwargs):
                layers = self._of_encoder  # which some models drop where the encoder was called before
            wanted = layers is not None and self.wants(name)
            for index, weights in enumerate(layers if wanted and layers is not None else ()):
                if weights is not None and not isinstance(weights, (tuple, list)):
                    self._recording.call(self.index, (name, index), weights, self.prefix + name)
                    given += 1
        for key, weights in self._fresh if not given else ():
            self._recording.call(self.index, key, weights, self.prefix + key[0])
            given += 1
        self._fresh = []
        if given:
            self._tell_sides(part, kwargs)
        else:
            self.problem = self._why_none(output)

    def _tell_sides(self, part: Part, kwargs: Mapping[str, Any]) -> None:
        """Ids and masks of this call; an encoder's once, and only if what it gave was used."""
        known = {key for key, _ in part.coords}
        for side, tensors in self._given.items():
            for kind, tensor in tensors.items():
                if side == "encoder" and ((side, kind) in known or not self._is_encoded(kwargs)):
                    continue
                self._recording.coord(self.index, (side, kind), tensor, f"{side} {kind}")
        for side in ("one", "decoder"):
            self._given.pop(side, None)

    def _is_encoded(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether the decoder was given what the encoder gave last."""
        states = kwargs.get("encoder_outputs")
        if states is None:
            return True  # the encoder ran within the call
        states = states[0] if isinstance(states, (tuple, list, Mapping)) else states
        return self._encoded is not None and self._encoded() is states

    def _forget(self) -> None:
        self._given, self._fresh, self._encoded, self._of_encoder = {}, [], None, None

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
