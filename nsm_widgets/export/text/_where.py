"""Where a layout stands in its data: which indices each panel shows, and how that is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nsm_widgets._axes import MARKED
from nsm_widgets._text import one_line
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import Layout, Panel, clamp


def panels_of(layout: Layout) -> Iterator[Panel]:
    """Every panel, row by row."""
    return (panel for row in layout for panel in row)


def indices_for(panel: Panel, array: NamedArray, indices: Mapping[str, int]) -> dict[str, int]:
    """An index for every axis of the array: fixed by the panel, else selected; brought back into the data."""
    return clamp({**indices, **panel.fixed}, array.sizes)


def describe_index(array: NamedArray, dim: str, at: Mapping[str, int]) -> str:
    """``slot 5``, or ``query 3 “cat”`` where the axis has labels."""
    index = at[dim]
    label = index_label(array, dim, index, at.get("batch", 0))
    return f"{dim} {index}" if label == str(index) else f"{dim} {index} “{label}”"


def index_label(array: NamedArray, dim: str, index: int, batch: int = 0) -> str:
    """The label of one index, its number where there is none, on one line."""
    if dim not in array.coords:
        return str(index)
    return one_line(array.labels(dim, batch=batch)[index])


def is_marked(panel: Panel, dim: str) -> bool:
    """Whether the selected index of an axis that a panel draws is marked there: of a chart, that across."""
    return dim == panel.x if panel.kind in ("lines", "bars") else dim in MARKED


def is_chosen(panel: Panel, array: NamedArray, indices: Mapping[str, int]) -> bool:
    """Whether this is the selected one of several panels that differ in a fixed index, as in the head."""
    several = {dim: index for dim, index in panel.fixed.items() if array.sizes[dim] > 1}
    selected = clamp(indices, array.sizes)
    return bool(several) and all(selected[dim] == index for dim, index in several.items())


def selection_text(trace: Trace, layout: Layout, indices: Mapping[str, int]) -> str:
    """The selected indices that change what is drawn, ``time 7 of 0-40 · head 0 of 0-1``, if any."""
    sizes: dict[str, int] = {}
    for panel in panels_of(layout):
        if panel.is_plain:
            continue  # nothing moves it
        if panel.kind == "scalars":
            continue  # marked by the iteration that others select
        for dim, size in trace[panel.array].sizes.items():
            if dim not in (panel.x, panel.y) or is_marked(panel, dim):
                sizes[dim] = max(size, sizes.get(dim, 0))
    at = clamp(indices, sizes)
    return " · ".join(f"{dim} {at[dim]} of 0-{size - 1}" for dim, size in sizes.items() if size > 1)
