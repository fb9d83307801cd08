"""How a memory changes: differences and statistics of slots by a loop, and which slots are chosen."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets._errors import ShapeError
from nsm_widgets.view import (
    LEFT_OUT,
    evolution_layouts,
    left_out_codes,
    line_indices,
    line_names,
    line_values,
    lines_layout,
    memory_difference,
    num_stepless,
    slot_statistics,
    stepless_along,
)
from nsm_widgets.view.panels import LinesPanel
from tests.panels import of_kind

STEPS, SLOTS, WORDS = 6, 9, 4
RANDOM = np.random.default_rng(4)
MEMORY = RANDOM.normal(size=(STEPS, 2, SLOTS, WORDS)).astype(np.float32)
FIRST = RANDOM.normal(size=(2, SLOTS, WORDS)).astype(np.float32)


def test_the_difference_is_to_the_step_before() -> None:
    """At the first step to the initial memory; where that is not known, and where a sequence begins, NaN."""
    trace = Trace.from_arrays({"memory": MEMORY, "initial_memory": FIRST}, attrs={"sequence_starts": [0, 4]})
    found = memory_difference(trace).values
    for time in range(STEPS):
        before = FIRST if time == 0 else MEMORY[time - 1]
        expected = np.full_like(FIRST, np.nan) if time == 4 else MEMORY[time] - before
        np.testing.assert_allclose(found[time], expected, rtol=1e-5, atol=1e-6)
    unknown = memory_difference(Trace.from_arrays({"memory": MEMORY})).values
    assert np.isnan(unknown[0]).all()
    assert np.isfinite(unknown[1:]).all()


def test_statistics_are_those_of_the_loop() -> None:
    """Norm, mean and standard deviation along the words of each slot."""
    norm, mean, std = slot_statistics(Trace.from_arrays({"memory": MEMORY})["memory"])
    for array in (norm, mean, std):
        assert array.dims == ("time", "batch", "slot")
    for time, batch, slot in np.ndindex(STEPS, 2, SLOTS):
        words = [float(word) for word in MEMORY[time, batch, slot]]
        middle = sum(words) / WORDS
        assert norm.values[time, batch, slot] == pytest.approx(math.sqrt(sum(w * w for w in words)), rel=1e-5)
        assert mean.values[time, batch, slot] == pytest.approx(middle, rel=1e-4, abs=1e-6)
        spread = math.sqrt(sum((w - middle) ** 2 for w in words) / WORDS)
        assert std.values[time, batch, slot] == pytest.approx(spread, rel=1e-5)


def test_the_slots_that_changed_most_have_lines() -> None:
    """Six at most, by their index; fewer where there are fewer."""
    still = np.repeat(MEMORY[:1], STEPS, axis=0)
    still[3:, :, [1, 7]] += 5
    still[2, :, 4] += 1
    layouts, shown = evolution_layouts(Trace.from_arrays({"memory": still}))
    picked = of_kind(LinesPanel, layouts[1][0][0]).picked
    assert {1, 4, 7} <= set(picked)
    assert len(picked) == 6
    few, _ = evolution_layouts(Trace.from_arrays({"memory": still[:, :, :2]}))
    assert of_kind(LinesPanel, few[1][0][0]).picked == (0, 1)
    assert [panel.id for panel in layouts[0][0]] == ["memory", "memory_difference", "memory_change"]
    difference, change = (shown[name] for name in ("memory_difference", "memory_change"))
    for array in (difference, change):
        assert [stepless_along(array, "time", {}).tolist(), num_stepless(array)] == [
            [True, *[False] * (STEPS - 1)],
            array.values[0].size,
        ]
    codes = left_out_codes(difference, "slot", "word", {"time": 0, "batch": 0})
    assert codes is not None
    assert {LEFT_OUT[code - 1] for code in codes.flat} == {"no step before"}
    assert left_out_codes(difference, "slot", "word", {"time": 1, "batch": 0}) is None
    assert {"slot_norm", "slot_mean", "slot_std"} <= set(shown)


@pytest.mark.parametrize("name", ["memory", "initial_memory"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_memory_that_diverged_has_other_reasons_for_nan(name: str, value: float) -> None:
    """What is NaN in its difference is not put down to the lack of a step before."""
    arrays = {"memory": MEMORY.copy(), "initial_memory": FIRST.copy()}
    arrays[name][0, 0, 2] = value
    _, shown = evolution_layouts(Trace.from_arrays(arrays))
    difference = shown["memory_difference"]
    stepless = num_stepless(difference)
    assert (stepless > 0) == ("initial_memory" not in arrays)
    assert (~np.isfinite(difference.values)).sum() > stepless


def test_picked_lines_are_those_of_their_indices() -> None:
    """In the order given, called by their labels; the domain is that of what is drawn."""
    values = np.arange(12.0).reshape(3, 4)
    trace = Trace.from_arrays({"x": values}, dims={"x": ("time", "slot")}, coords={"slot": list("abcd")})
    panel = of_kind(LinesPanel, lines_layout(trace["x"], picked=[2, 0])[0][0])
    assert line_values(trace["x"], panel, {}).tolist() == [[2, 6, 10], [0, 4, 8]]
    assert line_indices(trace["x"], panel) == (2, 0)
    assert line_names(trace["x"], panel) == ["c", "a"]
    assert panel.domain.high == 10


@pytest.mark.parametrize(
    ("slots", "text"),
    [
        ([0, 9], "each slot must be an integer in [0, 8], got 9"),
        ([-1], "each slot must be an integer in [0, 8], got -1"),
        ([1.5], "each slot must be an integer in [0, 8], got 1.5"),
        ([3, 3], "each slot must be named once, got [3, 3]."),
        ([], "slots must name at least one, got none."),
    ],
    ids=str,
)
def test_slots_that_do_not_exist_are_refused(slots: Any, text: str) -> None:
    """None is left out in silence."""
    with pytest.raises(ValueError, match=re.escape(text)):
        evolution_layouts(Trace.from_arrays({"memory": MEMORY}), slots)


@pytest.mark.parametrize("arrays", [{"input": np.zeros((3, 1, 2))}, {}], ids=["no memory", "no time"])
def test_a_trace_without_a_course_is_refused(arrays: dict[str, Any]) -> None:
    """A memory that does not change has no evolution."""
    trace = (
        Trace.from_arrays(arrays)
        if arrays
        else Trace.from_arrays({"memory": MEMORY[0, 0]}, dims={"memory": ("slot", "word")})
    )
    with pytest.raises(
        ShapeError, match=re.escape("must hold memory with axes (time, batch, slot, word), got")
    ):
        evolution_layouts(trace)
