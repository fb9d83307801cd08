"""Where a trace came from, and what was made of it since."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from nsm_widgets.trace.arrays._array import Indexer, NamedArray
from nsm_widgets.trace.arrays._coord import Coord, cut_coord

OwnLabels: TypeAlias = Mapping[str, Mapping[str, Coord]]
"""Labels that one iteration has and others have not, by array and axis."""


class Derivation(NamedTuple):
    """One call that made a trace of another."""

    method: str
    """``isel``, ``assign``, ``drop``, ``rename``, ``iteration`` or ``by_iteration``."""
    args: tuple[Any, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where a trace came from. What is made of the trace has the same, with one derivation more."""

    store: Path | None = None
    """The folder that it was opened from; ``None`` where it lives in memory."""
    rank: int = 0
    verify: bool = True
    """Whether its checksums are checked."""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of the arrays that the store gave, by name."""
    own_labels: Mapping[int, OwnLabels] = field(default_factory=dict)
    """By the number of an iteration, as the recorder or the store told them."""
    derivations: tuple[Derivation, ...] = ()
    """What was made of it since, in order."""

    def labels(self, number: int) -> dict[str, dict[str, Coord]]:
        """The labels that one iteration has and others have not, as far as the derivations left them."""
        found = {array: dict(coords) for array, coords in self.own_labels.get(number, {}).items()}
        for method, args, options in self.derivations:
            if method == "assign":  # what was assigned says itself how it is labelled
                found = {array: coords for array, coords in found.items() if array not in args[0]}
            elif method == "isel":
                found = {array: _cut(coords, options) for array, coords in found.items()}
            elif method == "rename":
                found = {args[0].get(array, array): coords for array, coords in found.items()}
        return found

    def after(self, method: str, *args: object, **options: object) -> Origin:
        """The origin of what a method makes of the trace."""
        return replace(self, derivations=(*self.derivations, Derivation(method, args, options)))

    def after_isel(self, indexers: Mapping[str, Indexer], sizes: Mapping[str, int]) -> Origin:
        """The origin of a choice; where steps were chosen, nothing is known of iterations any more."""
        plain = {dim: _plain(indexer) for dim, indexer in indexers.items()}
        origin = self.after("isel", **plain)
        if all(_is_all(plain[dim], sizes[dim]) for dim in ("iteration", "time") if dim in plain):
            return origin
        return replace(origin, own_labels={})

    def after_assign(self, arrays: Mapping[str, NamedArray], attrs: Mapping[str, Any]) -> Origin:
        """The origin with these arrays and attrs; an assignment just before and this one are one."""
        if not arrays and not attrs:
            return self
        if self.derivations and self.derivations[-1].method == "assign":
            before, told = self.derivations[-1].args
            return replace(self, derivations=self.derivations[:-1]).after(
                "assign", {**before, **arrays}, {**told, **attrs}
            )
        return self.after("assign", dict(arrays), dict(attrs))

    def after_rename(self, names: Mapping[str, str]) -> Origin:
        """The origin of the trace whose arrays go by other names."""
        new = {old: name for old, name in names.items() if old != name}
        return self.after("rename", new) if new else self

    def after_iteration(self, number: int) -> Origin:
        """The origin of one iteration, whose arrays have its labels as their own."""
        return replace(self.after("iteration", number), own_labels={})


def _plain(indexer: Indexer) -> int | slice | list[int]:
    """An indexer that was taken, as nobody else can change it."""
    if isinstance(indexer, slice):
        return indexer
    return [operator.index(index) for index in indexer] if np.ndim(indexer) else operator.index(indexer)


def _is_all(indexer: int | slice | list[int], size: int) -> bool:
    """Whether an axis of that size stays as it is."""
    return np.array_equal(np.arange(size)[indexer], np.arange(size))


def _cut(coords: Mapping[str, Coord], indexers: Mapping[str, Any]) -> dict[str, Coord]:
    cut = {axis: cut_coord(coord, indexers) for axis, coord in coords.items()}
    return {axis: coord for axis, coord in cut.items() if axis in coord.dims}
