"""Weightings of every kind to try the statistics on."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Array = np.ndarray[Any, Any]


def softmax(scores: Array) -> Array:
    """Along the last axis."""
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights: Array = scores / scores.sum(axis=-1, keepdims=True)
    return weights


def random_weights(*shape: int, seed: int = 0, sharpness: float = 2.0) -> Array:
    """Weightings of mixed sharpness."""
    generator = np.random.default_rng(seed)
    return softmax(sharpness * generator.normal(size=shape))


def with_head(pattern: Array, share: float = 0.8, *, seed: int = 0) -> Array:
    """Attention that gives a share of its weight to a pattern, and the rest to noise."""
    weights: Array = share * pattern + (1 - share) * random_weights(*pattern.shape, seed=seed, sharpness=0.5)
    return weights


@st.composite
def weightings(draw: st.DrawFn, min_dims: int = 1, max_dims: int = 4) -> Array:
    """Any axes, any spread, zeros among the weights and rows that are zero everywhere."""
    shape = draw(hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, max_side=5))
    raw = draw(
        hnp.arrays(
            np.float64, shape, elements=st.one_of(st.just(0.0), st.floats(1e-9, 1.0), st.floats(0.1, 1.0))
        )
    )
    sums = raw.sum(axis=-1, keepdims=True)
    weights: Array = np.divide(raw, sums, out=np.zeros_like(raw), where=sums > 0)
    return weights


@st.composite
def masked_weightings(draw: st.DrawFn) -> tuple[Array, Array]:
    """Weightings and a mask that broadcasts to them."""
    weights = draw(weightings())
    shape = tuple(draw(st.sampled_from((1, size))) for size in weights.shape)
    return weights, draw(hnp.arrays(np.bool_, shape))
