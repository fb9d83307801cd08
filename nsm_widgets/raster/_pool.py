"""The largest and the smallest of the cells that share a texel, read a few megabytes at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from jaxtyping import Int, Shaped

BLOCK_BYTES = 1 << 19
"""What is worked on at a time: it stays in a processor's cache."""

_GATHERED = 3
"""Fewer lines to a texel are gathered for many texels at a time; more are reduced texel by texel."""

Edges = Int[np.ndarray, " texel_and_end"]
LineBlock = Shaped[np.ndarray, "line cell"]
Prepare = Callable[[LineBlock, int], LineBlock]
"""Lines as they are to be pooled, given some of them and the number of the first."""


def first_cells(cells: int, texels: int) -> Edges:
    """The first cell of each texel, and the end; cell ``c`` lies in texel ``floor(c * texels / cells)``.

    >>> first_cells(7, 3).tolist()
    [0, 3, 5, 7]
    """
    return -(-np.arange(texels + 1) * cells // texels)


def line_blocks(plane: Shaped[np.ndarray, "line cell"], lines: int | None = None) -> Iterator[slice]:
    """Neighbouring lines that take about :data:`BLOCK_BYTES` together, one line at least."""
    step = max(1, BLOCK_BYTES // max(1, plane.shape[1] * plane.itemsize))
    count = len(plane) if lines is None else lines
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def lowest(plane: Shaped[np.ndarray, "line cell"], prepare: Prepare | None = None) -> float:
    """The smallest value; NaN where there is one."""
    least = [
        float((plane[here] if prepare is None else prepare(plane[here], here.start)).min())
        for here in line_blocks(plane)
    ]
    return float(np.min(least))


def pool(
    ufunc: np.ufunc,
    plane: Shaped[np.ndarray, "line cell"],
    lines: Edges,
    cells: Edges,
    prepare: Prepare | None = None,
) -> Shaped[np.ndarray, "line_texel cell_texel"]:
    """Reduce a plane to texels.

    Args:
        ufunc: ``np.maximum`` or ``np.minimum``; NaN wins over any number.
        plane: Lines whose cells lie together in memory are read fastest.
        lines: First line of each texel, and the end, as :func:`first_cells` gives them; no texel is empty.
        cells: The same of the cells of a line, as ``prepare`` leaves it.
        prepare: What is done to lines before.
    """
    many = (lines[-1] - lines[0]) // (len(lines) - 1) >= _GATHERED
    down = _reduced_lines if many else _gathered_lines
    parts = [across(ufunc, part, cells) for part in down(ufunc, plane, lines, prepare)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _gathered_lines(
    ufunc: np.ufunc, plane: Shaped[np.ndarray, "line cell"], first: Edges, prepare: Prepare | None
) -> Iterator[LineBlock]:
    """Texels of few lines each: all first lines of a block, all second ones, and so on."""
    for texels in line_blocks(plane, len(first) - 1):
        here = first[texels.start : texels.stop + 1]
        start, end = here[0].item(), here[-1].item()
        block = plane[start:end] if prepare is None else prepare(plane[start:end], start)
        yield block if len(block) == len(here) - 1 else _gathered(ufunc, block, here - start, 0)


def _gathered(ufunc: np.ufunc, block: LineBlock, first: Edges, axis: int) -> LineBlock:
    """Reduce neighbours along an axis: the first of each texel, the second, and so on, and the last."""
    starts, last = first[:-1], first[1:] - 1
    pooled = np.take(block, starts, axis=axis)
    for step in range(1, int((last - starts).max())):
        ufunc(pooled, np.take(block, np.minimum(starts + step, last), axis=axis), out=pooled)
    whole: LineBlock = ufunc(pooled, np.take(block, last, axis=axis), out=pooled)
    return whole


def _reduced_lines(
    ufunc: np.ufunc, plane: Shaped[np.ndarray, "line cell"], first: Edges, prepare: Prepare | None
) -> Iterator[LineBlock]:
    """Texels of many lines each."""
    for texels in line_blocks(plane, len(first) - 1):
        yield np.stack(
            [
                _reduced(ufunc, plane, start, end, prepare)
                for start, end in pairwise(first[texels.start : texels.stop + 1].tolist())
            ]
        )


def _reduced(
    ufunc: np.ufunc, plane: Shaped[np.ndarray, "line cell"], start: int, end: int, prepare: Prepare | None
) -> Shaped[np.ndarray, " cell"]:
    """Lines from ``start`` to ``end`` as one."""
    if prepare is None:
        one: Shaped[np.ndarray, " cell"] = ufunc.reduce(plane[start:end], axis=0)
        return one
    parts = [
        ufunc.reduce(prepare(plane[start:end][here], start + here.start), axis=0)
        for here in line_blocks(plane[start:end])
    ]
    whole: Shaped[np.ndarray, " cell"] = ufunc.reduce(parts, axis=0)
    return whole


def across(ufunc: np.ufunc, block: LineBlock, cells: Edges) -> LineBlock:
    """Reduce neighbouring cells of each line to one value."""
    start, end = cells[0].item(), cells[-1].item()
    if end - start == len(cells) - 1:
        return block[:, start:end]
    return _gathered(ufunc, block, cells, 1)
