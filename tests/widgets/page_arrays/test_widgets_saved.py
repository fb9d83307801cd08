"""What a saved notebook carries of the arrays: bounded for all views of a kernel together, and said."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nsm_widgets import Heatmap, Trace
from nsm_widgets.widgets import MemoryView, PageArrays, Selection
from nsm_widgets.widgets.page_arrays import _page_arrays as _store, _state_room
from nsm_widgets.widgets.page_arrays._state_room import Run, StateRoom, base64_bytes, current_run, limit_from
from tests.widgets.conftest import RecordedComm

Page = Callable[[Any], RecordedComm]
MATRIX = np.zeros((75, 100), np.float32)  # 30,000 bytes: 40,000 in a notebook
FITS_TWICE = "0.08"


@pytest.fixture(autouse=True)
def room_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small room, so that small arrays fill it."""
    monkeypatch.setenv("NSM_WIDGETS_STATE_MB", FITS_TWICE)


@pytest.fixture
def run_cell(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Which cell runs from here on, and for the how-manieth time."""

    def at(cell: str, execution: str) -> None:
        monkeypatch.setattr(_store, "current_run", lambda: Run(cell, execution))

    return at


def heatmap(**options: Any) -> Heatmap:
    return Heatmap(MATRIX, dims=("slot", "word"), **options)


def in_state(store: PageArrays) -> dict[str, int]:
    """Bytes by name, as a notebook would be saved with them now."""
    return {name: len(data) for name, data in store.get_state("_buffers")["_buffers"].items() if len(data)}


def shown(view: Any) -> str:
    """A cell shows the view; returns its summary."""
    text: str = view._repr_mimebundle_()[0]["text/plain"]
    return text


def test_all_stores_share_one_room() -> None:
    """Two matrices fit, the third is left out, a smaller one still fits beside them."""
    views = [heatmap() for _ in range(3)]
    assert [in_state(view.page_arrays) for view in views] == [{"values": 30_000}, {"values": 30_000}, {}]
    assert views[2].page_arrays.saved == ()
    assert views[2].page_arrays.not_saved == {"values": 30_000}


def test_the_first_arrays_of_a_store_that_fit_are_kept() -> None:
    """In the order of the trace; one that is too large does not keep the next out."""
    arrays = {name: np.zeros((n, 100), np.float32) for name, n in (("a", 100), ("b", 100), ("c", 10))}
    store = PageArrays(Trace.from_arrays(arrays, dims=dict.fromkeys(arrays, ("slot", "word"))))
    assert store.saved == ("a", "c")
    assert store.not_saved == {"b": 40_000}
    assert not any(meta["over_budget"] for meta in store._meta)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 29_999, 30_000])
def test_what_is_bounded_is_what_the_file_holds(size: int) -> None:
    """Base64, as the notebook's JSON has it."""
    assert base64_bytes(size) == len(base64.b64encode(bytes(size)))


def test_a_closed_view_gives_its_room_back(page: Page) -> None:
    """And its arrays leave the state with it, also for programs that keep the state of what was closed."""
    first, second = heatmap(), heatmap()
    comm = page(first.page_arrays)
    first.close()
    assert comm.updates()[-1] == {"_buffers": {}}
    assert comm.sent[-2][2] == [b""]
    assert in_state(heatmap().page_arrays) and in_state(second.page_arrays)


def test_an_error_while_a_view_is_made_takes_no_room() -> None:
    """Nobody holds what was never made."""
    for _ in range(5):
        with pytest.raises(ValueError, match="budget_mb"):
            heatmap(budget_mb=-1)
    assert in_state(heatmap().page_arrays) and in_state(heatmap().page_arrays)


def test_a_cell_that_runs_again_replaces_its_own_views(run_cell: Callable[[str, str], None]) -> None:
    """ipywidgets keeps the old ones; they leave the state, however often it runs, and nobody else does."""
    run_cell("other", "0")
    other = heatmap()
    shown(other)
    for execution in "12345":
        run_cell("cell", execution)
        view = heatmap()
        shown(view)
        assert in_state(view.page_arrays) == in_state(other.page_arrays) == {"values": 30_000}


def test_views_of_one_run_do_not_replace_each_other(run_cell: Callable[[str, str], None]) -> None:
    """A cell may show many."""
    run_cell("cell", "1")
    views = [heatmap() for _ in range(2)]
    for view in views:
        shown(view)
    assert all(in_state(view.page_arrays) for view in views)


def test_made_in_one_cell_and_shown_in_another(run_cell: Callable[[str, str], None], page: Page) -> None:
    """The old view stays saved while a cell shows it; the new one joins when it takes its place."""
    run_cell("elsewhere", "0")
    heatmap()
    run_cell("make", "1")
    old = heatmap()
    run_cell("show", "2")
    shown(old)
    run_cell("make", "3")
    new = heatmap()
    assert in_state(old.page_arrays) and not in_state(new.page_arrays)
    run_cell("show", "4")
    assert "not saved" not in shown(new)
    assert in_state(new.page_arrays) and not in_state(old.page_arrays)
    assert page(new.page_arrays).sent[-1][2] == [MATRIX.tobytes()]


def test_outside_of_cells_nothing_is_replaced() -> None:
    """Where no front end names the cell: first come, first served."""
    assert current_run() is None
    views = [heatmap() for _ in range(3)]
    for view in views:
        shown(view)
    assert [bool(in_state(view.page_arrays)) for view in views] == [True, True, False]


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ({"header": {"msg_id": "m"}, "metadata": {"cellId": "c"}}, Run("c", "m")),
        ({"header": {"msg_id": "m"}, "metadata": {}}, None),
        ({"header": {}, "metadata": {"cellId": "c"}}, None),
        ({"header": {"msg_id": "m"}, "metadata": {"cellId": 3}}, None),
        ({}, None),
    ],
    ids=["a cell", "no cell", "no message", "no name", "nothing"],
)
def test_the_running_cell(monkeypatch: pytest.MonkeyPatch, parent: Any, expected: Run | None) -> None:
    """Found in the request that the kernel answers."""

    class Shell:
        def get_parent(self) -> Any:
            return parent

    monkeypatch.setattr(_state_room, "get_ipython", Shell)
    assert current_run() == expected


def test_the_summary_says_what_is_left_out() -> None:
    """Only where something is; names, and megabytes as they cross to the page."""
    first = heatmap(name="first")
    trace = Trace.from_arrays({"memory": np.zeros((10, 1, 15, 30))})
    partly = MemoryView(trace)
    none = heatmap(name="late", budget_mb=0)
    assert "saved with" not in shown(first)
    assert shown(partly).splitlines()[-1] == (
        "saved with the notebook: memory_change · not saved: memory (0.036 MB)"
    )
    assert shown(none).splitlines()[-1] == "not saved with the notebook: late (0.03 MB)"


def test_half_precision_is_counted_as_it_travels() -> None:
    """float16 crosses as float32."""
    for _ in range(2):
        heatmap()
    view = Heatmap(np.zeros((5, 100), np.float16), dims=("slot", "word"))
    assert view.page_arrays.not_saved == {"values": 2_000}


def test_the_page_is_told_the_limit(page: Page) -> None:
    """To say it on screen."""
    (_, opening, _), *_ = page(heatmap().page_arrays).sent
    assert opening["state"]["_state_mb"] == 0.08
    json.dumps(opening["state"])


def test_a_limit_of_zero_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a saved notebook has pictures only."""
    monkeypatch.setenv("NSM_WIDGETS_STATE_MB", "0")
    assert heatmap().page_arrays.saved == ()


def test_the_limit_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the first store is made."""
    heatmap()
    monkeypatch.setenv("NSM_WIDGETS_STATE_MB", "100")
    assert heatmap().page_arrays._state_mb == 0.08


@pytest.mark.parametrize(
    ("text", "limit"), [(None, 8.0), ("", 8.0), ("0", 0.0), ("2.5", 2.5), (" 1e3 ", 1000.0)], ids=repr
)
def test_limits(text: str | None, limit: float) -> None:
    """Megabytes; 8 by default."""
    assert limit_from(text) == limit


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "8 MB", "eight"])
def test_what_is_no_limit_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With the variable's name, the rule, the value, and the way out; mended, it works."""
    monkeypatch.setenv("NSM_WIDGETS_STATE_MB", text)
    with pytest.raises(
        ValueError,
        match="the environment variable NSM_WIDGETS_STATE_MB must be a number of at least 0, in megabytes, "
        f"got '{text}'. Unset it for the default of 8.",
    ):
        heatmap()
    monkeypatch.delenv("NSM_WIDGETS_STATE_MB")
    assert heatmap().page_arrays.saved == ("values",)


def test_a_room_knows_no_widgets() -> None:
    """Any holder; whoever is gone gives back what it had."""

    class Holder:
        pass

    room, gone = StateRoom(0.001), Holder()
    assert room.take(gone, {"x": 750}) == ["x"]
    assert room.take(Holder(), {"x": 1}) == []
    del gone
    assert room.take(Holder(), {"x": 750}) == ["x"]


def test_a_closed_store_takes_no_room_any_more() -> None:
    """Not even when a view that reads from it is shown again."""
    store = heatmap().page_arrays
    view = Heatmap(store.trace["values"], page_arrays=store)
    store.close()
    shown(view)
    assert in_state(heatmap().page_arrays) and in_state(heatmap().page_arrays)


def test_shared_stores_count_once() -> None:
    """Views that are given a store take no more room."""
    first = heatmap()
    Heatmap(first.trace["values"], page_arrays=first.page_arrays, selection=Selection())
    assert in_state(heatmap().page_arrays)
