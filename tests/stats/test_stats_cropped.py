"""Tables, findings and statistics of cropped arrays: places by the numbers that they had."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nsm_widgets._errors import ShapeError
from nsm_widgets.stats import (
    analyze,
    analyze_attention,
    analyze_slots,
    changed_heads,
    classify_heads,
    findings,
    first_write,
    head_divergence,
    slot_similarity,
)
from nsm_widgets.trace import NamedArray, Trace

STEPS, HEADS, SLOTS = 12, 3, 8
RANDOM = np.random.default_rng(0)


def weightings(*shape: int) -> Any:
    raw = RANDOM.random(shape)
    return raw / raw.sum(axis=-1, keepdims=True)


def run() -> Trace:
    """Head 2 writes slot t % 8 at step t; it is read at once."""
    dims = ("time", "batch", "head", "slot")
    weights = np.eye(SLOTS)[np.arange(STEPS) % SLOTS][:, None, None].repeat(HEADS, axis=2)
    return Trace(
        NamedArray("read_weights", weights, dims, attrs={"kind": "weights", "memory_seen": "after_write"}),
        NamedArray("write_weights", weights, dims, attrs={"kind": "weights"}),
    )


def column(table: Any, name: str) -> list[int | None]:
    return [None if str(value) in ("None", "nan", "<NA>") else int(value) for value in table[name]]


def test_slots_say_the_steps_of_the_whole_run() -> None:
    """First write and last read are numbers of steps, slots and batch items those that they were."""
    table = analyze_slots(run().isel(time=slice(4, 10)))
    assert column(table, "slot") == list(range(SLOTS))
    assert column(table, "first_write") == [8, 9, None, None, 4, 5, 6, 7]
    assert column(table, "last_read") == [8, 9, None, None, 4, 5, 6, 7]
    turned = run().isel(slot=slice(None, None, -1))
    assert column(analyze_slots(turned), "slot") == [7, 6, 5, 4, 3, 2, 1, 0]


def test_first_write_is_the_number_of_a_step() -> None:
    """As a statistic, which keeps the numbers of its own axes."""
    steps = first_write(run().isel(time=slice(4, 10), slot=[5, 4, *range(4), 6, 7])["write_weights"])
    assert isinstance(steps, NamedArray)
    assert steps.numbers("slot").tolist() == [5, 4, 0, 1, 2, 3, 6, 7]
    np.testing.assert_array_equal(steps.values[0], [5, 4, 8, 9, np.nan, np.nan, 6, 7])


@pytest.mark.parametrize("by", [("head",), ("time", "head"), ("time",)], ids=str)
def test_rows_of_a_table_are_called_by_numbers(by: tuple[str, ...]) -> None:
    """Every axis that has rows of its own."""
    cut = {"time": [9, 2], "head": slice(2, 0, -1)}
    whole, cropped = run(), run().isel(**cut)
    table, other = analyze(cropped, by=by), analyze(whole, by=by)
    at = [dict(zip(by, row, strict=True)) for row in zip(*(column(table, dim) for dim in by), strict=True)]
    assert {row["head"] for row in at if "head" in row} <= {1, 2}
    assert {row["time"] for row in at if "time" in row} <= {9, 2}
    known = {tuple(row) for row in zip(*(column(other, dim) for dim in by), strict=True)}
    assert {tuple(row.values()) for row in at} <= known


def test_a_second_axis_of_the_same_places_has_their_numbers() -> None:
    """``reference`` is the heads, or slots, once more."""
    pairs = head_divergence(run()["read_weights"].isel(head=[2, 1]))
    assert isinstance(pairs, NamedArray)
    assert pairs.numbers("head").tolist() == pairs.numbers("reference").tolist() == [2, 1]
    memory = NamedArray("memory", RANDOM.normal(size=(SLOTS, 4)), ("slot", "word"))
    alike = slot_similarity(memory.isel(slot=slice(3, 6)))
    assert isinstance(alike, NamedArray)
    assert alike.numbers("reference").tolist() == [3, 4, 5]


def test_findings_say_numbers_and_point_to_places() -> None:
    """The text is for a reader, ``where`` for a link: it selects."""
    values = np.full((6, 2), 0.5)
    values[5, 1] = np.nan
    gate = NamedArray("read_gate", values, ("time", "head")).isel(time=slice(4, None), head=[1])
    (found,) = findings(Trace(gate))
    assert found.text.endswith("first at time 5, head 1.")
    assert dict(found.where) == {"time": 1, "head": 0}


def test_slots_of_findings_are_called_by_numbers() -> None:
    """Of unused slots, runs of numbers, in order."""
    texts = [f.text for f in findings(run().isel(time=slice(1, 4), slot=slice(None, None, -1)))]
    assert any(text.endswith(": 0, 4-7.") for text in texts), texts


def test_collapsed_and_twin_heads_are_called_by_numbers() -> None:
    """Heads 3 and 1 of the whole do the same, on slot 5."""
    weights = np.zeros((6, 4, SLOTS))
    weights[..., 5] = 1
    array = NamedArray("read_weights", weights, ("time", "head", "slot"), attrs={"kind": "weights"})
    cropped = array.isel(head=[3, 1], slot=[5, *range(5), 6, 7])
    texts = [finding.text for finding in findings(Trace(cropped))]
    assert any(text.startswith("read_weights, head 3, has collapsed: slot 5 has") for text in texts), texts
    assert any(text.startswith("read_weights: heads 3 and 1 do almost the same") for text in texts), texts


def test_heads_that_are_classified_are_called_by_numbers() -> None:
    """Layer, head and the key that all look at."""
    attention = NamedArray(
        "attention", weightings(2, 1, 4, 10, 10), ("layer", "batch", "head", "query", "key")
    )
    table = classify_heads(attention.isel(layer=[1], head=[3, 1])).table()
    assert column(table, "layer") == [1, 1]
    assert column(table, "head") == [3, 1]


@pytest.mark.parametrize(
    "cut", [{"query": slice(5, 10), "key": slice(0, 5)}, {"query": [0, 2, 4], "key": [0, 2, 4]}], ids=str
)
def test_queries_that_are_not_their_keys_have_no_neighbours(cut: dict[str, Any]) -> None:
    """The key before a query is not the one at the place before: nothing is said of it, or it is refused."""
    values = np.zeros((10, 10))
    values[:, cut["key"]] = 1 / len(np.arange(10)[cut["key"]])
    attention = NamedArray("attention", values, ("query", "key"), attrs={"kind": "attention"})
    assert "previous_token" in analyze_attention(attention).columns
    assert "previous_token" not in analyze_attention(attention.isel(**cut)).columns
    with pytest.raises(ShapeError, match="the same queries and keys"):
        classify_heads(attention.isel(**cut))


def test_changed_heads_are_called_by_numbers() -> None:
    """Head and step of the largest change."""
    one = NamedArray("read_weights", np.full((STEPS, HEADS, 2), 0.5), ("time", "head", "slot"))
    values = np.array(one.values)
    values[7, 2] = [1, 0]
    other = NamedArray("read_weights", values, one.dims)
    traces = [
        Trace(NamedArray(a.name, a.values, a.dims, None, {"kind": "weights"})).isel(
            time=slice(5, 9), head=[1, 2]
        )
        for a in (one, other)
    ]
    table = changed_heads(*traces)
    assert column(table, "head") == [2, 1]
    assert column(table, "time") == [7, None]
