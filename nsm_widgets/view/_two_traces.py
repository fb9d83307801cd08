"""Two traces of one layout, side by side or as a difference, and a table of which head changed most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from nsm_widgets._errors import ShapeError
from nsm_widgets.stats import Matching
from nsm_widgets.stats._belonging import PLACES, head_group, kind_of, place_group, split_name
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.trace._coord import Labels, same_coord
from nsm_widgets.view._changed_heads import changed_heads_panel, words
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view._panel import (
    Coloring,
    Layout,
    Note,
    Panel,
    ScalarReadout,
    default_coloring,
    default_domain,
)
from nsm_widgets.view._summary import summary_of

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

_SQUARE = {"key", "sender", "predecessor"}
_PICTURE_PX, _SQUARE_PX, _ROW_PX = 210, 320, 22
_MOST_NAMED = 12
_LONGEST_NAME = 100
_IS = "is "


def default_arrays(a: Trace, names: Sequence[str]) -> tuple[str, ...]:
    """Of the arrays that two traces share, those that are drawn when none are named.

    Well-known ones that say what a model did, and those with names of their own; all that can be drawn where
    there are none of these. Inputs and outputs come last.
    """
    from nsm_widgets.trace._known import known

    drawn = [name for name in names if axes_of(a[name]) is not None]
    chosen = [name for name in drawn if split_name(name)[1] in SHOWN or known(name) is None]
    return tuple(sorted(chosen or drawn, key=lambda name: kind_of(a[name]) == "signal"))


def axes_of(array: NamedArray) -> tuple[str, str] | None:
    """The axes of an array's picture, down and across; None where it has less than two.

    >>> axes_of(NamedArray("usage", [[0.5, 0.5]], ("time", "slot")))
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
    said: Sequence[str] = (),
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
        said: Sentences below.

    Returns:
        The layout, whose panels say in ``shown_in`` when they are shown, and a trace with ``a.<array>``,
        ``b.<array>``, ``difference.<array>`` and the changes.

    Raises:
        ShapeError: If an array cannot be drawn, for it has less than two axes.
    """
    rows: list[tuple[Panel, ...]] = []
    apart: list[Panel] = []
    held: list[NamedArray] = []
    keys = {name: _key(name, number) for number, name in enumerate(arrays)}
    for name, key in keys.items():
        axes = axes_of(a[name])
        if axes is None:
            raise ShapeError(
                f"{name} must have two axes to be compared as a picture, got ({', '.join(a[name].dims)}). "
                "Leave it out of arrays; changed_heads and LineChart take it."
            )
        one = _renamed(a[name], f"a.{key}")
        other = _renamed(_labelled(b[name], matching), f"b.{key}")
        difference = array_difference(one, other, f"difference.{key}")
        order = _order_array(a[name], a, matching)
        held += [one, other, difference, *([order] if order is not None else [])]
        rows.append(_beside(name, (one, other), axes, names, order))
        apart.append(_difference_panel(name, difference, axes, names, order))
    moved = {name: _renamed(change, f"change.{keys[name]}") for name, change in (changes or {}).items()}
    held += moved.values()
    charts = [_change_panel(name, change) for name, change in moved.items() if change.ndim > 1]
    below = [*([changed_heads_panel(held, records, names)] if records else [])]
    below += [_notes_panel(held, said)] if said else []
    layout = (
        *rows,
        *_in_rows(apart),
        *_in_rows(charts),
        *((panel,) for panel in below),
    )
    return layout, Trace(*{array.name: array for array in held}.values())


def array_difference(one: NamedArray, other: NamedArray, name: str) -> NamedArray:
    """``other - one``, cell by cell, in float64, with the labels of both."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinity minus infinity is NaN, and drawn so
        values = np.asarray(other.values).astype(np.float64) - np.asarray(one.values).astype(np.float64)
    coords = {dim: _joined(one, other, dim) for dim in one.dims if dim in one.coords or dim in other.coords}
    said = (
        "what the second trace has more than the first, cell by cell"
        if values.any()
        else "equal in both traces"
    )
    attrs = {"kind": "content", "description": said}
    return NamedArray(name, values, one.dims, coords, attrs)


def matching_said(matching: Matching, names: tuple[str, str]) -> list[str]:
    """Sentences on which heads and slots were matched."""
    told = []
    for group, order in matching.heads.items():
        layers = order if order.ndim > 1 else order[None]
        for layer, each in enumerate(layers):
            where = f" of layer {layer}" if order.ndim > 1 else ""
            told.append(_order_said(f"{group} heads{where}", each.tolist(), names))
    told += [_order_said(f"{group}s", order.tolist(), names) for group, order in matching.slots.items()]
    told += [f"{group} heads are not matched: no weighting tells them apart" for group in matching.unmatched]
    return told


def _order_said(what: str, order: Sequence[int], names: tuple[str, str]) -> str:
    moved = [f"{index} is {other}" for index, other in enumerate(order) if index != other]
    if not moved:
        return f"{what}, matched: each is that of the same number"
    more = f" and {len(moved) - _MOST_NAMED} more" if len(moved) > _MOST_NAMED else ""
    shown = ", ".join(moved[:_MOST_NAMED])
    return f"{what}, matched, {len(moved)} of {len(order)} moved ({names[0]} is {names[1]}): {shown}{more}"


def _key(name: str, number: int) -> str:
    """What arrays of the view are called by: a name that leaves room for what goes before it."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}~{number}"


def _renamed(array: NamedArray, name: str) -> NamedArray:
    return NamedArray(name, array.values, array.dims, array.coords, array.attrs)


def _labelled(array: NamedArray, matching: Matching) -> NamedArray:
    """Slots and states that were moved say which ones they are in their own trace: ``is 117``."""
    coords: dict[str, Any] = dict(array.coords)
    for dim in PLACES.keys() & set(array.dims):
        order = matching.slots.get(place_group(array.name, dim))
        if order is None or (order == np.arange(len(order))).all():
            continue
        own = coords[dim].values if dim in coords else order
        moved = np.broadcast_to(order != np.arange(len(order)), np.shape(own))
        told = [f"{_IS}{x}" if moves else str(x) for x, moves in zip(own.flat, moved.flat, strict=True)]
        coords[dim] = np.array(told, dtype=object).reshape(np.shape(own)).tolist()
    return NamedArray(array.name, array.values, array.dims, coords, array.attrs)


def _joined(one: NamedArray, other: NamedArray, dim: str) -> Labels:
    """The labels of an axis, of both where they differ."""
    found = one.coords.get(dim), other.coords.get(dim)
    if found[0] is not None and same_coord(*found):
        return found[0]
    per_item = any(coord and len(coord.dims) == 2 for coord in found)
    items = one.sizes["batch"] if per_item else 1

    def label(x: str, y: str) -> str:
        return x if x == y else f"{x} {y}" if dim in PLACES and y.startswith(_IS) else f"{x} | {y}"

    rows = [list(map(label, one.labels(dim, item), other.labels(dim, item))) for item in range(items)]
    return rows if per_item else rows[0]


def _order_array(array: NamedArray, trace: Trace, matching: Matching) -> NamedArray | None:
    """Which head of the second trace stands at each head, where any was moved."""
    group = head_group(array.name, trace)
    order = matching.heads.get(group) if "head" in array.dims else None
    if order is None or (order == np.arange(order.shape[-1])).all():
        return None
    dims = ("layer", "head") if order.ndim > 1 else ("head",)
    return NamedArray(f"order.{group}", order, dims, None, {"kind": "scalar"})


def _beside(
    name: str,
    pair: tuple[NamedArray, NamedArray],
    axes: tuple[str, str],
    names: tuple[str, str],
    order: NamedArray | None,
) -> tuple[Panel, ...]:
    """Both arrays on the colours that hold the values of either."""
    found = [summary_of(array) for array in pair]
    both = replace(found[0], low=min(s.low for s in found), high=max(s.high for s in found))
    domain = default_domain(pair[0], both)
    writes = split_name(name)[1].startswith("write")
    cmap = "signed" if domain.diverging else default_coloring(pair[0]).cmap
    cmap = "writes" if writes and cmap == "reads" else cmap
    moved = f"the head of {names[1]} that is matched with the head on show"
    scalars = () if order is None else (ScalarReadout("own head", order.name, moved),)
    return tuple(
        _panel(
            array,
            axes,
            f"{words(name)} · {who}",
            default_coloring(array, vmin=domain.low, vmax=domain.high, cmap=cmap),
            "side by side",
            scalars if array is pair[1] else (),
        )
        for array, who in zip(pair, names, strict=True)
    )


def _difference_panel(
    name: str,
    difference: NamedArray,
    axes: tuple[str, str],
    names: tuple[str, str],
    order: NamedArray | None,
) -> Panel:
    coloring = default_coloring(difference)
    largest = max(-coloring.domain.low, coloring.domain.high)
    largest = largest if np.any(difference.values) else 1.0
    domain = Coloring(
        ColorDomain(-largest, largest, diverging=True), "signed", coloring.below, coloring.above
    )
    moved = "the head that is matched with the head on show"
    scalars = () if order is None else (ScalarReadout(f"head of {names[1]}", order.name, moved),)
    return _panel(difference, axes, f"{words(name)}: {names[1]} − {names[0]}", domain, "difference", scalars)


def _panel(
    array: NamedArray,
    axes: tuple[str, str],
    title: str,
    coloring: Coloring,
    shown_in: str = "",
    scalars: tuple[ScalarReadout, ...] = (),
) -> Panel:
    square = axes[1] in _SQUARE
    few = array.sizes[axes[0]] * _ROW_PX
    return Panel(
        id=array.name,
        array=array.name,
        y=axes[0],
        x=axes[1],
        title=title,
        domain=coloring.domain,
        cmap=coloring.cmap,
        below=coloring.below,
        above=coloring.above,
        aspect="equal" if square else "fill",
        height_px=_SQUARE_PX if square else min(max(few, 40), _PICTURE_PX),
        min_width_px=300,
        scalars=scalars,
        shown_in=shown_in,
    )


def _change_panel(name: str, change: NamedArray) -> Panel:
    axes = ("head", "time") if {"head", "time"} <= set(change.dims) else (change.dims[-2], change.dims[-1])
    return _panel(change, axes, f"change of {words(name)}", Coloring(ColorDomain(0.0, math.log(2)), "ink"))


def _notes_panel(arrays: Sequence[NamedArray], said: Sequence[str]) -> Panel:
    least = min(arrays, key=lambda array: array.values.size)
    return Panel(
        id="compared",
        array=least.name,
        y=least.dims[-1],
        x=least.dims[-1],
        title="what is compared",
        domain=ColorDomain(0.0, 1.0),
        cmap="ink",
        kind="notes",
        min_width_px=600,
        height_px=28,
        notes=tuple(Note(text) for text in said),
    )


def _in_rows(panels: Sequence[Panel]) -> list[tuple[Panel, ...]]:
    return [tuple(panels[start : start + 2]) for start in range(0, len(panels), 2)]
