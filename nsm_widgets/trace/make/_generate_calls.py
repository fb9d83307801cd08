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


def join_calls(
    pieces: Sequence[NDArray[Any]],
    pasts: Sequence[int] | None = None,
    *,
    crosses: bool = False,
    until: int | None = None,
    counts: NDArray[np.bool_] | None = None,
) -> JoinedCalls:
    """Join the weights of calls, ``[batch, head, query, key]`` each, along ``query``.

    - Calls that go on from a cache bring new queries, and new keys with them. Where a cache forgets what has
      left its window, its keys are the last ones; where it has room for more, its keys are the first ones.
    - A call that goes on from an earlier place takes back what came after that: a draft that was rejected.
    - Without a cache each call has all queries again: the last one is all of them.

    Of several calls a query sees no later key, and none that is further off than any with weight, as
    behind a window; but a key to which a query gives weight was seen.

    Args:
        pieces: In the order of the calls.
        pasts: How many keys the cache held before each call; as the queries add up, if not given.
        crosses: Whether keys are those of an encoder, which are there from the start.
        until: How many keys the cache held in the end, where some were taken back.
        counts: Which places are tokens, ``[batch, place]``, all of them where it is empty; ``None`` where
            that is not known.

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
    if pasts is None and _all_over_again(pieces):
        return JoinedCalls(pieces[-1], None)
    if pasts is None:
        pasts = [sum(piece.shape[2] for piece in pieces[:place]) for place in range(len(pieces))]
    start = pasts[0]
    ends = [past + piece.shape[2] for past, piece in zip(pasts, pieces, strict=True)]
    end = ends[-1] if until is None else min(until, ends[-1])
    keys = max(piece.shape[3] for piece in pieces) if crosses else end
    joined = np.zeros((batch, heads, max(end - start, 0), keys), pieces[0].dtype)
    there = np.zeros(joined.shape[2:], bool)
    for piece, past, after in zip(pieces, pasts, ends, strict=True):
        rows = min(after, end) - past
        first = 0 if crosses else max(0, after - piece.shape[3])
        columns = min(piece.shape[3], keys - first)
        if rows <= 0 or columns <= 0:
            continue
        at = slice(past - start, past - start + rows), slice(first, first + columns)
        joined[:, :, past - start :] = 0
        there[past - start :] = False
        joined[:, :, *at] = piece[:, :, :rows, :columns]
        there[at] = True
    if not crosses and len(pieces) > 1:
        there &= _visible(joined, start, counts)
    return JoinedCalls(joined, None if there.all() else there)


def _visible(
    joined: NDArray[Any], start: int, counts: NDArray[np.bool_] | None
) -> Bool[np.ndarray, "query key"]:
    """Which keys a query can see: those before it, as far back as there is weight, and all with weight."""
    queries, keys = joined.shape[2:]
    used = np.asarray((joined != 0).any(1))
    if counts is None:  # rows of padding may attend to anything
        weighty = np.asarray(used.all(0))
    elif counts.shape[0] == len(joined) and counts.shape[1] >= start + queries:
        weighty = np.asarray((used & counts[:, start : start + queries, None]).any(0))
    else:
        weighty = np.asarray(used.any(0))
    back = np.arange(start, start + queries)[:, None] - np.arange(keys)
    reach = back[used.any(0)].max(initial=0)
    visible: NDArray[np.bool_] = ((back >= 0) & (back <= reach)) | weighty
    return visible


def _all_over_again(pieces: Sequence[NDArray[Any]]) -> bool:
    """Whether each call has the queries of the one before it, and more."""
    queries, keys = [piece.shape[2] for piece in pieces], [piece.shape[3] for piece in pieces]
    grows = all(one < other for one, other in pairwise(queries))
    return len(pieces) == 1 or (grows and (queries == keys or len(set(keys)) == 1))
