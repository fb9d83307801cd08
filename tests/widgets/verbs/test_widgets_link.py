"""Views that exist already, linked: which index moves which, what stays apart, and what ends it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import Heatmap, TraceRecorder, link
from nsm_widgets._errors import AxisError, ClosedError
from nsm_widgets.ntm import NTM
from nsm_widgets.widgets import MemoryView, Selection
from tests.widgets.charts.test_widgets_charts import layouts, open_widgets
from tests.widgets.conftest import RecordedComm

DIMS = ("time", "head", "slot", "word")


def view_of(*shape: int, dims: tuple[str, ...] = DIMS) -> Heatmap:
    return Heatmap(np.zeros(shape), dims=dims)


def test_linked_axes_move_together_both_ways_and_others_do_not() -> None:
    """The second one goes to where the first one stands."""
    a, b = view_of(5, 2, 3, 4), view_of(5, 2, 3, 4)
    a.selection.time, a.selection.slot, b.selection.head = 3, 2, 1
    link(a, b, on=("time", "head"))
    assert (b.selection.time, b.selection.head, b.selection.slot) == (3, 0, 0)
    b.selection.time = 1
    a.selection.head = 1
    b.selection.slot = 1
    assert (a.selection.time, b.selection.head, a.selection.slot) == (1, 1, 2)
    assert a.selection is not b.selection


def test_without_names_all_shared_axes_are_linked() -> None:
    """Own ones by their names, too; what one does not have stays the other's."""
    a = view_of(5, 4, 2, dims=("expert", "slot", "word"))
    b = view_of(5, 3, 4, dims=("expert", "query", "key"))
    link(a, b)
    a.selection["expert"] = 4
    b.selection.query = 2
    assert b.selection["expert"] == 4
    assert a.selection.query == 0


def test_an_axis_that_one_lacks_links_those_that_have_it() -> None:
    """Also where the one stands between them; the axes that all have link all."""
    a, b = view_of(5, 3, 4, 2), view_of(5, 3, 4, 2)
    between = view_of(5, 4, dims=("time", "slot"))
    link(a, between, b, on=("time", "head"))
    a.selection.time, b.selection.head, a.selection.slot = 3, 2, 1
    assert [view.selection.time for view in (a, between, b)] == [3] * 3
    assert a.selection.head == 2
    assert (between.selection.slot, b.selection.slot) == (0, 0)


def test_several_views_and_circles_of_links_come_to_rest() -> None:
    """Nothing is passed on that is so already."""
    views = [view_of(9, 1, 2, 2) for _ in range(4)]
    heard: list[int] = []
    views[2].selection.observe(lambda change: heard.append(change["new"]), names=["time"])
    link(*views, on=("time",))
    link(views[3], views[0], on=("time",))
    views[1].selection.time = 7
    assert [view.selection.time for view in views] == [7] * 4
    assert heard == [7]


def test_a_shorter_view_shows_its_last_index() -> None:
    """As views of one selection do; also where data grows after they were linked."""
    short, long = view_of(5, 1, 2, 2), view_of(9, 1, 2, 2)
    link(short, long, on=("time",))
    long.selection.time = 8
    assert short.selection.time == 8
    assert "time 4 of 0-4" in short._fallbacks("Heatmap")["text/plain"]
    short.selection.attach({"time": 20})
    short.selection.time = 19
    assert long.selection.time == 19


def test_unlinked_views_stay_where_they_are(page: Callable[[Any], RecordedComm]) -> None:
    """Also on the page, which is told; a second time there is nothing to do."""
    a, b, c = (view_of(9, 1, 2, 2) for _ in range(3))
    first, second = link(a, b, on=("time",)), link(b, c, on=("time",))
    a.selection.time = 5
    assert page(a.selection).updates()[-2] == {
        "_linked": [f"anywidget:{b.selection.model_id}"],
        "_linked_on": [["time"]],
    }
    first.unlink()
    first.unlink()
    assert page(a.selection).updates()[-1] == {"_linked": [], "_linked_on": []}
    b.selection.time = 6
    assert [view.selection.time for view in (a, b, c)] == [5, 6, 6]
    second.unlink()
    assert repr(second) == "Link(on time)"


def test_what_the_page_moves_is_passed_on_once(page: Callable[[Any], RecordedComm]) -> None:
    """By the page, where it has the linked selections; else by Python."""
    a, b = view_of(9, 1, 2, 2), view_of(9, 1, 2, 2)
    link(a, b, on=("time",))
    moved = {"type": "set", "client": "c", "seq": 1, "changes": {"time": 3}}
    page(a.selection).receive({**moved, "linked": True})
    assert (a.selection.time, b.selection.time) == (3, 0)
    told = len(page(a.selection).updates())
    page(b.selection).receive({**moved, "linked": True})
    assert len(page(a.selection).updates()) == told
    page(a.selection).receive({**moved, "seq": 2, "changes": {"time": 4}})
    assert (a.selection.time, b.selection.time) == (4, 4)


def test_a_closed_view_takes_its_links_along() -> None:
    """And leaves nothing open; a link that is over keeps no widget."""
    before = open_widgets()
    a, b = view_of(5, 1, 2, 2), view_of(5, 1, 2, 2)
    link(a, b)
    a.close()
    b.selection.time = 3
    assert b.selection._linked == []
    b.close()
    assert open_widgets() - before <= layouts()


def test_views_of_recorders_are_linked_before_there_is_anything() -> None:
    """By the axes that they turn out to have."""
    model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
    recorders = [TraceRecorder(model), TraceRecorder(model)]
    a, b = (MemoryView(recorder) for recorder in recorders)
    link(a, b, on=("time",))
    with torch.no_grad():
        for recorder in recorders:
            with recorder:
                model(torch.rand(5, 1, 3))
    a.selection.time = 4
    assert b.selection.time == 4


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda a, b: link(a), ValueError, "link takes two views or more, got 1"),
        (lambda a, b: link(a, 3), TypeError, "link takes views, got int. show(data) makes one of data"),
        (lambda a, b: link(a, b, on=("tme",)), AxisError, "got 'tme'. Did you mean 'time'?"),
        (lambda a, b: link(a, b, on=3), TypeError, 'on must name axes, as on=("time", "head")'),
        (lambda a, b: link(a, b, on=()), TypeError, "or be None for all, got ()."),
        (
            lambda a, b: link(a, view_of(3, 4, dims=("query", "key"))),
            AxisError,
            "linked views must share an axis, got (time, head, slot, word) and (query, key).",
        ),
        (
            lambda a, b: link(a, b, view_of(3, 4, dims=("time", "word")), on=("head", "slot")),
            AxisError,
            "must share one of the axes in on with another one, got on=('head', 'slot') for (time, word) and "
            "(time, head, slot, word) and (time, head, slot, word). Name one that they share, as 'time'.",
        ),
        (lambda a, b: (b.close(), link(a, b)), ClosedError, "got a closed Heatmap. Make it again."),
    ],
    ids=["one", "a number", "slip", "no names", "none", "nothing shared", "none of the named", "closed"],
)
def test_what_cannot_be_linked_is_refused(
    make: Callable[[Any, Any], object], error: type[Exception], text: str
) -> None:
    """And nothing is linked then."""
    a, b = view_of(5, 1, 2, 2), view_of(5, 1, 2, 2)
    with pytest.raises(error, match=re.escape(text)):
        make(a, b)
    a.selection.time = 3
    assert b.selection.time == 0


def test_a_view_that_exists_follows_another_selection(page: Callable[[Any], RecordedComm]) -> None:
    """The page is told; what it followed is closed, unless others follow it or it was given."""
    a, b, c = (view_of(5, 1, 2, 2) for _ in range(3))
    own = b.selection
    a.selection.time = 3
    b.selection = a.selection
    assert page(b).updates()[-1] == {"_selection": f"anywidget:{a.selection.model_id}"}
    assert own.comm is None
    b.selection.time = 4
    assert a.selection.time == 4
    given = Selection()
    b.selection = given
    a.selection, kept = given, a.selection
    assert kept.comm is None
    c.selection = given
    b.selection = Selection()
    assert given.comm is not None
    for view in (a, b, c):
        view.close()
    assert given.comm is not None


def test_the_selection_of_a_view_that_is_closed_first_stays_with_the_other() -> None:
    """It was made by the one, and is followed by the other."""
    a, b = view_of(5, 1, 2, 2), view_of(5, 1, 2, 2)
    b.selection = a.selection
    a.close()
    b.selection.time = 2
    assert b.selection.comm is not None
    b.close()
    assert b.selection.comm is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "selection must be a Selection, got int."),
        (None, "selection must be a Selection, got NoneType."),
        (view_of, "selection must be a Selection, got function."),
    ],
)
def test_what_is_no_selection_is_refused(value: Any, text: str) -> None:
    """The view stays with its own."""
    view = view_of(5, 1, 2, 2)
    with pytest.raises(TypeError, match=re.escape(text)):
        view.selection = value
    with pytest.raises(TypeError, match=re.escape("got Heatmap. Its own is view.selection.")):
        view.selection = view
    assert view.selection.time == 0
