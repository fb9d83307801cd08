"""Lines of a panel: their colours, names and values, the same on the page and in a picture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Float64

from nsm_widgets.trace import NamedArray
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view.panels import LinesPanel, ScalarsPanel

PALETTE = ("#2a7fc1", "#d98200", "#009e73", "#cc5f9e", "#56b4e9", "#d55e00")
"""After Okabe and Ito: told apart by colour-blind readers, legible on white and on black."""

MOST_NAMED_LINES = len(PALETTE)
"""More lines than this are one colour, fainter, and have no legend."""


def count_lines(array: NamedArray, panel: LinesPanel | ScalarsPanel) -> int:
    """How many lines a panel draws: one where its ``y`` is its ``x``."""
    return 1 if panel.y == panel.x else len(line_indices(array, panel))


def line_indices(array: NamedArray, panel: LinesPanel | ScalarsPanel) -> tuple[int, ...]:
    """The index of ``y`` that each line stands for."""
    return panel.picked_rows or tuple(range(array.sizes[panel.y]))


def line_names(array: NamedArray, panel: LinesPanel | ScalarsPanel, batch: int = 0) -> list[str]:
    """What each line is called: ``head 0``, or its label; the panel's title where there is but one.

    >>> from nsm_widgets.view import lines_layout
    >>> gate = NamedArray("gate", [[1.0, 2.0]], dims=("time", "head"), coords={"head": ["left", "right"]})
    >>> line_names(gate, lines_layout(gate)[0][0])
    ['left', 'right']
    """
    if panel.y == panel.x or array.sizes[panel.y] == 1:
        return [panel.title]
    labels = array.labels(panel.y, batch=batch)
    named = panel.y in array.coords
    return [labels[i] if named else f"{panel.y} {labels[i]}" for i in line_indices(array, panel)]


def line_colors(count: int) -> list[str]:
    """A colour for each line, as ``#rrggbb``."""
    return [PALETTE[i if count <= MOST_NAMED_LINES else 0] for i in range(count)]


def line_values(
    array: NamedArray, panel: LinesPanel | ScalarsPanel, at: Mapping[str, int]
) -> Float64[np.ndarray, "line step"]:
    """The values of each line, as doubles.

    Args:
        array: The panel's array.
        panel: What draws it.
        at: An index for each axis that is not drawn.

    Example:
        >>> from nsm_widgets.view import lines_layout
        >>> array = NamedArray("gate", [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dims=("time", "head"))
        >>> line_values(array, lines_layout(array)[0][0], {}).tolist()
        [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]
    """
    drawn = (panel.x, panel.y)
    values = array.values[tuple(slice(None) if dim in drawn else at[dim] for dim in array.dims)]
    if values.ndim == 2 and array.dims.index(panel.x) < array.dims.index(panel.y):
        values = values.T
    if panel.picked_rows:
        values = values[list(panel.picked_rows)]
    doubles: Float64[np.ndarray, "line step"] = np.atleast_2d(values).astype(np.float64)
    return doubles


def tick_steps(count: int, most: int = 9, *, before: int = 0) -> list[int]:
    """Indices to label along an axis of steps: round numbers, at most so many.

    Args:
        count: How many steps there are.
        most: Labels.
        before: How many steps were cut off before the first.

    >>> tick_steps(4), tick_steps(41), tick_steps(21, before=13)
    ([0, 1, 2, 3], [0, 5, 10, 15, 20, 25, 30, 35, 40], [2, 7, 12, 17])
    """
    step = next(step for step in _round_numbers(0) if (count - 1) // step < most)
    return list(range(-before % int(step), count, int(step)))


def tick_values(domain: ColorDomain, most: int = 6) -> list[float]:
    """Round values to label between a domain's ends, at most so many.

    >>> tick_values(ColorDomain(0.0, 1.0)), tick_values(ColorDomain(-7.3, 7.3))
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [-5.0, 0.0, 5.0])
    """
    low, high = domain.low, domain.high
    if not 1e-300 < high - low < math.inf:
        return [low, high]
    for step in _round_numbers(math.floor(math.log10((high - low) / most))):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return [float(f"{step * i:.12g}") for i in range(first, last + 1)]


def _round_numbers(power: int) -> Iterator[float]:
    """1, 2, 5, 10, 20, ... times a power of ten."""
    for exponent in itertools.count(power):
        yield from (m * 10**exponent if exponent >= 0 else m / 10**-exponent for m in (1, 2, 5))
