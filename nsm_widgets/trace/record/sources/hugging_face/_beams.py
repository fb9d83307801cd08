"""A beam search, as the sequences that it returned: the rows of the beams that it followed to them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nsm_widgets.trace.record.sources.hugging_face._model_calls import ModelCall


class Beams(NamedTuple):
    """Which beams a search followed to the sequences that it returned."""

    rows: NDArray[Any]
    """``[sequence, step]``: the row of each call that the step's token came of; -1 after the end."""
    tokens: NDArray[Any] | None
    """The sequences; ``None`` where the prompt was given as something else than tokens."""
    prompt: int
    """How many places were given."""

    @classmethod
    def of(cls, rows: NDArray[Any], tokens: NDArray[Any], first: int) -> Beams:
        """What ``generate`` told, of which the first call had so many places."""
        prompt = tokens.shape[1] - rows.shape[1]
        return cls(rows, tokens, prompt) if first <= prompt else cls(rows, None, first)

    def step_of(self, key: ModelCall, queries: int) -> int:
        """The step that a call's last query was of; what is below 0 is a part of the prompt."""
        return key.past + queries - self.prompt

    def follow(self, key: ModelCall, values: NDArray[Any]) -> NDArray[Any]:
        """The rows of a call that belong to the sequences; of one that was over, zeros."""
        rows = self.rows[:, max(0, self.step_of(key, values.shape[2]))]
        taken: NDArray[Any] = values[rows]
        taken[rows < 0] = 0
        return taken

    @property
    def counts(self) -> NDArray[np.bool_]:
        """``[sequence, place]``: where a token is that was given to the model again."""
        given = np.ones((len(self.rows), self.prompt), bool)
        return np.concatenate([given, self.rows[:, 1:] >= 0], axis=1)


def mask_of_beams(mask: NDArray[np.bool_] | None, beams: Beams) -> NDArray[np.bool_]:
    """The mask of the sequences that were returned: of the prompt, and until each one's end."""
    counts = beams.counts
    if mask is not None and mask.shape[1] >= beams.prompt:
        counts[:, : beams.prompt] &= mask[beams.rows[:, 0], : beams.prompt]
    return counts
