"""What stands out is named, with the first place where it is seen; what does not, is not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import stats
from nsm_widgets.trace import NamedArray, Trace
from tests.stats.samples import Array, random_weights

DIMS = ("time", "batch", "head", "slot")


def healthy(steps: int = 20, heads: int = 2, slots: int = 6, seed: int = 0) -> Array:
    """Sharp weights that go everywhere, each head on its own path."""
    weights = random_weights(steps, 1, heads, slots, seed=seed, sharpness=0.3)
    for step in range(steps):
        for head in range(heads):
            weights[step, 0, head] = 0.05 * weights[step, 0, head]
            weights[step, 0, head, (step * (head + 1) + 3 * head + seed) % slots] += 0.95
    return weights


def by_kind(data: Any, kind: str) -> list[stats.Finding]:
    return [finding for finding in stats.findings(data) if finding.kind == kind]


def on_one_slot(weight: float, rows: int, of: int = 20, slots: int = 6) -> Array:
    """A head with so much on slot 2 in so many rows, and on other slots in turn, sharply, in the rest."""
    weights = np.full((of, 1, 1, slots), (1 - weight) / (slots - 1))
    weights[..., 2] = weight
    for row in range(rows, of):
        weights[row, 0, 0] = np.eye(slots)[(0, 1, 3)[row % 3]]
    return weights


@pytest.mark.parametrize(
    ("weights", "is_said"),
    [
        (on_one_slot(0.9, 20), True),
        (on_one_slot(0.89, 20), False),
        (on_one_slot(1.0, 19), True),
        (on_one_slot(1.0, 18), False),
        (on_one_slot(1.0, 4, of=4), True),
        (on_one_slot(1.0, 3, of=3), False),
        (np.ones((20, 1, 1, 1)), False),
    ],
    ids=["weight", "less-weight", "rows", "fewer-rows", "four-rows", "three-rows", "one-slot-in-all"],
)
def test_the_bounds_of_a_collapse(weights: Array, is_said: bool) -> None:
    """At 0.9 in 95 % of at least 4 rows, of more than one place; not below."""
    assert bool(by_kind({"read_weights": weights}, "collapsed_head")) == is_said


def spread(entropy_share: float) -> Array:
    """Weights over two slots with that normalised entropy, by bisection."""
    low, high = 0.5, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        found = -(middle * math.log(middle) + (1 - middle) * math.log(1 - middle)) / math.log(2)
        low, high = (middle, high) if found > entropy_share else (low, middle)
    return np.array([low, 1 - low])


@pytest.mark.parametrize(("share", "is_said"), [(0.905, True), (0.895, False)])
def test_the_bound_of_a_blur(share: float, is_said: bool) -> None:
    """A mean normalised entropy of 0.9."""
    weights = np.tile(spread(share), (5, 1, 1, 1))
    assert bool(by_kind({"read_weights": weights}, "blurry_head")) == is_said


def test_the_exact_bounds_count() -> None:
    """At the bound itself it is said: half of all use, a mean entropy of 0.9."""
    hot = np.eye(4)
    uses = {
        "read_weights": hot[[0, 0, 1, 2]][:, None, None],
        "write_weights": hot[[0, 0, 2, 3]][:, None, None],
    }
    (found,) = by_kind(uses, "saturated_slots")
    assert "slot 0 gets 50%" in found.text
    # nine rows of one even over two slots, one sharp: a mean of exactly nine tenths
    rows = np.array([[0.5, 0.5]] * 9 + [[1.0, 0.0]])[:, None, None]
    assert stats.normalised_entropy(NamedArray("w", rows, DIMS)).values.mean() == 0.9
    assert by_kind({"read_weights": rows}, "blurry_head")


@pytest.mark.parametrize(("apart", "is_said"), [(0.19, True), (0.22, False)])
def test_the_bound_of_twins(apart: float, is_said: bool) -> None:
    """One hundredth of a nat in the mean of all rows, of which every second one is the same for both."""
    one, other = np.array([0.5 + apart, 0.5 - apart]), np.array([0.5, 0.5])
    middle = (one + other) / 2
    divergence = sum((p * np.log(p / middle)).sum() / 2 for p in (one, other))
    assert (divergence / 2 < 0.01) == is_said and 0.008 < divergence / 2 < 0.013
    sharp = np.array([[1.0, 0.0], [1.0, 0.0]])  # so that neither is blurry
    weights = np.stack([np.stack([one, other]) if row % 2 else sharp for row in range(20)])[:, None]
    found = by_kind({"read_weights": weights}, "twin_heads")
    assert [finding.severity for finding in found] == ["warning"] * is_said


@pytest.mark.parametrize(
    ("reads", "writes", "slots", "is_said"),
    [
        ([0] * 5 + [1, 1, 2, 2, 3], [0] * 4 + [1, 1, 2, 2, 3, 3], 4, False),
        ([0, 0, 0, 2], [0, 1, 2, 3], 4, True),
        ([1, 2, 3, 1], [0, 0, 0, 0], 4, True),
        ([0, 0, 0, 0], [0, 1, 2, 0], 3, False),
    ],
    ids=["nine-twentieths", "half", "by-writes-alone", "three-slots"],
)
def test_the_bounds_of_a_saturated_slot(
    reads: list[int], writes: list[int], slots: int, is_said: bool
) -> None:
    """Half of what is read and written together, of at least four slots."""
    hot = np.eye(slots)
    uses = {"read_weights": hot[reads][:, None, None], "write_weights": hot[writes][:, None, None]}
    assert bool(by_kind(uses, "saturated_slots")) == is_said


def test_where_a_saturated_slot_is_seen_first() -> None:
    """At a read, where that comes before any write."""
    hot = np.eye(4)
    uses = {
        "read_weights": hot[[1, 0, 0, 0]][:, None, None],
        "write_weights": hot[[2, 3, 0, 0]][:, None, None],
    }
    (found,) = by_kind(uses, "saturated_slots")
    assert found.where == {"time": 1, "batch": 0, "slot": 0}


def test_a_slot_that_is_never_touched_is_dead_and_no_more() -> None:
    """Never read it is as well, but that is said of slots that were written alone."""
    hot = np.eye(4)
    uses = {
        "read_weights": hot[[0, 1, 0, 1]][:, None, None],
        "write_weights": hot[[0, 1, 2, 1]][:, None, None],
    }
    found = {finding.kind: finding.text for finding in stats.findings(uses)}
    assert ": 3." in found["dead_slots"] and found["dead_slots"].startswith("1 of 4")
    assert ": 2." in found["never_read_slots"] and found["never_read_slots"].startswith("1 of 4")


def test_one_blurry_head_may_be_a_twin() -> None:
    """Only where both are blurry is it no news."""
    one = np.tile(spread(0.904), (5, 1, 1, 1))
    other = np.tile(spread(0.896), (5, 1, 1, 1))
    both = {"read_weights": np.concatenate([one, other], axis=2)}
    assert [finding.where["head"] for finding in by_kind(both, "blurry_head")] == [0]
    assert len(by_kind(both, "twin_heads")) == 1


@pytest.mark.parametrize("bad", ["read_weights", "write_weights"])
def test_slots_are_not_judged_by_what_are_no_weights(bad: str) -> None:
    """Neither where the reads are none nor where the writes are."""
    hot = np.eye(4)[[0, 0, 0, 0]][:, None, None]
    arrays = {"read_weights": hot, "write_weights": hot, bad: 3 * hot}
    kinds = {finding.kind for finding in stats.findings(Trace.from_arrays(arrays, check_weights=False))}
    assert "not_weights" in kinds
    assert not kinds & {"saturated_slots", "dead_slots", "never_read_slots", "overwritten_writes"}


def test_a_new_sequence_overwrites_nothing() -> None:
    """A slot written at the end of one sequence, and in the next one again, was not overwritten."""
    hot = np.eye(4)
    trace = Trace.from_arrays(
        {"read_weights": hot[[3, 1, 3, 2]][:, None, None], "write_weights": hot[[1, 2, 2, 3]][:, None, None]}
    )
    arrays = list(trace.values())
    assert len(by_kind(Trace(*arrays), "overwritten_writes")) == 1
    assert by_kind(Trace(*arrays, attrs={"sequence_starts": [0, 2]}), "overwritten_writes") == []
    broken = [
        NamedArray(a.name, np.concatenate([a.values, a.values * np.nan]), a.dims, attrs=a.attrs)
        for a in arrays
    ]
    later = Trace(*broken, attrs={"sequence_starts": [0, 2, 6]})  # the last one begins among the NaN
    assert by_kind(later, "overwritten_writes") == []


def test_counts_leave_padding_out() -> None:
    """NaN that does not count is not counted; nor are steps that were padded, however sharp."""
    values = np.zeros((4, 1, 1))
    values[1:3] = np.nan
    flags = np.array([[True], [True], [False], [True]])
    (found,) = stats.findings(
        Trace.from_arrays({"read_gate": values}), mask=NamedArray("mask", flags, ("time", "batch"))
    )
    assert found.text.startswith("read_gate holds 1 NaN of 4 values")
    weights = on_one_slot(1.0, 10)
    flags = np.arange(20)[:, None] >= 10
    mask = NamedArray("mask", flags, ("time", "batch"))
    judged = stats.findings(Trace.from_arrays({"read_weights": weights}), mask=mask)
    assert not {finding.kind for finding in judged} & {"collapsed_head", "not_finite"}
    assert by_kind({"read_weights": weights[:10]}, "collapsed_head")


def test_padding_says_nothing_of_what_looks_causal() -> None:
    """What a padded query looks at does not make causal attention another."""
    uniform = np.tri(10) / np.arange(1, 11)[:, None]
    padded = uniform.copy()
    padded[8] = np.eye(10)[9]  # a padded query that looks ahead
    flags = np.ones(10, bool)
    flags[8] = False
    array = NamedArray("attention", padded, ("query", "key"), {"query_mask": flags}, {"kind": "attention"})
    assert [finding.kind for finding in stats.findings(array)] == ["blurry_head"]


def test_twins_are_told_by_known_rows_alone() -> None:
    """Rows with a NaN, and padded ones, say nothing of how far two heads differ."""
    weights = np.repeat(healthy(heads=1), 2, axis=2)
    weights[3, 0, 1] = np.nan
    assert len(by_kind(Trace.from_arrays({"read_weights": weights}), "twin_heads")) == 1
    weights[3:10, 0, 1] = healthy(heads=1, seed=2)[3:10, 0, 0]
    flags = np.ones((20, 1), bool)
    flags[3:10] = False
    mask = NamedArray("mask", flags, ("time", "batch"))
    found = stats.findings(Trace.from_arrays({"read_weights": weights}), mask=mask)
    assert [each.kind for each in found] == ["twin_heads"]


def test_many_slots_are_told_as_runs() -> None:
    """Runs of neighbours, a dozen at most, and dots only where there are more."""
    for count, told in (
        (12, ": 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23."),
        (13, "21, 23, ...."),
        (14, "21, 23, ...."),
    ):
        slots = 2 * count + 1
        even = np.eye(slots)[np.arange(0, slots, 2)]  # every odd slot is dead
        uses = {
            name: np.concatenate([even, even])[:, None, None] for name in ("read_weights", "write_weights")
        }
        (found,) = by_kind(uses, "dead_slots")
        assert found.text.endswith(told)


def test_a_healthy_run_has_nothing_to_be_said_of() -> None:
    """Each slot is written, then read."""
    writes = healthy(heads=1)
    reads = np.roll(writes, 1, axis=0)
    trace = Trace.from_arrays(
        {"memory": np.ones((20, 1, 6, 3)), "read_weights": reads, "write_weights": writes}
    )
    assert stats.findings(trace) == []


def test_not_finite() -> None:
    """Errors come first, and say how many and where."""
    memory = np.zeros((4, 1, 3, 2))
    memory[2, 0, 1, 1] = np.nan
    memory[3] = np.inf
    found = stats.findings(
        Trace.from_arrays({"read_weights": np.full((4, 1, 1, 3), 1 / 3), "memory": memory})
    )
    assert [finding.severity for finding in found] == ["error", "note"]
    assert found[0] == stats.Finding(
        "not_finite",
        "memory",
        {"time": 2, "batch": 0, "slot": 1, "word": 1},
        "memory holds 1 NaN and 6 infinite of 24 values, first at time 2, batch 0, slot 1, word 1.",
        "error",
    )


def test_what_are_no_weights() -> None:
    """One bad array does not keep the others from being judged."""
    trace = Trace.from_arrays(
        {"read_weights": np.ones((5, 1, 1, 4)), "write_weights": np.full((5, 1, 1, 4), 0.25)},
        check_weights=False,
    )
    found = stats.findings(trace)
    assert [finding.kind for finding in found] == ["not_weights", "blurry_head"]
    assert "read_weights must sum to 1" in found[0].text


def test_a_collapsed_head() -> None:
    """On slot 2 from step 1 on, in 19 of 20 steps."""
    weights = healthy()
    weights[1:, 0, 1] = np.eye(6)[2]
    (found,) = by_kind({"read_weights": weights}, "collapsed_head")
    assert found.where == {"head": 1, "time": 1, "batch": 0, "slot": 2}
    assert found.severity == "warning"
    assert "slot 2 has 0.9 or more of its weight in 95% of 20 rows" in found.text
    weights[2, 0, 1] = np.eye(6)[0]
    assert by_kind({"read_weights": weights}, "collapsed_head") == []
    assert by_kind({"read_weights": np.eye(6)[[2, 2, 2]][:, None, None]}, "collapsed_head") == []  # too few


def test_a_blurry_head_and_its_first_step() -> None:
    """Half the steps a little, the others wholly: the mean is what counts, the first is what is linked."""
    weights = healthy()
    weights[1:, 0, 0] = 1 / 6
    (found,) = by_kind({"read_weights": weights}, "blurry_head")
    assert found.where == {"head": 0, "time": 1, "batch": 0}
    assert found.severity == "note"


def test_stages_of_addressing_are_not_judged_as_heads() -> None:
    """Content weights are blurry by nature."""
    assert stats.findings({"read_content_weights": np.full((5, 1, 1, 4), 0.25)}) == []


def test_causal_attention_is_judged_against_what_it_may_see() -> None:
    """Uniform over the past is blurry, though half of the matrix is zero."""
    head = np.tri(10) / np.arange(1, 11)[:, None]
    sharp = np.eye(10, k=-1) + np.eye(10)[:1] * np.eye(10)[:, :1]
    trace = Trace.from_attentions(np.stack([head, sharp])[None, None])
    (found,) = by_kind(trace, "blurry_head")
    assert found.where == {"layer": 0, "head": 0, "batch": 0, "query": 1}


def test_twin_heads() -> None:
    """Named once, by layer, but not where both are blurry, which makes all alike."""
    attention = random_weights(2, 3, 3, 8, 8, seed=1)
    attention[1, :, 2] = 0.98 * attention[1, :, 0] + 0.02 / 8
    (found,) = by_kind(Trace.from_attentions(attention), "twin_heads")
    assert found.where == {"layer": 1, "head": 0, "reference": 2}
    assert "heads 0 and 2 of layer 1 do almost the same" in found.text
    blurry = np.full((1, 1, 2, 8, 8), 1 / 8)
    assert {finding.kind for finding in stats.findings(Trace.from_attentions(blurry))} == {"blurry_head"}


def test_slots() -> None:
    """Dead, never read, saturated, overwritten: with slots, steps and counts."""
    sets = np.eye(8)
    writes = sets[[0, 1, 1, 2, 0, 0]][:, None, None]
    reads = sets[[0, 0, 0, 0, 0, 0]][:, None, None]
    found = {f.kind: f for f in stats.findings({"read_weights": reads, "write_weights": writes})}
    assert found["dead_slots"].where == {"slot": 3}
    assert (
        "5 of 8 slots are unused, no read or write weight above 1 % in any step, sample or head: 3-7."
        in found["dead_slots"].text
    )
    assert found["never_read_slots"].where == {"time": 1, "batch": 0, "slot": 1}
    assert found["overwritten_writes"].where == {"time": 1, "batch": 0, "slot": 1}
    assert "1 of 6 writes are overwritten before anybody reads them" in found["overwritten_writes"].text
    assert found["saturated_slots"].where == {"time": 0, "batch": 0, "slot": 0}
    assert "slot 0 gets 75% of all" in found["saturated_slots"].text
    assert found["collapsed_head"].array == "read_weights"


def test_slots_are_judged_before_the_first_nan() -> None:
    """And not at all where there is no such step."""
    weights = healthy(heads=1)
    writes = np.eye(6)[[0, 0, 1, 1]][:, None, None]
    broken = np.concatenate([writes, np.full((2, 1, 1, 6), np.nan)])
    for steps, kinds in (
        (slice(None), {"not_finite", "overwritten_writes"}),
        (slice(4, None), {"not_finite"}),
    ):
        trace = {"read_weights": np.roll(weights[:6], 2, -1)[steps], "write_weights": broken[steps]}
        assert kinds <= {finding.kind for finding in stats.findings(trace)}
    assert [finding.kind for finding in stats.findings(trace)] == ["not_finite"]


def test_a_finding_is_never_changed() -> None:
    """A report may hold on to it."""
    (found,) = stats.findings({"importance": [[np.nan]]})
    with pytest.raises(AttributeError):
        found.text = "fine"  # type: ignore[misc]
    with pytest.raises(TypeError, match="read-only"):
        found.where["time"] = 3


def test_tensors_and_names_of_ones_own() -> None:
    """Whatever analyze takes; arrays whose axes nobody knows are passed over."""
    weights = torch.full((3, 1, 2, 8, 8), 1 / 8, dtype=torch.bfloat16)
    assert len(by_kind({"self_attention": weights}, "blurry_head")) == 6
    assert stats.findings({"whatever": np.full((2, 3), np.nan)}) == []
    array = NamedArray("mine", np.full((5, 4), 0.25), ("time", "slot"), attrs={"kind": "weights"})
    assert [finding.where for finding in stats.findings(array)] == [{"time": 0}]


def test_padding_is_judged_by_nothing() -> None:
    """What the padded steps hold, NaN included, is no news."""
    writes = healthy(heads=1)
    arrays: dict[str, Array] = {"read_weights": np.roll(writes, 1, axis=0), "write_weights": writes}
    both = {name: np.concatenate([values, values], axis=1) for name, values in arrays.items()}
    for values in both.values():
        values[12:, 1] = np.nan
    trace = Trace.from_arrays(both)
    flags = np.ones((20, 2), bool)
    flags[12:, 1] = False
    mask = NamedArray("mask", flags, ("time", "batch"))
    assert {finding.kind for finding in stats.findings(trace)} >= {"not_finite"}
    assert stats.findings(trace, mask=mask) == []
