"""What models of transformers are, are given, and hand from an encoder to a decoder."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

_INPUTS = (
    "input_ids",
    "decoder_input_ids",
    "inputs_embeds",
    "pixel_values",
    "input_values",
    "input_features",
)


def generators(parts: Mapping[str, Any]) -> list[Any]:
    """Models within one that can ``generate``, as BLIP-2 lets its language model do."""
    inner = {path: part for path, part in parts.items() if path and is_hugging_face(part)}
    able = {path: part for path, part in inner.items() if hasattr(part, "generate") and part.can_generate()}
    return [
        part
        for path, part in able.items()
        if not any(path.startswith(f"{other}.") for other in able) and not part.config.is_encoder_decoder
    ]


def first_tensor(output: object) -> Any:
    """The states among what an encoder gives."""
    if isinstance(output, (tuple, list, Mapping)):
        output = output[0] if len(output) else None
    return output if hasattr(output, "ndim") else None


def are_copies(states: Tensor, encoded: Tensor) -> bool:
    """Whether states are those of an encoder, each item as often as ``generate`` makes sequences of it."""
    if states.shape[1:] != encoded.shape[1:] or states.shape[0] % encoded.shape[0]:
        return False
    times = states.shape[0] // encoded.shape[0]
    same: bool = states.shape[0] > 0 and states.detach().equal(encoded.repeat_interleave(times, dim=0))
    return same


def num_items(given: Mapping[str, Any]) -> int:
    """How many items a model was given; 0 where that is not known."""
    inputs = [each for name in _INPUTS if getattr(each := given.get(name), "ndim", 0)]
    return int(inputs[0].shape[0]) if inputs else 0  # type: ignore[union-attr]


def num_images(given: Mapping[str, Any]) -> int:
    """How many images a model was given; 0 where that is not known."""
    grid, pixels = given.get("image_grid_thw"), given.get("pixel_values")
    if grid is not None:
        return len(grid)
    dims = getattr(pixels, "ndim", 0)
    return int(pixels.shape[0] * (pixels.shape[1] if dims == 5 else 1)) if dims in (4, 5) else 0  # type: ignore[union-attr]


def num_codebooks(model: nn.Module) -> int:
    """Of how many codebooks a model of sound, or its decoder, takes codes; 1 where it takes no codes."""
    decoder = getattr(model.config, "decoder", None)
    number: int = getattr(model.config, "num_codebooks", getattr(decoder, "num_codebooks", 1))
    return number


def is_hugging_face(module: nn.Module) -> bool:
    """Whether it is a ``transformers.PreTrainedModel``, without importing transformers."""
    transformers = sys.modules.get("transformers.modeling_utils")
    return transformers is not None and isinstance(module, transformers.PreTrainedModel)
