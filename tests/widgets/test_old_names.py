"""Old names: each still works, and warns with the new way; none is listed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nsm_widgets
from nsm_widgets import _old_names
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.widgets import LineChart, MemoryView, PageArrays, ReadWriteView

OLD: Any = nsm_widgets.widgets
"""Of which no type checker knows the old options."""
EVEN, AXES = np.full((2, 2), 0.5), ("query", "key")


def memory() -> Trace:
    """Five steps of eight slots."""
    return Trace.from_arrays({"memory": np.random.default_rng(0).normal(size=(5, 1, 8, 4))})


def test_the_holder_of_arrays_in_the_page_goes_by_its_old_name() -> None:
    """Class, option and attribute; the line that is warned of is the reader's."""
    with pytest.warns(FutureWarning, match="TraceStore is nsm_widgets.widgets.PageArrays now") as warned:
        old = nsm_widgets.TraceStore  # type: ignore[attr-defined]
    assert old is PageArrays and warned[0].filename == __file__
    held = PageArrays(memory())
    with pytest.warns(FutureWarning, match="MemoryView: store= is called page_arrays= now") as warned:
        view = MemoryView(held.trace, store=held)  # type: ignore[call-arg]
    assert view.page_arrays is held and warned[0].filename == __file__
    with pytest.warns(FutureWarning, match="MemoryView.store is called page_arrays now") as warned:
        assert view.store is held
    assert warned[0].filename == __file__
    assert "store" not in dir(view)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda: OLD.Heatmap(values=EVEN, dims=AXES, coords={"key": ["a", "b"]}), {"key": "ab"}),
        (
            lambda: OLD.AttentionView(trace=EVEN, x_labels=["a", "b"], y_labels=["c", "d"]),
            {"key": "ab", "query": "cd"},
        ),
        (lambda: OLD.AttentionView(EVEN[None], head_names=["a"]), {"head": "a"}),
        (lambda: OLD.RoutingView(EVEN, ["a", "b"], ["c", "d"]), {"token": "ab", "state": "cd"}),
        (lambda: OLD.RoutingView(trace_or_weights=EVEN, state_labels=["c", "d"]), {"state": "cd"}),
        (
            lambda: OLD.CommunicationView(weights=EVEN, state_labels=["a", "b"]),
            {"state": "ab", "sender": "ab"},
        ),
        (lambda: OLD.ImportanceView(values=np.ones(2), coords={"slot": ["a", "b"]}), {"slot": "ab"}),
        (lambda: OLD.ComparisonView(patterns={"p": EVEN, "q": EVEN}, x_labels=["a", "b"]), {"key": "ab"}),
        (lambda: OLD.LineChart(trace=NamedArray("x", EVEN, ("time", "head"))), {}),
        (lambda: OLD.ViewGroup(trace=memory(), rows=[[partial(MemoryView, memory())]]), {}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_options_go_by_their_old_names(old: Callable[[], Any], new: dict[str, str]) -> None:
    """Each warns on the line where it stands; labels are where they were."""
    with pytest.warns(FutureWarning, match=r"= is called (data|labels)=") as warned:
        view = old()
    ours = [warning for warning in warned if " is called " in str(warning.message)]
    assert {warning.filename for warning in ours} == {__file__}
    array = next(iter(view.trace.values()))
    assert {dim: "".join(array.labels(dim)) for dim in new} == new


def test_old_names_are_in_one_short_table() -> None:
    """With what reads it; and none of them is a name of today."""
    lines = Path(_old_names.__file__).read_text("utf-8").splitlines()
    assert len(lines) <= 80
    old = set(_old_names.CLASSES)
    assert not old & set(dir(nsm_widgets))
    assert {name for name in old if name in dir(nsm_widgets.widgets)} == set(_old_names._MOVED.split())


@pytest.mark.parametrize("name", sorted(_old_names.CLASSES))
def test_names_at_the_top_lead_to_where_they_are_now(name: str) -> None:
    """With a warning that says where."""
    path = _old_names.CLASSES[name][0]
    with pytest.warns(FutureWarning, match=rf"nsm_widgets.{name} is {path} now") as warned:
        old = getattr(nsm_widgets, name)
    module, _, now = path.rpartition(".")
    assert issubclass(old, getattr(import_module(module), now)) and warned[0].filename == __file__


def test_what_never_was_a_name_is_none() -> None:
    """Nor is an attribute."""
    with pytest.raises(AttributeError, match="module 'nsm_widgets' has no attribute 'TraceStor'"):
        _ = nsm_widgets.TraceStor  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="'MemoryView' object has no attribute 'stor'"):
        _ = MemoryView(memory()).stor


def test_views_that_became_one_are_still_made() -> None:
    """By what they were called, as the new one draws them."""
    weights = {"read_weights": np.full((3, 1, 2, 4), 0.25)}
    with pytest.warns(FutureWarning, match=r"ReadWriteView now: ReadWriteView\(data, by='slot'\)"):
        operations = OLD.OperationsView
    with pytest.warns(FutureWarning, match=r"LineChart now: LineChart\(data, statistic=...\)"):
        statistic = OLD.StatisticChart
    new = ReadWriteView(weights, by="slot", title="a")
    assert operations(Trace.from_arrays(weights), title="a")._layout == new._layout
    with pytest.warns(FutureWarning, match="OperationsView|ReadWriteView: memory_slots= is called labels="):
        step = operations.from_weights([[0.5, 0.5]], memory_slots=["a", "b"])
    assert step.trace["read_weights"].labels("slot") == ("a", "b")
    old = statistic(Trace.from_arrays(weights), "entropy", "read_weights", x="head")
    chart = LineChart(weights, "read_weights", statistic="entropy", x="head")
    assert old.controls._layout == chart.controls._layout and isinstance(old, LineChart)
    with pytest.warns(FutureWarning, match=r"MemoryView now: MemoryView\(data, lines=True\)"):
        evolution = OLD.MemoryEvolutionView
    changes = MemoryView(memory(), slots=[2, 5])
    now = [
        new,
        chart,
        changes,
        ReadWriteView(weights),
        LineChart(weights, "read_weights"),
        MemoryView(memory()),
    ]
    for is_old, name in zip(range(3), (operations, statistic, evolution), strict=True):
        assert [isinstance(view, name) for view in now] == [at == is_old for at in range(6)]
    assert isinstance(old, statistic) and isinstance(evolution(memory()), evolution)
    assert not isinstance(3, evolution)
    assert [isinstance(view, MemoryView) for view in now] == [at in (2, 5) for at in range(6)]
    assert evolution(memory(), [2, 5]).slots == changes.slots == (2, 5)
    assert [row[0].array for row in evolution(memory())._shown] == [
        row[0].array for row in MemoryView(memory(), lines=True)._shown
    ]
