"""Very large planes that are looked at again are drawn from a pyramid."""

from __future__ import annotations

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets.trace import NamedArray
from nsm_widgets.widgets import PageArrays
from nsm_widgets.widgets.page_arrays import _pyramids
from nsm_widgets.widgets.page_arrays._pyramids import Pyramids
from nsm_widgets.widgets.page_arrays._serve import Served, answer
from nsm_widgets.widgets.page_arrays._wire import Sent


def test_a_plane_has_one_from_the_second_look_on() -> None:
    plane = np.zeros((2048, 1024), np.float32)
    pyramids = Pyramids()
    assert pyramids.of("a", plane) is None
    made = pyramids.of("a", plane)
    assert made is not None and pyramids.of("a", plane) is made
    assert pyramids.of("b", plane) is None
    small = np.zeros((100, 100))
    assert pyramids.of("small", small) is None and pyramids.of("small", small) is None


def test_the_least_recently_used_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Together they take no more than the limit."""
    plane = np.zeros((2048, 1024), np.float32)
    pyramids = Pyramids()
    for key in "aabbaa":
        first = pyramids.of(key, plane)
    assert first is not None
    monkeypatch.setattr(_pyramids, "MOST_BYTES", int(2.5 * first.nbytes))
    for key in "cc":
        pyramids.of(key, plane)
    assert pyramids.of("a", plane) is first
    assert list(pyramids._held) == ["c", "a"]


@pytest.mark.parametrize("axes", [("query", "key"), ("key", "query")], ids="/".join)
def test_a_hot_cell_is_in_the_first_picture_and_in_the_next(axes: tuple[str, str]) -> None:
    """From the plane itself, then from its levels: at most one texel apart, whichever axis runs down."""
    values = np.zeros((2, 1500, 3000), np.float32)
    values[1, 1234, 777] = 1.0
    summary = {"low": 0.0, "high": 1.0, "nan": 0, "positive_infinity": 0, "negative_infinity": 0}
    served = Served(values, Sent("float32", "float32"), ("head", "query", "key"), summary, (), ())
    sizes = {"query": 1500, "key": 3000}
    at = {"query": 1234, "key": 777}
    y, x = axes
    ask = {
        "key": "k",
        "kind": "picture",
        "array": "x",
        "y": y,
        "x": x,
        "at": {"head": 1},
        "window": [0, sizes[y], 0, sizes[x]],
        "domain": [0, 1, False],
        "scale": "linear",
        "own": False,
        "most": [100, 120],
    }
    for _ in range(3):
        found = answer({"x": served}, ask)
        assert found is not None and found.header["codes"] == "uint8"
        codes = np.frombuffer(found.data, np.uint8).reshape(100, 120)
        assert (codes.max(), (codes > 0).sum()) == (255, 1)
        (place,) = np.argwhere(codes)
        exact = np.array([at[y] * 100 // sizes[y], at[x] * 120 // sizes[x]])
        assert np.abs(place - exact).max() <= 1


def test_the_arrays_of_a_store_share_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes of two arrays at one place do not stand for each other, and the older one makes room."""
    values = np.zeros((2, 2048, 1024), np.float32)
    values[1] = 1.0
    dims = ("query", "key")
    trace = Trace(*[NamedArray(name, plane, dims) for name, plane in zip("ab", values, strict=True)])
    store = PageArrays(trace, budget_mb=0)
    monkeypatch.setattr(_pyramids, "MOST_BYTES", 1)
    ask = {
        "key": "k",
        "kind": "picture",
        "y": "query",
        "x": "key",
        "at": {},
        "window": [0, 2048, 0, 1024],
        "domain": [0, 1, False],
        "scale": "linear",
        "own": False,
        "most": [2, 2],
    }
    for name, code in (("a", 0), ("b", 255), ("a", 0), ("b", 255)):
        found = answer(store._served, {**ask, "array": name})
        assert found is not None and set(bytes(found.data)) == {code}
    held = {id(pyramid) for each in store._served.values() for pyramid in each.pyramids._held.values()}
    assert len(held) == 1
    store.close()
