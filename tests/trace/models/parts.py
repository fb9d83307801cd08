"""Models that are made of others: detectors, segmenters, what reads images, hears and makes sound."""

from __future__ import annotations

from typing import Any

import torch
import transformers

from tests.trace.models.sizes import BATCH, CALLS, T5_SIZES, TEXT, TWO_SIDED, VOCABULARY, Tiny, text, two

DETR: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "num_queries": 5,
}  # fmt: skip
OWN_BACKBONE = {"use_timm_backbone": False, "use_pretrained_backbone": False, "backbone": None}
RT_DETR: dict[str, Any] = {
    "d_model": 16, "encoder_hidden_dim": 16, "encoder_in_channels": [8, 16], "feat_strides": [8, 16],
    "encoder_layers": 1, "encoder_ffn_dim": 32, "encoder_attention_heads": 2, "encode_proj_layers": [1],
    "num_queries": 5, "decoder_in_channels": [16, 16], "decoder_ffn_dim": 32, "num_feature_levels": 2,
    "decoder_n_points": 2, "decoder_layers": 2, "decoder_attention_heads": 2, "anchor_image_size": None,
    "num_denoising": 0,
}  # fmt: skip
FORMER: dict[str, Any] = {
    "feature_size": 32, "mask_feature_size": 32, "hidden_dim": 32, "encoder_feedforward_dim": 32,
    "encoder_layers": 2, "decoder_layers": 3, "num_attention_heads": 2, "dim_feedforward": 32,
    "num_queries": 5,
}  # fmt: skip
BARK: dict[str, Any] = {
    "block_size": 32, "input_vocab_size": 50, "output_vocab_size": 50, "num_layers": 2, "num_heads": 2,
    "hidden_size": 16,
}  # fmt: skip
MUSIC: dict[str, Any] = {
    "vocab_size": 50, "hidden_size": 16, "ffn_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_codebooks": 2, "pad_token_id": 49, "bos_token_id": 49,
}  # fmt: skip
SEAMLESS: dict[str, Any] = {
    "vocab_size": 50, "t2u_vocab_size": 50, "hidden_size": 16, "encoder_layers": 2, "decoder_layers": 2,
    "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "speech_encoder_layers": 2, "speech_encoder_attention_heads": 2, "speech_encoder_intermediate_size": 32,
    "feature_projection_input_dim": 16, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2,
    "adaptor_kernel_size": 3, "adaptor_stride": 2, "num_adapter_layers": 1, "conv_depthwise_kernel_size": 3,
    "t2u_encoder_layers": 1, "t2u_decoder_layers": 1, "t2u_encoder_ffn_dim": 32, "t2u_decoder_ffn_dim": 32,
    "t2u_encoder_attention_heads": 2, "t2u_decoder_attention_heads": 2, "max_position_embeddings": 64,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 3,
}  # fmt: skip
HEARS: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "num_mel_bins": 16, "subsampling_factor": 4, "subsampling_conv_channels": 4, "conv_kernel_size": 3,
}  # fmt: skip
SPEECH = {
    "encoder.attention": ("audio.encoder.attention",),
    "decoder.attention": ("text.decoder.attention",),
    "cross.attention": ("text.cross.attention",),
}


def resnet(kind: str = "ResNetConfig", sizes: tuple[int, ...] = (8, 16), first: int = 2) -> Any:
    stages = [f"stage{number}" for number in range(first, len(sizes) + 1)]
    return getattr(transformers, kind)(
        embedding_size=8, hidden_sizes=list(sizes), depths=[1] * len(sizes), layer_type="basic",
        out_features=stages,
    )  # fmt: skip


def swin(stages: int = 4, first: int = 1) -> Any:
    made: Any = transformers.SwinConfig
    return made(
        image_size=32, patch_size=4, embed_dim=8, depths=[1] * stages, num_heads=[1, 1, 2, 2][:stages],
        window_size=2, out_features=[f"stage{number}" for number in range(first, stages + 1)],
    )  # fmt: skip


def config(kind: str, **sizes: Any) -> Any:
    return getattr(transformers, kind)(**sizes)


def detr(kind: str, **sizes: Any) -> Any:
    return config(kind, **OWN_BACKBONE, **DETR, **sizes)


def dab() -> Any:
    sizes = {name: size for name, size in DETR.items() if name != "d_model"}
    return config("DabDetrConfig", **OWN_BACKBONE, **sizes, hidden_size=32, backbone_config=resnet())


def rt_detr(kind: str, **sizes: Any) -> Any:
    backbone = resnet("RTDetrResNetConfig", (8, 8, 16))
    return config(kind, **RT_DETR, **sizes, backbone_config=backbone)


def sam() -> Any:
    prompts = {"hidden_size": 16, "image_size": 32, "patch_size": 4, "mask_input_channels": 4}
    eyes = {
        "num_pos_feats": 8, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 4, "mlp_dim": 32, "output_channels": 16, "window_size": 4,
        "global_attn_indexes": [1],
    }  # fmt: skip
    return config(
        "SamConfig", vision_config=eyes,
        prompt_encoder_config=prompts,
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )  # fmt: skip


def florence() -> Any:
    eyes = {
        "in_channels": 3, "depths": [1, 1], "patch_size": [7, 3], "patch_stride": [4, 2],
        "patch_padding": [3, 1], "patch_prenorm": [False, True], "embed_dim": [8, 16], "num_heads": [2, 2],
        "num_groups": [2, 2], "window_size": 4, "projection_dim": 16, "max_temporal_embeddings": 4,
        "max_position_embeddings": 8, "drop_path_rate": 0.0,
    }  # fmt: skip
    ids = {"image_token_id": 48, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    words = {"model_type": "bart", **TWO_SIDED}
    return config("Florence2Config", text_config=words, vision_config=eyes, **ids)


def pix2struct() -> Any:
    sizes = {"hidden_size": 16, "d_ff": 32, "d_kv": 8}
    words = {
        **sizes, "vocab_size": 50, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0,
        "pad_token_id": 0, "eos_token_id": 2,
    }  # fmt: skip
    eyes = {
        **sizes, "patch_embed_hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
        "seq_len": 4,
    }  # fmt: skip
    return config("Pix2StructConfig", text_config=words, vision_config=eyes)


def bark(kind: str, **sizes: Any) -> Any:
    return getattr(transformers.models.bark, f"Bark{kind}Config")(**BARK, **sizes)


def musicgen(kind: str, decoder: str, **sizes: Any) -> Any:
    sound = config(
        "EncodecConfig", num_filters=4, codebook_size=64, hidden_size=16, codebook_dim=16,
        upsampling_ratios=[2, 2], num_lstm_layers=1, sampling_rate=400,
    )  # fmt: skip
    parts = {"text_encoder": config("T5Config", **T5_SIZES), "audio_encoder": sound}
    parts["decoder"] = config(decoder, **MUSIC)
    return config(kind, **{name: each.to_dict() for name, each in parts.items()}, **sizes)


def grounding_dino() -> Any:
    return config(
        "GroundingDinoConfig", backbone_config=swin(3, 2), text_config={"model_type": "bert", **TEXT},
        num_feature_levels=2, encoder_n_points=2, decoder_n_points=2, fusion_dropout=0.0, **DETR,
    )  # fmt: skip


def images(model: Any) -> dict[str, Any]:
    return {"pixel_values": torch.randn(BATCH, 3, 32, 32)}


def masked_images(model: Any) -> dict[str, Any]:
    mask = torch.ones(BATCH, 32, 32, dtype=torch.long)
    mask[1, :, 20:] = 0
    return {**images(model), "pixel_mask": mask}


def large_images(model: Any) -> dict[str, Any]:
    return {"pixel_values": torch.randn(BATCH, 3, 64, 64)}


def points(model: Any) -> dict[str, Any]:
    return {**images(model), "input_points": torch.rand(BATCH, 1, 2, 2) * 32}


def codes(model: Any) -> dict[str, Any]:
    return {"codebook_idx": 2, "input_ids": torch.randint(0, 50, (BATCH, 6, 4))}


def patches(model: Any) -> dict[str, Any]:
    places = torch.tensor([[1.0, 1.0], [1.0, 2.0], [2.0, 1.0], [2.0, 2.0]]).expand(BATCH, 4, 2)
    return {
        "flattened_patches": torch.cat([places, torch.randn(BATCH, 4, 48)], dim=-1),
        "attention_mask": torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]]),
        "decoder_input_ids": two(model)["decoder_input_ids"],
    }


def pictured(model: Any) -> dict[str, Any]:
    ids = torch.cat([torch.full((BATCH, 17), 48), torch.randint(3, 47, (BATCH, 4))], dim=1)
    mask = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    return {**images(model), **mask, "decoder_input_ids": two(model)["decoder_input_ids"]}


def found(model: Any) -> dict[str, Any]:
    ids = torch.randint(3, VOCABULARY - 1, (BATCH, 6))
    return {**images(model), "input_ids": ids, "attention_mask": torch.ones_like(ids)}


def tune(model: Any) -> dict[str, Any]:
    """A row of codes for each codebook of each item."""
    return {
        "input_ids": torch.randint(0, 49, (2 * BATCH, 6)),
        "encoder_hidden_states": torch.randn(BATCH, 3, 16),
        "encoder_attention_mask": torch.tensor([[1, 1, 1], [1, 1, 0]]),
    }


def sung(model: Any) -> dict[str, Any]:
    return {**text(model), "decoder_input_ids": torch.randint(0, 49, (2 * BATCH, 6))}


def hummed(model: Any) -> dict[str, Any]:
    return {**sung(model), "input_features": torch.randn(BATCH, 5, 12)}


def speech(model: Any) -> dict[str, Any]:
    mask = torch.ones(BATCH, 12, dtype=torch.long)
    mask[1, 8:] = 0
    ids = two(model)["decoder_input_ids"]
    return {"input_features": torch.randn(BATCH, 12, 16), "attention_mask": mask, "decoder_input_ids": ids}


def all_speech(model: Any) -> dict[str, Any]:
    return {name: tensor for name, tensor in speech(model).items() if name != "attention_mask"}


def heard(model: Any) -> dict[str, Any]:
    mask = torch.ones(BATCH, 48, dtype=torch.long)
    mask[1, 24:] = 0
    return {"input_features": torch.randn(BATCH, 48, 16), "attention_mask": mask}


MADE = (
    images, masked_images, large_images, points, codes, patches, pictured, found, tune, sung, hummed, speech,
    all_speech, heard,
)  # fmt: skip
CALLS.update({call.__name__: call for call in MADE})


def part(model: str, make: Any, inputs: str, **more: Any) -> Tiny:
    return Tiny(model, "", inputs=inputs, make_config=make, **more)


BACKBONE = ("backbone_config",)
SAMPLED = {"cross.attention": ()}
"""Deformable attention weighs points, whose number is not that of any keys."""
# fmt: off
PARTS = [
    *(
        part(
            model, lambda: detr("DetrConfig", backbone_config=resnet()), "masked_images", eager_parts=BACKBONE
        )
        for model in ("DetrModel", "DetrForObjectDetection")
    ),
    part(
        "ConditionalDetrModel", lambda: detr("ConditionalDetrConfig", backbone_config=resnet()),
        "masked_images", eager_parts=BACKBONE,
    ),
    part("DabDetrModel", dab, "masked_images", eager_only=True),
    part(
        "DeformableDetrModel",
        lambda: detr(
            "DeformableDetrConfig", backbone_config=resnet(first=1), num_feature_levels=2,
            encoder_n_points=2, decoder_n_points=2,
        ),
        "masked_images", eager_parts=BACKBONE, names={"encoder.attention": (), **SAMPLED},
    ),
    part("RTDetrModel", lambda: rt_detr("RTDetrConfig"), "images", eager_parts=BACKBONE, names=SAMPLED),
    part(
        "RTDetrV2Model", lambda: rt_detr("RTDetrV2Config", decoder_n_levels=2), "images",
        eager_parts=BACKBONE, names=SAMPLED,
    ),
    part(
        "GroundingDinoModel", grounding_dino, "found", eager_only=True,
        names={
            "encoder.attention": (
                "encoder.fusion_layer.attention", "encoder.fusion_layer.1.attention",
                "text.encoder.text_enhancer_layer.attention",
            ),
            "decoder.attention": ("decoder.attention", "text.cross.attention"),
        },
    ),
    part(
        "Mask2FormerModel", lambda: config("Mask2FormerConfig", backbone_config=swin(), **FORMER),
        "large_images", eager_only=True, names={"attention": ("decoder.transformer_module.attention",)},
        also=tuple(f"transformer_module.decoder.layers.cross_attn.{layer}.attention" for layer in (0, 1)),
    ),
    part(
        "MaskFormerModel",
        lambda: config(
            "MaskFormerConfig", fpn_feature_size=32, mask_feature_size=32, backbone_config=swin(),
            decoder_config=detr("DetrConfig", backbone_config=resnet()),
        ),
        "large_images", eager_only=True, names={"attention": ("decoder.attention",)},
    ),
    part("SamModel", sam, "points", names={"mask.decoder.attention": ()}),
    part(
        "PvtV2Model",
        lambda: config(
            "PvtV2Config", image_size=32, num_encoder_blocks=2, depths=[1, 2], sr_ratios=[2, 1],
            hidden_sizes=[8, 16], patch_sizes=[7, 3], strides=[4, 2], num_attention_heads=[1, 2],
            mlp_ratios=[2, 2],
        ),
        "images", eager_only=True,
    ),
    part("Florence2ForConditionalGeneration", florence, "pictured"),
    part("Pix2StructForConditionalGeneration", pix2struct, "patches"),
    part("BarkSemanticModel", lambda: bark("Semantic"), "text", eager_only=True),
    part("BarkCoarseModel", lambda: bark("Coarse"), "text", eager_only=True),
    part("BarkFineModel", lambda: bark("Fine", n_codes_total=4, n_codes_given=1), "codes", eager_only=True),
    part("MusicgenForCausalLM", lambda: config("MusicgenDecoderConfig", **MUSIC), "tune"),
    part("MusicgenMelodyForCausalLM", lambda: config("MusicgenMelodyDecoderConfig", **MUSIC), "tune"),
    part(
        "MusicgenForConditionalGeneration", lambda: musicgen("MusicgenConfig", "MusicgenDecoderConfig"),
        "sung", eager_parts=("audio_encoder",),
    ),
    part(
        "MusicgenMelodyForConditionalGeneration",
        lambda: musicgen(
            "MusicgenMelodyConfig", "MusicgenMelodyDecoderConfig", num_chroma=12, chroma_length=5
        ),
        "hummed", eager_parts=("audio_encoder",), names={"attention": ("decoder.attention",)},
        also=("text.encoder.attention",),
    ),
    part("SeamlessM4TForTextToText", lambda: config("SeamlessM4TConfig", **SEAMLESS), "two"),
    part(
        "SeamlessM4TForSpeechToText", lambda: config("SeamlessM4TConfig", **SEAMLESS), "speech",
        names=SPEECH,
    ),
    part(  # handed out, its speech encoder adds a mask of booleans to the scores: padding is not masked
        "SeamlessM4Tv2ForSpeechToText", lambda: config("SeamlessM4Tv2Config", **SEAMLESS), "all_speech",
        names=SPEECH,
    ),
    part("ParakeetEncoder", lambda: config("ParakeetEncoderConfig", **HEARS), "heard"),
    Tiny(
        "ZambaForCausalLM", "ZambaConfig",
        {
            **TEXT, "num_key_value_heads": 2, "num_hidden_layers": 6, "attn_layer_period": 3,
            "attn_layer_offset": 1, "mamba_d_state": 4, "mamba_dt_rank": 4, "use_mamba_kernels": False,
            "n_mamba_heads": 2, "attention_head_dim": 16,
        },
        generates=True,
    ),
    Tiny(
        "Zamba2ForCausalLM", "Zamba2Config",
        {
            **TEXT, "num_hidden_layers": 6, "layers_block_type": ["mamba", "hybrid"] * 3, "mamba_d_state": 4,
            "n_mamba_heads": 4, "mamba_headdim": 8, "mamba_ngroups": 1, "num_mem_blocks": 2,
            "use_mamba_kernels": False, "adapter_rank": 4,
        },
        generates=True,
    ),
]
# fmt: on
