"""The shared cursor, and messages from the page."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pytest
import torch
from traitlets import TraitError

from nsm_widgets import Heatmap, Trace
from nsm_widgets._axes import AXES
from nsm_widgets._errors import AxisError, UnknownOptionError
from nsm_widgets.view import BAR_COLORS, BY_VALUE, HEADROOM, MOST_NAMED_LINES, PALETTE, _color
from nsm_widgets.view._layouts import MOST_LINES, MOST_POINTS
from nsm_widgets.widgets import PageArrays, Selection, TraceComparison
from nsm_widgets.widgets._base import SyncedWidget
from nsm_widgets.widgets._selection import _PREFIX
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets.charts._bars import BarControls
from nsm_widgets.widgets.charts._charts import FAINT, ChartControls
from tests.widgets.conftest import RecordedComm

Page = Callable[[Any], RecordedComm]
ROOT = Path(__file__).parents[2]
PACKAGE, JS = ROOT / "nsm_widgets", ROOT / "js" / "src"
OURS_ON_EVERY_WIDGET = {"_kind", "_format", "_ack", "_anywidget_id", "_css", "_esm", "_code"}


def view(*, time: int = 5, slot: int = 3, **options: Any) -> Heatmap:
    """A heatmap with a time axis to move along."""
    return Heatmap(np.ones((time, slot, 2)), dims=("time", "slot", "word"), **options)


def change(seq: int, client: str = "page", **changes: object) -> dict[str, object]:
    """What the page sends when the reader moves something."""
    return {"type": "set", "client": client, "seq": seq, "changes": changes}


# --- the lists that Python and JavaScript share -------------------------------------------------------------


def js_list(source: str, name: str) -> list[str]:
    """The strings of an array literal in a TypeScript file."""
    text = (JS / source).read_text("utf-8")
    found = re.search(rf"(?m)^(?:  {name}: |export const {name}\b.* = )\[((?:[^\]]|\n)*)\]", text)
    assert found, name
    return re.findall(r'"([^"]+)"', found[1])


@pytest.mark.parametrize(
    ("kind", "owner"),
    [
        ("store", PageArrays),
        ("selection", Selection),
        ("view", View),
        ("chart", ChartControls),
        ("bars", BarControls),
        ("comparison", TraceComparison),
    ],
    ids=str,
)
def test_python_and_javascript_sync_the_same_traits(kind: str, owner: type[SyncedWidget]) -> None:
    """What one side sends the other one reads."""
    own = set(owner.class_traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))
    views = (*js_list("wire/state.ts", "view"), *owner._page_writable)  # settings, which the rules hold equal
    also = views if issubclass(owner, View) else AXES if owner is Selection else ()
    assert own - OURS_ON_EVERY_WIDGET == {*also, *js_list("wire/state.ts", kind)}
    assert owner.class_traits()["_kind"].default() == kind


def test_charts_name_as_many_lines_on_both_sides() -> None:
    """A legend in Python's picture is a legend on the page."""
    source = (JS / "panels/chart/values.ts").read_text("utf-8")
    assert f"const MOST_NAMED_LINES = {MOST_NAMED_LINES};" in source
    assert f"LINE_COLORS = {json.dumps(PALETTE)} as const;" in source
    assert f"const FAINT = {FAINT};" in source
    assert f"const MOST_LINES = {MOST_LINES};" in source
    assert f"const MOST_POINTS = {MOST_POINTS:_};" in source


def test_bars_have_the_same_colours_and_orders_on_both_sides() -> None:
    """A legend in Python's picture is a legend on the page."""
    source = (JS / "panels/chart/order.ts").read_text("utf-8")
    assert f"BAR_COLORS = {json.dumps(BAR_COLORS)} as const;" in source
    assert f'BY_VALUE = "{BY_VALUE}";' in source
    assert f"HEADROOM = {HEADROOM};" in source


def test_every_known_axis_can_be_selected() -> None:
    """The selection has an index for each axis of the file that both sides read, in its order."""
    assert tuple(Selection().indices) == tuple(AXES)
    assert 'from "../../../nsm_widgets/axes.json"' in (JS / "wire/axes.ts").read_text("utf-8")


def test_python_and_javascript_call_the_traits_of_other_axes_alike() -> None:
    """What begins their names stands on both sides."""
    assert f'PREFIX = "{_PREFIX}";' in (JS / "wire/axes.ts").read_text("utf-8")


def test_axes_are_listed_in_one_place() -> None:
    """No source names them all beside the file that both sides read."""
    for source in [*PACKAGE.rglob("*.py"), *JS.rglob("*.ts")]:
        text = source.read_text("utf-8")
        named = [dim for dim in AXES if re.search(rf"""["']{dim}["']|^ *{dim}\b.*[:=]""", text, re.M)]
        assert len(named) < 20, source


def test_python_and_javascript_colour_by_the_same_numbers() -> None:
    """Scales, codes, tolerances and the marks' colours agree."""
    scale, raster = (JS / "color/scale.ts").read_text("utf-8"), (JS / "raster/raster.ts").read_text("utf-8")
    numbers = dict(re.findall(r"export const (\w+) = ([-\d.e]+);", scale))
    names = ("LOG_FLOOR", "CLIP_TOLERANCE", "NAN", "POSITIVE_INFINITY", "NEGATIVE_INFINITY", "ABOVE", "BELOW")
    assert {name: float(numbers[name]) for name in names} == {name: getattr(_color, name) for name in names}
    assert int(numbers["NUM_CODES"]) == _color.BELOW + 1
    assert tuple(js_list("color/scale.ts", "COLOR_SCALES")) == _color.COLOR_SCALES
    marks = re.findall(r"words\[(\w+)\] = word\((\d+), (\d+), (\d+)\)", raster)
    colors = {getattr(_color, name): (int(r), int(g), int(b)) for name, r, g, b in marks}
    assert colors == _color.MARK_COLORS


# --- indices ------------------------------------------------------------------------------------------------


def test_indices_may_be_set_before_any_data() -> None:
    """A selection stands alone, at zero where nothing is said."""
    selection = Selection(time=3)
    assert (selection.time, selection.head) == (3, 0)
    assert selection.sizes == {}


@pytest.mark.parametrize("index", [-1, 5, 10**9])
def test_an_index_outside_the_data_is_refused(index: int) -> None:
    """What a user types out of range is refused, not bent, and the old index stays."""
    shown = view(time=5)
    shown.selection.time = 2
    with pytest.raises(TraitError) as error:
        shown.selection.time = index
    assert str(error.value) == f"time must lie in [0, 4], got {index}: the data holds 5 along time."
    assert shown.selection.time == 2


def test_a_negative_index_is_refused_without_data_too() -> None:
    """There is no step before the first."""
    with pytest.raises(TraitError, match="head must not be negative, got -1."):
        Selection(head=-1)


@pytest.mark.parametrize("value", ["3", 2.5, None, [1]], ids=repr)
def test_what_is_no_index_is_refused(value: object) -> None:
    """An index is an int."""
    with pytest.raises(TraitError, match="time"):
        Selection(time=value)


def test_an_unknown_axis_is_refused_with_the_nearest() -> None:
    """A slip of typing is not swallowed."""
    with pytest.raises(UnknownOptionError, match=r"Selection has no option 'tme'. Did you mean time\?"):
        Selection(tme=3)


def test_the_longest_data_sets_the_range() -> None:
    """Views of different lengths share a selection: any index of the longest exists."""
    selection = Selection()
    view(time=4, selection=selection)
    view(time=9, slot=2, selection=selection)
    selection.time = 8
    assert selection.sizes["time"] == 9 and selection.sizes["slot"] == 3
    assert selection.sizes.keys() == {"time", "slot", "word"}


def test_attached_sizes_go_to_the_page(page: Page) -> None:
    """The page learns the range with the view."""
    selection = Selection()
    selection.attach({"time": 4, "own": 3})
    assert page(selection).updates() == [{"_at_own": 0}, {"_sizes": {"time": 4, "own": 3}}]


def test_views_given_one_selection_share_it() -> None:
    """Moving one is moving the other; without one each has its own."""
    selection = Selection()
    one, two, alone = view(selection=selection), view(selection=selection), view()
    assert one.selection is two.selection is selection
    two.selection.time = 4
    assert one.selection.time == 4 and alone.selection.time == 0
    assert one.get_state("_selection") == {"_selection": f"anywidget:{selection.model_id}"}


def test_repr_shows_what_can_be_moved() -> None:
    """Axes of attached data and those that were moved, no others."""
    assert repr(Selection()) == "Selection()"
    assert repr(Selection(head=2)) == "Selection(head=2)"
    assert repr(view(time=5).selection) == "Selection(time=0, slot=0, word=0)"
    assert repr(view(time=1).selection) == "Selection(slot=0, word=0)"


# --- axes of the reader's own -------------------------------------------------------------------------------


def own(selection: Selection | None = None, experts: int = 4) -> Heatmap:
    """A heatmap with axes that nothing is known of, one of them to move along."""
    return Heatmap(np.ones((experts, 3, 2)), dims=("expert", "neuron", "feature"), selection=selection)


def test_every_axis_has_a_place_by_its_name() -> None:
    """``selection["time"]`` is ``selection.time``; an axis of one's own is found and set alike."""
    selection = own().selection
    assert (selection["time"], selection["expert"]) == (0, 0)
    selection["time"], selection["expert"] = 3, np.int64(2)
    assert (selection.time, selection["expert"], type(selection["expert"])) == (3, 2, int)
    assert selection.indices == {**dict.fromkeys(AXES, 0), "time": 3, "expert": 2, "neuron": 0, "feature": 0}
    assert repr(selection) == "Selection(time=3, expert=2, neuron=0, feature=0)"


def test_an_own_axis_may_be_set_before_any_data() -> None:
    """As every other one; data that is shorter takes it to its last index."""
    selection = Selection()
    selection["expert"] = 9
    assert repr(selection) == "Selection(expert=9)"
    own(selection)
    assert selection["expert"] == 3


def test_own_axes_may_go_by_the_names_of_anything_else() -> None:
    """What a widget, or this one, has by that name stays what it is."""
    dims = ("layout", "follow", "comm", "keys")
    selection = Heatmap(np.ones((2, 3, 4, 5)), dims=dims).selection
    heard: list[tuple[str, int]] = []
    selection.observe(lambda event: heard.append((event["name"], event["new"])), names=["comm"])
    before = (selection.layout, selection.follow, selection.comm, selection.keys)
    for index, dim in enumerate(dims):
        selection[dim] = index
    assert [selection[dim] for dim in dims] == [0, 1, 2, 3]
    assert (selection.layout, selection.follow, selection.comm) == before[:3]
    assert heard == []  # observers of a name that is taken hear of what has it


@pytest.mark.parametrize("index", [-1, 4, 10**9])
def test_an_index_outside_an_own_axis_is_refused(index: int) -> None:
    """In the words that are used of every axis, and the old index stays."""
    selection = own().selection
    selection["expert"] = 1
    with pytest.raises(TraitError) as error:
        selection["expert"] = index
    assert str(error.value) == f"expert must lie in [0, 3], got {index}: the data holds 4 along expert."
    assert selection["expert"] == 1


@pytest.mark.parametrize("value", ["3", 2.5, None, [1]], ids=repr)
def test_what_is_no_index_of_an_own_axis_is_refused(value: object) -> None:
    """By the axis' own name."""
    with pytest.raises(TraitError, match="'expert' trait of a Selection instance expected an int, not the"):
        own().selection["expert"] = value


@pytest.mark.parametrize("move", [False, True], ids=["get", "set"])
def test_an_axis_that_no_data_has_is_refused_with_the_nearest(move: bool) -> None:
    """A slip of typing is not swallowed."""
    selection = own().selection
    hint = r"has no axis 'exprt', it has \(expert, neuron, feature\)\. Did you mean 'expert'\?"
    with pytest.raises(AxisError, match=hint):
        if move:
            selection["exprt"] = 1
        else:
            selection["exprt"]


@pytest.mark.parametrize("name", ["_sizes", "my axis", "class", "time_mask", 3], ids=repr)
def test_what_is_no_name_is_no_axis_of_a_selection(name: Any) -> None:
    """Also while there is no data that could say so."""
    with pytest.raises(AxisError, match="is no axis name"):
        Selection()[name] = 1


def test_the_page_moves_an_own_axis_and_is_answered(page: Page) -> None:
    """Over the channel of every other one, heard by who observes the axis by its name."""
    selection = own().selection
    seen: list[tuple[str, int, int]] = []
    selection.observe(lambda e: seen.append((e["name"], e["old"], e["new"])), names=["expert"])
    page(selection).sent.clear()
    page(selection).receive(change(1, _at_expert=2, time=1))
    assert (selection["expert"], seen) == (2, [("expert", 0, 2)])
    assert page(selection).updates() == [
        {"_at_expert": 2, "time": 1, "_ack": {"client": "page", "seq": 1}},
    ]


def test_the_page_moves_no_axis_that_no_data_has(page: Page) -> None:
    """And no axis past its end."""
    selection = own().selection
    page(selection).receive(change(1, _at_other=1, _at_expert=4, _at_neuron=2))
    assert (selection["expert"], selection["neuron"]) == (0, 2)
    assert "other" not in selection.indices and selection._ack == {"client": "page", "seq": 1}


def test_moving_one_own_axis_tells_nothing_of_another(page: Page) -> None:
    """What the page has moved meanwhile stays: each axis is told of by itself."""
    selection = own().selection
    page(selection).sent.clear()
    selection["neuron"] = 1
    assert page(selection).updates() == [{"_at_neuron": 1}]


def test_views_of_own_axes_share_a_selection() -> None:
    """The longest data sets the range, and each view keeps its traits."""
    selection = Selection()
    shorter, longer = own(selection), own(selection, experts=7)
    shorter.selection["expert"] = 6
    assert longer.selection["expert"] == 6
    assert str(shorter.to_csv()).splitlines()[1].startswith("values,values,3,0,0,")
    assert str(longer.to_csv()).splitlines()[1].startswith("values,values,6,0,0,")
    assert type(selection).class_traits(sync=True).keys() >= {"_at_expert", "_at_neuron", "_at_feature"}
    assert not any(name.startswith(_PREFIX) for name in Selection.class_traits())


# --- messages from the page ---------------------------------------------------------------------------------


def test_the_page_moves_the_trait_and_is_answered_in_one_update(page: Page) -> None:
    """Values and acknowledgement travel together, so that the page knows a stale echo."""
    selection = view().selection
    seen: list[int] = []
    selection.observe(lambda event: seen.append(event["new"]), names=["time"])
    page(selection).sent.clear()
    page(selection).receive(change(7, time=3, slot=1))
    assert (selection.time, selection.slot, seen) == (3, 1, [3])
    assert page(selection).updates() == [{"time": 3, "slot": 1, "_ack": {"client": "page", "seq": 7}}]


def test_a_value_that_is_there_already_is_answered(page: Page) -> None:
    """Nothing changes, and the page may go on."""
    selection = Selection(time=2)
    page(selection).sent.clear()
    page(selection).receive(change(1, time=2))
    assert page(selection).updates() == [{"_ack": {"client": "page", "seq": 1}}]


def test_an_observer_that_redirects_is_heard(page: Page) -> None:
    """What Python makes of a move goes back with its acknowledgement."""
    selection = Selection()

    def keep_even(event: dict[str, Any]) -> None:
        selection.time = event["new"] // 2 * 2

    selection.observe(keep_even, names=["time"])
    page(selection).sent.clear()
    page(selection).receive(change(1, time=5))
    assert page(selection).updates() == [{"time": 4, "_ack": {"client": "page", "seq": 1}}]


def test_only_traits_that_the_page_owns_are_set(page: Page) -> None:
    """The page moves the cursor and picks colours; data and layout are Python's."""
    shown = view()
    before = (shown._layout, shown.title, shown.selection._sizes)
    page(shown).receive(
        change(1, _layout=[], title="x", _kind="store", nonsense=1, cmap="magma", scale="log")
    )
    page(shown.selection).receive(change(1, _sizes={}, _ack=3, comm=None))
    assert (shown._layout, shown.title, shown.selection._sizes) == before
    assert (shown.cmap, shown.scale) == ("magma", "log")
    assert shown._ack == shown.selection._ack == {"client": "page", "seq": 1}


@pytest.mark.parametrize(
    "content",
    [
        None,
        "set",
        [],
        {},
        {"type": "set"},
        {"type": "set", "changes": [1, 2]},
        {"type": "set", "changes": None},
        {"type": ["set"], "changes": {}},
        {"type": "other", "changes": {"time": 1}},
    ],
    ids=repr,
)
def test_malformed_messages_are_ignored(
    content: object, page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    """Noise from the page changes nothing, answers nothing and raises nothing."""
    for widget in (Selection(), view(), PageArrays(Trace.from_arrays({"memory": np.ones((1, 1, 2, 2))}))):
        page(widget).sent.clear()
        page(widget).receive(content)
        assert page(widget).sent == []
    assert caplog.records == []


@pytest.mark.parametrize("value", [99, -1, "3", 1.5, None, [1], {"a": 1}], ids=repr)
def test_a_bad_value_from_the_page_is_ignored_and_answered(
    value: object, page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that is ahead of its data must not wait; the log says what was ignored."""
    selection = view(time=5).selection
    with caplog.at_level(logging.WARNING):
        page(selection).receive(change(4, time=value, slot=2))
    assert (selection.time, selection.slot) == (0, 2)
    assert selection._ack == {"client": "page", "seq": 4}
    assert "Selection ignored what the page sent" in caplog.text


def test_an_observer_that_raises_keeps_nothing_back(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    """The other changes are made, the page is answered, and the error is shown."""
    selection = Selection()

    def fail(_event: object) -> None:
        raise RuntimeError("a reader's mistake")

    selection.observe(fail, names=["time"])
    page(selection).sent.clear()
    page(selection).receive(change(2, time=3, head=1))
    assert (selection.time, selection.head) == (3, 1)
    assert page(selection).updates() == [{"time": 3, "head": 1, "_ack": {"client": "page", "seq": 2}}]
    assert "a reader's mistake" in caplog.text


def test_messages_from_several_threads_are_taken_one_at_a_time(page: Page) -> None:
    """Each is answered once, with its own values: no update mixes two messages."""
    selection = Selection()
    page(selection).sent.clear()
    threads, messages = 4, 50
    start = threading.Barrier(threads)

    def send(worker: int) -> None:
        start.wait()
        for seq in range(messages):
            index = 1 + worker * messages + seq
            page(selection).receive(change(seq, client=str(worker), time=index, head=index))

    workers = [threading.Thread(target=send, args=(worker,)) for worker in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    updates = page(selection).updates()
    assert len(updates) == threads * messages
    for update in updates:
        ack = update["_ack"]
        assert update["time"] == update["head"] == 1 + int(ack["client"]) * messages + ack["seq"]
    assert (selection.time, selection.head) == (updates[-1]["time"], updates[-1]["head"])


@pytest.mark.parametrize("index", [np.int64(2), np.array(2), torch.tensor(2), True + 1], ids=repr)
def test_an_index_may_be_any_integer_that_python_indexes_with(index: object) -> None:
    """``argmax()`` of NumPy and torch can be assigned as it is; the trait holds a plain int."""
    selection = Selection()
    selection.time = index
    assert type(selection.time) is int
    assert selection.time == 2
