"""What views are given, a trace or plain tensors, as a trace with the labels that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import NamedArray, Trace


def labelled(trace: Trace, name: str, labels: Mapping[str, Any]) -> Trace:
    """The trace with labels on axes of one array; those that are ``None`` stay as they are.

    Raises:
        AxisError: If the array has no such axis.
        LabelError: If there are not as many labels as the axis is long.
    """
    given = {dim: names for dim, names in labels.items() if names is not None}
    if not given or name not in trace:
        return trace
    array = trace[name]
    return trace.assign(
        NamedArray(name, array.values, array.dims, {**array.coords, **given}, dict(array.attrs))
    )


def dims_by_rank(
    name: str, shape: tuple[int, ...], dims: Any, known: Mapping[int, tuple[str, ...]]
) -> tuple[str, ...]:
    """The axis names that were given, or those that go with so many axes.

    Raises:
        ShapeError: If so many axes have no names that go without saying.
    """
    if dims is not None:
        return tuple(dims)
    if len(shape) not in known:
        shapes = " or ".join(f"({', '.join(names)})" for names in known.values())
        raise ShapeError(f"{name} must have axes {shapes}, got shape {shape}. Name others: dims=(...).")
    return known[len(shape)]
