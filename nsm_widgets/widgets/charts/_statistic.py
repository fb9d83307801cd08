"""Statistics that a line chart draws: by their names, of which array, along which axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nsm_widgets import stats
from nsm_widgets._axes import did_you_mean, format_dims
from nsm_widgets._errors import NsmWidgetsError, ShapeError, UnknownOptionError
from nsm_widgets.trace import NamedArray, Trace, attention_names
from nsm_widgets.view import Layout, Panel

StatisticFunction = Callable[[NamedArray], Any]

OF_WEIGHTS: dict[str, Callable[..., Any]] = {
    "entropy": stats.entropy,
    "normalised_entropy": stats.normalised_entropy,
    "focus": stats.focus,
    "effective_slots": stats.effective_slots,
    "max_weight": stats.max_weight,
    "sparsity": stats.sparsity,
    "hoyer_sparsity": stats.hoyer_sparsity,
    "usage": stats.usage,
}
"""Of weights over slots, keys or states."""

OF_ATTENTION: dict[str, Callable[..., Any]] = {
    "attention_distance": stats.attention_distance,
    "previous_token_share": stats.previous_token_share,
    "next_token_share": stats.next_token_share,
    "same_token_share": stats.same_token_share,
    "first_token_share": stats.first_token_share,
}
"""Of attention of tokens to tokens, one value for each query."""

OF_MEMORY: dict[str, Callable[..., Any]] = {
    "memory_mean": stats.memory_mean,
    "memory_std": stats.memory_std,
    "memory_range": stats.memory_range,
    "memory_sparsity": stats.memory_sparsity,
    "active_slots": stats.active_slots,
    "slot_similarity": stats.slot_similarity,
}
"""Of a memory's contents."""

STATISTICS = (*OF_WEIGHTS, *OF_ATTENTION, *OF_MEMORY)
ACROSS = ("time", "iteration", "head", "layer", "query")
"""Axes that a chart may have across, in the order in which they are chosen."""


def statistic_panels(
    trace: Trace,
    statistic: str | StatisticFunction,
    wanted: tuple[str, str],
    growing: bool,
    panel_of: Callable[[NamedArray, str], Panel],
) -> tuple[Trace, Layout]:
    """The trace with a statistic of an array, and what draws it; of several arrays of attention, each.

    Args:
        trace: What was given, or what of a recording there is.
        statistic: Its name, or a function.
        wanted: Names of the array and of the axis across; empty where they are to be chosen.
        growing: Whether there will be more iterations than the trace holds.
        panel_of: Makes a panel of an array and the axis across.
    """
    array, x = wanted
    panels: dict[str, Panel] = {}
    problem: NsmWidgetsError | None = None
    for name in _arrays_of(trace, statistic, array or None):
        try:
            values = _value_of(trace[name], statistic, x or None)
            growing_sizes = {"iteration": 2} if growing and "iteration" in values.dims else {}
            sizes = {**values.sizes, **growing_sizes}
            across = x or next((dim for dim in ACROSS if sizes.get(dim, 1) > 1), values.dims[0])
            panels[name] = panel_of(values, across)
        except NsmWidgetsError as error:  # as of an array without one of the axes
            problem = problem or error
            continue
        trace = trace.assign(values)
    if problem is not None and not panels:
        raise problem
    if len(panels) == 1:
        return trace, (tuple(panels.values()),)
    return trace, tuple((replace(panel, shown_in=name),) for name, panel in panels.items())


def check_statistic(statistic: object) -> None:
    if isinstance(statistic, str) and statistic not in STATISTICS:
        raise UnknownOptionError(
            f"statistic must be one of {', '.join(STATISTICS)}, or a function, got {statistic!r}."
            f"{did_you_mean(statistic, STATISTICS)}"
        )
    if not (isinstance(statistic, str) or callable(statistic)):
        raise TypeError(f"statistic must be a name or a function, got {type(statistic).__name__}.")


def _arrays_of(trace: Trace, statistic: str | StatisticFunction, name: str | None) -> tuple[str, ...]:
    """The array that is asked for; else the one that a statistic is of, or several of attention."""
    wanted: tuple[str, ...] = ("attention", "write_weights", "read_weights")
    wanted = ("memory",) if statistic in OF_MEMORY else wanted[:1] if statistic in OF_ATTENTION else wanted
    attention = attention_names(trace) if "attention" in wanted and name is None else ()
    if attention:
        return attention
    name = name or next((each for each in wanted if each in trace), None)
    if name is None or name not in trace:
        got = "none of " + ", ".join(wanted) if name is None else repr(name)
        raise ShapeError(f"array must be one of the trace ({', '.join(trace)}), got {got}.")
    return (name,)


def _value_of(array: NamedArray, statistic: str | StatisticFunction, x: str | None) -> NamedArray:
    """The statistic, with at least one axis."""
    compute: StatisticFunction
    if not isinstance(statistic, str):
        compute = statistic
    elif statistic in OF_WEIGHTS and statistic != "usage" and "query" in array.dims and x != "query":
        compute = partial(OF_WEIGHTS[statistic], per="matrix")
    else:
        compute = {**OF_WEIGHTS, **OF_ATTENTION, **OF_MEMORY}[statistic]
    values = compute(array)
    if not isinstance(values, NamedArray):
        raise TypeError(
            "a statistic must return a NamedArray, so that its axes are known, got "
            f"{type(values).__name__}. The functions of nsm_widgets.stats do."
        )
    if statistic in OF_ATTENTION and x != "query":
        values = _mean_over(values, "query")
    if values.ndim == 0:
        raise ShapeError(
            f"{values.name} must have an axis to be drawn along, and {array.name} {format_dims(array.dims)} "
            "leaves none. It is a single number: nsm_widgets.stats gives it."
        )
    return values


def _mean_over(values: NamedArray, dim: str) -> NamedArray:
    """The mean over an axis of what is not NaN; NaN where nothing is."""
    if dim not in values.dims:
        return values
    axis = values.dims.index(dim)
    known = ~np.isnan(values.values)
    count = known.sum(axis=axis)
    total = np.where(known, values.values, 0.0).sum(axis=axis)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    dims = [each for each in values.dims if each != dim]
    coords = {name: coord for name, coord in values.coords.items() if dim not in (name, *coord.dims)}
    about = f"{values.attrs.get('description', values.name)}, mean over {dim}"
    return NamedArray(values.name, mean, dims, coords, {**values.attrs, "description": about})
