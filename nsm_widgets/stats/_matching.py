"""Heads and slots of two traces, matched by the permutation that makes their weightings most alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.stats._assignment import best_assignment
from nsm_widgets.stats._belonging import (
    PLACES,
    head_group,
    head_groups,
    kind_of,
    place_group,
    place_groups,
    split_name,
    tells,
)
from nsm_widgets.stats._costs import head_costs, slot_costs, total_variation
from nsm_widgets.stats._same_layout import common_arrays
from nsm_widgets.trace import Coord, NamedArray, Trace

MATCHED = ("heads", "slots")
MOST_ROUNDS = 50
"""Of matching heads and slots in turn; far more than were ever needed."""

_LESS = 1e-12


@dataclass(frozen=True)
class Matching:
    """Which heads and slots of a trace ``b`` are those of a trace ``a``.

    An order gives, at each index of ``a``, the index of ``b`` that belongs to it.

    Attributes:
        heads: Orders by group of heads, as ``"read"``, ``"encoder.write"`` or ``"attention"``: ``(head)``, or
            ``(layer, head)`` where the weightings have layers.
        slots: Orders by group of slots, ``"slot"`` or ``"encoder.slot"``, and of states, ``"state"``.
        unmatched: Groups that stay as they are, for nothing tells them apart.
    """

    heads: Mapping[str, Int64[np.ndarray, "*layer head"]] = field(default_factory=dict)
    slots: Mapping[str, Int64[np.ndarray, " slot"]] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()

    def apply(self, b: Trace) -> Trace:
        """The trace ``b`` with its heads and slots in the order of ``a``; labels go with them."""
        return Trace(*(self.apply_to(array, b) for array in b.values()), attrs=b.attrs)

    def apply_to(self, array: NamedArray, b: Trace) -> NamedArray:
        """One array of ``b`` in the order of ``a``."""
        for dim in array.dims:
            order = self.slots.get(place_group(array.name, dim)) if dim in PLACES else None
            if order is not None and _moves(order):
                array = array.isel(**{dim: order.tolist()})
        order = self.heads.get(head_group(array.name, b)) if "head" in array.dims else None
        if order is None or not _moves(order):
            return array
        if order.ndim == 1:
            return array.isel(head=order.tolist())
        return _by_layer(array, order)


def match_traces(a: Trace, b: Trace, by: Any = MATCHED) -> Matching:
    """The permutation of heads and slots of ``b`` that makes it most like ``a``.

    What is made least is the total variation between the weightings of both, the mean over time, batch and
    queries, summed over heads and over arrays: ``read_weights`` and ``write_weights`` of a memory, each kind
    of attention, routing. Read heads and write heads are matched each by themselves, attention heads within
    their layer, states as slots are.

    For heads alone, and for slots alone, the permutation is the best there is. Both together are matched in
    turn until neither gets better, from three starts (as they are; slots first, by what any head gives them;
    heads first, by their weights in order of size), of which the best one counts: a permutation that makes
    both equal is found where one of these tells all heads or all slots apart, a best one among unequal
    weightings mostly, not always.

    Slots that no weighting tells apart are matched by what they hold (mean distance of memory contents), and
    so are those of a trace without weightings. What is tied then goes to the smallest index. Rows with a NaN
    in either trace do not count.

    Args:
        a: The trace that stays as it is.
        b: A trace of the same layout.
        by: ``"heads"``, ``"slots"``, or both.

    Raises:
        ShapeError, AxisError: If the traces differ in layout, or arrays of one memory in their slots.
        UnknownOptionError: If ``by`` is something else.

    >>> a = Trace.from_arrays({"read_weights": [[[[0.9, 0.1], [0.2, 0.8]]]]})
    >>> b = Trace.from_arrays({"read_weights": [[[[0.1, 0.9], [0.7, 0.3]]]]})
    >>> {group: order.tolist() for group, order in match_traces(a, b, by="heads").heads.items()}
    {'read': [1, 0]}
    """
    wanted = check_matched(by)
    common = common_arrays(a, b)
    one, other = (Trace(*(trace[name] for name in common.both)) for trace in (a, b))
    task = _Task(one, other, "heads" in wanted, "slots" in wanted)
    if not (task.heads and task.slots):
        return task.improved(Matching())
    starts = (Matching(), task.slots_first(), task.heads_first())
    found = [task.settled(start) for start in starts]
    return min(found, key=lambda each: each[0])[1]


def check_matched(by: Any) -> tuple[str, ...]:
    """What is to be matched, as a tuple of words.

    Raises:
        UnknownOptionError: If it is something else.
    """
    words = () if by is None else (by,) if isinstance(by, str) else by
    if not isinstance(words, (Sequence, set, frozenset)) or any(word not in MATCHED for word in words):
        raise UnknownOptionError(f"match must be None, 'heads', 'slots' or both of them, got {by!r}.")
    return tuple(word for word in MATCHED if word in words)


class _Task:
    """Two traces of one layout, and what of them is to be matched."""

    def __init__(self, a: Trace, b: Trace, heads: bool, slots: bool) -> None:
        self.a, self.b = a, b
        self.heads = (
            {group: _head_evidence(arrays) for group, arrays in head_groups(a).items()} if heads else {}
        )
        self.slots = (
            {group: _Places.of(group, arrays) for group, arrays in place_groups(a).items()} if slots else {}
        )
        untold = [group for group, names in self.heads.items() if not names]
        self.heads = {group: names for group, names in self.heads.items() if names}
        self.unmatched = tuple(untold)
        self._headless: dict[tuple[str, str], Float64[np.ndarray, "slot slot"]] = {}

    def improved(self, now: Matching) -> Matching:
        """The best slots given the heads, then the best heads given the slots."""
        slots = {
            group: self._slot_order(places, replace(now, slots={})) for group, places in self.slots.items()
        }
        now = replace(now, slots=slots, unmatched=self.unmatched)
        return replace(now, heads=self._head_orders(replace(now, heads={})))

    def _head_orders(self, now: Matching) -> dict[str, Int64[np.ndarray, "*layer head"]]:
        return {group: self._head_order(names, now) for group, names in self.heads.items()}

    def settled(self, start: Matching) -> tuple[tuple[float, float], Matching]:
        """Matched in turn until nothing gets better; what is left of difference, and the matching."""
        least, best = self._difference(start), start
        for _ in range(MOST_ROUNDS):
            better = self.improved(best)
            difference = self._difference(better)
            if difference >= least - _LESS and best is not start:
                break
            least, best = difference, better
        return (round(least, 12), self._contents_apart(best)), best

    def slots_first(self) -> Matching:
        """A start: slots by the weights they get from any heads, in order of size."""
        slots = {
            group: self._slot_order(places, Matching(), any_head=True) for group, places in self.slots.items()
        }
        start = Matching(slots=slots, unmatched=self.unmatched)
        return replace(start, heads=self._head_orders(start))

    def heads_first(self) -> Matching:
        """A start: heads by their weights in order of size, whichever slots get them."""
        heads = {
            group: self._head_order(names, Matching(), any_place=True) for group, names in self.heads.items()
        }
        return Matching(heads=heads, unmatched=self.unmatched)

    def _pair(self, name: str, now: Matching) -> tuple[NamedArray, NamedArray]:
        return self.a[name], now.apply_to(self.b[name], self.b)

    def _head_order(
        self, names: Sequence[str], now: Matching, *, any_place: bool = False
    ) -> Int64[np.ndarray, "*layer head"]:
        costs = sum(head_costs(*self._pair(name, now), any_place=any_place) for name in names)
        assert isinstance(costs, np.ndarray)
        orders = np.array([best_assignment(cost) for cost in costs])
        return orders if "layer" in self.a[names[0]].dims else orders[0]

    def _slot_order(
        self, places: _Places, now: Matching, *, any_head: bool = False
    ) -> Int64[np.ndarray, " slot"]:
        costs = [
            sum(self._slot_costs(name, places.dim, now, any_head) for name in names)
            for names in (places.weightings, places.contents)
            if names
        ]
        return best_assignment(*costs)  # type: ignore[arg-type]

    def _slot_costs(
        self, name: str, dim: str, now: Matching, any_head: bool
    ) -> Float64[np.ndarray, "slot slot"]:
        if "head" in self.a[name].dims:
            return slot_costs(*self._pair(name, now), dim, any_head)
        if (name, dim) not in self._headless:  # the same in every round, and the larger part of the work
            self._headless[name, dim] = slot_costs(self.a[name], self.b[name], dim, False)
        return self._headless[name, dim]

    def _difference(self, now: Matching) -> float:
        """What is made least."""
        names = dict.fromkeys(
            [name for names in self.heads.values() for name in names]
            + [name for places in self.slots.values() for name in places.weightings]
        )
        return sum(total_variation(*self._pair(name, now)) for name in names)

    def _contents_apart(self, now: Matching) -> float:
        """What decides where weightings do not."""
        apart = 0.0
        for group, places in self.slots.items():
            order = now.slots[group]
            for name in places.contents:
                cost = self._slot_costs(name, places.dim, replace(now, slots={}), False)
                apart += float(cost[np.arange(len(order)), order].sum())
        return apart


@dataclass(frozen=True, slots=True)
class _Places:
    """What tells slots, or states, apart."""

    dim: str
    weightings: tuple[str, ...]
    contents: tuple[str, ...]

    @classmethod
    def of(cls, group: str, arrays: Sequence[NamedArray]) -> _Places:
        dim = split_name(group)[1]
        partner = next(other for other, counts in PLACES.items() if counts == dim and other != dim)
        plain = [array for array in arrays if dim in array.dims and partner not in array.dims]
        weightings = _finals([array for array in plain if array.dims[-1] == dim and tells(array)])
        contents = [array.name for array in plain if kind_of(array) == "content" and array.dims[-1] != dim]
        if not weightings and not contents:
            contents = [array.name for array in plain or arrays]
        return cls(dim, weightings, tuple(contents))


def _finals(weightings: Sequence[NamedArray]) -> tuple[str, ...]:
    """Of weightings over slots, reads and writes alone where there are any."""
    names = [array.name for array in weightings]
    final = [name for name in names if split_name(name)[1] in ("read_weights", "write_weights")]
    return tuple(final or names)


def _head_evidence(arrays: Sequence[NamedArray]) -> tuple[str, ...]:
    """The weightings that heads are told apart by."""
    return _finals([array for array in arrays if array.dims[-1] != "head" and tells(array)])


def _moves(order: Int64[np.ndarray, "*layer n"]) -> bool:
    return bool((order != np.arange(order.shape[-1])).any())


def _by_layer(array: NamedArray, order: Int64[np.ndarray, "layer head"]) -> NamedArray:
    """Heads of each layer in an order of its own; labels of heads stay away, for layers would differ."""
    shape = [array.sizes[dim] if dim in ("layer", "head") else 1 for dim in array.dims]
    if "layer" not in array.dims:
        return array
    if array.dims.index("layer") > array.dims.index("head"):
        order = order.T
    values = np.take_along_axis(np.asarray(array.values), order.reshape(shape), array.dims.index("head"))
    coords: dict[str, Coord] = {dim: coord for dim, coord in array.coords.items() if dim != "head"}
    return NamedArray(array.name, values, array.dims, coords, array.attrs)
