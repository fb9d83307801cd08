"""Differences and divergences of attention patterns, against slow loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import _comparison as comparison, comparison_layout, pattern_difference, row_divergence
from nsm_widgets.view.panels import NotesPanel, ThumbnailsPanel
from tests.panels import of_kind

PATTERN, QUERY, KEY = 3, 4, 5


def patterns(values: np.ndarray | None = None, **options: object) -> NamedArray:
    if values is None:
        values = np.random.default_rng(0).dirichlet(np.full(KEY, 0.4), size=(PATTERN, QUERY))
        values[0, 0], values[1, 0] = np.eye(KEY)[0], np.eye(KEY)[1]  # nothing in common
        values[2, 0] = values[1, 0]
    names = [f"p{index}" for index in range(len(values))]
    attrs = {"kind": "attention"}
    return NamedArray("patterns", values, ("pattern", "query", "key"), {"pattern": names}, attrs, **options)


def divergence_of(p: list[float], q: list[float]) -> float:
    """Half of Kullback-Leibler to the middle, from both sides, in nats."""
    total = 0.0
    for a, b in zip(p, q, strict=True):
        middle = (a + b) / 2
        total += 0.5 * (a * math.log(a / middle) if a > 0 else 0.0)
        total += 0.5 * (b * math.log(b / middle) if b > 0 else 0.0)
    return total


def test_difference_and_divergence_are_those_of_a_slow_loop() -> None:
    """To every reference, of every pattern, in every row and cell."""
    given = patterns()
    difference = pattern_difference(given, range(PATTERN))
    divergence = row_divergence(given, range(PATTERN))
    assert difference.dims == ("reference", "pattern", "query", "key")
    assert divergence.dims == ("reference", "pattern", "query")
    for reference in range(PATTERN):
        for pattern in range(PATTERN):
            for query in range(QUERY):
                p, q = given.values[pattern, query].tolist(), given.values[reference, query].tolist()
                found = float(divergence.values[reference, pattern, query])
                assert found == pytest.approx(divergence_of(p, q), abs=1e-12)
                assert 0 <= found <= math.log(2)
                for key in range(KEY):
                    assert difference.values[reference, pattern, query, key] == p[key] - q[key]
    assert divergence.values[0, 1, 0] == pytest.approx(math.log(2), abs=1e-12)
    assert divergence.values[1, 2, 0] == 0
    assert np.array_equal(divergence.values, divergence.values.swapaxes(0, 1))


def test_rows_that_are_unknown_or_unused_have_no_divergence() -> None:
    """NaN and zero rows pass as no distributions at all: their divergence is not known."""
    values = np.array(patterns().values)
    values[1, 2], values[2, 3] = np.nan, 0.0
    layout, trace = comparison_layout(patterns(values))
    unknown = np.isnan(trace["row_divergence"].values)
    expected = np.zeros((PATTERN, PATTERN, QUERY), dtype=bool)
    expected[1, :, 2] = expected[:, 1, 2] = True
    expected[2, :, 3] = expected[:, 2, 3] = True
    assert np.array_equal(unknown, expected)
    assert layout[-1][0].kind == "heatmap"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([0.5, 0.4, 0, 0, 0], "row 1 of p2 sums to 0.9"),
        ([1.5, -0.5, 0, 0, 0], "row 1 of p2 holds a negative value"),
    ],
    ids=["sum", "sign"],
)
def test_rows_that_are_no_distributions_have_their_divergence_left_out_and_said(
    row: list[float], why: str
) -> None:
    """The first offender is named; patterns and differences are shown all the same."""
    values = np.array(patterns().values)
    values[2, 1] = row
    layout, trace = comparison_layout(patterns(values))
    assert "row_divergence" not in trace
    (note,) = of_kind(NotesPanel, layout[-1][0]).notes
    assert why in note.text and note.text.startswith("left out: rows must be distributions over keys")
    assert trace["difference"].shape == (PATTERN, PATTERN, QUERY, KEY)


def test_half_precision_rows_may_be_a_hundredth_off() -> None:
    """What float16 rounds to is still a distribution."""
    values = np.random.default_rng(1).dirichlet(np.ones(1000), size=(2, 3)).astype(np.float16)
    _, trace = comparison_layout(patterns(values))
    assert trace["row_divergence"].dtype == np.float64


def test_few_stand_side_by_side_and_many_are_picked_from() -> None:
    """Up to six patterns have a picture and a difference each, on one domain; more are thumbnails."""
    few, _ = comparison_layout(patterns())
    assert [[panel.id for panel in row] for row in few] == [
        ["patterns_0", "patterns_1", "patterns_2"],
        ["difference_0", "difference_1", "difference_2"],
        ["row_divergence"],
    ]
    assert len({panel.domain for panel in few[0]}) == 1
    assert all(panel.domain.diverging for panel in few[1])
    four, _ = comparison_layout(patterns(np.full((4, 2, 2), 0.5)))
    assert [len(row) for row in four] == [2, 2, 2, 2, 1]
    many, _ = comparison_layout(patterns(np.full((7, 2, 2), 0.5)))
    assert [[panel.id for panel in row] for row in many] == [
        ["pattern_grid"],
        ["patterns", "difference"],
        ["row_divergence"],
    ]
    assert of_kind(ThumbnailsPanel, many[0][0]).columns == "pattern"


def test_too_many_differences_are_those_to_the_reference_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit it asks for one reference, and compares with that alone."""
    given = patterns()
    monkeypatch.setattr(comparison, "MOST_DIFFERENCE_BYTES", given.values.size * PATTERN * 8 - 1)
    with pytest.raises(
        ShapeError, match=r"all to all of 3 patterns \(4 x 5\) must take at most .* reference='name'"
    ):
        comparison_layout(given)
    layout, trace = comparison_layout(given, 1)
    assert [panel.title for panel in layout[1]] == ["p0 − p1", "p1 − p1", "p2 − p1"]
    assert layout[-1][0].title == "divergence of each row to p1"
    assert trace["difference"].labels("reference") == ("p1",)
    assert np.array_equal(trace["difference"].values[0], given.values - given.values[1])
    assert trace["row_divergence"].sizes == {"reference": 1, "pattern": 3, "query": 4}


def test_padding_is_compared_with_nothing() -> None:
    """A padded query has no divergence, a padded key no part in it; what is drawn stays masked."""
    values = np.array([[[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]], [[0.25, 0.5, 0.25], [1.0, 0.0, 0.0]]])
    masks = {"query_mask": [1, 0], "key_mask": [1, 1, 0]}
    patterns = NamedArray("patterns", values, ("pattern", "query", "key"), masks, {"kind": "attention"})
    found = row_divergence(patterns, [0])
    one, other = np.array([2, 1]) / 3, np.array([1, 2]) / 3
    mean = (one + other) / 2
    expected = 0.5 * (one * np.log(one / mean)).sum() + 0.5 * (other * np.log(other / mean)).sum()
    np.testing.assert_allclose(found.values[0], [[0.0, np.nan], [expected, np.nan]], atol=1e-12)
    assert list(found.coords) == ["reference", "query_mask"]
    assert pattern_difference(patterns, [0]).mask is not None
