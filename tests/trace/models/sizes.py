"""What a tiny model of transformers is: sizes, a class, and what it is called with.

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
    eager_parts: tuple[str, ...] = ()
    """Configs of its parts that have no way through the fused kernel, where it has one."""
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The arrays that a field of its output is recorded as; none where it is left out, with a word."""
    also: tuple[str, ...] = ()
    """Arrays that no field of its output has."""

    def make(self, attention: str) -> Any:
        """The model, in evaluation, with the same weights each time."""
        torch.manual_seed(0)
        kind = getattr(transformers, self.model)
        config = self.make_config() if self.make_config else getattr(transformers, self.config)(**self.sizes)
        ways: Any = attention
        if attention != "eager" and self.eager_parts:
            ways = {"": attention, **dict.fromkeys(self.eager_parts, "eager")}
        return kind._from_config(config, attn_implementation=ways).eval()

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


def melody(model: Any) -> dict[str, Any]:
    return {"input_values": torch.randn(BATCH, 16, 8)}


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
    "melody": melody,
}


def two_berts() -> Any:
    small = {**TEXT, "num_hidden_layers": 1}
    encoder = transformers.BertConfig(**small)
    decoder = transformers.BertConfig(**TEXT, is_decoder=True, add_cross_attention=True)
    config = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id = 1, 0
    return config


def image_and_bert() -> Any:
    decoder = transformers.BertConfig(**TEXT, is_decoder=True, add_cross_attention=True)
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.ViTConfig(**VISION), decoder
    )
    config.decoder_start_token_id, config.pad_token_id = 1, 0
    return config


def towers(kind: str, **more: Any) -> Callable[[], Any]:
    def make() -> Any:
        words = {**SIZES, **IDS, "max_position_embeddings": 16}
        return getattr(transformers, kind)(text_config=words, vision_config=VISION, **more)

    return make
