"""What the recorder knows of ``nn.MultiheadAttention``: the weights of each head, asked for or not."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.arrays._mask import joined_masks, telling
from nsm_widgets.trace.record._hooks import Found, Hooks, Observer, in_backward
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record._listening import Args, Around, Kwargs, defined_by, original_of
from nsm_widgets.trace.record.sources._masks import Call, fitted, given_masks, masks_of
from nsm_widgets.trace.record.sources._source import Source

if TYPE_CHECKING:
    from torch import Tensor, nn

ENTRY = KNOWN["attention"]


class AttentionSource(Source):
    """Modules of one kind, such as all ``encoder.layers.*.self_attn``: one layer each.

    A call that hides its weights (``need_weights=False``, averaged heads, dropout) is followed by one of a
    shadow of the module that shows them, without gradients, on the same inputs. A layer whose fused path
    calls no attention module is followed by one of its attention module's shadow, on what the layer was
    given. The model's own answer stays what it was, and the model is not touched.

    Args:
        path: The common path of the modules, their numbers left out.
        modules: The modules by path, in the model's order.
        layers: The transformer layers that the modules are the ``self_attn`` of, by the path of the module.
        encoders: What those layers are in: they know how long a padded sequence is.
        repeated: ``"time"`` or ``"layer"``: what the second call of a module within one iteration is.
    """

    is_stepwise = False

    def __init__(
        self,
        path: str,
        modules: dict[str, Any],
        repeated: str,
        *,
        layers: Mapping[str, Any] | None = None,
        encoders: Sequence[Any] = (),
    ) -> None:
        super().__init__(path, next(iter(modules.values())))
        self._modules = modules
        self._layers = layers or {}
        self._encoders = encoders
        self._repeated = repeated

    def names(self) -> Sequence[str]:
        """One array."""
        return ("attention",)

    def install(self, hooks: Hooks) -> None:
        """Listen to the forwards of the modules as torch has them, also where a subclass calls them."""
        nn = sys.modules["torch"].nn
        self._running = _Inside()
        own = [type(m).__name__ for m in self._modules.values() if not _is_torchs(m)]
        if own:
            self.problem = (
                f"{', '.join(dict.fromkeys(own))} has a forward of its own, which did not call that of "
                "nn.MultiheadAttention. Say what it holds: adapters={Type: function}"
            )
        for path, module in self._modules.items():
            look = hooks.guarded(partial(self._on_call, path))
            hooks.around(module, self._around(path, look), nn.MultiheadAttention)
        for path, layer in self._layers.items():
            look = hooks.guarded(partial(self._on_layer, path))
            hooks.around(layer, self._around_layer(path, look), nn.TransformerEncoderLayer)
        for encoder in self._encoders:
            hooks.around(encoder, self._around_encoder, nn.TransformerEncoder)

    def kind(self, part: Part) -> Hashable:
        """As many layers, too, where calls are layers."""
        return part.kind if self._repeated == "time" else (part.kind, len(part.calls))

    def num_calls(self, part: Part) -> int:
        """Calls of each module: 1 in most models."""
        if self._repeated == "layer":
            return 1
        counts = {path: sum(key == path for key, _ in part.calls) for path in self._modules}
        used = {count for count in counts.values() if count}
        if len(used) > 1:
            told = ", ".join(f"{path} {count}" for path, count in counts.items() if count)
            raise RecordingError(
                f"attention modules recorded as one array must be called equally often, got {told}. Record "
                "some of them with select=..., or every call as a layer with repeated='layer'."
            )
        return used.pop() if used else 0

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """Layers, stacked; where their shapes differ, an array for each module."""
        return self.arrays_of(part, range(len(part.calls)), "attention", timed)

    def arrays_of(self, part: Part, chosen: Sequence[int], name: str, timed: bool) -> dict[str, Found]:
        """Some of the calls, stacked by this name; by the path of each module where their shapes differ.

        Calls of one module may have other numbers of queries and keys each time: then what one of them had
        not is 0, and masked.
        """
        calls = [(*part.calls[index], masks_of(part, index)) for index in chosen]
        shapes: dict[str, list[tuple[int, ...]]] = {}
        for path, copy, _ in calls:
            shapes.setdefault(path, []).append(copy.values().shape)
        in_turn = self._repeated == "time"
        if len({tuple(each if in_turn else sorted(set(each))) for each in shapes.values()}) == 1:
            return {name: self._stack(calls, timed)}
        return {
            self._name_of(path): self._stack([call for call in calls if call[0] == path], timed)
            for path in self._modules
            if any(key == path for key, _, _ in calls)
        }

    def _name_of(self, path: str) -> str:
        """The array of one module; what its path has in common with the others stands before it already."""
        common = self.path.split(".") if self.prefix else []
        parts = []
        for part in path.split("."):
            if part in common[:1]:
                common = common[1:]
            else:
                parts.append(part)
        return ".".join([*parts, "attention"])

    def _stack(self, calls: Sequence[Call], timed: bool) -> Found:
        attrs: dict[str, Any] = {"kind": ENTRY.kind, "description": ENTRY.description}
        if calls[0][1].source_dtype is not None:
            attrs["source_dtype"] = calls[0][1].source_dtype
        if self._repeated == "layer":
            steps, labels = [calls], [path for path, _, _ in calls]
        else:
            labels = [path for path in self._modules if any(key == path for key, _, _ in calls)]
            of_each = [[call for call in calls if call[0] == path] for path in labels]
            steps = [list(step) for step in zip(*of_each, strict=True)]
        stacked = [fitted(step, [copy.values().shape for _, copy, _ in calls]) for step in steps]
        values = np.stack([np.stack([of_call for of_call, _ in step]) for step in stacked])
        sizes = dict(zip(ENTRY.dims, values.shape[1:], strict=True))
        of_steps = [
            joined_masks([(masks, sizes) for _, masks in step], "layer", new=True) for step in stacked
        ]
        coords: dict[str, Any] = {"layer": [label or "attention" for label in labels]}
        if not timed:
            return Found((values[0],), ENTRY.dims, attrs, {**coords, **telling(of_steps[0])})
        masks = joined_masks([(of_step, sizes) for of_step in of_steps], "time", new=True)
        return Found((values,), ("time", *ENTRY.dims), attrs, {**coords, **telling(masks)})

    def record_call(self, part: Part, path: str, weights: Tensor, masks: Mapping[str, Any]) -> None:
        """Copy the weights of a call, and masks, True where a value counts, by their names."""
        name = f"{self.prefix}attention"
        index = len(part.calls)
        self._recording.call(self.index, path, weights, name)
        for kind, mask in masks.items():
            if len(part.calls) > index:  # there was room for it
                self._recording.coord(self.index, (index, kind), mask, f"{name}, {kind}")

    def _around(self, path: str, look: Observer) -> Around:
        def around(call: Around, module: nn.Module, *args: object, **kwargs: object) -> Any:
            self._running.called.add(path)
            output = call(module, *args, **kwargs)
            look(module, args, kwargs, output)
            return output

        return around

    def _around_layer(self, path: str, look: Observer) -> Around:
        def around(call: Around, layer: nn.Module, *args: object, **kwargs: object) -> Any:
            called = self._running.called
            called.discard(path)
            output = call(layer, *args, **kwargs)
            if path not in called:  # a fused path, which calls no module
                look(layer, args, kwargs)
            return output

        return around

    def _around_encoder(self, call: Around, encoder: nn.Module, *args: Tensor, **kwargs: Tensor) -> Any:
        before = self._running.padded
        source = args[0] if args else kwargs.get("src")
        # of a nested one there is no shape, and what is no tensor the encoder refuses
        self._running.padded = None if getattr(source, "is_nested", True) else source.shape  # type: ignore[union-attr]
        try:
            return call(encoder, *args, **kwargs)
        finally:
            self._running.padded = before

    def _on_call(
        self,
        path: str,
        module: nn.MultiheadAttention,
        args: Args,
        kwargs: Kwargs,
        output: tuple[Tensor, Tensor],
    ) -> None:
        part = None if in_backward() else self._recording.part(self.index)
        if part is None:
            return
        self.problem = ""
        call = _arguments("MultiheadAttention", module, args, kwargs)
        weights = shown_weights(module, call, output)
        if weights.ndim == 3:  # without a batch axis
            weights = weights[None]
        self.record_call(part, path, weights, given_masks(call, weights))

    def _on_layer(self, path: str, layer: nn.TransformerEncoderLayer, args: Args, kwargs: Kwargs) -> None:
        part = None if in_backward() else self._recording.part(self.index)
        if part is None:
            return
        call = _arguments("TransformerEncoderLayer", layer, args, kwargs)
        values, padding = call["src"], call["src_key_padding_mask"]
        absent = None
        if values.is_nested:  # a padded batch without its padding: what was padded was not computed
            values, absent = _padded(values, self._running.padded)
            padding = absent
        given = given_to_attention(layer, values, padding, call["src_mask"])
        weights = weights_beside(layer.self_attn, given)
        if absent is not None:
            weights = weights.masked_fill(absent[:, None, :, None], 0.0)
        self.record_call(part, path, weights, given_masks(given, weights))


class _Inside(threading.local):
    """What a thread is in."""

    padded: Any = None
    """The shape of what the encoder was given."""

    def __init__(self) -> None:
        self.called: set[str] = set()
        """Attention modules that were called since their layer was."""


def _is_torchs(module: object) -> bool:
    kind = defined_by(type(module), "forward")
    return kind is sys.modules["torch"].nn.MultiheadAttention


def _arguments(kind: str, module: object, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """What a forward of torch's was called with, by name."""
    forward = original_of(getattr(sys.modules["torch"].nn, kind), "forward")
    call = inspect.signature(forward).bind(module, *args, **kwargs)
    call.apply_defaults()
    return {name: value for name, value in call.arguments.items() if name != "self"}


def shown_weights(
    module: nn.MultiheadAttention, arguments: Mapping[str, Any], output: tuple[Tensor, Tensor]
) -> Any:
    """The weights of each head: the module's own where it hands them out, else those of a second call."""
    hidden = not arguments["need_weights"] or arguments["average_attn_weights"]
    if not hidden and not (module.training and module.dropout > 0):
        return output[1]
    return weights_beside(module, arguments)


def weights_beside(module: nn.Module, arguments: Mapping[str, Any]) -> Any:
    """The weights of each head by a second call: no gradients, no dropout, no draw of random numbers.

    A shadow is called, which has what the module has: other threads may be in the module itself.
    """
    torch = sys.modules["torch"]
    shadow = object.__new__(type(module))
    own = {**vars(module), "dropout": 0.0}
    if torch.is_grad_enabled():
        own["training"] = True  # without gradients a fast path would be open, which the first call did not go
    drawing: AbstractContextManager[None] = nullcontext()
    if any("parametrizations" in part._modules for part in (module, *module.children())):
        # some of them go on with each look at a weight, in training, or draw
        own["_modules"] = {name: deepcopy(part).eval() for name, part in own["_modules"].items()}
        drawing = torch.random.fork_rng({p.device for p in module.parameters() if p.is_cuda})
    vars(shadow).update(own)
    forward = original_of(torch.nn.MultiheadAttention, "forward")
    with torch.no_grad(), drawing:
        return forward(shadow, **{**arguments, "need_weights": True, "average_attn_weights": False})[1]


def given_to_attention(
    layer: nn.TransformerEncoderLayer, values: Tensor, padding: Tensor | None, mask: Tensor | None
) -> dict[str, Any]:
    """What a transformer layer that was given these calls its attention with."""
    functional = sys.modules["torch"].nn.functional
    if layer.norm_first:
        norm = layer.norm1
        with sys.modules["torch"].no_grad():
            values = functional.layer_norm(values, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    return {
        "query": values,
        "key": values,
        "value": values,
        "key_padding_mask": padding,
        "attn_mask": mask,
        "is_causal": False,
    }


def _padded(nested: Tensor, shape: Sequence[int] | None) -> tuple[Any, Any]:
    """A nested batch as a padded one, and where it was padded."""
    torch = sys.modules["torch"]
    with torch.no_grad():
        lengths = torch.tensor([len(sequence) for sequence in nested.unbind()], device=nested.device)
        values = nested.to_padded_tensor(0.0, None if shape is None else tuple(shape))
        places = torch.arange(values.shape[1], device=nested.device)
        return values, places[None] >= lengths[:, None]
