"""The colour domain of a single picture, for readers who want each head to span the colour bar by itself.

``js/src/raster/own.ts`` follows the same rules; ``tests/data/wire`` holds cases that both must answer alike.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from jaxtyping import Shaped

from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view._summary import thresholds_of_values

DomainChoice = Literal["shared", "per-head"]
"""``shared``: one colour domain for all times and heads. ``per-head``: each picture of an attention head
spans the colour bar by its own range, over its queries and keys."""
DOMAIN_CHOICES: tuple[str, ...] = get_args(DomainChoice)

MOST_RANKED = 65_536
"""A larger picture is ranked by every so many of its values."""


def own_domain(plane: Shaped[np.ndarray, "row column"], shared: ColorDomain) -> ColorDomain:
    """The range of a picture's finite values; centred on zero where the shared domain is.

    A picture of one value alone spans from zero to it; one of zeros or without finite values keeps the shared
    domain.

    Example:
        >>> own_domain(np.array([[0.25, 0.5]]), ColorDomain(0.0, 1.0))
        ColorDomain(low=0.25, high=0.5, diverging=False)
    """
    finite = plane[np.isfinite(plane)]
    if finite.size == 0:
        return shared
    low, high = float(finite.min()), float(finite.max())
    if shared.diverging:
        most = max(-low, high)
        return ColorDomain(-most, most, diverging=True) if most > 0 else shared
    if low == high:
        low, high = min(0.0, low), max(0.0, high)
    return ColorDomain(low, high) if low < high else shared


def own_thresholds(plane: Shaped[np.ndarray, "row column"], *, magnitudes: bool) -> tuple[float, ...]:
    """As :func:`~nsm_widgets.view.rank_thresholds`, of one picture.

    Above :data:`MOST_RANKED` values, of every so many, row by row; never of some columns alone.

    Args:
        plane: Rows as they run down the screen.
        magnitudes: Rank ``|v|`` instead of ``v``.
    """
    step = max(1, -(-plane.size // MOST_RANKED))
    while math.gcd(step, plane.shape[1]) > 1:
        step += 1
    return thresholds_of_values(plane.reshape(-1)[::step], magnitudes=magnitudes)
