"""How much each slot of a memory is used: computed from a trace's weights, and laid out as bars."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

from nsm_widgets._axes import format_dims, misnamed
from nsm_widgets._errors import OptionError, ShapeError
from nsm_widgets._options import is_one_of
from nsm_widgets.stats import UNUSED_RULE, unused_slots
from nsm_widgets.trace import NamedArray, Trace, labels_along
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view._coloring import Coloring, default_coloring, drawn
from nsm_widgets.view._derived import derived
from nsm_widgets.view._summary import summary_of
from nsm_widgets.view.panels import BarsOf, BarsPanel, Layout

DEAD_BELOW = 1e-3
"""Where there are scores and no weights, a slot whose score is less than this at the last step is unused."""

SATURATED_SHARE, FEWEST_SATURABLE = 0.5, 4
"""A slot of at least so many is saturated if its score is this share, or more, of all scores together at the
last step: it gets half of all that is read and written. ``nsm_widgets.stats.findings`` says the same."""

WRITTEN_FROM = 0.1
"""A slot is first written where a write head's weight on it reaches this: weights out of a softmax are never
nothing, so that otherwise any slot would count as written at once."""

MOST_BARS = 1_024
"""A bar is an element of the page: more would be thinner than a pixel, and stall it."""

BAR_ORDERS = ("slot", "score", "first write")
"""What the bars can be sorted by; by first write where there are write weights."""

DEFINITION = (
    "read and write weights on a slot, summed up to this step, relative to the slot with the largest sum"
)


def slot_importance(trace: Trace) -> NamedArray:
    """How much each slot was used up to each step, relative to the most used one: in [0, 1].

    A slot's use at a step is the sum of all read and all write weights on it, over heads and over the steps
    so far of the same sequence (``sequence_starts``); what was recorded of the two counts. This is
    ``NTMMemory.get_importance_scores`` for each item of the batch by itself, and for each step.

    Returns:
        An array ``(time, batch, slot)`` of float32 named ``importance``: zeros where nothing was used yet.

    Raises:
        ShapeError: If the trace has neither ``read_weights`` nor ``write_weights`` with axes ``time`` and
            ``slot``, or the two differ in another axis than ``head``.

    Example:
        >>> trace = Trace.from_arrays({"read_weights": [[[[0.75, 0.25]]], [[[0.25, 0.75]]]]})
        >>> slot_importance(trace).isel(batch=0).values.round(3).tolist()
        [[1.0, 0.3330000042915344], [1.0, 1.0]]
    """
    weights = [trace[name] for name in ("read_weights", "write_weights") if name in trace]
    for array in weights:
        missing = {"time", "slot"} - set(array.dims)
        if missing:
            raise ShapeError(
                f"{array.name} must have axes (time, batch, head, slot), got {format_dims(array.dims)}."
                f"{misnamed(missing, array.dims)}"
            )
    if not weights:
        raise ShapeError(
            "the trace must hold importance, read_weights or write_weights, got "
            f"{', '.join(trace) or 'no arrays'}. Record a memory with TraceRecorder, or give the scores "
            "themselves."
        )
    used = [_over_heads(array) for array in weights]
    if len(used) == 2 and used[0].sizes != used[1].sizes:
        raise ShapeError(
            "read_weights and write_weights must agree in all axes but head to be added, got "
            f"{used[0].sizes} and {used[1].sizes}. Drop one of them from the trace."
        )
    total = sum(array.values for array in used)
    dims = used[0].dims
    sums = _running_sums(np.asarray(total), dims.index("time"), trace.attrs.get("sequence_starts", ()))
    most = sums.max(axis=dims.index("slot"), keepdims=True)
    scores = np.divide(sums, most, out=np.zeros_like(sums), where=(most > 0) | np.isnan(most))
    return derived("importance", scores.astype(np.float32), dims, used[0], DEFINITION)


def _over_heads(weights: NamedArray) -> NamedArray:
    values = weights.values.astype(np.float64)
    dims = weights.dims
    if "head" in dims:
        values, dims = values.sum(axis=dims.index("head")), tuple(dim for dim in dims if dim != "head")
    coords = labels_along(weights.coords, dims)
    return NamedArray(weights.name, values, dims, coords)


def _running_sums(
    values: Float64[np.ndarray, "*shape"], axis: int, starts: tuple[int, ...]
) -> Float64[np.ndarray, "*shape"]:
    """Sums up to each step, begun anew at each start."""
    inner = [start for start in starts if 0 < start < values.shape[axis]]
    parts = [part.cumsum(axis=axis) for part in np.split(values, inner, axis=axis)]
    return np.concatenate(parts, axis=axis)


def first_write(trace: Trace) -> NamedArray | None:
    """The step at which each slot was first written; NaN where it never was, ``None`` without write weights.

    A slot is written where a write head's weight on it reaches :data:`WRITTEN_FROM`.

    Returns:
        An array ``(batch, slot)`` of float32 named ``first_write``.
    """
    weights = trace.get("write_weights")
    if weights is None or not {"time", "slot"} <= set(weights.dims):
        return None
    written: Bool[np.ndarray, "*shape"] = np.asarray(weights.values >= WRITTEN_FROM)
    dims = weights.dims
    if "head" in dims:
        written = np.asarray(written.any(axis=dims.index("head")))
        dims = tuple(dim for dim in dims if dim != "head")
    time = dims.index("time")
    first = weights.numbers("time")[written.argmax(axis=time)]
    steps = np.where(written.any(axis=time), first, np.nan).astype(np.float32)
    kept = tuple(dim for dim in dims if dim != "time")
    description = f"first step at which a write weight reaches {WRITTEN_FROM:g}"
    return derived("first_write", steps, kept, weights, description)


def slot_use(importance: NamedArray, unused: Bool[np.ndarray, " slot"] | None = None) -> NamedArray:
    """What became of each slot at the last step: 0 for used, 1 for unused, 2 for saturated.

    Args:
        importance: Scores with an axis ``slot``; without ``time``, those that there are.
        unused: Slots that nobody uses, by their weights; by the scores when not given.

    Returns:
        An array of int8 named ``slot_use``, the axes of ``importance`` without ``time``.
    """
    last = importance.isel(time=-1) if "time" in importance.dims else importance
    values = last.values.astype(np.float64)
    axis = last.dims.index("slot")
    total = np.nansum(values, axis=axis, keepdims=True)
    with np.errstate(invalid="ignore"):
        saturated = (
            (values >= SATURATED_SHARE * total) & (total > 0) & (values.shape[axis] >= FEWEST_SATURABLE)
        )
        along = [-1 if place == axis else 1 for place in range(values.ndim)]
        nothing = values < DEAD_BELOW if unused is None else unused.reshape(along)
        codes = np.where(nothing, 1, np.where(saturated, 2, 0)).astype(np.int8)
    description = "0 used, 1 unused, 2 saturated at the last step"
    return derived("slot_use", codes, last.dims, last, description)


def importance_layout(trace: Trace, *, sort: str = "slot", height_px: int = 220) -> tuple[Layout, Trace]:
    """Bars of the importance of each slot, unused and saturated slots marked.

    Args:
        trace: Holds ``importance``, or the weights that it is computed from.
        sort: ``"slot"``, ``"score"`` or, with write weights, ``"first write"``.
        height_px: Height of the chart.

    Returns:
        The layout, and the trace with what was computed added.

    Raises:
        ShapeError: If there is neither, or there are more than :data:`MOST_BARS` slots.
        ValueError: If there is no such order.
    """
    given = "importance" in trace
    importance = trace["importance"] if given else slot_importance(trace)
    if "slot" not in importance.dims:
        raise ShapeError(
            f"importance must have an axis slot, got {format_dims(importance.dims)}."
            f"{misnamed(['slot'], importance.dims)}"
        )
    count = importance.sizes["slot"]
    if count > MOST_BARS:
        raise ShapeError(
            f"importance must have at most {MOST_BARS:,} slots to be drawn as bars, got {count:,}. Draw it "
            'as a Heatmap: Heatmap(trace["importance"], y="time", x="slot").'
        )
    written = first_write(trace)
    if written is not None and not _fits(written, importance):
        written = None
    unused = None if given else unused_slots(trace)
    use = slot_use(importance, unused)
    names = BAR_ORDERS if written is not None else BAR_ORDERS[:2]
    if not is_one_of(sort, names):
        raise OptionError(f"sort must be one of {', '.join(names)}, got {sort!r}.")
    when = " at the last step" if importance.sizes.get("time", 1) > 1 else ""
    panel = BarsPanel(
        **drawn(importance, "slot", "slot", "slot importance", _coloring(importance)),
        height_px=height_px,
        bars=BarsOf(
            note=_note(importance, given=given),
            sort=sort,
            orders={} if written is None else {"first write": written.name},
            flags=use.name,
            kinds=(
                "used",
                "unused: " + (f"below {DEAD_BELOW:g}{when}" if unused is None else UNUSED_RULE),
                f"saturated: {SATURATED_SHARE:.0%} or more of all scores together{when}",
            ),
        ),
    )
    return ((panel,),), trace.assign(importance, use, *([written] if written is not None else []))


def _fits(written: NamedArray, importance: NamedArray) -> bool:
    """Whether first writes are of the slots, and of no axis, that the scores have."""
    return all(importance.sizes.get(dim) == size for dim, size in written.sizes.items())


def _note(importance: NamedArray, *, given: bool) -> str:
    if not given:
        return f"importance = {DEFINITION}"
    description = importance.attrs.get("description", "")
    return f"importance = {description}" if description else "importance = the scores as they were given"


def _coloring(importance: NamedArray) -> Coloring:
    """From 0 to 1, where the scores are no larger: so pictures compare."""
    summary = summary_of(importance)
    if 0 <= summary.low and summary.high <= 1:
        return Coloring(ColorDomain(0.0, 1.0), "ink")
    own = default_coloring(importance)
    return own if summary.low < 0 else default_coloring(importance, vmin=0.0, vmax=summary.high)
