"""What models of transformers hand out as attention and is none, and what is of no item of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import transformers

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace import Trace, TraceRecorder
from nsm_widgets.trace.make._output_fields import fields_within
from tests.trace.models.parts import HEARS, SEAMLESS, part
from tests.trace.models.sizes import GROUPED, HEADS, IDS, SIZES, T5_SIZES, TEXT, VISION, text, two

pytestmark = [pytest.mark.filterwarnings("ignore")]


def made(model: str, config: Any, attention: str = "eager") -> Any:
    torch.manual_seed(0)
    return getattr(transformers, model)._from_config(config, attn_implementation=attention).eval()


def recorded(model: Any, **call: Any) -> Trace:
    with torch.no_grad(), TraceRecorder(model, strict=True) as rec:
        model(**call, output_attentions=True)
    return rec.trace


def config_of(kind: str, **sizes: Any) -> Any:
    return getattr(transformers, kind)(**sizes)


def test_other_axes_are_left_out_with_a_word() -> None:
    """RWKV hands out what has no heads and no keys."""
    config = config_of("RwkvConfig", **IDS, hidden_size=16, attention_hidden_size=16, num_hidden_layers=2)
    model = made("RwkvModel", config)
    with pytest.raises(RecordingError, match=r"hands out as attention has shape \(2, 6, 16\), and weights"):
        recorded(model, input_ids=text(model)["input_ids"])


def test_the_rest_of_a_model_is_there() -> None:
    """LongT5's encoder attends in blocks; its decoder does not."""
    config = config_of("LongT5Config", **T5_SIZES, local_radius=2)
    model = made("LongT5ForConditionalGeneration", config)
    trace = recorded(model, **two(model))
    assert set(trace) == {"decoder.attention", "cross.attention"}
    assert (
        "encoder.attention: what the model hands out as encoder.attention has shape"
        in trace.attrs["not_recorded"]
    )


def test_a_state_is_no_weights() -> None:
    """MiniMax's first layer attends, its second one sums keys and values to a state."""
    sizes = {**HEADS, "num_local_experts": 2, "num_experts_per_tok": 1, "block_size": 4}
    kinds = ["full_attention", "linear_attention"]
    model = made("MiniMaxForCausalLM", config_of("MiniMaxConfig", **sizes, layer_types=kinds))
    call = text(model)
    trace = recorded(model, **call)
    assert {name: array.shape[0] for name, array in trace.items()} == {"attention": 1}
    with torch.no_grad():
        given = model(**call, output_attentions=True).attentions
    if len(given) > 1:  # transformers 4 hands out no state
        assert "of modules that give no weights" in trace.attrs["not_recorded"]
    np.testing.assert_array_equal(trace["attention"].values[0], given[0].numpy())


def test_scores_are_no_weights() -> None:
    """SqueezeBERT hands out what it has before the softmax."""
    model = made("SqueezeBertModel", config_of("SqueezeBertConfig", **TEXT, embedding_size=16))
    attention = recorded(model, **text(model))["attention"]
    assert attention.values.min() < -1e-3
    assert attention.attrs["kind"] == "content"


def by_hand(run: Any, monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The weights of each call of the kernel, from what it was given, in double precision."""
    kernel, found = torch.nn.functional.scaled_dot_product_attention, []

    def look(query: Any, key: Any, value: Any, attn_mask: Any = None, **more: Any) -> Any:
        scale = more.get("scale") or query.shape[-1] ** -0.5
        scores = query.double() @ key.double().mT * scale
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -torch.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        found.append(torch.softmax(scores, -1))
        return kernel(query, key, value, attn_mask=attn_mask, **more)

    with monkeypatch.context() as patch, torch.no_grad():
        patch.setattr(torch.nn.functional, "scaled_dot_product_attention", look)
        run()
    return found


@pytest.mark.parametrize("model", ["SeamlessM4Tv2ForSpeechToText", "NemotronAsrStreamingEncoder"])
def test_ways_of_a_model_that_differ_by_themselves(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Handed out, these take a mask for what it is not; each way is recorded as it was computed."""
    if not hasattr(transformers, model):
        pytest.skip(f"transformers {transformers.__version__} has no {model}")
    tiny = (
        part(model, lambda: config_of("SeamlessM4Tv2Config", **SEAMLESS), "speech")
        if model.startswith("Seamless")
        else part(model, lambda: config_of("NemotronAsrStreamingEncoderConfig", **HEARS), "heard")
    )
    eager = tiny.make("eager")
    call = tiny.call(eager)
    with torch.no_grad(), TraceRecorder(eager, strict=True) as rec:
        outputs = eager(**call, output_attentions=True)
    shown = dict(fields_within(outputs))
    name = next(name for name in rec.trace if name in ("attention", "audio.encoder.attention"))
    field = name.removeprefix("audio.")
    for layer, weights in zip(rec.trace[name].values, shown[field], strict=True):
        np.testing.assert_array_equal(layer, weights.numpy())  # NaN and all
    fused = tiny.make("sdpa")
    with torch.no_grad(), TraceRecorder(fused, recompute=True, strict=True) as rec:
        fused(**call)
    again = rec.trace[name].values
    expected = np.stack([each.numpy() for each in by_hand(lambda: fused(**call), monkeypatch)[: len(again)]])
    mask = rec.trace[name].coords.get("query_mask")
    counts = 1 if mask is None else mask.values[:, None, :, None]
    np.testing.assert_allclose(again * counts, np.nan_to_num(expected) * counts, atol=1e-6)


def clip(attention: str) -> Any:
    words = {**SIZES, **IDS, "max_position_embeddings": 16}
    return made("CLIPModel", config_of("CLIPConfig", text_config=words, vision_config=VISION), attention)


@pytest.mark.parametrize("images", [2, 6])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_fewer_and_more_images_than_texts(images: int, attention: str) -> None:
    """Each tower has items of its own; several images are no windows of one."""
    model = clip(attention)
    ids = torch.randint(3, 49, (3, 5))
    asked = {"output_attentions": True} if attention == "eager" else {}
    with torch.no_grad(), TraceRecorder(model, recompute=attention != "eager", strict=True) as rec:
        model(input_ids=ids, pixel_values=torch.randn(images, 3, 8, 8), **asked)
    assert rec.trace["text.attention"].sizes["batch"] == 3
    assert rec.trace["vision.attention"].dims == ("layer", "image", "head", "query", "key")
    assert rec.trace["vision.attention"].sizes["image"] == images


def qwen() -> Any:
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4}
    words = {
        **GROUPED,
        "hidden_size": 32,
        "rope_parameters": rope,
        "rope_scaling": {**rope, "type": "default"},
    }
    eyes = {
        "depth": 2, "hidden_size": 16, "num_heads": 2, "intermediate_size": 32, "out_hidden_size": 32,
        "patch_size": 4, "spatial_merge_size": 1, "temporal_patch_size": 1, "window_size": 16,
        "fullatt_block_indexes": [0, 1],
    }  # fmt: skip
    tokens = {"image_token_id": 5, "video_token_id": 6, "vision_start_token_id": 7, "vision_end_token_id": 8}
    config = config_of("Qwen2_5_VLConfig", text_config=words, vision_config=eyes, **tokens)
    return made("Qwen2_5_VLForConditionalGeneration", config, "sdpa")


def test_images_in_one_sequence_are_an_axis() -> None:
    """Qwen-VL attends image by image; each is what it is alone."""
    model = qwen()
    patches, ids = torch.randn(12, 48), torch.randint(9, 49, (2, 12))
    for place in (ids[0, 1:5], ids[0, 6:10], ids[1, 3:7]):  # two images, and one
        place[:] = 5

    def traced(rows: slice, images: int, **call: Any) -> Any:
        grid, kinds = torch.tensor([[1, 2, 2]] * images), (call["input_ids"] == 5).int()
        call |= {"mm_token_type_ids": kinds} if transformers.__version__ >= "5" else {}
        call["attention_mask"] = torch.ones_like(call["input_ids"])
        with torch.no_grad(), TraceRecorder(model, recompute=True, strict=True) as rec:
            model(pixel_values=patches[rows], image_grid_thw=grid, **call)
        return rec.trace

    together, alone = traced(slice(0, 12), 3, input_ids=ids), traced(slice(8, 12), 1, input_ids=ids[1:])
    assert together["text.attention"].shape == (2, 2, 4, 12, 12)
    vision = together["vision.attention"]
    assert vision.sizes == {"layer": 2, "image": 3, "head": 2, "query": 4, "key": 4}
    assert vision.coords == {}
    np.testing.assert_allclose(vision.values[:, 2], alone["vision.attention"].values[:, 0], atol=1e-6)


def blip(attention: str) -> Any:
    former = {**SIZES, **IDS, "encoder_hidden_size": 16, "cross_attention_frequency": 1}
    words = {**IDS, "model_type": "opt", "hidden_size": 16, "ffn_dim": 32, "num_hidden_layers": 2,
             "num_attention_heads": 2, "word_embed_proj_dim": 16, "max_position_embeddings": 64}  # fmt: skip
    config = config_of(
        "Blip2Config", vision_config=VISION, qformer_config=former, text_config=words, num_query_tokens=3,
        image_token_index=5,
    )  # fmt: skip
    return made("Blip2ForConditionalGeneration", config, attention)


def test_a_model_that_lets_another_generate() -> None:
    """BLIP-2's language model is called by itself: step by step, as its own forward over the whole."""
    ids = torch.cat([torch.full((2, 3), 5), torch.randint(9, 49, (2, 4))], dim=1)
    call = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "pixel_values": torch.randn(2, 3, 8, 8)}
    how: dict[str, Any] = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False, "num_beams": 1}
    shown = {"output_attentions": True, "return_dict_in_generate": True}
    traces, tokens = [], []
    for attention, asked in (("eager", shown), ("sdpa", {"return_dict_in_generate": True})):
        model = blip(attention)
        with torch.no_grad(), TraceRecorder(model, recompute=attention != "eager", strict=True) as rec:
            tokens.append(model.generate(**call, **how, **asked).sequences)
        traces.append(rec.trace)
    assert torch.equal(*tokens)
    eager, again = (trace["text.attention"] for trace in traces)
    assert eager.shape == (2, 2, 2, 10, 10)
    np.testing.assert_allclose(eager.values, again.values, atol=2e-6)
    new = tokens[0][:, -4:-1]
    with torch.no_grad():
        whole = blip("eager")(
            input_ids=torch.cat([ids, new], dim=1),
            attention_mask=torch.ones(2, 10, dtype=torch.long),
            pixel_values=call["pixel_values"],
            output_attentions=True,
        )
    for layer, weights in zip(eager.values, whole.language_model_outputs.attentions, strict=True):
        np.testing.assert_allclose(layer, weights.numpy(), atol=1e-5)
    assert {"vision.attention", "qformer.attention"} <= set(traces[1])
