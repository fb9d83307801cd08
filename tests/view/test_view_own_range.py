"""The colour domain of a single picture."""

from __future__ import annotations

import numpy as np
import pytest

from nsm_widgets.view import ColorDomain, own_domain, own_thresholds, rank_thresholds

SHARED, SIGNED = ColorDomain(0.0, 1.0), ColorDomain(-5.0, 5.0, diverging=True)


@pytest.mark.parametrize(
    ("plane", "shared", "expected"),
    [
        ([[0.2, 0.5], [0.3, 0.4]], SHARED, ColorDomain(0.2, 0.5)),
        ([[0.2, np.nan], [np.inf, 0.4]], SHARED, ColorDomain(0.2, 0.4)),
        ([[-1.0, 3.0]], SIGNED, ColorDomain(-3.0, 3.0, diverging=True)),
        ([[-4.0, 3.0]], SIGNED, ColorDomain(-4.0, 4.0, diverging=True)),
        ([[0.25, 0.25]], SHARED, ColorDomain(0.0, 0.25)),
        ([[0.0, 0.0]], SHARED, SHARED),
        ([[0.0, 0.0]], SIGNED, SIGNED),
        ([[np.nan, -np.inf]], SHARED, SHARED),
    ],
    ids=["its range", "finite only", "centred", "centred low", "one value", "zeros", "signed zeros", "none"],
)
def test_the_domain_is_the_range_of_the_picture(
    plane: list[list[float]], shared: ColorDomain, expected: ColorDomain
) -> None:
    """Centred on zero where the shared one is; the shared one where there is no range."""
    assert own_domain(np.array(plane), shared) == expected


@pytest.mark.parametrize("magnitudes", [False, True])
def test_ranks_are_those_of_the_picture_alone(magnitudes: bool) -> None:
    """All values up to a limit; above it a sample that leaves out no column."""
    small = np.random.default_rng(0).normal(size=(40, 30))
    assert own_thresholds(small, magnitudes=magnitudes) == rank_thresholds(small, magnitudes=magnitudes)
    large = np.random.default_rng(0).normal(size=(400, 512))
    near = np.abs(
        np.array(own_thresholds(large, magnitudes=magnitudes))
        - np.array(rank_thresholds(large, magnitudes=magnitudes))
    )
    assert near[10:-10].max() < 0.05
    columns = np.zeros((400, 512))
    columns[:, ::4] = 1.0  # a step of four would see these alone
    assert 0.7 < np.mean(np.array(own_thresholds(columns, magnitudes=False)) == 0) < 0.8
