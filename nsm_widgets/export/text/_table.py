"""What a view shows as a table of values: one line for each cell, whatever its panel draws."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets._replacing import replacing
from nsm_widgets._text import spreadsheet_text
from nsm_widgets.export.text._where import indices_for, panels_of
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import Layout, Panel
from nsm_widgets.view.panels import GraphPanel

_BLOCK = 4_096
"""Lines made at a time: what is held in memory does not grow with the table."""


def csv_lines(
    trace: Trace, layout: Layout, indices: Mapping[str, int], *, panel: str | None = None
) -> Iterator[str]:
    r"""Every cell that is on show, as lines of CSV (RFC 4180), many at a time.

    The columns are ``panel``, ``array``, the number on every axis of the arrays shown (from 0; of a cropped
    axis that which the place had), ``<axis>_label`` for
    each axis that has labels, and ``value``; what an array does not have stays empty. Where an axis is called
    as another column is, its own gets a ``_`` behind. A value is written so that it reads back as the very
    same number of its type; others are ``nan``, ``inf`` and ``-inf``.

    A label that a spreadsheet would take for a formula, for it begins with ``=``, ``+``, ``-``, ``@``, a tab
    or the end of a line and is no number, gets a single quote before it. A lone surrogate becomes U+FFFD.

    Args:
        trace: Holds the arrays of the layout.
        layout: Rows of panels.
        indices: Selected index by axis; clamped to each array.
        panel: The id of the one panel to write; all when not given, but for a graph of cells that another
            panel has.

    Raises:
        UnknownOptionError: If there is no such panel.

    Example:
        >>> from nsm_widgets.view import heatmap_layout
        >>> trace = Trace.from_arrays({"memory": [[0.0, 0.1]]}, dims={"memory": ("slot", "word")})
        >>> "".join(csv_lines(trace, heatmap_layout(trace["memory"]), {})).split("\r\n")[:3]
        ['panel,array,slot,word,value', 'memory,memory,0,0,0.0', 'memory,memory,0,1,0.1']
    """
    chosen = _chosen([each for each in panels_of(layout) if each.valued], panel)
    tables = [_PanelTable.of(each, trace[each.array], indices) for each in chosen]
    dims = list(dict.fromkeys(dim for table in tables for dim in table.array.dims))
    labelled = [dim for dim in dims if any(dim in table.array.coords for table in tables)]
    named = _apart([*dims, *(f"{dim}_label" for dim in labelled)], ("panel", "array", "value"))
    yield _as_csv([["panel", "array", *named, "value"]])
    for table in tables:
        for lines in table.blocks(dims, labelled):
            yield _as_csv(lines)


def save_csv(
    path: str | os.PathLike[str],
    trace: Trace,
    layout: Layout,
    indices: Mapping[str, int],
    *,
    panel: str | None = None,
) -> Path:
    """Write :func:`csv_lines` into a file, in UTF-8, whole or not at all.

    Raises:
        UnknownOptionError: If there is no such panel.
        FileNotFoundError: If there is no such folder.
    """
    target = Path(path)
    with replacing(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines(trace, layout, indices, panel=panel))
    return target


def _apart(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """The names, each unlike those before it and those that are taken.

    >>> _apart(["value", "slot", "slot_label", "slot_label"], ["value"])
    ['value_', 'slot', 'slot_label', 'slot_label_']
    """
    seen = [*taken]
    for name in names:
        while name in seen:
            name += "_"
        seen.append(name)
    return seen[len(taken) :]


def _chosen(panels: Sequence[Panel], panel: str | None) -> list[Panel]:
    """The panel of that name, or all; a graph of what another panel shows is no second table."""
    found = [
        each
        for each in panels
        if (isinstance(panel, str) and each.id == panel) or (panel is None and not _is_told(each, panels))
    ]
    if not found:
        ids = ", ".join(each.id for each in panels)
        raise UnknownOptionError(f"panel must be one of {ids}, got {panel!r}.")
    return found


def _is_told(graph: Panel, panels: Sequence[Panel]) -> bool:
    """Whether it is a graph whose every edge is a cell of another panel."""
    same = (graph.array, {graph.x, graph.y}, graph.fixed)
    return isinstance(graph, GraphPanel) and any(
        not isinstance(each, GraphPanel) and (each.array, {each.x, each.y}, each.fixed) == same
        for each in panels
    )


@dataclass(frozen=True)
class _PanelTable:
    """One panel's cells: axes that it draws run, all others stand where they are selected."""

    panel: Panel
    array: NamedArray
    at: Mapping[str, int]
    running: tuple[str, ...]
    """Axes with every index, the last one the fastest."""

    @classmethod
    def of(cls, panel: Panel, array: NamedArray, indices: Mapping[str, int]) -> _PanelTable:
        running = tuple(dim for dim in dict.fromkeys(panel.axes) if dim in array.dims)
        return cls(panel, array, indices_for(panel, array, indices), running)

    def blocks(self, dims: Sequence[str], labelled: Sequence[str]) -> Iterator[list[list[object]]]:
        """Lines of the table with these columns, some at a time."""
        sizes = self.array.sizes
        picked = self.panel.picked_rows
        if picked:
            sizes[self.panel.y] = len(picked)
        shape = tuple(sizes[dim] for dim in self.running)
        values = self._values()
        labels = {dim: self._labels(dim) for dim in labelled}
        head = [spreadsheet_text(self.panel.id), spreadsheet_text(self.array.name)]
        total = int(np.prod(shape))
        for start in range(0, total, _BLOCK):
            flat = np.arange(start, min(start + _BLOCK, total))
            places = dict(zip(self.running, np.unravel_index(flat, shape), strict=True))
            if picked:
                places[self.panel.y] = np.array(picked)[places[self.panel.y]]
            columns: list[Sequence[object]] = [self._numbers(dim, places.get(dim), len(flat)) for dim in dims]
            for dim in labelled:
                here = places.get(dim, np.full(len(flat), self.at.get(dim, 0)))
                columns.append([labels[dim][i] for i in here] if labels[dim] else [""] * len(flat))
            columns.append([str(value) for value in values[tuple(places[dim] for dim in self.running)]])
            yield [[*head, *line] for line in zip(*columns, strict=True)]

    def _values(self) -> Shaped[np.ndarray, "*running"]:
        """What runs, in the order of the table's lines; nothing is copied."""
        free = [dim for dim in self.array.dims if dim in self.running]
        here = tuple(slice(None) if dim in free else self.at[dim] for dim in self.array.dims)
        values: Shaped[np.ndarray, "*running"] = self.array.values[here].transpose(
            [free.index(dim) for dim in self.running]
        )
        return values

    def _numbers(self, dim: str, places: np.ndarray | None, count: int) -> Sequence[object]:
        """The number of each place along an axis; empty where the array has no such axis."""
        if dim not in self.array.dims:
            return [""] * count
        if places is None:
            return [self.array.number(dim, self.at[dim])] * count
        numbers: list[object] = self.array.numbers(dim)[places].tolist()
        return numbers

    def _labels(self, dim: str) -> list[str]:
        """The labels of an axis, none where the array has none."""
        if dim not in self.array.coords:
            return []
        return [spreadsheet_text(label) for label in self.array.labels(dim, batch=self.at.get("batch", 0))]


def _as_csv(lines: Sequence[Sequence[object]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()
