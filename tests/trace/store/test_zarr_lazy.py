"""Values in a store behave as the array they stand for, and read no more than they must."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.trace.arrays._array import MOST_READ
from nsm_widgets.trace.arrays._lazy import AxisSelection, LazyValues

WHOLE = np.arange(7 * 3 * 5, dtype=np.int32).reshape(7, 3, 5)


class Kept:
    """A source that counts what is read of it."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.read_counts: list[int] = []

    def read(self, axes: tuple[AxisSelection, ...]) -> np.ndarray:
        chosen: np.ndarray = self.values[np.ix_(*([a] if isinstance(a, int) else list(a) for a in axes))]
        chosen = chosen.reshape([len(axis) for axis in axes if not isinstance(axis, int)])
        self.read_counts.append(chosen.size)
        return chosen.copy()


def lazy() -> tuple[LazyValues, Kept]:
    source = Kept(WHOLE)
    return LazyValues(source), source


PARTS = [slice(None), slice(1, 3), slice(None, None, -1), slice(0, 0), 0, -1, [1, 0, 1], np.int64(2)]


@given(st.tuples(*[st.sampled_from(PARTS)] * 3), st.integers(0, 3))
def test_every_index_means_what_it_means_to_numpy(key: tuple[Any, ...], used: int) -> None:
    """Ints, slices and lists on any axes give NumPy's values, shape and type."""
    values, _ = lazy()
    try:
        expected = WHOLE[key[:used]]
    except IndexError:
        with pytest.raises(IndexError):
            values[key[:used]]
        return
    found = values[key[:used]]
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "key",
    [..., (..., 0), (0, ...), (slice(2), ..., 1), None, (None, 0), WHOLE > 50, ([0, 1], [1, 2]), (True,)],
    ids=str,
)
def test_rarer_indices(key: Any) -> None:
    """Ellipses, new axes, masks and several lists work as well."""
    np.testing.assert_array_equal(lazy()[0][key], WHOLE[key])


@pytest.mark.parametrize("key", [7, -8, (0, 3), (0, 0, 0, 0), (..., ...), [7]], ids=str)
def test_wrong_indices_are_refused(key: Any) -> None:
    """What lies outside is an IndexError, and reads nothing."""
    values, source = lazy()
    with pytest.raises(IndexError):
        values[key]
    assert source.read_counts == []


def test_only_what_is_asked_is_read() -> None:
    """Sizes cost nothing, an index what it chooses."""
    values, source = lazy()
    assert (values.shape, values.ndim, values.size, values.nbytes, len(values)) == ((7, 3, 5), 3, 105, 420, 7)
    assert repr(values) == "<values in a store, shape (7, 3, 5), int32>"
    assert source.read_counts == []
    values[3, 1]
    values[1:3, :, 0]
    values.select([slice(1, 7), 0, [1, 3]])[2]
    assert source.read_counts == [5, 6, 2]


def test_everything_else_is_the_array_in_memory() -> None:
    """Arithmetic, reductions, NumPy's functions, iteration and pickling see all values."""
    values: Any = lazy()[0]
    np.testing.assert_array_equal(values + 1, WHOLE + 1)
    np.testing.assert_array_equal(2 * values >= values, 2 * WHOLE >= WHOLE)
    np.testing.assert_array_equal(np.sqrt(values), np.sqrt(WHOLE))
    np.testing.assert_array_equal(values.transpose(2, 0, 1), WHOLE.transpose(2, 0, 1))
    np.testing.assert_array_equal(np.moveaxis(values, 0, -1), np.moveaxis(WHOLE, 0, -1))
    np.testing.assert_array_equal(np.stack(list(values)), WHOLE)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(values)), WHOLE)
    assert values.sum() == WHOLE.sum()
    assert np.asarray(values, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="without a copy"):
        np.array(values, copy=False)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        values.nonsense  # noqa: B018
    with pytest.raises(TypeError):
        hash(values)


def test_an_array_of_lazy_values_chooses_before_it_reads() -> None:
    """``isel`` reads what it chooses, with labels, and pickling keeps the values."""
    source = Kept(WHOLE)
    array = NamedArray("x", LazyValues(source), ("time", "head", "slot"), {"slot": list("abcde")})
    assert array.isel(time=-1, slot=[4, 0]).values.tolist() == WHOLE[-1][:, [4, 0]].tolist()
    assert array.isel(slot=[4, 0]).labels("slot") == ("e", "a")
    assert array.isel(time=slice(2, 4), head=1).values.tolist() == WHOLE[2:4, 1].tolist()
    assert source.read_counts == [6, 42, 10]
    assert "in its store" in repr(array)
    whole = NamedArray("x", WHOLE, ("time", "head", "slot"), {"slot": list("abcde")})
    assert array.identical(whole) and whole.identical(array)
    assert pickle.loads(pickle.dumps(array)).identical(whole)
    assert Trace(array).isel(time=0)["x"].identical(whole.isel(time=0))
    assert Trace(array).nbytes == WHOLE.nbytes


def test_a_renamed_array_is_not_read() -> None:
    """Nor is what was renamed anything but its array under another name."""
    source = Kept(WHOLE)
    trace = Trace(NamedArray("x", LazyValues(source), ("time", "head", "slot"), {"slot": list("abcde")}))
    renamed = trace.rename(x="y")
    assert isinstance(renamed["y"].values, LazyValues)
    assert source.read_counts == []
    assert renamed.identical(Trace(NamedArray("y", WHOLE, trace["x"].dims, trace["x"].coords)))


def test_a_large_choice_stays_where_it_is() -> None:
    """More than 64 MB are not read by choosing alone."""

    class Vast:
        shape: tuple[int, ...] = (10**9, 10)
        dtype: np.dtype[Any] = np.dtype(np.float32)

        def read(self, axes: tuple[AxisSelection, ...]) -> np.ndarray:
            assert all(isinstance(axis, int) or len(axis) < 100 for axis in axes)
            return np.zeros([len(axis) for axis in axes if not isinstance(axis, int)], np.float32)

    array = NamedArray("x", LazyValues(Vast()), ("time", "slot"))
    later = array.isel(time=slice(10**8, None))
    assert isinstance(later.values, LazyValues)
    assert later.values.nbytes > MOST_READ
    assert later.isel(time=5).values.shape == (10,)
    assert later.isel(time=[1, 2], slot=3).values.shape == (2,)
