"""Weights of heads before and after each step."""

from __future__ import annotations

import numpy as np
import pytest

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import Trace
from nsm_widgets.view import ColorDomain, operations_layout
from nsm_widgets.view.panels import HeatmapPanel
from tests.panels import of_kind

TIME, BATCH, HEAD, SLOT = 5, 2, 3, 7


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    drawn: np.ndarray = np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), size=shape[:-1])
    return drawn


def arrays() -> dict[str, np.ndarray]:
    return {
        "read_weights": weights(TIME, BATCH, HEAD, SLOT),
        "write_weights": weights(TIME, BATCH, 1, SLOT, seed=1).astype(np.float32),
    }


def test_before_is_the_step_before_and_unknown_at_first() -> None:
    """Exactly the recorded numbers, one step later; NaN where nothing was recorded."""
    given = arrays()
    _, trace = operations_layout(Trace.from_arrays(given))
    for side in ("read", "write"):
        before = trace[f"{side}_weights_before"]
        assert before.dtype == given[f"{side}_weights"].dtype
        assert np.isnan(before.values[0]).all()
        for time in range(1, TIME):
            assert np.array_equal(before.values[time], given[f"{side}_weights"][time - 1])


def test_initial_weights_stand_before_the_first_step() -> None:
    """Where they were recorded; each side for itself."""
    first = weights(BATCH, HEAD, SLOT, seed=2)
    _, trace = operations_layout(Trace.from_arrays({**arrays(), "initial_read_weights": first}))
    assert np.array_equal(trace["read_weights_before"].values[0], first)
    assert np.isnan(trace["write_weights_before"].values[0]).all()


def test_a_later_sequence_starts_from_what_is_not_known() -> None:
    """The step before it belongs to another sequence."""
    given = Trace.from_arrays(arrays(), attrs={"sequence_starts": [0, 3]})
    _, trace = operations_layout(given)
    unknown = np.isnan(trace["read_weights_before"].values).all(axis=(1, 2, 3))
    assert unknown.tolist() == [True, False, False, True, False]


def test_heads_are_named_and_panels_paired() -> None:
    """Writes above reads, before beside after, one domain for all, and words for what is not known."""
    rows, trace = operations_layout(Trace.from_arrays(arrays()))
    assert [[panel.id for panel in row] for row in rows] == [
        ["write_weights_before", "write_weights"],
        ["read_weights_before", "read_weights"],
    ]
    assert trace["read_weights_before"].labels("head") == ("read head 0", "read head 1", "read head 2")
    assert {panel.domain for row in rows for panel in row} == {ColorDomain(0.0, 1.0)}
    assert [panel.cmap for row in rows for panel in row] == ["writes", "writes", "reads", "reads"]
    before, after = (of_kind(HeatmapPanel, panel) for panel in rows[0])
    assert before.unknown.startswith("not known") and after.unknown == ""


def test_own_names_of_heads_are_kept() -> None:
    """A label of the trace is part of the name."""
    named = Trace.from_arrays(
        {"read_weights": weights(TIME, 1, 2, SLOT)},
        coords={"head": ["content", "shift"], "slot": list("abcdefg")},
    )
    _, trace = operations_layout(named)
    assert trace["read_weights_before"].labels("head") == ("read head content", "read head shift")
    assert trace["read_weights_before"].labels("slot") == tuple("abcdefg")


def test_one_step_alone_has_no_before() -> None:
    """Without time and without initial weights there is nothing to compare with, and nothing is made up."""
    dims = {"read_weights": ("head", "slot")}
    rows, _ = operations_layout(Trace.from_arrays({"read_weights": weights(2, SLOT)}, dims=dims))
    assert [[panel.title for panel in row] for row in rows] == [["read weights"]]


@pytest.mark.parametrize(
    ("trace", "text"),
    [
        (
            Trace.from_arrays({"memory": np.ones((2, 1, 3, 4))}),
            "must hold read_weights or write_weights .* got memory",
        ),
        (
            Trace.from_arrays({"read_weights": weights(2, 5)}, dims={"read_weights": ("time", "slot")}),
            r"read_weights must have axes \(time, batch, head, slot\), got \(time, slot\). Missing: head",
        ),
        (
            Trace.from_arrays({"read_weights": weights(2, 1, 1, 5)}).assign(
                Trace.from_arrays({"write_weights": weights(2, 1, 1, 6)})["write_weights"]
            ),
            "must be over the same slots, but write_weights has 6, read_weights has 5",
        ),
        (
            Trace.from_arrays(
                {"read_weights": weights(2, 1, 1, 5), "initial_read_weights": weights(1, 2, 5)}
            ),
            r"initial_read_weights must be one step of read_weights, \(batch: 1, head: 1, slot: 5\), got",
        ),
    ],
    ids=["no weights", "no heads", "other slots", "other heads before"],
)
def test_what_does_not_fit_is_refused(trace: Trace, text: str) -> None:
    """With what was wrong and what to do."""
    with pytest.raises(ShapeError, match=text):
        operations_layout(trace)


def test_weights_of_the_step_before_are_known_where_that_was_not_cut_off() -> None:
    """Neither the initial weights nor those before a gap stand in for them."""
    weights = np.eye(6)[:, None]  # (time, head, slot)
    dims = {"read_weights": ("time", "head", "slot"), "initial_read_weights": ("head", "slot")}
    values = {"read_weights": weights, "initial_read_weights": np.eye(6)[-1:]}
    trace = Trace.from_arrays(values, dims=dims).isel(time=[2, 3, 5])
    before = operations_layout(trace)[1]["read_weights_before"]
    assert before.numbers("time").tolist() == [2, 3, 5]
    np.testing.assert_array_equal(before.values[:, 0], [np.full(6, np.nan), np.eye(6)[2], np.full(6, np.nan)])
