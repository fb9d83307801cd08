"""What ``generate`` does: where padding lies, which cache it fills, who drafts tokens, what it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import transformers

from nsm_widgets.trace import TraceRecorder
from tests.trace.models.check import NEW, check_generated, counting
from tests.trace.models.test_trace_left_out import qwen
from tests.trace.models.tiny import ALL

pytestmark = [pytest.mark.filterwarnings("ignore")]
WAYS: dict[str, dict[str, Any]] = {
    "": {},
    "static": {"cache_implementation": "static", "disable_compile": True},
    "sliding": {"cache_implementation": "sliding_window", "disable_compile": True},
    "in chunks": {"prefill_chunk_size": 4},
    "prompt lookup": {"prompt_lookup_num_tokens": 3, "items": 1},
    "assistant": {"items": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", ["LlamaForCausalLM", "Gemma3ForCausalLM", "GptOssForCausalLM"])
def test_padding(model: str, way: str, padding: str, attention: str) -> None:
    """On either side, with each cache and each way to draft: rows of one forward, with its padding."""
    tiny, how = next(tiny for tiny in ALL if tiny.model == model), dict(WAYS[way])
    if tiny.eager_only and attention == "sdpa":
        with pytest.raises(ValueError, match="does not support"):
            tiny.make(attention)
        return
    if way == "assistant":
        how["assistant_model"] = tiny.make("eager")
        with torch.no_grad():
            next(how["assistant_model"].parameters()).mul_(1.5)  # of another opinion now and then
    check_generated(tiny, attention, padding, **how)


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize(
    "model",
    [
        "Florence2ForConditionalGeneration",
        "SeamlessM4TForSpeechToText",
        "Pix2StructForConditionalGeneration",
    ],
)
def test_what_an_encoder_saw(model: str, attention: str) -> None:
    """Images and sound: the arrays of one forward over the tokens, by the same names, on the same axes."""
    tiny = next(tiny for tiny in ALL if tiny.model == model)
    made = tiny.make(attention)
    call = {name: given for name, given in tiny.call(made).items() if name != "decoder_input_ids"}
    shown = {"output_attentions": True} if attention == "eager" else {}

    def recorded(run: Any) -> tuple[TraceRecorder, Any]:
        with torch.no_grad(), TraceRecorder(made, recompute=attention != "eager", strict=True) as rec:
            answer = run()
        return rec, answer

    with torch.no_grad():
        bare = made.generate(**call, **NEW)
    rec, out = recorded(lambda: made.generate(**call, **NEW, **shown, return_dict_in_generate=True))
    assert torch.equal(out.sequences, bare)
    # one that fills no cache sees all queries again, each time
    trace = rec.trace if len(rec.iterations) == 1 else rec.iteration(rec.iterations[-1])
    whole = recorded(lambda: made(**call, **shown, decoder_input_ids=out.sequences[:, :-1]))[0].trace
    later = set(whole) - set(trace)
    assert not later or (model.startswith("Pix2Struct") and later == {"encoder.attention"})
    for name, array in trace.items():
        assert array.dims == whole[name].dims
        np.testing.assert_allclose(counting(array), counting(whole[name]), atol=1e-5)


@pytest.mark.slow
def test_images_among_tokens() -> None:
    """Qwen-VL: each image is what it is in a forward, rows of text those of one over the tokens."""
    model = qwen()
    patches, ids = torch.randn(12, 48), torch.randint(9, 49, (2, 12))
    for place in (ids[0, 1:5], ids[0, 6:10], ids[1, 3:7]):  # two images, and one
        place[:] = 5
    seen = {"pixel_values": patches, "image_grid_thw": torch.tensor([[1, 2, 2]] * 3)}

    def call(tokens: torch.Tensor) -> dict[str, Any]:
        kinds = {"mm_token_type_ids": (tokens == 5).int()} if transformers.__version__ >= "5" else {}
        return {**seen, **kinds, "input_ids": tokens, "attention_mask": torch.ones_like(tokens)}

    with torch.no_grad():
        bare = model.generate(**call(ids), **NEW)
        with TraceRecorder(model, recompute=True, strict=True) as rec:
            tokens = model.generate(**call(ids), **NEW)
        with TraceRecorder(model, recompute=True, strict=True) as other:
            model(**call(tokens[:, :-1]))
    assert torch.equal(tokens, bare)
    for name, array in other.trace.items():
        assert rec.trace[name].dims == array.dims
        np.testing.assert_allclose(rec.trace[name].values, array.values, atol=1e-5)
