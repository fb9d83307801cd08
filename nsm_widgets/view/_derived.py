"""Arrays computed from a trace for the views: always from the recorded values, in float64."""

from __future__ import annotations

import numpy as np

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import Coord, NamedArray, Trace

STAGES: tuple[tuple[str, str], ...] = (
    ("content", "content_weights"),
    ("gated", "gated_weights"),
    ("shifted", "shifted_weights"),
    ("final", "weights"),
)
"""The steps of NTM addressing (Graves et al. 2014, section 3.3), in order: name on screen, suffix of the array."""


def memory_change(trace: Trace) -> NamedArray:
    """How far each slot moved at each step: the Euclidean norm of ``memory[t] - memory[t - 1]`` along ``word``.

    The step before the first is ``initial_memory``; where that was not recorded, the first step's change is NaN, because
    it is not known.

    Returns:
        An array ``(time, ..., slot)`` of float32 named ``memory_change``.

    Raises:
        ShapeError: If the trace has no ``memory`` with axes ``time``, ``slot`` and ``word``.
    """
    memory = trace["memory"] if "memory" in trace else None
    if memory is None or not {"time", "slot", "word"} <= set(memory.dims):
        got = "none" if memory is None else f"({', '.join(memory.dims)})"
        raise ShapeError(f"memory must have axes (time, batch, slot, word), got {got}.")
    dims = ("time", *(d for d in memory.dims if d not in ("time", "slot", "word")), "slot", "word")
    values = np.transpose(memory.values, [memory.dims.index(d) for d in dims]).astype(np.float64)
    changes = np.full(values.shape[:-1], np.nan)
    with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, and drawn so
        changes[1:] = np.sqrt(((values[1:] - values[:-1]) ** 2).sum(axis=-1))
        if "initial_memory" in trace:
            first = trace["initial_memory"]
            start = np.transpose(first.values, [first.dims.index(d) for d in dims[1:]]).astype(np.float64)
            changes[0] = np.sqrt(((values[0] - start) ** 2).sum(axis=-1))
    return NamedArray(
        "memory_change",
        changes.astype(np.float32),
        dims=dims[:-1],
        coords={d: memory.coords[d] for d in dims[:-1] if d in memory.coords},
        attrs={"kind": "scalar", "description": "norm of the change since the step before"},
    )


def addressing_stages(trace: Trace, side: str) -> NamedArray | None:
    """The weightings of one side's addressing, stacked along ``stage``; ``None`` where they were not recorded.

    Args:
        trace: Holds ``{side}_content_weights`` and the later stages, each ``(time, batch, head, slot)``.
        side: ``"read"`` or ``"write"``.

    Returns:
        An array ``(time, batch, head, stage, slot)`` named ``{side}_addressing``.
    """
    names = [f"{side}_{suffix}" for _, suffix in STAGES]
    if not all(name in trace for name in names):
        return None
    stages = [trace[name] for name in names]
    final = stages[-1]
    return NamedArray(
        f"{side}_addressing",
        np.stack([stage.values for stage in stages], axis=-2),
        dims=(*final.dims[:-1], "stage", final.dims[-1]),
        coords={**final.coords, "stage": Coord(("stage",), np.array([label for label, _ in STAGES]))},
        attrs={
            "kind": "weights",
            "memory_seen": final.attrs.get("memory_seen", "unknown"),
            "description": "content, gate, shift and sharpening, each a weighting over slots",
        },
    )


def with_derived(trace: Trace) -> Trace:
    """The trace with every array added that some view computes from it: changes of memory, stages of addressing."""
    derived = [addressing_stages(trace, "write"), addressing_stages(trace, "read")]
    if "memory" in trace and {"time", "slot", "word"} <= set(trace["memory"].dims):
        derived.append(memory_change(trace))
    return trace.assign(*[array for array in derived if array is not None])
