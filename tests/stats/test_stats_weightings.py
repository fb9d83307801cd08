"""Entropy and its relatives, against loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from nsm_widgets import stats
from nsm_widgets._errors import DtypeError, ShapeError, UnknownOptionError, WeightsError
from nsm_widgets.trace import NamedArray, Trace
from tests.stats import loops
from tests.stats.samples import Array, masked_weightings, random_weights, weightings

Statistic = Callable[..., Any]

PAIRS: list[tuple[Statistic, Callable[[loops.Row], float]]] = [
    (stats.entropy, loops.entropy),
    (stats.normalised_entropy, loops.normalised_entropy),
    (stats.focus, loops.focus),
    (stats.effective_slots, loops.effective_slots),
    (stats.max_weight, max),
    (stats.sparsity, loops.sparsity),
    (stats.hoyer_sparsity, loops.hoyer_sparsity),
]
each = pytest.mark.parametrize(("statistic", "loop"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
every = pytest.mark.parametrize("statistic", [pair[0] for pair in PAIRS], ids=lambda f: f.__name__)


@each
@settings(max_examples=40, deadline=None, derandomize=True)
@given(weights=weightings())
def test_each_row_is_what_the_loop_says(
    statistic: Statistic, loop: Callable[[loops.Row], float], weights: Array
) -> None:
    """Any leading axes, one place, zeros, rows that are zero everywhere (NaN)."""
    np.testing.assert_allclose(statistic(weights), loops.each_row(loop, weights), rtol=0, atol=1e-9)


@each
@settings(max_examples=40, deadline=None, derandomize=True)
@given(sample=masked_weightings())
def test_masked_places_are_left_out(
    statistic: Statistic, loop: Callable[[loops.Row], float], sample: tuple[Array, Array]
) -> None:
    """The statistic is that of what counts, divided by its sum; a fully masked row is NaN."""
    weights, mask = sample
    # a threshold is a cliff: rounding may step off it
    limit = {"threshold": 0.01 + 1e-12} if statistic is stats.sparsity else {}
    expected = loops.each_row(loop, weights, mask)
    if statistic is stats.sparsity:
        expected = loops.each_row(
            lambda row: sum(1 for w in row if w < 0.01 + 1e-12) / len(row), weights, mask
        )
    np.testing.assert_allclose(statistic(weights, mask=mask, **limit), expected, rtol=0, atol=1e-9)


@each
def test_per_matrix_means_its_rows(statistic: Statistic, loop: Callable[[loops.Row], float]) -> None:
    """Zero and masked rows are left out; the largest weight and the sparsity are of all places together."""
    weights = random_weights(3, 2, 5, 7, seed=4)
    weights[0, 1, 2] = 0.0
    mask = np.ones((3, 1, 5, 7), bool)
    mask[1, 0, 3:] = False
    mask[2, 0, 0, 2:] = False
    found = statistic(weights, mask=mask, per="matrix")
    assert found.shape == (3, 2)
    for i, j in np.ndindex(3, 2):
        rows = [loops.counted(weights[i, j, q].tolist(), mask[i, 0, q].tolist()) for q in range(5)]
        kept = [row for row in rows if row is not None]
        expected = loops.mean([loop(row) for row in kept])
        if statistic is stats.max_weight:
            expected = max(w for row in kept for w in row)
        if statistic is stats.sparsity:
            expected = loops.mean([float(w < 0.01) for row in kept for w in row])
        assert found[i, j] == pytest.approx(expected, abs=1e-9)


@every
@pytest.mark.parametrize("per", ["weighting", "matrix"])
def test_nan_stays_nan(statistic: Statistic, per: str) -> None:
    """A row with a NaN is NaN, and so is its matrix; the others are what they are."""
    weights = random_weights(2, 3, 4)
    weights[1, 2, 0] = np.nan
    found = statistic(weights, per=per)
    expected = np.zeros(found.shape, bool)
    expected[(1, 2) if per == "weighting" else (1,)] = True
    assert (np.isnan(found) == expected).all()
    mask = ~np.isnan(weights)
    assert not np.isnan(statistic(weights, mask=mask, per=per)).any()


@every
def test_a_matrix_of_which_nothing_counts_is_nan(statistic: Statistic) -> None:
    """There is nothing to be said of it."""
    assert math.isnan(statistic(np.zeros((2, 3)), per="matrix"))
    assert math.isnan(statistic(random_weights(2, 3), mask=np.zeros(3, bool), per="matrix"))


@each
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_tensors_are_computed_in_float64(
    statistic: Statistic, loop: Callable[[loops.Row], float], dtype: torch.dtype
) -> None:
    """From the values that the tensor holds, with gradient or not."""
    tensor = torch.softmax(torch.randn(2, 3, 40, generator=torch.Generator().manual_seed(1)), -1).to(dtype)
    values = tensor.double().numpy()
    found = statistic(tensor.clone().requires_grad_())
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, loops.each_row(loop, values), rtol=0, atol=1e-9)


@every
def test_lists_and_arrays_are_taken_alike(statistic: Statistic) -> None:
    """Nested lists, float16, a read-only array, an array that is no C order; the input stays as it was."""
    weights = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])
    expected = statistic(weights)
    frozen = weights.copy()
    frozen.flags.writeable = False
    for other in (weights.tolist(), weights.astype(np.float16), frozen, np.asfortranarray(weights)):
        assert statistic(other).tolist() == expected.tolist()
    statistic(weights, mask=[True, True, False])
    assert weights.tolist() == frozen.tolist()


@every
def test_one_weighting_gives_one_number(statistic: Statistic) -> None:
    """An array without axes."""
    found = statistic([0.5, 0.25, 0.25])
    assert isinstance(found, np.ndarray)
    assert found.shape == ()


def test_known_values() -> None:
    """Uniform, one place, two of four."""
    assert stats.entropy([0.25] * 4) == pytest.approx(math.log(4), abs=1e-15)
    assert stats.normalised_entropy([0.25] * 4) == pytest.approx(1.0, abs=1e-15)
    assert stats.focus([0.0, 1.0, 0.0]) == 1.0
    assert stats.effective_slots([0.5, 0.5, 0.0, 0.0]) == pytest.approx(2.0, abs=1e-15)
    assert math.copysign(1.0, stats.entropy([1.0, 0.0])) == 1.0  # 0, not -0
    assert np.isnan(stats.normalised_entropy([[1.0]])).all()


def test_a_mask_over_zero_weights_changes_no_bit() -> None:
    """What a model masked itself holds no weight: nothing is divided then."""
    weights = np.zeros((3, 8), np.float32)
    weights[:, :5] = random_weights(3, 5).astype(np.float32)
    mask = np.arange(8) < 5
    assert stats.entropy(weights, mask=mask).tolist() == stats.entropy(weights).tolist()


def test_causal_rows_are_judged_against_what_they_may_see() -> None:
    """A uniform causal row has normalised entropy 1; the first has nothing to choose."""
    weights = np.tri(5) / np.arange(1, 6)[:, None]
    found = stats.normalised_entropy(weights, mask=stats.causal_mask(5))
    assert math.isnan(found[0])
    np.testing.assert_allclose(found[1:], 1.0, atol=1e-12)
    assert stats.normalised_entropy(weights, mask=stats.causal_mask(5), per="matrix") == pytest.approx(1.0)


def test_a_named_array_stays_named() -> None:
    """Reduced axes go, the others keep names and labels, so that it joins its trace."""
    trace = Trace.from_arrays(
        {"write_weights": random_weights(6, 1, 2, 4)},
        coords={"head": ["left", "right"], "slot": ["a", "b", "c", "d"]},
    )
    found = stats.entropy(trace["write_weights"])
    assert isinstance(found, NamedArray)
    assert found.name == "write_weights_entropy"
    assert found.dims == ("time", "batch", "head")
    assert found.labels("head") == ("left", "right")
    assert found.attrs == {"kind": "scalar", "description": "entropy in nats"}
    assert found.values.tolist() == stats.entropy(trace["write_weights"].values).tolist()
    assert trace.assign(found)["write_weights_entropy"] is found
    assert stats.max_weight(trace["write_weights"], per="matrix").dims == ("time", "batch")


def test_a_named_mask_goes_by_its_axes() -> None:
    """In any order; what it lacks, it holds for all of."""
    weights = random_weights(2, 3, 4, 5)
    array = NamedArray("attention", weights, ("batch", "head", "query", "key"))
    flags = np.random.default_rng(0).random((5, 2)) < 0.7
    mask = NamedArray("mask", flags, ("key", "batch"))
    expected = stats.entropy(weights, mask=flags.T[:, None, None, :])
    assert stats.entropy(array, mask=mask).values.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("weights", "error", "text"),
    [
        (
            [0.5, 0.6],
            WeightsError,
            "weights must sum to 1 along 'slot', its last axis (within 0.001), got 1.1",
        ),
        ([1.5, -0.5], WeightsError, "weights must lie in [0, 1], as weights do, got 1.5 at weights[0]"),
        ([math.inf, 0.0], WeightsError, "weights must lie in [0, 1]"),
        (0.5, ShapeError, "weights must have at least 1 axes, the last being (slot), got shape ()"),
        (np.zeros((2, 0)), ShapeError, "weights must not be empty, got shape (2, 0)"),
        ([], ShapeError, "weights must not be empty"),
        ([1j], DtypeError, "must be real, got complex128"),
        (None, DtypeError, "weights must be an array or a tensor, got None"),
    ],
    ids=["sum", "negative", "infinite", "scalar", "empty", "empty list", "complex", "none"],
)
def test_what_is_no_weighting_is_refused(weights: Any, error: type[Exception], text: str) -> None:
    """With its name, the rule, the value and a remedy."""
    with pytest.raises(error) as caught:
        stats.entropy(weights)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("mask", "error", "text"),
    [
        ([0.0, -np.inf], DtypeError, "An additive mask of 0 and -inf? Pass mask == 0."),
        ([2, 0], DtypeError, "mask must be boolean, True where a value counts"),
        ([True] * 3, ShapeError, "mask must broadcast to weights, shape (2, 2), got shape (3,)"),
        (
            NamedArray("mask", [True, False], ("key",)),
            ValueError,
            "mask has the axis 'key', weights has no names",
        ),
    ],
    ids=["additive", "integers", "shape", "named"],
)
def test_what_is_no_mask_is_refused(mask: Any, error: type[Exception], text: str) -> None:
    """With what to pass instead."""
    with pytest.raises(error) as caught:
        stats.entropy([[0.5, 0.5], [1.0, 0.0]], mask=mask)
    assert text in str(caught.value)


def test_raw_scores_under_a_mask_are_refused() -> None:
    """Dividing by their sum would make weights of anything."""
    with pytest.raises(WeightsError, match=r"must lie in \[0, 1\]|must sum to 1"):
        stats.entropy([[3.0, 1.0, 2.0]], mask=[True, True, False])
    with pytest.raises(WeightsError, match="must sum to 1"):
        stats.entropy([[0.9, 0.9, 0.2]], mask=[True, True, False])


def test_integer_masks_of_a_tokenizer_are_taken() -> None:
    """1 where a token is."""
    assert stats.max_weight([[0.25, 0.5, 0.25]], mask=torch.tensor([1, 0, 1])).tolist() == [0.5]


def test_options_are_checked() -> None:
    """A slip of typing is no default."""
    with pytest.raises(UnknownOptionError, match="per must be one of 'weighting', 'matrix', got 'row'"):
        stats.entropy([[0.5, 0.5]], per="row")
    with pytest.raises(UnknownOptionError, match="threshold must be a number at least 0, got -1"):
        stats.sparsity([[0.5, 0.5]], threshold=-1)
    with pytest.raises(ShapeError, match="at least 2 axes, the last being"):
        stats.entropy([0.5, 0.5], per="matrix")
