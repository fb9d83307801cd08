"""Models of transformers, each tiny: what is recorded is what they hand out, however they run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from tests.trace.models.check import check_eager, check_generated, check_recomputed, counting, handed_out
from tests.trace.models.more import MORE
from tests.trace.models.parts import PARTS
from tests.trace.models.sizes import BATCH, HEADS, Tiny, text
from tests.trace.models.tiny import ALL, WITHOUT

pytestmark = [pytest.mark.filterwarnings("ignore")]
OF_EACH_KIND = [
    "Cohere2ForCausalLM",
    "DeepseekV3ForCausalLM",
    "DetrModel",
    "GroundingDinoModel",
    "LEDForConditionalGeneration",
    "MusicgenMelodyForCausalLM",
    "RTDetrV2Model",
    "SamModel",
    "SeamlessM4TForSpeechToText",
    "Swinv2Model",
    "Zamba2ForCausalLM",
]
QUICK = ["BertModel", "LlamaForCausalLM", "T5ForConditionalGeneration", "CLIPModel"]


def all_of(models: list[Tiny]) -> list[Any]:
    """All of them: a few in a quick run, others in a whole one, the rest where all models are tried."""

    def marks(tiny: Tiny) -> Any:
        if tiny in (*MORE, *PARTS) and tiny.model not in OF_EACH_KIND:
            return pytest.mark.more
        return () if tiny.model in QUICK else pytest.mark.slow

    return [pytest.param(tiny, id=tiny.model, marks=marks(tiny)) for tiny in models]


@pytest.mark.parametrize("tiny", all_of(ALL))
def test_a_forward(tiny: Tiny) -> None:
    """Handed out and recorded, to the bit; computed again, on the same axes with the same masks."""
    trace = check_eager(tiny)
    if not tiny.eager_only:
        check_recomputed(tiny, trace)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("tiny", all_of([tiny for tiny in ALL if tiny.generates]))
def test_generate(tiny: Tiny, attention: str) -> None:
    """Row for row that of one forward, padding on the left or in the encoder, in every layer."""
    if attention == "sdpa" and tiny.eager_only:
        with pytest.raises(ValueError, match="does not support"):
            tiny.make("sdpa")
        return
    check_generated(tiny, attention)


@pytest.mark.parametrize("tiny", WITHOUT, ids=lambda tiny: tiny.model)
@pytest.mark.parametrize("recompute", [False, True])
def test_a_model_without_attention_says_so(tiny: Tiny, recompute: bool) -> None:
    """And gives no advice that cannot help."""
    model = getattr(transformers, tiny.model)(getattr(transformers, tiny.config)(**tiny.sizes)).eval()
    with torch.no_grad(), TraceRecorder(model, recompute=recompute) as rec:
        model(text(model)["input_ids"])
    with pytest.raises(
        RecordingError, match=f"{tiny.model}: it has no attention to record. An adapter"
    ) as error:
        _ = rec.trace
    assert "eager" not in str(error.value)


def llama(**more: Any) -> Any:
    torch.manual_seed(0)
    sizes = {**HEADS, "num_attention_heads": 2, "num_key_value_heads": 1, **more}
    config: Any = transformers.LlamaConfig
    return transformers.LlamaForCausalLM(config(**sizes, attn_implementation="eager")).eval()


def counted(array: NamedArray) -> np.ndarray:
    """What is not masked, in the shape of the array."""
    assert array.mask is not None
    return np.broadcast_to(array.mask, array.shape)


class Names:
    """Names tokens by their numbers."""

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [f"t{number}" for number in ids]


@pytest.mark.parametrize("drafts", ["prompt lookup", "assistant"])
def test_rejected_drafts_are_no_tokens(drafts: str) -> None:
    """Of assisted generation, as of one forward over the tokens that it returned; those label both axes."""
    model, ids = llama(), torch.tensor([[2, 3, 4, 2, 3, 4, 2, 3]])
    more: dict[str, Any] = (
        {"prompt_lookup_num_tokens": 3} if drafts == "prompt lookup" else {"assistant_model": llama()}
    )
    if drafts == "assistant":
        with torch.no_grad():
            next(more["assistant_model"].parameters()).mul_(1.5)  # of another opinion now and then
    asked = {"output_attentions": True, "return_dict_in_generate": True, "min_new_tokens": 6}
    with torch.no_grad(), TraceRecorder(model, tokenizer=Names()) as rec:
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=6, do_sample=False, **asked, **more
        )
    with torch.no_grad():
        whole = model(out.sequences[:, :-1], output_attentions=True)
    attention = rec.trace["attention"]
    rows = attention.shape[3]
    assert rows <= out.sequences.shape[1] - 1
    expected = np.stack([layer.numpy() for layer in whole.attentions])[..., :rows, :rows]
    np.testing.assert_allclose(attention.values, expected, atol=1e-5, rtol=0)
    assert attention.labels("key") == tuple(f"t{number}" for number in out.sequences[0, :rows].tolist())


@pytest.mark.parametrize("implementation", ["static", None], ids=["static", "dynamic"])
def test_a_cache_of_fixed_length(implementation: str | None) -> None:
    """Places that a cache keeps free are no keys."""
    model = llama()
    call = text(model)
    ids, mask = call["input_ids"].flip(1), call["attention_mask"].flip(1)
    more = {} if implementation is None else {"cache_implementation": implementation}
    with torch.no_grad(), TraceRecorder(model) as rec:
        model.generate(
            ids, attention_mask=mask, max_new_tokens=4, min_new_tokens=4, do_sample=False,
            output_attentions=True, return_dict_in_generate=True, disable_compile=True, **more,
        )  # fmt: skip
    attention = rec.trace["attention"]
    assert attention.shape == (2, BATCH, 2, 9, 9)
    assert attention.values.sum(-1) == pytest.approx(1.0, abs=1e-5)
    for axis in ("query_mask", "key_mask"):
        np.testing.assert_array_equal(attention.coords[axis].values[:, :6], mask.numpy() > 0)


def test_beams_are_refused_where_nothing_says_which_were_followed() -> None:
    """Rows of different beams would follow each other."""
    model = llama()
    with torch.no_grad(), TraceRecorder(model) as rec:
        model.generate(text(model)["input_ids"], num_beams=2, max_new_tokens=3, output_attentions=True)
    with pytest.raises(RecordingError, match="did not say which it followed. Generate with return_dict"):
        _ = rec.trace


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("ends", [False, True], ids=["", "ends early"])
@pytest.mark.parametrize("name", ["LlamaForCausalLM", "T5ForConditionalGeneration"])
def test_rows_follow_the_beams_that_were_chosen(name: str, ends: bool, attention: str) -> None:
    """Two sequences of each item, as of one forward over them; what is behind an end is padding."""
    tiny = next(tiny for tiny in ALL if tiny.model == name)
    model, call = tiny.make(attention), text(None)
    if name == "LlamaForCausalLM":
        call = {key: tensor.flip(1) for key, tensor in call.items()}
    how: dict[str, Any] = {"num_beams": 3, "num_return_sequences": 2, "max_new_tokens": 6}
    how |= {"do_sample": False, "return_dict_in_generate": True, "output_scores": True}
    how |= {"output_attentions": True} if attention == "eager" else {}
    with torch.no_grad():
        if ends:
            tokens = model.generate(**call, **how, min_new_tokens=6).sequences
            model.generation_config.eos_token_id = [tokens[0, -5].item(), tokens[2, -3].item()]
        how |= {} if ends else {"min_new_tokens": 6}
        with TraceRecorder(model, recompute=attention != "eager", tokenizer=Names(), strict=True) as rec:
            out = model.generate(**call, **how)
        twice = {key: tensor.repeat_interleave(2, 0) for key, tensor in call.items()}
        assert ends == bool((out.beam_indices < 0).any())
        expected = handed_out(
            tiny.make("eager")(**forward_over(twice, out.sequences, name), output_attentions=True)
        )
    assert set(rec.trace) == set(expected)
    for each, layers in expected.items():
        array = rec.trace[each]
        weights = NamedArray(each, np.stack(layers), array.dims, array.coords, array.attrs)
        np.testing.assert_allclose(counting(array), counting(weights), atol=1e-5, rtol=0)
    own = rec.trace["attention" if "attention" in rec.trace else "decoder.attention"]
    counts = (
        own.coords["query_mask"].values if "query_mask" in own.coords else np.ones((4, own.sizes["query"]))
    )
    given = own.sizes["query"] + 1 - out.beam_indices.shape[1]
    np.testing.assert_array_equal(counts[:, given:], out.beam_indices[:, 1:] >= 0)
    labels = own.coords["key"].values
    assert labels.tolist() == [[f"t{number}" for number in row[:-1]] for row in out.sequences.tolist()]


def forward_over(call: dict[str, Any], tokens: torch.Tensor, name: str) -> dict[str, Any]:
    """What a model is called with that is to see generated tokens at once."""
    if name.startswith("T5"):
        return {**call, "decoder_input_ids": tokens[:, :-1]}
    mask = call["attention_mask"]
    longer = torch.nn.functional.pad(mask, (0, tokens.shape[1] - 1 - mask.shape[1]), value=1)
    places = (longer.cumsum(-1) - 1).masked_fill(longer == 0, 1)
    return {"input_ids": tokens[:, :-1], "attention_mask": longer, "position_ids": places}


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_sequences_of_one_item_have_its_encoder(attention: str) -> None:
    """Copies of what the encoder gave belong to it."""
    tiny = next(tiny for tiny in ALL if tiny.model == "T5ForConditionalGeneration")
    model, call = tiny.make(attention), text(None)
    asked = {"output_attentions": True, "return_dict_in_generate": True} if attention == "eager" else {}
    with torch.no_grad(), TraceRecorder(model, recompute=attention != "eager", strict=True) as rec:
        model.generate(**call, do_sample=True, num_return_sequences=2, max_new_tokens=3, **asked)
        encoded = model.get_encoder()(**call, output_attentions=attention == "eager")
    assert {array.sizes["batch"] for array in rec.trace.values()} == {4}
    encoder = rec.trace["encoder.attention"]
    np.testing.assert_array_equal(encoder.values[:, 0], encoder.values[:, 1])
    if attention == "eager":
        for layer, weights in zip(encoder.values, encoded.attentions, strict=True):
            np.testing.assert_array_equal(layer[::2], weights.numpy())
    mask = encoder.coords["key_mask"].values
    np.testing.assert_array_equal(mask, call["attention_mask"].repeat_interleave(2, 0).numpy() > 0)


def test_what_is_behind_the_end_of_a_sequence_is_padding() -> None:
    """Of two sequences of which one ends early; what generate writes there is no token."""
    model = llama()
    how: dict[str, Any] = {"max_new_tokens": 6, "do_sample": False}
    for seed in range(50):
        ids = torch.randint(3, 40, (2, 4), generator=torch.Generator().manual_seed(seed))
        call = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        with torch.no_grad():
            first, second = model.generate(**call, min_new_tokens=6, **how)[:, 4:].tolist()
        if first[1] not in (first[0], *second):
            break
    model.generation_config.eos_token_id = first[1]
    asked = {"output_attentions": True, "return_dict_in_generate": True}
    with torch.no_grad(), TraceRecorder(model) as rec:
        out = model.generate(**call, **how, **asked)
    assert out.sequences[1, 4:].tolist() == second
    mask = rec.trace["attention"].coords["key_mask"].values
    assert mask.tolist() == [[True] * 6 + [False] * 3, [True] * 9]


def test_a_model_called_twice_in_one_forward_is_two_steps() -> None:
    """Two calls are two calls: without a cache nothing goes on."""

    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = llama()

        def forward(self, ids: torch.Tensor) -> Any:
            return [self.model(each, output_attentions=True) for each in (ids, ids.flip(1))]

    model, ids = Twice(), torch.randint(3, 40, (2, 5))
    with torch.no_grad(), TraceRecorder(model) as rec:
        outputs = model(ids)
    attention = rec.trace["attention"]
    assert attention.dims == ("time", "layer", "batch", "head", "query", "key")
    for step, output in enumerate(outputs):
        np.testing.assert_array_equal(
            attention.values[step], np.stack([layer.numpy() for layer in output.attentions])
        )


@pytest.mark.parametrize(
    "name", ["Gemma3ForCausalLM", "T5ForConditionalGeneration", "CLIPModel", "SwinModel"]
)
def test_a_store_has_what_memory_has(name: str, tmp_path: Path) -> None:
    """Masks of single layers, windows, several stacks: the same trace, bit for bit."""
    tiny = next(tiny for tiny in ALL if tiny.model == name)
    model = tiny.make("eager")
    call = tiny.call(model)

    def run() -> None:
        for _ in range(2):
            if not tiny.generates:
                model(**call, output_attentions=True)
                continue
            asked = {"output_attentions": True, "return_dict_in_generate": True}
            given = {key: call[key] for key in ("input_ids", "attention_mask")}
            model.generate(**given, max_new_tokens=6, min_new_tokens=6, do_sample=False, **asked)

    with torch.no_grad():
        with TraceRecorder(model, strict=True) as kept:
            run()
        with TraceRecorder(model, store=tmp_path / "run.zarr", strict=True) as stored:
            run()
    assert stored.trace.identical(kept.trace)


def test_layers_keep_their_numbers() -> None:
    """Layers 1 and 3 of a hybrid are called so, handed out or computed again."""
    tiny = next(tiny for tiny in ALL if tiny.model == "BambaForCausalLM")
    assert check_eager(tiny)["attention"].labels("layer") == ("1", "3")


def test_layers_whose_modules_have_no_number() -> None:
    """Zamba2 numbers them -1, all of them."""
    tiny = next(tiny for tiny in ALL if tiny.model == "Zamba2ForCausalLM")
    trace = check_eager(tiny)
    assert trace["attention"].labels("layer") == ("1", "3", "5")
    assert check_recomputed(tiny, trace)["attention"].labels("layer") == ("1", "3", "5")


def test_blocks_that_share_a_module() -> None:
    """Each call of it is of the block that ran, handed out or computed again."""
    tiny = next(tiny for tiny in ALL if tiny.model == "BambaForCausalLM")
    values = []
    for attention in ("eager", "sdpa"):
        model = tiny.make(attention)
        model.model.layers[3].self_attn = model.model.layers[1].self_attn
        call = {**tiny.call(model), "use_cache": False, "output_attentions": attention == "eager"}
        with torch.no_grad(), TraceRecorder(model, recompute=attention != "eager", strict=True) as rec:
            outputs = model(**call)
        values.append(counting(rec.trace["attention"]))
        assert rec.trace["attention"].labels("layer") == ("1", "3")
        if attention == "eager":
            once = {id(layer): layer.numpy() for layer in outputs.attentions}  # some come twice
            handed = np.stack(list(once.values()))
            np.testing.assert_array_equal(rec.trace["attention"].values, handed)
    np.testing.assert_allclose(values[0], values[1], atol=2e-6)


def test_masks_of_single_layers() -> None:
    """What only the layers with a window forgot is masked in those alone."""
    tiny = next(tiny for tiny in ALL if tiny.model == "Gemma3ForCausalLM")
    model = tiny.make("eager")
    ids = torch.arange(3, 13)[None]
    with torch.no_grad(), TraceRecorder(model) as rec:
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=6,
            min_new_tokens=6,
            do_sample=False,
            output_attentions=True,
            return_dict_in_generate=True,
        )
    for attention in (rec.trace["attention"], Trace.from_attentions(out)["attention"]):
        counts = counted(attention)[:, 0, 0, -1]
        assert counts.sum(1).tolist() == [4, 15, 4]
        assert (attention.values * ~counted(attention)).max() == 0


def test_an_offset_in_a_window_is_no_token() -> None:
    """Longformer's last axis is one; its queries are tokens."""
    tiny = next(tiny for tiny in ALL if tiny.model == "LongformerModel")
    model = tiny.make("eager")
    ids = text(model)["input_ids"]
    with torch.no_grad(), TraceRecorder(model, tokenizer=Names()) as rec:
        outputs = model(ids, output_attentions=True)
    made = Trace.from_attentions(outputs, tokenizer=Names(), input_ids=ids)
    for trace in (rec.trace, made):
        assert "key" not in trace["attention"].coords
        assert trace["attention"].isel(batch=0).labels("query")[0] == f"t{ids[0, 0]}"


def test_a_mask_of_samples_is_one_of_frames() -> None:
    """Half of the second sound is padding, and so half of its frames."""
    tiny = next(tiny for tiny in ALL if tiny.model == "Wav2Vec2Model")
    attention = check_eager(tiny)["attention"]
    counts = counted(attention)[0, 1, 0, 0]
    np.testing.assert_array_equal(counts, attention.values[0, 1, 0, 0] > 0)
    assert 0 < counts.sum() < counts.size


def test_a_sink_takes_what_the_tokens_do_not() -> None:
    """Such weights are shares: they sum to one at most."""
    tiny = next(tiny for tiny in ALL if tiny.model == "GptOssForCausalLM")
    attention = check_eager(tiny)["attention"]
    assert attention.attrs["kind"] == "shares"
    assert (attention.values.sum(-1) < 1).any()
