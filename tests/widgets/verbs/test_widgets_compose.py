"""Views that exist already, laid out as one: what they share, what is drawn, what closing gives back."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import AttentionView, Trace, TraceRecorder, compose
from nsm_widgets._errors import ClosedError
from nsm_widgets.ntm import NTM
from nsm_widgets.widgets import (
    Composition,
    ImportanceView,
    LineChart,
    MemoryView,
    ReadWriteView,
)
from tests.widgets.charts.test_widgets_charts import layouts, open_widgets
from tests.widgets.conftest import RecordedComm

RANDOM = np.random.default_rng(1)


def make_trace(steps: int = 6) -> Trace:
    return Trace.from_arrays(
        {
            "memory": RANDOM.normal(size=(steps, 1, 8, 3)),
            "read_weights": RANDOM.dirichlet(np.ones(8), size=(steps, 1, 2)),
            "write_gate": RANDOM.random((steps, 1, 1)),
        }
    )


def toolbars(whole: Composition) -> list[str]:
    return [view._toolbar for view in whole._views]


def test_views_share_a_selection_and_one_toolbar() -> None:
    """The composition's own, for the axes and panels of all; their stores stay their own."""
    trace = make_trace()
    memory, reads, gate = MemoryView(trace), ReadWriteView(trace), LineChart(trace, "write_gate")
    memory.selection.time = 4
    whole = compose([[memory], [reads, gate]], title="one run")
    assert whole.parts == (memory, reads, gate)
    assert {id(view.selection) for view in whole._views} == {id(memory.selection)}
    assert whole.selection.time == reads.selection.time == 4
    assert toolbars(whole) == ["none"] * 3
    assert [len(layout) for layout in whole._lead._joined] == [1, 1, 1]
    assert whole._lead._joined_stores == [memory.page_arrays, reads.page_arrays, gate.page_arrays]
    assert (whole.title, memory.title) == ("one run", "")
    assert [len(box.children) for box in whole.children[1:]] == [1, 2]


def test_colours_and_scale_are_of_all(page: Callable[[Any], RecordedComm]) -> None:
    """At first those of the first view that has its own; a range for each head where there are heads."""
    memory, attention = MemoryView(make_trace()), AttentionView(np.full((2, 3, 3), 1 / 3), scale="log")
    whole = compose([[memory], [attention]])
    assert (whole.scale, memory.scale) == ("log", "log")
    changes = {"scale": "rank", "domain": "per-head"}
    page(whole._lead).receive({"type": "set", "client": "c", "seq": 1, "changes": changes})
    assert (memory.scale, memory.domain) == ("rank", "shared")
    assert (attention.scale, attention.domain) == ("rank", "per-head")
    whole.close()
    whole._lead.scale = "linear"
    assert attention.scale == "rank"


def test_traces_with_arrays_of_one_name_are_drawn_together(tmp_path: Path) -> None:
    """Each picture is of its own run, and a run with fewer steps stays at its last one."""
    short, long = make_trace(4), make_trace(9)
    whole = compose([[MemoryView(short)], [MemoryView(long)], [MemoryView(short)]])
    whole.selection.time = 8
    assert [panel.id for row in whole._shown for panel in row] == [
        *("memory", "memory_change", "memory (2)", "memory_change (2)"),
        *("memory", "memory_change"),
    ]
    lines = str(whole.to_csv(panel="memory (2)")).splitlines()
    assert float(lines[1].split(",")[-1]) == long["memory"].values[8, 0, 0, 0]
    lines = str(whole.to_csv(panel="memory")).splitlines()
    assert float(lines[1].split(",")[-1]) == short["memory"].values[3, 0, 0, 0]
    text = whole._fallbacks("Composition")["text/plain"]
    assert "memory (time: 4," in text
    assert "memory (2) (time: 9," in text
    assert whole.savefig(tmp_path / "all.png").stat().st_size > 10_000
    assert str(whole.to_html()).count("nsmw") > 10


def test_bars_and_groups_are_parts_too() -> None:
    """Names of what belongs to bars go along, and a group's parts have no toolbar left."""
    one, other = make_trace(), make_trace()
    whole = compose([[ImportanceView(one)], [ImportanceView(other), MemoryView(other, lines=True)]])
    assert toolbars(whole) == ["none"] * 6
    assert "importance (2)" in whole.trace
    whole.selection.time = 2
    assert whole._fallbacks("Composition")["image/png"]
    evolution = whole.parts[2]
    whole.close()
    assert [view._toolbar for view in evolution._views] == ["full", "none", "none", "none"]
    assert [view._leader for view in evolution._views][1] is evolution._lead


def test_compositions_stand_in_compositions() -> None:
    """With one toolbar; closing the outer one gives the inner one's back."""
    trace = make_trace()
    inner = compose([[MemoryView(trace), ReadWriteView(trace)]])
    outer = compose([[inner], [LineChart(trace, "write_gate")]])
    assert toolbars(outer) == ["none"] * 4
    assert all(view._leader is outer._lead for view in outer._views)
    outer.scale = "log"
    assert inner.parts[0].scale == "log"
    outer.close()
    assert inner._lead._toolbar == "full"
    assert {view._leader for view in inner._views} == {inner._lead}
    inner.close()
    assert toolbars(inner) == ["full"] * 2


def test_closing_gives_the_views_back_or_closes_them() -> None:
    """As it is asked; nothing of the composition's own stays open."""
    before = open_widgets()
    memory, reads = MemoryView(make_trace()), ReadWriteView(make_trace())
    alone = open_widgets()
    whole = compose([[memory], [reads]])
    own = reads.selection
    whole.close()
    whole.close()
    assert open_widgets() - alone <= layouts()
    assert (memory._toolbar, memory._leader, reads.comm is not None) == ("full", None, True)
    assert reads.selection is own is memory.selection
    again = compose([[compose([[memory]])], [reads]])
    again.close(parts=True)
    assert open_widgets() - before <= layouts()


def test_live_views_are_composed_before_there_is_anything() -> None:
    """The toolbar is told of their panels as they come."""
    model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
    recorder = TraceRecorder(model)
    whole = compose([[MemoryView(recorder)], [ReadWriteView(recorder)]])
    assert not any(whole._lead._joined)
    assert whole._fallbacks("Composition")["text/plain"] == "Composition: waiting for the first iteration"
    with recorder, torch.no_grad():
        for _ in range(3):
            model(torch.rand(5, 1, 3))
    assert [bool(layout) for layout in whole._lead._joined] == [True, True]
    assert whole.selection.sizes["iteration"] == 3
    assert "read_weights" in whole._fallbacks("Composition")["text/plain"]


def test_what_was_logged_is_drawn_once() -> None:
    """By the first view of a run, also while it is recorded; alone again, each draws it."""
    model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)

    def curves(view: Any) -> int:
        return sum(panel.array == "scalar.loss" for row in view._layout for panel in row)

    recorder = TraceRecorder(model)
    live = compose([[MemoryView(recorder)], [ReadWriteView(recorder)]])
    with recorder, torch.no_grad():
        for step in range(3):
            model(torch.rand(5, 1, 3))
            recorder.log(loss=1.0 / (step + 1))
    assert [curves(view) for view in live.parts] == [1, 0]
    views = [MemoryView(recorder.trace), ReadWriteView(recorder.trace)]
    whole = compose([[view] for view in views])
    assert [curves(view) for view in views] == [1, 0]
    assert [panel.array for panel in whole._shown[0]] == ["scalar.loss"]
    whole.close()
    live.close()
    assert [curves(view) for view in (*views, *live.parts)] == [1, 1, 1, 1]


def test_a_click_is_heard_of_every_part(page: Callable[[Any], RecordedComm]) -> None:
    """As of one view."""
    trace = make_trace()
    whole = compose([[MemoryView(trace)], [ReadWriteView(trace)]])
    heard: list[Any] = []
    whole.on_click(heard.append)
    indices = {"time": 1, "batch": 0, "head": 1, "slot": 2}
    page(whole.parts[1]).receive({"type": "click", "panel": "read_weights_1", "indices": indices})
    assert [(click.array, click.value) for click in heard] == [
        ("read_weights", trace["read_weights"].values[1, 0, 1, 2])
    ]


VIEW = partial(MemoryView, make_trace())


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (VIEW, TypeError, "compose takes rows of views, as compose([[a], [b, c]]), got MemoryView."),
        (lambda: [VIEW()], TypeError, "got a list of MemoryView."),
        (lambda: [[VIEW]], TypeError, "compose takes views, got partial. Call it: it makes a view."),
        (lambda: [[3]], TypeError, "compose takes views, got int. ipywidgets.VBox takes other widgets."),
        (lambda: [[]], ValueError, "compose takes at least one view, got none"),
        (lambda: [[VIEW()] * 2], ValueError, "a view must stand in a composition once, got one twice."),
        (lambda: [[closed()]], ClosedError, "got a closed MemoryView. Make it again."),
        (
            lambda: [list(compose([[VIEW()]]).parts)],
            ValueError,
            "that is part of another one.",
        ),
    ],
    ids=["a view", "one row", "a recipe", "a number", "nothing", "twice", "closed", "taken"],
)
def test_what_cannot_be_composed_is_refused(make: Any, error: type[Exception], text: str) -> None:
    """And nothing is left of it."""
    rows = make()
    before = open_widgets()
    with pytest.raises(error, match=re.escape(text)):
        compose(rows)
    assert open_widgets() == before


def closed() -> MemoryView:
    view = VIEW()
    view.close()
    return view
