"""Heads and slots of two traces matched in turn: one given the other, until neither gets better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64

from nsm_widgets.stats._assignment import best_assignment
from nsm_widgets.stats._belonging import head_groups, place_groups
from nsm_widgets.stats._costs import head_costs, slot_costs, total_variation
from nsm_widgets.stats._evidence import Places, head_evidence
from nsm_widgets.stats._matched import Matching
from nsm_widgets.trace import NamedArray, Trace

MOST_ROUNDS = 50
"""Of matching heads and slots in turn; far more than were ever needed."""

_LESS = 1e-12


class MatchTask:
    """Two traces of one layout, and what of them is to be matched."""

    def __init__(self, a: Trace, b: Trace, heads: bool, slots: bool) -> None:
        self.a, self.b = a, b
        self.heads = (
            {group: head_evidence(arrays) for group, arrays in head_groups(a).items()} if heads else {}
        )
        self.slots = (
            {group: Places.of(group, arrays) for group, arrays in place_groups(a).items()} if slots else {}
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
        self, places: Places, now: Matching, *, any_head: bool = False
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
