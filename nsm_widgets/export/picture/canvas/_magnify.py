"""Texels enlarged without a change, for viewers that blur what they enlarge themselves."""

from __future__ import annotations

from math import ceil

import numpy as np
from jaxtyping import UInt8

from nsm_widgets.export.picture.canvas._geometry import Box


def magnified(
    texels: UInt8[np.ndarray, "row column 3"], box: Box, density: float
) -> UInt8[np.ndarray, "tall_row wide_column 3"]:
    """Every texel repeated a whole number of times, until the box is filled at this density or better."""
    rows, columns, _ = texels.shape
    down, across = ceil(box.height * density / rows), ceil(box.width * density / columns)
    grown: UInt8[np.ndarray, "tall_row wide_column 3"] = texels.repeat(max(1, down), axis=0).repeat(
        max(1, across), axis=1
    )
    return grown
