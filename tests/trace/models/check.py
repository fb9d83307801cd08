"""Whether what is recorded of one of transformers' models is what the model itself hands out."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from nsm_widgets.trace.make._output_fields import fields_within
from tests.trace.models.sizes import Tiny

SAME = 2e-6
"""Between two ways to compute a weight in float32."""
ROWS = 1e-5
"""Between rows of ``generate`` and of one forward over the same tokens."""
LAYERS = {"layer", "layer_number"}
NEW = {"max_new_tokens": 5, "min_new_tokens": 5, "do_sample": False, "num_beams": 1}


def handed_out(outputs: Any) -> dict[str, list[np.ndarray]]:
    """The weights among a model's outputs, by the name that a recorder gives them."""
    found = {}
    for name, layers in fields_within(outputs):
        shown = [each.numpy() for each in flat(layers) if isinstance(each, torch.Tensor)]
        if shown:
            found[name] = shown
    return found


def flat(layers: Any) -> list[Any]:
    """What tuples hold, and tuples within them."""
    if not isinstance(layers, (tuple, list)):
        return [layers]
    return [each for inner in layers for each in flat(inner)]


def flat_layers(trace: Mapping[str, NamedArray], name: str) -> list[np.ndarray]:
    """The layers of an array, or of those that it lies in by stages or by single layers, windows as batch."""
    own = [trace[name]] if name in trace else [
        array for each, array in trace.items() if each.startswith(("stage", "layer")) and each.endswith(name)
    ]  # fmt: skip
    layers = []
    for array in own:
        values = array.values
        if "window" in array.dims:
            values = values.reshape(len(values), -1, *values.shape[3:])
        layers += list(values)
    return layers


def recorded(tiny: Tiny, attention: str) -> tuple[Trace, bool, Any]:
    """The trace of one forward, whether the answer is the unrecorded one, and what the model handed out."""
    model = tiny.make(attention)
    call, asked = tiny.call(model), {"output_attentions": True} if attention == "eager" else {}
    with torch.no_grad():
        bare = model(**call, **asked)
        with TraceRecorder(model, recompute=attention != "eager", strict=True) as rec:
            outputs = model(**call, **asked)
    return rec.trace, torch.equal(outputs[0], bare[0]), bare


def check_eager(tiny: Tiny) -> Trace:
    """Every weight that is handed out is there, bit for bit, and nothing else."""
    trace, unchanged, outputs = recorded(tiny, "eager")
    assert unchanged
    expected = handed_out(outputs)
    assert expected
    count = 0
    for name, layers in expected.items():
        others = [f"{tower}.{name}" for tower in ("text", "encoder") if f"{tower}.{name}" in trace]
        arrays = tiny.names.get(name, (name if name in trace else [*others, name][0],))
        given = [layer for array in arrays for layer in flat_layers(trace, array)]
        if name in tiny.names:  # what is no weights has other axes, and is left out with a word
            layers = [each for each in layers if arrays and each.ndim < 5]
            assert layers or f"what the model hands out as {name} " in trace.attrs["not_recorded"]
        assert len(given) == len(layers), name
        for one, other in zip(given, layers, strict=True):
            np.testing.assert_array_equal(one.reshape(other.shape), other)
        count += len(layers)
    also = [name for name in trace if name.endswith("head.attention.attention") or name in tiny.also]
    assert sum(array.shape[0] for array in trace.values()) == count + sum(trace[n].shape[0] for n in also)
    return trace


def check_recomputed(tiny: Tiny, eager: Trace) -> Trace:
    """The same arrays as those handed out, on the axes and with the masks that those have."""
    trace, unchanged, _ = recorded(tiny, "sdpa")
    assert unchanged
    for name, array in eager.items():
        other = trace[name]
        if len(other.values) > len(array.values):  # a model that hands out a part of its layers
            other = other.isel(layer=[int(label) for label in array.labels("layer") or ()])
        assert other.dims == array.dims and other.shape == array.shape
        assert other.labels("layer") == array.labels("layer")
        assert set(other.coords) - LAYERS == set(array.coords) - LAYERS
        np.testing.assert_allclose(counting(other), counting(array), atol=SAME, rtol=0)
        for axis in set(other.coords) - LAYERS:
            np.testing.assert_array_equal(other.coords[axis].values, array.coords[axis].values)
    return trace


def counting(array: NamedArray) -> np.ndarray:
    """The weights, but for rows of padding, which each way fills as it likes."""
    mask = array.coords.get("query_mask")
    return array.values if mask is None else array.values * mask.values[:, None, :, None]


def check_generated(tiny: Tiny, attention: str, padding: str = "left", items: int = 2, **how: Any) -> None:
    """Each row of what ``generate`` did is the row of one forward over the tokens that it returned."""
    model, eager = tiny.make(attention), tiny.make("eager")
    call = tiny.call(model)
    ids, mask = call["input_ids"][-items:], call["attention_mask"][-items:]
    is_two_sided = "decoder_input_ids" in call
    if not is_two_sided and padding == "left":
        ids, mask = ids.flip(1), mask.flip(1)
    asked = {"output_attentions": True, "return_dict_in_generate": True} if attention == "eager" else {}
    how = {**NEW, **how}
    with torch.no_grad():
        bare = model.generate(ids, attention_mask=mask, **how)
        with TraceRecorder(model, recompute=attention != "eager", strict=True) as rec:
            out = model.generate(ids, attention_mask=mask, **how, **asked)
        tokens = out if isinstance(out, torch.Tensor) else out.sequences
        assert torch.equal(tokens, bare)
        if is_two_sided:
            whole = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": tokens[:, :-1]}
        else:
            longer = torch.nn.functional.pad(mask, (0, tokens.shape[1] - 1 - mask.shape[1]), value=1)
            whole = {"input_ids": tokens[:, :-1], "attention_mask": longer}
            if "position_ids" in inspect.signature(eager.forward).parameters:
                whole["position_ids"] = places(mask, longer)
        expected = handed_out(eager(**whole, output_attentions=True))
    trace = rec.trace
    for name, layers in expected.items():
        array = trace[name]
        weights = np.stack(layers)
        if "prompt_lookup_num_tokens" in how or "assistant_model" in how:  # what was not drafted again
            weights = weights[..., : array.sizes["query"], : array.sizes["key"]]
        other = NamedArray(name, weights, array.dims, array.coords, array.attrs)
        np.testing.assert_allclose(counting(array), counting(other), atol=ROWS, rtol=0)
        if array.mask is None or name.startswith(("encoder", "cross")):
            continue
        # what is masked of a row that counts has no weight, and what has weight is not masked
        hidden = ~np.broadcast_to(array.mask, array.shape)
        assert np.abs(counting(array)[hidden]).max(initial=0) == 0
        if not is_two_sided:
            counts = longer[:, : array.sizes["query"]].numpy() > 0
            np.testing.assert_array_equal(array.coords["query_mask"].values, counts)


def places(prompt: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The positions that ``generate`` gives: counted over tokens, and on from the prompt's last place."""
    size = prompt.shape[1]
    given = (prompt.cumsum(-1) - 1).masked_fill(prompt == 0, 0)
    new = given[:, -1:] + torch.arange(1, mask.shape[1] - size + 1)
    return torch.cat([given, new], dim=1)
