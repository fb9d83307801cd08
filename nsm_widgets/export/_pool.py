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

Block = Shaped[np.ndarray, "line cell"]
Prepare = Callable[[Block, int], Block]
"""Lines as they are to be pooled, given some of them and the number of the first."""


def first_cells(cells: int, texels: int) -> Int[np.ndarray, " texel_and_end"]:
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
    lines: int,
    cells: int,
    prepare: Prepare | None = None,
) -> Shaped[np.ndarray, "line_texel cell_texel"]:
    """Reduce a plane to so many texels.

    Args:
        ufunc: ``np.maximum`` or ``np.minimum``; NaN wins over any number.
        plane: Lines whose cells lie together in memory are read fastest.
        lines: Texels along the first axis, at most as many as lines.
        cells: Texels along the second axis.
        prepare: What is done to lines before.
    """
    first = first_cells(len(plane), lines)
    down = _reduced_lines if len(plane) // lines >= _GATHERED else _gathered_lines
    parts = [across(ufunc, part, cells) for part in down(ufunc, plane, first, prepare)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _gathered_lines(
    ufunc: np.ufunc,
    plane: Shaped[np.ndarray, "line cell"],
    first: Int[np.ndarray, " texel_and_end"],
    prepare: Prepare | None,
) -> Iterator[Block]:
    """Texels of one to three lines each: all first lines, all second ones, all last ones of a block."""
    run = (first[-1] // (len(first) - 1)).item()
    for texels in line_blocks(plane, len(first) - 1):
        start, end = first[texels.start].item(), first[texels.stop].item()
        block = plane[start:end] if prepare is None else prepare(plane[start:end], start)
        if len(block) == texels.stop - texels.start:
            yield block
            continue
        from_, last = first[texels] - start, first[texels.start + 1 : texels.stop + 1] - start - 1
        pooled = block[from_]
        for step in range(1, run):
            ufunc(pooled, block[from_ + step], out=pooled)
        yield ufunc(pooled, block[last], out=pooled)


def _reduced_lines(
    ufunc: np.ufunc,
    plane: Shaped[np.ndarray, "line cell"],
    first: Int[np.ndarray, " texel_and_end"],
    prepare: Prepare | None,
) -> Iterator[Block]:
    """Texels of many lines each."""
    for texels in line_blocks(plane, len(first) - 1):
        yield np.stack(
            [
                _reduced(ufunc, plane, start, end, prepare)
                for start, end in pairwise(first[texels.start : texels.stop + 1].tolist())
            ]
        )


def _reduced(
    ufunc: np.ufunc,
    plane: Shaped[np.ndarray, "line cell"],
    start: int,
    end: int,
    prepare: Prepare | None,
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


def across(ufunc: np.ufunc, block: Block, texels: int) -> Block:
    """Reduce neighbouring cells of each line to one value."""
    cells = block.shape[1]
    if texels == cells:
        return block
    first = first_cells(cells, texels)
    pooled = np.take(block, first[:-1], axis=1)
    for step in range(1, cells // texels):
        ufunc(pooled, np.take(block, first[:-1] + step, axis=1), out=pooled)
    whole: Block = ufunc(pooled, np.take(block, first[1:] - 1, axis=1), out=pooled)
    return whole
