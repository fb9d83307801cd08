"""What the heads of a memory did: their weights over slots before a step and after it, side by side."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from nsm_widgets._axes import format_dims, format_sizes, misnamed
from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view._coloring import Coloring, default_coloring, drawn
from nsm_widgets.view.panels import HeatmapPanel, Layout, Panel

SIDES = ("write", "read")
NOT_RECORDED = "not known: nothing was recorded before this step"

_ROW_PX, _LEAST_PX, _MOST_PX = 34, 60, 260


def operations_layout(trace: Trace) -> tuple[Layout, Trace]:
    """Heads down, slots across: write weights before and after the step, and below them the read weights.

    "Before" is the step before, and at the first step ``initial_read_weights`` or ``initial_write_weights``
    where the trace holds them. What is not known is NaN, which is marked, and the picture says so. Weights
    without a ``time`` axis have a "before" only where the trace holds the initial ones.

    Returns:
        The layout, and the trace with named heads and the derived ``write_weights_before`` and
        ``read_weights_before`` added.

    Raises:
        ShapeError: If there are neither read nor write weights with axes ``head`` and ``slot``, or their
            slots differ, or the initial weights are not those of one step.
    """
    sides = [side for side in SIDES if f"{side}_weights" in trace]
    if not sides:
        raise ShapeError(
            "the trace must hold read_weights or write_weights with axes (time, batch, head, slot), "
            f"got {', '.join(trace) or 'no arrays'}. ReadWriteView.from_weights takes the weights of one "
            "step as they are."
        )
    after = {side: _with_named_heads(trace[f"{side}_weights"], side) for side in sides}
    _check_slots(after)
    pairs = {side: (_before(trace, weights, side), weights) for side, weights in after.items()}
    arrays = [array for pair in pairs.values() for array in pair if array is not None]
    domain = _common_domain(arrays)
    rows = tuple(_row(side, before, weights, domain) for side, (before, weights) in pairs.items())
    return rows, trace.assign(*arrays)


def _row(side: str, before: NamedArray | None, weights: NamedArray, domain: ColorDomain) -> tuple[Panel, ...]:
    if before is None:
        return (_panel(side, weights, f"{side} weights", domain),)
    return (
        _panel(side, before, f"{side} weights before", domain),
        _panel(side, weights, f"{side} weights after", domain),
    )


def _panel(side: str, weights: NamedArray, title: str, domain: ColorDomain) -> Panel:
    cmap = "signed" if domain.diverging else f"{side}s"
    height = min(max(_ROW_PX * weights.sizes["head"], _LEAST_PX), _MOST_PX)
    return HeatmapPanel(
        **drawn(weights, "head", "slot", title, Coloring(domain, cmap)),
        height_px=height,
        min_width_px=300,
        unknown=NOT_RECORDED if weights.name.endswith("_before") else "",
    )


def _common_domain(arrays: list[NamedArray]) -> ColorDomain:
    """One domain for all four pictures, so that they compare: [0, 1] for weights."""
    domains = [default_coloring(array).domain for array in arrays]
    low, high = min(domain.low for domain in domains), max(domain.high for domain in domains)
    if low < 0:
        return ColorDomain(-max(-low, high), max(-low, high), diverging=True)
    return ColorDomain(low, high)


def _with_named_heads(weights: NamedArray, side: str) -> NamedArray:
    missing = {"head", "slot"} - set(weights.dims)
    if missing:
        raise ShapeError(
            f"{weights.name} must have axes (time, batch, head, slot), got {format_dims(weights.dims)}. "
            f"Missing: {', '.join(sorted(missing))}."
            f"{misnamed(missing, weights.dims) or ' A single head? Add its axis: weights[:, :, None].'}"
        )
    names = [f"{side} head {label}" for label in weights.labels("head")]
    attrs = {"kind": "weights", **weights.attrs}
    return NamedArray(weights.name, weights.values, weights.dims, {**weights.coords, "head": names}, attrs)


def _before(trace: Trace, weights: NamedArray, side: str) -> NamedArray | None:
    """The weights one step earlier; ``None`` where neither time nor initial weights say anything of them."""
    initial = trace.get(f"initial_{side}_weights")
    if "time" not in weights.dims and initial is None:
        return None
    inner = tuple(dim for dim in weights.dims if dim != "time")
    first = np.full([weights.sizes[dim] for dim in inner], np.nan)
    if initial is not None:
        first = _ordered_like(initial, weights, inner)
    return NamedArray(
        f"{side}_weights_before",
        _shifted(trace, weights, first) if "time" in weights.dims else first,
        weights.dims,
        weights.coords,
        {**weights.attrs, "description": f"{side} weights of the step before; NaN where they are not known"},
    )


def _shifted(
    trace: Trace, weights: NamedArray, first: Float[np.ndarray, "*step"]
) -> Float[np.ndarray, "*shape"]:
    """Each step's weights moved to the step after it."""
    axis = weights.dims.index("time")
    values = weights.values if weights.dtype.kind == "f" else weights.values.astype(np.float64)
    dtype = np.result_type(values.dtype, first.dtype) if np.isfinite(first).any() else values.dtype
    moved: Float[np.ndarray, "*shape"] = np.concatenate(
        [
            np.expand_dims(first, axis).astype(dtype),
            values.astype(dtype).take(range(values.shape[axis] - 1), axis),
        ],
        axis=axis,
    )
    starts = [start for start in trace.attrs.get("sequence_starts", ()) if 0 < start < values.shape[axis]]
    moved[(slice(None),) * axis + (starts,)] = np.nan  # before them was another sequence
    moved[(slice(None),) * axis + (~weights.has_step_before(),)] = np.nan
    return moved


def _ordered_like(
    initial: NamedArray, weights: NamedArray, inner: tuple[str, ...]
) -> Float[np.ndarray, "*step"]:
    sizes = {dim: weights.sizes[dim] for dim in inner}
    if dict(sorted(initial.sizes.items())) != dict(sorted(sizes.items())):
        raise ShapeError(
            f"{initial.name} must be one step of {weights.name}, {format_sizes(sizes, sizes.values())}, "
            f"got {format_sizes(initial.dims, initial.shape)}. Leave it out where it is not known."
        )
    values = np.transpose(initial.values, [initial.dims.index(dim) for dim in inner])
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _check_slots(weights: dict[str, NamedArray]) -> None:
    counts = {array.name: array.sizes["slot"] for array in weights.values()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise ShapeError(
            f"read and write weights must be over the same slots, but {told}. Show unrelated memories in "
            "views of their own."
        )
