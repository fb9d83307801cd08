"""Heads get the name of what they do: hand-made patterns, noise, sinks, padding, causal attention."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nsm_widgets import stats
from nsm_widgets._errors import ShapeError, UnknownOptionError
from nsm_widgets.trace import NamedArray, Trace
from tests.stats.samples import Array, random_weights, softmax, with_head


def shifted(size: int, step: int) -> Array:
    """Each query looks that many places further; where it cannot, at itself."""
    weights = np.eye(size, k=step)
    for query in np.flatnonzero(weights.sum(-1) == 0):
        weights[query, query] = 1.0
    return weights


def column(size: int, key: int) -> Array:
    weights = np.zeros((size, size))
    weights[:, key] = 1.0
    return weights


def band(size: int, reach: int = 2) -> Array:
    near = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) <= reach
    weights: Array = near / near.sum(-1, keepdims=True)
    return weights


def causal(weights: Array) -> Array:
    """What a causal model would make of it: the future cut off, the rest divided by its sum."""
    kept = np.tril(weights)
    sums = kept.sum(-1, keepdims=True)
    kept = np.divide(kept, sums, out=kept, where=sums > 0)
    for query in np.flatnonzero(kept.sum(-1) == 0):
        kept[query, query] = 1.0
    result: Array = kept
    return result


def patterns(size: int) -> dict[str, Array]:
    return {
        "previous": shifted(size, -1),
        "next": shifted(size, 1),
        "first": column(size, 0),
        "diagonal": np.eye(size),
        "local": band(size),
        "column": column(size, size // 2),
        "uniform": np.full((size, size), 1 / size),
    }


NAMES = [name for name in stats.HEAD_CLASSES if name != "other"]


def test_heads_are_found_by_their_name() -> None:
    """The clearest one first; a slip is told."""
    size, noise = 12, np.full((12, 12), 1 / 12)
    previous = np.eye(size, k=-1) + np.eye(size)[0] * np.eye(size)[:, :1]
    layers = [[noise, 0.7 * previous + 0.3 * noise], [previous, noise]]
    heads = stats.classify_heads(np.array(layers)[:, None])
    assert heads.named("previous") == [(1, 0), (0, 1)]
    assert heads.named("next") == []
    with pytest.raises(UnknownOptionError, match="got 'previuos'. Did you mean 'previous'?"):
        heads.named("previuos")
    with pytest.raises(ShapeError, match="the model returned none. Load it with attn_implementation='eager'"):
        stats.classify_heads(())


@pytest.mark.parametrize("size", [8, 12, 40])
@pytest.mark.parametrize("name", NAMES)
def test_a_pure_pattern_scores_one(name: str, size: int) -> None:
    """And nothing else names it."""
    heads = stats.classify_heads(patterns(size)[name])
    assert heads.label() == name
    assert heads.score() == pytest.approx(1.0, abs=1e-9)
    assert heads.class_scores.shape == (1, 1, 8)
    assert ((0 <= heads.class_scores) & (heads.class_scores <= 1)).all()
    assert heads.class_scores[0, 0, -1] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("size", [8, 12, 40])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", NAMES)
def test_noise_does_not_change_the_name(name: str, size: int, seed: int) -> None:
    """Seven tenths of it are enough."""
    batch = np.stack([patterns(size)[name]] * 2)[:, None]
    assert stats.classify_heads(with_head(batch, 0.7, seed=seed)).label() == name


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("name", NAMES[:-1])
def test_a_score_is_the_share_beyond_uniform_attention(name: str, share: float) -> None:
    """A mix of pattern and uniform scores its share for one, and what is left for the other."""
    if name == "uniform":
        return
    size = 16
    heads = stats.classify_heads(share * patterns(size)[name] + (1 - share) / size)
    scores = dict(zip(heads.classes, heads.class_scores[0, 0], strict=True))
    assert scores[name] == pytest.approx(share, abs=1e-9)
    if name in ("previous", "next", "diagonal", "first", "column"):
        assert scores["uniform"] == pytest.approx(1 - share, abs=1e-9)
    assert heads.label() == (name if share >= 0.4 else "uniform")


@pytest.mark.parametrize("name", ["previous", "first", "diagonal", "local", "column", "uniform"])
@pytest.mark.parametrize("size", [8, 12, 40])
def test_causal_heads(name: str, size: int) -> None:
    """A query is judged against the keys that it may see."""
    pattern = causal(patterns(size)[name] if name != "column" else column(size, 1))
    other = causal(np.full((size, size), 1 / size))  # one head alone may look causal for other reasons
    heads = stats.classify_heads(np.stack([pattern, 0.8 * pattern + 0.2 * other]))
    assert heads.causal
    assert heads.labels.tolist() == [[name, name]]
    assert heads.score() == pytest.approx(1.0, abs=1e-9)


def test_a_uniform_causal_head_is_not_uniform_where_all_may_be_seen() -> None:
    """Whether a model is causal is seen from all its heads, or said."""
    head = causal(np.full((12, 12), 1 / 12))
    both = stats.classify_heads(np.stack([head, np.full((12, 12), 1 / 12)]))
    assert not both.causal
    assert both.labels.tolist() == [["other", "uniform"]]
    assert stats.classify_heads(head, causal=False).label() == "other"


def test_a_sink_is_told_from_its_neighbours() -> None:
    """With [CLS] first: token 1's previous token is the sink, too, and does not count for either."""
    sink = with_head(np.stack([column(10, 0)] * 3)[:, None], 0.9)
    heads = stats.classify_heads(sink)
    assert heads.label() == "first"
    scores = dict(zip(heads.classes, heads.class_scores[0, 0], strict=True))
    assert scores["previous"] < 0.05 and scores["column"] < 0.05


def test_rows_that_cannot_tell_two_patterns_apart_count_for_neither() -> None:
    """Token 1's previous token is the first, and token 0 is the first itself."""
    at = {name: index for index, name in enumerate(stats.HEAD_CLASSES)}
    assert stats.classify_heads(shifted(4, -1)).class_scores[0, 0, at["first"]] == 0.0
    assert stats.classify_heads(column(4, 0)).class_scores[0, 0, at["previous"]] == 0.0


def test_one_query_makes_no_column() -> None:
    """The last keys of causal attention are seen by few."""
    weights = np.eye(12)
    weights[11] = np.eye(12)[9]
    heads = stats.classify_heads(weights)
    assert heads.causal
    assert heads.class_scores[0, 0, stats.HEAD_CLASSES.index("column")] < 0.2


def test_a_separator_is_a_column() -> None:
    """And it is named."""
    heads = stats.classify_heads(with_head(column(10, 9)))
    assert (heads.label(), heads.column_key[0, 0]) == ("column", 9)


def test_what_follows_no_pattern_is_other() -> None:
    """Each query looks at a key of its own, far away."""
    weights = np.zeros((12, 12))
    weights[np.arange(12), (np.arange(12) * 5 + 6) % 12] = 1.0
    heads = stats.classify_heads(weights)
    assert heads.label() == "other"
    assert heads.score() > 0.6
    assert (
        stats.classify_heads(softmax(3 * np.random.default_rng(0).normal(size=(30, 30)))).label() == "other"
    )


def test_two_neighbours_are_local() -> None:
    """Half before, half after: no one key holds most of it."""
    weights = (shifted(12, -1) + shifted(12, 1)) / 2
    assert stats.classify_heads(weights).label() == "local"
    assert stats.classify_heads(0.9 * shifted(12, -1) + 0.1 * shifted(12, 1)).label() == "previous"


def test_padding_is_left_out() -> None:
    """A padded batch gets the names and scores of its sequences alone."""
    short, size = patterns(9), 14
    names = [name for name in NAMES if name != "uniform"]
    attention = random_weights(1, len(names), size, size)
    for head, name in enumerate(names):
        attention[0, head, :9] = 0.0
        attention[0, head, :9, :9] = with_head(short[name], 0.8, seed=head)
    mask = stats.padding_mask([[1] * 9 + [0] * 5])
    heads = stats.classify_heads(attention, mask=mask)
    alone = stats.classify_heads(attention[..., :9, :9])
    assert heads.labels.tolist() == [names]
    np.testing.assert_allclose(heads.class_scores, alone.class_scores, rtol=0, atol=1e-9)
    assert (heads.rows == 9).all() and (heads.left_out == 5).all()


def test_left_padding_moves_the_first_token() -> None:
    """The sink is the first token that counts."""
    attention = random_weights(1, 1, 12, 12)
    attention[0, 0, 4:] = 0.0
    attention[0, 0, 4:, 4:] = with_head(column(8, 0))
    mask = stats.padding_mask([[0] * 4 + [1] * 8])
    assert stats.classify_heads(attention, mask=mask).label() == "first"


@pytest.mark.parametrize("size", [1, 2, 3])
def test_too_few_tokens_have_no_name(size: int) -> None:
    """All patterns are the same there."""
    heads = stats.classify_heads(np.full((1, size, size), 1 / size))
    assert heads.label() == "other"
    assert math.isnan(heads.score())


def test_nothing_that_counts_has_no_name() -> None:
    """All zero, all NaN, all masked."""
    size = 6
    bad = [np.zeros((size, size)), np.full((size, size), np.nan)]
    for weights in bad:
        heads = stats.classify_heads(weights)
        assert (heads.label(), int(heads.left_out[0, 0])) == ("other", size)
        assert math.isnan(heads.score())
    assert stats.classify_heads(np.eye(size), mask=np.zeros(size, bool)).label() == "other"


def test_every_way_to_give_attention() -> None:
    """Tensors by layer, one array, names, a trace: (layer, head) it is."""
    layers = tuple(
        torch.tensor(np.stack([[with_head(patterns(8)[name], seed=i) for name in pair]] * 2))
        for i, pair in enumerate([("previous", "first"), ("next", "diagonal")])
    )
    expected = [["previous", "first"], ["next", "diagonal"]]
    trace = Trace.from_attentions(layers, tokens=list("abcdefgh"))
    array = trace["attention"]
    turned = NamedArray(
        "x", array.values.transpose(2, 1, 0, 3, 4), ("head", "batch", "layer", "query", "key")
    )
    for attention in (layers, torch.stack(layers), trace, array, turned):
        heads = stats.classify_heads(attention)
        assert heads.labels.tolist() == expected
    np.testing.assert_allclose(
        stats.classify_heads(turned).class_scores, stats.classify_heads(array).class_scores, atol=1e-12
    )
    states = NamedArray("communication_weights", array.values[0], ("time", "head", "state", "sender"))
    assert stats.classify_heads(states).labels.tolist() == [["previous", "first"]]


def test_half_precision_gets_the_same_names() -> None:
    """bfloat16 rows sum to one only roughly."""
    attention = np.stack([with_head(patterns(16)[name]) for name in NAMES])
    heads = stats.classify_heads(torch.tensor(attention).to(torch.bfloat16))
    assert heads.labels.tolist() == [NAMES]


def test_the_table_and_the_text() -> None:
    """One row for each head."""
    heads = stats.classify_heads(np.stack([np.eye(8), column(8, 0)])[None, None])
    assert repr(heads) == "<HeadClasses of 1 layer and 2 heads: 1 first, 1 diagonal>"
    table = heads.table()
    assert list(table.columns) == [
        "layer",
        "head",
        "label",
        "score",
        *stats.HEAD_CLASSES,
        "column_key",
        "rows",
        "left_out",
    ]
    assert list(table["label"]) == ["diagonal", "first"]
    assert list(table["head"]) == [0, 1]


def test_bad_input_is_refused() -> None:
    """With the rule and the value."""
    with pytest.raises(ShapeError, match="attention must have as many queries as keys, got 2 and 3"):
        stats.classify_heads(random_weights(2, 3))
    with pytest.raises(ShapeError, match="or the last 2, 3 or 4 of them, got shape"):
        stats.classify_heads(random_weights(1, 1, 1, 1, 4, 4))
    with pytest.raises(UnknownOptionError, match="window must be a number at least 1, got 0"):
        stats.classify_heads(np.eye(4), window=0)


def of_a_translator() -> Trace:
    """Encoder and decoder with patterns of their own, and attention from one to the other."""
    values = {
        "encoder.attention": np.stack([shifted(8, -1), np.eye(8)])[None, None],
        "decoder.attention": np.stack([column(12, 0)])[None, None],
        "cross.attention": np.full((1, 1, 2, 12, 8), 1 / 8),
    }
    return Trace.from_arrays(values)


def test_several_arrays_of_a_trace_are_named_each() -> None:
    """As each is alone; one table, which says whose head a row is of."""
    trace = of_a_translator()
    heads = stats.classify_heads(trace)
    assert isinstance(heads, stats.HeadClassesByArray)
    assert {name: each.labels.tolist() for name, each in heads.items()} == {
        "encoder.attention": [["previous", "diagonal"]],
        "decoder.attention": [["first"]],
    }
    for name, each in heads.items():
        np.testing.assert_array_equal(each.class_scores, stats.classify_heads(trace[name]).class_scores)
    table = heads.table()
    assert list(table.columns)[:5] == ["array", "layer", "head", "label", "score"]
    assert list(table["array"]) == ["encoder.attention", "encoder.attention", "decoder.attention"]
    assert list(heads.left_out) == ["cross.attention"]
    assert "12" in heads.left_out["cross.attention"] and "8" in heads.left_out["cross.attention"]
    assert "cross.attention: left out, " in repr(heads)


def test_the_only_array_of_a_trace_is_taken_whatever_its_name() -> None:
    """What it gives is no table of several; where no array can be judged, the error is that of the first."""
    trace = of_a_translator()
    one = stats.classify_heads(trace.drop("decoder.attention", "cross.attention"))
    assert isinstance(one, stats.HeadClasses)
    assert one.labels.tolist() == [["previous", "diagonal"]]
    with pytest.raises(ShapeError, match="cross.attention"):
        stats.classify_heads(trace.drop("encoder.attention", "decoder.attention"))
    two = trace.rename({"cross.attention": "other.attention"}).assign(trace["cross.attention"])
    with pytest.raises(ShapeError, match="other.attention"):
        stats.classify_heads(two.drop("encoder.attention", "decoder.attention"))
    with pytest.raises(ShapeError, match="mask must be that of one array, .* encoder.attention, decoder"):
        stats.classify_heads(trace, mask=np.ones(8, bool))
