"""A cropped axis keeps the numbers that its places had; indices count from 0."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nsm_widgets._errors import LabelError, RecordingError
from nsm_widgets.trace import Coord, NamedArray, Trace

STEPS, BATCH, SLOTS = 12, 2, 10
PLACES = np.arange(STEPS * BATCH * SLOTS).reshape(STEPS, BATCH, SLOTS)
DIMS = ("time", "batch", "slot")


def whole(**coords: Any) -> NamedArray:
    return NamedArray("usage", PLACES.astype(np.float64), DIMS, coords)


CUTS = {
    "slices": {"time": slice(3, 9), "slot": slice(4, 8)},
    "a list": {"slot": [7, 1, 3]},
    "a permutation": {"time": list(reversed(range(STEPS)))},
    "a slice backwards": {"slot": slice(None, 2, -1)},
    "every other": {"time": slice(1, None, 2)},
    "twice the same": {"slot": [3, 3, 4]},
    "an int beside": {"time": 5, "slot": slice(2, 6)},
    "from the end": {"slot": [-1, -2]},
    "the batch": {"batch": [1], "slot": slice(1, 3)},
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_places_keep_their_numbers(cut: dict[str, Any]) -> None:
    """The value at any index of a cropped array is that of the whole one at its numbers."""
    cropped = whole().isel(**cut)
    gone = {dim: index for dim, index in cut.items() if isinstance(index, int)}
    numbers = {dim: cropped.numbers(dim) for dim in cropped.dims}
    for place in np.ndindex(*cropped.shape):
        at = {dim: int(numbers[dim][i]) for dim, i in zip(cropped.dims, place, strict=True)} | gone
        assert cropped.values[place] == PLACES[tuple(at[dim] for dim in DIMS)]
    for dim in cropped.dims:
        assert cropped.labels(dim) == tuple(map(str, numbers[dim]))
        assert [cropped.number(dim, i) for i in range(cropped.sizes[dim])] == numbers[dim].tolist()


@pytest.mark.parametrize("again", CUTS.values(), ids=CUTS)
def test_cropped_twice(again: dict[str, Any]) -> None:
    """What is cropped again has the numbers of the first array."""
    first: dict[str, Any] = {"time": slice(-1, None, -1), "slot": [*range(1, SLOTS), 0], "batch": [1, 0]}
    twice = whole().isel(**first).isel(**again)
    for dim in twice.dims:
        order = np.arange(whole().sizes[dim])[first[dim]]
        assert twice.numbers(dim).tolist() == order[again.get(dim, slice(None))].tolist()


@pytest.mark.parametrize(
    "cut", [{}, {"slot": slice(0, 4)}, {"time": range(STEPS)}, {"slot": [0]}, {"time": 3}], ids=str
)
def test_what_is_counted_from_0_carries_nothing(cut: dict[str, Any]) -> None:
    """A crop at the beginning is what it was before there were numbers, to the last bit."""
    assert not whole().isel(**cut).coords


def test_turned_twice_is_what_it_was() -> None:
    """Numbers that count from 0 again are none."""
    turned = whole().isel(slot=slice(None, None, -1))
    assert "slot_number" in turned.coords
    assert turned.isel(slot=slice(None, None, -1)).identical(whole())


def test_labels_and_numbers_go_side_by_side() -> None:
    """A token's label names the place, its number says where that was."""
    words = [f"word{i}" for i in range(SLOTS)]
    cropped = whole(slot=words).isel(slot=slice(4, 6))
    assert cropped.labels("slot") == ("word4", "word5")
    assert cropped.numbers("slot").tolist() == [4, 5]
    assert not cropped.identical(whole(slot=[*words[1:], "x"]).isel(slot=slice(3, 5)))


def test_repr_says_them() -> None:
    """The first ones, and how many."""
    assert "  slot_number: 3, 4, 5\n" in f"{whole().isel(slot=slice(3, 6))!r}\n"
    assert "time_number: 2, 3, 4, 5, 6, 7, ... (10 numbers)" in repr(whole().isel(time=slice(2, None)))


def test_an_axis_that_is_called_like_the_numbers_of_another_has_labels() -> None:
    """``slot_number`` beside an axis of that name is its labels, and the numbers of ``slot`` are not kept."""
    array = NamedArray("x", np.eye(3), ("slot", "slot_number"), {"slot_number": ["a", "b", "c"]})
    cropped = array.isel(slot=[2, 1], slot_number=[1, 2])
    assert cropped.labels("slot_number") == ("b", "c")
    assert cropped.numbers("slot").tolist() == [0, 1]


@pytest.mark.parametrize(
    "given", [["a"] * SLOTS, [1] * 3, [[1] * SLOTS] * BATCH], ids=["text", "few", "per item"]
)
def test_others_are_refused(given: Any) -> None:
    """One integer for each place."""
    with pytest.raises(LabelError, match=r"slot"):
        whole(slot_number=given)


@pytest.mark.parametrize("indexer", [slice(7, None), slice(None, None, -1), list(range(3, 99, 2))])
def test_in_a_long_trace_they_take_no_memory(indexer: slice | list[int]) -> None:
    """A million numbers in each of thirty arrays would be more than the arrays."""
    array = NamedArray("x", np.zeros(1000), ("time",)).isel(time=indexer)
    assert len(pickle.dumps(array.coords["time_number"])) < 300
    assert array.numbers("time").tolist() == np.arange(1000)[indexer].tolist()


def cropped_trace() -> Trace:
    memory = NamedArray("memory", np.ones((STEPS, SLOTS, 2)), ("time", "slot", "word"))
    return Trace(whole(), memory).isel(time=slice(2, 11), slot=[7, 1, 3])


@pytest.mark.parametrize("ending", ["file", "store", "pickle", "xarray"])
def test_saved_and_opened(tmp_path: Path, ending: str) -> None:
    """Everything that keeps a trace keeps them."""
    trace = cropped_trace()
    if ending == "pickle":
        opened = pickle.loads(pickle.dumps(trace))
    elif ending == "xarray":
        pytest.importorskip("xarray")
        opened = Trace.from_xarray(trace.to_xarray())
    else:
        opened = Trace.open(trace.save(tmp_path / "t") if ending == "file" else trace.to_zarr(tmp_path / "t"))
    assert opened.identical(trace)
    assert opened["memory"].numbers("slot").tolist() == [7, 1, 3]
    assert opened["usage"].isel(time=slice(1, 3)).numbers("time").tolist() == [3, 4]


def test_xarray_keeps_numbers_of_arrays_apart_that_differ() -> None:
    """A dataset has one coordinate for all of its variables."""
    pytest.importorskip("xarray")
    one, other = (NamedArray(name, np.zeros(SLOTS), ("slot",)) for name in "ab")
    trace = Trace(one.isel(slot=[1, 2]), other.isel(slot=[5, 6]))
    assert Trace.from_xarray(trace.to_xarray()).identical(trace)


def test_numbers_of_a_file_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text in their place must say a first one and a step."""
    monkeypatch.setattr("nsm_widgets.trace.arrays._mask.packed", lambda numbers: ["2:x"])
    path = cropped_trace().save(tmp_path / "t")
    with pytest.raises(Exception, match=r"first:step"):
        Trace.open(path)


TOLD: dict[str, object] = {"numbers": [0, 10, 20], "seen": 25, "left_out": {"not chosen by every(10)": 22}}


@pytest.mark.parametrize("chosen", [[2, 1, 0], [1], slice(1, 3), 2, [0, 2], slice(None, None, -1)], ids=str)
def test_an_iteration_is_itself_after_isel(chosen: Any) -> None:
    """Side by side: the numbers of iterations go with their values, however they were chosen."""
    values = np.arange(3.0)[:, None] * np.ones(4)
    trace = Trace(NamedArray("a", values, ("iteration", "slot")), attrs={"iterations": TOLD})
    kept = trace.isel(iteration=chosen)
    assert kept.iterations == tuple(np.array(TOLD["numbers"])[np.atleast_1d(np.arange(3)[chosen])].tolist())
    for number in kept.iterations:
        assert kept.iteration(number)["a"].identical(trace.iteration(number)["a"])
    told = kept.attrs["iterations"]
    assert len(told["numbers"]) + sum(told["left_out"].values()) == told["seen"]


def in_a_row() -> Trace:
    """Three iterations of 2, 3 and 1 steps, one after the other."""
    told: dict[str, object] = {**TOLD, "steps": [2, 3, 1]}
    return Trace(
        NamedArray("a", np.arange(6.0), ("time",)),
        NamedArray("initial_memories", np.arange(3.0)[:, None, None], ("iteration", "slot", "word")),
        attrs={"iterations": told, "sequence_starts": [0, 2, 4, 5]},
    )


@pytest.mark.parametrize(
    "cut",
    [
        {"time": [5, 4, 3, 2, 1, 0]},
        {"time": 3},
        {"time": slice(1, 5)},
        {"iteration": [2, 1, 0]},
        {"iteration": 1},
    ],
    ids=str,
)
def test_steps_that_were_moved_belong_to_no_iteration(cut: dict[str, Any]) -> None:
    """Rather one clear error than the values of another iteration."""
    moved = in_a_row().isel(**cut)
    assert moved.iterations == ()
    with pytest.raises(RecordingError, match=r"before trace\.isel\(time=\.\.\.\)"):
        moved.iteration(10)


def test_iterations_stay_known_where_nothing_moved() -> None:
    """The whole axis, however it is written, is the same trace."""
    trace = in_a_row().isel(time=range(6), iteration=slice(None))
    assert trace.identical(in_a_row())
    assert trace.iteration(10)["a"].values.tolist() == [2, 3, 4]


def test_steps_of_an_iteration_are_counted_from_its_own_first() -> None:
    """As if nothing else had been recorded."""
    assert in_a_row().iteration(10)["a"].numbers("time").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("cut", "starts"),
    [
        (slice(1, None), [1, 3, 4]),
        (slice(2, 5), [0, 2]),
        (slice(None, None, 2), [0, 1, 2]),
        ([3, 5], [1]),
        ([0, 1], [0]),
        ([5, 4, 3, 2, 1, 0], [0, 1, 2, 4]),
        ([3, 2, 3], None),
        (slice(3, 4), None),
        (3, None),
    ],
    ids=str,
)
def test_sequences_start_where_they_start_in_what_was_chosen(cut: Any, starts: list[int] | None) -> None:
    """Places, not numbers: statistics begin anew there."""
    assert in_a_row().isel(time=cut).attrs.get("sequence_starts") == starts


def test_what_attrs_hold_of_others_is_left_alone() -> None:
    """A file may say anything; it is handed on, or dropped where it cannot be true any more."""
    for told in (
        {"numbers": 3},
        "x",
        {"numbers": [1], "left_out": 2},
        {"numbers": [1, 2, 3], "left_out": {}},
    ):
        trace = Trace(NamedArray("a", np.zeros((3, 4)), ("iteration", "slot")), attrs={"iterations": told})
        assert trace.isel(slot=[1]).attrs == trace.attrs
        trace.isel(iteration=[1])
    odd = Trace(NamedArray("a", np.zeros(4), ("time",)), attrs={"sequence_starts": ["x"]})
    assert odd.isel(time=[1]).attrs == odd.attrs


def test_numbers_given_by_hand() -> None:
    """They are what isel makes: a coordinate like others."""
    array = whole(slot_number=Coord(("slot",), np.arange(SLOTS) + 100))
    assert array.isel(slot=[2]).numbers("slot").tolist() == [102]
