"""A model's answers beside what they should be: as probabilities, with the wrong bits marked."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

from nsm_widgets.trace import Coord, NamedArray, Trace
from nsm_widgets.view._coloring import default_coloring, drawn
from nsm_widgets.view._derived import derived
from nsm_widgets.view._masked import NOT_ASKED, WRONG
from nsm_widgets.view.panels import HeatmapPanel

PROBABILITY = "output_probability"


def output_probability(trace: Trace) -> NamedArray | None:
    """The probability of a one for each bit that a model answers with; ``None`` where no bits are asked for.

    They are, where the trace holds a ``target`` of the axes and sizes of ``output`` whose values are 0 and 1,
    but for NaN: nothing is asked there, nor where ``target_mask`` (time, batch) is false. An output that
    leaves [0, 1] is taken as logits, and its logistic sigmoid is the probability (as in Graves et al. 2014,
    section 4: cross-entropy); one that does not is taken as it is. A bit is wrong where its probability is on
    the other side of one half than the target, or is NaN: the array's ``mask`` leaves these out, and
    ``mask_means`` says so.

    Returns:
        An array like ``output``, named ``output_probability``, float32.

    Example:
        >>> trace = Trace.from_arrays({"output": [[[3.0, -2.0]]], "target": [[[1.0, 1.0]]]})
        >>> found = output_probability(trace)
        >>> [round(float(each), 2) for each in found.values.flat], found.coords["mask"].values.tolist()
        ([0.95, 0.12], [[[True, False]]])
    """
    if not {"output", "target"} <= set(trace):
        return None
    output, target = trace["output"], trace["target"]
    if output.sizes != target.sizes or {"time", "channel"} - set(output.dims):
        return None
    right, is_asked = (
        np.transpose(values, [target.dims.index(dim) for dim in output.dims])
        for values in (np.asarray(target.values, np.float64), _asked(trace))
    )
    if not is_asked.any() or not np.isin(right[is_asked], (0.0, 1.0)).all():
        return None
    values: Float64[np.ndarray, "*shape"] = np.asarray(output.values, np.float64)
    is_logits = bool(((values < 0) | (values > 1)).any())
    probability = _sigmoid(values) if is_logits else values
    wrong = is_asked & ~((probability > 0.5) == (right > 0.5))
    wrong |= is_asked & np.isnan(probability)
    about = f"probability of a one{': the logistic sigmoid of the output, its logits' if is_logits else ''}"
    array = derived(PROBABILITY, probability.astype(np.float32), output.dims, output, about)
    return _masked(array, ~wrong, WRONG)


def asked_target(trace: Trace) -> NamedArray:
    """The target, with a mask of the entries that are asked for."""
    return _masked(trace["target"], _asked(trace), NOT_ASKED)


def _asked(trace: Trace) -> Bool[np.ndarray, "*shape"]:
    """Whether each entry of the target is asked for."""
    target = trace["target"]
    is_asked: Bool[np.ndarray, "*shape"] = ~np.isnan(np.asarray(target.values, np.float64))
    mask = trace.get("target_mask")
    if mask is not None and set(mask.dims) <= set(target.dims):
        kept = [dim for dim in target.dims if dim in mask.dims]
        told = np.transpose(mask.values, [mask.dims.index(dim) for dim in kept]) != 0
        is_asked &= told.reshape([mask.sizes.get(dim, 1) for dim in target.dims])
    return is_asked


def _sigmoid(logits: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """The logistic sigmoid, without overflow."""
    small = np.exp(-np.abs(logits))
    sigmoid: Float64[np.ndarray, "*shape"] = np.where(logits >= 0, 1.0, small) / (1.0 + small)
    return sigmoid


def _masked(array: NamedArray, mask: Bool[np.ndarray, "*shape"], means: str) -> NamedArray:
    if mask.all():
        return array
    coords = {**array.coords, "mask": Coord(array.dims, mask)}
    return NamedArray(array.name, array.values, array.dims, coords, {**array.attrs, "mask_means": means})


def answer_panel(array: NamedArray, height_px: int) -> HeatmapPanel:
    """The probabilities over time, from 0 to 1."""
    coloring = default_coloring(array, vmin=0.0, vmax=1.0, cmap="ink")
    title = "output · probability of 1"
    return HeatmapPanel(**drawn(array, "channel", "time", title, coloring), height_px=height_px)
