"""The attention of several calls that go on from each other, as ``generate`` makes them, as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError


class JoinedCalls(NamedTuple):
    """Attention of all calls, and which keys there were."""

    values: NDArray[Any]
    """``[batch, head, query, key]``; the weight of a key that there was not is 0."""
    there: Bool[np.ndarray, "query key"] | None
    """Which keys each query could see at its call; ``None`` where all of them could see all."""


def join_calls(pieces: Sequence[NDArray[Any]], *, crosses: bool = False) -> JoinedCalls:
    """Join the weights of calls, ``[batch, head, query, key]`` each, along ``query``.

    - Calls that go on from a cache bring new queries, and new keys with them. Where a cache forgets what has
      left its window, its keys are the last ones.
    - Without a cache each call has all queries again: the last one is all of them.

    Args:
        pieces: In the order of the calls.
        crosses: Whether keys are those of an encoder, which are there from the start.

    Raises:
        RecordingError: If calls differ in batch or heads, so that they do not go on from each other.
    """
    batch, heads = pieces[0].shape[:2]
    if any(piece.shape[:2] != (batch, heads) for piece in pieces):
        shapes = ", ".join(str(piece.shape) for piece in pieces)
        raise RecordingError(
            f"calls that go on from a cache must keep batch and heads, got shapes {shapes}. "
            "Record each call with a TraceRecorder of its own."
        )
    if _all_over_again(pieces):
        return JoinedCalls(pieces[-1], None)
    seen = 0
    places = []
    for piece in pieces:
        seen += piece.shape[2]
        first = 0 if crosses else max(0, seen - piece.shape[3])
        places.append((seen - piece.shape[2], first))
    keys = max(first + piece.shape[3] for piece, (_, first) in zip(pieces, places, strict=True))
    joined = np.zeros((batch, heads, seen, keys), pieces[0].dtype)
    there = np.zeros((seen, keys), bool)
    for piece, (query, first) in zip(pieces, places, strict=True):
        rows, columns = slice(query, query + piece.shape[2]), slice(first, first + piece.shape[3])
        joined[:, :, rows, columns] = piece
        there[rows, columns] = True
    return JoinedCalls(joined, None if there.all() else there)


def _all_over_again(pieces: Sequence[NDArray[Any]]) -> bool:
    """Whether each call has the queries of the one before it, and more."""
    queries, keys = [piece.shape[2] for piece in pieces], [piece.shape[3] for piece in pieces]
    grows = all(one < other for one, other in pairwise(queries))
    return len(pieces) == 1 or (grows and (queries == keys or len(set(keys)) == 1))
