"""What Python hears of cells that are pressed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nsm_widgets import Heatmap, Trace
from nsm_widgets.widgets import Click, MemoryView, ReadWriteView, ViewGroup

VALUES = np.arange(12.0).reshape(3, 4)


def heatmap() -> Heatmap:
    return Heatmap(VALUES, dims=("query", "key"), labels={"key": list("abcd")})


def press(view: Any, indices: object, panel: str = "values") -> None:
    """What a page sends."""
    view._on_page_message(view, {"type": "click", "panel": panel, "indices": indices}, [])


def test_a_click_is_one_event_with_all_there_is_to_know() -> None:
    """Also of the cell that was pressed before."""
    view, heard = heatmap(), list[Click]()
    assert not view._hears_clicks
    view.on_click(heard.append)
    assert view._hears_clicks
    press(view, {"query": 1, "key": 2})
    press(view, {"query": 1, "key": 2})
    assert heard == 2 * [Click("values", "values", {"query": 1, "key": 2}, {"key": "c"}, 6.0)]


def test_a_handler_that_is_removed_hears_no_more() -> None:
    """And the page is told when nobody listens."""
    view, heard = heatmap(), list[Click]()
    view.on_click(heard.append)
    view.on_click(heard.append, remove=True)
    assert not view._hears_clicks
    press(view, {"query": 1, "key": 2})
    assert heard == []


@pytest.mark.parametrize(
    "indices",
    [
        {"query": 3, "key": 0},
        {"query": -1, "key": 0},
        {"query": 1},
        {"query": "1", "key": 0},
        {"query": True, "key": 0},
        None,
    ],
    ids=str,
)
def test_what_names_no_cell_is_no_event(indices: object) -> None:
    """A page may be older than the data, or no page of ours."""
    view, heard = heatmap(), list[Click]()
    view.on_click(heard.append)
    press(view, indices)
    press(view, {"query": 0, "key": 0}, panel="other")
    assert heard == []


def test_a_handler_that_raises_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The others hear, and what it raised is told."""
    view, heard = heatmap(), list[Click]()

    def fails(_click: Click) -> None:
        raise RuntimeError("no")

    view.on_click(fails)
    view.on_click(heard.append)
    press(view, {"query": 0, "key": 0})
    assert len(heard) == 1


def test_a_value_that_is_nan_is_told_as_it_is() -> None:
    """It is the recorded value, not what is drawn."""
    view, heard = Heatmap(np.array([[np.nan, 1.0]]), dims=("query", "key")), list[Click]()
    view.on_click(heard.append)
    press(view, {"query": 0, "key": 0})
    assert math.isnan(heard[0].value)


def test_a_group_hears_of_all_its_parts() -> None:
    """Whichever was pressed."""
    weights = np.full((3, 1, 2, 8), 1 / 8)
    trace = Trace.from_arrays({"memory": np.zeros((3, 1, 8, 4)), "read_weights": weights})
    group = ViewGroup(
        trace,
        [[lambda **shared: MemoryView(trace, **shared)], [lambda **shared: ReadWriteView(trace, **shared)]],
    )
    heard = list[Click]()
    group.on_click(heard.append)
    memory, reads = group.parts
    press(memory, {"time": 2, "batch": 0, "slot": 3, "word": 1}, "memory")
    panel = reads._layout[0][0].id
    press(reads, {"time": 1, "batch": 0, "head": 1, "slot": 7}, panel)
    assert [click.array for click in heard] == ["memory", "read_weights"]
