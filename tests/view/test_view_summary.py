"""Counts, ranges, quantiles and colour domains of whole arrays, against slow loops."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from nsm_widgets._axes import clamp
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import (
    ArraySummary,
    ColorDomain,
    color_codes,
    count_clipped,
    default_coloring,
    rank_thresholds,
    ranks_of,
    summarize,
    summary_of,
)

RANDOM = np.random.default_rng(5)
ARRAYS = {
    "finite": RANDOM.normal(size=(3, 4)),
    "marks": np.array([[1.0, np.nan, -2.0], [np.inf, -np.inf, np.nan]]),
    "no finite value": np.array([np.nan, np.inf, -np.inf]),
    "one value": np.array(7.5),
    "float16": np.array([0.1, np.nan, 65504.0, -0.2], np.float16),
    "float32": RANDOM.normal(size=50).astype(np.float32),
    "int8": np.array([-128, 127, 3], np.int8),
    "uint8": np.array([[255, 0], [1, 1]], np.uint8),
    "int64": np.array([2**53, -5, 0]),
    "bool": np.array([True, False, True]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_summary_is_that_of_a_slow_loop(name: str) -> None:
    """Range of the finite values, and how many are NaN or infinite; 0 to 0 where none is finite."""
    array = ARRAYS[name]
    values = [float(v) for v in array.reshape(-1).tolist()]
    finite = [v for v in values if math.isfinite(v)]
    summary = summarize(array)
    assert summary.size == len(values)
    assert summary.finite == len(finite)
    assert summary.low == (min(finite) if finite else 0.0)
    assert summary.high == (max(finite) if finite else 0.0)
    assert summary.nan == sum(math.isnan(v) for v in values)
    assert summary.positive_infinity == values.count(math.inf)
    assert summary.negative_infinity == values.count(-math.inf)
    assert summary.to_json()["size"] == summary.size


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("bounds", [(-0.15, 0.3), (0.0, 1.0), (-1e6, 1e6), (-200.0, 100.0)], ids=str)
def test_clipped_counts_are_those_of_the_codes(name: str, bounds: tuple[float, float]) -> None:
    """The legend's total is the number of cells that are drawn as clipped, to the last one."""
    domain = ColorDomain(*bounds)
    codes = color_codes(ARRAYS[name], domain)
    assert count_clipped(ARRAYS[name], domain) == (int((codes == 260).sum()), int((codes == 259).sum()))


def test_a_float16_value_past_a_bound_that_float16_cannot_hold_is_counted() -> None:
    """Bounds are compared in float64: rounded to float16, 0.3 would let 0.30005 through."""
    assert count_clipped(np.array([0.3], np.float16), ColorDomain(0.0, 0.3)) == (0, 1)


@pytest.mark.parametrize("magnitudes", [False, True], ids=["values", "magnitudes"])
@pytest.mark.parametrize("name", ARRAYS)
def test_rank_thresholds_are_those_of_a_slow_loop(name: str, magnitudes: bool) -> None:
    """255 ascending values; threshold i is the sorted value at i/256 of the way."""
    finite = [float(v) for v in ARRAYS[name].reshape(-1).tolist() if math.isfinite(v)]
    ordered = sorted(abs(v) if magnitudes else v for v in finite)
    expected = [ordered[i * len(ordered) // 256] if ordered else 0.0 for i in range(1, 256)]
    assert list(rank_thresholds(ARRAYS[name], magnitudes=magnitudes)) == expected


def test_rank_thresholds_of_a_large_array_come_from_a_sample() -> None:
    """Above a million values a seeded sample stands in: repeatable, and within 0.2 % of each rank."""
    values = RANDOM.permutation(np.linspace(0.0, 1.0, 1_500_000))
    thresholds = rank_thresholds(values, magnitudes=False)
    assert thresholds == rank_thresholds(values, magnitudes=False)
    np.testing.assert_allclose(thresholds, np.arange(1, 256) / 256, atol=0.002)


def marked(dtype: str) -> np.ndarray:
    """Values of more than one block, with marks in some blocks."""
    values = RANDOM.normal(size=(7, 90, 2000))
    values[2, 3, 4:9], values[5, 80, 1000:1003], values[6, 0, 7] = np.nan, np.inf, -np.inf
    return values.astype(dtype)


LAYOUTS = {
    "as it is": lambda values: values,
    "turned": lambda values: values.transpose(2, 0, 1),
    "every third": lambda values: values[::-1, ::3, 5::3],
    "a plane": lambda values: values[:, :, 4],
    "one value many times": lambda values: np.broadcast_to(values[2, 3, 4], (600, 700)),
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_blocks_join(layout: str, dtype: str) -> None:
    """Whatever the layout, an array of many blocks is counted, bounded and ranked as one."""
    values = LAYOUTS[layout](marked(dtype))
    finite = values[np.isfinite(values)]
    summary = summarize(values)
    assert (summary.size, summary.nan) == (values.size, int(np.isnan(values).sum()))
    assert summary.positive_infinity == int((values == np.inf).sum())
    assert summary.negative_infinity == int((values == -np.inf).sum())
    assert (summary.low, summary.high) == ((finite.min(), finite.max()) if finite.size else (0, 0))
    domain = ColorDomain(-0.3, 1.3)
    wide = finite.astype(np.float64)
    past = int((wide < -0.3 - domain.slack).sum()), int((wide > 1.3 + domain.slack).sum())
    assert count_clipped(values, domain) == past
    flat = values.reshape(-1)
    if flat.size > 1_000_000:
        flat = flat[np.random.default_rng(0).integers(0, flat.size, 1_000_000)]
    ranked = np.sort(np.abs(flat[np.isfinite(flat)].astype(np.float64)))
    expected = [ranked[i * len(ranked) // 256] if len(ranked) else 0.0 for i in range(1, 256)]
    assert list(rank_thresholds(values, magnitudes=True)) == expected


@pytest.mark.parametrize("bound", [0.1, 0.3, 1e-300, 3.5e38, -3.5e38, 1.0], ids=str)
def test_bounds_part_float32_as_they_part_float64(bound: float) -> None:
    """A bound between two float32 numbers keeps them apart, whichever is nearer."""
    near = np.float32(np.clip(bound, -3e38, 3e38))
    ends = np.array([np.nextafter(near, np.float32(-4)), near, np.nextafter(near, np.float32(4)), np.inf])
    values = np.concatenate([ends, -ends]).astype(np.float32)
    domain = ColorDomain(bound, bound)
    wide = values[np.isfinite(values)].astype(np.float64)
    below, above = (wide < bound - domain.slack).sum(), (wide > bound + domain.slack).sum()
    assert count_clipped(values, domain) == (below, above)
    exact = ColorDomain(bound, bound + 1e-320)
    assert count_clipped(values, exact) == (
        (wide < bound - exact.slack).sum(),
        (wide > bound + exact.slack).sum(),
    )


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Half a gigabyte in a file, most of it a hole, takes a few megabytes; a plane across all of it, too."""
    path = tmp_path / "values"
    values = np.memmap(path, np.float32, "w+", shape=(128, 1024, 1024))
    values[100, 7, 9], values[101, 0, 0], values[3, 3, 3] = 2.0, np.nan, -1.0
    tracemalloc.start()
    try:
        summary = summarize(values)
        clipped = count_clipped(values, ColorDomain(0.0, 1.0))
        turned = summarize(values.transpose(1, 2, 0))
        whole = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        thresholds = rank_thresholds(values, magnitudes=False)
        sample = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert summary == turned
    assert (summary.low, summary.high, summary.nan, clipped) == (-1.0, 2.0, 1, (1, 1))
    assert set(thresholds) == {0.0}
    assert whole < 8e6
    assert sample < 48e6


def test_an_array_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was worked out of it is kept as long as it is; of another one of equal values it is not taken."""
    read: list[int] = []
    real = summarize

    def counted(values: np.ndarray) -> ArraySummary:
        read.append(values.size)
        return real(values)

    monkeypatch.setattr("nsm_widgets.view._summary.summarize", counted)
    first, second = array([0.25, 0.5]), array([0.25, 0.5])
    for _ in range(2):
        default_coloring(first, vmin=0.3)
        assert summary_of(first).high == 0.5
        assert ranks_of(first, magnitudes=True) == rank_thresholds(first.values, magnitudes=True)
        assert ranks_of(first, magnitudes=False) is ranks_of(first, magnitudes=False)
    assert read == [2]
    assert summary_of(second) == summary_of(first)
    assert read == [2, 2]


def array(values: object, *, name: str = "x", kind: str = "content") -> NamedArray:
    """A named vector."""
    return NamedArray(name, values, dims=("slot",), attrs={"kind": kind})


@pytest.mark.parametrize(
    ("given_array", "domain", "cmap"),
    [
        (array([0.2, 0.3], kind="weights", name="read_weights"), ColorDomain(0, 1), "reads"),
        (array([0.2, 0.3], kind="weights", name="write_weights"), ColorDomain(0, 1), "writes"),
        (array([0.2, 0.3], kind="attention"), ColorDomain(0, 1), "reads"),
        (array([-1e-7, 1.0], kind="weights"), ColorDomain(0, 1), "reads"),
        (array([-0.5, 0.3], kind="weights"), ColorDomain(-0.5, 0.5, diverging=True), "signed"),
        (array([-1.0, 3.0]), ColorDomain(-3, 3, diverging=True), "signed"),
        (array([-4.0, -3.0]), ColorDomain(-4, 4, diverging=True), "signed"),
        (array([2.0, 8.0]), ColorDomain(0, 8), "ink"),
        (array([0.0, 0.0]), ColorDomain(0, 1), "ink"),
        (array([np.nan, np.inf]), ColorDomain(0, 1), "ink"),
        (array([np.nan, -np.inf, 2.0]), ColorDomain(0, 2), "ink"),
        (array([True, False]), ColorDomain(0, 1), "ink"),
        (array([-3, 2]), ColorDomain(-3, 3, diverging=True), "signed"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value)[:60],
)
def test_default_domain(given_array: NamedArray, domain: ColorDomain, cmap: str) -> None:
    """Weights get [0, 1]; signed values a domain centred on zero; others their range from zero."""
    coloring = default_coloring(given_array)
    assert (coloring.domain, coloring.cmap) == (domain, cmap)
    assert (coloring.below, coloring.above) == (0, 0)


def test_rounding_above_one_is_not_clipping() -> None:
    """A softmax in float32 may end a hair above one; that is no clipped value."""
    weights = np.array([1.0 + 2e-7, 1.5, 0.0])
    coloring = default_coloring(array(weights, kind="weights"))
    assert (coloring.below, coloring.above) == (0, 1)


def test_given_bounds_win() -> None:
    """vmin and vmax replace the ends; what they leave out is counted; cmap is taken as it is."""
    coloring = default_coloring(array([-1.0, 3.0]), vmin=-0.5, cmap="magma")
    assert coloring.domain == ColorDomain(-0.5, 3.0, diverging=False)
    assert (coloring.below, coloring.above, coloring.cmap) == (1, 0, "magma")
    symmetric = default_coloring(array([-1.0, 3.0]), vmin=-2, vmax=2)
    assert symmetric.domain == ColorDomain(-2.0, 2.0, diverging=True)
    assert symmetric.above == 1


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"vmin": 1, "vmax": 1}, "vmin must be less than vmax, got vmin=1 and vmax=1."),
        ({"vmin": 2, "vmax": -2}, "vmin must be less than vmax, got vmin=2 and vmax=-2."),
        ({"vmin": 5}, "vmin must be less than vmax, got vmin=5 and vmax=3."),
        ({"vmin": float("nan")}, "vmin and vmax must be finite, got vmin=nan"),
        ({"vmax": float("inf")}, "vmin and vmax must be finite"),
        ({"vmin": float("-inf"), "vmax": 0}, "vmin and vmax must be finite, got vmin=-inf"),
    ],
    ids=str,
)
def test_bounds_that_are_none_are_refused(bounds: dict[str, float], text: str) -> None:
    """Bounds must be finite and in order."""
    with pytest.raises(ValueError, match=text):
        default_coloring(array([-1.0, 3.0]), vmin=bounds.get("vmin"), vmax=bounds.get("vmax"))


@given(
    indices=st.dictionaries(st.sampled_from("abcd"), st.integers(-(10**9), 10**9)),
    sizes=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 50)),
)
def test_clamp_gives_the_nearest_index_that_exists(indices: dict[str, int], sizes: dict[str, int]) -> None:
    """Exactly the axes of the data, each inside, and unmoved where it was inside already."""
    clamped = clamp(indices, sizes)
    assert clamped.keys() == sizes.keys()
    for dim, size in sizes.items():
        wanted = indices.get(dim, 0)
        nearest = min(range(size), key=lambda i: abs(i - wanted))
        assert clamped[dim] == nearest


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, max_side=6)))
def test_every_default_domain_holds_its_data(values: np.ndarray) -> None:
    """Whatever the values, no finite one lies outside the domain that is chosen for them."""
    named = NamedArray("x", values, dims=("time", "slot", "word")[: values.ndim], attrs={"kind": "content"})
    coloring = default_coloring(named)
    assert coloring.domain.low < coloring.domain.high
    assert (coloring.below, coloring.above) == (0, 0)
    codes = color_codes(values, coloring.domain)
    assert ((codes > 255) == ~np.isfinite(values)).all()
