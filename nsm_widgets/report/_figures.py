"""Which figures a report has: those of a trace, or of a dictionary of arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypedDict, Unpack

import numpy as np

from nsm_widgets.report._inputs import array_name, as_array, stack_arrays
from nsm_widgets.trace import NamedArray, Trace, attention_names
from nsm_widgets.widgets import (
    AttentionView,
    CommunicationView,
    ComparisonView,
    Heatmap,
    ImportanceView,
    LineChart,
    MemoryView,
    NTMExplorer,
    ReadWriteView,
    RoutingView,
    Selection,
)

MakeFigure = Callable[..., Any]
"""Makes a view; called with ``selection`` and ``title``."""


class Linked(TypedDict):
    """What each figure is made with."""

    selection: Selection
    title: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a report, before it is made: making it may fail."""

    name: str
    """Its files are called by it; it names one figure of a report."""
    title: str
    about: str
    make: MakeFigure


# --- a trace ----------------------------------------------------------------------------------------------


def figures_of_trace(trace: Trace) -> Iterator[Figure]:
    """A figure for all that the trace holds."""
    weights = {"read_weights", "write_weights"} & set(trace)
    memory = trace.get("memory")
    if memory is not None or weights:
        yield Figure(
            "explorer",
            "The whole run",
            "Memory, writes, reads and addressing at one step; all of it follows the time slider.",
            partial(NTMExplorer, trace),
        )
    if memory is not None and {"time", "slot", "word"} <= set(memory.dims):
        yield Figure(
            "memory_evolution", "How the memory changes", EVOLUTION, partial(MemoryView, trace, lines=True)
        )
    if weights:
        yield Figure("operations", "Reads and writes", OPERATIONS, partial(ReadWriteView, trace, by="slot"))
    if weights or "importance" in trace:
        yield Figure("importance", "Which slots matter", IMPORTANCE, partial(ImportanceView, trace))
    attentions = attention_names(trace)
    if attentions:
        yield Figure("attention", "Attention", ATTENTION, partial(AttentionView, trace))
    if "routing_weights" in trace:
        yield Figure("routing", "From tokens to states", ROUTING, partial(RoutingView, trace))
    if "communication_weights" in trace:
        yield Figure("communication", "Between states", COMMUNICATION, partial(CommunicationView, trace))
    for name, array in trace.items():
        if name.rpartition(".")[2] not in SHOWN_TOGETHER and name not in attentions:
            yield _plain(name, array)


SHOWN_TOGETHER = frozenset(
    [
        *("memory", "initial_memory", "importance", "attention", "routing_weights", "communication_weights"),
        *("input", "output", "target"),
        *(
            f"{side}_{what}"
            for side in ("read", "write")
            for what in ("weights", "content_weights", "gated_weights", "shifted_weights")
        ),
    ]
)
"""Arrays that a figure of a trace shows; each other has one of its own."""

EVOLUTION = "Contents, the difference to the step before, and the course of the slots that changed most."
OPERATIONS = "Read and write weights of every head over the slots, before and after the step."
IMPORTANCE = "How much each slot was read and written so far, relative to the slot used most."
ATTENTION = "What each query attends to; press a head to enlarge it."
ROUTING = (
    "Where each token goes, the share that each state gets, and the tokens that go nowhere in particular."
)
COMMUNICATION = "Which state listens to which, as a matrix and as a graph."
MEMORY = "Slots down, words across."
COMPARISON = "Named matrices, the difference to a chosen one, and the divergence of each row."


# --- a dictionary -----------------------------------------------------------------------------------------


def figures_of_mapping(data: Mapping[str, Any]) -> Iterator[Figure]:
    """A figure for each entry, or for those that belong together; unknown keys are drawn as plain arrays."""
    rest = dict(data)
    for key, title, about, make in KNOWN:
        if key in rest:
            yield Figure(key, title, about, partial(make, rest.pop(key)))
    yield from _operations(rest)
    for key, value in rest.items():
        yield Figure(key, key.replace("_", " "), "", partial(_plain_of, key, value))


def _attention(values: object, **options: Unpack[Linked]) -> Any:
    return AttentionView(as_array(values), **options)


def _routing(values: object, **options: Unpack[Linked]) -> Any:
    return RoutingView(as_array(values), **options)


def _communication(values: object, **options: Unpack[Linked]) -> Any:
    return CommunicationView(as_array(values), **options)


def _memory(values: object, **options: Unpack[Linked]) -> Any:
    array = as_array(values)
    dims = ("time", "batch", "slot", "word")[-array.ndim :] if array.ndim != 3 else ("batch", "slot", "word")
    return MemoryView(Trace.from_arrays({"memory": array}, dims={"memory": dims}), **options)


def _evolution(values: object, **options: Unpack[Linked]) -> Any:
    array = stack_arrays(values)
    dims = ("time", "slot", "word") if array.ndim == 3 else ("time", "batch", "slot", "word")
    return MemoryView(Trace.from_arrays({"memory": array}, dims={"memory": dims}), **options, lines=True)


def _importance(values: object, **options: Unpack[Linked]) -> Any:
    return ImportanceView(as_array(values), **options)


def _comparison(values: object, **options: Unpack[Linked]) -> Any:
    return ComparisonView(values if isinstance(values, Mapping) else as_array(values), **options)


KNOWN: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    ("attention_weights", "Attention", ATTENTION, _attention),
    ("multi_head_attention", "Attention of every head", ATTENTION, _attention),
    ("attention_patterns", "Patterns beside each other", COMPARISON, _comparison),
    ("token_state_attention", "From tokens to states", ROUTING, _routing),
    ("state_attention", "Between states", COMMUNICATION, _communication),
    ("memory_content", "Memory", MEMORY, _memory),
    ("memory_evolution", "How the memory changes", EVOLUTION, _evolution),
    ("state_evolution", "How the states change", EVOLUTION, _evolution),
    ("importance_scores", "Which slots matter", IMPORTANCE, _importance),
)
"""The keys of the dictionary that are known: title, what the figure shows, and what makes it."""


def _operations(rest: dict[str, Any]) -> Iterator[Figure]:
    """Reads and writes, before and after where both are there; takes them out of the rest."""
    taken = {
        (moment, side): rest.pop(f"{moment}_{side}_weights", None)
        for moment in ("initial", "final")
        for side in ("read", "write")
    }
    before, after = ((taken[moment, "read"], taken[moment, "write"]) for moment in ("initial", "final"))
    has_before, has_after = (any(side is not None for side in pair) for pair in (before, after))
    if has_before and has_after:
        make = partial(_weights, after, before=before)
        yield Figure("operations", "Reads and writes", OPERATIONS, make)
    elif has_before:
        yield Figure("initial_weights", "Initial reads and writes", OPERATIONS, partial(_weights, before))
    elif has_after:
        yield Figure("final_weights", "Final reads and writes", OPERATIONS, partial(_weights, after))


def _weights(
    pair: tuple[Any, Any], *, before: tuple[Any, Any] | None = None, **options: Unpack[Linked]
) -> Any:
    read, write = map(_or_none, pair)
    first = None if before is None else (_or_none(before[0]), _or_none(before[1]))
    return ReadWriteView.from_weights(read, write, before=first, **options)


def _or_none(values: object) -> Any:
    return None if values is None else as_array(values)


MOST_PRINTED = 100
"""Of a map with so few cells, the values are printed in them."""


# --- any array --------------------------------------------------------------------------------------------


def _plain(name: str, array: NamedArray) -> Figure:
    """An array of a trace that no other figure shows."""
    title = name.replace("_", " ")
    return Figure(name, title, str(array.attrs.get("description", "")), partial(_draw, array))


def _plain_of(key: str, value: object, **options: Unpack[Linked]) -> Any:
    """Any array: its last two axes as a heatmap, a single one as a line."""
    array = stack_arrays(value)
    if array.ndim < 2 and array.size == 1:
        array = array.reshape(1, 1)  # a number is a map of one cell: no line has one point
    coords = {}
    if array.ndim > 3:
        coords["item"] = [str(index) for index in np.ndindex(*array.shape[:-2])]
        array = array.reshape(-1, *array.shape[-2:])
    dims = ("item", "row", "column")[-array.ndim :] if array.ndim > 1 else ("item",)
    return _draw(NamedArray(array_name(key), array, dims, coords, {"kind": "content"}), **options)


def _draw(array: NamedArray, *, selection: Selection, title: str) -> Any:
    """Lines where one axis is long, or where each head has one number at a time; else a map."""
    long = [dim for dim in array.dims if array.sizes[dim] > 1]
    if array.ndim == 1 or len(long) == 1 or (long and array.dims[-1] == "head"):
        x = "time" if "time" in array.dims else (long or list(array.dims))[0]
        return LineChart(Trace(array), array.name, x=x, selection=selection, title=title)
    return Heatmap(array, selection=selection, title=title, annotate=array.values.size <= MOST_PRINTED)
