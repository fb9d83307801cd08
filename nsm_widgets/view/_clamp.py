"""Indices left over from other data, brought back to the data at hand."""

from __future__ import annotations

from collections.abc import Mapping


def clamp(indices: Mapping[str, int], sizes: Mapping[str, int]) -> dict[str, int]:
    """The nearest index that exists, for each axis of the data; axes the data does not have are left out.

    Example:
        >>> clamp({"time": 9, "head": 1, "slot": 3}, {"time": 5, "head": 2})
        {'time': 4, 'head': 1}
    """
    return {dim: min(max(indices.get(dim, 0), 0), size - 1) for dim, size in sizes.items()}
