"""What has named axes already, of xarray and pandas, given to views as it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nsm_widgets import AttentionView, Heatmap, Trace
from nsm_widgets._errors import AxisError, DtypeError, LabelError
from nsm_widgets.widgets import ComparisonView, MemoryView, RoutingView

THIRDS = np.full((2, 3, 3), 1 / 3, "f4")


def test_a_data_array_brings_its_axes_its_name_and_its_labels() -> None:
    """Dates and other labels go as Trace.from_xarray takes them."""
    usage = xr.DataArray([[0.5, 1.0]], dims=("time", "slot"), coords={"slot": ["a", "b"]}, name="usage")
    view = Heatmap(usage)
    shown = view.trace["usage"]
    assert shown.dims == ("time", "slot")
    assert shown.labels("slot") == ("a", "b")
    assert Heatmap(usage.rename(None)).trace["values"].dims == ("time", "slot")
    assert Heatmap(usage, name="load").trace["load"].values.tolist() == [[0.5, 1.0]]


def test_a_data_frame_brings_its_rows_and_columns() -> None:
    """With the names of its index and its columns, where they name axes; numbers that only count are none."""
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    shown = Heatmap(frame).trace["values"]
    assert shown.dims == ("row", "column")
    assert shown.labels("column") == ("a", "b")
    assert "row" not in shown.coords
    named = frame.set_axis(pd.Index(["x", "y"], name="token")).rename_axis(columns="not an axis")
    shown = Heatmap(named).trace["values"]
    assert shown.dims == ("token", "column")
    assert shown.labels("token") == ("x", "y")
    assert Heatmap(frame.rename_axis("i").rename_axis("i", axis=1)).trace["values"].dims == ("row", "column")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: AttentionView(xr.DataArray(THIRDS, dims=("head", "query", "key"))), "attention"),
        (lambda: AttentionView(xr.DataArray(THIRDS)), "attention"),
        (
            lambda: RoutingView(xr.DataArray(THIRDS, dims=("time", "token", "state"), name="r")),
            "routing_weights",
        ),
        (lambda: RoutingView(xr.DataArray(THIRDS), dims=("time", "token", "state")), "routing_weights"),
        (lambda: ComparisonView(xr.DataArray(THIRDS, dims=("pattern", "query", "key"))), "patterns"),
        (lambda: MemoryView(xr.Dataset({"memory": (("time", "slot", "word"), THIRDS)})), "memory"),
    ],
    ids=["attention", "its axes unnamed", "routing", "axes told", "patterns", "a dataset"],
)
def test_every_view_takes_it(make: Callable[[], Any], name: str) -> None:
    """Under the name that the view looks for, where it is one array; axes that xarray counted are unnamed."""
    assert name in make().trace


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Heatmap(pd.DataFrame({"a": ["x"], "b": [1]})), DtypeError, "select_dtypes"),
        (
            lambda: Heatmap(xr.Dataset({"a": ("slot", [1.0]), "b": ("slot", [2.0])})),
            TypeError,
            "got 2 .a, b.",
        ),
        (lambda: Heatmap(xr.DataArray([[1.0]], dims=("time", "not this"))), AxisError, "not this"),
        (lambda: Heatmap(pd.DataFrame([[1.0]]), dims=("a", "b")), TypeError, "come with a DataFrame"),
    ],
    ids=["text", "several", "no axis name", "named twice"],
)
def test_what_does_not_fit_is_refused(make: Callable[[], Any], error: type[Exception], words: str) -> None:
    """With the rule and the remedy."""
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    ("labels", "wrong"),
    [
        (["a", None, "c"], "None at 1"),
        (["a", "b", 3], "3 at 2"),
        ([1, 2, "c"], "'c' at 2"),
        ([1, math.inf, 3], "inf at 1"),
        ([True, 1, 2], "True at 0"),
    ],
    ids=str,
)
def test_the_label_that_is_wrong_is_named(labels: list[object], wrong: str) -> None:
    """Not the first one, where the others are like it."""
    with pytest.raises(LabelError, match=f"got {wrong}"):
        Trace.from_arrays(
            {"usage": [[1.0, 2.0, 3.0]]}, dims={"usage": ("time", "slot")}, coords={"slot": labels}
        )
