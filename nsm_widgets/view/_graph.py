"""Edges and nodes of a graph panel: which are drawn, and how large, the same on the page and in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int, Shaped

from nsm_widgets.trace import NamedArray

MOST_NODES = 256
"""More nodes than this lie closer on their circle than they can be told apart: a matrix shows them better."""

MOST_EDGES = 200
"""Of more edges, the strongest are drawn."""


@dataclass(frozen=True, slots=True)
class EdgeChoice:
    """The edges that are drawn of a matrix."""

    cells: Int[np.ndarray, " edge"]
    """Their cells, as places in the matrix's rows put end to end; the strongest is last, and so on top."""
    passing: int
    """How many are at least as strong as was asked."""
    total: int
    """How many there are: cells other than zero."""

    @property
    def text(self) -> str:
        """What is drawn of what there is, in words."""
        if len(self.cells) < self.passing:
            return f"strongest {len(self.cells):,} of {self.passing:,} edges"
        return "1 edge" if self.passing == 1 else f"{self.passing:,} edges"


def choose_edges(
    plane: Shaped[np.ndarray, "listener sender"], *, least: float = 0.0, most: int = MOST_EDGES
) -> EdgeChoice:
    """The strongest edges of a matrix: NaN first, which must not be missed, then by magnitude.

    Of equals, the one further up the matrix, then further left, is taken first. Zero is no edge.

    Args:
        plane: Rows listen to columns.
        least: Edges of a smaller magnitude are left out.
        most: How many may be drawn.

    Example:
        >>> choose_edges(np.array([[0.0, 0.3], [0.9, np.nan]]), most=2).cells.tolist()
        [2, 3]
    """
    strength = np.abs(plane.astype(np.float64)).reshape(-1)
    missing = np.isnan(strength)
    edges = np.flatnonzero(missing | (strength > 0))
    passing = edges[missing[edges] | (strength[edges] >= least)]
    order = np.lexsort((passing, -strength[passing], ~missing[passing]))
    return EdgeChoice(passing[order[:most]][::-1], len(passing), len(edges))


def column_sums(plane: Shaped[np.ndarray, "listener sender"]) -> Float64[np.ndarray, " sender"]:
    """How much each sender is listened to in all: the sum of its column's finite magnitudes.

    Example:
        >>> column_sums(np.array([[0.25, 0.75], [0.5, np.nan]])).tolist()
        [0.75, 0.75]
    """
    sums: Float64[np.ndarray, " sender"] = _magnitudes(plane).sum(axis=0)
    return sums


def largest_sum(array: NamedArray, listener: str) -> float:
    """The largest column sum of an array at any time and head: what the largest node stands for."""
    axis = array.dims.index(listener)
    values = array.values
    blocks = [values] if axis == 0 else [values[i : i + 1] for i in range(len(values))]
    return max(float(_magnitudes(block).sum(axis=axis).max()) for block in blocks)


def _magnitudes(values: Shaped[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    doubles = np.abs(values.astype(np.float64))
    finite: Float64[np.ndarray, "*shape"] = np.where(np.isfinite(doubles), doubles, 0.0)
    return finite
