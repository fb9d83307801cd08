"""Where a layout stands in its data: which indices each panel shows, and how that is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nsm_widgets._axes import clamp, known_axis
from nsm_widgets._text import one_line
from nsm_widgets.trace import NamedArray, Trace, evenly
from nsm_widgets.view import Layout, Panel


def panels_of(layout: Layout) -> Iterator[Panel]:
    """Every panel, row by row."""
    return (panel for row in layout for panel in row)


def indices_for(panel: Panel, array: NamedArray, indices: Mapping[str, int]) -> dict[str, int]:
    """An index for every axis of the array: fixed by the panel, else selected; brought back into the data."""
    return clamp({**indices, **panel.fixed}, array.sizes)


def describe_index(array: NamedArray, dim: str, at: Mapping[str, int]) -> str:
    """``slot 5``, or ``query 3 “cat”`` where the axis has labels; of a cropped axis, the numbers it had.

    Of an axis whose labels are its numbers, these: ``iteration 395``.
    """
    number = array.number(dim, at[dim])
    label = index_label(array, dim, at[dim], at.get("batch", 0))
    if known_axis(dim).numbered or label == str(number):
        return f"{dim} {label}"
    return f"{dim} {number} “{label}”"


def describe_others(panel: Panel, array: NamedArray, at: Mapping[str, int]) -> list[str]:
    """The indices of the axes that a panel neither draws nor fixes, where there are several."""
    drawn = (panel.x, panel.y, *panel.fixed)
    sizes = array.sizes.items()
    return [describe_index(array, dim, at) for dim, size in sizes if dim not in drawn and size > 1]


def index_label(array: NamedArray, dim: str, index: int, batch: int = 0) -> str:
    """The label of one index, its number where there is none, on one line."""
    if dim not in array.coords:
        return str(array.number(dim, index))
    return one_line(array.labels(dim, batch=batch)[index])


def is_chosen(panel: Panel, array: NamedArray, indices: Mapping[str, int]) -> bool:
    """Whether this is the selected one of several panels that differ in a fixed index, as in the head."""
    several = {dim: index for dim, index in panel.fixed.items() if array.sizes[dim] > 1}
    selected = clamp(indices, array.sizes)
    return bool(several) and all(selected[dim] == index for dim, index in several.items())


def selection_text(trace: Trace, layout: Layout, indices: Mapping[str, int]) -> str:
    """The selected places that change what is drawn, ``time 7 of 0-40 · head 0 of 0-1``, if any."""
    longest: dict[str, NamedArray] = {}
    for panel in panels_of(layout):
        if not panel.follows:
            continue
        array = trace[panel.array]
        for dim, size in array.sizes.items():
            known = longest.get(dim)
            if (dim not in (panel.x, panel.y) or panel.marks(dim)) and (
                known is None or size > known.sizes[dim]
            ):
                longest[dim] = array
    at = clamp(indices, {dim: array.sizes[dim] for dim, array in longest.items()})
    return " · ".join(
        f"{dim} {_number(array, dim, at[dim])} of {_range(array, dim)}"
        for dim, array in longest.items()
        if array.sizes[dim] > 1
    )


def _number(array: NamedArray, dim: str, index: int) -> str:
    return index_label(array, dim, index) if known_axis(dim).numbered else str(array.number(dim, index))


def _range(array: NamedArray, dim: str) -> str:
    """The numbers along an axis, ``0-40``; ``20, 22, … 40`` where they do not count up."""
    if known_axis(dim).numbered and dim in array.coords:
        labels = [index_label(array, dim, index) for index in (0, array.sizes[dim] - 1)]
        return "-".join(labels)
    numbers = array.numbers(dim)
    if evenly(numbers) == (numbers[0], 1):
        return f"{numbers[0]}-{numbers[-1]}"
    if len(numbers) <= 3:
        return ", ".join(map(str, numbers))
    return f"{numbers[0]}, {numbers[1]}, … {numbers[-1]}"
