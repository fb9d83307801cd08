"""Which arrays have the path of their module before their names: those that two sources would call alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

from nsm_widgets.trace.record._iteration import Iteration, Part
from nsm_widgets.trace.record.sources._source import Known, Source


def expect_names(known: Known) -> None:
    """Prefixes before anything was called: a source that may give more names than it tells has one."""
    _settle(known, {}, is_told=False)


def settle_names(recorded: Sequence[Source], iterations: Sequence[Iteration]) -> None:
    """Prefixes by the names that were given in some iterations."""
    if recorded:
        given = {id(source): _given(source, iterations) for source in recorded if source.is_open}
        _settle(recorded[0].known, given, is_told=True)


def _settle(known: Known, given: Mapping[int, Collection[str]], *, is_told: bool) -> None:
    names = {id(source): {*source.names(), *given.get(id(source), ())} for source in known.stepwise}

    def may_clash(one: Source, other: Source) -> bool:
        unknown = not is_told and (one.is_open or other.is_open)
        return unknown or one.is_like(other) or not names[id(one)].isdisjoint(names[id(other)])

    clashing = {
        source.scope for pair in combinations(known.stepwise, 2) if may_clash(*pair) for source in pair
    }
    for source in known.stepwise:  # all parts of a model alike
        source.prefix = f"{source.scope}." if source.scope and source.scope in clashing else ""
    several = len(known.attention) > 1 or any("attention" in each for each in names.values())
    for source in known.attention:
        source.prefix = f"{source.path}." if several and source.path else ""


def _given(source: Source, iterations: Sequence[Iteration]) -> set[str]:
    return {name for each in iterations for part in each.of_source(source.index) for name in _names(part)}


def _names(part: Part) -> set[str]:
    steps = () if part.steps is None else part.steps.layout.columns
    return {*steps, *part.whole, *part.first, *(name for (name, _), _ in part.calls)}
