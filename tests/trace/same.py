"""Two traces, compared to the last bit."""

from __future__ import annotations

from nsm_widgets.trace import Trace, is_mask


def assert_same_arrays(one: Trace, other: Trace) -> None:
    """Names, values to the bit, dtypes, axes, labels and attrs, but no masks, in any order."""
    assert set(one) == set(other)
    for name, array in one.items():
        expected = other[name]
        assert (array.dims, array.values.dtype) == (expected.dims, expected.values.dtype), name
        assert array.values.tobytes() == expected.values.tobytes(), name
        assert array.attrs == expected.attrs, name
        labels = {dim for dim in array.coords if not is_mask(dim)}
        assert labels == set(expected.coords), name
        assert all(array.labels(dim) == expected.labels(dim) for dim in labels), name
