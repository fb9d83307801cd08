"""Groups, importance and evolution on Python's side: what is shared, what is made, refused and given back."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import traitlets

from nsm_widgets import Trace
from nsm_widgets._errors import LabelError, ShapeError, UnknownOptionError
from nsm_widgets.view import BAR_COLORS, memory_change
from nsm_widgets.view.panels import BarsPanel
from nsm_widgets.widgets import (
    ImportanceView,
    LineChart,
    MemoryView,
    PageArrays,
    Selection,
    ViewGroup,
)
from tests.panels import of_kind
from tests.widgets.charts.test_widgets_charts import layouts, open_widgets
from tests.widgets.conftest import RecordedComm

STEPS, SLOTS = 6, 8
RANDOM = np.random.default_rng(1)


def make_trace() -> Trace:
    return Trace.from_arrays(
        {
            "memory": RANDOM.normal(size=(STEPS, 2, SLOTS, 3)),
            "write_weights": RANDOM.dirichlet(np.ones(SLOTS), size=(STEPS, 2, 1)),
            "write_gate": RANDOM.random((STEPS, 2, 1)),
        }
    )


def make_group(**options: Any) -> ViewGroup:
    trace = make_trace()
    trace = trace.assign(memory_change(trace))
    rows = [[partial(MemoryView, trace)], [partial(LineChart, trace, "write_gate")] * 2]
    return ViewGroup(trace, rows, arrays=("memory", "memory_change", "write_gate"), **options)


def test_parts_share_one_store_one_selection_and_one_toolbar() -> None:
    """The first part has it, for the axes and the panels of all."""
    group = make_group(title="all", scale="log")
    memory, *charts = (part._lead for part in group.parts)
    assert {id(view.page_arrays) for view in (memory, *charts)} == {id(group.page_arrays)}
    assert {id(view.selection) for view in (memory, *charts)} == {id(group.selection)}
    assert [view._toolbar for view in (memory, *charts)] == ["full", "none", "none"]
    assert [panel.id for row in memory._together for panel in row] == ["write_gate"] * 2
    assert all(view._sizes == {"time": 6, "batch": 2, "slot": 8, "word": 3, "head": 1} for view in charts)
    assert all(view._leader is memory for view in charts)
    assert (memory.title, group.title, charts[0].title) == ("all", "all", "")
    group.scale = "rank"
    group.cmap = "signed"
    assert [(view.scale, view.cmap) for view in (memory, *charts)] == [("rank", "signed")] * 3
    group.close()


def test_the_store_gathers_what_parts_draw() -> None:
    """Computed arrays, too, each once; what is named or given is not added to."""
    trace = make_trace()
    entropy = partial(LineChart, trace, "write_weights", statistic="entropy")
    rows: list[list[partial[Any]]] = [
        [partial(MemoryView, trace), entropy],
        [partial(LineChart, trace, "write_gate"), entropy],
    ]
    group = ViewGroup(trace, rows)
    assert group.page_arrays.arrays == ("memory", "memory_change", "write_weights_entropy", "write_gate")
    assert [part._lead._store for part in group.parts] == [group.page_arrays] * 4
    assert all(
        view._sizes == {"time": 6, "batch": 2, "slot": 8, "word": 3, "head": 1} for view in group._views
    )
    assert "write_weights_entropy" in str(group.to_html())
    group.close()
    named: dict[str, Any]
    for named in ({"arrays": ["memory", "write_gate"]}, {"page_arrays": PageArrays(trace, only=["memory"])}):
        with pytest.raises(ValueError, match="memory_change missing"):
            ViewGroup(trace, rows, **named)
    other = make_trace()
    with pytest.raises(ValueError, match="write_gate not the same"):
        ViewGroup(trace, [*rows, [partial(LineChart, other, "write_gate")]])


def test_a_choice_on_the_page_reaches_all_parts(page: Callable[[Any], RecordedComm]) -> None:
    """By the first part's message: a saved picture and a page of colours are those that were on show."""
    group = make_group()
    page(group.parts[0]).receive({"type": "set", "client": "c", "seq": 1, "changes": {"scale": "log"}})
    assert {part._lead.scale for part in group.parts} == {"log"}
    assert group.scale == "log"


def test_a_group_is_one_picture_in_its_rows() -> None:
    """Rows below each other, parts of a row side by side; one summary, one table, one page."""
    group = make_group(selection=Selection(time=3), title="group")
    assert [[panel.id for panel in row] for row in group._shown] == [
        ["memory", "memory_change"],
        ["write_gate", "write_gate"],
    ]
    bundle = group._repr_mimebundle_()
    assert bundle["text/plain"].startswith("ViewGroup: group\ntime 3 of 0-5")
    assert b64decode(bundle["image/png"])[1:4] == b"PNG"
    assert repr(group).startswith("ViewGroup(memory, memory_change, write_gate; Selection(time=3")
    assert str(group.to_csv(panel="memory")).count("\n") == 1 + SLOTS * 3
    text = str(group.to_html())
    assert "<title>group</title>" in text


@pytest.mark.parametrize(
    "make", [make_group, lambda: MemoryView(make_trace(), lines=True)], ids=["group", "evolution"]
)
def test_a_closed_group_closes_all_that_it_made(make: Callable[[], ViewGroup]) -> None:
    """The second time there is nothing to do; what was given stays open."""
    before = open_widgets()
    group = make()
    assert len(open_widgets() - before) > 20
    group.close()
    group.close()
    assert open_widgets() - before <= layouts()
    assert group.page_arrays.comm is None
    assert group.selection.comm is None


def test_what_a_group_was_given_stays_open() -> None:
    """Selection and store belong to the caller."""
    trace, selection = make_trace(), Selection()
    view = ImportanceView(trace, selection=selection)
    group = MemoryView(trace, selection=selection, lines=True)
    group.close()
    assert selection.comm is not None
    assert view.controls.comm is not None
    view.close()


def test_a_part_that_fails_leaves_nothing_open() -> None:
    """The parts before it are closed again."""
    trace = make_trace()
    before = open_widgets()
    rows = [[partial(LineChart, trace, "write_gate")], [partial(LineChart, trace, "gate")]]
    with pytest.raises(ShapeError, match="array must be one of the trace"):
        ViewGroup(trace, rows, arrays=["write_gate"])
    with pytest.raises(ShapeError, match="only must name arrays of the trace"):
        ViewGroup(trace, rows, arrays=["gate"])
    with pytest.raises(ValueError, match="a group must have at least one part, got none"):
        ViewGroup(trace, [[]], arrays=["write_gate"])
    assert open_widgets() - before <= layouts()


def test_importance_has_a_bar_for_each_slot_in_its_order() -> None:
    """Values, colours and order are bqplot's own traits; the order is a trait that both sides set."""
    scores = torch.tensor([0.2, 1.0, 0.0, 0.2])
    view = ImportanceView(scores, labels={"slot": ["a", "b", "c", "d"]}, sort="score")
    np.testing.assert_allclose(view.bars.y, [1.0, 0.2, 0.2, 0.0])
    assert view.bars.colors == [BAR_COLORS[code] for code in (2, 0, 0, 1)]
    assert list(view.figure.axes[0].tick_labels.values()) == ["b", "a", "d", "c"]
    assert view.figure.axes[0].label == "slot, by score"
    view.sort = "slot"
    assert view.controls.sort == "slot"
    with pytest.raises(traitlets.TraitError, match=re.escape("sort must be one of slot, score, got 'size'.")):
        view.sort = "size"
    view.controls.comm.receive({"type": "set", "client": "c", "seq": 1, "changes": {"sort": "score"}})
    assert view.sort == "score"
    assert of_kind(BarsPanel, view._shown[0][0]).bars.sort == "score"
    view.close()


def test_one_slot_has_a_bar_with_a_width() -> None:
    """bqplot takes the width of bars from their distance: two that are none stand beside it."""
    view = ImportanceView(np.array([0.7]))
    np.testing.assert_equal(view.bars.y, [np.nan, 0.7, np.nan])


def test_importance_of_a_trace_is_computed_and_crosses_with_what_belongs_to_it() -> None:
    """Scores, what became of each slot, and the first write; not the weights."""
    view = ImportanceView(make_trace(), title="slots")
    assert view.page_arrays.arrays == ("importance", "first_write", "slot_use")
    bundle = view._repr_mimebundle_()
    assert bundle["text/plain"].startswith("ImportanceView: slots\ntime 5 of 0-5 · batch 0 of 0-1")
    before = open_widgets()
    view.close()
    assert view.bars.comm is None
    assert len(before - open_widgets()) > 10


@pytest.mark.parametrize(
    ("values", "options", "error", "text"),
    [
        (
            np.zeros((3, 4)),
            {},
            ShapeError,
            "importance must have axes (slot), got shape (3, 4). Name others: dims=(...).",
        ),
        (
            np.zeros(2000),
            {},
            ShapeError,
            "at most 1,024 slots to be drawn as bars, got 2,000. Draw it as a Heatmap",
        ),
        (
            np.ones(3),
            {"sort": "first write"},
            ValueError,
            "sort must be one of slot, score, got 'first write'.",
        ),
        (np.ones(3), {"order": "score"}, UnknownOptionError, "ImportanceView has no option 'order'."),
        (np.ones(3), {"cmap": "ink"}, UnknownOptionError, "ImportanceView has no option 'cmap'."),
        (np.ones(3), {"height_px": 10}, ValueError, "height_px must be an integer of at least 120, got 10."),
        (np.ones(3), {"selection": 3}, TypeError, "selection must be a Selection, got int."),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, dict) else "",
)
def test_what_is_no_importance_is_refused_and_leaves_nothing_open(
    values: Any, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """One error, with what to do."""
    before = open_widgets()
    with pytest.raises(error, match=re.escape(text)):
        ImportanceView(values, **options)
    assert open_widgets() - before <= layouts()


def test_slots_of_a_trace_are_labelled_too() -> None:
    """Or it is said how many there are."""
    assert ImportanceView(make_trace(), labels={"slot": list("abcdefgh")}).trace["importance"].labels(
        "slot"
    ) == tuple("abcdefgh")
    with pytest.raises(LabelError, match="must have 8 labels for 'slot', got 2"):
        ImportanceView(make_trace(), labels={"slot": ["a", "b"]})


def test_an_evolution_draws_the_slots_that_were_chosen() -> None:
    """In maps of all slots and lines of these; its store holds what it draws and no more."""
    trace = make_trace()
    view = MemoryView(trace, slots=[5, 2], selection=Selection(batch=1))
    assert view.slots == (5, 2)
    memory = trace["memory"].values[:, 1].astype(np.float64)
    norms = [[np.sqrt((memory[t, s] ** 2).sum()) for t in range(STEPS)] for s in (5, 2)]
    np.testing.assert_allclose(view.charts["norm"].lines.y, norms, rtol=1e-6)
    assert view.charts["std"].lines.labels == ["slot 5", "slot 2"]
    assert set(view.page_arrays.arrays) == {
        *("memory", "memory_difference", "memory_change"),
        *("slot_norm", "slot_mean", "slot_std"),
    }
    assert "write_weights" in view.trace
    with pytest.raises(UnknownOptionError, match=re.escape("has no option 'slot'. Did you mean slots?")):
        MemoryView(trace, slot=[1], lines=True)  # type: ignore[call-arg]


def test_groups_can_share_a_store() -> None:
    """One copy of the bytes for two views."""
    view = MemoryView(make_trace(), lines=True)
    other = MemoryView(view.trace, page_arrays=view.page_arrays, selection=view.selection, lines=True)
    assert isinstance(view.page_arrays, PageArrays)
    assert other.page_arrays is view.page_arrays
    other.close()
    assert view.page_arrays.comm is not None
    view.close()
