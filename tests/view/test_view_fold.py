"""Which slots are folded away, and when: the panels are told, and what is selected is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nsm_widgets import Trace, stats
from nsm_widgets.view import explorer_layout, memory_layout, read_write_layout, shown_indices, summarize
from nsm_widgets.view.panels import HeatmapPanel, Layout, common_runs
from nsm_widgets.widgets import ImportanceView, MemoryView


def trace_of(used: list[int], slots: int) -> Trace:
    """A run that uses these slots alone, one after the other."""
    hot = np.eye(slots)[used][:, None, None]
    memory = np.random.default_rng(0).normal(size=(len(used), 1, slots, 3))
    return Trace.from_arrays({"memory": memory, "read_weights": hot, "write_weights": hot})


def told(layout: Layout) -> dict[str, object]:
    return {p.id: dict(p.unused) for row in layout for p in row if isinstance(p, HeatmapPanel)}


def test_every_map_with_slots_is_told_of_the_same() -> None:
    """Those of memory and weights, whether slots lie down or across; not those of other axes."""
    trace = trace_of([0, 1, 5], 20)
    runs = {"slot": ((2, 4), (6, 19))}
    found = told(explorer_layout(trace)[0])
    assert found == dict.fromkeys(("write_weights_0", "read_weights_0", "memory"), runs)
    assert set(map(str, told(memory_layout(trace)[0]).values())) == {str(runs)}
    assert set(map(str, told(read_write_layout(trace)).values())) == {str(runs)}


@pytest.mark.parametrize(
    ("used", "slots", "folds"),
    [
        (range(2), 9, False),
        (range(2), 10, True),
        (range(25), 33, False),
        (range(24), 32, True),
        (range(75), 100, True),
        (range(76), 100, False),
    ],
    ids=["seven", "eight", "eight of many", "a quarter", "a quarter of many", "fewer than a quarter"],
)
def test_few_are_not_worth_a_fold(used: range, slots: int, folds: bool) -> None:
    """At least eight, and at least a quarter of all."""
    found = told(read_write_layout(trace_of(list(used), slots)))
    assert all(bool(unused) == folds for unused in found.values())


def test_nothing_is_folded_where_nothing_would_be_left() -> None:
    """Weights that are spread over all slots alike are below 1 % each."""
    even = np.full((3, 1, 1, 128), 1 / 128)
    trace = Trace.from_arrays({"read_weights": even, "write_weights": even})
    assert set(map(str, told(read_write_layout(trace)).values())) == {"{}"}


def test_what_is_selected_is_shown() -> None:
    """Beside all that is used, in its place."""
    panel = explorer_layout(trace_of([0, 1, 5], 20))[0][0][0]
    assert shown_indices(panel, "slot", 20, 5) == [0, 1, 5]
    assert shown_indices(panel, "slot", 20, 3) == [0, 1, 3, 5]
    assert shown_indices(panel, "time", 3, 0) is None
    assert isinstance(panel, HeatmapPanel)
    assert shown_indices(replace(panel, unused={}), "slot", 20, 3) is None


def test_a_fold_only_opens_as_a_run_goes_on() -> None:
    """Two iterations, in either order: what both leave unused."""
    some, others = (read_write_layout(trace_of(used, 20))[0][0] for used in ([0, 1], [1, 9]))
    for merged in (some.merged(others), others.merged(some)):
        assert isinstance(merged, HeatmapPanel)
        assert merged.unused == {"slot": ((2, 8), (10, 19))}
    assert isinstance(others, HeatmapPanel)
    nothing = replace(others, unused={})
    opened = some.merged(nothing)
    assert isinstance(opened, HeatmapPanel) and opened.unused == {}
    assert common_runs(((0, 1),), ((2, 3),)) == ()


def test_the_page_has_one_count() -> None:
    """What is folded, what the chart marks and what findings name are the same slots."""
    trace = trace_of([0, 1, 5], 20)
    writes = trace["write_weights"].values.copy()
    writes[0, 0, 0, [0, 7]] = 0.95, 0.05  # below what counts as a write, and yet used
    trace = Trace.from_arrays({**{n: a.values for n, a in trace.items()}, "write_weights": writes})
    (found,) = [each for each in stats.findings(trace) if each.kind == "dead_slots"]
    assert (
        "16 of 20 slots are unused, no read or write weight above 1 % in any step, sample or head: "
        "2-4, 6, 8-19." in found.text
    )
    codes = ImportanceView(trace).trace["slot_use"].values
    assert np.flatnonzero(codes[0] == 1).tolist() == [2, 3, 4, 6, *range(8, 20)]
    panel = memory_layout(trace)[0][0][0]
    assert isinstance(panel, HeatmapPanel) and panel.unused == {"slot": ((2, 4), (6, 6), (8, 19))}


def test_a_view_has_a_switch() -> None:
    """One setting, refused where it is none; colours and statistics are of all slots with either."""
    view = MemoryView(trace_of([0, 1, 5], 20))
    assert view.fold == "unused"
    before = view._shown[0][0].domain, summarize(view.trace["memory"].values)
    view.fold = "none"
    assert (view._shown[0][0].domain, summarize(view.trace["memory"].values)) == before
    with pytest.raises(ValueError, match="fold must be one of unused, none, got 'all'"):
        view.fold = "all"
