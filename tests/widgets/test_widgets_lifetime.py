"""What views make for themselves, what they share, and what they leave behind."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

import numpy as np
import pytest
import torch
from ipywidgets import Layout
from ipywidgets.widgets.widget import _instances

from nsm_widgets import Heatmap, NTMExplorer, Trace, TraceRecorder
from nsm_widgets._errors import ClosedError, ShapeError
from nsm_widgets.ntm import NTM, NTMConfig
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import ColorDomain
from nsm_widgets.widgets import (
    LineChart,
    MemoryView,
    PageArrays,
    ReadWriteView,
    Selection,
    TraceComparison,
    ViewGroup,
)


def memory_trace(steps: int = 5, slots: int = 8) -> Trace:
    return Trace.from_arrays({"memory": np.arange(steps * slots * 4.0).reshape(steps, 1, slots, 4)})


def test_a_closed_view_closes_what_it_made() -> None:
    """Running a cell again must not keep every trace that was ever shown."""
    view = MemoryView(memory_trace())
    store, selection = view.page_arrays, view.selection
    view.close()
    assert store.comm is None
    assert selection.comm is None


def test_what_another_view_uses_stays_open_until_that_is_closed_too() -> None:
    """The first view made them; the second was given them."""
    first = MemoryView(memory_trace())
    second = MemoryView(first.trace, selection=first.selection, page_arrays=first.page_arrays)
    first.close()
    assert second.page_arrays.comm is not None
    assert second.selection.comm is not None


def test_what_a_view_was_given_it_does_not_close() -> None:
    """It belongs to the caller."""
    trace, selection = memory_trace(), Selection()
    store = PageArrays(trace)
    MemoryView(trace, selection=selection, page_arrays=store).close()
    assert selection.comm is not None
    assert store.comm is not None


def test_an_index_set_before_the_data_comes_back_into_it() -> None:
    """A selection made for other data moves to the last step that there is."""
    selection = Selection(time=99)
    MemoryView(memory_trace(steps=5), selection=selection)
    assert selection.time == 4


@pytest.mark.parametrize(
    "widget", [Selection(time=3), PageArrays(memory_trace())], ids=lambda w: type(w).__name__
)
def test_what_has_nothing_to_draw_is_shown_as_text(widget: Selection | PageArrays) -> None:
    """A cell that ends in ``explorer.selection`` shows where it stands."""
    assert widget._repr_mimebundle_() == ({"text/plain": repr(widget)}, {})


def test_a_named_array_may_have_its_axes_in_any_order() -> None:
    """Time leads in a trace; a lone array with another order is turned, and drawn as asked."""
    values = np.arange(24.0).reshape(2, 3, 4)
    view = Heatmap(NamedArray("usage", values, dims=("head", "time", "slot")), x="time", y="slot")
    shown = view.trace["usage"]
    assert shown.dims == ("time", "head", "slot")
    assert np.array_equal(shown.values, values.transpose(1, 0, 2))


def test_memory_and_weights_of_different_slots_are_not_linked() -> None:
    """An explorer links by slot: seven of one are not eight of the other."""
    arrays = {"memory": np.zeros((3, 1, 7, 4)), "read_weights": np.full((3, 1, 1, 8), 1 / 8)}
    with pytest.raises(ShapeError, match="memory has 7, read_weights has 8"):
        NTMExplorer(arrays)


@pytest.mark.parametrize(
    ("limits", "domain", "cmap"),
    [
        ({}, ColorDomain(-3.0, 3.0, diverging=True), "signed"),
        ({"vmin": -2, "vmax": 2}, ColorDomain(-2.0, 2.0, diverging=True), "signed"),
        ({"vmin": 0}, ColorDomain(0.0, 3.0), "ink"),
        ({"vmin": -1, "vmax": 3}, ColorDomain(-1.0, 3.0), "ink"),
        ({"cmap": "RdBu"}, ColorDomain(-3.0, 3.0, diverging=True), "RdBu"),
        ({"cmap": "viridis"}, ColorDomain(-3.0, 3.0, diverging=True), "viridis"),
    ],
    ids=str,
)
def test_a_diverging_map_is_drawn_only_around_zero(
    limits: dict[str, Any], domain: ColorDomain, cmap: str
) -> None:
    """Its centre stands for nothing; off centre it would lie. A map that is asked for is taken."""
    view = Heatmap([[-1.0, 3.0], [0.0, 2.0]], dims=("slot", "word"), **limits)
    ((panel,),) = view._layout
    assert (panel.domain, panel.cmap) == (domain, cmap)


# --- what is closed is gone ---

WEIGHTS = np.full((3, 1, 2, 8), 1 / 8)


def small_trace() -> Trace:
    return Trace.from_arrays(
        {"memory": np.zeros((3, 1, 8, 4)), "read_weights": WEIGHTS, "write_weights": WEIGHTS.copy()}
    )


def live_view(_trace: Trace) -> MemoryView:
    """One that has followed a recorder whose block is over."""
    model = NTM(NTMConfig(input_size=2, output_size=2))
    recorder = TraceRecorder(model)
    view = MemoryView(recorder)
    with recorder:
        model(torch.zeros(3, 1, 2))
    return view


MAKERS: dict[str, Callable[[Trace], Any]] = {
    "MemoryView": MemoryView,
    "ReadWriteView": ReadWriteView,
    "NTMExplorer": NTMExplorer,
    "Heatmap": lambda trace: Heatmap(trace["memory"].values, dims=trace["memory"].dims),
    "LineChart: statistic": lambda trace: LineChart(trace, statistic="entropy"),
    "ViewGroup": lambda trace: ViewGroup(
        trace, [[partial(MemoryView, trace)], [partial(ReadWriteView, trace)]]
    ),
    "live": live_view,
    "TraceComparison": lambda trace: TraceComparison(trace, small_trace()),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_closed_view_is_freed_with_all_that_it_made(name: str) -> None:
    """View, arrays on the page's side, selection and trace: none is alive once nobody holds them."""
    alive: list[ref[Any]] = []
    for _ in range(3):
        view = MAKERS[name](small_trace())
        view._repr_mimebundle_()
        view.to_html()
        alive += map(ref, (view, view.page_arrays, view.selection, view.trace))
        view.close()
        del view
    gc.collect()
    assert [type(each()).__name__ for each in alive if each() is not None] == []


def test_closing_leaves_no_widget_of_its_own_open() -> None:
    """A layout that ipywidgets made for a view stays on the page for good, if it is not closed."""
    for make in MAKERS.values():
        before = set(_instances)
        make(small_trace()).close()
        assert {type(_instances[key]).__name__ for key in set(_instances) - before} == set()


def test_a_layout_that_was_given_stays_open() -> None:
    """It may be another widget's, too."""
    layout = Layout(width="300px")
    MemoryView(small_trace(), layout=layout).close()
    assert layout.comm is not None


def test_a_closed_view_says_that_it_let_go_of_its_trace() -> None:
    """At once, not when Python next looks for circles."""
    view = MemoryView(small_trace())
    trace = ref(view.trace)
    view.close()
    assert trace() is None
    with pytest.raises(ClosedError, match="trace = view.trace"):
        _ = view.trace


MANY = """
import numpy as np, psutil
from nsm_widgets import Trace
from nsm_widgets.widgets import MemoryView

values = np.random.default_rng(0).random((200, 1, 200, 50), "f4")
sizes = []
for _ in range(220):
    view = MemoryView(Trace.from_arrays({"memory": values + 0}))
    view.close()
    sizes.append(psutil.Process().memory_info().rss)
print(max(sizes[-20:]) - max(sizes[:20]))
"""


@pytest.mark.more
def test_memory_is_flat_over_two_hundred_views_of_eight_megabytes() -> None:
    """A process of its own, that collects only when Python does."""
    grown = int(subprocess.run([sys.executable, "-c", MANY], check=True, capture_output=True).stdout)
    assert grown < 2 * 8e6
