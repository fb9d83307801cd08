"""What a trace says of its iterations and sequences, once some of their steps were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int64

BY_CHOICE = "not chosen by isel"


def attrs_after_isel(
    attrs: Mapping[str, Any], sizes: Mapping[str, int], indexers: Mapping[str, Any]
) -> dict[str, Any]:
    """The attrs of a trace whose arrays were indexed.

    Numbers of iterations go with the iterations. Of steps that lie one iteration after the other nothing is
    known any more where some of them, or only what has an axis ``iteration``, were chosen. Sequences start
    where the chosen step is of another one than the step before it.
    """
    after = dict(attrs)
    moved = {
        dim: places
        for dim in ("iteration", "time")
        if dim in indexers and _differ(places := _places(sizes[dim], indexers[dim]), sizes[dim])
    }
    told = attrs.get("iterations")
    if moved and isinstance(told, dict):
        kept = {**told} if "steps" not in told else None
        if kept is not None and "iteration" in moved:
            kept = _chosen_iterations(told, sizes["iteration"], np.asarray(moved["iteration"]))
        after["iterations"] = kept
    starts = attrs.get("sequence_starts")
    if "time" in moved and isinstance(starts, list) and all(type(start) is int for start in starts):
        after["sequence_starts"] = _moved_starts(starts, np.asarray(moved["time"]))
    return {
        name: value for name, value in after.items() if value or name not in ("iterations", "sequence_starts")
    }


def _places(size: int, indexer: object) -> range | Int64[np.ndarray, "..."]:
    if isinstance(indexer, slice):
        return range(size)[indexer]
    return np.asarray(np.arange(size)[np.asarray(indexer)])


def _differ(places: range | Int64[np.ndarray, "..."], size: int) -> bool:
    every = range(size)
    return places != every if isinstance(places, range) else not np.array_equal(places, every)


def _chosen_iterations(
    told: Mapping[str, Any], size: int, places: Int64[np.ndarray, "..."]
) -> dict[str, Any] | None:
    numbers, left_out = told.get("numbers"), told.get("left_out")
    if not isinstance(numbers, (list, tuple)) or len(numbers) != size or not isinstance(left_out, dict):
        return None
    chosen = [numbers[place] for place in np.atleast_1d(places)]
    gone = len(set(range(size)) - set(np.atleast_1d(places).tolist()))
    before = left_out.get(BY_CHOICE, 0)
    if gone and type(before) is int:
        left_out = {**left_out, BY_CHOICE: before + gone}
    return {**told, "numbers": chosen, "left_out": left_out}


def _moved_starts(starts: list[int], places: Int64[np.ndarray, "..."]) -> list[int]:
    """The places at which another sequence begins than that of the place before."""
    if places.ndim == 0:
        return []
    sequence = np.searchsorted(np.sort(starts), places, side="right")
    begins = np.flatnonzero(np.diff(sequence)) + 1
    first = [0] if places[0] in starts else []
    return [*first, *begins.tolist()]
