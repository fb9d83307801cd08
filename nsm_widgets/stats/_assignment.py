"""The best one-to-one assignment: each row of a square table of costs gets a column of its own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int64

from nsm_widgets._errors import WeightsError

_TIED = 1e-12
"""Costs nearer than this share of the largest one are equal: so much is rounding."""


def best_assignment(*costs: Float64[np.ndarray, "n n"]) -> Int64[np.ndarray, " n"]:
    """The column of each row, so that the sum of the first costs is the least there is. Exact, O(n^3).

    By shortest augmenting paths (Jonker & Volgenant 1987). Each further table decides between what those
    before it leave tied; what is tied then goes to the smallest columns, the first row's first.

    Args:
        costs: One or more square tables of finite numbers.

    Raises:
        WeightsError: If a cost is not finite.

    >>> best_assignment(np.array([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0], [3.0, 2.0, 2.0]])).tolist()
    [1, 0, 2]
    """
    if not all(np.isfinite(cost).all() for cost in costs):
        raise WeightsError("costs must be finite. Give a pair that must not be a large cost instead.")
    size = len(costs[0])
    allowed = np.ones((size, size), bool)
    column_of = np.arange(size)
    for cost in costs:
        low, high = float(cost.min()), float(cost.max())
        scaled = (cost - low) / (high - low) if high > low else np.zeros_like(cost)
        # a column that is not allowed costs more than all that are allowed together
        limited = np.where(allowed, scaled, size + 1.0)
        column_of, slack = _least_sum(limited)
        allowed &= slack <= _TIED * limited.max(initial=1.0)
    return _smallest(allowed, column_of)


def _least_sum(
    cost: Float64[np.ndarray, "n n"],
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, "n n"]]:
    """The column of each row, and how much dearer than needed each pair is: 0 in every best assignment."""
    size = len(cost)
    of_row = cost.min(axis=1)
    of_column = (cost - of_row[:, None]).min(axis=0)
    row_of = np.full(size, -1)
    waiting = []
    for row in range(size):  # what goes without a search: a cheapest column that is free
        free = np.flatnonzero((cost[row] - of_row[row] - of_column <= 0) & (row_of < 0))
        if len(free):
            row_of[free[0]] = row
        else:
            waiting.append(row)
    for row in waiting:
        _augment(cost, row, row_of, of_row, of_column)
    column_of = np.empty(size, np.int64)
    column_of[row_of] = np.arange(size)
    return column_of, cost - of_row[:, None] - of_column


def _augment(
    cost: Float64[np.ndarray, "n n"],
    start: int,
    row_of: Int64[np.ndarray, " n"],
    of_row: Float64[np.ndarray, " n"],
    of_column: Float64[np.ndarray, " n"],
) -> None:
    """Give a row a column, moving others along the cheapest path to a free one; prices stay right."""
    size = len(cost)
    distance = np.full(size, np.inf)
    came_from = np.full(size, -1)  # the column before on the path; -1 is the start
    done = np.zeros(size, bool)
    row, column, reached = start, -1, 0.0
    while True:
        through = reached + cost[row] - of_row[row] - of_column
        shorter = ~done & (through < distance)
        distance[shorter] = through[shorter]
        came_from[shorter] = column
        column = int(np.where(done, np.inf, distance).argmin())
        reached = float(distance[column])
        if row_of[column] < 0:
            break
        done[column] = True
        row = int(row_of[column])
    of_row[start] += reached
    of_row[row_of[done]] += reached - distance[done]
    of_column[done] -= reached - distance[done]
    while column >= 0:
        before = int(came_from[column])
        row_of[column] = start if before < 0 else row_of[before]
        column = before


def _smallest(
    allowed: Bool[np.ndarray, "n n"], column_of: Int64[np.ndarray, " n"]
) -> Int64[np.ndarray, " n"]:
    """Of all assignments to allowed columns, the one that comes first in the order of a dictionary."""
    column_of = column_of.copy()
    row_of = np.argsort(column_of)
    for row in range(len(column_of)):
        for column in np.flatnonzero(allowed[row, :]).tolist():
            if column == column_of[row]:
                break
            if row_of[column] > row and _swapped(allowed, column_of, row_of, row, column):
                break
    return column_of


def _swapped(
    allowed: Bool[np.ndarray, "n n"],
    column_of: Int64[np.ndarray, " n"],
    row_of: Int64[np.ndarray, " n"],
    row: int,
    column: int,
) -> bool:
    """Give a row this column, if the later rows can make room among themselves."""
    wanted = int(column_of[row])
    later = row_of > row  # columns that may change hands
    later[wanted] = True
    came_from = np.full(len(later), -1)
    seen = np.zeros(len(later), bool)
    seen[column] = True
    frontier = [column]
    while frontier and not seen[wanted]:
        here = frontier.pop(0)
        found = np.flatnonzero(allowed[row_of[here]] & later & ~seen)
        seen[found] = True
        came_from[found] = here
        frontier += found.tolist()
    if not seen[wanted]:
        return False
    here = wanted
    while here != column:
        before = int(came_from[here])
        row_of[here] = row_of[before]
        column_of[row_of[here]] = here
        here = before
    row_of[column], column_of[row] = row, column
    return True
