"""Masks travel with their array: given by hand, cut, saved, turned over to xarray and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets._errors import AxisError, LabelError, TraceFileError
from nsm_widgets.trace import Coord, NamedArray, Trace

DIMS = ("layer", "batch", "head", "query", "key")
TOKENS = [[1, 1, 1, 0], [0, 1, 1, 1]]
WEIGHTS = np.full((2, 2, 3, 4, 4), 0.25)


def padded(**more: Any) -> NamedArray:
    coords = {"query_mask": TOKENS, "key_mask": TOKENS, "key": list("abcd"), **more}
    return NamedArray("attention", WEIGHTS, DIMS, coords, {"kind": "attention"})


def by_hand(array: NamedArray) -> np.ndarray:
    """Cell by cell: both the query and the key must be tokens."""
    counts = np.zeros(WEIGHTS.shape, bool)
    for _, batch, _, query, key in (index for index in np.ndindex(*WEIGHTS.shape)):
        counts[:, batch, :, query, key] = TOKENS[batch][query] and TOKENS[batch][key]
    return counts


def test_masks_of_axes_make_one_of_the_array() -> None:
    """A value counts where every mask says so; the whole is a view that nobody can write to."""
    mask = padded().mask
    assert mask is not None and not mask.flags.writeable
    np.testing.assert_array_equal(mask, by_hand(padded()))
    assert NamedArray("attention", WEIGHTS, DIMS).mask is None
    assert "key_mask: 2 of 8 do not count" in repr(padded())


def test_a_mask_of_cells() -> None:
    """Two axes are the last ones; with names it may have any of the array's."""
    causal = np.tri(4, dtype=bool)
    mask = padded(mask=causal).mask
    np.testing.assert_array_equal(mask, by_hand(padded()) & causal)
    of_heads = np.arange(3 * 4).reshape(3, 4) % 2 == 0
    named = NamedArray("attention", WEIGHTS, DIMS, {"mask": Coord(("head", "key"), of_heads)})
    np.testing.assert_array_equal(named.mask[1, 0, :, 2], of_heads)  # type: ignore[index]


def test_isel_cuts_masks_as_it_cuts_values() -> None:
    """An item of the batch keeps its own mask; a key that is gone leaves what it said of the items."""
    array = padded(mask=np.tri(4, dtype=bool))
    for chosen in (
        {"batch": 1},
        {"batch": [1]},
        {"key": slice(1, 3), "query": [3, 0]},
        {"key": 0},
        {"layer": 0},
    ):
        whole = NamedArray("attention", array.mask, DIMS).isel(**chosen)
        mask = array.isel(**chosen).mask
        np.testing.assert_array_equal(mask, whole.values)
    assert array.isel(batch=1).coords["key_mask"].dims == ("key",)
    assert array.isel(batch=1, key=0, query=0).coords.keys() == set()


def test_masks_are_saved_and_opened(tmp_path: Path) -> None:
    """In a file and in a store, bit by bit."""
    trace = Trace(padded(mask=np.tri(4, dtype=bool)))
    opened = Trace.open(trace.save(tmp_path / "trace.nsm"))
    assert opened.identical(trace)
    stored = Trace.open(trace.to_zarr(tmp_path / "store"))
    for array in (opened["attention"], stored["attention"]):
        np.testing.assert_array_equal(array.mask, trace["attention"].mask)
        assert {name: coord.dims for name, coord in array.coords.items()} == {
            name: coord.dims for name, coord in trace["attention"].coords.items()
        }


@pytest.mark.parametrize(
    "rows", [["1100"], ["11", "00"], ["11000", "11111"], [1100, 1111], "11001111", ["11x0"] * 2]
)
def test_a_damaged_mask_is_refused(tmp_path: Path, rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no row of 0 and 1 for each place is no mask."""
    monkeypatch.setattr("nsm_widgets.trace.arrays._mask.pack_mask", lambda coord: rows)
    path = Trace(NamedArray("a", WEIGHTS, DIMS, {"key_mask": TOKENS})).save(tmp_path / "trace.nsm")
    with pytest.raises(TraceFileError, match="key_mask"):
        Trace.open(path)


def test_masks_go_to_xarray_and_come_back() -> None:
    """As coordinates of their names; an array without the mask beside it gets none."""
    plain = NamedArray("other", WEIGHTS[0], DIMS[1:], None, {"kind": "attention"})
    trace = Trace(padded(), plain)
    tree = trace.to_xarray()
    back = Trace.from_xarray(tree)
    assert back["attention"].coords.keys() == padded().coords.keys()
    np.testing.assert_array_equal(back["attention"].mask, by_hand(padded()))
    assert back["other"].mask is None
    assert tree["model/attention"].coords["key_mask"].dims == ("batch", "key")


def test_masks_along_time_go_with_their_iterations() -> None:
    """``iteration`` and ``by_iteration`` cut them as they cut values."""
    told = {"numbers": [0, 4], "steps": [2, 2], "seen": 5, "left_out": {}}
    flags = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 1]], bool)
    weights = NamedArray(
        "routing_weights", np.full((4, 3, 2), 0.5), ("time", "token", "state"),
        {"token_mask": Coord(("time", "token"), flags)},
    )  # fmt: skip
    trace = Trace(weights, attrs={"iterations": told})
    np.testing.assert_array_equal(
        trace.iteration(4)["routing_weights"].coords["token_mask"].values, flags[2:]
    )
    beside = trace.by_iteration()["routing_weights"].coords["token_mask"]
    assert beside.dims == ("iteration", "time", "token")
    np.testing.assert_array_equal(beside.values, flags.reshape(2, 2, 3))


def test_masks_are_given_by_hand() -> None:
    """From a tokenizer's integers, from a tensor, to every array that has the axis."""
    trace = Trace.from_arrays(
        {"attention": WEIGHTS, "scores": WEIGHTS[0, 0]},
        dims={"scores": ("head", "query", "key")},
        coords={"attention": {"key_mask": torch.tensor(TOKENS)}, "query_mask": [1, 1, 1, 0]},
    )
    assert trace["attention"].coords["key_mask"].values.dtype == bool
    assert trace["attention"].coords["query_mask"].dims == ("query",)
    assert list(trace["scores"].coords) == ["query_mask"]


@pytest.mark.parametrize(
    ("coords", "error", "message"),
    [
        ({"slot_mask": [1]}, AxisError, r"no axis 'slot'"),
        ({"key_mask": [1, 1]}, LabelError, r"key_mask must be \(key: 4\), got shape \(2,\)"),
        ({"key_mask": [[1, 1], [1]]}, LabelError, r"key_mask must be one array"),
        ({"key_mask": [0.0, -np.inf, 0.0, 0.0]}, LabelError, r"got float64.*additive mask\? Pass mask == 0"),
        ({"key_mask": [2, 1, 1, 1]}, LabelError, r"True \(or 1\) where a value counts"),
        ({"mask": np.ones((2, 4, 4), bool)}, LabelError, r"mask must have some of the axes.*Name them"),
        ({"mask": Coord(("key", "query"), np.ones((4, 4), bool))}, LabelError, r"in that order"),
        ({"mask": Coord(("slot",), np.ones(4, bool))}, LabelError, r"some of the axes"),
    ],
    ids=["axis", "few", "ragged", "additive", "two", "unnamed", "turned", "foreign"],
)
def test_a_mask_that_does_not_fit_is_refused(coords: Any, error: type[Exception], message: str) -> None:
    """With what it must be."""
    with pytest.raises(error, match=message):
        NamedArray("attention", WEIGHTS, DIMS, coords)
