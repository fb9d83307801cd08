"""Statistics of a padded batch that carries its own masks: worked out by hand, without the padding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nsm_widgets import stats
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import routing_statistics
from nsm_widgets.view._routing import PADDING

DIMS = ("layer", "batch", "head", "query", "key")

# Of four tokens and of two; the padded queries of the second look at its tokens, as a model's do.
WEIGHTS = np.zeros((1, 2, 1, 4, 4))
WEIGHTS[0, 0, 0] = np.eye(4)
WEIGHTS[0, 1, 0] = [[0.5, 0.5, 0, 0], [0.25, 0.75, 0, 0], [0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0]]
TOKENS = np.array([[1, 1, 1, 1], [1, 1, 0, 0]])
PADDED = NamedArray(
    "attention", WEIGHTS, DIMS, {"query_mask": TOKENS, "key_mask": TOKENS}, {"kind": "attention"}
)
PLAIN = NamedArray("attention", WEIGHTS, DIMS, None, {"kind": "attention"})
OF_QUARTER = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))


def test_entropy_leaves_padded_queries_out() -> None:
    """They have none; the others have theirs over the keys that there are."""
    found = stats.entropy(PADDED).values[0, :, 0]
    np.testing.assert_allclose(found[0], 0.0)
    np.testing.assert_allclose(found[1], [math.log(2), OF_QUARTER, np.nan, np.nan])
    share = stats.normalised_entropy(PADDED, per="matrix").values[0, 1, 0]
    assert share == pytest.approx((1 + OF_QUARTER / math.log(2)) / 2)  # of two keys, not of four


def test_a_table_counts_what_it_left_out() -> None:
    """Six rows of eight are weightings; two were masked."""
    row = next(iter(_records(stats.analyze(Trace(PADDED)))))
    assert (row["rows"], row["masked_rows"]) == (6, 2)
    assert row["entropy"] == pytest.approx((math.log(2) + OF_QUARTER) / 6)
    assert row["same_token"] == pytest.approx((4 + 0.5 + 0.75) / 6)
    assert row["total_elements"] == 16 + 4
    summary = next(iter(_records(stats.summary_statistics({"attention": PADDED}))))
    assert (summary["total_elements"], summary["masked"]) == (20, 12)


def test_a_mask_of_the_callers_comes_on_top() -> None:
    """What is padding counts in no case."""
    causal = stats.entropy(PADDED, mask=stats.causal_mask(4)).values[0, 1, 0]
    np.testing.assert_allclose(causal, [0.0, OF_QUARTER, np.nan, np.nan])


def test_names_of_heads_do_not_come_from_padding() -> None:
    """A head that looks at itself, but for queries that are none, looks at itself."""
    weights = np.zeros((1, 1, 1, 12, 12))
    weights[..., :6, :6] = np.eye(6)
    weights[..., 6:, 0] = 1.0  # padded queries, all on the first key
    tokens = np.array([[1] * 6 + [0] * 6])
    coords = {"query_mask": tokens, "key_mask": tokens}
    named = stats.classify_heads(NamedArray("attention", weights, DIMS, coords))
    assert (named.labels.tolist(), named.scores.tolist()) == ([["diagonal"]], [[1.0]])
    assert (named.rows.tolist(), named.left_out.tolist()) == ([[6]], [[6]])
    assert stats.classify_heads(NamedArray("attention", weights, DIMS)).scores[0, 0] < 0.6


def test_findings_are_not_about_padding() -> None:
    """A head whose padded rows lie on one key has not collapsed; NaN at padding is nobody's."""
    weights = np.zeros((1, 1, 1, 200, 200))
    weights[..., :4, :4] = np.eye(4)
    weights[..., 4:, 0] = 1.0
    weights[..., 30, :] = np.nan
    tokens = np.array([[1] * 4 + [0] * 196])
    coords = {"query_mask": tokens, "key_mask": tokens}
    attrs = {"kind": "attention"}
    plain = stats.findings(Trace(NamedArray("attention", weights, DIMS, None, attrs)))
    assert {finding.kind for finding in plain} >= {"not_finite", "collapsed_head"}
    assert stats.findings(Trace(NamedArray("attention", weights, DIMS, coords, attrs))) == []


def test_rollout_has_no_rows_of_padding() -> None:
    """And the tokens get nothing from it."""
    rolled = stats.attention_rollout(PADDED).values[0, 1]
    assert np.isnan(rolled[2:]).all()
    np.testing.assert_allclose(rolled[:2, :2].sum(axis=-1), 1.0)


def test_routing_says_what_is_padding() -> None:
    """It has no entropy and no share in the states; a masked state is no state to choose."""
    routing = NamedArray(
        "routing_weights",
        [[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.2, 0.4, 0.4]]],
        ("batch", "token", "state"),
        {"token_mask": [[1, 1, 0]], "state_mask": [1, 1, 0]},
    )
    spread, fate, share = routing_statistics(routing)
    np.testing.assert_allclose(spread.values[0, :, 0], [1.0, 0.0, np.nan])
    assert fate.values.tolist() == [[1, 0, PADDING]]
    np.testing.assert_allclose(share.values[0, 0], [0.75, 0.25, 0.0])
    assert "token_mask" in spread.coords and "state_mask" not in spread.coords
    np.testing.assert_allclose(stats.state_share(routing), share.values[:, 0])


def _records(table: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_dict("records")
    return found
