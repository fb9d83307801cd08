"""What views are given, a trace or plain tensors, as a trace with the labels that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nsm_widgets._axes import format_dims
from nsm_widgets._errors import LabelError, ShapeError
from nsm_widgets.trace import NamedArray, Trace, given_trace, to_readonly

Axes = Mapping[int, tuple[str, ...]]
"""Names of axes by their number."""

MEMORY_AXES = {2: ("slot", "word"), 3: ("time", "slot", "word"), 4: ("time", "batch", "slot", "word")}
_UNNAMED = {"row", "column"}
"""Axes of a data frame that has none of its own."""


def named_trace(
    data: object,
    owner: str,
    *,
    alone: str = "",
    axes: Axes | None = None,
    dims: object = None,
    make: Callable[[str, object, tuple[str, ...]], Trace] | None = None,
    needs: str = "",
) -> Trace:
    """What a view was given as a trace: a trace, a recorder, arrays by name, a single array.

    Args:
        data: What was given.
        owner: The view.
        alone: What a single array is called.
        axes: The names of its axes that go without saying.
        dims: Those that were given; of arrays by name, by name.
        make: Makes a trace of a name, a tensor and the names of its axes; checks weights when not given.
        needs: The arrays that the view draws, where a single one is not enough.

    Raises:
        TypeError: If it is none of these, or ``dims`` were given for what has axes with names.
        ShapeError: If a single array has so many axes that they must be named.
        AxisError, LabelError, WeightsError: If something else does not fit.
    """
    found = given_trace(data, alone)
    if found is None and isinstance(data, NamedArray):
        found = Trace(data.renamed(alone or data.name))
    if found is not None:
        unnamed = len(found) == 1 and alone in found and _UNNAMED >= set(found[alone].dims)
        if unnamed:
            array = found[alone]
            return Trace(_with_dims(array, _dims_by_rank(alone, array.shape, dims, axes)))
        if dims is not None:
            raise TypeError(f"dims come with a {type(data).__name__}; give them only with a tensor or array.")
        return found
    if isinstance(data, Mapping):
        return Trace.from_arrays(data, dims=dims)
    if not (hasattr(data, "shape") or isinstance(data, (list, tuple))):
        raise TypeError(
            f"{owner} needs a Trace, got {type(data).__name__}. Record one with TraceRecorder(model), or "
            'give arrays by name: {"memory": memory}.'
        )
    if needs:
        raise ShapeError(
            f"{owner} draws {needs}, got one array without a name. Give it by its name: "
            f"{owner}({{{needs.split(',')[0].split()[0]!r}: array}})."
        )
    name = alone or "values"
    shape = tuple(data.shape if hasattr(data, "shape") else to_readonly(data, name)[0].shape)
    return (make or _plain)(name, data, _dims_by_rank(name, shape, dims, axes))


def _plain(name: str, values: object, dims: tuple[str, ...]) -> Trace:
    return Trace.from_arrays({name: values}, dims={name: dims})


def _with_dims(array: NamedArray, dims: Sequence[str]) -> NamedArray:
    """The array of a data frame with other names of its axes."""
    new = dict(zip(array.dims, dims, strict=True))
    coords = {new[dim]: coord._replace(dims=(new[dim],)) for dim, coord in array.coords.items()}
    return NamedArray(array.name, array.values, dims, coords, array.attrs)


def labelled(trace: Trace, labels: object, names: Sequence[str] = ()) -> Trace:
    """The trace with labels on each array that has the axis, or on these arrays alone.

    Of axes of one name and several lengths, as those of read and write heads, labels go on those that are as
    long.

    Raises:
        AxisError: If there is no such axis.
        LabelError: If none is as long.
    """
    if labels is None:
        return trace
    if not isinstance(labels, Mapping):
        raise LabelError(
            f"labels must map axes to lists of labels, got {type(labels).__name__}. For example "
            'labels={"slot": ["a", "b"]}.'
        )
    for dim, given in labels.items():
        shown = [trace[name] for name in names or trace if name in trace and given is not None]
        done: list[NamedArray] = []
        problem: LabelError | None = None
        for array in [array for array in shown if dim in array.dims] or shown[:1]:
            try:
                coords = {**array.coords, dim: given}
                done.append(NamedArray(array.name, array.values, array.dims, coords, array.attrs))
            except LabelError as error:
                problem = error
        if problem is not None and not done:
            raise problem
        trace = trace.assign(*done)
    return trace


def memory_trace(given: object, owner: str, labels: object, dims: object) -> Trace:
    """A memory as a trace, with its labels."""
    trace = named_trace(given, owner, alone="memory", axes=MEMORY_AXES, dims=dims)
    return labelled(trace, labels)


# dims: checked by the array
def _dims_by_rank(name: str, shape: tuple[int, ...], dims: Any, axes: Axes | None) -> tuple[str, ...]:
    """The axis names that were given, or those that go with so many axes."""
    if dims is not None:
        return tuple(dims)
    if axes is None or len(shape) not in axes:
        shapes = " or ".join(format_dims(names) for names in (axes or {}).values())
        rule = f"must have axes {shapes}" if shapes else "needs names of its axes"
        raise ShapeError(f"{name} {rule}, got shape {shape}. Name others: dims=(...).")
    return axes[len(shape)]
