"""What views take as ``data``, and ``labels`` and ``dims`` beside it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from nsm_widgets._errors import LabelError
from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from nsm_widgets.widgets import (
    AttentionView,
    CommunicationView,
    Heatmap,
    ImportanceView,
    LineChart,
    MemoryView,
    NTMExplorer,
    ReadWriteView,
    RoutingView,
)

EVEN = np.full((3, 3), 1 / 3)
OF_ONE: dict[Any, tuple[str, tuple[str, ...]]] = {
    AttentionView: ("attention", ("query", "key")),
    RoutingView: ("routing_weights", ("token", "state")),
    CommunicationView: ("communication_weights", ("state", "sender")),
    MemoryView: ("memory", ("slot", "word")),
    Heatmap: ("values", ("row", "column")),
}
"""Views of one array: what it is called, and its last two axes."""

KINDS: dict[str, Callable[[str, tuple[str, ...]], Any]] = {
    "trace": lambda name, dims: Trace(NamedArray(name, EVEN, dims)),
    "recorder": lambda name, dims: recorded(Trace(NamedArray(name, EVEN, dims))),
    "named array": lambda name, dims: NamedArray(name, EVEN, dims),
    "tensor": lambda name, dims: torch.tensor(EVEN),
    "array": lambda name, dims: EVEN,
    "list": lambda name, dims: EVEN.tolist(),
    "DataArray": lambda name, dims: xr.DataArray(EVEN, dims=dims, name=name),
    "DataFrame": lambda name, dims: pd.DataFrame(EVEN),
}


def recorded(trace: Trace) -> TraceRecorder:
    """A recorder whose block is over."""
    recorder = TraceRecorder(torch.nn.Identity())
    recorder.__dict__["trace"] = trace
    return recorder


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "recorder"])
@pytest.mark.parametrize("view", OF_ONE, ids=lambda view: view.__name__)
def test_one_array_is_taken_however_it_comes(view: Any, kind: str) -> None:
    """It has the axes that the view draws, and labels."""
    name, dims = OF_ONE[view]
    named = {"dims": dims} if view is Heatmap and kind in ("tensor", "array", "list") else {}
    shown = view(KINDS[kind](name, dims), labels={dims[1]: ["a", "b", "c"]}, **named)
    array = shown.trace[name]
    assert array.dims[-2:] == dims and np.allclose(array.values, EVEN)
    assert array.labels(dims[1]) == ("a", "b", "c")


@pytest.mark.parametrize("view", [view for view in OF_ONE if view is not Heatmap], ids=lambda v: v.__name__)
def test_axes_of_a_tensor_may_be_named(view: Any) -> None:
    """As a slider needs them."""
    name, dims = OF_ONE[view]
    shown = view(np.stack([EVEN, EVEN]), dims=("batch", *dims))
    assert shown.trace[name].dims == ("batch", *dims)


def test_arrays_come_by_name() -> None:
    """For views of several arrays."""
    arrays = {"memory": np.zeros((4, 1, 8, 2)), "read_weights": np.full((4, 1, 1, 8), 1 / 8)}
    for view in (NTMExplorer, MemoryView, ReadWriteView):
        assert set(arrays) <= set(view(arrays, labels={"slot": range(8)}).trace)


def test_charts_take_arrays_and_frames() -> None:
    """Losses of an epoch; a line for each column; scores of slots."""
    assert LineChart([3.0, 2.0, 1.0]).lines.y.tolist() == [3.0, 2.0, 1.0]
    frame = pd.DataFrame({"train": [3.0, 2.0, 1.0], "test": [4.0, 3.0, 3.5]})
    assert LineChart(frame, x="row").lines.y.shape == (2, 3)
    scores = pd.Series([0.5, 1.0], index=["first", "second"], name="importance")
    assert ImportanceView(scores).trace["importance"].labels("slot") == ("first", "second")


def test_labels_go_on_every_array_that_is_as_long() -> None:
    """Four read heads and one write head have an axis of one name."""
    arrays = {"read_weights": np.full((2, 1, 4, 8), 1 / 8), "write_weights": np.full((2, 1, 1, 8), 1 / 8)}
    trace = ReadWriteView(arrays, labels={"head": list("abcd"), "slot": range(10, 18)}).trace
    assert trace["read_weights"].labels("head") == tuple("abcd")
    assert trace["write_weights"].labels("head") == ("0",)
    assert trace["write_weights"].labels("slot")[0] == "10"
    with pytest.raises(LabelError, match="labels must map axes to lists of labels, got list"):
        ReadWriteView(arrays, labels=["a"])  # type: ignore[arg-type]


LABELS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "dates": ([datetime.date(2024, 1, 31), datetime.date(2024, 2, 1)], ("2024-01-31", "2024-02-01")),
    "midnights": (np.array(["2024-01-31", "2024-02-01"], "datetime64[ns]"), ("2024-01-31", "2024-02-01")),
    "times": (
        [datetime.datetime(2024, 1, 31, 9, 30), np.datetime64("2024-02-01")],
        ("2024-01-31 09:30", "2024-02-01 00:00"),
    ),
    "pandas": (
        pd.date_range("2024-01-31", periods=2, freq="12h"),
        ("2024-01-31 00:00", "2024-01-31 12:00"),
    ),
    "months": (np.array(["2024-01", "2024-02"], "datetime64[M]"), ("2024-01-01", "2024-02-01")),
    "zones": (
        [datetime.datetime(2024, 1, 31, tzinfo=datetime.UTC)] * 2,
        ("2024-01-31 00:00+00:00", "2024-01-31 00:00+00:00"),
    ),
    "floats": ([0.1, 0.1 + 0.2], ("0.1", "0.3")),
    "floats that differ in their last digit": ([0.3, 0.1 + 0.2], ("0.3", "0.30000000000000004")),
    "float32": (np.array([0.1, 2], "f4"), ("0.1", "2")),
    "both": ([1, 2.5], ("1", "2.5")),
    "tensor": (torch.tensor([1e-5, 0.5]), ("1e-05", "0.5")),
}


@pytest.mark.parametrize(("given", "shown"), LABELS.values(), ids=LABELS)
def test_labels_may_be_dates_and_numbers(given: Any, shown: tuple[str, ...], tmp_path: Any) -> None:
    """They are kept as the text that is shown, in pictures, CSV and files."""
    view = Heatmap(np.eye(2), dims=("query", "key"), labels={"key": given})
    array = view.trace["values"]
    assert array.labels("key") == shown
    assert f'"{shown[0]}"' in str(view.to_csv()) or f",{shown[0]}," in str(view.to_csv())
    drawn = view.savefig(tmp_path / "a.svg").read_text("utf-8")
    assert shown[0] in drawn or f"{shown[0][:12]}…" in drawn
    assert Trace.open(Trace(array).save(tmp_path / "a.nsm"))["values"].labels("key") == shown
    assert Trace.open(Trace(array).to_zarr(tmp_path / "a.zarr"))["values"].labels("key") == shown


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ([0.5, float("nan")], "got nan at 1"),
        ([datetime.date(2024, 1, 31), None], "got None at 1"),
        (np.array(["2024-01-31", "NaT"], "datetime64[s]"), "got None at 1"),
        ([datetime.date(2024, 1, 31), 3], "got 3 at 1"),
        ([0.5, "a"], "got 'a' at 1"),
        ([0.5, True], "got True at 1"),
    ],
    ids=str,
)
def test_the_label_that_is_wrong_is_named(given: Any, wrong: str) -> None:
    """All of a list are of one kind."""
    with pytest.raises(
        LabelError, match=r"must be all strings, all numbers \(of 64 bits\) or all dates, " + wrong
    ):
        Heatmap(np.eye(2), dims=("query", "key"), labels={"key": given})
