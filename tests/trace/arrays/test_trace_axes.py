"""Axis names: any identifier is one, and what is known of some stands in one file."""

from __future__ import annotations

import json
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nsm_widgets._axes import AXES, LEADING, LONGEST_NAME, MARKED, SHARED, check_axis, known_axis, misnamed
from nsm_widgets._errors import AxisError, LabelError, ShapeError
from nsm_widgets.trace import NamedArray, Trace

OWN = ("time", "expert", "Müller", "x" * LONGEST_NAME)


def own_trace() -> Trace:
    """An array with axes that nothing is known of, some with labels or a mask, and one with none of them."""
    load = NamedArray(
        "load",
        np.arange(24.0).reshape(2, 3, 2, 2),
        OWN,
        {"expert": ["a", "b", "c"], "Müller": [7, 8], "expert_mask": [True, False, True]},
    )
    return Trace(load, NamedArray("usage", np.ones((2, 5)), ("time", "slot")))


def test_the_file_says_what_it_may_say() -> None:
    """Every entry fits, means something, and leads, marks and shares what views and traces rely on."""
    entries = json.loads(files("nsm_widgets").joinpath("axes.json").read_text("utf-8"))
    assert list(entries) == list(AXES)
    assert all(check_axis(dim, "x") == dim and AXES[dim].means for dim in AXES)
    assert LEADING == ("iteration", "time")
    assert SHARED == ("iteration", "time", "batch")
    assert MARKED == ("iteration", "time", "slot")
    assert known_axis("expert").means == "" and known_axis("expert").left_out == "padding"


@pytest.mark.parametrize(
    "name", ["a", "expert", "Expert", "d_model", "x2", "données", "self", "match", "x" * 64]
)
def test_any_identifier_names_an_axis(name: str) -> None:
    """Known or not: it is labelled, selected and shown by that name."""
    array = NamedArray("x", np.ones((2, 3)), ("time", name), {name: ["p", "q", "r"]})
    assert array.sizes == {"time": 2, name: 3}
    assert array.labels(name) == ("p", "q", "r")
    assert array.isel(**{name: 1}).dims == ("time",)
    assert Trace(array).isel(**{name: [0, 2]}).sizes == {"time": 2, name: 2}
    assert f"(time: 2, {name}: 3)" in repr(array)


NO_NAMES: dict[str, tuple[Any, str]] = {
    "blank": ("my axis", r"must be an identifier, such as 'slot' or 'expert'\. Did you mean 'my_axis'\?"),
    "hyphen": ("top-k", r"Did you mean 'top_k'\?"),
    "line end": ("slot\n", r"'slot\\n' is no axis name.*Did you mean 'slot'\?"),
    "digit first": ("2nd", "must be an identifier"),
    "empty": ("", "must be an identifier"),
    "number": (3, "3 is no axis name"),
    "none": (None, "None is no axis name"),
    "list": (["slot"], r"\['slot'\] is no axis name"),
    "markup": ("<img>", "must be an identifier"),
    "surrogate": ("\ud800", r"'\\ud800' is no axis name"),
    "direction": ("slot\u202e", r"'slot\\u202e' is no axis name"),
    "long": ("x" * 65, "must have 64 characters at most, got 65"),
    "very long": ("x" * 10**6, "must have 64 characters at most, got 1000000"),
    "underscore": ("_slot", r"must not begin with an underscore\. Did you mean 'slot'\?"),
    "prototype": ("__proto__", "must not begin with an underscore"),
    "keyword": ("lambda", r"no keyword of Python, or isel\(lambda=0\) could not be written"),
    "ligature": ("ﬁeld", r"as Python reads it, or isel could not name it\. Did you mean 'field'\?"),
    "tower": ("a" + "\u0336" * 9, "must fit on a line, with few marks on a letter"),
    "mask": ("mask", "names that end in '_mask' are those of masks"),
    "axis' mask": ("key_mask", "names that end in '_mask' are those of masks"),
    "object": ("constructor", "every object of JavaScript has something of that name"),
}


@pytest.mark.parametrize("case", NO_NAMES.values(), ids=NO_NAMES)
def test_what_is_no_name_is_refused(case: tuple[Any, str]) -> None:
    """With the rule that it breaks, in a line that can be read."""
    name, rule = case
    with pytest.raises(AxisError, match=rule) as refused:
        NamedArray("x", [[1.0]], ("time", name))
    assert str(refused.value).startswith("x: ") and str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_a_million_names_are_refused_at_once() -> None:
    """A file may claim any number of axes: their number costs no time squared."""
    begun = time.process_time()
    with pytest.raises(ShapeError, match="must have one name per axis, got 200000 names"):
        NamedArray("x", [1.0], [f"a{number}" for number in range(200_000)])
    assert time.process_time() - begun < 20


def test_own_axes_obey_the_rules_of_all() -> None:
    """Time leads, none is repeated, labels must fit, and shared axes agree."""
    with pytest.raises(AxisError, match=r"time must lead, got axes \(expert, time\)"):
        Trace.from_arrays({"x": np.ones((2, 3))}, dims={"x": ("expert", "time")})
    with pytest.raises(AxisError, match="'expert' is repeated"):
        NamedArray("x", np.ones((2, 3)), ("expert", "expert"))
    with pytest.raises(AxisError, match=r"x has no axis 'exprt'.*Did you mean 'expert'\?"):
        NamedArray("x", np.ones((2, 3)), ("time", "expert")).isel(exprt=0)
    with pytest.raises(
        LabelError, match=r"no array has; there are \(time, expert\)\. Did you mean 'expert'\?"
    ):
        Trace.from_arrays(
            {"x": np.ones((2, 3))}, dims={"x": ("time", "expert")}, coords={"experts": ["a"] * 3}
        )
    two = {"x": np.ones((2, 3)), "y": np.ones((2, 4))}
    assert Trace.from_arrays(two, dims=dict.fromkeys(two, ("time", "expert"))).sizes == {"time": 2}


def test_what_is_misnamed_is_named() -> None:
    """Only an axis of one's own may be meant for a known one that is missing."""
    assert misnamed(("slot", "head"), ("time", "slots", "heads")) == (
        " Did you mean 'slot' by 'slots'? Did you mean 'head' by 'heads'?"
    )
    assert misnamed(("query",), ("key", "state")) == ""


def test_own_axes_come_back_from_a_file(tmp_path: Path) -> None:
    """Names, labels, masks and values, mapped or read."""
    path = own_trace().save(tmp_path / "own.trace")
    assert Trace.open(path).identical(own_trace())
    assert Trace.open(path, mmap=True).identical(own_trace())


def test_own_axes_come_back_from_a_store(tmp_path: Path) -> None:
    """The same of a folder."""
    assert Trace.open(own_trace().to_zarr(tmp_path / "own")).identical(own_trace())


def test_own_axes_come_back_from_xarray() -> None:
    """And of a tree, also where an array is called as another one's axis."""
    trace = own_trace().assign(NamedArray("expert", np.ones((2, 4)), ("time", "router")))
    tree = trace.to_xarray()
    back = Trace.from_xarray(tree)
    assert set(back) == set(trace)
    assert all(back[name].identical(array) for name, array in trace.items())
