"""Where pixels, cells and labels of a picture lie."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nsm_widgets.export.picture.canvas._geometry import span, texel_under, ticks


@pytest.mark.parametrize(("pixels", "texels"), [(10, 3), (7, 7), (100, 41), (5, 1)])
def test_a_pixel_shows_the_texel_under_its_middle(pixels: int, texels: int) -> None:
    """And a cell's span is exactly the pixels that show it."""
    under = texel_under(pixels, texels)
    assert under.tolist() == [int((p + 0.5) * texels / pixels) for p in range(pixels)]
    for texel in range(texels):
        start, end = span(texel, texels, pixels)
        assert np.flatnonzero(under == texel).tolist() == list(range(start, end))


@pytest.mark.parametrize("count", [1, 2, 9, 128, 1000, 4096])
@pytest.mark.parametrize("length", [24, 230, 900])
def test_labels_do_not_touch(count: int, length: int) -> None:
    """First and last are labelled where both fit, and any two are a label's size apart."""
    at = ticks(count, length, 20)
    assert at == sorted(set(at)) and at[-1] == count - 1
    assert at[0] == 0 or length < 40
    for a, b in pairwise(at):
        assert (b - a) * length / count >= 20
