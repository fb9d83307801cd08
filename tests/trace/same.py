"""Two traces, compared to the last bit."""

from __future__ import annotations

from nsm_widgets.trace import Trace


def assert_same_arrays(one: Trace, other: Trace) -> None:
    """Names, values to the bit, dtypes, axes, labels and attrs; the order of names does not matter."""
    assert set(one) == set(other)
    for name, array in one.items():
        expected = other[name]
        assert (array.dims, array.values.dtype) == (expected.dims, expected.values.dtype), name
        assert array.values.tobytes() == expected.values.tobytes(), name
        assert array.attrs == expected.attrs, name
        assert set(array.coords) == set(expected.coords), name
        assert all(array.labels(dim) == expected.labels(dim) for dim in array.coords), name
