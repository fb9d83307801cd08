"""Arrays computed from a trace for the views: always from the recorded values, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from nsm_widgets._axes import format_sizes
from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import Coord, NamedArray, Trace, labels_along
from nsm_widgets.view._masked import NO_STEP_BEFORE

BLOCK_VALUES = 1 << 21
"""Values of a memory that are worked on at a time."""

STAGES: tuple[tuple[str, str], ...] = (
    ("content", "content_weights"),
    ("gated", "gated_weights"),
    ("shifted", "shifted_weights"),
    ("final", "weights"),
)
"""The steps of NTM addressing (Graves et al. 2014, section 3.3): name on screen, suffix of the array."""


def derived(
    name: str,
    values: Shaped[np.ndarray, "..."],
    dims: tuple[str, ...],
    like: NamedArray,
    description: str,
    *,
    kind: str = "scalar",
    stepless: Bool[np.ndarray, " time"] | None = None,
) -> NamedArray:
    """An array that was computed, with the labels of another along the axes that it has.

    Of differences, ``stepless`` says which steps have no step before them: they get a mask that says so.
    """
    coords, attrs = labels_along(like.coords, dims), {"kind": kind, "description": description}
    if stepless is not None and stepless.any():
        coords = {**coords, "mask": Coord(("time",), ~stepless)}
        attrs["mask_means"] = NO_STEP_BEFORE
    return NamedArray(name, values, dims, coords, attrs)


def steps_without_one_before(trace: Trace, memory: NamedArray) -> Bool[np.ndarray, " time"]:
    """Whether the step before each step is unknown."""
    stepless: Bool[np.ndarray, " time"] = ~memory.has_step_before()
    stepless[0] |= "initial_memory" not in trace
    starts = [start for start in trace.attrs.get("sequence_starts", ()) if 0 < start < len(stepless)]
    stepless[starts] = True
    return stepless


def memory_change(trace: Trace) -> NamedArray:
    """How far each slot moved at each step: the norm of ``memory[t] - memory[t - 1]`` along ``word``.

    The step before the first is ``initial_memory``; where that was not recorded, the first step's change is
    NaN, because it is not known. So is the first step of every later sequence in the same recording
    (``sequence_starts``): the memory before it belongs to another sequence.

    Returns:
        An array ``(time, ..., slot)`` of float32 named ``memory_change``.

    Raises:
        ShapeError: If the trace has no ``memory`` with axes ``time``, ``slot`` and ``word``, or
            ``initial_memory`` is not one step of it.
    """
    memory, dims = _memory_of(trace)
    time = dims.index("time")
    sizes = [memory.sizes[dim] for dim in dims]
    changes = np.empty(sizes[:-1], np.float32)
    length = max(1, BLOCK_VALUES * sizes[time] // memory.values.size)
    for start in range(0, sizes[time], length):  # a memory may be larger than what is free of this machine's
        block = slice(start, min(start + length, sizes[time]))
        steps = _steps(trace, memory, dims, block)
        with np.errstate(invalid="ignore", over="ignore"):
            norms = np.sqrt((steps**2).sum(axis=-1))
            np.moveaxis(changes, time, 0)[block] = np.moveaxis(norms, time, 0)
    about = "norm of the change since the step before"
    stepless = steps_without_one_before(trace, memory)
    return derived("memory_change", changes, dims[:-1], memory, about, stepless=stepless)


def memory_steps(trace: Trace) -> tuple[Float[np.ndarray, "*shape"], tuple[str, ...], NamedArray]:
    """``memory[t] - memory[t - 1]`` in float64, its axes with ``slot`` and ``word`` last, and the memory.

    NaN where there is no step before; see :func:`memory_change`, also for what is raised.
    """
    memory, dims = _memory_of(trace)
    return _steps(trace, memory, dims, slice(0, memory.sizes["time"])), dims, memory


def _memory_of(trace: Trace) -> tuple[NamedArray, tuple[str, ...]]:
    """The memory, and its axes with ``slot`` and ``word`` last."""
    memory = trace.get("memory")
    if memory is None or not {"time", "slot", "word"} <= set(memory.dims):
        got = "none" if memory is None else f"({', '.join(memory.dims)})"
        raise ShapeError(f"memory must have axes (time, batch, slot, word), got {got}.")
    return memory, (*(dim for dim in memory.dims if dim not in ("slot", "word")), "slot", "word")


def _steps(
    trace: Trace, memory: NamedArray, dims: tuple[str, ...], block: slice
) -> Float[np.ndarray, "*shape"]:
    """Differences to the step before, of some time steps."""
    time = dims.index("time")
    here = tuple(
        slice(max(block.start - 1, 0), block.stop) if dim == "time" else slice(None) for dim in memory.dims
    )
    read = np.transpose(memory.values[here], [memory.dims.index(dim) for dim in dims])
    values = np.moveaxis(read, time, 0).astype(np.float64)
    if block.start == 0:
        known = "initial_memory" in trace
        first = _first_memory(trace["initial_memory"], memory, dims) if known else values[0]
        values = np.concatenate([first[None], values])
    with np.errstate(invalid="ignore", over="ignore"):  # infinity minus infinity is NaN, and drawn so
        steps = np.diff(values, axis=0)
    steps[steps_without_one_before(trace, memory)[block]] = np.nan
    return np.moveaxis(steps, 0, time)


def _first_memory(first: NamedArray, memory: NamedArray, dims: tuple[str, ...]) -> Float[np.ndarray, "*step"]:
    """The memory before the first step, its axes ordered as one step of ``dims``."""
    sizes = {dim: memory.sizes[dim] for dim in dims if dim != "time"}
    if dict(sorted(first.sizes.items())) != dict(sorted(sizes.items())):
        raise ShapeError(
            f"initial_memory must be one step of memory, {format_sizes(sizes, sizes.values())}, "
            f"got {format_sizes(first.dims, first.shape)}. Leave it out where it is not known."
        )
    return _ordered(first, tuple(sizes))


def _ordered(array: NamedArray, dims: tuple[str, ...]) -> Float[np.ndarray, "*shape"]:
    """The values in float64, axes in the order given."""
    return np.transpose(array.values, [array.dims.index(dim) for dim in dims]).astype(np.float64)


def addressing_stages(trace: Trace, side: str) -> NamedArray | None:
    """The weightings of one side's addressing, stacked along ``stage``; ``None`` if not recorded.

    Args:
        trace: Holds ``{side}_content_weights`` and the later stages, each ``(time, batch, head, slot)``.
        side: ``"read"`` or ``"write"``.

    Returns:
        An array ``(time, batch, head, stage, slot)`` named ``{side}_addressing``.

    Raises:
        ShapeError: If the stages differ in axes or sizes.
    """
    names = [f"{side}_{suffix}" for _, suffix in STAGES]
    if not all(name in trace for name in names):
        return None
    stages = [trace[name] for name in names]
    final = stages[-1]
    for stage in stages:
        if stage.sizes != final.sizes or stage.dims != final.dims:
            raise ShapeError(
                f"{stage.name} must have the axes and sizes of {final.name}, "
                f"{format_sizes(final.dims, final.shape)}, got {format_sizes(stage.dims, stage.shape)}. "
                "Drop it from the trace, or record it from the same run."
            )
    kept: dict[str, Any] = {
        name: final.attrs[name] for name in ("memory_seen", "source_dtype") if name in final.attrs
    }
    return NamedArray(
        f"{side}_addressing",
        np.stack([stage.values for stage in stages], axis=-2),
        dims=(*final.dims[:-1], "stage", final.dims[-1]),
        coords={**final.coords, "stage": Coord(("stage",), np.array([label for label, _ in STAGES]))},
        attrs={
            **kept,
            "kind": "weights",
            "description": "content, gate, shift and sharpening, each a weighting over slots",
        },
    )


def with_derived(trace: Trace) -> Trace:
    """The trace with what views compute from it added: changes of memory, stages of addressing."""
    derived = [addressing_stages(trace, "write"), addressing_stages(trace, "read")]
    if "memory" in trace and {"time", "slot", "word"} <= set(trace["memory"].dims):
        derived.append(memory_change(trace))
    return trace.assign(*[array for array in derived if array is not None])
