"""Which panels each view shows, and how they are arranged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from nsm_widgets._axes import did_you_mean, misnamed
from nsm_widgets._errors import AxisError, OptionError, ShapeError
from nsm_widgets.trace import NamedArray, Trace, attention_names
from nsm_widgets.view._answers import answer_panel, asked_target, output_probability
from nsm_widgets.view._coloring import Coloring, default_coloring, drawn
from nsm_widgets.view._derived import addressing_stages, memory_change
from nsm_widgets.view._dnc import dnc_rows
from nsm_widgets.view._lines import count_lines
from nsm_widgets.view.panels import (
    HeatmapPanel,
    Layout,
    LinesPanel,
    LinksPanel,
    Panel,
    ScalarReadout,
    ThumbnailsPanel,
)
from nsm_widgets.view.slots._fold import with_unused

PANEL_PX, SLOTS_PX, STAGES_PX, SIGNAL_PX, LINES_PX = 230, 190, 60, 80, 220
"""Heights of the drawn areas, in CSS pixels."""

MOST_LINES, MOST_POINTS = 256, 100_000
"""A chart is made of elements of the page, not of pixels: more lines or points than this would stall it."""

SIDES = ("write", "read")

ABREAST = 3
"""Panels of a row of the explorer: what goes in, what comes out, and what stands beside."""

MANY_HEADS = 4
"""Above this many heads a side's maps get lower and narrower, so that all of them fit on a page."""


def heatmap_layout(
    array: NamedArray,
    *,
    x: str | None = None,
    y: str | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    cmap: str | None = None,
    title: str | None = None,
    aspect: str = "fill",
    height_px: int = 320,
    annotate: bool = False,
) -> Layout:
    """One heatmap of any array; the axes not drawn follow the selection.

    Raises:
        ShapeError: If the array has less than two or more than five axes.
        AxisError: If ``x`` or ``y`` is no axis of the array, or both are the same.
    """
    if not 2 <= array.ndim <= 5:
        raise ShapeError(
            f"{array.name} must have 2 to 5 axes to be drawn as a heatmap, got {array.ndim}: "
            f"({', '.join(array.dims)}). "
            + (f"Pick an index first, for example array.isel({array.dims[0]}=0)." if array.ndim else "")
        )
    _check_names(x=x, y=y)
    remaining = [dim for dim in array.dims if dim not in (x, y)]
    x = x or remaining.pop()
    y = y or remaining[-1]
    for role, dim in (("x", x), ("y", y)):
        if dim not in array.dims:
            raise AxisError(
                f"{role} must be an axis of {array.name} ({', '.join(array.dims)}), got {dim!r}."
                f"{did_you_mean(dim, array.dims)}"
            )
    if x == y:
        raise AxisError(f"x and y must be two different axes of {array.name}, got {x!r} for both.")
    coloring = default_coloring(array, vmin=vmin, vmax=vmax, cmap=cmap)
    square = aspect == "equal"
    return (
        (
            HeatmapPanel(
                **drawn(array, y, x, title or array.name.replace("_", " "), coloring),
                aspect="equal" if square else "fill",
                height_px=height_px,
                annotate=annotate,
            ),
        ),
    )


def _check_names(**dims: object) -> None:
    for role, dim in dims.items():
        if dim is not None and not isinstance(dim, str):
            raise AxisError(f"{role} must be the name of an axis, got {type(dim).__name__}.")


def lines_layout(
    array: NamedArray,
    *,
    x: str = "time",
    lines: str | None = None,
    picked: Sequence[int] = (),
    vmin: float | None = None,
    vmax: float | None = None,
    title: str | None = None,
    height_px: int = LINES_PX,
    fewest_points: int = 2,
) -> Layout:
    """An array's values over one axis, one line for each index of another; the others follow the selection.

    Args:
        array: What to draw.
        x: Axis across.
        lines: Axis with one line for each index; ``head``, else ``slot``, else the last other axis when not
            given. Where there is no other axis, one line.
        picked: Indices of that axis that have a line; all when none is named.
        vmin: Value at the foot.
        vmax: Value at the top.
        title: Heading, and name of the axis of values; the array's name when not given, with its unit
            where it is described to be in nats.
        height_px: Height of the chart.
        fewest_points: 1 where there will be more.

    Raises:
        AxisError: If ``x`` or ``lines`` is no axis of the array, or both are the same.
        ShapeError: If these are more than :data:`MOST_LINES` lines, or :data:`MOST_POINTS` points.
        ValueError: If ``vmin`` or ``vmax`` is not finite, or ``vmin`` is not less than ``vmax``.
    """
    _check_names(x=x, lines=lines)
    others = [dim for dim in array.dims if dim != x]
    lines = lines or next((dim for dim in ("head", "slot", *others[::-1]) if dim in others), x)
    for role, dim in (("x", x), ("lines", lines)):
        if dim not in array.dims:
            raise AxisError(
                f"{role} must be an axis of {array.name} ({', '.join(array.dims)}), got {dim!r}."
                f"{did_you_mean(dim, array.dims)}"
            )
    if lines == x and others:
        raise AxisError(f"x and lines must be two different axes of {array.name}, got {x!r} for both.")
    picked = _picked(array, lines, picked)
    coloring = default_coloring(array.isel(**{lines: picked}) if picked else array, vmin=vmin, vmax=vmax)
    panel = LinesPanel(
        **drawn(array, lines, x, title or _name_and_unit(array), coloring),
        picked=tuple(picked),
        height_px=height_px,
    )
    count, steps = count_lines(array, panel), array.sizes[x]
    if count * steps < fewest_points:
        raise ShapeError(
            f"a chart of {array.name} must have at least two points, got a single value. It is a number: "
            "Heatmap(..., annotate=True) prints it."
        )
    if count > MOST_LINES or count * steps > MOST_POINTS:
        raise ShapeError(
            f"a chart of {array.name} must have at most {MOST_LINES} lines and {MOST_POINTS:,} points, got "
            f"{count:,} ({lines}) with {steps:,} each ({x}). Draw it as a Heatmap, or give another axis "
            "for lines."
        )
    return ((panel,),)


def _name_and_unit(array: NamedArray) -> str:
    name = array.name.replace("_", " ")
    return f"{name} (nats)" if str(array.attrs.get("description", "")).endswith(" in nats") else name


def _picked(array: NamedArray, dim: str, picked: Sequence[int]) -> list[int]:
    """The indices as given, once each exists and none is repeated."""
    size = array.sizes[dim]
    for index in picked:
        if isinstance(index, bool) or not isinstance(index, (int, np.integer)) or not 0 <= index < size:
            raise OptionError(
                f"each {dim} must be an integer in [0, {size - 1}], got {index!r}: {array.name} has {size} "
                f"along {dim}."
            )
    if len(set(picked)) < len(picked):
        raise OptionError(f"each {dim} must be named once, got {list(picked)!r}.")
    return [int(index) for index in picked]


def memory_layout(trace: Trace) -> tuple[Layout, Trace]:
    """Memory contents at the current step, and beside them when each slot changed.

    Returns:
        The layout, and the trace with the derived ``memory_change`` added.
    """
    memory = need(trace, "memory", "memory", "slot", "word")
    panels = [HeatmapPanel(**drawn(memory, "slot", "word", "memory"))]
    if "time" in memory.dims:
        change = memory_change(trace)
        trace = trace.assign(change)
        coloring = default_coloring(change, cmap="writes")
        panels.append(HeatmapPanel(**drawn(change, "slot", "time", "change of each slot", coloring)))
    return with_unused((tuple(panels),), trace), trace


def read_write_layout(trace: Trace) -> Layout:
    """A map over time and slots for every head: what was written where, and what was read back."""
    panels: list[Panel] = []
    for side in SIDES:
        name = f"{side}_weights"
        if name in trace:
            panels += _head_panels(trace[name], side)
    if not panels:
        raise ShapeError(
            "the trace must hold read_weights or write_weights with axes (time, batch, head, slot), "
            f"got {', '.join(trace) or 'no arrays'}. "
            'Trace.from_arrays({"read_weights": weights}) makes such a trace.'
        )
    return with_unused((tuple(panels),), trace)


def attention_layout(trace: Trace) -> Layout:
    """Attention of the selected layer and head, large; beside it all as thumbnails, and the strongest links.

    Of several arrays of attention, the panels of one are on show at a time.
    """
    names = attention_names(trace)
    if len(names) < 2:
        return _attention_layout(need(trace, *names or ("attention",), "attention", "query", "key"))
    return tuple(
        tuple(replace(panel, shown_in=name) for panel in row)
        for name in names
        for row in _attention_layout(trace[name], title=name)
    )


def _attention_layout(attention: NamedArray, title: str = "attention") -> Layout:
    coloring = default_coloring(attention)
    large = HeatmapPanel(
        **drawn(attention, "query", "key", title, coloring),
        aspect="equal",
        height_px=520,
        min_width_px=340,
        grow=1.6,
        own_ranges=True,
    )
    heads = all_heads(attention, "query", "key", coloring)
    links = LinksPanel(
        **drawn(attention, "query", "key", "strongest links", coloring, panel=f"{attention.name}_links"),
        beneath=bool(heads),
        min_width_px=300,
    )
    if not heads:
        return ((large, links),)
    return ((*(replace(panel, height_px=520, own_ranges=True) for panel in heads), links, large),)


def all_heads(array: NamedArray, y: str, x: str, coloring: Coloring) -> tuple[ThumbnailsPanel, ...]:
    """A small picture of each layer and head in one panel; none where there is one alone."""
    if array.sizes.get("layer", 1) * array.sizes.get("head", 1) == 1:
        return ()
    rows, columns = (dim if dim in array.dims else None for dim in ("layer", "head"))
    about = drawn(array, y, x, "all heads", coloring, panel=f"{array.name}_thumbnails")
    return (ThumbnailsPanel(**about, rows=rows, columns=columns, min_width_px=300),)


def explorer_layout(trace: Trace) -> tuple[Layout, Trace]:
    """Everything a memory-augmented network did, in one panel: signals, writes, reads, addressing, memory.

    As in figure 6 of Graves et al. 2014, what goes in and what is written stands at the left, what comes out
    and what is read at the right, over one axis of time; beside them the stages of addressing and the memory.
    Of a DNC also usage, allocation, links and read modes. Shows what the trace holds; at least the memory or
    a weighting is needed.

    Returns:
        The layout, and the trace with the derived arrays added.
    """
    weights = [side for side in SIDES if f"{side}_weights" in trace]
    if not weights and "memory" not in trace:
        raise ShapeError(
            "the trace must hold memory, read_weights or write_weights to be explored, "
            f"got {', '.join(trace) or 'no arrays'}. "
            "Record one NTM with TraceRecorder (of several in a model, TraceRecorder(model.part)), "
            "or draw any array with Heatmap."
        )
    _check_slots(trace)
    addressing: list[Panel] = []
    for side in SIDES:
        stages = addressing_stages(trace, side)
        if stages is not None:
            trace = trace.assign(stages)
            addressing.append(_addressing_panel(trace, stages, side))
    answers = output_probability(trace)
    signals = [
        _signals(trace, answers),
        _over_time(trace, ("write_add", "word", "adds"), ("read_vectors", "word", "reads")),
    ]
    if answers is not None:
        trace = trace.assign(answers, asked_target(trace))
    rows = [_filled(signal, addressing) for signal in signals if signal]
    slots, trace = _slot_rows(trace, weights, [*addressing, *chain(*dnc_rows(trace))])
    slots = [tuple(replace(each, height_px=min(each.height_px, SLOTS_PX)) for each in row) for row in slots]
    return with_unused((*rows, *slots), trace), trace


def _signals(trace: Trace, answers: NamedArray | None) -> tuple[Panel, ...]:
    """What the model was given, its answers, as probabilities where bits are asked for, and the target."""
    told = _over_time(trace, ("output", "channel"))
    if answers is not None:
        told = (answer_panel(answers, SIGNAL_PX),)
    return (*_over_time(trace, ("input", "channel")), *told, *_over_time(trace, ("target", "channel")))


def _filled(row: tuple[Panel, ...], beside: list[Panel]) -> tuple[Panel, ...]:
    """A row of at least two, with one of what stands beside."""
    return (*row, beside.pop(0)) if len(row) == ABREAST - 1 and beside else row


def _slot_rows(
    trace: Trace, weights: Sequence[str], beside: Sequence[Panel]
) -> tuple[list[tuple[Panel, ...]], Trace]:
    """The maps of heads over time and slots, the memory, and what is left of that which stands beside.

    Where it is not known what was written, the change of the memory is there, too.
    """
    memory: list[Panel] = []
    if "memory" in trace:
        layout, changed = memory_layout(trace)
        is_told = "write" in weights
        memory, trace = list(layout[0][:1] if is_told else layout[0]), changed
    heads = [_head_panels(trace[f"{side}_weights"], side) for side in weights]
    first: list[tuple[Panel, ...]] = []
    panels = [*chain(*heads), *memory, *beside]
    if max(map(len, heads), default=0) > MANY_HEADS:
        first, panels = [tuple(chain(*heads))], [*memory, *beside]
    elif len(heads) == ABREAST - 1 and len(heads[0]) == len(heads[1]):
        first = [_filled(pair, memory) for pair in zip(*heads, strict=True)]
        panels = [*memory, *beside]
    return [*first, *(tuple(panels[at : at + ABREAST]) for at in range(0, len(panels), ABREAST))], trace


def _over_time(trace: Trace, *arrays: tuple[str, ...]) -> tuple[Panel, ...]:
    """Maps over time of those arrays that the trace holds: name, axis down, and heading, if not the name."""
    return tuple(
        HeatmapPanel(**drawn(trace[name], dim, "time", [name, *title][-1]), height_px=SIGNAL_PX)
        for name, dim, *title in arrays
        if name in trace and {dim, "time"} <= set(trace[name].dims)
    )


def _check_slots(trace: Trace) -> None:
    """Views are linked by slot: memory and weights must count the same ones."""
    slots = {
        name: trace[name].sizes["slot"]
        for name in ("memory", "write_weights", "read_weights")
        if name in trace and "slot" in trace[name].dims
    }
    if len(set(slots.values())) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in slots.items())
        raise ShapeError(
            f"memory and weights must have the same slots to be explored together, but {told}. "
            "Show unrelated arrays with MemoryView and ReadWriteView."
        )


def choices_of(layout: Layout) -> tuple[str, ...]:
    """The things of which a layout shows one at a time, in order of appearance."""
    return tuple(dict.fromkeys(panel.shown_in for row in layout for panel in row if panel.shown_in))


def chosen_panels(layout: Layout, chosen: str) -> Layout:
    """The panels that are on show with one of them; with the first, where none of them is chosen."""
    choices = choices_of(layout)
    on_show = ("", chosen if chosen in choices else next(iter(choices), ""))
    rows = (tuple(panel for panel in row if panel.shown_in in on_show) for row in layout)
    return tuple(row for row in rows if row)


def arrays_of(layout: Layout) -> tuple[str, ...]:
    """Names of the arrays that a layout draws or reads numbers from, each once, in order of appearance."""
    return tuple(dict.fromkeys(name for row in layout for panel in row for name in panel.arrays))


def _head_panels(weights: NamedArray, side: str) -> list[Panel]:
    name, missing = weights.name, {"time", "head", "slot"} - set(weights.dims)
    if missing:
        raise ShapeError(
            f"{name} must have axes (time, batch, head, slot), got ({', '.join(weights.dims)}). "
            f"Missing: {', '.join(sorted(missing))}."
            f"{misnamed(missing, weights.dims) or ' A single head? Add its axis: weights[:, :, None].'}"
        )
    many = weights.sizes["head"] > MANY_HEADS
    coloring = default_coloring(weights)
    return [
        HeatmapPanel(
            **drawn(weights, "slot", "time", f"{side} head {label}", coloring, panel=f"{name}_{head}"),
            fixed={"head": head},
            height_px=150 if many else PANEL_PX,
            min_width_px=210 if many else 250,
        )
        for head, label in enumerate(weights.labels("head"))
    ]


def _addressing_panel(trace: Trace, stages: NamedArray, side: str) -> Panel:
    symbols = (
        ("β", "strength", "key strength β ≥ 0: how strictly the key is matched"),
        ("g", "gate", "interpolation gate g in [0, 1]: 1 content only, 0 last step's weighting"),
        ("γ", "sharpening", "sharpening γ ≥ 1"),
    )
    return HeatmapPanel(
        **drawn(stages, "stage", "slot", f"{side} addressing"),
        height_px=STAGES_PX,
        scalars=tuple(
            ScalarReadout(symbol, f"{side}_{name}", text)
            for symbol, name, text in symbols
            if f"{side}_{name}" in trace
        ),
    )


def need(trace: Trace, name: str, meaning: str, *dims: str) -> NamedArray:
    """The array that must be there, with these axes."""
    if name not in trace:
        raise ShapeError(f"the trace must hold {name}, got {', '.join(trace) or 'no arrays'}.")
    array = trace[name]
    missing = [dim for dim in dims if dim not in array.dims]
    if missing:
        raise ShapeError(
            f"{name} must have axes ({', '.join(dims)}) to be shown as {meaning}, "
            f"got ({', '.join(array.dims)}).{misnamed(missing, array.dims)}"
        )
    return array
