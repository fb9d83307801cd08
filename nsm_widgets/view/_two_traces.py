"""Two traces of one layout, side by side or as a difference, and a table of which head changed most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from nsm_widgets._errors import ShapeError
from nsm_widgets.stats import Matching
from nsm_widgets.trace import NamedArray, Trace, array_kind, known_array, split_name
from nsm_widgets.view._two_arrays import array_difference, key_of, labelled, order_array
from nsm_widgets.view._two_panels import (
    beside,
    change_panel,
    changed_heads_panel,
    difference_panel,
    notes_panel,
)
from nsm_widgets.view.panels import Layout, Panel

ShowChoice = Literal["side by side", "difference"]
SHOW_CHOICES: tuple[str, ...] = get_args(ShowChoice)

SHOWN = frozenset(
    [
        *("memory", "write_weights", "read_weights", "usage", "link", "read_modes", "importance"),
        *("attention", "routing_weights", "communication_weights", "state_vectors", "state_importance"),
        *("input", "output", "target"),
    ]
)
"""Arrays that are drawn when none are named: what a model did, not how it came to it."""

_PAIRS = (
    ("query", "key"),
    ("state", "sender"),
    ("slot", "predecessor"),
    ("slot", "word"),
    ("token", "state"),
    ("state", "channel"),
)
"""Axes that make a picture of one step, down and across; other arrays are drawn over time."""

_MOST_NAMED = 12


def default_arrays(a: Trace, names: Sequence[str]) -> tuple[str, ...]:
    """Of the arrays that two traces share, those that are drawn when none are named.

    Well-known ones that say what a model did, and those with names of their own; all that can be drawn where
    there are none of these. Inputs and outputs come last.
    """
    drawn = [name for name in names if picture_axes(a[name]) is not None]
    chosen = [name for name in drawn if split_name(name)[1] in SHOWN or known_array(name) is None]
    return tuple(sorted(chosen or drawn, key=lambda name: array_kind(a[name]) == "signal"))


def picture_axes(array: NamedArray) -> tuple[str, str] | None:
    """The axes of an array's picture, down and across; None where it has less than two.

    >>> picture_axes(NamedArray("usage", [[0.5, 0.5]], ("time", "slot")))
    ('slot', 'time')
    """
    for pair in _PAIRS:
        if set(pair) <= set(array.dims):
            return pair
    if "time" in array.dims:
        others = [dim for dim in array.dims if dim not in ("time", "batch", "iteration")]
        return (others[-1], "time") if others else None
    return (array.dims[-2], array.dims[-1]) if array.ndim > 1 else None


def two_traces_layout(
    a: Trace,
    b: Trace,
    arrays: Sequence[str],
    *,
    names: tuple[str, str],
    matching: Matching,
    changes: Mapping[str, NamedArray] | None = None,
    records: Sequence[Mapping[str, Any]] = (),
    notes: Sequence[str] = (),
) -> tuple[Layout, Trace]:
    """Each array of both traces on one colour domain, and their difference, of which a view shows either.

    Args:
        a: One trace.
        b: The other, its heads and slots in the order of ``a``.
        arrays: Names of what is drawn; of both.
        names: What the traces are called.
        matching: How ``b`` was brought into that order.
        changes: Mean divergences by the array's name.
        records: Rows of the table of heads, most changed first.
        notes: Sentences below.

    Returns:
        The layout, whose panels say in ``shown_in`` when they are shown, and a trace with ``a.<array>``,
        ``b.<array>``, ``difference.<array>`` and the changes.

    Raises:
        ShapeError: If an array cannot be drawn, for it has less than two axes.
    """
    rows: list[tuple[Panel, ...]] = []
    apart: list[Panel] = []
    held: list[NamedArray] = []
    keys = {name: key_of(name, number) for number, name in enumerate(arrays)}
    for name, key in keys.items():
        axes = picture_axes(a[name])
        if axes is None:
            raise ShapeError(
                f"{name} must have two axes to be compared as a picture, got ({', '.join(a[name].dims)}). "
                "Leave it out of arrays; changed_heads and LineChart take it."
            )
        one = a[name].renamed(f"a.{key}")
        other = labelled(b[name], a[name], matching).renamed(f"b.{key}")
        difference = array_difference(one, other, f"difference.{key}")
        order = order_array(a[name], a, matching)
        held += [one, other, difference, *([order] if order is not None else [])]
        rows.append(beside(name, (one, other), axes, names, order))
        apart.append(difference_panel(name, difference, axes, names, order))
    moved = {name: change.renamed(f"change.{keys[name]}") for name, change in (changes or {}).items()}
    held += moved.values()
    charts = [change_panel(name, change) for name, change in moved.items() if change.ndim > 1]
    below = [*([changed_heads_panel(held, records, names)] if records else [])]
    below += [notes_panel(held, notes)] if notes else []
    layout = (*rows, *_in_rows(apart), *_in_rows(charts), *((panel,) for panel in below))
    return layout, Trace().assign(*{array.name: array for array in held}.values())


def matching_notes(matching: Matching, names: tuple[str, str]) -> list[str]:
    """Sentences on which heads and slots were matched."""
    told = []
    for group, order in matching.heads.items():
        layers = order if order.ndim > 1 else order[None]
        for layer, each in enumerate(layers):
            where = f" of layer {layer}" if order.ndim > 1 else ""
            told.append(_order_note(f"{group} heads{where}", each.tolist(), names))
    told += [_order_note(f"{group}s", order.tolist(), names) for group, order in matching.slots.items()]
    told += [f"{group} heads are not matched: no weighting tells them apart" for group in matching.unmatched]
    return told


def _order_note(what: str, order: Sequence[int], names: tuple[str, str]) -> str:
    moved = [f"{index} is {other}" for index, other in enumerate(order) if index != other]
    if not moved:
        return f"{what}, matched: each is that of the same number"
    more = f" and {len(moved) - _MOST_NAMED} more" if len(moved) > _MOST_NAMED else ""
    shown = ", ".join(moved[:_MOST_NAMED])
    return f"{what}, matched, {len(moved)} of {len(order)} moved ({names[0]} is {names[1]}): {shown}{more}"


def _in_rows(panels: Sequence[Panel]) -> list[tuple[Panel, ...]]:
    return [tuple(panels[start : start + 2]) for start in range(0, len(panels), 2)]
