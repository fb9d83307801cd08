"""The way out to xarray."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import xarray

from nsm_widgets._errors import AxisError, DtypeError, LabelError, MissingDependencyError
from nsm_widgets.trace import NamedArray, Trace


def test_every_array_is_in_the_tree_once_and_whole() -> None:
    """Names, axes, values, types, labels and attrs are kept, whatever sizes differ."""
    trace = Trace.from_arrays(
        {
            "memory": np.arange(24, dtype=np.float32).reshape(2, 1, 3, 4),
            "input": np.ones((2, 1, 9)),
            "output": np.ones((2, 1, 8)),
            "read_weights": np.full((2, 1, 4, 3), 1 / 3),
            "read_shift": np.ones((2, 1, 4, 1)),
            "write_weights": np.full((2, 1, 1, 3), 1 / 3),
            "model": [1, 2],
            "other": [1, 2, 3],
        },
        dims={"model": ("head",), "other": ("head",)},
        coords={"slot": ["cat", "dog", "fox"], "read_shift": {"offset": [0]}},
        attrs={"task": "copy", "nested": {"a": [1, None]}},
    )
    tree = trace.to_xarray()
    assert dict(tree.attrs) == trace.attrs
    assert sorted(tree.children) == ["input", "model", "other", "output", "read", "write"]
    found = {name: node.dataset[name] for node in tree.subtree for name in node.dataset.data_vars}
    assert set(found) == set(trace)
    for name, array in trace.items():
        assert found[name].dims == array.dims
        assert found[name].dtype == array.dtype
        assert found[name].attrs == array.attrs
        np.testing.assert_array_equal(found[name].values, array.values)
        assert {dim: found[name].coords[dim].values.tolist() for dim in found[name].coords} == {
            dim: coord.values.tolist() for dim, coord in array.coords.items()
        }
    assert tree["read/read_weights"].sel(slot="dog").shape == (2, 1, 4)


def test_labels_per_batch_item() -> None:
    """Labels that differ per item are a coordinate of two axes, beside the axis."""
    trace = Trace.from_attentions(np.full((2, 1, 2, 2), 0.5), tokens=[["a", "b"], ["c", "\ud800"]])
    attention = trace.to_xarray()["model/attention"]
    assert attention.coords["key_labels"].dims == ("batch", "key")
    assert attention.coords["key_labels"].values.tolist() == [["a", "b"], ["c", "\ud800"]]


def test_arrays_that_disagree_on_labels_are_kept_apart() -> None:
    """No array is given another's labels."""
    one = NamedArray("one", [1.0, 2.0], ("slot",), {"slot": ["a", "b"]})
    other = NamedArray("other", [1.0, 2.0], ("slot",))
    tree = Trace(one, other).to_xarray()
    assert sorted(tree.children) == ["model", "other"]
    assert not tree["other/other"].coords


DTYPES = ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]


def test_there_and_back() -> None:
    """Names, axes, labels of both kinds, attrs and every type come back to the last bit."""
    values = np.array([[0.0, 1.0], [1.0, 0.0]])
    arrays = [NamedArray(f"x{dtype}", values.astype(dtype), ("time", "slot")) for dtype in DTYPES]
    arrays += [
        NamedArray("nan", [[np.nan, -0.0], [np.inf, 1e-300]], ("time", "slot"), {"slot": ["a", "b\0"]}),
        NamedArray("read_weights", np.ones((2, 2, 4, 1)), ("time", "batch", "head", "slot")),
        NamedArray("write_weights", np.ones((2, 2, 1, 1)), ("time", "batch", "head", "slot"), {"head": [7]}),
        NamedArray(
            "attention",
            np.ones((2, 2, 3)),
            ("batch", "query", "key"),
            {"key": [["a", "b", "c"], ["d", "\ud800", ""]], "query": ["x", "y"]},
            {"kind": "attention", "nested": {"a": [1, None]}},
        ),
        NamedArray("scalar", 2.5, ()),
        NamedArray("input", np.ones((2, 2, 9)), ("time", "batch", "channel"), None, {"kind": "signal"}),
    ]
    trace = Trace(*arrays, attrs={"task": "copy", "steps": [1, 2]})
    back = Trace.from_xarray(trace.to_xarray())
    assert back.attrs == trace.attrs
    assert sorted(back) == sorted(trace)
    for name, array in trace.items():
        assert back[name].identical(array), name


def test_a_dataset_or_an_array_of_others() -> None:
    """What was made in xarray is taken, dimension coordinates as labels; other coordinates stay behind."""
    dataset = xarray.Dataset(
        {"memory": (("time", "slot"), np.arange(6, dtype=np.int16).reshape(2, 3), {"unit": "1"})},
        coords={"slot": ["a", "b", "c"], "learning_rate": 0.1, "loss": ("time", [0.5, 0.25])},
        attrs={"run": 4},
    )
    trace = Trace.from_xarray(dataset)
    assert trace.attrs == {"run": 4}
    expected = NamedArray("memory", np.arange(6, dtype=np.int16).reshape(2, 3), ("time", "slot"))
    expected = NamedArray("memory", expected, expected.dims, {"slot": ["a", "b", "c"]}, {"unit": "1"})
    assert trace["memory"].identical(expected)
    chosen = Trace.from_xarray(dataset["memory"].isel(slot=1))
    assert chosen["memory"].values.tolist() == [1, 4]
    assert chosen["memory"].coords == {}
    dataset["memory"].values[:] = 0
    assert trace["memory"].identical(expected)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.ones(3), DtypeError, "takes a DataTree, a Dataset or a DataArray, got ndarray"),
        (xarray.DataArray([1.0], dims="x y", name="a"), AxisError, "'x y' is no axis name"),
        (xarray.DataArray([1.0], dims="slot"), AxisError, "an array's name must be"),
        (xarray.DataArray([1j], dims="slot", name="a"), DtypeError, "must be real"),
        (xarray.DataArray([1.0], {"slot": [np.nan]}, "slot", "a"), LabelError, "all strings, all numbers"),
        (xarray.DataArray([1.0], dims="slot", name="a", attrs={"f": print}), DtypeError, "JSON value"),
        (xarray.DataArray([[1.0]], dims=("slot", "time"), name="a"), AxisError, "time must lead"),
    ],
    ids=["numpy", "axis", "nameless", "complex", "real-labels", "attrs", "time"],
)
def test_what_does_not_fit_a_trace_is_refused(data: object, error: type[Exception], message: str) -> None:
    """The rules of a trace hold, in its words."""
    with pytest.raises(error, match=message):
        Trace.from_xarray(data)


def test_missing_xarray_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xarray the error has the remedy."""
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(MissingDependencyError, match=r"Trace\.to_xarray needs xarray.*pip install xarray"):
        Trace().to_xarray()
    with pytest.raises(MissingDependencyError, match=r"Trace\.from_xarray needs xarray.*pip install xarray"):
        Trace.from_xarray(None)
