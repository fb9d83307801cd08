"""Importance of slots: the definition by a loop, what is dead or saturated, and the order of bars."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import NTMMemory, Trace
from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import (
    ColorDomain,
    bar_codes,
    bar_domain,
    bar_order,
    first_write,
    importance_layout,
    order_text,
    slot_importance,
    slot_use,
)
from nsm_widgets.view.panels import BarsPanel
from nsm_widgets.view.slots._importance import DEAD_BELOW, MOST_BARS
from tests.panels import of_kind

STEPS, BATCH, SLOTS = 7, 2, 5


def weights(heads: int, seed: int) -> np.ndarray:
    drawn: np.ndarray = np.random.default_rng(seed).dirichlet(np.full(SLOTS, 0.4), size=(STEPS, BATCH, heads))
    return drawn


READS, WRITES = weights(2, 0), weights(1, 1)


def by_loop(arrays: list[np.ndarray], starts: tuple[int, ...] = ()) -> np.ndarray:
    expected = np.zeros((STEPS, BATCH, SLOTS))
    for batch in range(BATCH):
        sums = [0.0] * SLOTS
        for time in range(STEPS):
            if time in starts:
                sums = [0.0] * SLOTS
            for array in arrays:
                for head in range(array.shape[2]):
                    for slot in range(SLOTS):
                        sums[slot] += array[time, batch, head, slot]
            expected[time, batch] = [total / max(sums) for total in sums]
    return expected


@pytest.mark.parametrize(
    "names", [("read_weights",), ("write_weights",), ("read_weights", "write_weights")], ids="+".join
)
@pytest.mark.parametrize("starts", [(), (3,), (0, 2, 5)], ids=str)
def test_importance_is_that_of_the_loop(names: tuple[str, ...], starts: tuple[int, ...]) -> None:
    """Sums of what there is, begun anew with each sequence, relative to the largest."""
    both = {"read_weights": READS, "write_weights": WRITES}
    trace = Trace.from_arrays({name: both[name] for name in names}, attrs={"sequence_starts": starts})
    found = slot_importance(trace)
    assert found.dims == ("time", "batch", "slot")
    np.testing.assert_allclose(found.values, by_loop([both[name] for name in names], starts), rtol=1e-6)


def test_importance_is_what_the_memory_itself_says() -> None:
    """For a batch of one, the last step is ``get_importance_scores``."""
    torch.manual_seed(0)
    memory = NTMMemory(mem_size=6, mem_dim=4, num_read_heads=2, num_write_heads=1)
    reads, writes = [], []
    with torch.no_grad():
        for _ in range(5):
            memory(
                *(torch.randn(1, heads, 4) for heads in (2, 1)),
                *(3 * torch.randn(1, heads) for heads in (2, 1)),
                torch.rand(1, 1, 4),
                torch.randn(1, 1, 4),
            )
            reads.append(memory.get_read_weights())
            writes.append(memory.get_write_weights())
    trace = Trace.from_arrays(
        {"read_weights": torch.stack(reads)[:, None], "write_weights": torch.stack(writes)[:, None]}
    )
    last = slot_importance(trace).isel(time=-1, batch=0).values
    np.testing.assert_allclose(last, memory.get_importance_scores().numpy(), rtol=1e-5)


def test_unused_slots_are_zero_and_nan_spreads() -> None:
    """There is nothing to divide by; and what is not known is not made up."""
    nothing = Trace.from_arrays({"read_weights": np.zeros((2, 1, 1, 3))}, check_weights=False)
    assert slot_importance(nothing).values.tolist() == [[[0.0] * 3]] * 2
    broken = np.full((2, 1, 1, 3), 1 / 3)
    broken[1, 0, 0, 1] = np.nan
    found = slot_importance(Trace.from_arrays({"read_weights": broken}, check_weights=False)).values
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1, 0, 1])


def test_the_first_write_is_where_a_weight_reaches_a_tenth() -> None:
    """Of any head; NaN where none ever does."""
    writes = np.full((4, 1, 2, 4), 0.01)
    writes[2, 0, 1, 0] = writes[3, 0, 0, 0] = 0.9
    writes[0, 0, 0, 1] = 0.1
    writes[3, 0, 0, 2] = 0.0999
    found = first_write(Trace.from_arrays({"write_weights": writes}, check_weights=False))
    assert found is not None
    assert found.dims == ("batch", "slot")
    np.testing.assert_equal(found.values, [[2.0, 0.0, np.nan, np.nan]])
    assert first_write(Trace.from_arrays({"read_weights": READS})) is None


@pytest.mark.parametrize(
    ("last", "codes"),
    [
        ([0.0, DEAD_BELOW / 2, DEAD_BELOW, 0.2, 1.0], [1, 1, 0, 0, 2]),
        ([0.0, 0.6, 0.7, 0.8, 1.0], [1, 0, 0, 0, 0]),
        ([0.25, 0.25, 0.25, 0.25, 1.0], [0, 0, 0, 0, 2]),
        ([0.25, 0.25, 0.25, 0.26, 1.0], [0, 0, 0, 0, 0]),
        ([0.0, 0.0, 0.0, 0.0, 0.0], [1, 1, 1, 1, 1]),
        ([np.nan, 0.0, 0.1, 0.1, 1.0], [0, 1, 0, 0, 2]),
        ([0.1, 0.2, 1.0], [0, 0, 0]),
    ],
    ids=["both", "most are used", "at the share", "below it", "none is used", "nan", "three slots"],
)
def test_dead_and_saturated_are_told_by_the_last_step(last: list[float], codes: list[int]) -> None:
    """Dead below a bound; saturated with half of all. The steps before do not count."""
    scores = NamedArray("importance", [[0.5] * len(last), last], dims=("time", "slot"))
    assert slot_use(scores).values.tolist() == codes
    without_time = NamedArray("importance", last, dims=("slot",))
    assert slot_use(without_time).values.tolist() == codes


def test_bars_are_sorted_by_slot_score_and_first_write() -> None:
    """The largest score first, the earliest write first; equal ones by slot, NaN last."""
    scores = np.array([[0.5, np.nan, 1.0, 0.5, 0.0], [0.0, 0.1, 0.2, 0.3, 1.0]])[:, None]
    writes = np.zeros((2, 1, 1, 5))
    writes[1, 0, 0, [0, 3]] = writes[0, 0, 0, 4] = 0.5
    trace = Trace.from_arrays(
        {"importance": scores, "write_weights": writes},
        dims={"importance": ("time", "batch", "slot")},
        check_weights=False,
    )

    def order(sort: str, time: int) -> list[int]:
        layout, shown = importance_layout(trace, sort=sort)
        found: list[int] = bar_order(
            shown, of_kind(BarsPanel, layout[0][0]), {"time": time, "batch": 0}
        ).tolist()
        return found

    assert order("slot", 0) == [0, 1, 2, 3, 4]
    assert order("score", 0) == [2, 0, 3, 4, 1]
    assert order("score", 1) == [4, 3, 2, 1, 0]
    assert order("first write", 0) == [4, 0, 3, 1, 2]
    layout, shown = importance_layout(trace, sort="score")
    panel = of_kind(BarsPanel, layout[0][0])
    assert order_text(panel, shown["importance"], {"time": 1, "slot": 3}) == "slot, by score at time 1"
    assert bar_codes(shown, panel, {"batch": 0, "time": 0}).tolist() == [1, 0, 0, 0, 2]


def test_the_domain_is_from_0_to_1_where_scores_are_no_larger() -> None:
    """So that two pictures compare; other scores have their own, with zero in it."""

    def domain(*scores: float) -> ColorDomain:
        layout, _ = importance_layout(Trace(NamedArray("importance", np.array(scores), dims=("slot",))))
        return layout[0][0].domain

    assert domain(0.1, 0.4) == ColorDomain(0.0, 1.0)
    assert domain(2.0, 40.0) == ColorDomain(0.0, 40.0)
    assert domain(-1.0, 3.0) == ColorDomain(-3.0, 3.0, diverging=True)
    assert bar_domain(ColorDomain(0.0, 1.0)).high == 1.08


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        (
            {"memory": np.zeros((2, 1, 3, 4))},
            "must hold importance, read_weights or write_weights, got memory.",
        ),
        (
            {"read_weights": READS, "write_weights": WRITES[..., :4]},
            "read_weights and write_weights must agree in all axes but head",
        ),
        (
            {"importance": np.zeros((2, MOST_BARS + 1))},
            "at most 1,024 slots to be drawn as bars, got 1,025. Draw",
        ),
    ],
    ids=["nothing", "differ", "many"],
)
def test_what_cannot_be_drawn_is_refused(arrays: dict[str, Any], text: str) -> None:
    """With what to do instead."""
    traces = [Trace.from_arrays({name: array}, check_weights=False) for name, array in arrays.items()]
    trace = Trace().assign(*(array for each in traces for array in each.values()))
    with pytest.raises(ShapeError, match=re.escape(text)):
        importance_layout(trace)


def test_an_order_that_is_not_there_is_refused() -> None:
    """There is no first write without write weights."""
    trace = Trace.from_arrays({"read_weights": READS})
    with pytest.raises(ValueError, match=re.escape("sort must be one of slot, score, got 'first write'.")):
        importance_layout(trace, sort="first write")
