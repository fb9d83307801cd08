"""Where attention goes, and how heads differ, against loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from nsm_widgets import stats
from nsm_widgets._errors import AxisError, DtypeError, ShapeError, UnknownOptionError, WeightsError
from nsm_widgets.trace import NamedArray, Trace
from tests.stats import loops
from tests.stats.samples import Array, random_weights, weightings

ATTENTION = random_weights(2, 3, 6, 6, seed=3)
"""(batch, head, query, key)"""


def padded(lengths: list[int], size: int) -> Array:
    """A tokenizer's mask."""
    flags: Array = np.arange(size) < np.array(lengths)[:, None]
    return flags


def loop_share(weights: Array, mask: Array, step: int | None) -> Array:
    """The weight of each query on the key a step further; on the first that counts for None."""
    out = np.full(weights.shape[:-1], np.nan)
    for index in np.ndindex(*out.shape):
        counts = np.broadcast_to(mask, weights.shape)[index].tolist()
        row = weights[index].tolist()
        total = sum(w for w, c in zip(row, counts, strict=True) if c)
        key = counts.index(True) if step is None and True in counts else index[-1] + (step or 0)
        if total > 0 and 0 <= key < len(row) and counts[key]:
            out[index] = row[key] / total
    return out


SHARES = [
    (stats.previous_token_share, -1),
    (stats.next_token_share, 1),
    (stats.same_token_share, 0),
    (stats.first_token_share, None),
]


@pytest.mark.parametrize(("statistic", "step"), SHARES, ids=[pair[0].__name__ for pair in SHARES])
@pytest.mark.parametrize("lengths", [[6, 6], [4, 1], [6, 0]], ids=str)
def test_shares(statistic: Any, step: int | None, lengths: list[int]) -> None:
    """The weight on one key; NaN where there is none that counts."""
    mask = padded(lengths, 6)[:, None, None, :]
    expected = loop_share(ATTENTION, mask, step)
    np.testing.assert_allclose(statistic(ATTENTION, mask=mask), expected, rtol=0, atol=1e-9)


def test_the_first_token_of_left_padding_is_the_first_that_counts() -> None:
    """Not the padding before it."""
    mask = np.arange(6) >= 2
    expected = loop_share(ATTENTION, mask, None)
    np.testing.assert_allclose(stats.first_token_share(ATTENTION, mask=mask), expected, rtol=0, atol=1e-9)
    weights = np.zeros((4, 4))
    weights[:, 2] = 1.0
    assert stats.first_token_share(weights, mask=np.arange(4) >= 2).tolist() == [1.0] * 4


@settings(max_examples=40, deadline=None, derandomize=True)
@given(weights=weightings(min_dims=2, max_dims=3), offset=st.integers(-3, 3))
def test_distance(weights: Array, offset: int) -> None:
    """Keys' distances, weighted; queries may stand anywhere among the keys."""
    found = stats.attention_distance(weights, offset=offset)
    for index in np.ndindex(*found.shape):
        row = weights[index].tolist()
        expected = sum(w * abs(index[-1] + offset - j) for j, w in enumerate(row)) if sum(row) else math.nan
        assert found[index] == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_queries_behind_a_cache_stand_at_their_own_key() -> None:
    """The last two of five tokens."""
    weights = np.eye(5)[[2, 4]]
    assert stats.previous_token_share(weights, offset=3).tolist() == [1.0, 0.0]
    assert stats.same_token_share(weights, offset=3).tolist() == [0.0, 1.0]
    with pytest.raises(ShapeError, match="offset=3 if these are the last 2 of 5 tokens"):
        stats.previous_token_share(weights)


def test_attention_of_a_model_with_names() -> None:
    """Layers, heads and tokens stay named, key goes."""
    trace = Trace.from_attentions(
        tuple(torch.softmax(torch.randn(1, 2, 3, 3), -1) for _ in range(2)), tokens=["a", "b", "c"]
    )
    found = stats.attention_distance(trace["attention"])
    assert (found.name, found.dims) == ("attention_distance", ("layer", "batch", "head", "query"))
    assert found.labels("query") == ("a", "b", "c")


def loop_rollout(attention: Array, residual: float) -> Array:
    """(layer, head, query, key), one batch item."""
    size = attention.shape[-1]
    layers: list[list[list[float]]] = []
    for layer in attention:
        mixed = []
        for i in range(size):
            row = [
                (1 - residual) * loops.mean([float(h[i, j]) for h in layer]) + residual * (i == j)
                for j in range(size)
            ]
            mixed.append([w / sum(row) for w in row])
        before = layers[-1] if layers else [[float(i == j) for j in range(size)] for i in range(size)]
        layers.append(
            [[sum(mixed[i][k] * before[k][j] for k in range(size)) for j in range(size)] for i in range(size)]
        )
    return np.array(layers)


@pytest.mark.parametrize("residual", [0.0, 0.5, 0.9])
def test_rollout(residual: float) -> None:
    """Layers are multiplied, each mixed with its residual."""
    attention = random_weights(3, 2, 4, 5, 5, seed=7)
    found = stats.attention_rollout(attention, residual=residual)
    assert found.shape == (3, 2, 5, 5)
    for batch in range(2):
        expected = loop_rollout(attention[:, batch], residual)
        np.testing.assert_allclose(found[:, batch], expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.sum(-1), 1.0, atol=1e-12)


def test_rollout_of_padding_is_that_of_the_shorter_sequence() -> None:
    """Padded tokens are NaN, and nothing of them reaches the others."""
    whole = random_weights(3, 1, 2, 4, 4, seed=8)
    attention = np.full((3, 1, 2, 6, 6), np.nan)
    attention[..., :4, :4] = whole
    mask = stats.padding_mask(padded([4], 6))
    found = stats.attention_rollout(attention, mask=mask)
    np.testing.assert_allclose(found[..., :4, :4], stats.attention_rollout(whole), rtol=0, atol=1e-12)
    assert (found[..., :4, 4:] == 0).all()
    assert np.isnan(found[..., 4:, :]).all()


def test_rollout_of_names() -> None:
    """The head axis goes; without layers there is nothing to roll out."""
    trace = Trace.from_attentions(random_weights(2, 1, 3, 4, 4), tokens=list("abcd"))
    found = stats.attention_rollout(trace["attention"])
    assert (found.name, found.dims) == ("attention_rollout", ("layer", "batch", "query", "key"))
    assert found.values.tobytes() == stats.attention_rollout(trace["attention"].values).tobytes()
    moved = NamedArray(
        "a", trace["attention"].values.transpose(2, 0, 1, 3, 4), ("head", "layer", "batch", "query", "key")
    )
    np.testing.assert_allclose(stats.attention_rollout(moved).values, found.values, rtol=0, atol=1e-12)
    with pytest.raises(AxisError, match="has no axis 'layer'"):
        stats.attention_rollout(trace["attention"].isel(layer=0))
    with pytest.raises(
        UnknownOptionError, match=r"residual must be a number at least 0 and at most 1, got 2"
    ):
        stats.attention_rollout(trace["attention"], residual=2)
    with pytest.raises(ShapeError, match="at least 4 axes"):
        stats.attention_rollout(random_weights(2, 3, 3))


def test_a_nan_spreads_through_a_rollout() -> None:
    """It is not made up for."""
    attention = random_weights(2, 1, 3, 3)
    attention[0, 0, 1, 0] = np.nan
    assert np.isnan(stats.attention_rollout(attention)[1]).any()


@pytest.mark.parametrize(
    ("statistic", "loop"),
    [(stats.js_divergence, loops.js_divergence), (stats.kl_divergence, loops.kl_divergence)],
    ids=["js", "kl"],
)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_divergences(statistic: Any, loop: Any, data: st.DataObject) -> None:
    """Zero rows are no weightings; KL is infinite where q has nothing."""
    p = data.draw(weightings(max_dims=2))
    q = np.roll(p, 1, axis=-1)
    found = statistic(p, q)
    for index in np.ndindex(*found.shape):
        expected = loop(p[index].tolist(), q[index].tolist()) if p[index].any() else math.nan
        assert found[index] == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_divergences_over_what_counts() -> None:
    """Both are weightings over the places that count."""
    p, q = random_weights(4, 5, seed=1), random_weights(4, 5, seed=2)
    mask = [True, True, False, True, False]
    for index, value in enumerate(stats.js_divergence(p, q, mask=mask)):
        one, other = loops.counted(p[index].tolist(), mask), loops.counted(q[index].tolist(), mask)
        assert one is not None and other is not None
        assert value == pytest.approx(loops.js_divergence(one, other), abs=1e-9)
    with pytest.raises(ShapeError, match="p and q must have the same shape"):
        stats.js_divergence(p, q[0])


def test_head_divergence() -> None:
    """The mean over queries of each pair; masked rows are left out."""
    mask = stats.padding_mask(padded([6, 4], 6))
    found = stats.head_divergence(ATTENTION, mask=mask)
    assert found.shape == (2, 3, 3)
    for batch, length in enumerate([6, 4]):
        for i, j in np.ndindex(3, 3):
            rows = [
                (
                    loops.counted(ATTENTION[batch, i, q].tolist(), mask[batch, 0, q].tolist()),
                    loops.counted(ATTENTION[batch, j, q].tolist(), mask[batch, 0, q].tolist()),
                )
                for q in range(length)
            ]
            expected = loops.mean([loops.js_divergence(p, q) for p, q in rows if p and q])
            assert found[batch, i, j] == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(
        stats.head_agreement(ATTENTION, mask=mask), 1 - found / math.log(2), rtol=0, atol=1e-12
    )


def test_head_divergence_of_read_weights_keeps_time() -> None:
    """Nothing lies between heads and slots, so nothing is averaged; labels go along."""
    weights = random_weights(4, 1, 2, 5)
    array = NamedArray("read_weights", weights, ("time", "batch", "head", "slot"), {"head": ["a", "b"]})
    found = stats.head_divergence(array)
    assert found.dims == ("time", "batch", "head", "reference")
    assert found.labels("reference") == ("a", "b")
    for t in range(4):
        expected = loops.js_divergence(weights[t, 0, 0].tolist(), weights[t, 0, 1].tolist())
        assert found.values[t, 0, 0, 1] == pytest.approx(expected, abs=1e-9)
        assert found.values[t, 0, 0, 0] == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(AxisError, match="has no axis 'head'"):
        stats.head_divergence(array.isel(head=0))


def test_a_head_that_is_not_used_agrees_with_none() -> None:
    """NaN, not zero."""
    weights = random_weights(2, 1, 4)
    weights[1] = 0.0
    found = stats.head_divergence(weights)
    assert math.isnan(found[0, 1]) and math.isnan(found[1, 1]) and found[0, 0] == 0.0


def test_state_share_and_unrouted_tokens() -> None:
    """The mean over tokens that count, and tokens that go nowhere in particular."""
    routing = random_weights(2, 5, 4, seed=5)
    routing[0, 1] = 0.25
    routing[1, 2] = 0.0
    mask = padded([5, 3], 5)[..., None]
    share = stats.state_share(routing, mask=mask)
    for batch, tokens in enumerate([[0, 1, 2, 3, 4], [0, 1]]):
        for state in range(4):
            expected = loops.mean([float(routing[batch, t, state]) for t in tokens])
            assert share[batch, state] == pytest.approx(expected, abs=1e-9)
    lost = stats.unrouted_tokens(routing, threshold=0.9, mask=mask)
    for batch, token in np.ndindex(2, 5):
        row = routing[batch, token].tolist()
        expected = sum(row) == 0 or loops.normalised_entropy(row) >= 0.9
        assert lost[batch, token] == (expected and bool(mask[batch, token, 0]))
    assert lost[0, 1] and lost[1, 2] and not lost[1, 3]
    assert stats.unrouted_tokens(np.ones((3, 1))).tolist() == [False] * 3


def test_unrouted_tokens_are_refused_where_not_known() -> None:
    """A NaN is neither routed nor unrouted."""
    routing = random_weights(2, 3)
    routing[1] = np.nan
    with pytest.raises(WeightsError, match=r"got NaN in 1 rows, the first at \[1\]"):
        stats.unrouted_tokens(routing)
    assert np.isnan(stats.state_share(routing)).all()


def test_named_routing() -> None:
    """Time and state stay."""
    array = NamedArray("routing_weights", random_weights(3, 5, 4), ("time", "token", "state"))
    assert stats.state_share(array).dims == ("time", "state")
    assert stats.unrouted_tokens(array).dims == ("time", "token")


def test_masks_for_attention() -> None:
    """Padding leaves out queries and keys; causal is the lower triangle."""
    mask = stats.padding_mask(torch.tensor([[1, 1, 0]]))
    assert mask.shape == (1, 1, 3, 3)
    assert mask[0, 0].tolist() == [[True, True, False], [True, True, False], [False] * 3]
    assert stats.causal_mask(3).tolist() == np.tri(3, dtype=bool).tolist()
    with pytest.raises(ShapeError, match=r"tokens must have axes \(batch, token\), got shape \(3,\)"):
        stats.padding_mask([1, 1, 0])
    with pytest.raises(DtypeError, match="tokens must be boolean"):
        stats.padding_mask([[0.5, 1.0]])
    with pytest.raises(ShapeError, match="num_tokens must be an integer of at least 1, got 0"):
        stats.causal_mask(0)
