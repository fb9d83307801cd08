"""Routing of tokens to states: what is derived from it, against a slow loop, and what is said of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nsm_widgets._errors import ShapeError, WeightsError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import NOWHERE, note_lines, routing_layout, routing_statistics
from nsm_widgets.view.panels import HeatmapPanel, NotesPanel
from tests.panels import of_kind

TIME, BATCH, TOKEN, STATE = 3, 2, 6, 4


def routing(**options: Any) -> NamedArray:
    """Weights with a uniform token, an unknown one and an unused one at certain places."""
    weights = np.random.default_rng(0).dirichlet(np.full(STATE, 0.2), size=(TIME, BATCH, TOKEN))
    weights[1, 0, 2] = 1 / STATE
    weights[1, 0, 3] = np.nan
    weights[1, 0, 5] = 0
    weights[2, 1] = np.nan
    dims = ("time", "batch", "token", "state")
    return NamedArray("routing_weights", weights, dims, attrs={"kind": "weights"}, **options)


def test_spread_fate_and_share_are_those_of_a_slow_loop() -> None:
    """Entropy over log(states), who goes nowhere in particular, and the mean over those that go anywhere."""
    array = routing()
    spread, fate, share = routing_statistics(array)
    assert spread.dims == ("time", "batch", "token", "statistic")
    assert share.dims == ("time", "batch", "statistic", "state")
    for time in range(TIME):
        for batch in range(BATCH):
            kept = []
            for token in range(TOKEN):
                weights = [float(w) for w in array.values[time, batch, token]]
                found = float(spread.values[time, batch, token, 0])
                code = int(fate.values[time, batch, token])
                if any(math.isnan(w) for w in weights) or sum(weights) == 0:
                    assert math.isnan(found)
                    assert code == (2 if math.isnan(sum(weights)) else 3)
                    continue
                kept.append(weights)
                entropy = -sum(w * math.log(w) for w in weights if w > 0) / math.log(STATE)
                assert found == pytest.approx(entropy, abs=1e-12)
                assert code == (1 if entropy >= NOWHERE else 0)
            for state in range(STATE):
                here = float(share.values[time, batch, 0, state])
                if not kept:
                    assert math.isnan(here)
                else:
                    assert here == pytest.approx(sum(w[state] for w in kept) / len(kept), abs=1e-12)
    assert fate.values[1, 0].tolist()[2:] == [1, 2, fate.values[1, 0, 4], 3]


def test_axes_may_come_in_any_order() -> None:
    """States first, tokens last: the same numbers."""
    array = routing()
    turned = NamedArray(
        "routing_weights",
        np.moveaxis(array.values, -1, -2),
        ("time", "batch", "state", "token"),
        attrs={"kind": "weights"},
    )
    for one, other in zip(routing_statistics(array), routing_statistics(turned), strict=True):
        assert one.identical(other)


def test_one_state_leaves_no_choice() -> None:
    """With a single state nothing is undecided."""
    spread, fate, share = routing_statistics(
        NamedArray("routing_weights", [[1.0], [1.0]], ("token", "state"))
    )
    assert spread.values.tolist() == [[0.0], [0.0]]
    assert fate.values.tolist() == [0, 0]
    assert share.values.tolist() == [[1.0]]


def test_half_precision_is_summed_in_double() -> None:
    """float16 weights are no reason for float16 statistics."""
    weights = np.full((1, 3000), 1 / 3000, dtype=np.float16)
    spread, _, share = routing_statistics(NamedArray("routing_weights", weights, ("token", "state")))
    assert spread.dtype == share.dtype == np.float64
    assert spread.values[0, 0] == pytest.approx(1.0, abs=1e-12)
    assert share.values.sum() == pytest.approx(1.0, abs=1e-12)


def test_notes_name_who_goes_nowhere() -> None:
    """Counted and named at each step; kinds that there are none of are not spoken of."""
    labels = ["the", "cat", "sat", "on", "a", "mat"]
    layout, trace = routing_layout(Trace(routing(coords={"token": labels})))
    notes = of_kind(NotesPanel, layout[1][1])
    fate = trace["token_fate"]
    assert note_lines(notes, fate, {"time": 1, "batch": 0}) == [
        "1 of 6 tokens, with an entropy of 0.9 or more: sat",
        "1 of 6 tokens not known: NaN among their weights: on",
        "1 of 6 tokens go nowhere at all: every weight is 0: mat",
    ]
    assert note_lines(notes, fate, {"time": 0, "batch": 0})[1:] == []
    assert note_lines(notes, fate, {"time": 2, "batch": 1})[1].endswith(": the, cat, sat, on, a, mat")


def test_padding_is_no_token_among_those_that_are_counted() -> None:
    """Two of three places are padding: one token is there, and it alone can go nowhere in particular."""
    weights = NamedArray(
        "routing_weights",
        [[[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]]],
        ("batch", "token", "state"),
        {"token_mask": [[1, 0, 0]]},
    )
    layout, trace = routing_layout(Trace(weights))
    notes = of_kind(NotesPanel, layout[1][1])
    assert note_lines(notes, trace["token_fate"], {"batch": 0}) == [
        "1 of 1 tokens, with an entropy of 0.9 or more: 0",
        "2 of 3 places are padding, and hold no token: 1, 2",
    ]


def test_the_panels_line_up() -> None:
    """Strip and map of one column have the same flex, those of one row the same height."""
    ((routes, beside), (below, notes)), _ = routing_layout(Trace(routing()))
    assert (routes.grow, routes.min_width_px) == (below.grow, below.min_width_px)
    assert (beside.grow, beside.min_width_px) == (notes.grow, notes.min_width_px)
    assert routes.height_px == beside.height_px
    assert of_kind(HeatmapPanel, beside).flags == notes.array == "token_fate"
    assert (beside.domain.low, beside.domain.high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("array", "error", "text"),
    [
        (
            NamedArray("memory", np.ones((2, 2)), ("slot", "word")),
            ShapeError,
            "must hold routing_weights, got memory",
        ),
        (
            NamedArray("routing_weights", np.ones((2, 2)), ("query", "key")),
            ShapeError,
            r"must have axes \(token, state\) to be shown as routing, got \(query, key\)",
        ),
        (
            NamedArray("routing_weights", np.ones((2, 2)), ("token", "state")),
            WeightsError,
            r"routing_weights must sum to 1 along 'state', its last axis .* Normalise them over the states",
        ),
    ],
    ids=["no routing", "other axes", "no weights"],
)
def test_what_is_no_routing_is_refused(array: NamedArray, error: type[Exception], text: str) -> None:
    """With what was wrong and what to do."""
    with pytest.raises(error, match=text):
        routing_layout(Trace(array))
