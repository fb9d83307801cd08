"""Views of values that stay in a store: a block at a time when they are made, then only what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets.trace import LazyValues
from nsm_widgets.view import ColorDomain, _derived, _summary, count_clipped, rank_thresholds, summarize
from nsm_widgets.widgets import MemoryView
from nsm_widgets.widgets.page_arrays._serve import answer

STEPS, SLOTS, WORDS = 640, 16, 8


@pytest.fixture
def memory() -> np.ndarray:
    values = np.random.default_rng(5).standard_normal((STEPS, 1, SLOTS, WORDS)).astype(np.float32)
    values[3, 0, 2, 1], values[500, 0, 0, 0] = np.nan, np.inf
    return values


@pytest.fixture
def stored(memory: np.ndarray, tmp_path: Path) -> Trace:
    Trace.from_arrays({"memory": memory}).to_zarr(tmp_path / "run.zarr")
    return Trace.open(tmp_path / "run.zarr")


@pytest.fixture
def reads(stored: Trace, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many values each read of the store brought."""
    values: Any = stored["memory"].values
    assert isinstance(values, LazyValues)
    brought: list[int] = []
    read = type(values._source).read

    def counted(source: Any, axes: Any) -> Any:
        found = read(source, axes)
        brought.append(found.size)
        return found

    monkeypatch.setattr(type(values._source), "read", counted)
    monkeypatch.setattr(_summary, "_STORED_BYTES", 64 * SLOTS * WORDS * 4)
    return brought


def test_what_is_said_of_stored_values_is_what_is_said_of_them_in_memory(
    stored: Trace, memory: np.ndarray, reads: list[int]
) -> None:
    """Range, marks and clipped values; never more than one file of the store at a time."""
    values: Any = stored["memory"].values
    assert summarize(values) == summarize(memory)
    domain = ColorDomain(-1.0, 1.0)
    assert count_clipped(values, domain) == count_clipped(memory, domain)
    assert max(reads) == 64 * SLOTS * WORDS and sum(reads) == 2 * memory.size


def test_ranks_of_many_stored_values_come_from_a_sample(
    stored: Trace, memory: np.ndarray, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is within a few per mille of its rank."""
    monkeypatch.setattr(_summary, "_QUANTILE_SAMPLE", memory.size // 2)
    thresholds = rank_thresholds(stored["memory"].values, magnitudes=False)
    finite = np.sort(memory[np.isfinite(memory)])
    ranks = np.searchsorted(finite, thresholds) / finite.size
    np.testing.assert_allclose(ranks, np.arange(1, 256) / 256, atol=0.01)
    assert max(reads) == 64 * SLOTS * WORDS


def test_a_view_reads_what_it_shows(
    stored: Trace, memory: np.ndarray, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step is one read of a step; a slot through all steps is one of that slot."""
    monkeypatch.setattr(_derived, "BLOCK_VALUES", 64 * SLOTS * WORDS)
    monkeypatch.setattr(_summary, "_QUANTILE_SAMPLE", 1_000)
    view = MemoryView(stored, budget_mb=0.001)
    assert max(reads) <= 65 * SLOTS * WORDS, "the change of memory needs the step before a block"
    reads.clear()
    served = view.page_arrays._served
    ask = {"key": "k", "kind": "values", "array": "memory"}
    step = answer(served, {**ask, "y": "slot", "x": "word", "at": {"time": 500, "batch": 0}})
    assert step is not None and step.data == memory[500, 0].tobytes()
    slot = answer(served, {**ask, "y": "time", "x": "word", "at": {"slot": 3, "batch": 0}})
    assert slot is not None and slot.data == memory[:, 0, 3].tobytes()
    assert reads == [SLOTS * WORDS, STEPS * WORDS]
