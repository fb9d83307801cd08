"""transformers' models, each as small as it gets, with what it is called with.

A model is a class of transformers, the sizes of its config, and the kind of its inputs. What it holds is
random; what counts is the way that its attention goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers

BATCH, LENGTH, VOCABULARY = 2, 6, 50
SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
IDS: dict[str, Any] = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
TEXT = {**SIZES, **IDS, "max_position_embeddings": 64}
GROUPED = {**TEXT, "num_attention_heads": 4, "num_key_value_heads": 2}
HEADS = {**GROUPED, "head_dim": 8}
VISION = {**SIZES, "image_size": 8, "patch_size": 4}
GPT = {**IDS, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64}
TWO_SIDED = {
    **IDS, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 64,
    "decoder_start_token_id": 1, "forced_eos_token_id": None,
}  # fmt: skip
T5_SIZES = {
    **IDS, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0,
}  # fmt: skip
AUDIO = {
    **SIZES, "vocab_size": 20, "conv_dim": (8, 8), "conv_stride": (5, 4), "conv_kernel": (10, 8),
    "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2,
    "mask_time_prob": 0, "feat_extract_norm": "layer",
}  # fmt: skip


@dataclass(frozen=True)
class Tiny:
    """One model."""

    model: str
    """Its class."""
    config: str
    """That of its config."""
    sizes: dict[str, Any] = field(default_factory=dict)
    inputs: str = "text"
    """Which of ``CALLS``."""
    generates: bool = False
    eager_only: bool = False
    """Whether it has no way through torch's fused kernel."""
    make_config: Callable[[], Any] | None = None

    def make(self, attention: str) -> Any:
        """The model, in evaluation, with the same weights each time."""
        torch.manual_seed(0)
        kind = getattr(transformers, self.model)
        config = self.make_config() if self.make_config else getattr(transformers, self.config)(**self.sizes)
        return kind._from_config(config, attn_implementation=attention).eval()

    def call(self, model: Any) -> dict[str, Any]:
        """What it is called with."""
        torch.manual_seed(1)
        return CALLS[self.inputs](model)


def text(model: Any) -> dict[str, Any]:
    """Ids of two sentences, one of them padded on the right."""
    ids = torch.randint(3, VOCABULARY - 1, (BATCH, LENGTH))
    mask = torch.ones_like(ids)
    mask[1, -2:] = 0
    return {"input_ids": ids.masked_fill(mask == 0, 0), "attention_mask": mask}


def image(model: Any) -> dict[str, Any]:
    size = getattr(model.config, "image_size", 8)
    size = size if isinstance(size, int) else size[0]
    return {"pixel_values": torch.randn(BATCH, 3, size, size)}


def sound(model: Any) -> dict[str, Any]:
    mask = torch.ones(BATCH, 400, dtype=torch.long)
    mask[1, 200:] = 0
    return {"input_values": torch.randn(BATCH, 400), "attention_mask": mask}


def two(model: Any) -> dict[str, Any]:
    return {**text(model), "decoder_input_ids": torch.randint(3, VOCABULARY - 1, (BATCH, 4))}


def pair(model: Any) -> dict[str, Any]:
    ids = torch.randint(3, VOCABULARY - 1, (BATCH, 5))
    ids[:, -1] = 2
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), **image_of(8)}


def image_of(size: int) -> dict[str, Any]:
    return {"pixel_values": torch.randn(BATCH, 3, size, size)}


def image_to_text(model: Any) -> dict[str, Any]:
    return {**image_of(8), "decoder_input_ids": torch.randint(3, VOCABULARY - 1, (BATCH, 4))}


def spectrum(model: Any) -> dict[str, Any]:
    features = torch.randn(BATCH, model.config.num_mel_bins, 2 * model.config.max_source_positions)
    return {"input_features": features, "decoder_input_ids": torch.randint(3, VOCABULARY - 1, (BATCH, 4))}


def noise(model: Any) -> dict[str, Any]:
    """What is hidden is given, and so the same in each call."""
    return {**image(model), "noise": torch.rand(BATCH, 4)}


def film(model: Any) -> dict[str, Any]:
    return {"pixel_values": torch.randn(BATCH, 2, 3, 8, 8)}


CALLS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "text": text,
    "image": image,
    "sound": sound,
    "two": two,
    "pair": pair,
    "image-to-text": image_to_text,
    "spectrum": spectrum,
    "film": film,
    "noise": noise,
}


def _two_berts() -> Any:
    small = {**TEXT, "num_hidden_layers": 1}
    encoder = transformers.BertConfig(**small)
    decoder = transformers.BertConfig(**TEXT, is_decoder=True, add_cross_attention=True)
    config = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id = 1, 0
    return config


def _image_and_bert() -> Any:
    decoder = transformers.BertConfig(**TEXT, is_decoder=True, add_cross_attention=True)
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(**VISION), decoder
    )
    config.decoder_start_token_id, config.pad_token_id = 1, 0
    return config


def _towers(kind: str, **more: Any) -> Callable[[], Any]:
    def make() -> Any:
        words = {**SIZES, **IDS, "max_position_embeddings": 16}
        return getattr(transformers, kind)(text_config=words, vision_config=VISION, **more)

    return make


# fmt: off
ENCODERS = [
    Tiny("BertModel", "BertConfig", TEXT),
    Tiny("RobertaModel", "RobertaConfig", TEXT),
    Tiny(
        "DistilBertModel",
        "DistilBertConfig",
        {**IDS, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
    ),
    Tiny("AlbertModel", "AlbertConfig", {**TEXT, "embedding_size": 8}),
    Tiny("ElectraModel", "ElectraConfig", {**TEXT, "embedding_size": 16}),
    Tiny("MPNetModel", "MPNetConfig", TEXT, eager_only=True),
    Tiny("XLMRobertaModel", "XLMRobertaConfig", TEXT),
    Tiny("CamembertModel", "CamembertConfig", TEXT),
    Tiny("Data2VecTextModel", "Data2VecTextConfig", TEXT),
    Tiny("ErnieModel", "ErnieConfig", TEXT),
    Tiny("MegatronBertModel", "MegatronBertConfig", TEXT, eager_only=True),
    Tiny(
        "ModernBertModel",
        "ModernBertConfig",
        {**TEXT, "local_attention": 4, "cls_token_id": 1, "sep_token_id": 2},
    ),
    Tiny("RoFormerModel", "RoFormerConfig", {**TEXT, "embedding_size": 16}, eager_only=True),
    Tiny("SqueezeBertModel", "SqueezeBertConfig", {**TEXT, "embedding_size": 16}, eager_only=True),
    Tiny("BertForSequenceClassification", "BertConfig", TEXT),
    Tiny("DebertaV2Model", "DebertaV2Config", TEXT, eager_only=True),
    Tiny("LongformerModel", "LongformerConfig", {**TEXT, "attention_window": [4, 4]}, eager_only=True),
    Tiny(
        "NystromformerModel",
        "NystromformerConfig",
        {**TEXT, "segment_means_seq_len": 6, "num_landmarks": 6},
        eager_only=True,
    ),
    Tiny("EsmModel", "EsmConfig", {**TEXT, "mask_token_id": 3, "position_embedding_type": "absolute"}),
]
DECODERS = [
    Tiny("GPT2LMHeadModel", "GPT2Config", GPT, generates=True),
    Tiny(
        "GPTNeoForCausalLM",
        "GPTNeoConfig",
        {
            **IDS,
            "hidden_size": 16,
            "num_layers": 2,
            "num_heads": 2,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 4,
            "max_position_embeddings": 64,
            "intermediate_size": 32,
        },
        generates=True,
        eager_only=True,
    ),
    Tiny("GPTNeoXForCausalLM", "GPTNeoXConfig", TEXT, generates=True),
    Tiny("GPTJForCausalLM", "GPTJConfig", {**GPT, "rotary_dim": 4}, generates=True, eager_only=True),
    Tiny("GPTBigCodeForCausalLM", "GPTBigCodeConfig", GPT, generates=True),
    Tiny(
        "OPTForCausalLM",
        "OPTConfig",
        {
            **IDS,
            "hidden_size": 16,
            "ffn_dim": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "word_embed_proj_dim": 16,
            "max_position_embeddings": 64,
        },
        generates=True,
    ),
    Tiny(
        "BloomForCausalLM",
        "BloomConfig",
        {**IDS, "hidden_size": 16, "n_layer": 2, "n_head": 2},
        generates=True,
        eager_only=True,
    ),
    Tiny("LlamaForCausalLM", "LlamaConfig", GROUPED, generates=True),
    Tiny("MistralForCausalLM", "MistralConfig", {**HEADS, "sliding_window": 4}, generates=True),
    Tiny("Qwen2ForCausalLM", "Qwen2Config", GROUPED, generates=True),
    Tiny("Qwen3ForCausalLM", "Qwen3Config", HEADS, generates=True),
    Tiny(
        "Gemma2ForCausalLM", "Gemma2Config", {**HEADS, "sliding_window": 4}, generates=True, eager_only=True
    ),
    Tiny(
        "Gemma3ForCausalLM",
        "Gemma3TextConfig",
        {
            **HEADS,
            "sliding_window": 4,
            "num_hidden_layers": 3,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        },
        generates=True,
    ),
    Tiny("GemmaForCausalLM", "GemmaConfig", HEADS, generates=True),
    Tiny("PhiForCausalLM", "PhiConfig", TEXT, generates=True),
    Tiny("Phi3ForCausalLM", "Phi3Config", {**GROUPED, "sliding_window": 4}, generates=True),
    Tiny(
        "GptOssForCausalLM",
        "GptOssConfig",
        {**HEADS, "num_local_experts": 2, "num_experts_per_tok": 1, "sliding_window": 4},
        generates=True,
        eager_only=True,
    ),
    Tiny(
        "MixtralForCausalLM",
        "MixtralConfig",
        {**GROUPED, "num_local_experts": 2, "num_experts_per_tok": 1},
        generates=True,
    ),
    Tiny("OlmoForCausalLM", "OlmoConfig", GROUPED, generates=True),
    Tiny("Olmo2ForCausalLM", "Olmo2Config", GROUPED, generates=True),
    Tiny("StableLmForCausalLM", "StableLmConfig", GROUPED, generates=True),
    Tiny("Starcoder2ForCausalLM", "Starcoder2Config", GROUPED, generates=True),
    Tiny("CohereForCausalLM", "CohereConfig", GROUPED, generates=True),
    Tiny("GraniteForCausalLM", "GraniteConfig", GROUPED, generates=True),
    Tiny("SmolLM3ForCausalLM", "SmolLM3Config", GROUPED, generates=True),
    Tiny(
        "CodeGenForCausalLM",
        "CodeGenConfig",
        {**GPT, "rotary_dim": 4, "n_head": 4},
        generates=True,
        eager_only=True,
    ),
    Tiny("FalconForCausalLM", "FalconConfig", {**TEXT, "new_decoder_architecture": False}, generates=True),
    Tiny(
        "MptForCausalLM",
        "MptConfig",
        {**IDS, "d_model": 16, "n_heads": 2, "n_layers": 2, "expansion_ratio": 2, "max_seq_len": 64},
        eager_only=True,
    ),
    Tiny(
        "BambaForCausalLM",
        "BambaConfig",
        {
            **GROUPED,
            "num_attention_heads": 2,
            "num_hidden_layers": 4,
            "attn_layer_indices": [1, 3],
            "mamba_n_heads": 4,
            "mamba_d_head": 8,
            "mamba_d_state": 4,
            "mamba_n_groups": 1,
        },
    ),
    Tiny(
        "JambaForCausalLM",
        "JambaConfig",
        {
            **GROUPED,
            "num_hidden_layers": 4,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
            "num_experts": 2,
            "num_experts_per_tok": 1,
            "use_mamba_kernels": False,
            "mamba_d_state": 4,
            "mamba_expand": 2,
            "mamba_dt_rank": 4,
        },
    ),
]
BOTH = [
    Tiny("T5ForConditionalGeneration", "T5Config", T5_SIZES, "two", generates=True),
    Tiny("MT5ForConditionalGeneration", "MT5Config", T5_SIZES, "two", generates=True),
    Tiny("BartForConditionalGeneration", "BartConfig", TWO_SIDED, "two", generates=True),
    Tiny("MBartForConditionalGeneration", "MBartConfig", TWO_SIDED, "two", generates=True),
    Tiny("MarianMTModel", "MarianConfig", TWO_SIDED, "two", generates=True),
    Tiny("PegasusForConditionalGeneration", "PegasusConfig", TWO_SIDED, "two", generates=True),
    Tiny("BlenderbotForConditionalGeneration", "BlenderbotConfig", TWO_SIDED, "two", generates=True),
    Tiny("M2M100ForConditionalGeneration", "M2M100Config", TWO_SIDED, "two", generates=True),
    Tiny(
        "WhisperForConditionalGeneration",
        "WhisperConfig",
        {
            **TWO_SIDED,
            "num_mel_bins": 8,
            "max_source_positions": 12,
            "max_target_positions": 20,
            "suppress_tokens": None,
            "begin_suppress_tokens": None,
        },
        "spectrum",
    ),
    Tiny("EncoderDecoderModel", "", inputs="two", make_config=_two_berts, generates=True),
    Tiny("VisionEncoderDecoderModel", "", inputs="image-to-text", make_config=_image_and_bert),
]
OTHERS = [
    Tiny("ViTModel", "ViTConfig", VISION, "image"),
    Tiny("DeiTModel", "DeiTConfig", VISION, "image"),
    Tiny("BeitModel", "BeitConfig", VISION, "image"),
    Tiny("Dinov2ForImageClassification", "Dinov2Config", VISION, "image"),
    Tiny("ViTMAEForPreTraining", "ViTMAEConfig", {
        **VISION, "decoder_hidden_size": 16, "decoder_num_hidden_layers": 2,
        "decoder_num_attention_heads": 2, "decoder_intermediate_size": 32, "mask_ratio": 0.5
    }, "noise"),
    Tiny("SwinModel", "SwinConfig", {
        "image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 2],
        "window_size": 4
    }, "image"),
    Tiny("SegformerModel", "SegformerConfig", {
        "num_encoder_blocks": 2, "depths": [2, 2], "sr_ratios": [2, 1], "hidden_sizes": [8, 16],
        "num_attention_heads": [1, 2], "patch_sizes": [3, 3], "strides": [2, 2],
        "mlp_ratios": [2, 2]
    }, "image"),
    Tiny("TimesformerModel", "TimesformerConfig", {**VISION, "num_frames": 2}, "film", eager_only=True),
    Tiny("VideoMAEModel", "VideoMAEConfig", {**VISION, "num_frames": 2, "tubelet_size": 1}, "film"),
    Tiny("CLIPModel", "", inputs="pair", make_config=_towers("CLIPConfig", projection_dim=8)),
    Tiny("SiglipModel", "", inputs="pair", make_config=_towers("SiglipConfig")),
    Tiny("AltCLIPModel", "", inputs="pair", make_config=_towers("AltCLIPConfig", projection_dim=8)),
    Tiny("Wav2Vec2Model", "Wav2Vec2Config", AUDIO, "sound"),
    Tiny("Wav2Vec2ForCTC", "Wav2Vec2Config", AUDIO, "sound"),
    Tiny("HubertModel", "HubertConfig", AUDIO, "sound"),
    Tiny("WavLMModel", "WavLMConfig", AUDIO, "sound", eager_only=True),
    Tiny("Data2VecAudioModel", "Data2VecAudioConfig", {
        **{k: v for k, v in AUDIO.items() if k != "feat_extract_norm"}, "conv_pos_kernel_size": 3
    }, "sound"),
    Tiny("UniSpeechModel", "UniSpeechConfig", AUDIO, "sound"),
    Tiny("SEWModel", "SEWConfig", {**AUDIO, "squeeze_factor": 2}, "sound"),
]
WITHOUT = [
    Tiny(
        "MambaForCausalLM", "MambaConfig", {**IDS, "hidden_size": 16, "state_size": 4, "num_hidden_layers": 2}
    ),
    Tiny("FNetModel", "FNetConfig", {**SIZES, **IDS, "max_position_embeddings": 64}),
]
"""Models that have no attention."""
ALL = [*ENCODERS, *DECODERS, *BOTH, *OTHERS]
# fmt: on
