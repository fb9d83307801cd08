"""Named arrays: axes, labels, selection."""

from __future__ import annotations

import copy
import math
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from nsm_widgets._axes import AXES, check_dims
from nsm_widgets._errors import AxisError, DtypeError, LabelError, SelectionError, ShapeError
from nsm_widgets.trace import Coord, NamedArray

MEMORY = NamedArray(
    "memory",
    np.arange(24.0).reshape(2, 3, 4),
    dims=("batch", "slot", "word"),
    coords={"slot": ["cat", "dog", "fox"], "word": [["a", "b", "c", "d"], ["e", "f", "g", "h"]]},
    attrs={"kind": "content"},
)


def make(**changes: object) -> NamedArray:
    """A small valid array with something changed."""
    arguments = {"name": "x", "values": np.ones((2, 3)), "dims": ("time", "slot"), **changes}
    return NamedArray(**arguments)


def test_properties() -> None:
    """Shape, type and sizes are those of the values."""
    assert MEMORY.shape == (2, 3, 4)
    assert MEMORY.ndim == 3
    assert MEMORY.dtype == np.float64
    assert MEMORY.sizes == {"batch": 2, "slot": 3, "word": 4}
    assert np.asarray(MEMORY).sum() == np.arange(24.0).sum()


def test_repr_tells_range_and_what_is_not_finite() -> None:
    """NaN and infinities are counted, the range is that of the rest."""
    array = make(values=[[1.0, np.nan, 3.0], [np.inf, np.nan, -2.5]])
    assert repr(array) == "<NamedArray x (time: 2, slot: 3) float64, -2.5 to 3, 2 NaN, 1 infinite>"
    assert repr(make(values=np.full((2, 3), np.nan))).endswith("no finite value, 6 NaN>")
    assert repr(make(values=np.array([[1, 2, 3], [4, 5, 250]], np.uint8))).endswith("uint8, 1 to 250>")
    assert "  slot: 'cat', 'dog', 'fox'" in repr(MEMORY)


def test_is_never_changed() -> None:
    """Values, fields, attrs and coords refuse to be changed."""
    with pytest.raises(ValueError, match="read-only"):
        MEMORY.values[0, 0, 0] = 1
    with pytest.raises(FrozenInstanceError, match="NamedArray is never changed"):
        MEMORY.name = "other"
    with pytest.raises(FrozenInstanceError, match="NamedArray is never changed"):
        del MEMORY.dims
    with pytest.raises(TypeError, match="read-only"):
        MEMORY.attrs["kind"] = "weights"
    with pytest.raises(TypeError, match="read-only"):
        MEMORY.coords.clear()
    with pytest.raises(ValueError, match="read-only"):
        MEMORY.coords["slot"].values[0] = "x"


def test_what_only_the_values_have_is_told() -> None:
    """No other slip gets the hint."""
    with pytest.raises(AttributeError, match=r"no attribute 'argmax'. Its values have: array.values.argmax."):
        MEMORY.argmax()  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"no attribute 'label'.$"):
        MEMORY.label  # type: ignore[attr-defined] # noqa: B018
    assert not hasattr(MEMORY, "__array_interface__")


def test_changing_the_source_changes_nothing() -> None:
    """Values, labels and attrs are copied."""
    values, labels, attrs = torch.ones(2, 3), ["a", "b", "c"], {"lengths": [1, 2]}
    array = make(values=values, coords={"slot": labels}, attrs=attrs)
    values.zero_()
    labels[0] = "z"
    attrs["lengths"].append(3)
    assert array.values.min() == 1
    assert array.labels("slot") == ("a", "b", "c")
    assert array.attrs == {"lengths": [1, 2]}


@pytest.mark.parametrize("clone", [copy.deepcopy, copy.copy, lambda a: pickle.loads(pickle.dumps(a))])
def test_copies_are_whole_and_read_only(clone: object) -> None:
    """Copying and sending to another process keep everything, and the copy is as closed as the original."""
    twin = clone(MEMORY)  # type: ignore[operator]
    assert twin.identical(MEMORY)
    assert not twin.values.flags.writeable


def test_labels() -> None:
    """Labels are strings; per batch item where they differ; numbers where there are none."""
    assert MEMORY.labels("slot") == ("cat", "dog", "fox")
    assert MEMORY.labels("word", batch=1) == ("e", "f", "g", "h")
    assert MEMORY.labels("word", batch=-1) == ("e", "f", "g", "h")
    assert MEMORY.labels("batch") == ("0", "1")
    assert make(coords={"slot": [-1, 0, 1]}).labels("slot") == ("-1", "0", "1")


@pytest.mark.parametrize(
    "label", ["a\ud800", "\udc00", "\ud83d\ude00", "nul\0", "\0", "", " ", "é😀", "<script>", "\n"], ids=ascii
)
def test_any_label_is_stored_untouched(label: str) -> None:
    """The stored label is the one given; what is shown has U+FFFD for each lone surrogate."""
    array = make(coords={"slot": ["x", label, "y"]})
    assert array.coords["slot"].values.tolist()[1] == label
    shown = array.labels("slot")[1]
    assert shown == "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in label)
    shown.encode()


@pytest.mark.parametrize(
    "labels",
    [
        ("a", "b", "c"),
        np.array(["a", "b", "c"]),
        [np.str_("a"), "b", "c"],
        Coord(("slot",), np.array(list("abc"))),
    ],
    ids=["tuple", "array", "numpy-strings", "coord"],
)
def test_label_forms(labels: object) -> None:
    """Labels come as any flat sequence of strings."""
    assert make(coords={"slot": labels}).labels("slot") == ("a", "b", "c")


def test_integer_labels() -> None:
    """Token numbers stay integers, also from a tensor."""
    for labels in (torch.tensor([5, 6, 7]), np.array([5, 6, 7], np.uint8), range(5, 8)):
        coord = make(coords={"slot": labels}).coords["slot"]
        assert coord.values.dtype == np.int64
        assert coord.values.tolist() == [5, 6, 7]


BAD = {
    "unknown-axis": (
        {"dims": ("time", "my slot")},
        AxisError,
        r"x: 'my slot' is no axis name: it must be an identifier, .*\. Did you mean 'my_slot'\?",
    ),
    "no-near-axis": (
        {"dims": ("time", "3")},
        AxisError,
        r"x: '3' is no axis name: it must be an identifier, such as 'slot' or 'expert'\.$",
    ),
    "repeated-axis": ({"dims": ("slot", "slot")}, AxisError, r"axis 'slot' is repeated in \(slot, slot\)"),
    "wrong-rank": (
        {"dims": ("time",)},
        ShapeError,
        r"x must have one name per axis, got 1 names \(time\) for 2 axes",
    ),
    "dims-string": ({"dims": "time"}, AxisError, r"dims must be a sequence of axis names, got 'time'"),
    "dims-none": ({"dims": None}, AxisError, r"dims must be a sequence of axis names, got None"),
    "dims-numbers": ({"dims": (0, 1)}, AxisError, r"0 is no axis name"),
    "name-slash": ({"name": "../x"}, AxisError, r"name must be a printable str .* without '/', got '\.\./x'"),
    "name-dots": ({"name": ".."}, AxisError, r"name must be a printable str"),
    "name-empty": ({"name": ""}, AxisError, r"name must be a printable str of 1 to 128 characters"),
    "name-number": ({"name": 3}, AxisError, r"name must be a printable str .* got 3"),
    "name-surrogate": ({"name": "\ud800"}, AxisError, r"name must be a printable str"),
    "few-labels": (
        {"coords": {"slot": ["a"]}},
        LabelError,
        r"x must have 3 labels for 'slot', got 1\. Give each",
    ),
    "many-labels": (
        {"coords": {"slot": list("abcd")}},
        LabelError,
        r"x must have 3 labels for 'slot', got 4",
    ),
    "no-labels": (
        {"coords": {"slot": []}},
        LabelError,
        r"labels of 'slot' must not be empty, 3 for an axis of size 3",
    ),
    "label-string": (
        {"coords": {"slot": "abc"}},
        LabelError,
        r"must be a list of strings, numbers or dates, .* got 'abc'",
    ),
    "label-none": (
        {"coords": {"slot": None}},
        LabelError,
        r"must be a list of strings, numbers or dates, .* got None",
    ),
    "label-number": (
        {"coords": {"slot": 5}},
        LabelError,
        r"must be a list of strings, numbers or dates, .* got 5",
    ),
    "label-mix": (
        {"coords": {"slot": ["a", 1, "c"]}},
        LabelError,
        r"must be all strings, .*got 1 at 1",
    ),
    "label-nan": ({"coords": {"slot": [0, math.nan, 2]}}, LabelError, r"of 64 bits\) .*, got nan at 1"),
    "label-bool": (
        {"coords": {"slot": [0, True, 2]}},
        LabelError,
        r"all numbers \(of 64 bits\) .*, got True at 1",
    ),
    "label-big": ({"coords": {"slot": [0, 2**63, 2]}}, LabelError, r"all numbers \(of 64 bits\)"),
    "label-axis": (
        {"coords": {"slots": list("abc")}},
        AxisError,
        r"x has no axis 'slots'.*Did you mean 'slot'",
    ),
    "label-lists": (
        {"coords": {"slot": [list("abc")] * 2}},
        LabelError,
        r"per batch item needs a batch axis",
    ),
    "label-ragged": (
        {"coords": {"slot": [list("abc"), ["a"]]}},
        LabelError,
        r"batch item 1 has 1 labels, item 0 has 3",
    ),
    "label-3d": ({"coords": {"slot": [[["a"]]]}}, LabelError, r"must be all strings, all numbers"),
    "coords-list": ({"coords": ["a"]}, LabelError, r"coords must map axis names to labels, got list"),
    "attrs-list": ({"attrs": [1]}, DtypeError, r"x: attrs must be a mapping, got list"),
    "attrs-nan": (
        {"attrs": {"loss": float("nan")}},
        DtypeError,
        r"attrs\['loss'\] must be a JSON value.*float: nan",
    ),
    "attrs-array": (
        {"attrs": {"a": [np.ones(2)]}},
        DtypeError,
        r"attrs\['a'\]\[0\] must be a JSON value.*ndarray",
    ),
    "attrs-key": ({"attrs": {"a": {1: 2}}}, DtypeError, r"attrs\['a'\] must have names of type str, got 1"),
    "attrs-int": ({"attrs": {"a": 2**64}}, DtypeError, r"must be a JSON value"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_refused(case: tuple[Any, ...]) -> None:
    """What does not fit is refused with name, rule, value and remedy."""
    changes, error, message = case
    with pytest.raises(error, match=message):
        make(**changes)


def test_attrs_too_deep_are_refused() -> None:
    """Nesting has an end, so that no reader of a file runs out of stack."""
    value: list[Any] = []
    for _ in range(40):
        value = [value]
    with pytest.raises(DtypeError, match="at most 32 deep"):
        make(attrs={"a": value})


def test_numpy_numbers_in_attrs_become_plain() -> None:
    """Attrs hold Python's own types, tuples as lists."""
    attrs = make(attrs={"a": np.float32(0.5), "b": (np.int64(3), True), "c": {"d": None}}).attrs
    assert attrs == {"a": 0.5, "b": [3, True], "c": {"d": None}}
    assert type(attrs["a"]) is float


def test_axis_names_have_a_meaning() -> None:
    """Every axis has a line that says what a step along it is."""
    assert all(axis.means for axis in AXES.values())
    assert check_dims(tuple(AXES), len(AXES), "x") == tuple(AXES)


SELECTIONS = {
    "int": {"slot": 1},
    "negative": {"slot": -1},
    "numpy-int": {"slot": np.int64(2)},
    "tensor-int": {"slot": torch.tensor(2)},
    "slice": {"word": slice(1, 3)},
    "reversed": {"word": slice(None, None, -1)},
    "list": {"word": [3, 0, 0]},
    "range": {"word": range(2)},
    "array": {"word": np.array([1, -1])},
    "all-ints": {"batch": 1, "slot": 2, "word": 3},
    "two-lists": {"batch": [1, 0], "word": [0, 2, 3]},
    "nothing": {},
}


@pytest.mark.parametrize("indexers", SELECTIONS.values(), ids=SELECTIONS)
def test_isel_takes_values_and_labels_together(indexers: dict[str, Any]) -> None:
    """Each kept cell has the value and the labels it had before."""
    selected = MEMORY.isel(**indexers)
    values = MEMORY.values
    kept: dict[str, list[int]] = {}
    for dim, size in MEMORY.sizes.items():
        index = np.arange(size)[indexers[dim] if dim in indexers else slice(None)]
        kept[dim] = np.atleast_1d(index).tolist()
    values = values[np.ix_(*kept.values())].reshape(selected.shape)
    np.testing.assert_array_equal(selected.values, values)
    assert not selected.values.flags.writeable
    for dim in selected.dims:
        for batch in range(selected.sizes.get("batch", 1)):
            labels = MEMORY.labels(dim, kept["batch"][batch])
            if dim in MEMORY.coords:
                assert selected.labels(dim, batch) == tuple(labels[index] for index in kept[dim])


BAD_SELECTIONS = {
    "too-large": ({"slot": 3}, SelectionError, r"memory: slot must lie in \[0, 2\], got 3"),
    "too-small": ({"slot": -4}, SelectionError, r"memory: slot must lie in \[0, 2\], got -4"),
    "in-list": ({"slot": [0, 5]}, SelectionError, r"slot must lie in \[0, 2\], got 5"),
    "float": (
        {"slot": 1.0},
        SelectionError,
        r"slot must be an int, a slice or a list of ints, got float: 1\.0",
    ),
    "none": ({"slot": None}, SelectionError, r"slot must be an int.*got NoneType"),
    "text": ({"slot": "cat"}, SelectionError, r"slot must be an int.*got str"),
    "bool": (
        {"slot": True},
        SelectionError,
        r"slot is selected by index, got True\. A mask\? Pass np\.flatnonzero",
    ),
    "mask": ({"slot": np.ones(3, bool)}, SelectionError, r"A mask\? Pass np\.flatnonzero"),
    "float-slice": ({"slot": slice(0.5, 2)}, SelectionError, r"is no slice of integers"),
    "zero-step": ({"slot": slice(0, 2, 0)}, SelectionError, r"is no slice of integers"),
    "empty-slice": ({"slot": slice(2, 2)}, ShapeError, r"selects nothing of 3"),
    "empty-list": ({"slot": []}, ShapeError, r"selects nothing"),
    "matrix": (
        {"slot": np.zeros((2, 2), int)},
        SelectionError,
        r"slot must be an int, a slice or a list of ints",
    ),
    "other-axis": ({"time": 0}, AxisError, r"memory has no axis 'time', it has \(batch, slot, word\)"),
    "typing-slip": ({"slots": 0}, AxisError, r"memory has no axis 'slots'.*Did you mean 'slot'"),
}


@pytest.mark.parametrize("case", BAD_SELECTIONS.values(), ids=BAD_SELECTIONS)
def test_isel_refuses(case: tuple[Any, ...]) -> None:
    """A selection outside the axis is refused, never bent."""
    indexers, error, message = case
    with pytest.raises(error, match=message):
        MEMORY.isel(**indexers)


def test_labels_of_a_missing_batch_item_are_refused() -> None:
    """Labels per batch item are selected as strictly as values."""
    with pytest.raises(SelectionError, match=r"batch must lie in \[0, 1\], got 2"):
        MEMORY.labels("word", batch=2)


@given(st.data())
def test_isel_is_numpy_indexing(data: st.DataObject) -> None:
    """Any mix of ints, slices and lists selects what NumPy selects axis by axis."""
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    dims = data.draw(st.permutations(list(AXES)))[: len(shape)]
    values = np.arange(np.prod(shape)).reshape(shape)
    array = NamedArray("x", values, dims)
    expected, indexers = values, {}
    for axis in reversed(range(len(shape))):
        size = shape[axis]
        index = st.integers(-size, size - 1)
        chosen = data.draw(st.one_of(st.none(), index, st.lists(index, min_size=1), st.slices(size)))
        if chosen is None or (isinstance(chosen, slice) and not range(*chosen.indices(size))):
            continue
        indexers[dims[axis]] = chosen
        expected = np.take(expected, np.arange(size)[chosen], axis=axis)
    np.testing.assert_array_equal(array.isel(**indexers).values, expected)


@pytest.mark.parametrize("indexer", [[0], np.array([0]), torch.tensor([0]), (0,), range(1)], ids=str)
def test_a_list_keeps_its_axis_whatever_holds_it(indexer: Any) -> None:
    """Also one of one index: an axis must not come and go with the number of those that were picked."""
    assert make().isel(slot=indexer).dims == ("time", "slot")


def test_flags_are_no_indices_whatever_holds_them() -> None:
    """They would pick the first two places."""
    with pytest.raises(SelectionError, match="flatnonzero"):
        make().isel(slot=torch.tensor([True, False, True]))
