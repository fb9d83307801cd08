"""transformers' models, each as small as it gets."""

from __future__ import annotations

import transformers

from tests.trace.models.more import MORE
from tests.trace.models.parts import PARTS
from tests.trace.models.sizes import (
    AUDIO,
    GPT,
    GROUPED,
    HEADS,
    IDS,
    SIZES,
    T5_SIZES,
    TEXT,
    TWO_SIDED,
    VISION,
    Tiny,
    image_and_bert,
    towers,
    two_berts,
)

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
        generates=True,
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
        generates=True,
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
    Tiny("EncoderDecoderModel", "", inputs="two", make_config=two_berts, generates=True),
    Tiny("VisionEncoderDecoderModel", "", inputs="image-to-text", make_config=image_and_bert),
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
    Tiny("CLIPModel", "", inputs="pair", make_config=towers("CLIPConfig", projection_dim=8)),
    Tiny("SiglipModel", "", inputs="pair", make_config=towers("SiglipConfig")),
    Tiny("AltCLIPModel", "", inputs="pair", make_config=towers("AltCLIPConfig", projection_dim=8)),
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
KNOWN = set(dir(transformers))  # which imports none of them
ALL = [tiny for tiny in [*ENCODERS, *DECODERS, *BOTH, *OTHERS, *MORE, *PARTS] if tiny.model in KNOWN]
"""Those that this version of transformers has."""
# fmt: on
