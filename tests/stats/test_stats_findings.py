"""What stands out is named, with the first place where it is seen; what does not, is not."""

from __future__ import annotations

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
    assert "5 of 8 slots are never written nor read (mass of 0.1 or more): 3-7." in found["dead_slots"].text
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
