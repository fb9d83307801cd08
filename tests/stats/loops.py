"""What each statistic is, as a slow and obvious loop over plain numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Row = Sequence[float]


def entropy(row: Row) -> float:
    return -math.fsum(w * math.log(w) for w in row if w > 0)


def normalised_entropy(row: Row) -> float:
    return entropy(row) / math.log(len(row)) if len(row) > 1 else math.nan


def focus(row: Row) -> float:
    return 1 - normalised_entropy(row)


def effective_slots(row: Row) -> float:
    return math.exp(entropy(row))


def sparsity(row: Row) -> float:
    return sum(1 for w in row if w < 0.01) / len(row)


def hoyer_sparsity(row: Row) -> float:
    if len(row) == 1:
        return math.nan
    one, two = sum(row), math.sqrt(sum(w * w for w in row))
    return (math.sqrt(len(row)) - one / two) / (math.sqrt(len(row)) - 1)


def js_divergence(p: Row, q: Row) -> float:
    total = 0.0
    for a, b in zip(p, q, strict=True):
        m = (a + b) / 2
        total += a * math.log(a / m) / 2 if a > 0 else 0.0
        total += b * math.log(b / m) / 2 if b > 0 else 0.0
    return total


def kl_divergence(p: Row, q: Row) -> float:
    total = 0.0
    for a, b in zip(p, q, strict=True):
        if a > 0:
            total += math.inf if b == 0 else a * math.log(a / b)
    return total


def counted(row: Row, mask: Sequence[bool]) -> list[float] | None:
    """The weights that count, divided by their sum; None where they are no weighting."""
    kept = [w for w, counts in zip(row, mask, strict=True) if counts]
    total = sum(kept)
    return [w / total for w in kept] if kept and total > 0 else None


def each_row(
    statistic: Callable[[Row], float], weights: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None = None
) -> np.ndarray[Any, Any]:
    """The statistic of every row along the last axis, NaN where nothing counts."""
    out = np.full(weights.shape[:-1], np.nan)
    for index in np.ndindex(*out.shape):
        row: Any = weights[index].tolist()
        if mask is not None:
            row = counted(row, np.broadcast_to(mask, weights.shape)[index].tolist())
        if row is not None and sum(row) > 0 and not any(math.isnan(w) for w in row):
            out[index] = statistic(row)
    return out


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
