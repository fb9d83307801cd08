"""What the recorder knows of ``nn.MultiheadAttention``: the weights of each head, asked for or not."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.arrays._mask import joined_masks, telling
from nsm_widgets.trace.record._hooks import Found, Hooks, in_backward
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record.sources._masks import Call, fitted, given_masks, masks_of
from nsm_widgets.trace.record.sources._source import Source

ENTRY = KNOWN["attention"]


class AttentionSource(Source):
    """Modules of one kind, such as all ``encoder.layers.*.self_attn``: one layer each.

    A call that hides its weights (``need_weights=False``, averaged heads, dropout) is followed by one without
    gradients that shows them, on the same inputs: the module's own answer stays what it was.

    Args:
        path: The common path of the modules, their numbers left out.
        modules: The modules by path, in the model's order.
        containers: The transformer layers and encoders around them, whose fused paths would call none of the
            modules.
        repeated: ``"time"`` or ``"layer"``: what the second call of a module within one iteration is.
    """

    is_stepwise = False

    def __init__(self, path: str, modules: dict[str, Any], containers: Sequence[Any], repeated: str) -> None:
        super().__init__(path, next(iter(modules.values())))
        self._modules = modules
        self._containers = containers
        self._repeated = repeated
        self._fast_path: list[bool] = []

    def names(self) -> Sequence[str]:
        """One array."""
        return ("attention",)

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on; the fused path is shut while one of the containers runs."""
        backend = sys.modules["torch"].backends.mha
        for path, module in self._modules.items():
            hooks.add(module.register_forward_hook(self._hook(path, module), with_kwargs=True))
        for container in self._containers:
            hooks.add(container.register_forward_pre_hook(self._shut))
            hooks.add(container.register_forward_hook(self._open, always_call=True))
        self._fast_path = []
        before = backend.get_fastpath_enabled()
        hooks.callback(lambda: backend.set_fastpath_enabled(before))

    def num_calls(self, part: Part) -> int:
        """Calls of each module: 1 in most models."""
        if self._repeated == "layer":
            return 1
        counts = {path: sum(key == path for key, _ in part.calls) for path in self._modules}
        used = {count for count in counts.values() if count}
        if len(used) > 1:
            told = ", ".join(f"{path} {count}" for path, count in counts.items())
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
            f"{path}.attention": self._stack([call for call in calls if call[0] == path], timed)
            for path in self._modules
            if any(key == path for key, _, _ in calls)
        }

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
            return Found(values[0], ENTRY.dims, attrs, {**coords, **telling(of_steps[0])})
        masks = joined_masks([(of_step, sizes) for of_step in of_steps], "time", new=True)
        return Found(values, ("time", *ENTRY.dims), attrs, {**coords, **telling(masks)})

    def record_call(self, part: Part, path: str, weights: Any, masks: Mapping[str, Any]) -> None:
        """Copy the weights of a call, and masks, True where a value counts, by their names."""
        name = f"{self.prefix}attention"
        index = len(part.calls)
        self._recording.call(self.index, path, weights, name)
        for kind, mask in masks.items():
            if len(part.calls) > index:  # there was room for it
                self._recording.coord(self.index, (index, kind), mask, f"{name}, {kind}")

    def _hook(self, path: str, module: Any) -> Any:
        signature = inspect.signature(module.forward)

        def on_call(called: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            part = None if in_backward() else self._recording.part(self.index)
            if part is None:
                return
            call = signature.bind(*args, **kwargs)
            call.apply_defaults()
            with self._recording.guard:  # what is set for a second call is set for all threads
                weights = _shown_weights(called, call.arguments, output)  # a replica has its own parameters
            if weights.ndim == 3:  # without a batch axis
                weights = weights[None]
            self.record_call(part, path, weights, given_masks(call.arguments, weights))

        return on_call

    def _shut(self, *_: Any) -> None:
        backend = sys.modules["torch"].backends.mha
        self._fast_path.append(backend.get_fastpath_enabled())
        backend.set_fastpath_enabled(False)

    def _open(self, *_: Any) -> None:
        if self._fast_path:
            sys.modules["torch"].backends.mha.set_fastpath_enabled(self._fast_path.pop())


def _shown_weights(module: Any, arguments: dict[str, Any], output: Any) -> Any:
    """The weights of each head: the module's own where it hands them out, else those of a second call."""
    hidden = not arguments["need_weights"] or arguments["average_attn_weights"]
    if not hidden and not (module.training and module.dropout > 0):
        return output[1]
    arguments = {**arguments, "need_weights": True, "average_attn_weights": False}
    with _quietly(module):
        return type(module).forward(module, **arguments)[1]


@contextmanager
def _quietly(module: Any) -> Iterator[None]:
    """Without gradients, dropout or draws of random numbers, on the path that the first call went."""
    torch = sys.modules["torch"]
    backend, dropout = torch.backends.mha, module.dropout
    fast_path = backend.get_fastpath_enabled()
    if torch.is_grad_enabled():
        backend.set_fastpath_enabled(False)  # without gradients it would be open
    module.dropout = 0.0
    try:
        with torch.no_grad():
            yield
    finally:
        module.dropout = dropout
        backend.set_fastpath_enabled(fast_path)
