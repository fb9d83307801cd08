"""What stood at the places of the axes of a model's arrays: tokens, or what is no token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets.trace.make._output_fields import tower_of
from nsm_widgets.trace.make._tokens import Side
from nsm_widgets.trace.record.sources.hugging_face._model_calls import crosses, is_of_encoder

_NO_TOKENS = re.compile(r"sampler|perceiver|q_?former|pool|head|connector|predict", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sides:
    """What stood at the places of axes: at those of a decoder, or of the only side, and of an encoder."""

    own: Side
    encoder: Side
    two_sided: bool
    batch: int
    """How many sequences there are; as many of each item of the encoder as ``generate`` made of it."""
    until: int | None
    """How many keys a cache held in the end, where some were taken back."""

    def of(self, name: str) -> tuple[Side, Side]:
        """At queries and keys of an array; nothing where its places are no tokens, but patches or latents."""
        if not of_tokens(name) and not is_of_encoder(name):
            return Side(), Side()
        if tower_of(name) not in ("", "text"):
            return Side(), Side()
        encoder = self._of_items()
        if crosses(name):
            return self.own, encoder
        if self.two_sided and is_of_encoder(name):
            return encoder, encoder
        return self.own, self.own

    def _of_items(self) -> Side:
        def often(values: NDArray[Any] | None) -> NDArray[Any] | None:
            return values if values is None else repeated(values, self.batch, axis=0)

        return Side(often(self.encoder.ids), often(self.encoder.mask))


def repeated(values: NDArray[Any], batch: int, axis: int) -> NDArray[Any]:
    """Each item as often as there are sequences of it."""
    times, left = divmod(batch, max(1, values.shape[axis]))
    return values if left or times < 2 else np.repeat(values, times, axis=axis)


def of_tokens(name: str) -> bool:
    """Whether an array's queries are the tokens that a model is called with."""
    is_other = tower_of(name) not in ("", "text") or _NO_TOKENS.search(name)
    return not is_other and not is_of_encoder(name)
