"""The way out to xarray."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from nsm_widgets._errors import MissingDependencyError
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


def test_missing_xarray_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xarray the error has the remedy."""
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(MissingDependencyError, match=r"Trace\.to_xarray needs xarray.*pip install xarray"):
        Trace().to_xarray()
