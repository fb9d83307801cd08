"""How a memory changes: its difference to the step before, and the course of single slots."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float64

from nsm_widgets._axes import format_dims
from nsm_widgets._errors import OptionError, ShapeError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view._coloring import default_coloring, drawn
from nsm_widgets.view._derived import derived, memory_change, memory_steps, steps_without_one_before
from nsm_widgets.view._layouts import lines_layout
from nsm_widgets.view._lines import MOST_NAMED_LINES
from nsm_widgets.view.panels import HeatmapPanel, Layout, Panel
from nsm_widgets.view.slots._fold import with_unused

NO_SLOTS = "slots must name at least one, got none. Not given, they are those that changed most."

_SlotStatistic = Callable[[Float64[np.ndarray, "*slot word"]], Float64[np.ndarray, "*slot"]]
STATISTICS: dict[str, tuple[str, _SlotStatistic]] = {
    "slot_norm": ("Euclidean norm of each slot", lambda words: np.sqrt((words**2).sum(axis=-1))),
    "slot_mean": ("mean of each slot's words", lambda words: words.mean(axis=-1)),
    "slot_std": ("standard deviation of each slot's words", lambda words: words.std(axis=-1)),
}
"""What is drawn of a slot over time, by the name of the array."""


def memory_difference(trace: Trace) -> NamedArray:
    """``memory[t] - memory[t - 1]``, computed in float64.

    The step before the first is ``initial_memory``; where that was not recorded, the first step is NaN, for
    there is no step before it. So is the first step of every later sequence (``sequence_starts``).

    Returns:
        An array ``(time, ..., slot, word)`` of float32 named ``memory_difference``.

    Raises:
        ShapeError: As :func:`memory_change`.
    """
    steps, dims, memory = memory_steps(trace)
    with np.errstate(over="ignore"):  # past the largest float32 is infinite, and marked so
        differences = steps.astype(np.float32)
    about = "memory minus the memory one step before"
    stepless = steps_without_one_before(trace, memory)
    return derived("memory_difference", differences, dims, memory, about, kind="content", stepless=stepless)


def slot_statistics(memory: NamedArray) -> list[NamedArray]:
    """Norm, mean and standard deviation of each slot along ``word``, in float64 from the recorded values.

    Returns:
        Arrays with the axes of ``memory`` but ``word``, of float32, named as in :data:`STATISTICS`.
    """
    dims = (*(dim for dim in memory.dims if dim != "word"), "word")
    values = np.transpose(memory.values, [memory.dims.index(dim) for dim in dims]).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        return [
            derived(name, statistic(values).astype(np.float32), dims[:-1], memory, description)
            for name, (description, statistic) in STATISTICS.items()
        ]


def most_changed(change: NamedArray, most: int = MOST_NAMED_LINES) -> list[int]:
    """The slots that moved furthest over all steps and items, at most so many, by their index.

    >>> moved = NamedArray("memory_change", [[0.0, 3.0, 1.0], [np.nan, 0.0, 0.5]], dims=("time", "slot"))
    >>> most_changed(moved, 2)
    [1, 2]
    """
    axis = change.dims.index("slot")
    paths = np.moveaxis(change.values.astype(np.float64), axis, -1).reshape(-1, change.shape[axis])
    far = np.where(np.isfinite(paths), paths, 0.0).sum(axis=0)
    return sorted(np.argsort(-far, kind="stable")[:most].tolist())


def evolution_layouts(
    trace: Trace, slots: Sequence[int] | None = None, *, lines_px: int = 200
) -> tuple[list[Layout], Trace]:
    """Maps of a memory, its difference and its changes; then, each by itself, the course of chosen slots.

    Args:
        trace: Holds ``memory`` with axes ``time``, ``slot`` and ``word``.
        slots: Slots that have a line; those that changed most when not given.
        lines_px: Height of a chart of lines.

    Returns:
        The layouts, the maps first, and the trace with what was computed added.

    Raises:
        ShapeError: If there is no such memory.
        ValueError: If a slot does not exist or is named twice, or none is named.
    """
    memory = trace.get("memory")
    if memory is None or not {"time", "slot", "word"} <= set(memory.dims):
        got = f"the arrays {', '.join(trace)}" if memory is None else format_dims(memory.dims)
        raise ShapeError(f"the trace must hold memory with axes (time, batch, slot, word), got {got}.")
    difference, change = memory_difference(trace), memory_change(trace)
    statistics = slot_statistics(memory)
    chosen = most_changed(change) if slots is None else list(slots)
    if not chosen:
        raise OptionError(NO_SLOTS)
    maps = (
        (
            _map(memory, x="word", title="memory"),
            _map(difference, x="word", title="difference to the step before"),
            _map(change, x="time", title="change of each slot", cmap="writes"),
        ),
    )
    titles = {"slot_norm": "norm", "slot_mean": "mean", "slot_std": "standard deviation"}
    lines = [
        lines_layout(array, lines="slot", picked=chosen, title=titles[array.name], height_px=lines_px)
        for array in statistics
    ]
    shown = trace.assign(difference, change, *statistics)
    return [with_unused(maps, shown, chosen), *lines], shown


def _map(array: NamedArray, *, x: str, title: str, cmap: str | None = None) -> Panel:
    coloring = default_coloring(array, cmap=cmap)
    return HeatmapPanel(**drawn(array, "slot", x, title, coloring))
