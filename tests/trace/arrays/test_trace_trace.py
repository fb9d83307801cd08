"""Traces: arrays that share their axes, made of tensors that exist already."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets._errors import (
    AxisError,
    DtypeError,
    LabelError,
    SelectionError,
    ShapeError,
    UnknownOptionError,
    WeightsError,
)
from nsm_widgets.trace import NamedArray, Trace


def uniform(*shape: int) -> np.ndarray:
    """Weights, all the same."""
    return np.full(shape, 1 / shape[-1])


def example() -> Trace:
    """Four read heads, one write head, over five steps."""
    return Trace.from_arrays(
        {
            "memory": np.arange(5 * 2 * 3 * 4.0).reshape(5, 2, 3, 4),
            "read_weights": uniform(5, 2, 4, 3),
            "write_weights": uniform(5, 2, 1, 3),
            "initial_memory": np.zeros((2, 3, 4)),
        },
        coords={"slot": ["cat", "dog", "fox"], "read_weights": {"head": ["a", "b", "c", "d"]}},
        attrs={"task": "copy", "lengths": [5, 5]},
    )


def test_an_array_asked_for_as_an_attribute_is_an_item() -> None:
    """Which is said of no other name."""
    trace = Trace.from_arrays({"memory": np.zeros((2, 1, 3, 4))})
    with pytest.raises(
        AttributeError, match=r"no attribute 'memory'. Its arrays are items: trace\['memory'\]."
    ):
        trace.memory  # type: ignore[attr-defined] # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'memries'.$"):
        trace.memries  # type: ignore[attr-defined] # noqa: B018
    assert copy.copy(trace).identical(trace) and pickle.loads(pickle.dumps(trace)).identical(trace)


def test_is_a_mapping_in_order() -> None:
    """Names come in the order given, and a slip is met with the nearest name."""
    trace = example()
    assert list(trace) == ["memory", "read_weights", "write_weights", "initial_memory"]
    assert len(trace) == 4
    assert "memory" in trace
    assert trace.get("nothing") is None
    with pytest.raises(KeyError, match=r"no array 'read_weight'\. Did you mean 'read_weights'\?"):
        trace["read_weight"]


def test_well_known_names_know_axes_and_kinds() -> None:
    """Known names need no dims; each says what it is."""
    trace = example()
    assert trace["memory"].dims == ("time", "batch", "slot", "word")
    assert trace["write_weights"].dims == ("time", "batch", "head", "slot")
    assert trace["memory"].attrs["kind"] == "content"
    assert trace["read_weights"].attrs["kind"] == "weights"
    assert "description" in trace["read_weights"].attrs


def test_sizes_and_coords_are_those_all_agree_on() -> None:
    """Axes that differ between arrays are left to the arrays."""
    trace = example()
    assert trace.sizes == {"time": 5, "batch": 2, "slot": 3, "word": 4}
    assert list(trace.coords) == ["slot"]
    assert trace["read_weights"].labels("head") == ("a", "b", "c", "d")
    assert trace["write_weights"].labels("head") == ("0",)


def test_a_memory_and_its_weights_agree_on_the_slots() -> None:
    """Both are named, whatever the door; what other names and other prefixes say is theirs."""
    memory = NamedArray("memory", np.zeros((3, 8, 2)), ("time", "slot", "word"))
    weights = NamedArray("read_weights", uniform(3, 1, 9), ("time", "head", "slot"))
    text = "must agree on 'slot': memory has 8, read_weights has 9"
    for make in (
        lambda: Trace(memory, weights),
        lambda: Trace.from_arrays({"memory": np.zeros((3, 1, 8, 2)), "read_weights": uniform(3, 1, 1, 9)}),
    ):
        with pytest.raises(ShapeError, match=text):
            make()
    Trace(memory.renamed("encoder.memory"), weights)
    Trace(memory, weights.renamed("other"))
    states = NamedArray("state_importance", np.zeros((3, 1, 4)), ("time", "batch", "state"))
    routing = NamedArray("routing_weights", uniform(3, 2, 5), ("time", "token", "state"))
    with pytest.raises(ShapeError, match="agree on 'state': state_importance has 4, routing_weights has 5"):
        Trace(states, routing)


def test_axes_that_differ_by_design_are_not_asked_to_agree(tmp_path: Path) -> None:
    """Heads, queries and keys; what was cut; and what is in a file or is made of another trace."""
    dims = ("query", "key")
    Trace(NamedArray("encoder.attention", uniform(3, 4), dims), NamedArray("attention", uniform(5, 6), dims))
    trace = example()
    cut = trace.isel(slot=slice(1, 3))
    assert {array.sizes["slot"] for array in cut.values()} == {2}
    assert Trace(*cut.values(), attrs=cut.attrs).identical(cut)
    assert list(Trace(cut["memory"], trace["read_weights"])) == ["memory", "read_weights"]
    mixed = trace.assign(cut["memory"].isel(slot=0), trace["write_weights"].isel(slot=[0, 1]))
    mixed.save(tmp_path / "mixed.nsm")
    opened = Trace.open(tmp_path / "mixed.nsm")
    assert opened.isel(time=[0]).sizes["time"] == 1
    assert pickle.loads(pickle.dumps(opened)).identical(opened)


def test_isel_selects_in_every_array_that_has_the_axis() -> None:
    """Arrays without the axis stay whole."""
    trace = example().isel(time=2, slot=[0, 2])
    assert trace["memory"].dims == ("batch", "slot", "word")
    assert trace["memory"].labels("slot") == ("cat", "fox")
    np.testing.assert_array_equal(trace["memory"].values, example()["memory"].values[2][:, [0, 2]])
    assert trace["initial_memory"].shape == (2, 2, 4)
    assert trace.attrs == example().attrs


def test_isel_refuses_what_one_array_does_not_have() -> None:
    """A head that only some arrays have is named with the array that lacks it."""
    with pytest.raises(SelectionError, match=r"write_weights: head must lie in \[0, 0\], got 3"):
        example().isel(head=3)
    with pytest.raises(AxisError, match=r"the trace has no axis 'steps'"):
        example().isel(steps=0)


def test_assign_and_drop_make_new_traces() -> None:
    """The old trace stays as it was."""
    trace = example()
    extra = NamedArray("usage", np.zeros((5, 3)), ("time", "slot"))
    added = trace.assign(extra, attrs={"seed": 3})
    assert list(added) == [*trace, "usage"]
    assert added.attrs == {"task": "copy", "lengths": [5, 5], "seed": 3}
    assert "usage" not in trace
    assert list(added.drop("usage", "memory")) == ["read_weights", "write_weights", "initial_memory"]
    with pytest.raises(KeyError, match="no array 'nothing'"):
        trace.drop("nothing")
    with pytest.raises(DtypeError, match="assign takes NamedArrays, got ndarray"):
        trace.assign(np.ones(3))


def test_rename_gives_arrays_other_names_and_nothing_else() -> None:
    """All at once, in their order; values are not copied, and what is renamed back is what it was."""
    trace = example()
    renamed = trace.rename({"read_weights": "reads"}, memory="contents")
    assert list(renamed) == ["contents", "reads", "write_weights", "initial_memory"]
    assert renamed["reads"].name == "reads"
    assert renamed["reads"].values is trace["read_weights"].values
    assert renamed["reads"].attrs == trace["read_weights"].attrs
    assert renamed["contents"].labels("slot") == ("cat", "dog", "fox")
    assert renamed.attrs == trace.attrs
    assert renamed.rename(reads="read_weights", contents="memory").identical(trace)
    swapped = trace.rename({"read_weights": "write_weights", "write_weights": "read_weights"})
    assert swapped["read_weights"].sizes["head"] == trace["write_weights"].sizes["head"]
    assert trace.rename().identical(trace)
    assert type(renamed) is Trace


@pytest.mark.parametrize(
    ("names", "more", "told"),
    [
        ({"reads": "r"}, {}, r"rename must be given arrays of the trace \(memory, .*\), got 'reads'."),
        ({}, {"memmory": "m"}, "got 'memmory'. Did you mean 'memory'"),
        ({"memory": "read_weights"}, {}, "must have names of their own, got 'read_weights' twice"),
        ({"memory": "m"}, {"read_weights": "m"}, "must have names of their own, got 'm' twice"),
        ({"memory": "m"}, {"memory": "m"}, "each array must be renamed once, got 'memory' twice"),
        ({"memory": "a/b"}, {}, "an array's name must be a printable str .* got 'a/b'"),
        ({"memory": 3}, {}, "an array's name must be a printable str .* got 3"),
        ({"memory": [3]}, {}, r"an array's name must be a printable str .* got \[3\]"),
        (["memory"], {}, r"new names by old ones, .* got \['memory'\]"),
        ("memory", {}, "new names by old ones, .* got 'memory'"),
        ({3: "m"}, {}, r"rename must be given arrays of the trace .*, got 3"),
    ],
)
def test_rename_refuses_what_cannot_be(names: Any, more: dict[str, Any], told: str) -> None:
    """One error of ours, which names what is wrong."""
    with pytest.raises(AxisError, match=told):
        example().rename(names, **more)


def test_is_never_changed() -> None:
    """Fields and attrs refuse to be changed; a trace can be a key."""
    trace = example()
    with pytest.raises(FrozenInstanceError, match="Trace is never changed"):
        trace.attrs = {}
    with pytest.raises(TypeError, match="read-only"):
        trace.attrs["x"] = 1
    assert {trace: 1}[trace] == 1
    assert trace != example()


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["copy", "pickle"]
)
def test_copies_are_whole(clone: object) -> None:
    """Copying and sending to another process keep everything."""
    assert clone(example()).identical(example())  # type: ignore[operator]


def test_repr_and_html_tell_the_arrays() -> None:
    """Both show each array with its axes; HTML is escaped and loads nothing."""
    trace = example().assign(NamedArray("a<b>", [1.0], ("slot",), attrs={"description": "</td>\ud800"}))
    assert "  read_weights    (time: 5, batch: 2, head: 4, slot: 3) float64" in repr(trace)
    page = trace._repr_html_()
    assert "<td>a&lt;b&gt;</td>" in page
    assert "&lt;/td&gt;\ufffd" in page
    assert page.count("<tr>") == 6
    assert "http" not in page
    assert repr(Trace()) == "<Trace of 0 arrays, 0 B>"


def test_per_step_tensors_are_stacked_on_time() -> None:
    """A list with one tensor per step is one array, time leading."""
    steps = [torch.full((2, 3, 4), float(step)) for step in range(5)]
    memory = Trace.from_arrays({"memory": steps})["memory"]
    assert memory.shape == (5, 2, 3, 4)
    assert memory.values[3].min() == memory.values[3].max() == 3


def test_changing_the_source_changes_nothing() -> None:
    """Tensors changed in place afterwards leave the trace as it was."""
    memory = torch.ones(5, 2, 3, 4)
    trace = Trace.from_arrays({"memory": memory})
    memory.zero_()
    assert trace["memory"].values.min() == 1


def test_own_dims_kinds_and_prefixes() -> None:
    """Any name goes with dims; a prefix keeps a name well-known; own axes keep a description away."""
    trace = Trace.from_arrays(
        {"gate": [0.5, 2.0], "encoder.read_gate": np.ones((1, 1, 1)), "memory": np.ones((3, 4))},
        dims={"gate": ("slot",), "memory": ("slot", "word")},
        kinds={"gate": "scalar"},
    )
    assert trace["gate"].attrs == {"kind": "scalar"}
    assert trace["encoder.read_gate"].dims == ("time", "batch", "head")
    assert trace["memory"].attrs == {"kind": "content"}


def test_named_arrays_keep_axes_and_labels() -> None:
    """A NamedArray brings its own, and may be renamed."""
    trace = Trace.from_arrays({"copied": example()["read_weights"]})
    assert trace["copied"].dims == ("time", "batch", "head", "slot")
    assert trace["copied"].labels("slot") == ("cat", "dog", "fox")


def test_bfloat16_says_where_it_came_from() -> None:
    """Widened values carry the type they had."""
    weights = torch.softmax(torch.randn(3, 1, 1, 50), -1).bfloat16()
    array = Trace.from_arrays({"read_weights": weights})["read_weights"]
    assert array.attrs["source_dtype"] == "torch.bfloat16"
    np.testing.assert_array_equal(array.values, weights.float().numpy())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("width", [1, 2, 1000, 20000])
def test_rounding_is_no_offence(dtype: torch.dtype, width: int) -> None:
    """A softmax passes in every float type at every width."""
    weights = torch.softmax(torch.randn(4, width, generator=torch.Generator().manual_seed(0)), -1).to(dtype)
    Trace.from_arrays({"usage_weights": weights}, dims={"usage_weights": ("time", "slot")})


def test_unused_and_unknown_weightings_pass() -> None:
    """Rows of zeros were not used; rows with NaN are not known; both are kept."""
    weights = np.array([[0.0, 0.0], [np.nan, 0.5], [0.25, 0.75]])
    array = Trace.from_arrays({"w": weights}, dims={"w": ("time", "slot")}, kinds={"w": "weights"})["w"]
    np.testing.assert_array_equal(array.values, weights)


def test_weights_may_go_unchecked() -> None:
    """Raw scores are taken as content, or with the check switched off."""
    scores = np.array([[[[3.0, -1.0]]]])
    assert Trace.from_arrays({"read_weights": scores}, check_weights=False)["read_weights"].values.min() == -1
    trace = Trace.from_arrays({"read_weights": scores}, kinds={"read_weights": "content"})
    assert trace["read_weights"].attrs["kind"] == "content"


W = uniform(5, 1, 2, 4)
BAD = {
    "no-arrays": (({},), {}, DtypeError, r"arrays must map names to arrays, got dict without any"),
    "a-list": (([W],), {}, DtypeError, r"arrays must map names to arrays, got list\. Pass"),
    "unknown-name": (
        ({"foo": W},),
        {},
        AxisError,
        r"foo is no well-known name, so its 4 axes must be named: dims=",
    ),
    "near-name": (({"read_weight": W},), {}, AxisError, r"Did you mean 'read_weights'\?"),
    "no-head": (
        ({"read_weights": W[:, :, 0]},),
        {},
        ShapeError,
        r"read_weights must have axes \(time, batch, head, slot\), got shape \(5, 1, 4\)\. "
        r"A single head\? Add its axis: read_weights\[:, :, None\]\. Or name its axes: dims=",
    ),
    "no-batch": (
        ({"memory": np.ones((5, 3, 4))},),
        {},
        ShapeError,
        r"memory must have axes .* No batch\? Add its axis: memory\[:, None\]",
    ),
    "no-layer": (({"attention": W},), {}, ShapeError, r"A single layer\? Add its axis: attention\[None\]"),
    "one-axis": (
        ({"memory": np.ones(3)},),
        {},
        ShapeError,
        r"memory must have axes .* got shape \(3,\)\. Or name its",
    ),
    "empty": (({"memory": np.ones((0, 1, 3, 4))},), {}, ShapeError, r"memory must not be empty"),
    "ragged-steps": (
        ({"memory": [np.ones((1, 3, 4)), np.ones((1, 2, 4))]},),
        {},
        ShapeError,
        r"memory must be regular",
    ),
    "complex": (({"memory": np.ones((5, 1, 3, 4), complex)},), {}, DtypeError, r"memory must be real"),
    "meta": (({"memory": torch.ones(5, 1, 3, 4, device="meta")},), {}, DtypeError, r"meta device"),
    "unknown-dims": (
        ({"memory": W},),
        {"dims": {"memroy": ()}},
        AxisError,
        r"dims names 'memroy'.*mean 'memory'",
    ),
    "dims-list": (
        ({"memory": W},),
        {"dims": ("time",)},
        AxisError,
        r"dims must map array names to values, got tuple",
    ),
    "no-axis": (({"x": [1.0]},), {"dims": {"x": ("slot-s",)}}, AxisError, r"'slot-s' is no axis name"),
    "time-not-first": (
        ({"x": np.ones((2, 3))},),
        {"dims": {"x": ("slot", "time")}},
        AxisError,
        r"x: time must lead, got axes \(slot, time\)\. Transpose it to \(time, slot\)",
    ),
    "iteration-second": (
        ({"x": np.ones((2, 3))},),
        {"dims": {"x": ("time", "iteration")}},
        AxisError,
        r"iteration and time must lead",
    ),
    "sizes-differ": (
        ({"read_weights": W, "memory": np.ones((6, 1, 4, 2))},),
        {},
        ShapeError,
        r"arrays of a trace must agree on 'time': read_weights has 5, memory has 6",
    ),
    "unknown-kind": (
        ({"memory": W},),
        {"kinds": {"memory": "contents"}},
        UnknownOptionError,
        r"mean 'content'\?",
    ),
    "kind-of-none": (({"memory": W},), {"kinds": {"x": "content"}}, UnknownOptionError, r"kinds names 'x'"),
    "coords-of-none": (
        ({"memory": W},),
        {"coords": {"head": ["a"]}},
        LabelError,
        r"labels the axis 'head', which no",
    ),
    "coords-array": (
        ({"memory": W},),
        {"coords": {"x": {"slot": []}}},
        LabelError,
        r"coords names 'x', which is not",
    ),
    "coords-list": (
        ({"memory": W},),
        {"coords": ["a"]},
        LabelError,
        r"coords must map axis names to labels, got list",
    ),
    "label-count": (
        ({"memory": W},),
        {"coords": {"slot": ["a"]}},
        LabelError,
        r"memory must have 2 labels for 'slot'",
    ),
    "attrs": (
        ({"memory": W},),
        {"attrs": {"f": print}},
        DtypeError,
        r"trace: attrs\['f'\] must be a JSON value",
    ),
    "negative": (
        ({"read_weights": W - 0.5},),
        {},
        WeightsError,
        r"must lie in \[0, 1\], as weights do, got -0\.25 at",
    ),
    "above-one": (
        ({"read_weights": np.array([[[[0.0, 1.5]]]])},),
        {},
        WeightsError,
        r"got 1\.5 at read_weights\[0, 0, 0, 1\]",
    ),
    "infinite": (({"read_weights": np.array([[[[0.0, np.inf]]]])},), {}, WeightsError, r"got inf at"),
    "sum": (
        ({"read_weights": np.concatenate([W, W / 2], axis=1)},),
        {},
        WeightsError,
        r"read_weights must sum to 1 along 'slot', its last axis \(within 0\.001\), "
        r"got 0\.5 at read_weights\[0, 1, 0\]\. Normalise them, or, if they are raw scores, "
        r"say so with kinds=\{'read_weights': 'content'\}; check_weights=False",
    ),
    "column-sums": (
        ({"attention": np.array([[[[[1.0, 1.0], [0.0, 0.0]]]]])},),
        {},
        WeightsError,
        r"got 2 at attention\[0, 0, 0, 0\]",
    ),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_refused(case: tuple[Any, ...]) -> None:
    """What does not fit is refused with name, rule, value and remedy."""
    args, options, error, message = case
    with pytest.raises(error, match=message):
        Trace.from_arrays(*args, **options)


def test_trace_is_made_of_named_arrays() -> None:
    """The constructor takes NamedArrays with names of their own."""
    with pytest.raises(DtypeError, match=r"made of NamedArrays, got ndarray\. Trace\.from_arrays"):
        Trace(np.ones(3))
    with pytest.raises(AxisError, match="got 'memory' twice"):
        Trace(example()["memory"], example()["memory"])
